"""What spreadsheet programs need in a CSV file."""

from __future__ import annotations

import re
from typing import Final

BOM: Final = "\ufeff"  # they expect UTF-8 only after it

_GUARD: Final = "'"
# A program may divide a file by another separator than it was written with, and then reads quotes
# and line ends otherwise, too: a formula may begin behind any of these.
_SEPARATORS: Final = frozenset(",;|\t\r\n")
_RUN: Final = r'(?<![,;|\s"])[,;|\s"]*+'
_STARTS: Final = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"  # full-width ones as well
_UNGUARDED: Final = re.compile(f"{_RUN}(?={_STARTS})")
_GUARDED: Final = re.compile(f"({_RUN}){_GUARD}(?={_STARTS})")
# Programs drop them at the start of a cell.
_DROPPED: Final = ("\t", "\r")


def safe_cell(text: str) -> str:
    """Return a cell's text with an apostrophe wherever a program would begin to read a formula."""
    guarded = _UNGUARDED.sub(
        lambda run: run[0] + _GUARD if _begins_cell(run, run[0]) else run[0], text
    )
    return f"{_GUARD}{guarded}" if guarded.startswith(_DROPPED) else guarded


def unguarded_cell(text: str) -> str:
    """Return the text of which `safe_cell` has made this one."""
    rest = text.removeprefix(_GUARD)
    return _GUARDED.sub(
        lambda run: run[1] if _begins_cell(run, run[1]) else run[0],
        rest if rest.startswith(_DROPPED) else text,
    )


def _begins_cell(found: re.Match[str], run: str) -> bool:
    return found.start() == 0 or not _SEPARATORS.isdisjoint(run)
