"""Run every check on this checkout: style, types, import rules, locks, web pages and all tests."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from api.city import say
from api.steps import Steps
from runtime import programs, stores, webbuild
from runtime.settings import CHECKOUT
from runtime.trouble import SetupTrouble

app = typer.Typer()
BROWSER_PACKAGES = ("chromium", "fonts-noto-cjk")


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that did not pass, with what it said."""

    name: str
    said: str


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_checks(
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Leave out the web pages and the browser tests.")] = False,
    only: Annotated[str, typer.Option("-k", metavar="EXPRESSION", help="Run only the tests that match.")] = "",
) -> None:
    """Run every check on this checkout: style, types, import rules, locks, web pages and all tests.

    Further arguments go to pytest. Exit code 1 when anything fails.
    """
    programs.ensure(allow_system=True, user_runtime=stores.existing_user_runtime(), say=say)
    if not fast:
        _ensure_browser()
    with Steps() as steps:
        failures = _checks(steps, fast=fast)
    for failure in failures:
        typer.echo(f"\n--- {failure.name} ---\n{failure.said}")
    chosen = [*(["-k", only] if only else []), *(["--ignore=tests/browser"] if fast else []), *context.args]
    tests = subprocess.run([sys.executable, "-m", "pytest", "-n", "auto", *chosen], cwd=CHECKOUT, check=False)
    failed = [failure.name for failure in failures] + (["tests"] if tests.returncode else [])
    if failed:
        typer.echo(f"Failed: {', '.join(failed)}")
        raise typer.Exit(1)


def _checks(steps: Steps, *, fast: bool) -> list[Failure]:
    """Run everything that is not a test, two at a time, and return what failed."""
    wanted: dict[str, Callable[[], str | None]] = {
        "types": lambda: _complaint("mypy"),
        "style": lambda: _complaint("ruff", "check"),
        "import rules": lambda: _complaint("lint-imports", "--no-logo"),
        "locks": _locks,
    }
    if not fast:
        wanted = {"web pages": _web, **wanted}

    def one(name: str) -> Failure | None:
        with steps.step(name):
            said = wanted[name]()
        return None if said is None else Failure(name, said)

    with ThreadPoolExecutor(2) as pool:
        return [failure for failure in pool.map(one, wanted) if failure is not None]


def _complaint(tool: str, *arguments: str) -> str | None:
    """Run a tool of this environment and return what it said when it was not content."""
    argv = [str(Path(sys.executable).with_name(tool)), *arguments]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}".strip() if done.returncode else None


def _locks() -> str | None:
    """Look for addresses in lock files: they would tie every checkout to one machine's registry."""
    found = [lock.name for lock in sorted(CHECKOUT.glob("*.lock")) if "://" in lock.read_text()]
    npm = CHECKOUT / "web" / "package-lock.json"
    if npm.exists() and '"resolved"' in npm.read_text():
        found.append("web/package-lock.json")
    return f"Addresses of a registry in: {', '.join(found)}" if found else None


def _web() -> str | None:
    """Type check, test and build the web pages; the browser tests use what is built here."""
    try:
        webbuild.check()
        webbuild.build()
    except SetupTrouble as trouble:
        return f"{trouble}\n{webbuild.LOG.read_text(errors='replace')[-4000:]}"
    return None


def _ensure_browser() -> None:
    """Make sure Chromium and a Chinese font are there for the browser tests; as root they are installed."""
    if shutil.which("chromium") and list(Path("/usr/share/fonts").rglob("NotoSansCJK*")):
        return
    if shutil.which("apt-get") is None:
        if shutil.which("chromium") is None:
            raise SetupTrouble("The browser tests need Chromium.", "Install it, or leave them out: ./gridwarden test --fast")
        return
    programs.apt_install(BROWSER_PACKAGES, what="Chromium and a Chinese font for the browser tests", say=say)
