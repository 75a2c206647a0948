"""Translates the exceptions of requests, urllib3 and the operating system into portal errors."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from webapp.portal.base import PortalError, TimedOut, Uncertain, Unreachable


class CallAbandoned(Exception):
    """The caller has left: nothing more may be sent."""


# The first match counts. An exception is searched with all its causes: requests wraps urllib3,
# which wraps the operating system.
WHILE_CONNECTING: Final[Sequence[tuple[type[BaseException], str]]] = (
    (CallAbandoned, "ConnectTimeout"),
    (requests.exceptions.ProxyError, "ProxyFailed"),
    (socket.gaierror, "NameNotResolved"),
    (ssl.SSLCertVerificationError, "CertificateInvalid"),
    (ssl.SSLError, "TLSFailed"),
    (requests.Timeout, "ConnectTimeout"),
    (requests.ConnectionError, "ConnectionFailed"),
)
AFTER_CONNECTING: Final[Sequence[tuple[type[BaseException], str]]] = (
    (CallAbandoned, "Timeout"),
    (requests.Timeout, "Timeout"),
    (ReadTimeoutError, "Timeout"),
    (requests.exceptions.ContentDecodingError, "UnreadableAnswer"),
    (DecodeError, "UnreadableAnswer"),
    (requests.ConnectionError, "ConnectionBroken"),
    (requests.exceptions.ChunkedEncodingError, "ConnectionBroken"),
    (HTTPError, "ConnectionBroken"),
)


def portal_error(error: Exception, *, connecting: bool) -> PortalError:
    """Return the portal error for an exception of a call.

    Args:
        error: The exception.
        connecting: Whether the call was still connecting, so that nothing was sent.
    """
    chain = list(_causes(error))
    cause = " < ".join(type(link).__name__ for link in chain)
    # Both must hold: nothing was sent, and the exception is one of opening a connection.
    if connecting and (status := _find_status(chain, WHILE_CONNECTING)):
        return Unreachable(status, cause)
    status = _find_status(chain, AFTER_CONNECTING) or "UnknownFault"
    return TimedOut(cause) if status == "Timeout" else Uncertain(status, cause)


def _find_status(
    chain: Sequence[BaseException], table: Sequence[tuple[type[BaseException], str]]
) -> str | None:
    return next(
        (name for kind, name in table if any(isinstance(link, kind) for link in chain)), None
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # Urllib3 wraps the error of a handshake in a tunnel without raising it first.
        wrapped = next((it for it in error.args if isinstance(it, BaseException)), None)
        error = error.__cause__ or error.__context__ or wrapped
