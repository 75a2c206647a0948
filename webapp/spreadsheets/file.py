"""Reads the file of a spreadsheet, with a process of its own for the parser.

A hostile file can exhaust only that process, which has limits; the threads of this one go on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from webapp.messages import imports as texts
from webapp.persian import persian_number
from webapp.spreadsheets.sheet import Row, Sheet, column_name
from webapp.spreadsheets.sheet_parser.limits import MAX_FILE_BYTES, MAX_WAIT_S

# It is started in its own folder: importing `webapp` would take ten times as long. The environment
# holds secrets; the parser needs only what Python itself needs to start.
_COMMAND: Final = (sys.executable, "-B", "-E", "-s", "-X", "utf8", "-m", "sheet_parser")
_FOLDER: Final = Path(__file__).parent
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH")
_MEGABYTE: Final = 1024 * 1024


class UnreadableFile(Exception):
    """A file that is not read; `str` of it is a finished Persian sentence without its content."""


def read_file(data: bytes) -> Sheet:
    """Read the first sheet with data of a CSV, XLSX, XLS or ODS file; its content tells which.

    The header is the first row with more than one cell. If one of its cells is a number of nine or
    more digits, the file has no header: columns are named by their numbers, and the row is data.

    Args:
        data: The file, at most `MAX_FILE_BYTES`.

    Raises:
        UnreadableFile: if it is no such file, is broken, encrypted or too large, or the parser
            took more memory or time than it may. Takes at most 40 seconds.
    """
    if len(data) > MAX_FILE_BYTES:
        size, limit = len(data) / _MEGABYTE, MAX_FILE_BYTES // _MEGABYTE
        raise UnreadableFile(_sentence(texts.FILE_TOO_LARGE, n=size, limit=limit))
    lines = _parse(data).splitlines()
    if not lines:
        raise _unreadable("broken")
    end = json.loads(lines.pop())
    if "code" in end:
        raise _unreadable(end["code"], **end["numbers"])
    width = end["width"]
    # Line by line: other threads get their turn in between.
    rows = tuple(_row(json.loads(line), width) for line in lines)
    return Sheet(_header(end["header"] or [], width), rows, end["epoch_1904"])


def _parse(data: bytes) -> bytes:
    """Return what the parser wrote; nothing if it failed."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        done = subprocess.run(  # nosec B603  # noqa: S603  a fixed command
            _COMMAND,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote the file
            cwd=_FOLDER,
            env=environment,
            timeout=MAX_WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable("too-heavy") from None
    if done.returncode < 0:  # a signal: out of memory or processor time
        raise _unreadable("too-heavy")
    return done.stdout if done.returncode == 0 else b""


def _unreadable(code: str, **numbers: int) -> UnreadableFile:
    return UnreadableFile(_sentence(texts.UNREADABLE[code], **numbers))


def _sentence(text: str, **numbers: float) -> str:
    """Return a sentence; numbers with a fraction get one decimal."""
    written = {
        name: persian_number(number, decimals=0 if number == int(number) else 1)
        for name, number in numbers.items()
    }
    return text.format(**written)


def _row(parsed: list[Any], width: int) -> Row:
    number, cells = parsed
    return Row(number, (*cells, *[""] * (width - len(cells))))


def _header(captions: list[str], width: int) -> tuple[str, ...]:
    """Return the captions; columns without one are named by their numbers."""
    complete = [*captions, *[""] * (width - len(captions))]
    return tuple(
        " ".join(caption.split()) or column_name(number)
        for number, caption in enumerate(complete, start=1)
    )
