"""The definition of a form: a table of `forms.toml`, validated."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.contact import LABELS, Contact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.contact import Field, Value
    from webapp.delivery.verification import Policy
    from webapp.forms.from_url import FromUrl
    from webapp.persian import Check


class Access(enum.StrEnum):
    """Who may open a form."""

    INTRANET = "intranet"
    PUBLIC = "public"


class DateInput(enum.StrEnum):
    """How a form asks for a date: one text input, or day, month and year."""

    TEXT = "text"
    PARTS = "parts"


class DuplicatePolicy(enum.StrEnum):
    """What happens to a contact whose number the phonebook has already."""

    ASK = "ask"
    IGNORE = "ignore"


class Verify(enum.StrEnum):
    """How a form verifies mobile numbers."""

    SMS = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDefinition:
    """One form, as its table in forms.toml defines it.

    Attributes:
        slug: Its name in URLs.
        title: Its Persian title.
        access: Who may open it.
        fields: The rows shown, in this order, with the form's own captions and hints.
        required: The names of the fields that must be filled in; Mobile is always among them.
        intro: A sentence under the title, or "".
        label_choices: The labels that are offered as checkboxes.
        free_labels: Whether labels may be typed as well; on intranet forms only.
        labels: Labels that are sent with every contact.
        fixed: Values that are sent and not shown, by API name.
        consent: The text of a required consent, or "".
        consent_field: The custom text that records date and site of the consent, or "".
        embed_origins: The origins of sites that may embed the form.
        accent: The colour of buttons as "#rrggbb", or "" for the default.
        success: The message after an accepted contact, or "" for the default.
        redirect: The URL to go to after that, or "".
        dates: How dates are asked for.
        checks: Further checks of text fields, by name.
        duplicates: Whether an operator is asked before a second contact with one number.
        proof_of_work: Whether a visitor's browser computes a proof of work.
        from_url: What is taken from the query of the page's address, by its key.
        verification: How a visitor's number is verified by SMS; None if it is not.
        line: The line from which messages will come, or "": a receipt says if it is blocked.
        line_blocked: What it says then, or "" for the default.
    """

    slug: str
    title: str
    access: Access
    fields: tuple[Field, ...]
    required: frozenset[str]
    intro: str = ""
    label_choices: tuple[str, ...] = ()
    free_labels: bool = False
    labels: tuple[str, ...] = ()
    fixed: Mapping[str, Value]
    consent: str = ""
    consent_field: str = ""
    embed_origins: tuple[str, ...] = ()
    accent: str = ""
    success: str = ""
    redirect: str = ""
    dates: DateInput
    checks: Mapping[str, Check] = dataclasses.field(default_factory=dict)
    duplicates: DuplicatePolicy | None = None
    proof_of_work: bool = False
    from_url: FromUrl = dataclasses.field(default_factory=dict)
    verification: Policy | None = None
    line: str = ""
    line_blocked: str = ""

    @property
    def shown(self) -> frozenset[str]:
        """The API names of the fields that its person can correct."""
        return frozenset(row.name for row in self.fields)

    @property
    def asks_about_duplicates(self) -> bool:
        """Whether an operator is asked before a second contact with one number."""
        return self.duplicates is DuplicatePolicy.ASK


def make_contact(
    definition: FormDefinition, values: Mapping[str, Value], *, labels: Sequence[str] = ()
) -> Contact:
    """Return the contact of a form's values, with those that the definition adds.

    Args:
        definition: The form.
        values: The values that were read, by API name.
        labels: Further labels.
    """
    complete = {**values, **definition.fixed}
    typed = complete.get(LABELS) or ()
    chosen = typed if isinstance(typed, tuple) else ()
    all_labels = dict.fromkeys((*definition.labels, *labels, *chosen))
    return Contact(**complete | {LABELS: tuple(all_labels)})


def main_form(definitions: Mapping[str, FormDefinition]) -> FormDefinition | None:
    """Return the form of the page at "/": the first intranet form, if there is one."""
    intranet = (form for form in definitions.values() if form.access is Access.INTRANET)
    return next(intranet, None)


def have_free_labels(definitions: Mapping[str, FormDefinition]) -> bool:
    """Return whether labels may be typed on one of these forms."""
    return any(form.free_labels for form in definitions.values())


def have_public_forms(definitions: Mapping[str, FormDefinition]) -> bool:
    """Return whether visitors may open one of these forms."""
    return any(form.access is Access.PUBLIC for form in definitions.values())
