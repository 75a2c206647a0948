"""A form on its own page, `/` and `/f/<slug>`; and a public one in another site's iframe."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from typing import Final

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    get_flashed_messages,
    render_template,
    request,
    session,
)

from webapp.contact import FIELDS, MOBILE
from webapp.forms import ContactForm
from webapp.forms.definitions import Access, FormDefinition, main_form
from webapp.forms.tokens import InvalidToken, Receipt
from webapp.forms.toml_values import contrast
from webapp.outbox.submit import Outcome
from webapp.web import closing, contact, correction, rendering, submitting
from webapp.web.rendering import public_form, require_intranet, see_other, services
from webapp.web.rendering.recent import find_entry, remember

blueprint = Blueprint("page", __name__)
embed_blueprint = Blueprint("embed", __name__)


@blueprint.route("/", methods=["GET", "POST"])
def main() -> contact.ViewResult:
    """Serve the first intranet form."""
    definition = main_form(services().definitions)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


@blueprint.route("/f/<slug>", methods=["GET", "POST"])
def form(slug: str) -> contact.ViewResult:
    """Serve the form of this slug."""
    definition = services().definitions.get(slug)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


def _serve(definition: FormDefinition) -> contact.ViewResult:
    is_operator = definition.access is Access.INTRANET
    if is_operator:
        require_intranet()
    if is_operator and request.method == "GET" and request.cookies and "r" in request.args:
        return see_other(request.path)  # the session has the receipt, too
    kept = _initial_values(definition) if is_operator else None
    pause = services().delivery.breaker.pause if is_operator else None
    receipt = _receipt(definition)
    is_new = request.method == "GET" and (is_operator or not receipt)
    if is_new:
        return contact.new_form(definition, kept=kept, receipt=receipt, pause=pause)
    form = services().forms[definition.slug](data=kept)
    if request.method != "POST":
        return contact.page(form, receipt=receipt, pause=pause), HTTPStatus.OK
    if is_operator and "confirm" in request.form and (answer := correction.answered(form)):
        return answer
    result = submitting.receive(form, receipt=receipt, pause=pause)
    return _accepted(form, result) if isinstance(result, Outcome) else result


def _accepted(form: ContactForm, outcome: Outcome) -> Response:
    """Redirect an operator to the next form, a visitor to the receipt, without a cookie."""
    url = request.path
    definition, site = form.definition, form.token.site
    is_operator = definition.access is Access.INTRANET
    mobile = form[MOBILE].data if is_operator else ""
    receipt = submitting.issue_receipt(definition, outcome, site=site, mobile=mobile)
    if not is_operator:
        return see_other(f"{url}?r={receipt}")
    _keep(form)
    return remember(submitting.show_receipt(url, receipt), form.to_contact(), outcome)


def _receipt(definition: FormDefinition) -> Receipt | None:
    text = request.args.get("r", "")
    if definition.access is Access.INTRANET:
        flashed = [str(message) for message in get_flashed_messages()]
        # The address of a POST is still that of the form, whose receipt is an older one.
        text = flashed[-1] if flashed else text if request.method == "GET" else ""
    if not text:
        return None
    try:
        return services().tokens.read_receipt(text, form=definition.slug)
    except InvalidToken:
        return None


def _initial_values(definition: FormDefinition) -> dict[str, object] | None:
    """Return the values with which a form begins: those kept, and those of a similar contact."""
    kept: dict[str, object] | None = session.get(_kept(definition))
    similar = find_entry(request.args["like"]) if "like" in request.args else None
    return {**(kept or {}), **similar.shared} if similar else kept


def _kept(definition: FormDefinition) -> str:
    return f"kept:{definition.slug}"


def _keep(form: ContactForm) -> None:
    """Keep values in the session for the next contact, if the operator has checked the box."""
    name = _kept(form.definition)
    if "keep" in form and form.keep.data:
        session[name] = {"keep": True} | {
            field.name: field.data
            for field in form.contact_fields
            if FIELDS[field.name].can_be_kept
        }
    else:
        session.pop(name, None)


# In an iframe: without a cookie, with signed receipts.


@embed_blueprint.route("/embed/<slug>", methods=["GET", "POST"])
def embedded(slug: str) -> contact.ViewResult:
    """Serve the form of this slug for an iframe."""
    definition = public_form(slug)
    if request.method == "GET":
        return contact.new_form(definition, embedded=True)
    form = services().forms[slug]()
    result = submitting.receive(form, embed=definition)
    if not isinstance(result, Outcome):
        return result
    receipt = submitting.issue_receipt(definition, result, site=form.token.site)
    return see_other(f"/embed/{slug}/done?r={receipt}")


@embed_blueprint.get("/embed/<slug>/done")
def done(slug: str) -> str | Response:
    """Show the outcome of a receipt; without a valid one, redirect to the form."""
    definition = public_form(slug)
    try:
        receipt = services().tokens.read_receipt(request.args.get("r", ""), form=slug)
    except InvalidToken:
        return see_other(f"/embed/{slug}")
    title = contact.done_title(definition, receipt)
    context = {"definition": definition, "embed": definition, "receipt": receipt, "title": title}
    context["takes_another"] = closing.takes_another(definition)
    return render_template("embed/done.html", **context)


@embed_blueprint.get("/embed.js")
def script() -> Response:
    """Serve the snippet's script under a stable URL, which other sites link."""
    response = current_app.send_static_file("embed.js")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@embed_blueprint.get("/accent/<slug>.css")
def style(slug: str) -> Response:
    """Serve the form's own colour: the policy forbids inline styles."""
    definition = services().definitions.get(slug)
    if not definition or not definition.accent:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(stylesheet(definition.accent), mimetype="text/css")
    if request.args.get("v") == accent_digest(definition.accent):
        response.headers["Cache-Control"] = rendering.CACHE_FOR_A_YEAR
    return response


# A form's own colour as a stylesheet, with legible text in the light and the dark scheme.
Colour = tuple[int, int, int]

_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
_DARK_SHEET: Final = (0x18, 0x20, 0x1D)  # as in site.css
_MIN_CONTRAST: Final = 7.0  # against the dark sheet; WCAG 2.2's enhanced contrast, for some reserve
_STEPS: Final = 20


@cache
def stylesheet(accent: str) -> str:
    """Return the custom properties of site.css that depend on the accent."""
    light = _parse_colour(accent)
    dark = _lightened(light)
    return (
        f":root {{ --accent: {_hex(light)}; --accent-deep: {_hex(_mix(light, _BLACK, 0.25))}; "
        f"--on-accent: #fff; --tint: {_hex(_mix(light, _WHITE, 0.9))}; }}\n"
        "@media screen and (prefers-color-scheme: dark) { "
        f":root:not(.light) {{ --accent: {_hex(dark)}; "
        f"--accent-deep: {_hex(_mix(dark, _WHITE, 0.3))}; --on-accent: #000; "
        f"--tint: {_hex(_mix(light, _DARK_SHEET, 0.7))}; }} }}\n"
    )


@cache
def accent_digest(accent: str) -> str:
    """Return a hash of an accent's stylesheet."""
    return hashlib.sha256(stylesheet(accent).encode()).hexdigest()[:12]


def _lightened(colour: Colour) -> Colour:
    """Return the colour, mixed with white until its contrast with the dark page suffices."""
    mixtures = (_mix(colour, _WHITE, step / _STEPS) for step in range(_STEPS + 1))
    return next(
        mixed for mixed in mixtures if contrast(_hex(mixed), _hex(_DARK_SHEET)) >= _MIN_CONTRAST
    )


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _parse_colour(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
