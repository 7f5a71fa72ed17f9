"""PostgreSQL, PostGIS and Redis in a user's own folder, from the distribution's packages, without being root.

Debian's programs run from any folder as long as the tree below it is kept; the loader is told where the libraries are.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from runtime.trouble import SetupTrouble

_NOT_FOLLOWED = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")


def unpack(packages: Sequence[str], *, into: Path, say: Callable[[str], None]) -> None:
    """Download the packages with everything they need that this machine lacks, and unpack them below `into`.

    The tree is made beside its place and moved in whole. Raises SetupTrouble when a package cannot be had.
    """
    wanted = _missing(packages)
    say(f"Downloading {len(wanted)} packages for this user alone into {into}")
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{into.name}-", dir=into.parent) as scratch:
        debs, tree = Path(scratch) / "debs", Path(scratch) / "tree"
        debs.mkdir()
        _run(["apt-get", "download", "-qq", *wanted], cwd=debs)
        for deb in sorted(debs.iterdir()):
            _run(["dpkg", "-x", str(deb), str(tree)], cwd=debs)
        _link_what_dpkg_would(tree)
        (tree / "complete").touch()
        shutil.rmtree(into, ignore_errors=True)
        tree.rename(into)


def _missing(packages: Sequence[str]) -> list[str]:
    """Return the packages and all they depend on, without what is installed on this machine already."""
    skip = [f"--no-{kind}" for kind in _NOT_FOLLOWED]
    shown = _run(["apt-cache", "depends", "--recurse", *skip, *packages])
    closure = set(re.findall(r"^([a-z0-9][a-z0-9.+-]+)(?::\w+)?$", shown, re.MULTILINE))
    status = _run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n"])
    return sorted(closure - {line.split()[1] for line in status.splitlines() if line.startswith("installed ")})


def _link_what_dpkg_would(tree: Path) -> None:
    """Make the links that the packages' own install scripts would have made."""
    for control in tree.glob("usr/share/postgresql/*/extension/postgis-3.control"):
        link = control.with_name("postgis.control")
        if not link.exists():
            link.symlink_to(control.name)


def _run(argv: list[str], *, cwd: Path | None = None) -> str:
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise SetupTrouble(f"{argv[0]} failed: {last}", "Ask the administrator to run: sudo apt-get update")
    return done.stdout
