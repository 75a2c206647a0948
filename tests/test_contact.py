"""The field table: one row is all that a field needs, from the page to the portal and back."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from support import EXAMPLES, FULL_FORM, FULL_SENT, SECRET, TOKEN, Example, Html, Page
from tables import each

from webapp import contact, create_app
from webapp.cli import main
from webapp.contact import FIELDS, Contact, Field, FieldKind
from webapp.demo import Simulator
from webapp.portal.client import payload
from webapp.portal.matching import find_matches
from webapp.settings import Settings
from webapp.web.rendering import EXTENSION

# What a row of each kind that is added has as its value, by the row's name.
ADDED = {f"Added{kind.name.title()}": example for kind, example in EXAMPLES.items()}
LABEL = "فیلد تازه {}"
VALUES: Any = {"Mobile": "09121234567"} | {name: it.value for name, it in ADDED.items()}
SENT = {name: example.sent for name, example in ADDED.items()}


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> dict[str, Example]:
    """Add a row of each kind to the table, with nothing but a name, a kind and a label."""
    for kind, name in zip(EXAMPLES, ADDED, strict=True):
        row = Field(name=name, kind=kind, caption=LABEL.format(name))
        monkeypatch.setitem(contact._table, name, row)  # noqa: SLF001  the table itself
    return ADDED


@pytest.fixture
def portal() -> Iterator[Simulator]:
    """Run a simulator, whose ContactCreate takes the table's parameters, the added one included."""
    with Simulator(token=TOKEN) as simulator:
        yield simulator


@pytest.fixture
def held_app(added: dict[str, Example], settings: Settings) -> Flask:  # noqa: ARG001
    """Return an app whose outbox holds a contact with a value in each added field."""
    app = create_app(settings)
    outbox = app.extensions[EXTENSION].delivery.outbox
    outbox.hold(Contact(**VALUES), "ab" * 32, form="contact", reason="Failed")
    return app


def last_sent(portal: Simulator) -> dict[str, str]:
    """Return the parameters that followed the others in the last call, with their lines joined."""
    return {name: " ".join(text.split()) for name, text in portal.requests[-1].pairs[-len(ADDED) :]}


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


def test_added_rows_typed_on_the_page_reach_the_portal(
    added: dict[str, Example], page: Page, portal: Simulator
) -> None:
    """They stand on the page of every form that shows all fields, and are sent after the others."""
    for name in added:
        assert LABEL.format(name) in page.html.text("form")
    page.send(Mobile="09121234567", **{name: example.typed for name, example in added.items()})
    assert page.html.outcome == "delivered"
    assert last_sent(portal) == {name: " ".join(text.split()) for name, text in SENT.items()}


@pytest.mark.usefixtures("added")
@each("name", ADDED)
def test_added_row_with_a_bad_value_has_its_error_beside_it(page: Page, name: str) -> None:
    """A checkbox has no bad value."""
    answer = page.send(Mobile="09121234567", **{name: "بد" * 300 + "\x01"})
    if ADDED[name] is EXAMPLES[FieldKind.ACTIVE]:
        assert page.html.outcome == "delivered"
    else:
        assert answer.status_code == 422
        assert page.error(name)


def test_added_row_is_kept_in_the_outbox_shown_corrected_and_sent(
    held_app: Flask, portal: Simulator
) -> None:
    """With its type, its label, and the value that a browser sends back."""
    [submission] = held_app.extensions[EXTENSION].delivery.outbox.review.page(["held"])
    assert {name: submission.contact[name] for name in VALUES} == VALUES
    card = Html(held_app.test_client().get("/outbox").text).text("article")
    for name, example in ADDED.items():
        assert f"{LABEL.format(name)} {' '.join(example.shown.split())}" in card
    page = Page(held_app.test_client(), f"/outbox/{submission.reference}")
    answer = page.client.post(page.path, data=page.html.values)
    assert answer.status_code == 303
    assert last_sent(portal) == {name: " ".join(text.split()) for name, text in SENT.items()}


@pytest.mark.usefixtures("held_app")
def test_added_row_is_exported(settings: Settings) -> None:
    """By its name in JSON, and in a column of its own in CSV."""
    assert json.loads(export(settings, "json")).items() >= SENT.items()
    text = export(settings, "csv")
    assert text.startswith("\ufeffreference,")
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert row.items() >= SENT.items()


@pytest.mark.usefixtures("added")
@each(("name", "example"), ADDED.items())
def test_added_row_is_compared_with_what_the_portal_stored(name: str, example: Example) -> None:
    """A contact with another value in it is another contact."""
    values: Any = {"Mobile": "09121234567", name: example.value}
    stored = {"ID": 7, "Mobile": 989121234567, "FName": None, "LName": None}
    is_flag = isinstance(example.value, bool)
    stored_value: Any = example.value if is_flag else example.sent
    other: Any = not example.value if is_flag else "2001-01-01"
    since = datetime.now(UTC)
    assert find_matches(Contact(**values), [stored | {name: stored_value}], since=since) == [7]
    assert find_matches(Contact(**values), [stored | {name: other}], since=since) == []


def test_every_row_reaches_outbox_card_correction_form_and_exports(settings: Settings) -> None:
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
    assert all(row.caption in card for row in FIELDS.values())
    corrected = Page(page.client, f"/outbox/{submission.reference}").html.values
    assert FIELDS.keys() <= corrected.keys()
    sent = {name: text for name, text in payload(full) if name in FIELDS}
    assert FIELDS.keys() == sent.keys()
    exported = json.loads(export(settings, "json"))
    assert all(exported[name] for name in FIELDS)
    text = export(settings, "csv").removeprefix("\ufeff")
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert all(row[name] for name in FIELDS)
