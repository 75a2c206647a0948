"""What spreadsheet programs need in a CSV file."""

from __future__ import annotations

from typing import Final

BOM: Final = "\ufeff"  # they expect UTF-8 only after it

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """Return a cell's text; spreadsheet programs would run one that begins like a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
