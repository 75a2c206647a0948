"""The layout of a form's page: fields that are always shown, and groups that open on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp.contact import EMPTY_VALUES, FIELDS, Kind, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wtforms import Field

    from webapp.forms.form import ContactForm

_MAX_FIELDS_SHOWN: Final = 8  # a form with more fields has groups
_WIDE_KINDS: Final = (Kind.LINES, Kind.LABELS)


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading."""

    title: str
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a page.

    Attributes:
        first: The fields that are always shown.
        groups: The other fields; empty for a short form.
        is_open: Whether the groups are open: one of their fields has a value or an error.
    """

    first: list[Field]
    groups: list[Group]
    is_open: bool


def arrange(form: ContactForm) -> Layout:
    """Arrange a form's fields for its page, each with the flag `span`: see `spans`."""
    layout = _grouped(form)
    for fields in (layout.first, *(group.fields for group in layout.groups)):
        wide = [FIELDS[field.name].kind in _WIDE_KINDS for field in fields]
        for field, span in zip(fields, spans(wide), strict=True):
            field.flags.span = span
    return layout


def spans(is_wide: Sequence[bool]) -> list[int]:
    """Return how many of six columns each field takes, so that every row is full.

    Three fields make a row. What is left over makes rows of two, or stands beside a wide field.
    """
    found: list[int] = []
    narrow = 0
    for wide in (*is_wide, None):
        if wide is False:
            narrow += 1
            continue
        left = narrow % 3
        if left == 1 and wide:
            found += [2] * narrow + [4]
        else:
            in_pairs = min({0: 0, 1: 4, 2: 2}[left], narrow)
            found += [2] * (narrow - in_pairs) + [6 if narrow == 1 else 3] * in_pairs
            found += [6] * bool(wide)
        narrow = 0
    return found


def _grouped(form: ContactForm) -> Layout:
    if len(form.contact_fields) <= _MAX_FIELDS_SHOWN:
        return Layout(form.contact_fields, [], is_open=False)
    first: list[Field] = []
    rest: list[Field] = []
    for field in form.contact_fields:
        is_first = _section(field) is Section.MAIN or field.name in form.definition.required
        (first if is_first else rest).append(field)
    groups = [
        Group(section.value, [field for field in rest if _section(field) is section])
        for section in Section
    ]
    return Layout(
        first,
        [group for group in groups if group.fields],
        is_open=any(map(_has_input, rest)),
    )


def _section(field: Field) -> Section:
    return FIELDS[field.name].section


def _has_input(field: Field) -> bool:
    return bool(field.errors) or _value_or_none(field.data) != _value_or_none(field.default)


def _value_or_none(value: object) -> object:
    return None if value in EMPTY_VALUES else value
