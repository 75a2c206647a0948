"""What a program takes with all its processes: time of the processors, and memory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_TRIES = 20
_UTIME, _CSTIME = 11, 14  # positions in /proc/<pid>/stat behind the name, which ends with ")"


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    processes = [pid]
    for parent in processes:  # grows while it is gone through
        # A process is listed with the thread that started it, which need not be the first.
        for thread in Path(f"/proc/{parent}/task").iterdir():
            processes += map(int, (thread / "children").read_text().split())
    return processes


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its descendants have taken since they began.

    User and system time alike, in steps of a hundredth of a second for each process. What a process
    that has ended took is part of its parent's account, once the parent has waited for it.
    """
    for _ in range(_TRIES):
        # One that ends meanwhile would count in neither account, or in both.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return sum(map(_ticks, tree(pid))) / _TICKS_PER_SECOND
    raise ProcessLookupError(pid)


def _ticks(pid: int) -> int:
    return parse_ticks(Path(f"/proc/{pid}/stat").read_text())


def parse_ticks(stat: str) -> int:
    """Return utime + stime + cutime + cstime of a line of /proc/<pid>/stat."""
    fields = stat.rpartition(")")[2].split()  # the name may hold blanks and parentheses
    return sum(map(int, fields[_UTIME : _CSTIME + 1]))


def pss_megabytes(pid: int) -> float:
    """Return the proportional set size (PSS) of a process and its descendants, in MB of 2^20 bytes.

    Each page counts once, divided among the processes that share it. A sum of resident sizes (RSS)
    would count the code and data that a worker shares with its master once for each of them.
    """
    return sum(map(_pss_kilobytes, tree(pid))) / 1024


def _pss_kilobytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
