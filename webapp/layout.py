"""What a page shows first, and what opens on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp import wording

if TYPE_CHECKING:
    from wtforms import Field

    from webapp.forms import ContactForm

_SHORT: Final = 8  # a form of so many fields is shown whole

# What operators fill in every time.
_FIRST: Final = ("Mobile", "FName", "LName", "GenderType", "CityName", "Labels")

_GROUPS: Final = {
    wording.GROUP_WORK: ("CompanyTitle", "JobTitle"),
    wording.GROUP_ADDRESS: ("Email", "AddressText"),
    wording.GROUP_DATES: ("BornDate", "AnniversaryDate"),
    wording.GROUP_CUSTOM: (
        *(f"CustomText{number}" for number in range(1, 7)),
        *(f"CustomDate{number}" for number in range(1, 4)),
    ),
    wording.GROUP_STATE: ("Active",),
}


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
    first = [
        field
        for field in form.asked
        if field.name in _FIRST or field.name in form.definition.required
    ]
    rest = {field.name: field for field in form.asked if field not in first}
    groups = [
        Group(title, [rest[name] for name in names if name in rest])
        for title, names in _GROUPS.items()
    ]
    return Layout(
        first,
        [group for group in groups if group.fields],
        is_open=any(_was_touched(field) for field in rest.values()),
    )


def _was_touched(field: Field) -> bool:
    return bool(field.errors) or bool(field.data) != bool(field.default)
