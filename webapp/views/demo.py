"""Demo mode: what the stand-in portal received."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, render_template

from webapp import persian, standin, wording
from webapp.contact import FIELDS, Kind
from webapp.views import require_intranet, services

if TYPE_CHECKING:
    from collections.abc import Callable

blueprint = Blueprint("demo", __name__)

# How a value that the portal stored is shown to a person.
_SHOWN: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.MOBILE: lambda number: persian.persian_digits(f"0{str(number).removeprefix('98')}"),
    Kind.GENDER: lambda is_man: wording.MAN if is_man else wording.WOMAN,
    Kind.DATE: lambda text: persian.date_in_words(date.fromisoformat(text[:10])),
    Kind.LABELS: wording.COMMA.join,
    Kind.ACTIVE: lambda is_active: wording.YES if is_active else wording.NO,
}


@blueprint.get("/demo")
def received() -> str:
    """List the received contacts, newest first."""
    require_intranet()
    contacts = [
        {"number": stored["ID"], "shown": _shown(stored)}
        for stored in reversed(standin.received(services().portal_url))
    ]
    return render_template("demo.html", contacts=contacts)


def _shown(stored: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (row.label, _SHOWN.get(row.kind, str)(stored[row.name]))
        for row in FIELDS.values()
        if stored[row.name] not in (None, "", [])
    ]
