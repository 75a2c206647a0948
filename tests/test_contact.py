"""The field table: one row is all that a field needs, from the page to the portal and back."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from support import EXAMPLES, FULL_FORM, FULL_SENT, SECRET, TOKEN, Example, Html, Page

from webapp import contact, create_app
from webapp.cli import main
from webapp.contact import FIELDS, Contact, Field, FieldKind
from webapp.demo.server import Simulator
from webapp.portal.answers import find_matches
from webapp.portal.client import payload
from webapp.web.rendering import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from webapp.settings import Settings


ADDED = "AddedField"


@pytest.fixture(params=EXAMPLES, ids=lambda kind: kind.value)
def added(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Example:
    """Add a row of one kind to the table, with nothing but a name, a kind and a label."""
    row = Field(name=ADDED, kind=request.param, label="فیلد تازه")
    monkeypatch.setitem(contact._table, ADDED, row)  # noqa: SLF001  the table itself
    return EXAMPLES[request.param]


@pytest.fixture
def portal() -> Iterator[Simulator]:
    """Run a simulator, whose ContactCreate takes the table's parameters, the added one included."""
    with Simulator(token=TOKEN) as simulator:
        yield simulator


@pytest.fixture
def held_app(added: Example, settings: Settings) -> Flask:
    """Return an app whose outbox holds a contact with a value in the added field."""
    app = create_app(settings)
    outbox = app.extensions[EXTENSION].delivery.outbox
    values: Any = {"Mobile": "09121234567", ADDED: added.value}
    outbox.hold(Contact(**values), "ab" * 32, form="contact", reason="Failed")
    return app


def export(settings: Settings, file_format: str) -> str:
    """Return what `amoot-form outbox export` prints."""
    environ = {
        "AMOOT_TOKEN": TOKEN,
        "SECRET_KEY": SECRET,
        "STATE_DIRECTORY": str(settings.state_directory),
    }
    result = CliRunner().invoke(main, ["outbox", "export", "--format", file_format], env=environ)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_kind_without_an_example_is_none_but_the_labels() -> None:
    """A portal has one set of labels; every other kind may come again in another row."""
    assert set(FieldKind) - EXAMPLES.keys() == {FieldKind.LABELS}


def test_full_form_sends_every_row_in_the_order_of_the_table(page: Page, portal: Simulator) -> None:
    """The order is that of the portal's reference, ContactGroupID first."""
    assert page.send(**FULL_FORM).status_code == 200
    names = dict.fromkeys(name for name, _ in portal.requests[-1].pairs)
    assert list(names) == ["ContactGroupID", *FIELDS] == list(FULL_SENT)


def test_added_row_typed_on_the_page_reaches_the_portal(
    added: Example, page: Page, portal: Simulator
) -> None:
    """It stands on the page of every form that shows all fields, and is sent after the others."""
    assert "فیلد تازه" in page.html.text("form")
    page.send(Mobile="09121234567", **{ADDED: added.typed})
    assert page.html.outcome == "delivered"
    assert portal.requests[-1].pairs[-1] == (ADDED, added.sent)


def test_added_row_with_a_bad_value_has_its_error_beside_it(added: Example, page: Page) -> None:
    """A checkbox has no bad value."""
    bad = "بد" * 300 + "\x01"
    answer = page.send(Mobile="09121234567", **{ADDED: bad})
    if added is EXAMPLES[FieldKind.ACTIVE]:
        assert page.html.outcome == "delivered"
    else:
        assert answer.status_code == 422
        assert page.error(ADDED)


def test_added_row_is_kept_in_the_outbox(added: Example, held_app: Flask) -> None:
    """With its type."""
    outbox = held_app.extensions[EXTENSION].delivery.outbox
    [submission] = outbox.review.page(["held"])
    assert submission.contact[ADDED] == added.value


def test_added_row_is_shown_on_the_operators_card(added: Example, held_app: Flask) -> None:
    """With its label."""
    card = Html(held_app.test_client().get("/outbox").text).text("article")
    assert f"فیلد تازه {' '.join(added.shown.split())}" in card


def test_added_row_stands_in_the_correction_form_and_is_sent_from_it(
    added: Example, held_app: Flask, portal: Simulator
) -> None:
    """With its value, as a browser sends it back."""
    outbox = held_app.extensions[EXTENSION].delivery.outbox
    [submission] = outbox.review.page(["held"])
    page = Page(held_app.test_client(), f"/outbox/{submission.reference}")
    answer = page.client.post(page.path, data=page.html.values)
    assert answer.status_code == 303
    name, text = portal.requests[-1].pairs[-1]
    # The parser of these tests joins the lines of a text area.
    assert (name, text.split()) == (ADDED, added.sent.split())


@pytest.mark.usefixtures("held_app")
@pytest.mark.slow
def test_added_row_is_exported_as_json(added: Example, settings: Settings) -> None:
    """By its name."""
    assert json.loads(export(settings, "json"))[ADDED] == added.sent


@pytest.mark.usefixtures("held_app")
def test_added_row_is_exported_as_csv(added: Example, settings: Settings) -> None:
    """In a column of its own."""
    text = export(settings, "csv")
    assert text.startswith("\ufeffreference,")
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert row[ADDED] == added.sent


def test_added_row_is_compared_with_what_the_portal_stored(added: Example) -> None:
    """A contact with another value in it is another contact."""
    values: Any = {"Mobile": "09121234567", ADDED: added.value}
    stored = {"ID": 7, "Mobile": 989121234567, "FName": None, "LName": None}
    stored_value: Any = added.value if isinstance(added.value, bool) else added.sent
    other: Any = not added.value if isinstance(added.value, bool) else "2001-01-01"
    since = datetime.now(UTC)
    assert find_matches(Contact(**values), [stored | {ADDED: stored_value}], since=since) == [7]
    assert find_matches(Contact(**values), [stored | {ADDED: other}], since=since) == []


def test_every_row_reaches_outbox_card_correction_form_and_exports(
    settings: Settings,
) -> None:
    """A contact with a value in every row loses none of them on the way."""
    app = create_app(settings)
    page = Page(app.test_client())
    data = {**FULL_FORM, "csrf_token": page.token}
    with app.test_request_context(method="POST", data=data):
        form = app.extensions[EXTENSION].forms["contact"]()
        assert form.validate(), form.errors
        full = form.to_contact()
    assert all(full.values[name] not in contact.EMPTY_VALUES for name in FIELDS)
    outbox = app.extensions[EXTENSION].delivery.outbox
    outbox.hold(full, "ab" * 32, form="contact", reason="Failed")
    [submission] = outbox.review.page(["held"])
    assert submission.contact.values == full.values
    card = Html(page.client.get("/outbox").text).text("article")
    assert all(row.label in card for row in FIELDS.values())
    corrected = Page(page.client, f"/outbox/{submission.reference}").html.values
    assert FIELDS.keys() <= corrected.keys()
    sent = {name: text for name, text in payload(full) if name in FIELDS}
    assert FIELDS.keys() == sent.keys()
    exported = json.loads(export(settings, "json"))
    assert all(exported[name] for name in FIELDS)
    text = export(settings, "csv").removeprefix("\ufeff")
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert all(row[name] for name in FIELDS)
