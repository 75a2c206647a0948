"""Logging for `amoot-form serve`: one stream, as text for people or as JSON for machines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from gunicorn import glogging

if TYPE_CHECKING:
    from webapp.settings import Settings


class Logger(glogging.Logger):
    """Gunicorn's logger, without an access log.

    Addresses of visitors are personal data, and a proxy in front keeps its own.
    """

    def access(self, *_: object) -> None:
        """Log nothing, and do not even gather what could be logged."""


class _NoAddresses(logging.Filter):
    """Drops gunicorn's warning of a malformed request, which names the sender and quotes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Invalid request" not in str(record.msg)


def config(settings: Settings) -> dict[str, Any]:
    """Return what `logging.config.dictConfig` needs, gunicorn's own loggers included."""
    line = "%(asctime)s %(levelname)s %(name)s %(message)s"
    to_stderr = {"class": "logging.StreamHandler", "formatter": settings.log_format}
    forward = {"level": settings.log_level.upper(), "handlers": [], "propagate": True}
    silent = {"handlers": [], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"format": line},
            "json": {"()": "pythonjsonlogger.json.JsonFormatter", "fmt": line},
        },
        "filters": {"no addresses": {"()": _NoAddresses}},
        "handlers": {"stderr": to_stderr},
        "root": {"level": settings.log_level.upper(), "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": forward | {"filters": ["no addresses"]},
            "urllib3": silent,  # it quotes what a portal sends in place of headers
            "alembic": forward | {"level": "WARNING"},
        },
    }
