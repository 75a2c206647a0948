"""The inputs of a form: each shows what was typed and holds what was understood.

Their `ValueError`s carry the finished Persian message, which WTForms puts beside the field.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from wtforms import BooleanField, Field, RadioField, StringField, ValidationError
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.widgets import TextArea, TextInput

from webapp import messages, persian
from webapp.contact import EMPTY_VALUES, Kind
from webapp.forms.definitions import Access, DateInput
from webapp.persian import parse_email

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask_wtf import FlaskForm
    from werkzeug.datastructures import MultiDict

    from webapp import contact
    from webapp.forms.definitions import FormDefinition

DATE_PARTS: Final = ("day", "month", "year")

# A gender's choices: the text of each, and the value that it stands for.
_GENDERS: Final = {
    "false": (messages.WOMAN, False),
    "true": (messages.MAN, True),
    "": (messages.NO_ANSWER, None),
}

# Iran has kept this offset all year round since 1401.
IRAN: Final = timezone(timedelta(hours=3, minutes=30))

# What a checkbox may say besides its own "true", and still mean that it is not ticked.
FALSE: Final = (False, "false", "False", "FALSE", "0", "off", "no", "")


def _within(text: str, row: contact.Field) -> str:
    if len(text) > row.max_length:
        limit = persian.persian_digits(row.max_length)
        raise ValueError(messages.TOO_LONG.format(label=row.label, n=limit))
    return text


def _read_mobile(typed: str, row: contact.Field) -> str:
    mobile = persian.parse_mobile(typed)
    _within(typed, row)
    return mobile


def _read_email(typed: str, row: contact.Field) -> str:
    return parse_email(_within(persian.strip_invisible(typed), row))


def _read_line(typed: str, row: contact.Field) -> str:
    return _within(persian.clean_line(typed, label=row.label), row)


def _read_checked(typed: str, row: contact.Field, *, check: persian.Check) -> str:
    return _within(persian.check_text(check, _read_line(typed, row), label=row.label), row)


def _read_lines(typed: str, row: contact.Field) -> str:
    return _within(persian.clean_lines(typed, label=row.label), row)


def _echo(typed: str) -> str:
    """Return what was typed, fit for HTML, which can hold everything but a NUL."""
    return typed.replace("\0", "")


class Required:
    """Refuses an empty field, unless a better message stands there already."""

    field_flags: ClassVar = {"required": True}

    def __init__(self, message: str = messages.REQUIRED) -> None:
        """Take the message; the field's label fills its `{label}`."""
        self._message = message

    def __call__(self, form: FlaskForm, field: Field) -> None:
        """Raise the field's own message when nothing was given.

        Raises:
            ValidationError: if the field is empty.
        """
        del form
        if not field.errors and field.data in EMPTY_VALUES:
            raise ValidationError(self._message.format(label=field.label.text))


class TypedField(StringField):
    """A text input: shows what was typed, holds what was understood."""

    def __init__(
        self, *, row: contact.Field, read: Callable[[str, contact.Field], str], **kwargs: Any
    ) -> None:
        """Read with this function, which raises ValueError with a finished message."""
        super().__init__(row.label, description=row.hint, **kwargs)
        self._row = row
        self._read = read
        self.is_wide = row.kind in (Kind.MOBILE, Kind.LINES)
        self.typed: str | None = None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take the first value; a repeated field counts once."""
        self.typed = valuelist[0] if valuelist else ""
        self.data = ""
        if persian.strip_invisible(self.typed):
            self.data = self._read(self.typed, self._row)

    def _value(self) -> str:
        return str(self.data or "") if self.typed is None else _echo(self.typed)


class TypedLinesField(TypedField):
    """A text area."""

    widget = TextArea()


def _first(formdata: MultiDict[str, str], name: str) -> str:
    """Return the first value of this name, or "", without the exception inside of `get`."""
    values = formdata.getlist(name)
    return values[0] if values else ""


def _month_name(typed: str) -> str:
    """Return a month as the page's list names it; the list, unlike a number, cannot be misread."""
    number = persian.fold_digits(typed)
    names = {str(number): name for number, name in enumerate(persian.JALALI_MONTHS, start=1)}
    return names.get(number, typed)


class JalaliDateField(Field):
    """A date in one text input or in three parts; whichever comes is read."""

    widget = TextInput()

    def __init__(self, *, row: contact.Field, in_parts: bool, **kwargs: Any) -> None:
        """Show one input, or three."""
        super().__init__(row.label, description=row.hint, **kwargs)
        self._row = row
        self.in_parts = in_parts
        self.typed = ""
        self.parts = dict.fromkeys(DATE_PARTS, "")

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Fetch the three parts, which have names of their own, then read as usual."""
        if formdata is not None:
            self.parts = {part: _first(formdata, f"{self.name}-{part}") for part in DATE_PARTS}
        super().process(formdata, *args, **kwargs)

    def process_data(self, value: date | None) -> None:
        """Take a date from the program."""
        self.data = value
        self.typed = persian.jalali_slashes(value) if value else ""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the text if there is one, else the parts."""
        self.typed = valuelist[0] if valuelist else ""
        self.data = None
        if persian.strip_invisible(self.typed):
            _within(self.typed, self._row)
            found = persian.parse_date(self.typed)
        elif any(map(persian.strip_invisible, self.parts.values())):
            found = persian.parse_date_parts(**self.parts)
        else:
            return
        persian.check_range(found, birth=self._row.in_past, today=datetime.now(IRAN).date())
        self.data = found

    def _value(self) -> str:
        joined = "/".join(part for part in reversed(self.parts.values()) if part)
        return _echo(self.typed or joined)

    @property
    def shown_parts(self) -> dict[str, str]:
        """What stands in the three inputs: a text that was understood is spread over them."""
        if self.typed and isinstance(self.data, date):
            year, month, day = persian.jalali_slashes(self.data).split("/")
        else:
            day, month, year = map(_echo, self.parts.values())
            day = day or _echo(self.typed)
        return {"day": day, "month": _month_name(month), "year": year}

    @property
    def in_words(self) -> str:
        """What was understood, such as «یکشنبه ۱۵ مهر ۱۳۶۹», or ""."""
        return persian.date_in_words(self.data) if isinstance(self.data, date) else ""


class LabelsField(Field):
    """Known labels as checkboxes and, where the form allows it, one text for free ones."""

    widget = TextInput()

    def __init__(
        self, *, row: contact.Field, choices: Sequence[str], free: bool, **kwargs: Any
    ) -> None:
        """Offer these choices, and a text input if `free`."""
        super().__init__(row.label, description=row.hint, **kwargs)
        self.choices = tuple(choices)
        self.free = free
        self._free_texts: tuple[str, ...] = ()

    def process_data(self, value: Sequence[str] | None) -> None:
        """Take labels from the program."""
        self.data = tuple(value or ())
        self._free_texts = tuple(label for label in self.data if label not in self.choices)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read ticked boxes and free text; without free text, anything but a choice is ignored."""
        ticked = tuple(label for label in self.choices if label in valuelist)
        self.data = ticked
        if self.free:
            self._free_texts = tuple(text for text in valuelist if text not in self.choices)
            self.data = persian.parse_labels((*ticked, *self._free_texts), label=self.label.text)

    def is_ticked(self, choice: str) -> bool:
        """Tell whether this choice's box is ticked."""
        return choice in (self.data or ()) or choice in (self.raw_data or ())

    def _value(self) -> str:
        return _echo(messages.COMMA.join(filter(None, self._free_texts)))


_TEXTS: Final = {
    Kind.MOBILE: (TypedField, _read_mobile, {"type": "tel", "inputmode": "tel", "dir": "ltr"}),
    Kind.EMAIL: (
        TypedField,
        _read_email,
        {"inputmode": "email", "dir": "ltr", "autocapitalize": "none", "spellcheck": "false"},
    ),
    Kind.TEXT: (TypedField, _read_line, {"dir": "auto"}),
    Kind.LINES: (TypedLinesField, _read_lines, {"dir": "auto", "rows": 3}),
}


_DIGITS: Final = {"inputmode": "numeric", "dir": "ltr"}


def _gender_value(choice: object) -> object:
    """Return the value that a choice stands for; anything else stays, for WTForms to refuse."""
    values: dict[object, bool | None] = {text: value for text, (_, value) in _GENDERS.items()}
    return values.get(choice, choice)


def _gender(row: contact.Field, *, is_required: bool) -> RadioField:
    """Offer the genders and, unless an answer is required, not to answer."""
    # HTML knows no autocomplete on radio buttons.
    return RadioField(  # type: ignore[call-arg]  # newer than its types
        row.label,
        choices=[
            SelectChoice(choice, label)
            for choice, (label, _) in _GENDERS.items()
            if choice or not is_required
        ],
        coerce=_gender_value,
        description=row.hint,
        invalid_choice_message=messages.BAD_CHOICE.format(label=row.label),
        validators=[Required(messages.BAD_CHOICE)] if is_required else [],
    )


def make_field(row: contact.Field, definition: FormDefinition) -> Field:
    """Make the input of a row of the field table."""
    # An operator's browser would offer the operator's own data.
    autocomplete = row.autocomplete if definition.access is Access.PUBLIC else "off"
    is_required = row.name in definition.required
    common: dict[str, Any] = {
        "validators": [Required()] if is_required else [],
        "render_kw": {"autocomplete": autocomplete},
    }
    match row.kind:
        case Kind.GENDER:
            return _gender(row, is_required=is_required)
        case Kind.DATE:
            in_parts = definition.dates is DateInput.PARTS
            common["render_kw"]["dir"] = "ltr"
            return JalaliDateField(row=row, in_parts=in_parts, **common)
        case Kind.LABELS:
            choices, free = definition.label_choices, definition.free_labels
            common["render_kw"]["dir"] = "auto"
            return LabelsField(row=row, choices=choices, free=free, **common)
        case Kind.ACTIVE:
            return BooleanField(row.label, description=row.hint, default=True, false_values=FALSE)
        case _:
            field_class, read, attributes = _TEXTS[row.kind]
            if check := definition.checks.get(row.name):
                read, attributes = partial(_read_checked, check=check), _DIGITS
            common["render_kw"] |= attributes
            return field_class(row=row, read=read, **common)
