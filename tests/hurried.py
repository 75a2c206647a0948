"""`amoot-form`, with nothing in it for which a test would have to wait.

A form may be sent at once, what failed is tried again at once, what is counted is written at once,
and the search for a known number may take as long as it does on a busy machine. A test moves the
clock of limits, of signed tokens, of forms that close and of the database by the seconds that it
writes into the file that MOVED_BY names, where there is one.
"""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from webapp import database, services
from webapp.cli import main
from webapp.forms import tokens
from webapp.outbox import sender
from webapp.statistics import funnel
from webapp.web import closing, help

_now, _utc_now_plus, _iran_now = time.time, database._utc_now_plus, closing.now  # noqa: SLF001


def _moved_by() -> float:
    return float(Path(os.environ["MOVED_BY"]).read_text())


def _moved() -> float:
    return _now() + _moved_by()


def _utc_moved_plus(pause: timedelta) -> datetime:
    return _utc_now_plus(pause + timedelta(seconds=_moved_by()))


def _iran_moved() -> datetime:
    return _iran_now() + timedelta(seconds=_moved_by())


if __name__ == "__main__":
    tokens.MIN_AGE = timedelta(days=-1)  # type: ignore[misc]  # for it reads a clock of its own
    funnel.FLUSH_INTERVAL_S = services._COUNT_INTERVAL_S = 0.1  # type: ignore[misc]  # noqa: SLF001
    sender._FIRST_BACKOFF_S = 0.05  # type: ignore[misc]  # noqa: SLF001
    services.DEADLINE_S = 60.0  # type: ignore[misc]
    help._COUNT_MAX_AGE_S = 0.0  # type: ignore[misc]  # noqa: SLF001
    if "MOVED_BY" in os.environ:
        time.time = _moved
        database._utc_now_plus = _utc_moved_plus  # noqa: SLF001
        closing.now = _iran_moved
    main()
