"""The definition of a form with every field, for tests that read files and captions."""

from typing import Final

from webapp.contact import FIELDS
from webapp.forms.definitions import Access, DateInput, FormDefinition

ALL: Final = FormDefinition(
    slug="all",
    title="همه",
    access=Access.INTRANET,
    fields=tuple(FIELDS.values()),
    required=frozenset({"Mobile"}),
    free_labels=True,
    fixed={},
    dates=DateInput.TEXT,
)
