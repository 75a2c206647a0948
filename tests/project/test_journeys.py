"""The table of features by features beside these journeys."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
TEXT = (TESTS / "journeys" / "README.md").read_text()
_NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
_ROW = re.compile(r"^\| (?:\*\*)?([\w]+)(?:\*\*)? \| (.*) \|$", re.MULTILINE)


def test_each_pair_of_features_has_a_test_or_a_reason_and_each_journey_is_in_the_table() -> None:
    """And every sign of the table is explained below it."""
    rows = {
        name: [cell.strip() for cell in cells.split(" | ")] for name, cells in _ROW.findall(TEXT)
    }
    pairs = {name: cells for name, cells in rows.items() if f"| **{name}** |" in TEXT}
    assert len(pairs) >= 14
    for number, (name, cells) in enumerate(pairs.items(), 1):
        assert all(cells[:number]), f"{name}: a pair without a test and without a reason"
    signs = {sign for cells in pairs.values() for cell in cells for sign in cell.split()}
    assert signs == rows.keys() - pairs.keys()


def test_each_test_that_the_table_names_exists() -> None:
    """Journeys by their file, others by their folder too; and no journey is left out."""
    named = {
        (place if "/" in place else f"journeys/{place}", name)
        for place, name in _NAMED.findall(TEXT)
    }
    missing = [f"{p}::{n}" for p, n in sorted(named) if f"def {n}(" not in (TESTS / p).read_text()]
    assert missing == []
    journeys = {
        name
        for file in (TESTS / "journeys").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert journeys == {name for place, name in named if place.startswith("journeys/")}
