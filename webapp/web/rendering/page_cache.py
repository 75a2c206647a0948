"""Cached pages: rendered and compressed once, then served with fresh values in placeholders.

A sign-up page is fetched with every view of its host page. From one response to the next, only a
few values change, such as the form's token and the receipt of the last submission.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

# Gzip, RFC 1952: the header of a member without a name and a time.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_MAX_STORED_BYTES: Final = 0xFFFF  # of a stored block, by RFC 1951
_FINAL_BLOCK: Final = b"\x01\x00\x00\xff\xff"  # deflate, RFC 1951: an empty stored block


def placeholders(*names: str) -> dict[str, str]:
    """Return a unique text for each name, to render a page with in place of the value."""
    return {name: f"placeholder{secrets.token_hex(16)}" for name in names}


class CachedPage:
    """A page with placeholders."""

    def __init__(self, html: str, placeholders: Mapping[str, str]) -> None:
        """Split a page at its placeholders.

        Args:
            html: The rendered page.
            placeholders: The text of each placeholder by its name; each occurs once.

        Raises:
            ValueError: if they do not.
        """
        pieces = re.split(f"({'|'.join(placeholders.values())})", html)
        texts = pieces[1::2]
        if sorted(texts) != sorted(placeholders.values()):
            raise ValueError("each placeholder must occur once")
        names = {text: name for name, text in placeholders.items()}
        self._names = [names[text] for text in texts]
        self._plain = [piece.encode() for piece in pieces[::2]]
        self._deflated = [_deflate(piece) for piece in self._plain]

    def render(self, values: Mapping[str, str]) -> bytes:
        """Return the page with these values, by the names of their placeholders."""
        pairs = zip(self._plain, self._in_order(values), strict=True)
        return b"".join(part for pair in pairs for part in pair)

    def render_gzipped(self, values: Mapping[str, str]) -> bytes:
        """Return the same as gzip: the pieces are compressed already, the values are stored."""
        parts, checksum, length = [_GZIP_HEADER], 0, 0
        ordered = self._in_order(values)
        for plain, deflated, value in zip(self._plain, self._deflated, ordered, strict=True):
            parts.append(deflated)
            if value:
                parts += _stored_blocks(value)
            checksum = zlib.crc32(value, zlib.crc32(plain, checksum))
            length += len(plain) + len(value)
        parts += _FINAL_BLOCK, checksum.to_bytes(4, "little"), length.to_bytes(4, "little")
        return b"".join(parts)

    def _in_order(self, values: Mapping[str, str]) -> list[bytes]:
        return [*(values[name].encode() for name in self._names), b""]


def _deflate(piece: bytes) -> bytes:
    """Compress a piece so that it ends at a whole byte, and later pieces do not refer to it."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)


def _stored_blocks(value: bytes) -> Iterator[bytes]:
    """Yield deflate blocks that store a value uncompressed."""
    for start in range(0, len(value), _MAX_STORED_BYTES):
        part = value[start : start + _MAX_STORED_BYTES]
        size = len(part)
        yield b"\x00" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")
        yield part
