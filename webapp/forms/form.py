"""The Flask-WTF form of a definition: token, fields, and the contact they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, RadioField, StringField, ValidationError
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.validators import DataRequired

from webapp import messages, persian
from webapp.forms.definitions import Access, Arrival, make_contact, read_arrival
from webapp.forms.fields import JalaliDateField, LabelsField, make_field
from webapp.forms.reading import FALSE_VALUES, today
from webapp.forms.tokens import InvalidToken
from webapp.phonebook import KnownLabels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup
    from wtforms.form import BaseForm

    from webapp.contact import Contact
    from webapp.forms.definitions import FormDefinition
    from webapp.forms.tokens import FormToken, Tokens

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
    """The form of one definition; `build_form` makes its subclasses."""

    definition: ClassVar[FormDefinition]
    tokens: ClassVar[Tokens]
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
        """Return the origin of the site that shows a form; `build_form` may be told another way."""
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

    @property
    def problems(self) -> list[Problem]:
        """The errors, in the order of the page."""
        general = [*self.csrf_token.errors, *self.form_errors]
        fields = [field for field in self if field.name != self.csrf_token.name]
        return [Problem(message) for message in general] + [
            Problem(message, _anchor(field)) for field in fields for message in field.errors
        ]

    @property
    def arrival(self) -> Arrival:
        """What the address says of where the visitor came from.

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
        day = persian.jalali_slashes(today())
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
    return ({"aria-describedby": ids} if ids else {}) | invalid


def _anchor(field: Field) -> str:
    if isinstance(field, RadioField) or (isinstance(field, LabelsField) and not field.free):
        return f"{field.id}-0"
    if isinstance(field, JalaliDateField) and field.in_parts:
        return f"{field.id}-day"
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
    kept = [row.label for row in definition.fields if row.can_be_kept]
    if kept and definition.access is Access.INTRANET:
        caption = messages.KEEP.format(labels=messages.AND.join(kept))
        members["keep"] = BooleanField(caption, false_values=FALSE_VALUES)
    members |= {"showing_site": staticmethod(showing_site), "tokens": tokens}
    return type("Form", (ContactForm,), members | {"definition": definition})
