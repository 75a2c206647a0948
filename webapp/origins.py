"""Origins (RFC 6454) as browsers spell them: a scheme, a host, and a port if unusual."""

from __future__ import annotations

import re
from typing import Final

_HOST_PART: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST: Final = rf"{_HOST_PART}(?:\.{_HOST_PART})*"
_ORIGIN: Final = re.compile(rf"(https?)://{_HOST}(?::([1-9][0-9]{{0,4}}))?", re.IGNORECASE)


def parse_origin(text: str) -> str:
    """Return the origin in lower case and without its scheme's own port.

    A host in other letters than Latin is written in its ASCII form, `xn--…`: the encodings of such
    names differ where Persian has a zero width non-joiner.

    Raises:
        ValueError: if the text is not an http(s) origin, or holds anything besides.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None or int(match[2] or 0) >= 1 << 16:
        raise ValueError("not an origin")
    return match[0].lower().removesuffix(":443" if match[1].lower() == "https" else ":80")
