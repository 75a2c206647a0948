"""The forms, read once from forms.toml. Every fault of the file is named in one message."""

from __future__ import annotations

import dataclasses
import difflib
import enum
import math
import operator
import re
import string
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote, urlsplit

from webapp.contact import (
    FIELDS,
    LABELS,
    MOBILE,
    Field,
    Kind,
    Section,
    Value,
    in_page_order,
)
from webapp.origins import parse_origin
from webapp.persian import (
    FIRST_GREGORIAN_YEAR,
    MOST_LABELS,
    InvalidText,
    check_range,
    clean_line,
    clean_lines,
    label_key,
    parse_date,
    split_labels,
)

_T = TypeVar("_T")
_Choice = TypeVar("_Choice", bound=enum.StrEnum)

_Reader = Callable[[object], _T]
_Keys = tuple[str, ...]
_Fault = tuple[_Keys, str]  # the keys that lead to it, and what is wrong

_BUILT_IN: Final = Path(__file__).with_name("forms.toml")

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")

_ADDRESS: Final = re.compile(r"(https?://[^/?#]*)((?:[/?#]\S*)?)")

_LEAST_CONTRAST: Final = 4.5  # WCAG 2.2, success criterion 1.4.3, text of ordinary size
_DARK: Final = 0.04045  # WCAG 2.2, "relative luminance": up to here sRGB is linear

# A key of TOML, and the two kinds of lines that begin with one.
_KEY_PART: Final = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY: Final = rf"\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*"
_HEADER_LINE: Final = re.compile(rf"\s*\[+{_KEY}\]")
_VALUE_LINE: Final = re.compile(rf"{_KEY}=")
_SYNTAX_LINE: Final = re.compile(r"at line (\d+)")


class Access(enum.StrEnum):
    """Who may open a form."""

    INTRANET = "intranet"
    PUBLIC = "public"


class DateInput(enum.StrEnum):
    """How a form asks for a date: in one text input, or in day, month and year."""

    TEXT = "text"
    PARTS = "parts"


_DATES: Final = MappingProxyType({Access.INTRANET: DateInput.TEXT, Access.PUBLIC: DateInput.PARTS})


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
    proof_of_work: bool = False


class DefinitionError(ValueError):
    """The forms cannot be used; the message names each fault on a line of its own."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults, one sentence each."""
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class _ReadError(ValueError):
    """A value is wrong: its faults, and what could be read all the same."""

    def __init__(self, faults: Iterable[_Fault], *, kept: object = None) -> None:
        self.faults = tuple(faults)
        self.kept = kept


def _fault(reason: str) -> _ReadError:
    return _ReadError([((), reason)])


def _unknown(what: str, name: str, known: Iterable[str]) -> _ReadError:
    close = difflib.get_close_matches(name, known, n=1)
    return _fault(f'unknown {what} "{name}"' + "".join(f'; did you mean "{it}"?' for it in close))


class _Faults(list[_Fault]):
    """Gathers faults, so that one does not hide the next."""

    @contextmanager
    def at(self, *keys: str, kept: dict[str, Any] | None = None) -> Iterator[None]:
        """Pin what is wrong inside to these keys; what could be read goes to `kept`."""
        try:
            yield
        except _ReadError as error:
            self += (((*keys, *rest), reason) for rest, reason in error.faults)
            if kept is not None and error.kept is not None:
                kept[keys[-1]] = error.kept

    def check(self, kept: _T) -> _T:
        """Return what was read, if nothing is wrong with it."""
        if self:
            raise _ReadError(self, kept=kept)
        return kept


# Readers turn a TOML value into ours, or raise a _ReadError.


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise _fault("must be true or false")
    return value


def _text(longest: int, clean: Callable[..., str] = clean_line) -> _Reader[str]:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise _fault("must be a text in quotes")
        try:
            text = clean(value, label="")
        except InvalidText:
            raise _fault("has a character that is not allowed") from None
        if not text:
            raise _fault("is empty")
        if len(text) > longest:
            raise _fault(f'"{text[:20]}…" is longer than {longest} characters')
        return text

    return read


def _choice(kind: type[_Choice]) -> _Reader[_Choice]:
    def read(value: object) -> _Choice:
        for choice in kind:
            if value == choice:
                return choice
        raise _fault("must be " + " or ".join(f'"{choice}"' for choice in kind))

    return read


def _list_of(item: _Reader[str], *, alike: Callable[[str], str] = str) -> _Reader[tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise _fault("must be a list")
        faults = _Faults()
        entries: dict[str, str] = {}
        for raw in value:
            with faults.at():
                entry = item(raw)
                if alike(entry) in entries:
                    raise _fault(f'"{entry}" is repeated')
                entries[alike(entry)] = entry
        return faults.check(tuple(entries.values()))

    return read


def _by_field(reader: Callable[[Field], _Reader[_T]]) -> _Reader[Mapping[str, _T]]:
    def read(value: object) -> Mapping[str, _T]:
        if not isinstance(value, dict):
            raise _fault("must be a table")
        faults = _Faults()
        entries: dict[str, _T] = {}
        for name, raw in value.items():
            with faults.at(name):
                entries[name] = reader(FIELDS[_field_name(name)])(raw)
        return faults.check(MappingProxyType(entries))

    return read


def _field_name(value: object) -> str:
    if not isinstance(value, str):
        raise _fault("must be a field's name in quotes")
    if value not in FIELDS:
        raise _unknown("field", value, FIELDS)
    return value


_field_names: Final = _list_of(_field_name)


def _fields(value: object) -> tuple[str, ...] | Literal["all"]:
    if value == "all":
        return "all"
    if not isinstance(value, list):
        raise _fault('must be "all" or a list')
    return _field_names(value)


def _custom_text(value: object) -> str:
    row = FIELDS[_field_name(value)]
    if row.kind is not Kind.TEXT or row.section is not Section.CUSTOM:
        raise _fault(f'"{row.name}" is none of CustomText1 to CustomText6')
    return row.name


def _label(value: object) -> str:
    label = _text(FIELDS[LABELS].max_length)(value)
    if split_labels(label, label="") != (label,):
        raise _fault(f'"{label}" is not one label: it has a separator or begins with #')
    return label


_labels: Final = _list_of(_label, alike=label_key)


def _origin(value: object) -> str:
    with suppress(ValueError):
        if isinstance(value, str):
            return parse_origin(value)
    raise _fault(f'"{value}" is not an origin such as "https://example.ir"')


def _address(value: object) -> str:
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    with suppress(_ReadError):
        if match is not None and match[2].isprintable():
            return _origin(match[1]) + quote(match[2], safe=string.punctuation)
    raise _fault(f'"{value}" is not an address such as "https://example.ir/thanks"')


def _accent(value: object) -> str:
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise _fault('must be a colour such as "#0b6b57"')
    on_white = contrast(value, "#ffffff")
    if on_white < _LEAST_CONTRAST:
        shown = math.floor(on_white * 10) / 10
        raise _fault(f"white text on {value} has a contrast of {shown}:1; 4.5:1 is the least")
    return value.lower()


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours `#rrggbb`, 1 to 21, by WCAG 2.2's definition."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1, by WCAG 2.2's definition."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (
        math.pow((part + 0.055) / 1.055, 2.4) if part > _DARK else part / 12.92 for part in parts
    )
    return math.fsum(map(operator.mul, linear, (0.2126, 0.7152, 0.0722)))


def _date(value: object) -> date:
    if type(value) is date and value.year >= FIRST_GREGORIAN_YEAR:  # a datetime is a date too
        value = value.isoformat()
    if isinstance(value, str):
        with suppress(InvalidText):
            found = parse_date(value)
            check_range(found, birth=False, today=found)
            return found
    raise _fault('must be a date such as 2025-08-14 or "1404/05/23"')


def _refused(reason: str) -> _Reader[Value]:
    def read(_: object) -> Value:
        raise _fault(reason)

    return read


def _fixed_value(row: Field) -> _Reader[Value]:
    return _FIXED[row.kind](row)


_FIXED: Final[Mapping[Kind, Callable[[Field], _Reader[Value]]]] = MappingProxyType(
    {
        Kind.MOBILE: lambda _: _refused("cannot be fixed: each contact has its own"),
        Kind.EMAIL: lambda _: _refused("cannot be fixed: each contact has its own"),
        Kind.LABELS: lambda _: _refused('cannot be fixed here: the key "labels" does it'),
        Kind.TEXT: lambda row: _text(row.max_length),
        Kind.LINES: lambda row: _text(row.max_length, clean_lines),
        Kind.GENDER: lambda _: _switch,
        Kind.ACTIVE: lambda _: _switch,
        Kind.DATE: lambda _: _date,
    }
)


def _key(read: _Reader[_T], default: _T, *, needed: bool = False, only: Access | None = None) -> _T:
    metadata = {"read": read, "needed": needed, "only": only}
    return dataclasses.field(default_factory=lambda: default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A form's table in the file: its keys, how each is read, and what stands for an absent one."""

    title: str = _key(_text(100), "", needed=True)
    access: Access = _key(  # noqa: RUF009  it is a dataclasses.field, as the others
        _choice(Access), Access.INTRANET, needed=True
    )
    fields: tuple[str, ...] | Literal["all"] = _key(_fields, (), needed=True)
    required: tuple[str, ...] = _key(_field_names, ())
    intro: str = _key(_text(300), "")
    captions: Mapping[str, str] = _key(_by_field(lambda _: _text(100)), {})
    hints: Mapping[str, str] = _key(_by_field(lambda _: _text(200)), {})
    label_choices: tuple[str, ...] = _key(_labels, ())
    free_labels: bool = _key(_switch, default=False, only=Access.INTRANET)
    labels: tuple[str, ...] = _key(_labels, ())
    fixed: Mapping[str, Value] = _key(_by_field(_fixed_value), MappingProxyType({}))
    consent: str = _key(_text(500), "")
    consent_field: str = _key(_custom_text, "")
    embed_origins: tuple[str, ...] = _key(_list_of(_origin), (), only=Access.PUBLIC)
    accent: str = _key(_accent, "")
    success: str = _key(_text(300), "")
    redirect: str = _key(_address, "")
    dates: DateInput | None = _key(_choice(DateInput), None)  # noqa: RUF009  as above
    proof_of_work: bool = _key(_switch, default=False, only=Access.PUBLIC)

    @property
    def shown(self) -> tuple[str, ...]:
        """The names of the fields shown; "all" leaves out what this form could not ask for."""
        if self.fields != "all":
            return self.fields
        possible = {
            Kind.LABELS: bool(self.label_choices) or self.free_labels,
            Kind.ACTIVE: self.access is Access.INTRANET,
        }
        return tuple(row.name for row in in_page_order() if possible.get(row.kind, True))

    def definition(self, slug: str) -> FormDefinition:
        """Return the finished form."""
        own: dict[str, Any] = {
            "slug": slug,
            "fields": tuple(self._row(FIELDS[name]) for name in self.shown),
            "required": frozenset({MOBILE, *self.required}),
            "dates": self.dates or _DATES[self.access],
        }
        names = {row.name for row in dataclasses.fields(FormDefinition)} - own.keys()
        return FormDefinition(**own, **{name: getattr(self, name) for name in names})

    def _row(self, row: Field) -> Field:
        # The table's hint on labels is about typing them.
        ours = "" if row.kind is Kind.LABELS and not self.free_labels else row.hint
        caption, hint = self.captions.get(row.name, row.label), self.hints.get(row.name, ours)
        return dataclasses.replace(row, label=caption, hint=hint)


# Rules tell which keys, right by themselves, do not go together.


def _access_rule(table: _Table) -> Iterator[_Fault]:
    for row in dataclasses.fields(_Table):
        only = row.metadata["only"]
        if only not in (None, table.access) and getattr(table, row.name):
            yield (row.name,), f"is for {only} forms only"
    for name in table.shown:
        if table.access is Access.PUBLIC and FIELDS[name].kind is Kind.ACTIVE:
            yield ("fields",), f'"{name}" is for intranet forms only'


def _shown_rule(table: _Table) -> Iterator[_Fault]:
    shown = frozenset(table.shown)
    if MOBILE not in shown:
        yield ("fields",), f'"{MOBILE}" is missing: the portal takes no contact without it'
    for name in table.required:
        if name not in shown:
            yield ("required",), f'"{name}" is required but not shown'
        if FIELDS[name].kind is Kind.ACTIVE:
            yield ("required",), f'"{name}" cannot be required: unticked says something too'
    for key, texts in (("captions", table.captions), ("hints", table.hints)):
        yield from (((key, name), "is not shown") for name in texts if name not in shown)
    yield from ((("fixed", name), "is also shown") for name in table.fixed if name in shown)


def _labels_rule(table: _Table) -> Iterator[_Fault]:
    shown = LABELS in table.shown
    if shown and not (table.label_choices or table.free_labels):
        yield ("fields",), f'"{LABELS}" needs "label_choices" or "free_labels"'
    for key in ("label_choices", "free_labels"):
        if getattr(table, key) and not shown:
            yield (key,), f'needs "{LABELS}" among the fields'


def _label_count_rule(table: _Table) -> Iterator[_Fault]:
    if len({*table.labels, *table.label_choices}) > MOST_LABELS:
        key = "labels" if len(table.labels) > MOST_LABELS else "label_choices"
        yield (key,), f"a contact has at most {MOST_LABELS} labels"


def _consent_rule(table: _Table) -> Iterator[_Fault]:
    name = table.consent_field
    if name and not table.consent:
        yield ("consent_field",), 'needs "consent"'
    if name in table.shown or name in table.fixed:
        yield ("consent_field",), f'"{name}" is already shown or fixed'


def _redirect_rule(table: _Table) -> Iterator[_Fault]:
    parts = urlsplit(table.redirect)
    origin = f"{parts.scheme}://{parts.netloc}"
    if table.redirect and table.embed_origins and origin not in table.embed_origins:
        yield ("redirect",), f'"{origin}" is not among "embed_origins"'


# Each rule with the keys that must have been read before it can tell.
_RULES: Final[Mapping[Callable[[_Table], Iterator[_Fault]], set[str]]] = MappingProxyType(
    {
        _access_rule: {"access"},
        _shown_rule: {"fields"},
        _labels_rule: {"fields", "label_choices", "free_labels"},
        _label_count_rule: set(),
        _consent_rule: {"fields", "consent"},
        _redirect_rule: set(),
    }
)


def _form(slug: str, value: object) -> FormDefinition:
    """Read a form's table key by key, then as a whole."""
    if not isinstance(value, dict):
        raise _fault("must be a table")
    faults = _Faults()
    if not _SLUG.fullmatch(slug):
        faults.append(((), "its name must be 1 to 40 of a-z, 0-9 and -, the first no -"))
    keys = {row.name: row.metadata for row in dataclasses.fields(_Table)}
    values: dict[str, Any] = {}
    for name, raw in value.items():
        with faults.at(name, kept=values):
            if name not in keys:
                raise _unknown("key", name, keys)
            values[name] = keys[name]["read"](raw)
    faults += (
        ((name,), "is missing") for name in keys if keys[name]["needed"] and name not in value
    )
    unread = {name for path, _ in faults for name in path[:1]} - values.keys()
    table = _Table(**values)
    for rule, needs in _RULES.items():
        if not needs & unread:
            faults += rule(table)
    faults.check(None)
    return table.definition(slug)


def _lines(text: str) -> Mapping[_Keys, int]:
    """Tell on which line each key first stands, as far as a light look can."""
    lines: dict[_Keys, int] = {}
    header: _Keys = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _HEADER_LINE.match(line):
            path = header = _split(found[1])
        elif found := _VALUE_LINE.match(line):
            path = (*header, *_split(found[1]))
        else:
            continue
        for depth in range(1, len(path) + 1):
            lines.setdefault(path[:depth], number)
    return lines


def _split(keys: str) -> _Keys:
    return tuple(part.strip("\"'") for part in re.findall(_KEY_PART, keys))


def _told(faults: Iterable[_Fault], text: str, source: str) -> Iterator[str]:
    """Yield the faults in the order of the file, each with its line, form and key."""
    lines = _lines(text)

    def line(path: _Keys) -> int:
        return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 0)

    for path, reason in sorted(faults, key=lambda fault: line(fault[0])):
        place = f"{source}:{line(path)}" if line(path) else source
        told = ": ".join(filter(None, (place, ".".join(path), reason)))
        yield " ".join(told.split())  # a quoted value may hold line ends


def parse(text: str, *, source: str) -> Mapping[str, FormDefinition]:
    """Read the text of a forms.toml.

    Args:
        text: TOML.
        source: The file's name, for messages.

    Returns:
        The forms by slug, in the file's order.

    Raises:
        DefinitionError: if anything is wrong. It names every fault.
    """
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        line = _SYNTAX_LINE.search(str(error))
        place = f"{source}:{line[1]}" if line else source
        raise DefinitionError([f"{place}: {error}"]) from None
    faults = _Faults()
    forms: dict[str, FormDefinition] = {}
    for name in document:
        with faults.at(name):
            if name != "forms":
                raise _unknown("key", name, ["forms"])
    tables = document.get("forms")
    if not isinstance(tables, dict) or not tables:
        faults.append(((), "no form is defined; a form begins with [forms.its-name]"))
        tables = {}
    for slug, table in tables.items():
        with faults.at("forms", slug):
            forms[slug] = _form(slug, table)
    if faults:
        raise DefinitionError(tuple(_told(faults, text, source)))
    return MappingProxyType(forms)


def load(path: Path | None) -> Mapping[str, FormDefinition]:
    """Read a forms.toml.

    Args:
        path: The file; None for the built-in one.

    Returns:
        The forms by slug, in the file's order.

    Raises:
        DefinitionError: if it cannot be read, or anything is wrong. It names every fault.
    """
    path = path or _BUILT_IN
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark in front
    except OSError as error:
        raise DefinitionError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DefinitionError([f"{path}:{line}: is not UTF-8"]) from None
    return parse(text, source=str(path))


def main_form(definitions: Mapping[str, FormDefinition]) -> FormDefinition | None:
    """Return the form of the page at "/": the first intranet form, if there is one."""
    intranet = (form for form in definitions.values() if form.access is Access.INTRANET)
    return next(intranet, None)
