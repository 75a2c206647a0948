"""The log of `amoot-form serve`, as text or JSON: request ids, and errors without personal data."""

from __future__ import annotations

import errno
import logging
import os
import socket
import ssl
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from logging import Logger
from typing import Any, Final

from gunicorn import glogging
from pythonjsonlogger.json import JsonFormatter

from webapp.settings import Settings


def log_exception(log: Logger, error: Exception) -> None:
    """Log the class and the traceback of an exception.

    If its class has `has_safe_text = True`, log its class and its text instead. One with
    `is_logged = True` was logged when it was raised.
    """
    if getattr(error, "is_logged", False):
        return
    if getattr(error, "has_safe_text", False):
        log.error("%s: %s", type(error).__name__, error)
        return
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, frames)


_INTERVAL_S: Final = 60.0


class RareWarnings:
    """Logs each warning at most once a minute, so that a flood does not fill the log."""

    def __init__(self, log: Logger) -> None:
        """Write to this logger."""
        self._log = log
        self._logged_at: dict[tuple[object, ...], float] = {}

    def warning(self, text: str, *values: object, chosen_by_sender: bool = False) -> None:
        """Log a warning, unless the same one was logged within the last minute.

        Args:
            text: The text.
            values: Its values.
            chosen_by_sender: Whether one with other values is the same warning. Else each is
                remembered.
        """
        now = time.monotonic()
        key = (text,) if chosen_by_sender else (text, *values)
        if now - self._logged_at.get(key, -_INTERVAL_S) >= _INTERVAL_S:
            self._logged_at[key] = now
            self._log.warning(text, *values)


request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIds(logging.Filter):
    """Adds the id of the current request, or "-", to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; let every record pass."""
        record.request_id = request_id.get()
        return True


class GunicornLogger(glogging.Logger):
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


# What to do, by errno, SQLSTATE, SQLite's name of the error, or the class where there is no code.
_ADVICE: Final = {
    "ECONNREFUSED": "nothing listens there: start the server, or correct its host and port",
    "ETIMEDOUT": "nothing answers there: correct the host, or open the firewall",
    "EHOSTUNREACH": "no way leads there: correct the host, or the network",
    "ENETUNREACH": "no way leads there: correct the host, or the network",
    "EAI_NONAME": "the host's name is not known: correct it, or the name server",
    "ENOENT": "the folder or the socket does not exist: correct the path",
    "ENOTDIR": "a part of the path is a file, not a folder: correct it",
    "EADDRINUSE": "another program listens there: end it, or choose another port",
    "EADDRNOTAVAIL": "this machine has no such address: correct it",
    "ECONNRESET": "the server has ended the connection: if it asks for TLS, use {scheme}s://",
    "ConnectionError": "the server has ended the connection: if it asks for TLS, use {scheme}s://",
    "EACCES": "not allowed: give the folder and its files to the user of this program",
    "EPERM": "not allowed: give the folder and its files to the user of this program",
    "EROFS": "the file system is read-only: mount it for writing, or choose another folder",
    "ENOSPC": "the disk is full: make room",
    "EDQUOT": "the disk quota is used up: make room",
    "08P01": "this is perhaps PgBouncer in transaction mode: set DATABASE_PREPARED=off",
    "28P01": "the user or the password is wrong: correct it",
    "28000": "the server does not let this user in: check the user, and pg_hba.conf",
    "3D000": "the server has no database of this name: create it, or correct the name",
    "3F000": "the database has no schema to write to: create one",
    "42501": "the user may not write: grant CREATE on the schema, and all on the tables",
    "25006": "the server is read-only, perhaps a standby: name the primary",
    "53100": "the server's disk is full: make room",
    "53300": "the server has too many connections: raise max_connections",
    "57014": "a statement took too long: look for what slows the server",
    "57P01": "the server has ended the connection: wait",
    "55P03": "another program holds a lock: look for it in pg_stat_activity",
    "57P03": "the server is starting or stopping: wait",
    "28000 without TLS": (
        "the server does not let this user in without TLS: set sslmode=require, or check the user, "
        "and pg_hba.conf"
    ),
    "28000 with TLS": (
        "the server does not let this user in with TLS: set sslmode=disable, or check the user, "
        "and pg_hba.conf"
    ),
    "TLS_REFUSED": "the server takes no TLS: set sslmode=disable, or switch TLS on there",
    "TLS_HANDSHAKE": "TLS gets no answer: use {scheme}://, or switch TLS on there",
    "CERTIFICATE_VERIFY_FAILED": (
        "the certificate is not trusted: name its authority (PostgreSQL: sslrootcert, Redis: "
        "ssl_ca_certs, mail: SSL_CERT_FILE), and the server as the certificate does"
    ),
    "SSLMODE": "this is no sslmode: correct it",
    "SQLITE_NOTADB": "the file is no SQLite database: move it away, or restore a backup",
    "SQLITE_CORRUPT": "the file is damaged: move it away, and restore a backup",
    "SQLITE_CANTOPEN": "the file cannot be opened: correct the path, or who may open it",
    "SQLITE_READONLY": "the file cannot be written: give it to the user of this program",
    "SQLITE_FULL": "the disk is full: make room",
    "SQLITE_IOERR": "the disk fails: check it; a network's file system is not enough",
    "SQLITE_BUSY": "another program holds the lock: end it",
    "ForeignDatabase": "the file holds the tables of another program: name another file",
    "WrittenByNewerVersion": "its tables belong to a newer version: install that one",
    "WrittenByOlderVersion": "its tables are older than 1.0.0: start that version once, first",
    "UnreadableText": "no key in SECRET_KEY opens it, or it was changed: see the manual",
    "TimeoutError": "all connections of this process are in use: look for what slows the server",
    "AuthenticationError": "the user or the password is wrong: correct it",
    "NoPermissionError": "the user may not do this: grant it all commands",
    "SMTPAuthenticationError": "the user or the password is wrong: correct it",
    "SMTPNotSupportedError": "the server takes no login: remove user and password",
    "SMTPSenderRefused": "the server does not take this sender: name another one by ?from=",
    "SMTPRecipientsRefused": "the server takes none of the addresses: correct them",
}

# libpq gives no SQLSTATE of a connection that failed, only the server's text.
_REFUSALS: Final = {
    "unsupported startup parameter": "08P01",
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "does not support SSL": "TLS_REFUSED",
    "certificate verify failed": "CERTIFICATE_VERIFY_FAILED",
    "does not match host name": "CERTIFICATE_VERIFY_FAILED",
    "root certificate file": "CERTIFICATE_VERIFY_FAILED",
    "invalid sslmode value": "SSLMODE",
    "no pg_hba.conf entry": "28000",
    "pg_hba.conf rejects connection": "28000",
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "system is starting up": "57P03",
    "system is shutting down": "57P03",
    "connection timeout expired": "ETIMEDOUT",
    "failed to resolve host": "EAI_NONAME",
}
# How the server calls the connection that it has no rule for; with sslmode=prefer it names both.
_WITH_TLS: Final = ", SSL encryption"
_WITHOUT_TLS: Final = ", no encryption"
_ERRNOS: Final = ("ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOENT", "EACCES")


def explain(error: BaseException, *, code: str = "", scheme: str = "redis") -> str:
    """Return the class and the code of an error, and what to do about it.

    Args:
        error: The error.
        code: Its code; by default, the one that it or its causes have.
        scheme: How an address of that service begins, without TLS.
    """
    name = type(error).__name__
    code = code or next(filter(None, map(_code, _chain(error))), "")
    advice = _ADVICE.get(code) or _ADVICE.get("_".join(code.split("_")[:2])) or _ADVICE.get(name)
    return f"{name} {code}".rstrip() + (f": {advice.format(scheme=scheme)}" if advice else "")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what the driver raised, and what caused that."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = getattr(link, "orig", None) or link.__cause__ or link.__context__


def _code(error: BaseException) -> str:
    own = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    if own:
        return str(own)
    if isinstance(error, socket.gaierror):
        return "EAI_NONAME"
    if isinstance(error, ssl.SSLError):
        is_certificate = isinstance(error, ssl.SSLCertVerificationError)
        return "CERTIFICATE_VERIFY_FAILED" if is_certificate else "TLS_HANDSHAKE"
    if isinstance(error, TimeoutError):
        return "TLS_HANDSHAKE" if "handshake" in str(error) else "ETIMEDOUT"
    if isinstance(error, OSError) and error.errno:
        return errno.errorcode.get(error.errno, "")
    return _code_in(str(error)) if type(error).__module__.startswith("psycopg") else ""


def _code_in(text: str) -> str:
    """Return the code of a connection that libpq could not open."""
    found = [code for part, code in _REFUSALS.items() if part in text]
    if "28000" in found and _WITH_TLS not in text:
        found.insert(0, "28000 without TLS")
    elif "28000" in found and _WITHOUT_TLS not in text:
        found.insert(0, "28000 with TLS")
    if "FATAL" in text and "does not exist" in text:
        found.append("3D000" if 'database "' in text else "28000")
    found += [name for name in _ERRNOS if os.strerror(getattr(errno, name)) in text]
    return found[0] if found else ""
