"""What tests of imports share: a file is brought, buttons are pressed, rows are delivered."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from support import Html
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from webapp.demo import Simulator
from webapp.imports.file import BOM, Row, Sheet
from webapp.imports.tables import imports
from webapp.services import DeliveryServices

HEADER = ("شمارهٔ همراه", "نام", "شهر", "یادداشت")


def written(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    """Write a file as a spreadsheet program does."""
    file = io.StringIO()
    csv.writer(file).writerows([header, *rows])
    return (BOM + file.getvalue()).encode()


def token(client: FlaskClient) -> str:
    """Return a valid token of these pages."""
    page = Html(client.get("/import").text)
    return str(next(page.find("input", name="csrf_token"))[0]["value"])


def upload(client: FlaskClient, content: bytes, **fields: str) -> TestResponse:
    """Bring a file."""
    return post_file(client, "/import", content, csrf_token=token(client), **fields)


def post_file(client: FlaskClient, path: str, content: bytes, **fields: str) -> TestResponse:
    """Send a form with a file to this address."""
    file = FileStorage(io.BytesIO(content), "a.csv")
    boundary, body = encode_multipart({**fields, "file": file})
    content_type = f"multipart/form-data; boundary={boundary}"
    return client.post(path, data=body, content_type=content_type)


def brought(client: FlaskClient, *rows: Sequence[str]) -> str:
    """Bring a file of these rows; return the address of its preview."""
    response = upload(client, written(*rows))
    assert response.status_code == 303
    return str(response.headers["Location"])


def press(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Press a button of an import's page."""
    return client.post(path, data={"csrf_token": token(client), **fields})


def numbers(client: FlaskClient, path: str, *names: str) -> list[int]:
    """Return numbers that a page states."""
    found: dict[str, Any] = {}
    for _, attributes, _ in Html(client.get(path).text).elements:
        found |= {name: value for name, value in attributes.items() if name.startswith("data-rows")}
    return [int(found[f"data-rows-{name}"]) for name in names]


def deliver(delivery: DeliveryServices) -> None:
    """Feed and send all that is to be sent, as a worker does, without waiting for the interval."""
    is_left = select(imports.c.id).where(imports.c.state == "running", imports.c.left_rows > 0)
    long_ago = datetime(2026, 1, 1)  # noqa: DTZ001  UTC, as all times in the database
    claimed, left = [], True
    while claimed or left:
        with delivery.database.write() as connection:
            connection.execute(imports.update().values(next_at=long_ago))
        delivery.imports.feeder.enqueue_due_rows()
        claimed = delivery.outbox.claim(50)
        for submission in claimed:
            delivery.sender.attempt(submission)
        with delivery.database.read() as connection:
            left = connection.execute(is_left).first() is not None
    delivery.imports.feeder.enqueue_due_rows()


def mobiles(portal: Simulator) -> list[int]:
    """Return whom the portal has, sorted."""
    return sorted(stored["Mobile"] for stored in portal.contacts)


def read_plainly(data: bytes, *_: object, **__: object) -> Sheet:
    """Read our own CSV in this process, for tests that look at the pages alone."""
    header, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    numbered = (Row(number, tuple(cells)) for number, cells in enumerate(rows, 2))
    return Sheet(header=tuple(header), rows=tuple(numbered), epoch_1904=False)
