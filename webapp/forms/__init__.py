"""The Flask-WTF form of a definition: its token, fields and layout, and the contact they make.

`build_form` makes a subclass of `ContactForm` for each form of `forms.toml`, whose definition is a
`FormDefinition` (`definitions`, read by `definitions_file`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from flask import request
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.form import BaseForm
from wtforms.validators import DataRequired

from webapp import messages, persian
from webapp.contact import (
    CITY,
    EMPTY_VALUES,
    FIELDS,
    MOBILE,
    NAMES,
    QUESTION_MARKS,
    Contact,
    FieldKind,
    Section,
)
from webapp.forms.definitions import Access, Arrival, FormDefinition, make_contact, read_arrival
from webapp.forms.fields import JalaliDateField, LabelsField, make_field
from webapp.forms.reading import FALSE_VALUES
from webapp.forms.tokens import FormToken, InvalidToken, Tokens
from webapp.phonebook import KnownLabels

# A field that only robots fill in. Browsers do not autofill this name.
HONEYPOT_INPUT: Final = "leave_empty"


class FormTokenCSRF(CSRF):
    """Signed, cookie-free form tokens, as WTForms' CSRF implementation."""

    def setup_form(self, form: ContactForm) -> list[tuple[str, Any]]:  # type: ignore[override]
        """Keep the form."""
        self._form = form
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        """Read the submitted token, if there is one, and return a token for the next page.

        The new token keeps the time and the site of the first one.
        """
        form, definition = self._form, self._form.definition
        try:
            form.token = form.tokens.read(csrf_token_field.data or "", form=definition.slug)
        except InvalidToken as error:
            return form.tokens.issue(
                definition.slug, site=error.site or form.showing_site(definition)
            )
        return form.tokens.renew(form.token)

    def validate_csrf_token(self, form: ContactForm, _: CSRFTokenField) -> None:  # type: ignore[override]
        """Check that the submitted token is valid.

        Raises:
            ValidationError: if it is not; the typed values stay on the page.
        """
        if not hasattr(form, "token"):
            raise ValidationError(messages.FORM_EXPIRED)


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of the error summary: a message and, for a field, the id of its input."""

    message: str
    anchor: str = ""


class ContactForm(FlaskForm):
    """The form of one definition; `build_form` makes its subclasses.

    Attributes:
        divided: A note on a pasted line that was divided into fields, or "".
    """

    definition: ClassVar[FormDefinition]
    tokens: ClassVar[Tokens]
    divided = ""
    token: FormToken  # set if the form was submitted with a valid one

    class Meta(FlaskForm.Meta):
        """WTForms' options."""

        csrf_class = FormTokenCSRF

        def wrap_formdata(self, form: BaseForm, formdata: Any) -> Any:  # noqa: ANN401  as theirs
            """Use only the form's text fields; Flask-WTF would add files.

            With `formdata=None`, a POST is not of this form: it shows the values of `data`.
            """
            del form
            return request.form if request.method == "POST" and formdata is not None else None

        def render_field(self, field: Field, render_kw: dict[str, Any]) -> Markup:
            """Add the attributes that connect an input with its hint and its error."""
            markup: Markup = super().render_field(field, _aria_attributes(field) | render_kw)
            return markup

    @staticmethod
    def showing_site(definition: FormDefinition) -> str:
        """Return the origin of the site that shows a form; `build_form` can replace this method."""
        del definition
        return messages.UNKNOWN_SITE

    @property
    def is_honeypot_filled(self) -> bool:
        """Whether the honeypot has a value; no person sees it."""
        return HONEYPOT_INPUT in self and bool(self[HONEYPOT_INPUT].data)

    @property
    def contact_fields(self) -> list[Field]:
        """The fields of the contact, in the order shown."""
        return [self[row.name] for row in self.definition.fields]

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Check the fields; divide what an operator has pasted in place of the number."""
        is_valid: bool = super().validate(*args, **kwargs)
        if not is_valid and self.definition.access is Access.INTRANET:
            self._divide_line()
        return is_valid

    def _divide_line(self) -> None:
        """Divide a line with number and name into the fields; the form comes back with them.

        The person confirms the parts: the end of a first name is only a guess.
        """
        mobile, names = self[MOBILE], [self[it] for it in NAMES if it in self]
        line = persian.divide_line(mobile.typed or "")
        if not (line and names and mobile.errors and all(field.is_empty for field in names)):
            return
        parts = line.names if len(names) > 1 else (" ".join(filter(None, line.names)),)
        for field, text in zip([mobile, *names], [line.mobile, *parts], strict=True):
            field.fill(text)
        rest = line.rest
        if rest in FIELDS[CITY].known_values and CITY in self and self[CITY].is_empty:
            self[CITY].fill(rest)
            rest = ""
        note = messages.DIVIDED_REST.format(rest=rest) if rest else ""
        self.divided = f"{messages.DIVIDED} {note}".strip()

    @property
    def problems(self) -> list[Problem]:
        """The errors, in the order of the page."""
        general = [*self.csrf_token.errors, *self.form_errors]
        fields = [field for field in self if field.name != self.csrf_token.name]
        return [Problem(message) for message in general] + [
            Problem(_named(field, message), _anchor(field))
            for field in fields
            for message in field.errors
        ]

    @property
    def arrival(self) -> Arrival:
        """What the address says about the visitor's source.

        A form is sent to the address of its page, with its query.
        """
        return read_arrival(self.definition.from_url, request.args)

    def renew_token(self) -> None:
        """Issue a new token: the next POST is a new submission, even of the same contact."""
        self.csrf_token.current_token = self.tokens.renew(self.token, new_submission=True)

    def refuse(self, message: str, *, fields: Sequence[str] = ()) -> None:
        """Add an error, at the first of these fields that the form shows, else at the form."""
        for name in fields:
            if name in self:
                self[name].errors = [*self[name].errors, message]
                return
        self.form_errors.append(message)

    def to_contact(self) -> Contact:
        """Return the contact of a valid form, with the values that the definition adds."""
        values = {field.name: field.data for field in self.contact_fields}
        if self.definition.consent_field:
            values[self.definition.consent_field] = self._consent_record()
        values |= self.arrival.texts
        return make_contact(self.definition, values, labels=self.arrival.labels)

    def _consent_record(self) -> str:
        """Return the date and the site of the consent, which are sent with the contact."""
        day = persian.jalali_slashes(persian.today())
        return messages.CONSENT_GIVEN.format(day=day, site=self.token.site)


def note_ids(field: Field) -> str:
    """Return the ids of a field's hint and error, for `aria-describedby`."""
    notes = [("hint", field.description), ("error", field.errors)]
    return " ".join(f"{field.id}-{kind}" for kind, present in notes if present)


def _aria_attributes(field: Field) -> dict[str, str]:
    """Return the attributes that connect an input with its hint and its error."""
    if isinstance(field, HiddenField):
        return {}
    ids = note_ids(field)
    invalid = {"aria-invalid": "true"} if field.errors else {}
    is_chosen = isinstance(field, BooleanField | SelectField)
    if is_chosen and field.flags.required and not field.errors:
        # Otherwise browsers call it invalid before anything was checked or chosen.
        invalid = {"aria-invalid": "false"}
    return ({"aria-describedby": ids} if ids else {}) | invalid


def _named(field: Field, message: str) -> str:
    """Return an error that names its field, as the summary lists it far from the field."""
    label = field.label.text
    if isinstance(field, BooleanField) or label in message:
        return message
    asks = label.endswith(QUESTION_MARKS)
    named = messages.ERROR_OF_QUESTION if asks else messages.ERROR_OF
    return named.format(caption=label, message=message)


def _anchor(field: Field) -> str:
    if isinstance(field, RadioField) or (isinstance(field, LabelsField) and not field.free):
        return f"{field.id}-0"
    if isinstance(field, JalaliDateField) and field.in_parts:
        return f"{field.id}-{field.wrong_parts[0]}"
    return str(field.id)


def build_form(
    definition: FormDefinition,
    tokens: Tokens,
    known_labels: Callable[[], KnownLabels] = KnownLabels,
    showing_site: Callable[[FormDefinition], str] = ContactForm.showing_site,
) -> type[ContactForm]:
    """Create the form class of a definition.

    Args:
        definition: The form.
        tokens: Issues and reads its tokens.
        known_labels: Returns the labels that are suggested where labels may be typed; by default,
            none.
        showing_site: Returns the origin of the site that shows the form.
    """
    members: dict[str, Any] = {
        row.name: make_field(row, definition, known_labels) for row in definition.fields
    }
    if definition.consent:
        members["consent"] = BooleanField(
            definition.consent,
            validators=[DataRequired(messages.CONSENT_REQUIRED)],
            false_values=FALSE_VALUES,
        )
    if definition.access is Access.PUBLIC:
        members[HONEYPOT_INPUT] = StringField(messages.LEAVE_EMPTY)
    if definition.proof_of_work:
        members["proof"] = HiddenField()
    kept = [row.caption for row in definition.fields if row.can_be_kept]
    if kept and definition.access is Access.INTRANET:
        caption = messages.KEEP.format(labels=messages.AND.join(kept))
        members["keep"] = BooleanField(caption, false_values=FALSE_VALUES)
    members |= {"showing_site": staticmethod(showing_site), "tokens": tokens}
    return type("Form", (ContactForm,), members | {"definition": definition})


_MAX_FIELDS_SHOWN: Final = 8  # an operators' form with more fields has groups
_WIDE_KINDS: Final = (FieldKind.LINES, FieldKind.LABELS)
_WIDE_KINDS_OF_TWO: Final = (*_WIDE_KINDS, FieldKind.MOBILE, FieldKind.ACTIVE)


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
        groups: The other fields; empty for a short form.
        is_open: Whether the groups are open: one of their fields has a value or an error.
    """

    first: list[Field]
    groups: list[Group]
    is_open: bool


def arrange(form: ContactForm) -> Layout:
    """Arrange a form's fields for its page.

    Each has the flags `span` for six columns, see `spans`, and `fills_row` for two, see
    `fill_rows`.
    """
    layout = _grouped(form)
    for fields in (layout.first, *(group.fields for group in layout.groups)):
        of_six = spans([FIELDS[field.name].kind in _WIDE_KINDS for field in fields])
        of_two = fill_rows([_is_wide(field) for field in fields])
        for field, span, fills_row in zip(fields, of_six, of_two, strict=True):
            field.flags.span, field.flags.fills_row = span, fills_row
    return layout


def _is_wide(field: Field) -> bool:
    """Return whether a field needs both columns of two."""
    has_inputs = isinstance(field, RadioField) or getattr(field, "in_parts", False)
    return has_inputs or FIELDS[field.name].kind in _WIDE_KINDS_OF_TWO


def fill_rows(is_wide: Sequence[bool]) -> list[bool]:
    """Return which fields take a whole row of two: wide ones, and those without a neighbour."""
    filling: list[bool] = []
    is_half = False  # the last row
    for wide in (*is_wide, True):
        if wide and is_half:
            filling[-1] = True
        is_half = not wide and not is_half
        filling.append(wide)
    return filling[:-1]


def spans(is_wide: Sequence[bool]) -> list[int]:
    """Return how many of six columns each field takes to fill every row.

    Three fields make a row. Those left over make rows of two, or share the row of a wide field.
    """
    columns: list[int] = []
    narrow = 0
    for wide in (*is_wide, None):
        if wide is False:
            narrow += 1
            continue
        left = narrow % 3
        if left == 1 and wide:
            columns += [2] * narrow + [4]
        else:
            in_pairs = min({0: 0, 1: 4, 2: 2}[left], narrow)
            columns += [2] * (narrow - in_pairs) + [6 if narrow == 1 else 3] * in_pairs
            columns += [6] * bool(wide)
        narrow = 0
    return columns


def _grouped(form: ContactForm) -> Layout:
    is_public = form.definition.access is Access.PUBLIC  # and keeps the order of the file
    if is_public or len(form.contact_fields) <= _MAX_FIELDS_SHOWN:
        return Layout(form.contact_fields, [], is_open=False)
    first: list[Field] = []
    rest: list[Field] = []
    for field in form.contact_fields:
        is_first = _section(field) is Section.MAIN or field.name in form.definition.required
        (first if is_first else rest).append(field)
    groups = [
        Group(section.value, [field for field in rest if _section(field) is section])
        for section in Section
    ]
    return Layout(
        first,
        [group for group in groups if group.fields],
        is_open=any(map(_has_input, rest)),
    )


def _section(field: Field) -> Section:
    return FIELDS[field.name].section


def _has_input(field: Field) -> bool:
    return bool(field.errors) or _value_or_none(field.data) != _value_or_none(field.default)


def _value_or_none(value: object) -> object:
    return None if value in EMPTY_VALUES else value
