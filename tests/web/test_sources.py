"""Sources and steps of visitors on the statistics page and in its CSV files."""

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page

from webapp.messages import statistics as texts
from webapp.persian import jalali_iso, today
from webapp.services import DeliveryServices
from webapp.statistics.funnel import FunnelStep
from webapp.web.rendering import EXTENSION
from webapp.web.statistics import tables as module

FORMS = """
[forms.desk]
title = "ثبت مخاطب"
access = "intranet"
fields = ["Mobile"]

[forms.news]
title = "خبرنامه"
access = "public"
fields = ["Mobile"]
from_url = { utm_source = "CustomText5" }

[forms.event]
title = "همایش"
access = "public"
fields = ["Mobile"]
"""


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return an app with a form for operators and two for visitors."""
    return make_app(forms=FORMS)


def sign_up(client: FlaskClient, number: int, source: str = "", form: str = "news") -> None:
    """Open a form, and send it."""
    query = f"?utm_source={source}" if source else ""
    page = Page(client, f"/f/{form}{query}")
    assert page.send(Mobile=f"0912123{number:04}").status_code == 200


def count(delivery: DeliveryServices) -> None:
    """Do what the server's threads do."""
    delivery.funnel.flush()
    delivery.statistics.count_settled()


def rows(client: FlaskClient, name: str) -> list[list[str]]:
    """Return the cells of the table with this caption, without its head; [] if there is none."""
    html = client.get("/statistics").text
    if f'id="{name}"' not in html:
        return []
    part = html.split(f'id="{name}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    found: list[list[str]] = []
    for tag, _, text in Html(f"<table>{part}</table>").elements:
        if tag == "tr":
            found.append([])
        elif tag in ("th", "td"):
            found[-1].append(" ".join("".join(text).split()))
    return found


def download(client: FlaskClient, by: str) -> list[list[str]]:
    """Return the rows of a CSV file."""
    response = client.get(f"/statistics.csv?by={by}")
    assert response.content_type == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))


def test_sign_ups_are_shown_by_source_and_forms_by_step(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """The most first; steps with their share of the views."""
    for number, source in enumerate(("پوستر", "پوستر", "<b>", "")):
        sign_up(client, number, source)
    client.get("/f/news")
    sign_up(client, 9, form="event")
    count(delivery)
    assert rows(client, "source") == [["پوستر", "۲"], ["<b>", "۱"], [texts.NO_SOURCE, "۱"]]
    assert rows(client, "funnel") == [
        ["خبرنامه", "۵", "۴ (۸۰٫۰ درصد)", "۴ (۸۰٫۰ درصد)"],
        ["همایش", "۱", "۱ (۱۰۰٫۰ درصد)", "۱ (۱۰۰٫۰ درصد)"],
    ]
    days = [jalali_iso(today()), today().isoformat()]
    assert download(client, "source") == [
        ["day_jalali", "day", "form", "source", "count"],
        [*days, "news", "", "1"],
        [*days, "news", "<b>", "1"],
        [*days, "news", "پوستر", "2"],
    ]
    assert download(client, "step") == [
        ["day_jalali", "day", "form", "step", "count"],
        [*days, "event", "shown", "1"],
        [*days, "event", "submitted", "1"],
        [*days, "event", "delivered", "1"],
        [*days, "news", "shown", "5"],
        [*days, "news", "submitted", "4"],
        [*days, "news", "delivered", "4"],
    ]


def test_forms_that_send_a_code_have_two_more_steps(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Others have a dash there."""
    for step, times in (
        (FunnelStep.SHOWN, 4),
        (FunnelStep.SUBMITTED, 3),
        (FunnelStep.CODE_SENT, 2),
    ):
        for _ in range(times):
            delivery.funnel.count("news", step)
    delivery.funnel.count("event", FunnelStep.SHOWN)
    count(delivery)
    shares = ["۳ (۷۵٫۰ درصد)", "۲ (۵۰٫۰ درصد)", "۰ (۰٫۰ درصد)", "۰ (۰٫۰ درصد)"]
    assert rows(client, "funnel") == [
        ["خبرنامه", "۴", *shares],
        ["همایش", "۱", "۰ (۰٫۰ درصد)", "–", "–", "۰ (۰٫۰ درصد)"],
    ]


def test_double_click_counts_one_submission(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """And an invalid form counts none."""
    page = Page(client, "/f/news")
    page.send(Mobile="0912")
    for _ in range(2):
        page.client.post("/f/news", data={"csrf_token": page.token, "Mobile": "09121234567"})
    count(delivery)
    steps = {str(one.step): one.count for one in delivery.funnel.counts(today(), today())}
    assert steps == {"shown": 1, "submitted": 1}


def test_rare_sources_are_one_row(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has them all."""
    monkeypatch.setattr(module, "_MOST_ROWS", 2)
    for number, source in enumerate("aaabbcd"):
        sign_up(client, number, source)
    count(delivery)
    assert rows(client, "source") == [["a", "۳"], ["b", "۲"], [texts.OTHER_NAMES, "۲"]]
    assert len(download(client, "source")) == 5


def test_formula_in_a_source_stays_a_text(client: FlaskClient, delivery: DeliveryServices) -> None:
    """A spreadsheet program would run it."""
    sign_up(client, 1, "%3D1%2B1")
    count(delivery)
    assert download(client, "source")[1][3] == "'=1+1"


def test_operators_forms_have_neither_sources_nor_steps(app: Flask) -> None:
    """Nor has a page before anything happened."""
    client = app.test_client()
    Page(client, "/?utm_source=x").send(Mobile="09121234567")
    count(app.extensions[EXTENSION].delivery)
    assert (rows(client, "source"), rows(client, "funnel")) == ([], [])
