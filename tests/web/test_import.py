"""Importing a spreadsheet on the operators' pages: the file, the preview, the way to the portal."""

import csv
import io
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from brought_files import (
    HEADER,
    brought,
    deliver,
    mobiles,
    numbers,
    post_file,
    press,
    upload,
    written,
)
from flask import Flask
from flask.testing import FlaskClient
from support import Html

from webapp.demo import Simulator
from webapp.imports.file import BOM
from webapp.imports.sheet_parser import MAX_FILE_BYTES
from webapp.imports.tables import import_rows, imports
from webapp.messages import imports as spreadsheets
from webapp.messages import imports as texts
from webapp.outbox.rows import WAITING
from webapp.services import DeliveryServices
from webapp.web import imports as import_files
from webapp.web.rendering import EXTENSION

pytestmark = pytest.mark.slow  # each file is read in a process of its own

GOOD = [(f"0912000000{number}", "سارا", "", "x") for number in range(4)]
WRONG = ("0912", "=علی", "قم", "y")
AGAIN = ("+98 912 000 0001", "رضا", "", "z")


@pytest.fixture
def client(app: Flask, delivery: DeliveryServices) -> FlaskClient:
    """Return a browser on the intranet, whose app has its database."""
    del delivery
    return app.test_client()


def test_file_goes_from_the_preview_to_the_report(
    client: FlaskClient,
    delivery: DeliveryServices,
    portal: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is sent before the operator confirms; the log has no personal data."""
    caplog.set_level(logging.INFO)
    path = brought(client, *GOOD, WRONG, AGAIN)
    assert numbers(client, path, "ready", "wrong", "twice") == [4, 1, 1]
    page = client.get(path).text
    assert "۶" in page  # the row, as the spreadsheet program numbers it
    listed = page.partition('id="wrong"')[2]
    assert "=علی" not in listed  # only the cell that is wrong
    deliver(delivery)
    assert not portal.contacts
    response = press(client, path, go="1")
    assert (response.status_code, response.headers["Location"]) == (303, path)
    assert numbers(client, path, "sent", "waiting", "refused") == [0, 4, 0]
    assert Html(client.get(path).text).text("noscript") == texts.RENEW_NUMBERS
    deliver(delivery)
    assert numbers(client, path, "sent", "waiting", "refused") == [4, 0, 0]
    assert mobiles(portal) == [989120000000 + number for number in range(4)]
    assert all(stored["FName"] == "سارا" for stored in portal.contacts)
    assert texts.STATES["done"] in client.get(path).text
    assert path in client.get("/import").text
    assert "0912" not in caplog.text
    assert "سارا" not in caplog.text


@pytest.mark.parametrize(
    ("twice", "names"),
    [("first", ["سارا"]), ("last", ["رضا"]), ("all", ["رضا", "سارا"]), ("x", ["سارا"])],
)
def test_rows_with_one_number_are_sent_as_the_operator_chooses(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator, twice: str, names: list[str]
) -> None:
    """The first, the last, or all of them."""
    path = brought(client, GOOD[1], AGAIN)
    press(client, path, go="1", twice=twice)
    deliver(delivery)
    assert sorted(str(stored["FName"]) for stored in portal.contacts) == names


def test_file_brought_twice_is_sent_once(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """A reload of the POST does nothing either; the second import says what was known."""
    for known in (0, 4):
        path = brought(client, *GOOD)
        for _ in range(2):
            assert press(client, path, go="1").status_code == 303
        deliver(delivery)
        assert numbers(client, path, "waiting", "known") == [0, known]
        assert len(portal.contacts) == 4


def test_cancelled_import_is_erased_and_can_be_brought_again(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """What was not sent leaves no key."""
    rows = [(f"0912000{number:04}", "سارا", "", "") for number in range(30)]
    path = brought(client, *rows)
    press(client, path, go="1")
    delivery.imports.feeder.enqueue_due_rows()
    press(client, path, cancel="1", confirm="cancel")
    deliver(delivery)
    sent = len(portal.contacts)
    assert 0 < sent < 30
    assert numbers(client, path, "sent", "waiting") == [sent, 0]
    with delivery.database.read() as connection:
        assert not connection.execute(import_rows.select()).all()
    path = brought(client, *rows)
    press(client, path, go="1")
    deliver(delivery)
    assert numbers(client, path, "sent", "known") == [30 - sent, sent]
    assert len(set(mobiles(portal))) == len(portal.contacts) == 30


def test_paused_import_feeds_nothing_until_it_is_resumed(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The page has the button for it."""
    path = brought(client, *GOOD)
    press(client, path, go="1")
    press(client, path, pause="1")
    deliver(delivery)
    assert not portal.contacts
    assert 'name="resume"' in client.get(path).text
    press(client, path, resume="1")
    deliver(delivery)
    assert len(portal.contacts) == 4


def test_columns_are_chosen_and_values_given_to_all_rows(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The preview is computed anew; a field for two columns is an error."""
    path = brought(client, *GOOD[:2])
    wrong = press(client, path, columns="1", **{"column-1": "FName", "column-3": "FName"})
    assert wrong.status_code == 422
    unknown = press(client, path, columns="1", **{"column-1": "Token"})
    assert unknown.status_code == 422
    chosen = {"column-1": "LName", "column-3": "CustomText1"}
    shared = {"all-Labels": "نمایشگاه، ویژه", "all-CityName": "شیراز", "all-GenderType": "false"}
    assert press(client, path, columns="1", **chosen, **shared).status_code == 303
    assert 'value="شیراز"' in client.get(path).text
    assert numbers(client, path, "ready", "wrong") == [2, 0]
    press(client, path, go="1")
    deliver(delivery)
    (stored, _) = portal.contacts
    assert [stored[name] for name in ("FName", "LName", "CustomText1")] == [None, "سارا", "x"]
    assert (stored["CityName"], stored["GenderType"]) == ("شیراز", False)
    assert portal.contacts[-1]["Labels"] == ["نمایشگاه", "ویژه"]


def test_file_without_its_column_asks_for_the_number(client: FlaskClient) -> None:
    """All its rows are wrong until the operator has chosen it."""
    path = brought(client, GOOD[0])
    press(client, path, columns="1", **{"column-0": ""})
    assert numbers(client, path, "ready", "wrong") == [0, 1]
    page = client.get(path).text
    assert texts.NO_MOBILE.format(caption=HEADER[0]) in page
    assert 'name="go"' not in page
    press(client, path, columns="1", **{"column-0": "Mobile"})
    assert numbers(client, path, "ready", "wrong") == [1, 0]


def test_wrong_rows_are_downloaded_mended_and_brought_again(
    client: FlaskClient,
    delivery: DeliveryServices,
    portal: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a workbook, or as CSV without XlsxWriter, in which no cell is a formula."""
    path = brought(client, GOOD[0], WRONG)
    book = client.get(f"{path}/wrong")
    assert book.data.startswith(b"PK")
    missing = Mock(side_effect=ImportError)
    monkeypatch.setattr(import_files, "write_workbook", missing)
    file = client.get(f"{path}/wrong")
    assert file.text.startswith(BOM)
    header, row = csv.reader(io.StringIO(file.text[1:]))
    assert header == [*HEADER, texts.PROBLEM]
    assert row[:2] == ["0912", "'=علی"]
    assert row[4]
    for content in (book.data, file.data.replace(b"0912,", b"09120000009,")):
        again = str(upload(client, content).headers["Location"])
    assert numbers(client, again, "ready", "wrong") == [1, 0]
    press(client, again, go="1")
    deliver(delivery)
    assert mobiles(portal) == [989120000009]


def test_refused_rows_are_listed_and_downloaded_while_they_are_kept(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Each leads to the outbox, where it can be corrected."""
    path = brought(client, *GOOD[:2])
    press(client, path, go="1")
    portal.respond_with = lambda _: "Mobile_Invalid"
    deliver(delivery)
    assert numbers(client, path, "sent", "refused") == [0, 2]
    page = Html(client.get(path).text)
    links = [it["href"] for it, _ in page.find("a") if str(it["href"]).startswith("/outbox/")]
    assert len(links) == 2
    assert client.get(str(links[0])).status_code == 200
    again = upload(client, client.get(f"{path}/refused").data)
    assert numbers(client, str(again.headers["Location"]), "ready", "known") == [0, 2]


def test_draft_is_erased_within_an_hour(client: FlaskClient, delivery: DeliveryServices) -> None:
    """A sent one keeps its counts, and loses its wrong rows."""
    draft, sent = brought(client, *GOOD, WRONG), brought(client, *GOOD[:1], WRONG)
    press(client, sent, go="1")
    deliver(delivery)
    for age, status, rows in ((timedelta(minutes=50), 200, 6), (timedelta(minutes=59), 410, 0)):
        with delivery.database.write() as connection:
            then = datetime.now(UTC).replace(tzinfo=None) - age
            connection.execute(imports.update().values(created_at=then))
        delivery.imports.purge()
        page = client.get(draft)
        assert page.status_code == status
        assert (texts.GONE in page.text) is (status != 200)
        with delivery.database.read() as connection:
            assert len(connection.execute(import_rows.select()).all()) == rows
    assert numbers(client, sent, "sent") == [1]
    assert press(client, draft, go="1").status_code == 410


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", spreadsheets.UNREADABLE["empty"]), (b"\xff\xfe\x00\x01broken\xd8\x00", "")],
)
def test_file_that_cannot_be_read_is_an_error_at_its_input(
    client: FlaskClient, content: bytes, message: str
) -> None:
    """With the sentence that says why."""
    response = upload(client, content)
    assert response.status_code == 422
    error = Html(response.text).text(id="file-error")
    assert error
    assert message in error


def test_post_without_a_token_stores_and_sends_nothing(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Another site's page has none."""
    response = post_file(client, "/import", written(*GOOD))
    assert response.status_code == 422
    assert texts.PAGE_EXPIRED in response.text
    path = brought(client, *GOOD)
    assert client.post(path, data={"go": "1"}).status_code == 303
    delivery.imports.feeder.enqueue_due_rows()
    assert delivery.outbox.review.count(WAITING, most=1) == 0


def test_only_the_import_takes_a_large_body(client: FlaskClient) -> None:
    """Some megabytes there, one in its preview; elsewhere as much as a contact needs."""
    padding = "ن" * 100_000
    assert upload(client, written(*GOOD), padding=padding).status_code == 303
    large = written(*[("09120000001", "ن" * 50, "", "") for _ in range(2000)])
    assert len(large) > 200_000
    assert upload(client, large).status_code == 303
    for address in ("/", "/f/signup", "/outbox/retry"):
        assert post_file(client, address, large).status_code == 413, address
    response = upload(client, b"x" * (MAX_FILE_BYTES + 100_000))
    assert response.status_code == 413
    assert Html(response.text).text(id="file-error")


def test_form_is_chosen_where_there_are_several(
    make_app: Callable[..., Flask], tmp_path: Any, portal: Simulator
) -> None:
    """Not one that asks for consent, which only the person can give."""
    forms = tmp_path / "forms.toml"
    table = '[forms.{}]\ntitle = "{}"\naccess = "intranet"\nfields = ["Mobile", "FName"]\n'
    forms.write_text(
        table.format("one", "الف")
        + table.format("two", "ب")
        + 'labels = ["ویژه"]\n'
        + table.format("three", "پ")
        + 'consent = "با دریافت پیامک موافقم."\n'
    )
    app = make_app(forms_file=forms)
    client, delivery = app.test_client(), app.extensions[EXTENSION].delivery
    page = Html(client.get("/import").text)
    assert [it["value"] for it, _ in page.find("option")] == ["one", "two"]
    assert upload(client, written(*GOOD), form="three").status_code == 422
    path = str(upload(client, written(GOOD[0]), form="two").headers["Location"])
    press(client, path, go="1")
    deliver(delivery)
    assert portal.contacts[-1]["Labels"] == ["ویژه"]


def test_sample_is_a_file_that_can_be_imported(client: FlaskClient) -> None:
    """Its header is understood."""
    sample = client.get("/import/sample")
    assert sample.data.startswith(b"PK")
    path = str(upload(client, sample.data).headers["Location"])
    assert "Mobile" in Html(client.get(path).text).selected or "شمارهٔ همراه" in str(
        Html(client.get(path).text).selected
    )
    assert client.get("/import/sample?form=signup").status_code == 404
