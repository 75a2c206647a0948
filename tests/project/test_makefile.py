"""The Makefile's targets: each is in the documentation, and installs what its commands call."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text() for path in DOCS)
TARGETS = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()

# A command, and the prerequisites of which one must have installed it.
INSTALLED_BY = {
    r"\bnpm (ci|install)": {"debian"},
    r"\bnode\b": {"debian"},
    r"\$\(PYTEST\)": {".venv/development"},
    r"\$\(BIN\)/(?!amoot-form\b|python bench/spam)": {".venv/development"},
    r"\$\(BIN\)/": {".venv/development", ".venv/runtime"},
}


def rule(target: str) -> tuple[set[str], str]:
    """Return a target's prerequisites and its recipe."""
    found = re.search(rf"^{target}:(?! \w+ [:+]=)(.*)\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert found, target
    return set(found[1].replace("|", "").split()), found[2]


def test_targets_are_those_of_the_table_in_contributing_and_of_the_documentation() -> None:
    """So that nobody is surprised by what one downloads, or types a command in vain."""
    first_column = "".join(line.split("|")[1] for line in TEXT.splitlines() if line[:3] == "| `")
    assert [target for target in TARGETS if f"`{target}`" not in first_column] == []
    named = set(re.findall(r"(?:`|^ +)make ([a-z-]+)", TEXT, re.MULTILINE))
    assert named - set(TARGETS) == set()


def test_target_depends_on_what_installs_its_commands() -> None:
    """Python 3.11 and make are all that a person must have."""
    for target in set(TARGETS) - {"font", "debian", "venv-module"}:
        prerequisites, recipe = rule(target)
        for command, installers in INSTALLED_BY.items():
            if re.search(command, recipe):
                assert prerequisites & installers, f"{target} calls {command}"
