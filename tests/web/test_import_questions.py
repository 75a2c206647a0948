"""What the preview of a file asks before anything is sent: wrong cells, dates, columns."""

import pytest
from brought_files import brought, deliver, mobiles, numbers, press, upload, written
from flask.testing import FlaskClient
from support import Html

from webapp.demo import Simulator
from webapp.imports.tables import import_rows
from webapp.messages import imports as texts
from webapp.services import DeliveryServices
from webapp.web.imports.pages import MAX_MENDED

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("files_read_here")]

GOOD = ("09120000001", "سارا", "", "x")


def wrong_inputs(client: FlaskClient, path: str) -> dict[str, str]:
    """Return name and value of the inputs for wrong cells."""
    page = Html(client.get(path).text)
    found = {str(it["name"]): str(it.get("value") or "") for it, _ in page.find("input")}
    return {name: value for name, value in found.items() if name.startswith("row-")}


def test_wrong_cell_is_mended_on_the_page_and_sent(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """By the rules of the form; what is still wrong stays at its input, as it was typed."""
    path = brought(client, GOOD, ("0912", "علی", "قم", ""), ("9120000003", "ن" * 51, "", ""))
    assert wrong_inputs(client, path) == {"row-3-0": "0912", "row-4-1": "ن" * 51}
    page = client.get(path).text
    assert 'id="row-3-0-error"' in page
    response = press(client, path, mend="1", **{"row-3-0": "۰۹۱۲۰۰۰۰۰۰۲", "row-4-1": "ن" * 52})
    assert response.status_code == 303
    assert numbers(client, path, "ready", "wrong") == [2, 1]
    assert wrong_inputs(client, path) == {"row-4-1": "ن" * 52}
    with delivery.database.read() as connection:
        stored = connection.execute(import_rows.select()).all()
    assert "۰۹۱۲۰۰۰۰۰۰۲" not in str(stored)
    press(client, path, mend="1", **{"row-4-1": "رضا"})
    press(client, path, go="1")
    deliver(delivery)
    assert mobiles(portal) == [989120000001, 989120000002, 989120000003]


def test_mended_cell_stays_when_other_columns_are_chosen(client: FlaskClient) -> None:
    """An older page that still has the wrong cell does not bring it back."""
    path = brought(client, GOOD, ("0912", "علی", "قم", ""))
    press(client, path, columns="1", **{"row-3-0": "09120000002", "column-1": "LName"})
    assert numbers(client, path, "ready", "wrong") == [2, 0]
    press(client, path, columns="1", **{"row-3-0": "0912", "column-1": "FName"})
    assert numbers(client, path, "ready", "wrong") == [2, 0]


def test_send_with_a_mended_cell_shows_the_preview_first(client: FlaskClient) -> None:
    """What is sent is what the operator has seen; cells of other rows are not taken."""
    path = brought(client, GOOD, ("0912", "علی", "قم", ""))
    typed = {"row-3-0": "09120000002", "row-3-1": "x", "row-2-0": "09120000009"}
    response = press(client, path, go="1", **typed)
    page = client.get(response.headers["Location"]).text
    assert texts.UNSENT in page
    assert numbers(client, path, "ready", "wrong") == [2, 0]
    assert "۰۹۱۲۰۰۰۰۰۰۹" not in page
    assert "علی" in page


def test_only_the_first_of_many_wrong_rows_have_inputs(client: FlaskClient) -> None:
    """The others are mended in the file; a long cell is, too."""
    rows = [(f"09{number}", "علی", "", "") for number in range(MAX_MENDED + 5)]
    path = brought(client, GOOD, ("0" * 500, "", "", ""), *rows)
    assert len(wrong_inputs(client, path)) == MAX_MENDED - 1
    page = Html(client.get(path).text)
    assert texts.MEND_FIRST_INTRO.format(n="۲۰") in page.text("main")


def test_preview_with_long_wrong_cells_is_not_too_large_to_be_sent(client: FlaskClient) -> None:
    """As after a wrong choice of columns, which an operator has to be able to change."""
    header = ("Mobile", "FName", "LName", "Email", "BornDate", "AnniversaryDate")
    rows = [("0912", *["ن" * 120] * 5)] * MAX_MENDED
    path = str(upload(client, written(*rows, header=header)).headers["Location"])
    chosen = {f"column-{number}": name for number, name in enumerate(header)}
    assert press(client, path, columns="1", **chosen).status_code == 303
    inputs = wrong_inputs(client, path)
    assert len(inputs) == 6 * MAX_MENDED
    assert press(client, path, columns="1", **chosen, **inputs).status_code == 303


def test_dates_that_prove_no_order_are_asked_about_before_they_are_sent(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Nothing is sent by a guess; a column that proves its order is not asked about."""
    header = ("Mobile", "BornDate", "AnniversaryDate")
    rows = [("09120000001", "3/4/1985", "7/25/1990"), ("09120000002", "5/5/1985", "3/4/1991")]
    path = str(upload(client, written(*rows, header=header)).headers["Location"])
    page = Html(client.get(path).text)
    names = [str(it["name"]) for it, _ in page.find("select")]
    assert [it for it in names if it.startswith("order-")] == ["order-1"]
    refused = press(client, path, go="1")
    assert refused.status_code == 422
    asked = texts.DATE_ORDER_ASKED.format(title="BornDate")
    assert f'id="order-1-error">{asked}' in refused.text
    assert Html(refused.text).text(role="alert").startswith(texts.NOT_SENT)
    assert asked in client.get(path).text
    press(client, path, columns="1", **{"order-1": "month"})
    assert asked not in client.get(path).text
    assert press(client, path, go="1").status_code == 303
    deliver(delivery)
    sent = sorted(str(it["BornDate"])[:10] for it in portal.contacts)
    assert sent == ["1985-03-04", "1985-05-05"]


def test_dates_that_are_said_to_begin_with_the_day_do(client: FlaskClient) -> None:
    """And the answer can be changed."""
    rows = [("09120000001", "3/4/1985")]
    path = str(upload(client, written(*rows, header=("Mobile", "BornDate"))).headers["Location"])
    shown = []
    for order in ("day", "month", "day"):
        press(client, path, columns="1", **{"order-1": order})
        page = Html(client.get(path).text)
        assert next(page.find("option", value=order))[0].keys() >= {"selected"}
        shown.append(page.text("tbody"))
    assert shown[0] == shown[2] != shown[1]


def test_columns_that_were_chosen_are_proposed_for_the_next_file_with_the_same_header(
    client: FlaskClient,
) -> None:
    """In one line; a guess that was not changed is made anew."""
    header = ("موبایل", "عنوان", "یادداشت")
    first = written(("09120000001", "الف", "ب"), header=header)
    path = str(upload(client, first).headers["Location"])
    assert texts.REMEMBERED not in client.get(path).text
    press(client, path, columns="1", **{"column-1": "CompanyTitle"})
    press(client, path, go="1")
    other = written(("09120000002", "ج", "د"), header=("موبايل", " عنوان ", "یادداشت"))
    path = str(upload(client, other).headers["Location"])
    page = Html(client.get(path).text)
    assert texts.REMEMBERED in page.text("main")
    chosen = [it["value"] for it, _ in page.find("option") if "selected" in it]
    assert "CompanyTitle" in chosen
    press(client, path, columns="1", **{"column-1": ""})
    assert texts.REMEMBERED not in client.get(path).text
    path = str(upload(client, first).headers["Location"])
    assert texts.REMEMBERED not in client.get(path).text


def test_preview_shows_numbers_columns_rows_and_the_button_in_this_order(
    client: FlaskClient,
) -> None:
    """Columns without a field are folded, unless the operator has to choose one of them."""
    path = brought(client, GOOD, ("0912", "علی", "قم", "y"))
    page = client.get(path).text
    places = [page.index(it) for it in ("data-rows-ready", 'id="columns"', 'id="wrong"')]
    places.append(page.index('id="ready"'))
    titles = "«\u2068یادداشت\u2069»"  # the line above the button names them, too
    places.append(page.rindex(texts.LEFT_OUT_COLUMNS.format(n="۱", titles=titles)))
    places.append(page.index('name="go"'))
    assert places == sorted(places)
    folded = page.partition("<details>")[2].partition("</details>")[0]
    assert 'name="column-3"' in folded
    assert "column-1" not in folded
    press(client, path, columns="1", **{"column-0": ""})
    assert "<details open>" in client.get(path).text
