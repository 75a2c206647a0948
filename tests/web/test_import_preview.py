"""The preview of a file: what its form carries, and what it shows of the rows."""

import csv
import io
from datetime import datetime
from unittest.mock import Mock

import pytest
from brought_files import HEADER, brought, numbers, post_file, press, token, upload, written
from flask.testing import FlaskClient
from support import Html

from webapp.imports.tables import imports
from webapp.messages import imports as texts
from webapp.services import DeliveryServices
from webapp.web import imports as import_files

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("files_read_here")]

GOOD = [(f"0912000000{number}", "سارا", "", "x") for number in range(4)]
LONG_AGO = datetime(2026, 1, 1)  # noqa: DTZ001  UTC, as all times in the database


def inputs(client: FlaskClient, path: str) -> dict[str, str]:
    """Return what the form of a preview would post, without a button."""
    page = Html(client.get(path).text)
    typed = {str(it["name"]): str(it.get("value") or "") for it, _ in page.find("input")}
    return {**typed, **chosen(page)}


def chosen(page: Html) -> dict[str, str]:
    """Return the chosen value of each select of a page."""
    found, name = {}, ""
    for tag, attributes, _ in page.elements:
        if tag == "select":
            name = str(attributes["name"])
            found[name] = ""
        elif tag == "option" and "selected" in attributes:
            found[name] = str(attributes["value"])
    return found


def test_send_from_a_page_with_another_reading_shows_the_preview_first(client: FlaskClient) -> None:
    """Two tabs: what is sent is what the operator has seen."""
    path = brought(client, *GOOD)
    tab = inputs(client, path)
    assert tab["column-1"] == "FName"
    press(client, path, columns="1", **{"column-1": "LName"})
    response = press(client, path, **{**tab, "go": "1", "twice": "last"})
    assert response.status_code == 303
    page = client.get(response.headers["Location"]).text
    assert texts.UNSENT in page
    assert texts.UNSENT not in client.get(path).text
    assert inputs(client, path)["column-1"] == "FName"
    press(client, path, **{**inputs(client, path), "go": "1"})
    assert numbers(client, path, "waiting") == [4]


def test_send_with_changed_values_shows_the_preview_first(client: FlaskClient) -> None:
    """They are not dropped; the choice about repeated rows stays."""
    path = brought(client, GOOD[0], GOOD[0])
    changed = {"all-CityName": "شیراز", "twice": "last"}
    response = press(client, path, **{**inputs(client, path), **changed, "go": "1"})
    page = Html(client.get(response.headers["Location"]).text)
    assert texts.UNSENT in page.text("main")
    assert next(page.find("input", name="all-CityName"))[0]["value"] == "شیراز"
    (last,) = (it for it, _ in page.find("input", name="twice") if "checked" in it)
    assert last["value"] == "last"
    press(client, str(response.headers["Location"]), go="1", twice="all")
    assert numbers(client, path, "waiting") == [2]


def test_send_without_a_reading_sends_the_stored_one(client: FlaskClient) -> None:
    """As by a program that posts only the button."""
    path = brought(client, *GOOD)
    press(client, path, columns="1", **{"column-1": "LName", "all-CityName": "قم"})
    press(client, path, go="1")
    assert numbers(client, path, "waiting") == [4]


def test_enter_in_a_preview_renews_it(client: FlaskClient) -> None:
    """A browser presses the first button of the form."""
    page = Html(client.get(brought(client, *GOOD)).text)
    names = [it.get("name") for it, _ in page.find("button") if it.get("name")]
    assert names == ["columns", "columns", "go", "cancel"]


def test_wrong_reading_stays_on_the_page_with_its_error_at_its_input(client: FlaskClient) -> None:
    """Nothing that was chosen is lost."""
    path = brought(client, *GOOD)
    wrong = {"column-1": "LName", "column-3": "LName", "all-CityName": "ن" * 500}
    response = press(client, path, columns="1", **wrong)
    assert response.status_code == 422
    page = Html(response.text)
    assert chosen(page)["column-1"] == chosen(page)["column-3"] == "LName"
    city = next(page.find("input", name="all-CityName"))[0]
    assert city["value"] == wrong["all-CityName"]
    select = next(page.find("select", name="column-3"))[0]
    for it, name in ((city, "all-CityName"), (select, "column-3")):
        assert it["aria-invalid"] == "true"
        assert f"{name}-error" in str(it["aria-describedby"]).split()
        assert page.text(id=f"{name}-error") == page.text("a", href=f"#{name}")
    assert "aria-invalid" not in next(page.find("select", name="column-1"))[0]
    assert numbers(client, path, "ready") == [4]
    assert HEADER[1] in response.text


def test_send_of_a_discarded_draft_says_that_it_is_gone(client: FlaskClient) -> None:
    """With the form for another file, which does not go to the draft's address."""
    path = brought(client, *GOOD)
    for _ in range(2):
        assert press(client, path, cancel="1").headers["Location"] == "/import"
    response = press(client, path, go="1")
    assert response.status_code == 410
    page = Html(response.text)
    assert page.text(id="file-error") == texts.GONE
    assert next(page.find("form", enctype="multipart/form-data"))[0]["action"] == "/import"


def test_preview_shows_the_column_of_active_contacts_if_one_is_not(client: FlaskClient) -> None:
    """It says nothing where all are, as in almost all files."""
    heads = []
    for active in ("بله", "خیر"):
        data = written(("09120000001", "بله"), ("09120000002", active), header=("Mobile", "Active"))
        path = str(upload(client, data).headers["Location"])
        heads.append([text for _, text in Html(client.get(path).text).find("th")])
    assert len(heads[1]) == len(heads[0]) + 1
    assert "خیر" in [text for _, text in Html(client.get(path).text).find("td")]


def test_long_wrong_cell_is_shown_by_its_beginning(client: FlaskClient) -> None:
    """Else one cell is all that the page shows; the file with wrong rows has it whole."""
    cell = "ن" * 30_000
    header = ("شمارهٔ همراه", "ش" * 3000)
    path = str(upload(client, written((cell, ""), header=header)).headers["Location"])
    text = client.get(path).text
    assert f"{cell[:120]}…" in text
    assert cell[:130] not in text
    assert "ش" * 130 not in text


def test_hint_about_values_for_all_rows_is_true_of_labels(client: FlaskClient) -> None:
    """They are added to a row's own; other values are not."""
    rows = [("09120000001", "قم", "ویژه")]
    data = written(*rows, header=("Mobile", "City", "Labels"))
    path = str(upload(client, data).headers["Location"])
    press(client, path, columns="1", **{"all-CityName": "یزد", "all-Labels": "تازه"})
    page = Html(client.get(path).text)
    cells = [text for _, text in page.find("td")]
    assert "قم" in cells
    assert "یزد" not in cells
    assert "ویژه، تازه" in cells
    assert "برچسب‌ها به همهٔ سطرها افزوده می‌شوند" in page.text("main")


def test_upload_from_an_expired_page_asks_for_the_file_again(client: FlaskClient) -> None:
    """A browser keeps no file; nothing says that it was kept."""
    response = post_file(client, "/import", written(*GOOD), csrf_token="old")
    assert response.status_code == 422
    assert Html(response.text).text(id="file-error") == texts.PAGE_EXPIRED


def test_upload_without_a_file_asks_for_one(client: FlaskClient) -> None:
    """Browsers post an empty name then; an empty file has one."""
    fields = {"csrf_token": token(client), "file": (io.BytesIO(), "")}
    response = client.post("/import", data=fields, content_type="multipart/form-data")
    assert Html(response.text).text(id="file-error") == texts.NO_FILE


def test_wrong_rows_brought_again_have_one_column_for_what_is_wrong(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one of the first time is out of date."""
    header = (*HEADER, texts.PROBLEM)
    data = written(("0912", "علی", "قم", "y", "قدیمی"), header=header)
    path = str(upload(client, data).headers["Location"])
    monkeypatch.setattr(import_files, "write_workbook", Mock(side_effect=ImportError))
    first, row = csv.reader(io.StringIO(client.get(f"{path}/wrong").data.decode("utf-8-sig")))
    assert tuple(first) == header
    assert len(row) == len(header)
    assert "قدیمی" not in row


def test_wrong_rows_that_were_erased_are_no_empty_file(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A sentence says that they are not kept."""
    path = brought(client, GOOD[0], ("0912", "", "", ""))
    press(client, path, go="1")
    assert client.get(f"{path}/wrong").status_code == 200
    with delivery.database.write() as connection:
        connection.execute(imports.update().values(created_at=LONG_AGO))
    delivery.imports.purge()
    response = client.get(f"{path}/wrong")
    assert response.status_code == 404
    assert texts.WRONG_ERASED[0] in response.text
