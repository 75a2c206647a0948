"""Reads vCards, as phones export them: versions 2.1 to 4.0."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator

from .delimited import decode

# A column for each of them, by captions that are known.
_HEADER = ("First Name", "Last Name", "Mobile", "Mobile 2", "Mobile 3", "Email", "Company",
           "Job Title", "City", "Address", "Birthday", "Labels")  # fmt: skip
_FOLDED = re.compile(r"\r?\n[ \t]")
_SOFT_BREAK = re.compile(r"=\r?\n")
_PART = re.compile(r"(?<!\\);")
_ESCAPED = re.compile(r"\\(.)")
_YEAR_MONTH_DAY = re.compile(r"(?!1604)(\d{4})-?(\d\d)-?(\d\d)(?:T.*)?")  # iPhone: no year
_MAX_NUMBERS = 3


def read_vcards(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield a header, and a row for each card, numbered as it stands in the file."""
    text = _FOLDED.sub("", _SOFT_BREAK.sub("", decode(data)))
    yield 1, [*_HEADER]
    for number, card in enumerate(re.split(r"(?i)BEGIN:VCARD", text)[1:], start=2):
        yield number, _cells(card)


def _cells(card: str) -> list[str]:
    found: dict[str, list[list[str]]] = {}
    for line in card.splitlines():
        name, colon, value = line.partition(":")
        key, *parameters = name.upper().split(";")
        if colon:
            parts = [_plain(part, parameters) for part in _PART.split(value)]
            is_mobile = any("CELL" in it for it in parameters)
            found.setdefault("CELL" if is_mobile else key.rpartition(".")[2], []).append(parts)
    last, first = [*_first(found, "N"), "", ""][:2]
    if not (first or last):
        last = " ".join(_first(found, "FN"))
    numbers = [it[0].removeprefix("tel:") for key in ("CELL", "TEL") for it in found.get(key, [])]
    numbers = [*dict.fromkeys(numbers), *[""] * _MAX_NUMBERS][:_MAX_NUMBERS]
    address = [*_first(found, "ADR"), *[""] * 7]
    street = ", ".join(filter(None, (address[2], address[1], address[0])))
    birthday = _YEAR_MONTH_DAY.fullmatch("".join(_first(found, "BDAY")).strip())
    return [
        *(first, last, *numbers),
        *("".join(_first(found, name)[:1]) for name in ("EMAIL", "ORG", "TITLE")),
        *(address[3], street, "-".join(birthday.groups()) if birthday else ""),
        "".join(_first(found, "CATEGORIES")[:1]),
    ]


def _first(found: dict[str, list[list[str]]], name: str) -> list[str]:
    return next(iter(found.get(name, [])), [])


def _plain(part: str, parameters: list[str]) -> str:
    if any("QUOTED-PRINTABLE" in it for it in parameters):
        part = quopri.decodestring(part.encode()).decode(errors="replace")
    return _ESCAPED.sub(lambda it: "\n" if it[1] in "nN" else it[1], part).strip()
