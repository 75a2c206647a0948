"""The WTForms fields of a form: each shows the typed text, and holds the value read from it.

The message of an `InvalidText` error is finished Persian, which WTForms shows beside the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, ClassVar, Final, cast

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, RadioField, StringField, ValidationError
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.widgets import TextArea, TextInput

from webapp import contact, messages, persian
from webapp.contact import FieldKind
from webapp.forms import reading
from webapp.forms.choice_fields import one_of
from webapp.forms.definitions import Access, DateInput, FormDefinition
from webapp.forms.reading import FALSE_VALUES, GENDERS
from webapp.persian import DATE_PARTS, Check, InvalidText
from webapp.phonebook import KnownLabels

# The answers to the question which spelling of a label to use.
USE_EXISTING: Final = "existing"
USE_TYPED: Final = "typed"
_MAX_SUGGESTIONS: Final = 100  # of labels: a page has a limited weight

_GENDER_CAPTIONS: Final = {
    "false": messages.WOMAN,
    "true": messages.MAN,
}


def _echo(typed: str) -> str:
    """Return typed text for HTML, which cannot contain NUL."""
    return typed.replace("\0", "")


class Required:
    """Rejects an empty field that has no other error."""

    field_flags: ClassVar = {"required": True}

    def __init__(self, row: contact.Field) -> None:
        """Require this row."""
        self._row = row

    def __call__(self, form: FlaskForm, field: Field) -> None:
        """Check the field.

        Raises:
            ValidationError: if it is empty.
        """
        del form
        if field.errors:
            return
        try:
            reading.require_value(self._row, field.data)
        except InvalidText as error:
            raise ValidationError(str(error)) from None


class TypedField(StringField):
    """A text input."""

    def __init__(self, *, row: contact.Field, check: Check | None = None, **kwargs: Any) -> None:
        """Read texts of this row, with a further check if there is one."""
        super().__init__(row.caption, description=row.hint, **kwargs)
        self._row = row
        self._check = check
        self.typed: str | None = None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the first value; further values of the same name are ignored."""
        self.typed = valuelist[0] if valuelist else ""
        self.data = ""  # stays if reading raises
        self.data = cast("str", reading.read_value(self._row, self.typed, check=self._check))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return not persian.strip_invisible(self.typed or "")

    def fill(self, text: str) -> None:
        """Hold this text, as if it had been typed."""
        try:
            self.process_formdata([text])
            self.errors = []
        except InvalidText as error:
            self.errors = [str(error)]

    def _value(self) -> str:
        return str(self.data or "") if self.typed is None else _echo(self.typed)


class EmailField(TypedField):
    """An email address; one that looks misspelt is asked about once.

    Attributes:
        asked: The address that the person has been asked about, or "".
    """

    asked = ""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Get the address asked about, which has a name of its own, then continue as usual."""
        if formdata is not None:
            self.asked = _first(formdata, f"{self.name}-asked")
        super().process(formdata, *args, **kwargs)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the address.

        Raises:
            InvalidText: if it is invalid, or the question whether another one is meant.
        """
        super().process_formdata(valuelist)
        address = self.data or ""
        if not address or self.asked == address:
            return
        if suggestion := persian.suggest_email(address):
            self.asked = address
            raise InvalidText(messages.EMAIL_ASKED.format(suggestion=suggestion))


class TypedLinesField(TypedField):
    """A text area."""

    widget = TextArea()


def _first(formdata: MultiDict[str, str], name: str) -> str:
    """Return the first value of this name, or ""."""
    values = formdata.getlist(name)
    return values[0] if values else ""


def _month_name(typed: str) -> str:
    """Return the name of a month's number, as the page's list of months has it."""
    number = persian.fold_digits(typed)
    names = {str(number): name for number, name in enumerate(persian.JALALI_MONTHS, start=1)}
    return names.get(number, typed)


class JalaliDateField(Field):
    """A date in one text input or in three; it reads whichever has a value."""

    widget = TextInput()

    def __init__(self, *, row: contact.Field, in_parts: bool, **kwargs: Any) -> None:
        """Show three inputs, or one."""
        super().__init__(row.caption, description=row.hint, **kwargs)
        self._row = row
        self.in_parts = in_parts
        self.typed = ""
        self.parts = dict.fromkeys(DATE_PARTS, "")
        self._wrong_parts: tuple[str, ...] = ()

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Get the three parts, which have names of their own, then continue as usual."""
        if formdata is not None:
            self.parts = {part: _first(formdata, f"{self.name}-{part}") for part in DATE_PARTS}
        super().process(formdata, *args, **kwargs)

    def process_data(self, value: date | None) -> None:
        """Set a date."""
        self.data = value
        self.typed = persian.jalali_slashes(value) if value else ""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the one text if there is one, else the three parts."""
        self.typed = valuelist[0] if valuelist else ""
        self.data = None
        if persian.strip_invisible(self.typed):
            self.data = reading.read_date(self._row, self.typed)
        elif any(map(persian.strip_invisible, self.parts.values())):
            try:
                self.data = reading.read_date_parts(self._row, **self.parts)
            except InvalidText as error:
                self._wrong_parts = error.parts
                raise

    def _value(self) -> str:
        joined = "/".join(part for part in reversed(self.parts.values()) if part)
        return _echo(self.typed or joined)

    @property
    def part_values(self) -> dict[str, str]:
        """The values of the three inputs, from the one text if it was read as a date."""
        if self.typed and isinstance(self.data, date):
            year, month, day = persian.jalali_slashes(self.data).split("/")
        else:
            day, month, year = map(_echo, self.parts.values())
            day = day or _echo(self.typed)
        return {"day": day, "month": _month_name(month), "year": year}

    @property
    def wrong_parts(self) -> tuple[str, ...]:
        """Which of the three inputs have the error, if there is one: all if it names none."""
        if not self.errors:
            return ()
        return DATE_PARTS[:1] if self.typed else self._wrong_parts or DATE_PARTS

    @property
    def in_words(self) -> str:
        """The date in words, such as «یکشنبه ۱۵ مهر ۱۳۶۹», or ""."""
        return persian.date_in_words(self.data) if isinstance(self.data, date) else ""


class LabelsField(Field):
    """Labels: checkboxes for the choices and, if the form permits them, one text for free ones.

    The text input suggests known labels. A typed label that differs from a known one in its
    spelling only is an error, until the person has said which of the two they mean.

    Attributes:
        respelled: The typed labels of this kind, and the known label of each.
        uses_typed: Whether the person has chosen what they typed.
    """

    widget = TextInput()

    def __init__(
        self,
        *,
        row: contact.Field,
        choices: Sequence[str],
        free: bool,
        known: Callable[[], KnownLabels],
        **kwargs: Any,
    ) -> None:
        """Offer these choices, and a text input if `free`."""
        super().__init__(row.caption, description=row.hint, **kwargs)
        self._row = row
        self.choices = tuple(choices)
        self.free = free
        self._known = known
        self._free_texts: tuple[str, ...] = ()
        self._answer = ""
        self._asked: tuple[str, ...] = ()
        self.respelled: dict[str, str] = {}
        self.uses_typed = False

    @property
    def suggestions(self) -> list[str]:
        """The known labels to suggest, most used first, without the choices."""
        if not self.free:
            return []
        known = self._known()
        offered = {name for choice in self.choices for name in known.spellings(choice)}
        return list(islice((it for it in known.names if it not in offered), _MAX_SUGGESTIONS))

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Get the answer about spellings, which has names of its own, then continue as usual."""
        if formdata is not None:
            self._answer = _first(formdata, f"{self.name}-use")
            self._asked = tuple(formdata.getlist(f"{self.name}-asked"))
        super().process(formdata, *args, **kwargs)

    def process_data(self, value: Sequence[str] | None) -> None:
        """Set labels."""
        self.data = tuple(value or ())
        self._free_texts = tuple(label for label in self.data if label not in self.choices)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read ticked boxes and free text; without `free`, everything but a choice is ignored."""
        ticked = tuple(label for label in self.choices if label in valuelist)
        self.data = ticked
        if self.free:
            self._free_texts = tuple(text for text in valuelist if text not in self.choices)
        if any(self._free_texts):
            labels = reading.read_labels(self._row, (*ticked, *self._free_texts))
            self.data = self._as_known(labels)

    def _as_known(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the labels in the spellings that the person has chosen.

        A label that was typed in the portal's spelling keeps it: normalising may have changed it.

        Raises:
            InvalidText: if they were not asked about a spelling yet.
        """
        known, typed = self._known(), persian.labels_as_typed(self._free_texts)
        chosen: dict[str, str] = {}
        for label in labels:
            spellings = known.spellings(label)
            if label in self.choices or label in spellings:
                continue
            if exact := next((name for name in spellings if name in typed), None):
                chosen[label] = exact
            elif spellings:
                self.respelled[label] = spellings[0]
        if unanswered := [label for label in self.respelled if not self._is_answered(label)]:
            raise InvalidText(_question(self.respelled, unanswered))
        self.uses_typed = self._answer == USE_TYPED
        if not self.uses_typed:
            chosen |= self.respelled
        return tuple(dict.fromkeys(chosen.get(label, label) for label in labels))

    def _is_answered(self, label: str) -> bool:
        """Return whether the person has answered about this label; one answer is for all asked."""
        was_asked = label in self._asked or not self._asked
        return was_asked and self._answer in (USE_EXISTING, USE_TYPED)

    def is_ticked(self, choice: str) -> bool:
        """Return whether the checkbox of a choice is ticked."""
        return choice in (self.data or ()) or choice in (self.raw_data or ())

    def _value(self) -> str:
        return _echo(messages.COMMA.join(filter(None, self._free_texts)))


def _question(respelled: Mapping[str, str], labels: Sequence[str]) -> str:
    """Return the message that asks which spelling to use."""
    differences = [
        messages.LABEL_RESPELLED.format(known=respelled[label], typed=label) for label in labels
    ]
    return " ".join([*differences, messages.LABEL_CHOOSE])


_TEXT_FIELDS: Final = {
    FieldKind.MOBILE: (TypedField, {"type": "tel", "inputmode": "tel", "dir": "ltr"}),
    FieldKind.EMAIL: (
        EmailField,
        {"inputmode": "email", "dir": "ltr", "autocapitalize": "none", "spellcheck": "false"},
    ),
    FieldKind.TEXT: (TypedField, {"dir": "auto"}),
    FieldKind.LINES: (TypedLinesField, {"dir": "auto", "rows": 3}),
}


_DIGITS: Final = {"inputmode": "numeric", "dir": "ltr"}


def _gender_value(choice: object) -> object:
    """Return the value of a choice; WTForms rejects anything else."""
    values: Mapping[Any, object] = GENDERS
    return values.get(choice, choice)


def _gender(row: contact.Field, *, is_required: bool, is_public: bool) -> RadioField:
    """Make radio buttons for the genders and, unless required, for no answer."""
    captions = _GENDER_CAPTIONS | {"": messages.NO_ANSWER if is_public else messages.UNSPECIFIED}
    # HTML has no autocomplete for radio buttons.
    return RadioField(  # type: ignore[call-arg]  # newer than its types
        row.caption,
        choices=[
            SelectChoice(choice, label)
            for choice, label in captions.items()
            if choice or not is_required
        ],
        coerce=_gender_value,
        description=row.hint,
        invalid_choice_message=messages.BAD_CHOICE.format(caption=row.subject),
        validators=[Required(row)] if is_required else [],
    )


def make_field(
    row: contact.Field, definition: FormDefinition, known: Callable[[], KnownLabels]
) -> Field:
    """Make the WTForms field of a row of the field table; `known` returns the known labels."""
    # In an operator's form, the browser would offer the operator's own data.
    is_public = definition.access is Access.PUBLIC
    autocomplete = row.autocomplete if is_public else "off"
    is_required = row.name in definition.required
    validators = [Required(row)] if is_required else []
    if row.choices:
        return one_of(row, validators)
    common: dict[str, Any] = {
        "validators": validators,
        "render_kw": {"autocomplete": autocomplete},
    }
    match row.kind:
        case FieldKind.GENDER:
            return _gender(row, is_required=is_required, is_public=is_public)
        case FieldKind.DATE:
            in_parts = definition.dates is DateInput.PARTS
            common["render_kw"]["dir"] = "ltr"
            return JalaliDateField(row=row, in_parts=in_parts, **common)
        case FieldKind.LABELS:
            choices, free = definition.label_choices, definition.free_labels
            common["render_kw"]["dir"] = "auto"
            return LabelsField(row=row, choices=choices, free=free, known=known, **common)
        case FieldKind.ACTIVE:
            return BooleanField(
                row.caption, description=row.hint, default=True, false_values=FALSE_VALUES
            )
        case _:
            field_class, attributes = _TEXT_FIELDS[row.kind]
            check = definition.checks.get(row.name)
            common["render_kw"] |= _DIGITS if check else attributes
            return field_class(row=row, check=check, **common)
