"""A draft that is read in another way: after each failure, one of the two drafts remains."""

from unittest.mock import Mock

import pytest
from brought_files import brought, numbers, press
from flask.testing import FlaskClient
from sqlalchemy import select

from webapp.database import DatabaseError
from webapp.imports import Imports
from webapp.imports.tables import ImportState, import_rows, imports
from webapp.services import DeliveryServices

pytestmark = pytest.mark.usefixtures("files_read_here")

GOOD = [(f"0912000000{number}", "سارا", "", "x") for number in range(4)]


def test_draft_whose_second_reading_fails_stays_as_it_was(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was locked for 55 minutes; a killed process leaves it as it was, too."""
    path = brought(client, *GOOD)
    with monkeypatch.context() as patch:
        fail = Mock(side_effect=DatabaseError("OperationalError"))
        patch.setattr(Imports, "write_rows", fail)
        assert press(client, path, columns="1", **{"column-1": "LName"}).status_code == 503
    assert numbers(client, path, "ready") == [4]
    press(client, path, go="1")
    found = delivery.imports.review.get(path.rpartition("/")[2])
    assert found
    assert (found.state, found.left_rows) == (ImportState.RUNNING, 4)


def test_draft_that_was_sent_during_its_second_reading_is_sent_once(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another tab, as that one showed it; nothing is left of the reading that came too late."""
    path = brought(client, *GOOD)
    write_rows = Imports.write_rows

    def written(owner: Imports, *args: object) -> None:
        write_rows(owner, *args)  # type: ignore[arg-type]
        press(client.application.test_client(), path, go="1")

    monkeypatch.setattr(Imports, "write_rows", written)
    response = press(client, path, columns="1", **{"column-1": "LName"})
    assert response.headers["Location"] == path
    with delivery.database.read() as connection:
        states = connection.execute(select(imports.c.state)).scalars().all()
        rows = connection.execute(select(import_rows.c.import_id)).scalars().all()
    assert sorted(states) == [ImportState.EXPIRED, ImportState.RUNNING]
    assert len(rows) == len(GOOD)


def test_second_reading_takes_the_place_of_the_first_and_leaves_none_of_its_rows(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """The address stays, and so does the hour that the rows are kept."""
    path = brought(client, *GOOD)
    first = delivery.imports.review.get(path.rpartition("/")[2])
    press(client, path, columns="1", **{"column-1": "LName"})
    second = delivery.imports.review.get(path.rpartition("/")[2])
    assert first
    assert second
    assert second.reading.columns[1] == "LName"
    assert second.created_at == first.created_at
    assert list(delivery.imports.review.all_rows(first.id)) == []
    assert len(list(delivery.imports.review.all_rows(second.id))) == len(GOOD)
