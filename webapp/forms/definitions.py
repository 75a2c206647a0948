"""What a form is: the model of a table of `forms.toml`."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.contact import (
        Field,
        Value,
    )
    from webapp.persian import Check


class Access(enum.StrEnum):
    """Who may open a form."""

    INTRANET = "intranet"
    PUBLIC = "public"


class DateInput(enum.StrEnum):
    """How a form asks for a date: in one text input, or in day, month and year."""

    TEXT = "text"
    PARTS = "parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDefinition:
    """One form as its table in forms.toml describes it, checked and normalised.

    Attributes:
        slug: Its name in addresses.
        title: Its Persian title.
        access: Who may open it.
        fields: The rows shown, in this order, with the form's own captions and hints.
        required: The names of the fields that must be filled in; Mobile is always among them.
        intro: A sentence under the title, or "".
        label_choices: The labels that a person may tick.
        free_labels: Whether a person may type labels too; on intranet forms alone.
        labels: The labels that are always sent.
        fixed: What is sent and not shown, by API name.
        consent: What a person must agree to, or "".
        consent_field: The custom text that records day and site of the consent, or "".
        embed_origins: The sites that may show the form in a frame, as browsers spell an origin.
        accent: The colour of buttons as "#rrggbb", or "" for our own.
        success: The sentence for a contact that was taken, or "" for our own.
        redirect: The address to go to after that, or "".
        dates: How dates are asked for.
        checks: Further checks of text fields, by name.
        proof_of_work: Whether a visitor's browser must solve a small puzzle.
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
    proof_of_work: bool = False


def main_form(definitions: Mapping[str, FormDefinition]) -> FormDefinition | None:
    """Return the form of the page at "/": the first intranet form, if there is one."""
    intranet = (form for form in definitions.values() if form.access is Access.INTRANET)
    return next(intranet, None)
