"""The Flask-WTF form of a definition: its token, its fields, its contact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, RadioField, StringField, ValidationError
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.validators import DataRequired

from webapp import messages, persian
from webapp.contact import LABELS, Contact
from webapp.forms.definitions import Access
from webapp.forms.fields import FALSE, IRAN, JalaliDateField, LabelsField, make_field
from webapp.forms.request_origin import own_origin
from webapp.forms.tokens import InvalidToken

if TYPE_CHECKING:
    from markupsafe import Markup
    from wtforms.form import BaseForm

    from webapp.forms.definitions import FormDefinition
    from webapp.forms.tokens import FormToken, FormTokens

# A bait for robots. Its name means nothing to a browser that fills in names and addresses.
HONEYPOT_INPUT: Final = "leave_empty"


class FormTokenCSRF(CSRF):
    """Flask-WTF's hook for the signed, cookie-free form token."""

    def setup_form(self, form: ContactForm) -> list[tuple[str, Any]]:  # type: ignore[override]
        """Note whose token it is."""
        self._form = form
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        """Read the token that came back, if one did, and return one for the next page.

        It remembers when and where the form was shown first.
        """
        form, definition = self._form, self._form.definition
        try:
            form.token = form.tokens.read(csrf_token_field.data or "", form=definition.slug)
        except InvalidToken as error:
            return form.tokens.issue(definition.slug, site=error.site or showing_site(definition))
        return form.tokens.renew(form.token)

    def validate_csrf_token(self, form: ContactForm, _: CSRFTokenField) -> None:  # type: ignore[override]
        """See that a token came back.

        Raises:
            ValidationError: if it was not valid; what was typed stays on the page.
        """
        if not hasattr(form, "token"):
            raise ValidationError(messages.FORM_EXPIRED)


def showing_site(definition: FormDefinition) -> str:
    """Return the origin of the site that shows the form: ours or, around a frame, another.

    A frame's first page has its host's origin as referrer, and a later one of ours says it itself.
    """
    if not request.path.startswith("/embed/"):
        return own_origin()
    origin = request.args.get("site") or "/".join((request.referrer or "").split("/")[:3])
    return origin if origin in definition.embed_origins else messages.UNKNOWN_SITE


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of the error summary: a message and, for a field, the id of the input to go to."""

    message: str
    anchor: str = ""


class ContactForm(FlaskForm):
    """The form of one definition; `build_form` makes its subclasses."""

    definition: ClassVar[FormDefinition]
    tokens: ClassVar[FormTokens]
    token: FormToken  # of a form that came back with a valid one

    class Meta(FlaskForm.Meta):
        """How WTForms makes and shows these fields."""

        csrf_class = FormTokenCSRF

        def wrap_formdata(self, form: BaseForm, formdata: Any) -> Any:  # noqa: ANN401  as theirs
            """Take the texts of a form alone; Flask-WTF would mix files in."""
            del form, formdata
            return request.form if request.method == "POST" else None

        def render_field(self, field: Field, render_kw: dict[str, Any]) -> Markup:
            """Tie every input to its hint and its error."""
            markup: Markup = super().render_field(field, _described(field) | render_kw)
            return markup

    @property
    def is_baited(self) -> bool:
        """Whether the bait was taken, which no person sees."""
        return HONEYPOT_INPUT in self and bool(self[HONEYPOT_INPUT].data)

    @property
    def asked(self) -> list[Field]:
        """The contact's fields in the order shown."""
        return [self[row.name] for row in self.definition.fields]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, in the order of the page."""
        general = [*self.csrf_token.errors, *self.form_errors]
        fields = [field for field in self if field.name != self.csrf_token.name]
        return [Problem(message) for message in general] + [
            Problem(message, _anchor(field)) for field in fields for message in field.errors
        ]

    def start_anew(self) -> None:
        """Make what is sent next another submission, even of the very same contact."""
        self.csrf_token.current_token = self.tokens.renew(self.token, anew=True)

    def refuse(self, message: str, *, field: str | None = None) -> None:
        """Add an error that came from the portal, at its field if the form shows it."""
        if field in self:
            self[field].errors = [*self[field].errors, message]
        else:
            self.form_errors.append(message)

    def to_contact(self) -> Contact:
        """Return the valid form's contact, completed by what the definition decides."""
        values = {field.name: field.data for field in self.asked} | dict(self.definition.fixed)
        if self.definition.consent_field:
            values[self.definition.consent_field] = self._consent_given()
        labels = (*self.definition.labels, *values.get(LABELS, ()))
        return Contact(**values | {LABELS: tuple(dict.fromkeys(labels))})

    def _consent_given(self) -> str:
        """Return the day and the site of the consent, to be kept with the contact."""
        today = persian.jalali_slashes(datetime.now(IRAN).date())
        return messages.CONSENT_GIVEN.format(day=today, site=self.token.site)


def note_ids(field: Field) -> str:
    """Return the ids of the hint and of the error of a field, as `aria-describedby` wants them."""
    notes = [("hint", field.description), ("error", field.errors)]
    return " ".join(f"{field.id}-{kind}" for kind, present in notes if present)


def _described(field: Field) -> dict[str, str]:
    """Return the attributes that tie an input to its hint and its error."""
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


def build_form(definition: FormDefinition, tokens: FormTokens) -> type[ContactForm]:
    """Make the form class of a definition."""
    members: dict[str, Any] = {row.name: make_field(row, definition) for row in definition.fields}
    if definition.consent:
        members["consent"] = BooleanField(
            definition.consent,
            validators=[DataRequired(messages.CONSENT_REQUIRED)],
            false_values=FALSE,
        )
    if definition.access is Access.PUBLIC:
        members[HONEYPOT_INPUT] = StringField(messages.LEAVE_EMPTY)
    if definition.proof_of_work:
        members["proof"] = HiddenField()
    kept = [row.label for row in definition.fields if row.can_be_kept]
    if kept and definition.access is Access.INTRANET:
        caption = messages.KEEP.format(labels=messages.AND.join(kept))
        members["keep"] = BooleanField(caption, false_values=FALSE)
    return type("Form", (ContactForm,), members | {"definition": definition, "tokens": tokens})
