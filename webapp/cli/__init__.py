"""The command `amoot-form`."""

import os

# Gunicorn reads this variable when it is imported, and fails if it is no number. Our settings name
# it then, with all other faults.
_concurrency = os.environ.pop("WEB_CONCURRENCY", None)
from webapp.cli.commands import main  # noqa: E402

if _concurrency is not None:
    os.environ["WEB_CONCURRENCY"] = _concurrency

__all__ = ["main"]
