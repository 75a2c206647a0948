"""Reads a file from standard input, and writes lines of JSON to standard output.

Each row is a line `[number, [cell, …]]`. The last line is an object: the header, the width and the
epoch, or the reason why there are no rows. Without it the process has ended early.
"""

from __future__ import annotations

import json
import sys

from .limits import MAX_FILE_BYTES, limit_process
from .parse import parse
from .table import Unparsable


def main() -> None:
    """Parse standard input."""
    limit_process()
    data = sys.stdin.buffer.read(MAX_FILE_BYTES)
    end: dict[str, object]
    try:
        table, epoch_1904 = parse(data)
    except Unparsable as error:
        end = {"code": error.code, "numbers": error.numbers}
    except MemoryError:
        end = {"code": "too-heavy", "numbers": {}}
    else:
        for row in table.rows:
            _write(row)
        end = {"header": table.header, "width": table.width, "epoch_1904": epoch_1904}
    _write(end)
    sys.stdout.buffer.flush()


def _write(value: object) -> None:
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
