"""Accounts and folders for programs that must not run as root and that nobody else may reach."""

import os
import pwd
import stat
from pathlib import Path

from runtime.settings import Settings
from runtime.trouble import SetupTrouble


def socket_folder(settings: Settings, name: str, user: str | None) -> Path:
    """Make the folder of one store's socket; one below /tmp is only used when it really is ours."""
    base = settings.sockets
    if base != settings.run_dir:
        base.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        seen = base.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
            raise SetupTrouble(f"{base} belongs to somebody else.", "Give a shorter folder with --home DIR.")
    return private_folder(base / name, user)


def private_folder(folder: Path, user: str | None) -> Path:
    """Make a folder that only the user (None: we ourselves) may enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def account(store: str) -> str | None:
    """Return the unprivileged account a store runs as when we are root; None means: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in (store, "postgres"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise SetupTrouble("PostgreSQL refuses to run as root and there is no user `postgres`.", "Run: useradd -r postgres")
