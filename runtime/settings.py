"""Where this city lives and how it is reached: one frozen value, read from the environment or from options.

Every process of a city (supervisor, API, worker, a single command) builds the same `Settings`, so addresses are
computed and never handed around. Secrets are files in the home, made on first use and readable by their owner only.
"""

import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runtime.trouble import SetupTrouble

CHECKOUT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8700
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # names what is recognised, binds nothing
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes on Linux and 103 on macOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one city.

    `home` holds everything that must survive: database, photos, secrets, logs. `given_database_url` and
    `given_redis_url` name stores run by somebody else; where they are None the city runs its own. `deliveries_allow` lists
    inner networks (10.1.0.0/16, 127.0.0.1) that messages may be sent to; without it only public addresses are.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tls: bool = False
    demo: bool = True
    api_processes: int = 1
    given_database_url: str | None = None
    given_redis_url: str | None = None
    durable: bool = True
    system_packages: bool = True
    user_runtime: bool = False
    log_level: str = "info"
    given_public_url: str | None = None
    deliveries_allow: tuple[str, ...] = ()
    web_dist: Path = CHECKOUT / "web" / "dist"

    @property
    def database_url(self) -> str:
        """A libpq URL, good for psycopg as it stands."""
        return self.given_database_url or f"postgresql://gridwarden@/gridwarden?host={self.sockets / 'pg'}"

    @property
    def redis_url(self) -> str:
        """A redis-py URL: the private server's unix socket unless another was given."""
        return self.given_redis_url or f"unix://{self.sockets / 'redis' / 'redis.sock'}"

    @property
    def sockets(self) -> Path:
        """The folder of the unix sockets: inside the home where the path is short enough for the kernel."""
        inside = self.home / "run"
        if len(os.fsencode(inside / "pg" / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
            return inside
        # /tmp because it is short everywhere; the stores refuse the folder when it is somebody else's.
        return Path("/tmp") / f"gridwarden-{os.geteuid()}-{sha256(os.fsencode(self.home)).hexdigest()[:12]}"  # noqa: S108

    @property
    def run_dir(self) -> Path:
        """Process records and locks; nothing in it has to survive a restart of the machine."""
        return self.home / "run"

    @property
    def logs_dir(self) -> Path:
        """One file for each process, rotated by size."""
        return self.home / "logs"

    @property
    def media_dir(self) -> Path:
        """Photos, shared by every API process of this city."""
        return self.home / "media"

    @property
    def demo_accounts_file(self) -> Path:
        """Where the demo loader leaves the random passwords of its accounts (mode 0600)."""
        return self.home / "demo-accounts.json"

    @property
    def base_url(self) -> str:
        """The address a browser on this machine uses."""
        shown = "localhost" if self.host in LOOPBACK | EVERYWHERE else self.host
        return f"{'https' if self.tls else 'http'}://{shown}:{self.port}"

    @property
    def public_url(self) -> str:
        """The address people reach this city by, for links in messages; `GRIDWARDEN_PUBLIC_URL` or the one on this machine."""
        return (self.given_public_url or self.base_url).rstrip("/")

    def signing_key(self) -> bytes:
        """Return the 32 byte key that signs tokens; `GRIDWARDEN_SIGNING_KEY` (hex) wins, for several machines."""
        given = os.environ.get("GRIDWARDEN_SIGNING_KEY")
        return bytes.fromhex(given) if given else self._secret("signing.key")

    def _secret(self, name: str) -> bytes:
        folder = self.home / "secrets"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / name
        if not path.exists():
            fresh = folder / f".{name}.{secrets.token_hex(4)}"
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, path)  # of two processes making the key at once, the first one wins
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return bytes.fromhex(path.read_text())

    def to_environment(self) -> dict[str, str]:
        """Return the variables from which `from_environment` in a child process rebuilds these settings."""
        values = {
            "GRIDWARDEN_HOME": str(self.home),
            "GRIDWARDEN_HOST": self.host,
            "GRIDWARDEN_PORT": str(self.port),
            "GRIDWARDEN_TLS": "1" if self.tls else "0",
            "GRIDWARDEN_API_PROCESSES": str(self.api_processes),
            "GRIDWARDEN_LOG_LEVEL": self.log_level,
            "GRIDWARDEN_WEB_DIST": str(self.web_dist),
            "GRIDWARDEN_DURABLE": "1" if self.durable else "0",
        }
        if self.given_database_url:
            values["DATABASE_URL"] = self.given_database_url
        if self.given_public_url:
            values["GRIDWARDEN_PUBLIC_URL"] = self.given_public_url
        if self.deliveries_allow:
            values["GRIDWARDEN_DELIVERIES_ALLOW"] = ",".join(self.deliveries_allow)
        if self.given_redis_url:
            values["REDIS_URL"] = self.given_redis_url
        return values

    @property
    def home_option(self) -> str:
        """What a command must be given to mean this home: nothing for the one it would take by itself."""
        return "" if self.home == from_environment().home else f" --home {shlex.quote(str(self.home))}"

    def prepare_home(self) -> None:
        """Make the folders of the home, or raise SetupTrouble when the place cannot be used.

        As root the home lets other users pass through (0711), because the stores run as users of their own.
        """
        private = 0o711 if os.geteuid() == 0 else 0o700
        try:
            for folder in (self.home, self.run_dir):
                folder.mkdir(mode=private, parents=True, exist_ok=True)
            for folder in (self.logs_dir, self.media_dir):
                folder.mkdir(mode=0o700, exist_ok=True)
            probe = self.run_dir / f".write-{os.getpid()}"
            probe.write_bytes(b"x" * 4096)
            probe.unlink()
        except OSError as error:
            raise SetupTrouble(
                f"{self.home} cannot be written: {error.strerror}.",
                "Make room or give another folder with --home DIR.",
            ) from error


def default_home() -> Path:
    """Return the home used when none is named: /var/lib for root, the user's data folder otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/gridwarden")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "gridwarden"


def from_environment(environment: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
    """Read the settings of this process; an explicit `home` wins over `GRIDWARDEN_HOME`."""
    env = os.environ if environment is None else environment
    named = home or (Path(env["GRIDWARDEN_HOME"]) if env.get("GRIDWARDEN_HOME") else default_home())
    return Settings(
        home=named.expanduser().absolute(),
        host=env.get("GRIDWARDEN_HOST", "127.0.0.1"),
        port=int(env.get("GRIDWARDEN_PORT", DEFAULT_PORT)),
        tls=env.get("GRIDWARDEN_TLS") == "1",
        api_processes=int(env.get("GRIDWARDEN_API_PROCESSES", 1)),
        given_database_url=env.get("DATABASE_URL") or None,
        given_redis_url=env.get("REDIS_URL") or None,
        durable=env.get("GRIDWARDEN_DURABLE", "1") == "1",
        log_level=env.get("GRIDWARDEN_LOG_LEVEL", "info"),
        given_public_url=env.get("GRIDWARDEN_PUBLIC_URL") or None,
        deliveries_allow=tuple(part for part in env.get("GRIDWARDEN_DELIVERIES_ALLOW", "").replace(" ", "").split(",") if part),
        web_dist=Path(env.get("GRIDWARDEN_WEB_DIST", CHECKOUT / "web" / "dist")),
    )
