"""The Makefile's targets: each is in the documentation."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text() for path in DOCS)
TARGETS = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()


def test_targets_are_those_of_the_table_in_contributing_and_of_the_documentation() -> None:
    """So that nobody is surprised by what one downloads, or types a command in vain."""
    first_column = "".join(line.split("|")[1] for line in TEXT.splitlines() if line[:3] == "| `")
    assert [target for target in TARGETS if f"`{target}`" not in first_column] == []
    named = set(re.findall(r"(?:`|^ +)make ([a-z-]+)", TEXT, re.MULTILINE))
    assert named - set(TARGETS) == set()
