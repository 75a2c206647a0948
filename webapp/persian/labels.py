"""Reads labels: several in one text, divided by separators."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from webapp import messages
from webapp.persian.text import (
    ZWNJ,
    InvalidText,
    clean_line,
    comparison_key,
)

_LABEL_SEPARATOR: Final = re.compile("[,;|،؛，；｜﹐﹔]")
_LABEL_MARKS: Final = "#＃﹟ "
MAX_LABELS: Final = 20
_MAX_LABEL_LENGTH: Final = 50


def label_key(label: str) -> str:
    """Return a key that is equal for labels that count as the same."""
    return label.replace(ZWNJ, "").casefold()


def spelling_key(label: str) -> str:
    """Return a key that is equal for labels that people read as the same.

    They differ only in letter case, white space, ZWNJ and other invisible characters, or in the
    forms of letters and digits.
    """
    return comparison_key(label).casefold()


def labels_as_typed(texts: Iterable[str]) -> frozenset[str]:
    """Return the labels in texts as they were typed, without normalising them."""
    lines = (line for text in texts for line in text.splitlines())
    return frozenset(piece.strip() for line in lines for piece in _LABEL_SEPARATOR.split(line))


def split_labels(text: str, *, caption: str) -> tuple[str, ...]:
    """Read labels from one text, as `parse_labels` does from several."""
    return parse_labels((text,), caption=caption)


def parse_labels(texts: Iterable[str], *, caption: str) -> tuple[str, ...]:
    """Read labels from texts, divided by separators or line ends.

    Each one is normalised as by `clean_line`, without leading `#`. Of labels that differ only in
    case or ZWNJ, the first one counts.

    Args:
        texts: The ticked and typed labels.
        caption: The field's caption, for the message.

    Raises:
        InvalidText: if there are more than 20 labels, one has more than 50 code points, or a
            character is bad.
    """
    found: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            # Cleaned first: normalising turns some characters, such as U+037E, into separators.
            for piece in _LABEL_SEPARATOR.split(clean_line(line, caption=caption)):
                if name := piece.strip(" ").lstrip(_LABEL_MARKS):
                    found.setdefault(label_key(name), name)
    if too_long := next((name for name in found.values() if len(name) > _MAX_LABEL_LENGTH), None):
        raise InvalidText(messages.LABEL_TOO_LONG.format(label=too_long))
    if len(found) > MAX_LABELS:
        raise InvalidText(messages.LABELS_TOO_MANY)
    return tuple(found.values())
