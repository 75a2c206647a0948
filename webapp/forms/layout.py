"""What a page shows first, and what opens on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp.contact import EMPTY_VALUES, FIELDS, Section

if TYPE_CHECKING:
    from wtforms import Field

    from webapp.forms.form import ContactForm

_SHORT: Final = 8  # a form of so many fields is shown whole


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
        groups: The rest, by group; empty for a short form.
        is_open: Whether the rest is shown already: something in it was filled in or is wrong.
    """

    first: list[Field]
    groups: list[Group]
    is_open: bool


def arrange(form: ContactForm) -> Layout:
    """Arrange a form's fields for its page."""
    if len(form.asked) <= _SHORT:
        return Layout(form.asked, [], is_open=False)
    first: list[Field] = []
    rest: list[Field] = []
    for field in form.asked:
        is_first = _section(field) is Section.MAIN or field.name in form.definition.required
        (first if is_first else rest).append(field)
    groups = [
        Group(section.value, [field for field in rest if _section(field) is section])
        for section in Section
    ]
    return Layout(
        first,
        [group for group in groups if group.fields],
        is_open=any(map(_was_touched, rest)),
    )


def _section(field: Field) -> Section:
    return FIELDS[field.name].section


def _was_touched(field: Field) -> bool:
    return bool(field.errors) or _given(field.data) != _given(field.default)


def _given(value: object) -> object:
    return None if value in EMPTY_VALUES else value
