"""The profiles of the simulator: plausible readings of what the portal's documents leave open."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import EllipsisType, MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_ALLOWED: Final = "Token_NotAllowMethod"


class Shape(enum.Enum):
    """Where ContactCreate's answer stands. No document shows a success of it."""

    DATA = enum.auto()
    WRAPPED = enum.auto()  # status and contact are within `ReturnValue`
    ARRAY = enum.auto()  # of one whole answer
    BARE = enum.auto()  # the status alone, as a JSON string
    TEXT = enum.auto()  # the status alone, as plain text
    CONTACT = enum.auto()  # `ReturnValue` is the contact, or the name of an error
    UNREADABLE = enum.auto()  # the same page, whatever became of the contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One reading of the portal's documents.

    Attributes:
        http_status: 200, or the status of every answer: then nothing is stored.
        instead: The statuses that some methods answer in place of what was asked for.
        shape: Where ContactCreate's answer stands.
        gender: Whether a form may say nothing about the gender, or that stands for `false`.
        known: What ContactCreate makes of a known number: a second contact, an update of the
            first one in which empty values count, or an error.
        may_omit: Whether a form may leave out values; an update keeps them as they are.
        keeps_labels: Whether ContactEdit keeps the labels if the form has none.
        lag: Seconds until ContactSearch sees a change.
        no_match: `Data` where ContactSearch finds nothing; `...` for a missing key.
        empty_text: ContactSearch's value of an empty text.
        empty_gender: ContactSearch's value of no gender; `...` for a missing key.
        prefix: The digits before the ten digits of a mobile number in ContactSearch.
        reshapes: Whether white space, letters and line ends of texts are changed.
        labels: Whether a search by labels uses them, ignores them, or is refused.
    """

    http_status: int = 200
    instead: Mapping[str, str] = field(default_factory=dict)
    shape: Shape = Shape.DATA
    gender: Literal["optional", "required", "false"] = "optional"
    known: Literal["second", "updated", "refused"] = "second"
    may_omit: bool = False
    keeps_labels: bool = True
    lag: float = 0.0
    no_match: list[object] | EllipsisType | None = field(default_factory=list)
    empty_text: str | None = None
    empty_gender: bool | EllipsisType | None = None
    prefix: str = "98"
    reshapes: bool = False
    labels: Literal["found", "ignored", "refused"] = "found"


# How ContactSearch returns what is stored: a contact is found by its values under each of them.
RETURN_PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "strict": Profile(),
        "empties-as-text": Profile(empty_text=""),
        "no-gender-missing": Profile(empty_gender=...),
        "no-gender-false": Profile(empty_gender=False),
        "bare-mobile": Profile(prefix=""),
        "reshaped-texts": Profile(reshapes=True),
        "labels-ignored": Profile(labels="ignored"),
        "labels-refused": Profile(labels="refused"),
        "old": Profile(
            empty_text="", empty_gender=False, prefix="", reshapes=True, labels="refused"
        ),
    }
)
_NO_SEARCH: Final = {"ContactSearch": NOT_ALLOWED}

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        **RETURN_PROFILES,
        # The answer of ContactCreate
        "wrapped": Profile(shape=Shape.WRAPPED),
        "array": Profile(shape=Shape.ARRAY),
        "bare": Profile(shape=Shape.BARE),
        "text": Profile(shape=Shape.TEXT),
        "contact": Profile(shape=Shape.CONTACT),
        "unreadable": Profile(shape=Shape.UNREADABLE),
        "unreadable-search-refused": Profile(shape=Shape.UNREADABLE, instead=_NO_SEARCH),
        # What it makes of a contact
        "gender-required": Profile(gender="required"),
        "gender-false": Profile(gender="false", may_omit=True),
        "known-updated": Profile(known="updated", may_omit=True),
        "known-refused": Profile(known="refused"),
        "http-401": Profile(http_status=401),
        # ContactSearch
        "no-match-null": Profile(no_match=None),
        "no-match-missing": Profile(no_match=...),
        "search-failed": Profile(instead={"ContactSearch": "Failed"}),
        "search-refused": Profile(instead=_NO_SEARCH),
        "search-delayed": Profile(lag=3.0),
        # ContactEdit and ContactDelete
        "edit-drops-labels": Profile(keeps_labels=False),
        "edit-refused": Profile(instead={"ContactEdit": NOT_ALLOWED, "ContactDelete": NOT_ALLOWED}),
    }
)
