"""Reads `forms.toml`; reports all errors at once, each with its line."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from webapp.contact import FIELDS, LABELS, MOBILE, Field, FieldKind, Value, in_page_order
from webapp.forms.definitions import (
    MAX_SUBMIT_LENGTH,
    NOTHING,
    Access,
    Background,
    DateInput,
    DuplicatePolicy,
    FormDefinition,
    FromUrl,
    Verify,
    conflicts,
    most_labels,
    read_from_url,
)
from webapp.forms.toml_values import (
    Reader,
    TomlFault,
    TomlFaults,
    check_reader,
    choice_reader,
    choices_reader,
    datetime_reader,
    fault,
    fixed_value_reader,
    format_faults,
    list_reader,
    mapping_reader,
    read_accent,
    read_address,
    read_custom_text,
    read_field_names,
    read_fields,
    read_label,
    read_labels,
    read_line_number,
    read_origin,
    read_switch,
    text_reader,
    unknown,
    whole_number_reader,
)
from webapp.messages.public import NOT_VERIFIED_LABEL
from webapp.persian import MAX_LABELS, Check
from webapp.verification.sender import Fallback, Policy

_T = TypeVar("_T")

_BUILT_IN: Final = Path(__file__).with_name("forms.toml")
_OF_DEMO: Final = Path(__file__).with_name("demo.toml")
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

_MAX_BYTES: Final = 1024 * 1024
_SYNTAX_LINE: Final = re.compile(r"at line (\d+)")

_CODE_LENGTH: Final = 5
_DATES: Final = MappingProxyType({Access.INTRANET: DateInput.TEXT, Access.PUBLIC: DateInput.PARTS})


class DefinitionError(ValueError):
    """The file is invalid; the message names each error on a line of its own."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Set the errors, one sentence each."""
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def _key(read: Reader[_T], default: _T, *, needed: bool = False, only: Access | None = None) -> _T:
    metadata = {"read": read, "needed": needed, "only": only}
    return dataclasses.field(default_factory=lambda: default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FormTable:
    """A form's table in the file: its keys, their readers and their defaults."""

    title: str = _key(text_reader(100), "", needed=True)
    access: Access = _key(  # noqa: RUF009  it is a dataclasses.field, as the others
        choice_reader(Access), Access.INTRANET, needed=True
    )
    fields: tuple[str, ...] | Literal["all"] = _key(read_fields, (), needed=True)
    required: tuple[str, ...] = _key(read_field_names, ())
    intro: str = _key(text_reader(300), "")
    captions: Mapping[str, str] = _key(mapping_reader(lambda _: text_reader(100)), {})
    hints: Mapping[str, str] = _key(mapping_reader(lambda _: text_reader(200)), {})
    checks: Mapping[str, Check] = _key(mapping_reader(check_reader), {})
    choices: Mapping[str, tuple[str, ...]] = _key(mapping_reader(choices_reader), {})
    label_choices: tuple[str, ...] = _key(read_labels, ())
    free_labels: bool = _key(read_switch, default=False, only=Access.INTRANET)
    labels: tuple[str, ...] = _key(read_labels, ())
    fixed: Mapping[str, Value] = _key(mapping_reader(fixed_value_reader), MappingProxyType({}))
    consent: str = _key(text_reader(500), "")
    consent_field: str = _key(read_custom_text, "")
    embed_origins: tuple[str, ...] = _key(list_reader(read_origin), (), only=Access.PUBLIC)
    accent: str = _key(read_accent, "")
    success: str = _key(text_reader(300), "")
    redirect: str = _key(read_address, "")
    dates: DateInput | None = _key(choice_reader(DateInput), None)  # noqa: RUF009  as above
    submit: str = _key(text_reader(MAX_SUBMIT_LENGTH), "")
    received: str = _key(text_reader(300), "", only=Access.PUBLIC)
    help: str = _key(text_reader(500), "")
    privacy: str = _key(read_address, "", only=Access.PUBLIC)
    contact: str = _key(text_reader(200), "", only=Access.PUBLIC)
    duplicates: DuplicatePolicy | None = _key(  # noqa: RUF009  as above
        choice_reader(DuplicatePolicy), None, only=Access.INTRANET
    )
    proof_of_work: bool = _key(read_switch, default=False, only=Access.PUBLIC)
    from_url: FromUrl = _key(  # noqa: RUF009  as above
        read_from_url, NOTHING, only=Access.PUBLIC
    )
    verify: Verify | None = _key(  # noqa: RUF009  as above
        choice_reader(Verify), None, only=Access.PUBLIC
    )
    verify_length: int | None = _key(whole_number_reader(4, 8), None)
    verify_fallback: Fallback | None = _key(choice_reader(Fallback), None)  # noqa: RUF009  as above
    verify_label: str = _key(read_label, "")
    opens: datetime | None = _key(  # noqa: RUF009  as above
        datetime_reader(is_end=False), None, only=Access.PUBLIC
    )
    closes: datetime | None = _key(  # noqa: RUF009  as above
        datetime_reader(is_end=True), None, only=Access.PUBLIC
    )
    capacity: int | None = _key(whole_number_reader(1, 1_000_000), None, only=Access.PUBLIC)
    closed: str = _key(text_reader(300), "", only=Access.PUBLIC)
    line: str = _key(read_line_number, "")
    line_blocked: str = _key(text_reader(300), "")
    heading: bool = _key(read_switch, default=True)
    background: Background | None = _key(  # noqa: RUF009  as above
        choice_reader(Background), None, only=Access.PUBLIC
    )

    @property
    def shown_fields(self) -> tuple[str, ...]:
        """The names of the fields shown; "all" means all that this form can show."""
        if self.fields != "all":
            return self.fields
        possible = {
            FieldKind.LABELS: bool(self.label_choices) or self.free_labels,
            FieldKind.ACTIVE: self.access is Access.INTRANET,
        }
        return tuple(row.name for row in in_page_order() if possible.get(row.kind, True))

    def to_definition(self, slug: str) -> FormDefinition:
        """Return the definition."""
        own: dict[str, Any] = {
            "slug": slug,
            "fields": tuple(self._row(FIELDS[name]) for name in self.shown_fields),
            "required": frozenset({MOBILE, *self.required}),
            "dates": self.dates or _DATES[self.access],
            "proof_of_work": self.proof_of_work or self.verify is not None,
            "verification": self._verification(),
        }
        names = {row.name for row in dataclasses.fields(FormDefinition)} - own.keys()
        return FormDefinition(**own, **{name: getattr(self, name) for name in names})

    def _verification(self) -> Policy | None:
        if self.verify is None:
            return None
        return Policy(
            length=self.verify_length or _CODE_LENGTH,
            fallback=self.verify_fallback or Fallback.HOLD,
            label=self.verify_label or NOT_VERIFIED_LABEL,
        )

    def _row(self, row: Field) -> Field:
        choices = self.choices.get(row.name, ())
        # The default hints are about typing.
        is_chosen = choices or (row.kind is FieldKind.LABELS and not self.free_labels)
        ours = "" if is_chosen else row.hint
        caption, hint = self.captions.get(row.name, row.caption), self.hints.get(row.name, ours)
        return dataclasses.replace(row, caption=caption, hint=hint, choices=choices)


# Rules report keys that are valid, but not together.


def _access_rule(table: _FormTable) -> Iterator[TomlFault]:
    for row in dataclasses.fields(_FormTable):
        only = row.metadata["only"]
        if only not in (None, table.access) and getattr(table, row.name):
            yield (row.name,), f"is for {only} forms only"
    for name in table.shown_fields:
        if table.access is Access.PUBLIC and FIELDS[name].kind is FieldKind.ACTIVE:
            yield ("fields",), f'"{name}" is for intranet forms only'


def _shown_rule(table: _FormTable) -> Iterator[TomlFault]:
    shown = frozenset(table.shown_fields)
    if MOBILE not in shown:
        yield ("fields",), f'"{MOBILE}" is missing: the portal takes no contact without it'
    for name in table.required:
        if name not in shown:
            yield ("required",), f'"{name}" is required but not shown'
        if FIELDS[name].kind is FieldKind.ACTIVE:
            yield ("required",), f'"{name}" cannot be required: unticked says something too'
    for key in ("captions", "hints", "checks", "choices"):
        names = getattr(table, key)
        yield from (((key, name), "is not shown") for name in names if name not in shown)
    both = table.checks.keys() & table.choices.keys()
    yield from ((("checks", name), "has choices, which are its check") for name in both)
    yield from ((("fixed", name), "is also shown") for name in table.fixed if name in shown)


def _labels_rule(table: _FormTable) -> Iterator[TomlFault]:
    shown = LABELS in table.shown_fields
    if shown and not (table.label_choices or table.free_labels):
        yield ("fields",), f'"{LABELS}" needs "label_choices" or "free_labels"'
    for key in ("label_choices", "free_labels"):
        if getattr(table, key) and not shown:
            yield (key,), f'needs "{LABELS}" among the fields'


def _label_count_rule(table: _FormTable) -> Iterator[TomlFault]:
    added = [table.verify_label or NOT_VERIFIED_LABEL] * (table.verify_fallback is Fallback.ACCEPT)
    count = len({*table.labels, *table.label_choices, *added})
    if count + most_labels(table.from_url) > MAX_LABELS:
        key = "labels" if len(table.labels) > MAX_LABELS else "label_choices"
        key = key if count > MAX_LABELS else "from_url"
        yield (key,), f"a contact has at most {MAX_LABELS} labels"


def _consent_rule(table: _FormTable) -> Iterator[TomlFault]:
    name = table.consent_field
    if name and not table.consent:
        yield ("consent_field",), 'needs "consent"'
    if name in table.shown_fields or name in table.fixed:
        yield ("consent_field",), f'"{name}" is already shown or fixed'


def _from_url_rule(table: _FormTable) -> Iterator[TomlFault]:
    used = {*table.shown_fields, *table.fixed, table.consent_field}
    yield from ((("from_url", *keys), reason) for keys, reason in conflicts(table.from_url, used))


def _verify_rule(table: _FormTable) -> Iterator[TomlFault]:
    needs = 'needs verify = "sms"'
    for key in ("verify_length", "verify_fallback", "verify_label"):
        if getattr(table, key) and not table.verify:
            yield (key,), needs
    if table.verify_label and table.verify_fallback is not Fallback.ACCEPT:
        yield ("verify_label",), 'needs verify_fallback = "accept"'
    # An unverified number may be another person's, whose blocks are private.
    if table.line and table.access is Access.PUBLIC and not table.verify:
        yield ("line",), f"{needs} on a public form"
    if table.line_blocked and not table.line:
        yield ("line_blocked",), 'needs "line"'


def _opening_rule(table: _FormTable) -> Iterator[TomlFault]:
    if table.opens and table.closes and table.opens >= table.closes:
        yield ("closes",), 'is not after "opens"'
    if table.closed and not (table.closes or table.capacity):
        yield ("closed",), 'needs "closes" or "capacity"'


def _redirect_rule(table: _FormTable) -> Iterator[TomlFault]:
    parts = urlsplit(table.redirect)
    origin = f"{parts.scheme}://{parts.netloc}"
    if table.redirect and table.embed_origins and origin not in table.embed_origins:
        yield ("redirect",), f'"{origin}" is not among "embed_origins"'


# Each rule with the keys that it needs.
_RULES: Final[Mapping[Callable[[_FormTable], Iterator[TomlFault]], set[str]]] = MappingProxyType(
    {
        _access_rule: {"access"},
        _shown_rule: {"fields"},
        _labels_rule: {"fields", "label_choices", "free_labels"},
        _label_count_rule: set(),
        _consent_rule: {"fields", "consent"},
        _from_url_rule: {"fields"},
        _verify_rule: {"access", "verify", "verify_fallback", "line"},
        _redirect_rule: set(),
        _opening_rule: {"opens", "closes", "capacity"},
    }
)


def _form(slug: str, value: object) -> FormDefinition:
    """Read the keys of a form's table, then check the rules."""
    if not isinstance(value, dict):
        raise fault("must be a table")
    faults = TomlFaults()
    if not _SLUG.fullmatch(slug):
        faults.append(((), "its name must be 1 to 40 of a-z, 0-9 and -, the first no -"))
    keys = {row.name: row.metadata for row in dataclasses.fields(_FormTable)}
    values: dict[str, Any] = {}
    for name, raw in value.items():
        with faults.at(name, kept=values):
            if name not in keys:
                raise unknown("key", name, keys)
            values[name] = keys[name]["read"](raw)
    faults += (
        ((name,), "is missing") for name in keys if keys[name]["needed"] and name not in value
    )
    unread = {name for path, _ in faults for name in path[:1]} - values.keys()
    table = _FormTable(**values)
    for rule, needs in _RULES.items():
        if not needs & unread:
            faults += rule(table)
    faults.check(None)
    return table.to_definition(slug)


def parse(text: str, *, source: str) -> Mapping[str, FormDefinition]:
    """Read the text of a forms.toml.

    Args:
        text: TOML.
        source: The file's name, for messages.

    Returns:
        The forms by slug, in the file's order.

    Raises:
        DefinitionError: if anything is wrong. It names every error.
    """
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        line = _SYNTAX_LINE.search(str(error))
        place = f"{source}:{line[1]}" if line else source
        raise DefinitionError([f"{place}: {error}"]) from None
    faults = TomlFaults()
    forms: dict[str, FormDefinition] = {}
    for name in document:
        with faults.at(name):
            if name != "forms":
                raise unknown("key", name, ["forms"])
    tables = document.get("forms")
    if not isinstance(tables, dict) or not tables:
        faults.append(((), "no form is defined; a form begins with [forms.its-name]"))
        tables = {}
    for slug, table in tables.items():
        with faults.at("forms", slug):
            forms[slug] = _form(slug, table)
    if faults:
        raise DefinitionError(tuple(format_faults(faults, text, source)))
    return MappingProxyType(forms)


def load(path: Path | None, *, demo: bool = False) -> Mapping[str, FormDefinition]:
    """Read a forms.toml.

    Args:
        path: The file; None for the built-in one.
        demo: Whether the built-in one has a further form for demo mode, and its operators' form
            asks about numbers that the phonebook has.

    Returns:
        The forms by slug, in the file's order.

    Raises:
        DefinitionError: if it cannot be read, or anything is wrong. It names every error.
    """
    if path is None and demo:
        forms = {**load(_BUILT_IN), **load(_OF_DEMO)}
        asks = DuplicatePolicy.ASK
        return MappingProxyType(
            {
                slug: dataclasses.replace(form, duplicates=asks)
                if form.access is Access.INTRANET
                else form
                for slug, form in forms.items()
            }
        )
    path = path or _BUILT_IN
    try:
        if path.stat().st_size > _MAX_BYTES or not path.is_file():
            raise DefinitionError([f"{path}: must be a regular file of at most 1 MB"])
        text = path.read_text(encoding="utf-8-sig")  # some editors write a BOM
    except OSError as error:
        raise DefinitionError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DefinitionError([f"{path}:{line}: is not UTF-8"]) from None
    return parse(text, source=str(path))
