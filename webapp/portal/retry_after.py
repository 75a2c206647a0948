"""The header Retry-After (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from webapp.portal.base import MAX_PAUSE_S, MIN_PAUSE_S


def parse_retry_after(header: str, *, now: datetime) -> float | None:
    """Parse a Retry-After header in either of its forms.

    Returns:
        The seconds to wait, `MIN_PAUSE_S` to `MAX_PAUSE_S`; None if the header is invalid.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, MIN_PAUSE_S), MAX_PAUSE_S)
