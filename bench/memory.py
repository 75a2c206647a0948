"""The memory of a program and all its processes, with what they share counted once."""

from __future__ import annotations

from pathlib import Path


def pss_megabytes(pid: int) -> float:
    """Return the proportional set size (PSS) of a process and its descendants, in MB of 2^20 bytes.

    Each page counts once, divided among the processes that share it. A sum of resident sizes (RSS)
    would count the code and data that a worker shares with its master once for each of them.
    """
    processes = [pid]
    for parent in processes:  # grows while it is gone through
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        processes += map(int, children.split())
    return sum(map(_pss_kilobytes, processes)) / 1024


def _pss_kilobytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
