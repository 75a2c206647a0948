"""The definition of a form: a table of `forms.toml`, validated.

A public form can take a visitor's source from the address of its page. Anybody can type a query:
its values only reach custom texts that the form does not show, and labels that the definition
lists.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from webapp.contact import FIELDS, LABELS, Contact, Field, Value
from webapp.forms.toml_values import (
    TomlFault,
    TomlFaults,
    fault,
    read_custom_text,
    read_label,
    text_reader,
)
from webapp.outbox.rows import MAX_SOURCE_LENGTH
from webapp.persian import Check, InvalidText, clean_line
from webapp.verification.sender import Policy

# Where a key's value goes: into this custom text, or it stands for a label.
Target = str | Mapping[str, str]
FromUrl = Mapping[str, Target]

NOTHING: Final[FromUrl] = MappingProxyType({})

MAX_SUBMIT_LENGTH: Final = 40  # of a button's caption

_SOURCE_KEY: Final = "utm_source"
_MAX_TEXT_LENGTH: Final = FIELDS["CustomText1"].max_length
_QUERY_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
# Of our own addresses: the receipt, the host's origin, the code step, the preview.
_OWN_KEYS: Final = frozenset({"r", "site", "s", "change", "sent", "preview"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a request's query says about the visitor's source.

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
        value = clean_line(text, caption="")
    except InvalidText:
        return ""
    return value if len(value) <= _MAX_TEXT_LENGTH else ""


def read_from_url(value: object) -> FromUrl:
    """Read the table `from_url` of forms.toml."""
    if not isinstance(value, dict):
        raise fault("must be a table")
    faults = TomlFaults()
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
    if not _QUERY_KEY.fullmatch(key):
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
    faults = TomlFaults()
    labels: dict[str, str] = {}
    for value, label in table.items():
        with faults.at(value):
            labels[text_reader(_MAX_TEXT_LENGTH)(value)] = read_label(label)
    return faults.check(MappingProxyType(labels))


def conflicts(from_url: FromUrl, used: Collection[str]) -> Iterator[TomlFault]:
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


class Access(enum.StrEnum):
    """The people that may open a form."""

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


class Background(enum.StrEnum):
    """The background of a form in a frame, if it has no sheet of its own."""

    TRANSPARENT = "transparent"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDefinition:
    """One form, as its table in forms.toml defines it.

    Attributes:
        slug: Its name in URLs.
        title: Its Persian title.
        access: The people that may open it.
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
        submit: The caption of its button, or "": see `button`.
        received: The message after a contact that is delivered later, or "" for the default.
        help: A text above the button, or "".
        privacy: The URL of what is said about privacy, or "".
        contact: A line on whom to ask, whose phone numbers and addresses are links, or "".
        dates: How dates are asked for.
        checks: Further checks of text fields, by name.
        duplicates: Whether an operator is asked before a second contact with one number.
        proof_of_work: Whether a visitor's browser computes a proof of work.
        from_url: What is taken from the query of the page's address, by its key.
        verification: How a visitor's number is verified by SMS; None if it is not.
        opens: When it opens; None if it always was.
        closes: When it closes; None if it never does.
        capacity: How many submissions it takes; None for any number.
        closed: A text that is shown once it is closed or full, or "".
        line: The line from which messages will come, or "": a receipt says if it is blocked.
        line_blocked: The text of the receipt then, or "" for the default.
        heading: Whether title and intro are shown in a frame.
        background: The background in a frame; None for a sheet of its own.
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
    submit: str = ""
    received: str = ""
    help: str = ""
    privacy: str = ""
    contact: str = ""
    dates: DateInput
    checks: Mapping[str, Check] = dataclasses.field(default_factory=dict)
    duplicates: DuplicatePolicy | None = None
    proof_of_work: bool = False
    from_url: FromUrl = dataclasses.field(default_factory=dict)
    verification: Policy | None = None
    opens: datetime | None = None
    closes: datetime | None = None
    capacity: int | None = None
    closed: str = ""
    line: str = ""
    line_blocked: str = ""
    heading: bool = True
    background: Background | None = None

    @property
    def shown(self) -> frozenset[str]:
        """The API names of the fields that its person can correct."""
        return frozenset(row.name for row in self.fields)

    @property
    def button(self) -> str:
        """The caption of its button, if it has none of its own its title; "" if that is long."""
        return self.submit or (self.title if len(self.title) <= MAX_SUBMIT_LENGTH else "")

    @property
    def asks_about_duplicates(self) -> bool:
        """Whether an operator is asked before a second contact with one number."""
        return self.duplicates is DuplicatePolicy.ASK


def make_contact(
    definition: FormDefinition, values: Mapping[str, Value], *, labels: Sequence[str] = ()
) -> Contact:
    """Return the contact of a form's values, with those that the definition adds."""
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
