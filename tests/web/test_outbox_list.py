"""The lists of the outbox: search, groups, and what is done with several entries at once."""

import io
import zipfile
from importlib import util
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from outbox_entries import CONTACT, OTHER, add, doubt, found, hold, reject, token
from python_calamine import CalamineWorkbook
from support import Html
from tables import each
from werkzeug.test import TestResponse

from webapp import messages
from webapp.contact import FIELDS, Contact
from webapp.forms.definitions import main_form
from webapp.messages import desk as texts
from webapp.outbox import listing
from webapp.outbox.rows import HONEYPOT, UNPROVEN, State
from webapp.persian import jalali_slashes, to_iran
from webapp.services import DeliveryServices
from webapp.web import outbox as screen
from webapp.web.rendering import EXTENSION

pytestmark = pytest.mark.slow

FORMULA: Final = Contact(**{**OTHER.values, "FName": "=1+1"})


def post(client: FlaskClient, **fields: Any) -> TestResponse:
    """Send the form of a list."""
    return client.post("/outbox", data={"csrf_token": token(client), **fields})


def listed(client: FlaskClient, **arguments: str) -> list[str]:
    """Return the references of the rows of a list; the page says as many."""
    html = Html(client.get("/outbox", query_string=arguments).text)
    rows = [str(row["data-reference"]) for row, _ in html.find("tr") if "data-reference" in row]
    assert next(html.find("section"))[0]["data-total"] == str(len(rows))
    return rows


def test_row_has_the_name_first_and_opens_in_place(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Then number, reason, form, time and source; one primary button, and no script."""
    reference = reject(delivery)
    html = Html(client.get("/outbox").text)
    ((_, row),) = html.find("tr", data_reference=reference)
    assert row.startswith("علی‌رضا کاظمی")
    assert html.text("summary") == "علی‌رضا کاظمی"
    headers = [text for attributes, text in html.find("th") if attributes.get("scope") == "col"]
    assert headers == [*("نام", "شمارهٔ همراه", "علت", "فرم", "زمان", "ثبت‌کننده")]
    primary = [it for it, _ in html.find("button") if not it.get("class") and "type" not in it]
    assert [it["name"] for it in primary] == ["retry"]
    assert not [link for link, _ in html.find("script") if "outbox" in str(link)]


def test_search_finds_what_waits_and_what_needs_attention(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """By name, number and reference; filters narrow it, and what was typed stays."""
    rejected, waiting = reject(delivery), doubt(delivery)
    other = reject(delivery, OTHER, form="contact", status="CreditNotEnough")
    today = jalali_slashes(to_iran(found(delivery, rejected).created_at).date())
    assert listed(client) == [rejected, other]
    assert listed(client, q="کاظمی") == [rejected, waiting, other]
    assert listed(client, q="+98 912 123 4567") == [rejected, waiting]
    assert listed(client, q=other.lower()) == [other]
    assert listed(client, reason="CreditNotEnough") == [other]
    assert listed(client, form="signup", sort="newest") == [rejected]
    assert listed(client, day=today, sort="newest") == [other, rejected]
    assert listed(client, day="۱۴۰۰/۱/۱") == []
    html = Html(client.get("/outbox?q=ناشناس").text)
    assert texts.FOUND_NONE in html.text("main")
    assert html.values["q"] == ["ناشناس"]


def test_headers_of_columns_sort_the_list_and_say_how_it_is_sorted(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links keep the search; a list that is too long to sort by name has a note."""
    by_arrival = [reject(delivery), reject(delivery, OTHER, status="CreditNotEnough")]
    sorted_by = {
        sort: [
            (text, str(header["aria-sort"]))
            for header, text in Html(client.get("/outbox", query_string={"sort": sort}).text).find(
                "th"
            )
            if "aria-sort" in header
        ]
        for sort in ("name", "reason", "form", "oldest", "newest")
    }
    assert sorted_by == {
        "name": [("نام", "ascending")],
        "reason": [("علت", "ascending")],
        "form": [("فرم", "ascending")],
        "oldest": [("زمان", "ascending")],
        "newest": [("زمان", "descending")],
    }
    html = Html(client.get("/outbox?q=کاظمی").text)
    links = {text: str(link["href"]) for link, text in html.find("a")}
    assert "sort=newest" in links["زمان"]
    assert listed(client, q="کاظمی", sort="newest") == by_arrival[::-1]
    monkeypatch.setattr(listing, "MAX_SORTED", 1)
    html = Html(client.get("/outbox?sort=name").text)
    assert not [header for header, _ in html.find("th") if "aria-sort" in header]
    assert texts.TOO_MANY_TO_SORT.partition("{n}")[2] in html.text("main")
    monkeypatch.setattr(listing, "MAX_SEARCHED", 1)
    html = Html(client.get("/outbox?q=کاظمی").text)
    assert texts.TOO_MANY_TO_SEARCH.partition("{n}")[2] in html.text("main")


@each("arguments", [{"day": "۱۴۰۴/۱۳/۱"}, {"day": "x"}, {"day": "9999/12/29"}])
def test_wrong_day_is_shown_beside_its_field(
    client: FlaskClient, delivery: DeliveryServices, arguments: dict[str, str]
) -> None:
    """What was typed stays, and the list is whole."""
    reject(delivery)
    html = Html(client.get("/outbox", query_string=arguments).text)
    assert html.text(id="day-error")
    assert html.values["day"][0] == arguments["day"]
    assert len(listed(client, **arguments)) == len(listed(client)) > 0


def test_chosen_form_without_submissions_is_an_option_with_its_title(client: FlaskClient) -> None:
    """After its last submission has left the list, for one."""
    form = main_form(client.application.extensions[EXTENSION].definitions)
    assert form is not None
    html = Html(client.get("/outbox", query_string={"form": form.slug}).text)
    assert html.text("option", value=form.slug) == form.title


@each("name", ["q", "reason", "form", "source", "sort", "page", "day"])
def test_nonsense_in_the_address_is_no_error(
    client: FlaskClient, delivery: DeliveryServices, name: str
) -> None:
    """PostgreSQL would take no NUL."""
    reject(delivery)
    for value in ("\0", "%", "'", "x" * 9_999, "-1", "９" * 40):
        assert client.get("/outbox", query_string={name: value}).status_code == 200


def test_reasons_are_groups_with_one_action_each(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """With the number on the button; what must be decided one by one has none."""
    references = [reject(delivery) for _ in range(3)]
    reviewed = hold(delivery)
    html = Html(client.get("/outbox").text)
    groups = {str(it["data-reason"]): text for it, text in html.find("li") if "data-reason" in it}
    assert texts.RETRY_GROUP.format(n="۳") in groups["Mobile_Invalid"]
    assert messages.RETRY_ONE not in groups["NumberNotVerified"]
    assert texts.RETRY_EXCEPTIONS in html.text("main")
    answer = post(client, all="1", reason="Mobile_Invalid", retry="1")
    assert answer.location == "/outbox?reason=Mobile_Invalid"
    html = Html(client.get("/outbox").text)
    assert html.outcome == "all-retried"
    assert messages.OUTBOX_RESULTS["all-retried"].format(n="۳") in html.text(
        data_outcome="all-retried"
    )
    assert {found(delivery, it).state for it in references} == {State.QUEUED}
    assert found(delivery, reviewed).state is State.HELD


def test_list_stays_where_it_was_after_an_action(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its search and page are in the form; of what is empty by then, the last page is shown."""
    monkeypatch.setattr(screen, "_PAGE_SIZE", 2)
    references = [reject(delivery) for _ in range(3)]
    html = Html(client.get("/outbox?q=کاظمی&sort=newest&page=2").text)
    carried = {name: html.values[name][-1] for name in ("q", "sort", "page")}
    answer = post(client, **carried, retry="1", reference=references[0])
    assert Html(client.get(answer.location).text).outcome == "all-retried"
    assert "page=2" in answer.location
    one = client.post(
        f"/outbox/{references[1]}/retry", data={"csrf_token": token(client), **carried}
    )
    assert one.location == answer.location
    link = next(html.find("a", **{"class": "button destroy"}))[0]["href"]
    assert str(link).endswith("page=2")
    asked = Html(client.get(str(link)).text)
    assert str(next(asked.find("form"))[0]["action"]) == link
    back = client.post(str(link), data={"csrf_token": token(client)})
    assert back.location == answer.location


def test_several_are_discarded_after_one_question_with_their_number(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """What arrives after the question, and what is being sent, stays."""
    references = [reject(delivery), reject(delivery)]
    sending = add(delivery, OTHER).reference
    response = post(client, q="کاظمی", all="1", discard="1")
    assert response.status_code == 200
    asked = Html(response.text)
    assert texts.DISCARD_MANY_WARNING.format(n="۳") in asked.text("main")
    late = reject(delivery)
    assert found(delivery, references[0]).contact
    answer = client.post("/outbox", data={**asked.values, "confirm": "discard"})
    assert answer.status_code == 303
    html = Html(client.get(answer.location).text)
    assert html.outcome == "all-discarded"
    assert messages.OUTBOX_RESULTS["all-discarded"].format(n="۲") in html.text("main")
    assert [found(delivery, it).contact for it in references] == [None, None]
    assert found(delivery, sending).contact
    assert found(delivery, late).contact
    ticked = Html(post(client, reference=late, discard="1").text)
    client.post("/outbox", data={**ticked.values, "confirm": "discard"})
    assert found(delivery, late).contact is None


def test_question_is_asked_again_if_more_has_failed_since(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """While an import is sent: 74 contacts were erased after a question about 5."""
    reject(delivery)
    sending = add(delivery, OTHER)
    asked = Html(post(client, all="1", discard="1").text)
    delivery.outbox.reject(sending, "Mobile_Invalid", erase=False)
    late = reject(delivery)
    again = Html(client.post("/outbox", data={**asked.values, "confirm": "discard"}).text)
    assert again.text(data_count="۲").startswith(texts.DISCARD_MORE)
    assert len(listed(client)) == 3
    client.post("/outbox", data={**again.values, "confirm": "discard"})
    assert listed(client) == [late]


def test_suspects_have_a_list_of_their_own_and_are_discarded_at_once(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """They are not among what needs attention, and the page links to them with their number."""
    other = reject(delivery, OTHER)
    suspects = [hold(delivery, reason=reason) for reason in (HONEYPOT, UNPROVEN, HONEYPOT)]
    assert listed(client) == [other]
    html = Html(client.get("/outbox").text)
    assert html.text(data_suspects="3") == texts.SUSPECTS_LIST.format(n="۳")
    assert listed(client, suspects="1") == suspects
    html = Html(client.get("/outbox?suspects=1").text)
    assert texts.DISCARD_ALL.format(n="۳") in [text for _, text in html.find("button")]
    asked = Html(post(client, suspects="1", all="1", discard="1").text)
    client.post("/outbox", data={**asked.values, "confirm": "discard"})
    assert listed(client, suspects="1") == []
    assert found(delivery, other).contact


def test_list_is_exported_without_formulas(client: FlaskClient, delivery: DeliveryServices) -> None:
    """As CSV and XLSX: what the list shows, or what was ticked."""
    reject(delivery)
    reference = reject(delivery, FORMULA)
    csv = post(client, all="1", export="csv")
    assert csv.headers["Content-Disposition"] == "attachment; filename=outbox.csv"
    lines = csv.text.splitlines()
    assert len(lines) == 3
    assert "'=1+1" in lines[2]
    assert reference in lines[2]
    xlsx = post(client, reference=reference, export="1")
    assert util.find_spec("xlsxwriter")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(xlsx.data)).get_sheet_by_index(0)
    cells = dict(zip(*sheet.to_python(), strict=True))
    assert cells["نام"] == "=1+1"
    assert cells[FIELDS["Active"].caption] == messages.YES
    with zipfile.ZipFile(io.BytesIO(xlsx.data)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
    assert (cells["شمارهٔ همراه"], cells[texts.REFERENCE]) == ("09351112233", reference)


@each("fields", [{"retry": "1"}, {"discard": "1"}, {"export": "1"}, {"reference": "AAAAAAAA"}])
def test_nothing_chosen_or_nothing_asked_is_nothing_done(
    client: FlaskClient, delivery: DeliveryServices, fields: dict[str, str]
) -> None:
    """The page says so."""
    reference = reject(delivery)
    assert post(client, **fields).location == "/outbox"
    assert Html(client.get("/outbox").text).outcome in ("unselected", "changed")
    assert found(delivery, reference).contact == CONTACT


@each("fields", [{"retry": "1"}, {"discard": "1", "confirm": "discard"}])
def test_list_that_was_handled_in_another_tab_is_not_reported_as_done(
    client: FlaskClient, delivery: DeliveryServices, fields: dict[str, str]
) -> None:
    """As for one submission: nothing was done, and the page says why that may be."""
    delivery.outbox.review.discard(reject(delivery))
    post(client, all="1", **fields)
    assert Html(client.get("/outbox").text).outcome == "changed"
