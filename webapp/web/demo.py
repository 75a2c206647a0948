"""Demo mode: the contacts that the simulator received, and the style guide."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, render_template, send_file

from webapp import demo
from webapp.contact import FIELDS, FieldKind, in_page_order
from webapp.database import DatabaseError
from webapp.demo.model import DEMO_NUMBERS
from webapp.persian import persian_digits
from webapp.web.rendering import require_intranet, services
from webapp.web.rendering.content import format_values, waiting

blueprint = Blueprint("demo", __name__)


@blueprint.get("/demo")
def received() -> str:
    """List the received contacts, and the codes that were sent, newest first."""
    require_intranet()
    contacts = [
        {"number": stored["ID"], "values": format_values(_values(stored), in_page_order())}
        for stored in reversed(demo.received(services().portal_url))
    ]
    codes = [
        (persian_digits(sent["Mobile"]), persian_digits(sent["Code"]))
        for sent in reversed(demo.sent_codes(services().portal_url))
    ]
    try:
        pause = services().delivery.breaker.read_pause()
    except DatabaseError:
        pause = None
    cause = _number_of(pause.status) if pause else ""
    paused = {"pause": pause, "cause": cause, "waiting": waiting}
    return render_template("demo/demo.html", contacts=contacts, codes=codes, **paused)


@blueprint.get("/styleguide")
def style_guide() -> Response:
    """Show each component of the pages once, in each of its states."""
    require_intranet()
    return send_file(Path(current_app.root_path) / "docs" / "design-system.html")


def _number_of(status: str) -> str:
    """Return the demo number that the simulator answers with this status, in Persian digits."""
    numbers = [number for number, answer in DEMO_NUMBERS.items() if answer == status]
    return persian_digits(numbers[0]) if numbers else ""


def _values(stored: dict[str, Any]) -> dict[str, Any]:
    """Return a contact's values from the portal's format."""
    return {name: _value(row.kind, stored.get(name)) for name, row in FIELDS.items()}


def _value(kind: FieldKind, written: Any) -> Any:  # noqa: ANN401  JSON
    match kind:
        case FieldKind.MOBILE:
            return "0" + str(written).removeprefix("98")
        case FieldKind.DATE if written:
            return date.fromisoformat(written[:10])
        case FieldKind.LABELS:
            return tuple(written)
        case _:
            return written
