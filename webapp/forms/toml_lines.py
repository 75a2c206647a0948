"""Finds the lines of a TOML file to which errors belong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from webapp.forms.toml_values import Fault, Keys

# A TOML key, and the two kinds of lines that begin with one.
_KEY_PART: Final = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY: Final = rf"\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*"
_HEADER_LINE: Final = re.compile(rf"\s*\[+{_KEY}\]")
_VALUE_LINE: Final = re.compile(rf"{_KEY}=")


def _lines(text: str) -> Mapping[Keys, int]:
    """Return the line on which each key occurs first; approximate, since tomllib has no lines."""
    lines: dict[Keys, int] = {}
    header: Keys = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _HEADER_LINE.match(line):
            path = header = _split(found[1])
        elif found := _VALUE_LINE.match(line):
            path = (*header, *_split(found[1]))
        else:
            continue
        for depth in range(1, len(path) + 1):
            lines.setdefault(path[:depth], number)
    return lines


def _split(keys: str) -> Keys:
    return tuple(part.strip("\"'") for part in re.findall(_KEY_PART, keys))


def format_faults(faults: Iterable[Fault], text: str, source: str) -> Iterator[str]:
    """Yield the errors in the order of the file, each with its line, form and key."""
    lines = _lines(text)

    def line(path: Keys) -> int:
        return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 0)

    for path, reason in sorted(faults, key=lambda fault: line(fault[0])):
        place = f"{source}:{line(path)}" if line(path) else source
        message = ": ".join(filter(None, (place, ".".join(path), reason)))
        yield " ".join(message.split())  # a quoted value may contain line ends
