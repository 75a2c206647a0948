"""`amoot-form`, with nothing in it for which a test would have to wait.

A form may be sent at once, what failed is tried again at once, what is counted is written at once,
and the search for a known number may take as long as it does on a busy machine. A test moves the
clock of limits and of signed tokens by the seconds that it writes into a file.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from webapp.cli import main
from webapp.delivery import funnel, sender, services, worker
from webapp.forms import tokens
from webapp.web.views import header

_now = time.time


def moved() -> float:
    """Return the time as the test wants it."""
    return _now() + float(Path(os.environ["MOVED_BY"]).read_text())


if __name__ == "__main__":
    tokens.MIN_AGE = timedelta(0)  # type: ignore[misc]
    funnel.FLUSH_INTERVAL_S = worker._COUNT_INTERVAL_S = 0.1  # type: ignore[misc]  # noqa: SLF001
    sender._FIRST_BACKOFF_S = 0.05  # type: ignore[misc]  # noqa: SLF001
    services.DEADLINE_S = 60.0  # type: ignore[misc]
    header._COUNT_MAX_AGE_S = 0.0  # type: ignore[misc]  # noqa: SLF001
    time.time = moved
    main()
