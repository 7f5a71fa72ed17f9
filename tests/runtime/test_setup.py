"""What a first start decides: which programs suit, what has to be installed, what has to be built again."""

import subprocess
import sys
from pathlib import Path

import pytest

from runtime import bootstrap, programs, webbuild
from runtime.settings import CHECKOUT
from runtime.trouble import SetupTrouble

SETUP_MODULES = ("runtime.bootstrap", "runtime.programs", "runtime.webbuild")


@pytest.mark.parametrize("module", SETUP_MODULES)
def test_a_bare_python_can_run_the_setup(module: str) -> None:
    code = f"import {module}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); {code}"], check=False)
    assert done.returncode == 0, "the set-up runs before any package is installed, so it may import none"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_the_two_halves_of_a_lock_are_the_lock(name: str) -> None:
    lock = (CHECKOUT / name).read_text()
    first, second = bootstrap.halves(lock)
    wanted = {line for line in lock.splitlines() if line.strip() and not line.lstrip().startswith("#")}
    assert set(first.splitlines()) | set(second.splitlines()) == wanted
    for half in (first, second):
        entries = [line for line in half.splitlines() if line[0].isalnum()]
        assert entries
        assert half.count("--hash=") >= len(entries)


def test_the_shell_and_python_agree_on_the_fingerprint_of_a_lock() -> None:
    lock = CHECKOUT / "requirements.lock"
    by_shell = subprocess.run(["/bin/sh", "-c", 'echo "$(cksum <"$1")"', "sh", str(lock)], capture_output=True, text=True, check=True)
    assert by_shell.stdout.strip() == bootstrap.fingerprint(lock)


@pytest.mark.parametrize(
    ("control", "suits"),
    [("default_version = '3.3.2'", True), ("default_version = '3.2.9'", False), ("default_version = '4.0.0'", True), ("", False)],
)
def test_postgis_counts_from_three_point_three(tmp_path: Path, control: str, suits: bool) -> None:
    folder = tmp_path / "postgresql@17" / "bin"
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb", "pg_isready"):
        (folder / name).touch()
    extensions = folder.parent / "share" / "extension"
    extensions.mkdir(parents=True)
    (extensions / "postgis.control").write_text(control)
    assert programs.suits(folder) is suits


def test_the_programs_of_this_machine_are_found_and_say_what_they_are() -> None:
    found = programs.find()
    assert found is not None
    shown = subprocess.run([found.postgres_bin / "postgres", "--version"], capture_output=True, text=True, check=True)
    assert f"PostgreSQL) {programs.major(found.postgres_bin)}" in shown.stdout


def test_without_root_the_one_line_to_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SetupTrouble, match=r"Run: sudo apt-get install --no-install-recommends chromium"):
        programs.apt_install(["chromium"], what="Chromium", say=print)


def test_pages_are_built_again_when_a_source_changes_and_only_then(tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "package.json").write_text("{}")
    (web / "src" / "main.ts").write_text("one")
    (web / "dist").mkdir()
    (web / "dist" / ".built-from").write_text(webbuild.source_hash(web))
    assert webbuild.is_current(web)
    (web / "node_modules").mkdir()
    (web / "node_modules" / "x.js").write_text("not a source")
    assert webbuild.is_current(web)
    (web / "src" / "main.ts").write_text("two")
    assert not webbuild.is_current(web)
