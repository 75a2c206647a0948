"""How large a spreadsheet may be, and what the process that parses it may use."""

from __future__ import annotations

import resource
from typing import Final

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 100
MAX_CELL_CHARACTERS: Final = 32_767  # Excel's own limit
MAX_CHARACTERS: Final = 12_000_000  # of all cells: one text may be shared by many of them
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024  # of the parts of a zip archive
MAX_PARTS: Final = 1_000

MAX_MEMORY_BYTES: Final = 512 * 1024 * 1024
MAX_CPU_S: Final = 20
MAX_WAIT_S: Final = 40  # the machine may be busy


def limit_process() -> None:
    """Limit memory and processor time of this process; it writes no file and dumps no core.

    The process sets its own limits: code that runs between fork and exec is not safe where the
    parent has threads.
    """
    for kind, limit in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lower, lower))
