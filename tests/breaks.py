"""Breaks the product on purpose, once a time, and tells which test of `make test` finds it.

    python tests/breaks.py [NUMBER …]

`breaks.toml` has them. The tests that a break names are asked first, and the whole of `make test`
only if they pass. The project is copied before: nothing is changed where this script stands. A
break whose line is gone is an error; it is to be written anew.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FOUND = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_TIMEOUT_S = 900


@dataclass(frozen=True)
class Break:
    """A fault that somebody could make.

    Attributes:
        file: Where it is, below the project.
        line: A piece of the product's text that stands there once.
        instead: What stands there then.
        tests: The tests that are asked first, separated by spaces.
    """

    file: str
    line: str
    instead: str
    tests: str


def main(numbers: list[int]) -> int:
    """Try these breaks, or all; return how many were not found."""
    missed = 0
    listed = tomllib.loads(Path(__file__).with_name("breaks.toml").read_text())["break"]
    for number, fault in enumerate((Break(**values) for values in listed), 1):
        if not numbers or number in numbers:
            found = _find(fault)
            missed += not found
            print(f"{number:2}  {fault.file}: {found or 'NOT FOUND'}", flush=True)  # noqa: T201
    print(f"{missed} not found")  # noqa: T201
    return missed


def _find(fault: Break) -> str:
    """Return the first test that finds a fault, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "project")
        copy.mkdir()
        for name in _tracked():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
        (copy / "node_modules").symlink_to(ROOT / "node_modules")
        broken = copy / fault.file
        text = broken.read_text()
        if text.count(fault.line) != 1:
            raise SystemExit(f"{fault.file}: not there once: {fault.line!r}")
        broken.write_text(text.replace(fault.line, fault.instead))
        return _run(copy, fault.tests.split()) or _run(copy, [])


def _tracked() -> list[str]:
    """Return the files of the project that git tracks, and the font."""
    listed = subprocess.run(
        [shutil.which("git") or "git", "ls-files"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    fonts = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("static/*.woff2")]
    return [*listed.stdout.splitlines(), *fonts]


def _run(project: Path, tests: list[str]) -> str:
    """Run these tests, or all of `make test`, on a copy; return the first that fails, or ""."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [*tests, "-m", "not nightly"] + ([] if tests else ["--numprocesses=2"])
    run = subprocess.run(
        command,
        cwd=project,
        env={"PATH": _path(), "PYTHONPATH": str(project), "HOME": str(project)},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    found = _FOUND.search(run.stdout)
    if run.returncode and not found:
        raise SystemExit(run.stdout + run.stderr)
    return found[1] if found else ""


def _path() -> str:
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]]) > 0)
