"""Demo mode: what the stand-in portal received."""

from __future__ import annotations

from flask import Blueprint, render_template

from webapp import guard, standin
from webapp.contact import FIELDS
from webapp.views import services

blueprint = Blueprint("demo", __name__)


@blueprint.get("/demo")
def received() -> str:
    """List the received contacts, newest first."""
    guard.require_intranet(services().settings)
    contacts = standin.received(services().portal_url)
    return render_template("demo.html", contacts=contacts, fields=FIELDS)
