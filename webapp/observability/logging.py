"""Logging for `amoot-form serve`: one stream, as text for people or as JSON for machines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from gunicorn import glogging
from pythonjsonlogger.json import JsonFormatter

from webapp.observability.request_id import RequestIds

if TYPE_CHECKING:
    from webapp.settings import Settings


class Logger(glogging.Logger):
    """Gunicorn's logger, without an access log: IP addresses are personal data."""

    def access(self, *_: object) -> None:
        """Log nothing."""


class _NoAddresses(logging.Filter):
    """Drops gunicorn's warning about a malformed request, which contains its sender and text."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Invalid request" not in str(record.msg)


class _OneLine(logging.Formatter):
    """Writes each record on one line: line ends of tracebacks are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\\n")


def config(settings: Settings) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`, gunicorn's loggers included."""
    line = "%(asctime)s %(levelname)s %(request_id)s %(name)s %(message)s"
    to_stderr = {
        "class": "logging.StreamHandler",
        "formatter": settings.log_format,
        "filters": ["request ids"],
    }
    forward = {"level": settings.log_level.upper(), "handlers": [], "propagate": True}
    silent = {"handlers": [], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": _OneLine, "fmt": line},
            "json": {"()": JsonFormatter, "fmt": line},
        },
        "filters": {"no addresses": {"()": _NoAddresses}, "request ids": {"()": RequestIds}},
        "handlers": {"stderr": to_stderr},
        "root": {"level": settings.log_level.upper(), "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": forward | {"filters": ["no addresses"]},
            "urllib3": silent,  # it quotes malformed headers
            "alembic": forward | {"level": "WARNING"},
        },
    }
