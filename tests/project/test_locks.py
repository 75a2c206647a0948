"""The lock files: every package that is required with an extra is locked with it."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tables import each

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-font.lock"]
_PINNED = re.compile(r"^([A-Za-z0-9._-]+(?:\[[^]]+\])?)==", re.MULTILINE)


def locked_extras(lock: str) -> dict[str, set[str]]:
    """Return the packages of a lock file, each with the extras that the file names."""
    pinned = map(Requirement, _PINNED.findall(lock))
    return {canonicalize_name(package.name): set(package.extras) for package in pinned}


def missing_extras(lock: str) -> set[str]:
    """Return the extras that a locked package requires of another and the lock does not name.

    With `--require-hashes`, pip before 23.3 takes such a requirement for another package, which
    has no pin. What is not installed here, as for another platform, is not looked at.
    """
    locked, missing = locked_extras(lock), set()
    for name, extras in locked.items():
        try:
            required = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        for requirement in required:
            other = canonicalize_name(requirement.name)
            environments = [{"extra": extra} for extra in ("", *extras)]
            applies = requirement.marker is None or any(
                map(requirement.marker.evaluate, environments)
            )
            if applies and other in locked:
                missing |= {f"{other}[{extra}]" for extra in requirement.extras - locked[other]}
    return missing


@each("name", LOCKS)
def test_lock_file_names_every_extra_that_is_required(name: str) -> None:
    """Else an older pip looks for the newest version, which has no hash here."""
    assert missing_extras((ROOT / name).read_text()) == set()


@each("name", LOCKS)
def test_lock_file_pins_by_hash_and_names_no_address(name: str) -> None:
    """It must install from any index."""
    lock = (ROOT / name).read_text()
    assert len(locked_extras(lock)) >= 2
    assert "://" not in lock
    submissions = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in line and line.endswith("\\") for line in submissions)
