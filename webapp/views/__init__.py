"""What the views share: the services that the factory put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.definitions import FormDefinition
    from webapp.delivery import Delivery
    from webapp.forms import ContactForm
    from webapp.settings import Settings

EXTENSION = "contact_form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of one app."""

    settings: Settings
    definitions: Mapping[str, FormDefinition]
    forms: Mapping[str, type[ContactForm]]
    delivery: Delivery
    portal_url: str


def services() -> Services:
    """Return the running app's parts."""
    found: Services = current_app.extensions[EXTENSION]
    return found
