"""What the preview of a file says of columns that are left out, and of names."""

from datetime import timedelta

import pytest
from brought_files import brought, deliver, mobiles, numbers, press, upload, written
from flask.testing import FlaskClient

from webapp.demo import Simulator
from webapp.imports.tables import WHOLE_NAME, ImportState, imports
from webapp.messages import imports as texts
from webapp.services import DeliveryServices

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("files_read_here")]


def test_columns_that_are_left_out_and_missing_names_are_said_above_the_button(
    client: FlaskClient,
) -> None:
    """Also a column whose cells are not what its caption says; empty columns are not worth it."""
    header = ("موبایل", "تاریخ تولد", "کد", "خالی")
    rows = [("09120000001", "مشتری", "7", ""), ("09120000002", "همکار", "8", "")]
    path = str(upload(client, written(*rows, header=header)).headers["Location"])
    above = client.get(path).text.partition('name="go"')[0]
    assert (
        texts.LEFT_OUT_COLUMNS.format(n="۲", titles="«\u2068تاریخ تولد\u2069»، «\u2068کد\u2069»")
        in above
    )
    assert texts.MISLEADING_COLUMNS.format(titles="«\u2068تاریخ تولد\u2069»") in above
    assert texts.NO_NAME_COLUMN in above
    assert client.get(path).text.count("مشتری") == 1  # an example, and no error of a row


def test_second_table_beside_the_first_is_left_out_and_named(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Its numbers are no further numbers of the first one's people."""
    header = ("نام", "موبایل", "", "نام", "موبایل")
    rows = [("سارا", "09120000001", "", "رضا", "09120000002"), ("", "", "", "علی", "09120000003")]
    path = str(upload(client, written(*rows, header=header)).headers["Location"])
    titles = "«\u2068نام\u2069»، «\u2068موبایل\u2069»"
    above = client.get(path).text.partition('name="go"')[0]
    assert texts.LEFT_OUT_COLUMNS.format(n="۲", titles=titles) in above
    press(client, path, go="1")
    deliver(delivery)
    assert mobiles(portal) == [989120000001]


def test_whole_names_are_divided_and_shown_before_they_are_sent(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Undivided at first; a column of first names beside it would be a contradiction."""
    header = ("موبایل", "نام و نام خانوادگی مشترک")
    file = written(("09120000001", "محمد رضا کاظمی"), header=header)
    path = str(upload(client, file).headers["Location"])
    both = {"column-0": "FName", "column-1": WHOLE_NAME}
    assert press(client, path, columns="1", **both).status_code == 422
    press(client, path, columns="1", **{"column-1": WHOLE_NAME})
    page = client.get(path).text
    assert "محمد رضا</bdi>" in page
    assert "کاظمی</bdi>" in page
    press(client, path, go="1")
    deliver(delivery)
    assert [portal.contacts[0][name] for name in ("FName", "LName")] == ["محمد رضا", "کاظمی"]


def test_totals_notes_and_repeated_headers_are_no_contacts_and_are_counted(
    client: FlaskClient,
) -> None:
    """A name without a number is a wrong row, not a note."""
    header = ("ردیف", "نام", "موبایل")
    rows = [
        ("1", "سارا", "09120000001"),
        header,
        ("", "علی", ""),
        ("جمع کل", "2", ""),
        ("این فهرست در بهار تهیه شده است", "", ""),
    ]
    path = str(upload(client, written(*rows, header=header)).headers["Location"])
    assert numbers(client, path, "ready", "wrong") == [1, 1]
    assert texts.LEFT_OUT_ROWS.format(n="۳") in client.get(path).text


def test_drafts_and_imports_of_thirty_days_are_listed_with_file_and_form(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Their pages name the file, too."""
    draft, sent = (brought(client, (f"0912000000{it}", "a", "", "")) for it in range(2))
    press(client, sent, go="1")
    deliver(delivery)
    with delivery.database.write() as connection:
        then = delivery.database.now_plus(-timedelta(days=29))
        of_sent = imports.c.state == ImportState.DONE
        connection.execute(imports.update().where(of_sent).values(created_at=then))
    delivery.imports.purge()
    page = client.get("/import").text
    for path in (draft, sent):
        assert f'href="{path}"' in page
        assert "(\u2068a.csv\u2069)" in client.get(path).text  # 1405-09.csv, too, keeps its order
    assert page.count("a.csv") == 2
