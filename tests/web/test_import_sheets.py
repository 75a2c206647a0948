"""The selects of a preview for the sheet and the header of a file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from brought_files import numbers, press, upload
from sqlalchemy import func, select
from support import Html
from xlsxwriter import Workbook

from webapp.imports.tables import import_files
from webapp.messages import imports as texts

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from webapp.services import DeliveryServices

pytestmark = pytest.mark.slow  # the file is read in a process of its own

SHEETS = {
    "جلد": [["گزارش", "1405"]],
    "تهران": [
        ["فهرست", "بهار", "1405"],
        ["نام", "شماره همراه", "شهر"],
        ["سارا", "09121234567", "تهران"],
    ],
    "قم": [
        ["نام", "موبایل", "شهر"],
        ["علی", "09127654321", "قم"],
        ["مینا", "09127654322", "قم"],
    ],
}


@pytest.fixture
def client(app: Flask, delivery: DeliveryServices) -> FlaskClient:
    """Return a browser on the intranet, whose app has its database."""
    del delivery
    return app.test_client()


def book() -> bytes:
    """Return a workbook with a cover and two sheets of one shape."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        for name, rows in SHEETS.items():
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
    """Another sheet's header is found anew; a file is kept for its draft alone, as ciphertext."""
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
