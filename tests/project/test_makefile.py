"""The Makefile's targets: each is in the documentation, and installs what its commands call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text() for path in DOCS)
TARGETS = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()

# A command, and the prerequisites of which one must have installed it.
INSTALLED_BY = {
    r"\bnpm (ci|install)": {"debian"},
    r"\bnode\b": {"debian"},
    r"\$\(BIN\)/(?!amoot-form\b|python bench/spam)": {".venv/development"},
    r"\$\(BIN\)/": {".venv/development", ".venv/runtime"},
}


def rule(target: str) -> tuple[set[str], str]:
    """Return a target's prerequisites and its recipe."""
    found = re.search(rf"^{target}:(?! \w+ :=)(.*)\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert found, target
    return set(found[1].replace("|", "").split()), found[2]


@pytest.mark.parametrize("target", TARGETS)
def test_target_is_in_the_table_of_contributing(target: str) -> None:
    """So that nobody is surprised by what it downloads."""
    first_column = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    assert any(f"`{target}`" in cell for cell in first_column)


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"(?:`|^ +)make ([a-z-]+)", TEXT, re.MULTILINE)))
)
def test_target_that_the_documentation_names_exists(target: str) -> None:
    """Nobody types a command in vain."""
    assert target in TARGETS


@pytest.mark.parametrize("target", sorted(set(TARGETS) - {"font", "debian", "venv-module"}))
def test_target_depends_on_what_installs_its_commands(target: str) -> None:
    """Python 3.11 and make are all that a person must have."""
    prerequisites, recipe = rule(target)
    for command, installers in INSTALLED_BY.items():
        if re.search(command, recipe):
            assert prerequisites & installers, f"{target} calls {command}"
