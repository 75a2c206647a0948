"""The list of breaks: each can still be tried."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_line_of_each_break_stands_in_its_file_once() -> None:
    """Otherwise a break proves nothing; it moves with its line."""
    listed = tomllib.loads((ROOT / "tests/breaks.toml").read_text())["break"]
    lost = [
        (fault["file"], fault["line"])
        for fault in listed
        if (ROOT / fault["file"]).read_text().count(fault["line"]) != 1
    ]
    assert lost == []
