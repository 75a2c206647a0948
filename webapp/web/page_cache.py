"""Empty forms: each rendered and compressed once, and shown with tokens of its own every time.

A sign-up page is fetched with every view of its host page. What WTForms and Jinja make of it is the
same each time but for a few texts: the form's token and, where there is one, the proof of work's
challenge. These are the holes of a blank.
"""

from __future__ import annotations

import re
import secrets
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# Gzip, RFC 1952: the header of a member without a name or a time.
_GZIP: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_END: Final = b"\x01\x00\x00\xff\xff"  # deflate, RFC 1951: the last block, stored and empty


def placeholder() -> str:
    """Return a text that stands for a hole while a page is rendered."""
    return f"hole{secrets.token_hex(16)}"


class CachedPage:
    """A page with holes."""

    def __init__(self, html: str, marks: Sequence[str]) -> None:
        """Take a page in which marks stand for its holes, in this order, each once."""
        pieces = re.split("|".join(marks), html)
        if len(pieces) != len(marks) + 1:
            raise ValueError("each mark must stand in the page once")
        self._plain = [piece.encode() for piece in pieces]
        self._deflated = [_deflate(piece) for piece in self._plain]

    def render(self, texts: Sequence[bytes]) -> bytes:
        """Return the page with these texts in its holes."""
        holes = [*texts, b""]
        return b"".join(part for pair in zip(self._plain, holes, strict=True) for part in pair)

    def render_gzipped(self, texts: Sequence[bytes]) -> bytes:
        """Return the same as gzip: what never changes is compressed already, the rest is stored."""
        parts, checksum, length = [_GZIP], 0, 0
        for plain, deflated, hole in zip(self._plain, self._deflated, [*texts, b""], strict=True):
            parts += deflated, _stored(hole)
            checksum = zlib.crc32(hole, zlib.crc32(plain, checksum))
            length += len(plain) + len(hole)
        parts += _END, checksum.to_bytes(4, "little"), length.to_bytes(4, "little")
        return b"".join(parts)


def _deflate(piece: bytes) -> bytes:
    """Compress so that it ends at a whole byte, and nothing later refers back to it."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)


def _stored(hole: bytes) -> bytes:
    """Return a deflate block that holds these bytes as they are."""
    size = len(hole)
    return b"\x00" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + hole
