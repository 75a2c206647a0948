"""How fast the form is, whatever the portal does: tables, in a few minutes, on loopback.

Run as `make bench`, or a part of it as `make bench BENCH="trips outage"`. The parts are modules
beside this one. Load and portal are processes of their own, but share the machine's cores with what
is measured: ratios within one run say more than the figures, which are the machine's.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import draining
import footprint
import growth
import idle
import importing
import machines
import million
import outage
import pages
import question
import table
import trips

from webapp.settings import Settings

PARTS = {
    module.__name__: module.measure
    for module in (
        pages,
        trips,
        question,
        outage,
        idle,
        growth,
        million,
        machines,
        draining,
        footprint,
    )
} | {"import": importing.measure}


def main() -> None:
    """Measure the parts that are named, or all, one after the other."""
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        raise SystemExit(f"{', '.join(sorted(unknown))}: no part of it; there are {[*PARTS]}")
    settings, began = Settings(), time.monotonic()
    print(
        f"{os.cpu_count()} cores, shared with the load and the portal; ours as it comes: "
        f"{settings.web_concurrency} workers, THREADS={settings.threads}, "
        f"AMOOT_DEADLINE={settings.amoot_deadline:.0f}; RATE_LIMITS=off"
    )
    print(f"an empty loop of ten million rounds takes {_loop_s():.2f} s of this processor")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder))
    table.title(
        f"Measured in {time.monotonic() - began:.0f} s; the empty loop now takes {_loop_s():.2f} s"
    )


def _loop_s() -> float:
    """Return what tells a fast processor from a slow one, or one that is slowed down."""
    began = time.process_time()
    for _ in range(10_000_000):
        pass
    return time.process_time() - began


if __name__ == "__main__":
    main()
