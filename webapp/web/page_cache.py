"""Cached pages: rendered and compressed once, then served with fresh values in placeholders.

A sign-up page is fetched with every view of its host page. All that changes from one response to
the next is the form's token and, on some forms, the challenge of the proof of work.
"""

from __future__ import annotations

import re
import secrets
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# Gzip, RFC 1952: the header of a member without a name and a time.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_FINAL_BLOCK: Final = b"\x01\x00\x00\xff\xff"  # deflate, RFC 1951: an empty stored block


def placeholder() -> str:
    """Return a unique text to render a page with, in place of a value."""
    return f"placeholder{secrets.token_hex(16)}"


class CachedPage:
    """A page with placeholders."""

    def __init__(self, html: str, placeholders: Sequence[str]) -> None:
        """Split a page at its placeholders.

        Args:
            html: The rendered page.
            placeholders: In the order of the page; each occurs once.

        Raises:
            ValueError: if they do not.
        """
        pieces = re.split("|".join(placeholders), html)
        if len(pieces) != len(placeholders) + 1:
            raise ValueError("each placeholder must occur once")
        self._plain = [piece.encode() for piece in pieces]
        self._deflated = [_deflate(piece) for piece in self._plain]

    def render(self, values: Sequence[bytes]) -> bytes:
        """Return the page with these values in its placeholders."""
        padded = [*values, b""]
        return b"".join(part for pair in zip(self._plain, padded, strict=True) for part in pair)

    def render_gzipped(self, values: Sequence[bytes]) -> bytes:
        """Return the same as gzip: the pieces are compressed already, the values are stored."""
        parts, checksum, length = [_GZIP_HEADER], 0, 0
        padded = [*values, b""]
        for plain, deflated, value in zip(self._plain, self._deflated, padded, strict=True):
            parts += deflated, _stored_block(value)
            checksum = zlib.crc32(value, zlib.crc32(plain, checksum))
            length += len(plain) + len(value)
        parts += _FINAL_BLOCK, checksum.to_bytes(4, "little"), length.to_bytes(4, "little")
        return b"".join(parts)


def _deflate(piece: bytes) -> bytes:
    """Compress a piece so that it ends at a whole byte, and later pieces do not refer to it."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)


def _stored_block(value: bytes) -> bytes:
    """Return a deflate block that stores a value uncompressed."""
    size = len(value)
    return b"\x00" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + value
