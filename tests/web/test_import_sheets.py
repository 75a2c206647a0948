"""The selects of a preview for the sheet and the header of a file."""

import io

import pytest
from brought_files import numbers, press, upload
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from support import Html
from xlsxwriter import Workbook

from webapp.imports.tables import import_files
from webapp.messages import imports as texts
from webapp.services import DeliveryServices

pytestmark = pytest.mark.slow  # the file is read in a process of its own

SHEETS = {
    "جلد": [["گزارش", "1405"]],
    "تهران": [
        ["فهرست", "بهار", "1405"],
        ["نام", "شماره همراه", "شهر"],
        ["سارا", "09121234567", "تهران"],
    ],
    "قم": [["نام", "موبایل", "شهر"], ["علی", "09127654321", "قم"], ["مینا", "09127654322", "قم"]],
}


@pytest.fixture
def client(app: Flask, delivery: DeliveryServices) -> FlaskClient:
    """Return a browser on the intranet, whose app has its database."""
    del delivery
    return app.test_client()


def book(sheets: dict[str, list[list[str]]] = SHEETS) -> bytes:
    """Return a workbook with a cover and two sheets, or of these."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return file.getvalue()


def chosen(client: FlaskClient, path: str) -> list[str]:
    """Return the chosen sheet and header row of a preview."""
    options = list(Html(client.get(path).text).find("option"))
    values = [str(it["value"]) for it, _ in options if "selected" in it]
    return [it for it in values if it in SHEETS or it.isdecimal()]


def test_sheet_and_header_are_guessed_and_can_be_chosen_until_the_rows_are_sent(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Another sheet's header is detected; a file is kept only for its draft, as ciphertext."""
    path = str(upload(client, book()).headers["Location"])
    assert chosen(client, path) == ["تهران", "2"]
    assert numbers(client, path, "ready") == [1]
    assert press(client, path, columns="1", sheet="قم", header_row="2").status_code == 303
    assert chosen(client, path) == ["قم", "1"]
    assert numbers(client, path, "ready") == [2]
    response = press(client, path, go="1", header_row="0")
    assert texts.UNSENT in client.get(response.headers["Location"]).text
    assert chosen(client, path) == ["قم", "0"]
    assert sum(numbers(client, path, "ready", "wrong")) == 3  # the header is a row now
    error = press(client, path, columns="1", header_row="3")
    assert error.status_code == 422
    assert Html(error.text).text(id="header_row-error")
    press(client, path, columns="1", header_row="1")
    assert numbers(client, path, "ready", "wrong") == [2, 0]
    with delivery.database.read() as connection:
        (content,) = connection.execute(select(import_files.c.content)).scalars()
    assert "UEsDB" not in content[:20]
    press(client, path, go="1")
    with delivery.database.read() as connection:
        kept = connection.execute(select(func.count()).select_from(import_files)).scalar_one()
    assert kept == 0


def test_sheets_with_one_header_are_read_together_and_rows_say_their_sheet(
    client: FlaskClient,
) -> None:
    """Offered where two have it; the same number in both is twice."""
    rows = {
        "تهران": [["فهرست"], ["نام", "موبایل"], ["سارا", "09121234567"], ["رضا", "0912"]],
        "جلد": [["گزارش", "1405"]],
        "قم": [["نام ", "موبايل"], ["علی", "09121234567"], ["مینا", "09127654321"], ["ب", "1"]],
    }
    path = str(upload(client, book(rows)).headers["Location"])
    assert numbers(client, path, "ready", "wrong", "twice") == [1, 1, 0]
    assert texts.LEFT_OUT_SHEETS.format(n="۲") in client.get(path).text
    (offered,) = (
        str(it["value"])
        for it, text in Html(client.get(path).text).find("option")
        if text == texts.ALIKE_SHEETS.format(n="۲")
    )
    press(client, path, columns="1", sheet=offered)
    assert numbers(client, path, "ready", "wrong", "twice") == [2, 2, 1]
    assert texts.LEFT_OUT_SHEETS.format(n="۱") in client.get(path).text
    cells = [text for _, text in Html(client.get(path).text).find("td")]
    assert {"تهران، ۴", "قم، ۴", "تهران، ۳", "قم، ۲"} <= {*cells}
    cell = next(it for it, _ in Html(client.get(path).text).find("input", value="1", dir="auto"))
    press(client, path, mend="1", **{str(cell["name"]): "09127654322"})
    assert numbers(client, path, "ready", "wrong", "twice") == [3, 1, 1]
    press(client, path, columns="1", sheet="قم")
    assert numbers(client, path, "ready", "wrong", "twice") == [2, 1, 0]
    path = str(upload(client, book()).headers["Location"])
    assert "*" not in "".join(chosen(client, path))


def test_mended_cell_stays_below_another_header(client: FlaskClient) -> None:
    """The file is read again for that, and still has the wrong one."""
    good = [["سارا", f"0912765432{number}"] for number in range(9)]
    rows = [["نام", "موبایل"], *good, ["ب", "1"], ["پ", "2"]]
    path = str(upload(client, book({"a": rows})).location)
    press(client, path, mend="1", **{"row-11-1": "09121111111"})
    press(client, path, columns="1", header_row="0")
    assert numbers(client, path, "ready", "wrong") == [10, 2]
    press(client, path, columns="1", header_row="1", **{"row-12-1": "09121111112"})
    assert numbers(client, path, "ready", "wrong") == [11, 0]
