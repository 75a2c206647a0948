"""What a public form takes from the address of its page: where a visitor came from.

Everything comes from the query, which anybody can type, so it only reaches custom texts that the
form does not show, and labels that its definition lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from webapp.contact import FIELDS
from webapp.delivery.submission import MAX_SOURCE_LENGTH
from webapp.forms.toml_values import Faults, fault, read_custom_text, read_label, text_reader
from webapp.persian import InvalidText, clean_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from webapp.forms.toml_values import Fault

# What becomes of a key's value: it is copied into this custom text, or stands for a label.
Target = str | Mapping[str, str]
FromUrl = Mapping[str, Target]

NOTHING: Final[FromUrl] = MappingProxyType({})

_SOURCE_KEY: Final = "utm_source"
_MAX_LENGTH: Final = FIELDS["CustomText1"].max_length
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
# Of our own addresses: the receipt, the host's origin, the code step, the preview.
_OWN_KEYS: Final = frozenset({"r", "site", "s", "change", "sent", "preview"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a request's query says of where the visitor came from.

    Attributes:
        texts: Values of custom texts, by API name.
        labels: Labels, in the order of the definition.
        source: The value of the definition's `source_key`, shortened, for statistics; else "".
        query: The values that were taken, by key, for the address of a further page.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    source: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


def read_arrival(from_url: FromUrl, query: Mapping[str, str]) -> Arrival:
    """Take from a query what a form's definition lists; the first of several equal keys counts.

    Values that are invalid, too long or not listed are dropped: nobody typed them into the form.

    Args:
        from_url: The form's own.
        query: The values by key, percent-decoded.
    """
    texts: dict[str, str] = {}
    labels: list[str] = []
    taken: dict[str, str] = {}
    for key, target in from_url.items():
        value = _clean(query.get(key, ""))
        if isinstance(target, str):
            texts |= {target: value} if value else {}
        elif label := target.get(value):
            labels.append(label)
        else:
            continue
        taken |= {key: value} if value else {}
    source = taken.get(source_key(from_url), "")[:MAX_SOURCE_LENGTH].strip()
    return Arrival(texts, tuple(labels), source, taken)


def source_key(from_url: FromUrl) -> str:
    """Return the key that names the source of a sign-up: `utm_source`, else the first; or ""."""
    return _SOURCE_KEY if _SOURCE_KEY in from_url else next(iter(from_url), "")


def _clean(text: str) -> str:
    try:
        value = clean_line(text, label="")
    except InvalidText:
        return ""
    return value if len(value) <= _MAX_LENGTH else ""


def read_from_url(value: object) -> FromUrl:
    """Read the table `from_url` of forms.toml."""
    if not isinstance(value, dict):
        raise fault("must be a table")
    faults = Faults()
    targets: dict[str, Target] = {}
    for key, target in value.items():
        with faults.at(key):
            _check_key(key)
            targets[key] = _read_target(target)
    return faults.check(MappingProxyType(targets))


def _check_key(key: str) -> None:
    if key in FIELDS:
        raise fault("is a field: personal data does not belong in an address")
    if key in _OWN_KEYS:
        raise fault("is a key of our own addresses")
    if not _KEY.fullmatch(key):
        raise fault("must be 1 to 40 of A-Z, a-z, 0-9, _ and -, the first a letter")


def _read_target(target: object) -> Target:
    if isinstance(target, dict):
        return _read_labels_by_value(target)
    if not isinstance(target, str):
        raise fault("must be the name of a custom text, or a table of labels by value")
    return read_custom_text(target)


def _read_labels_by_value(table: dict[str, object]) -> Mapping[str, str]:
    if not table:
        raise fault("is empty")
    faults = Faults()
    labels: dict[str, str] = {}
    for value, label in table.items():
        with faults.at(value):
            labels[text_reader(_MAX_LENGTH)(value)] = read_label(label)
    return faults.check(MappingProxyType(labels))


def conflicts(from_url: FromUrl, used: Collection[str]) -> Iterator[Fault]:
    """Yield an error for each custom text that is used twice.

    Args:
        from_url: What the form takes.
        used: The names of the fields that the form fills otherwise.
    """
    taken = set(used)
    for key, target in from_url.items():
        if not isinstance(target, str):
            continue
        if target in taken:
            yield (key,), f'"{target}" is shown or used already'
        taken.add(target)


def most_labels(from_url: FromUrl) -> int:
    """Return how many labels an address may add at most: one a key."""
    return sum(not isinstance(target, str) for target in from_url.values())
