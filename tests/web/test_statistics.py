"""The operators' statistics: page and CSV, charts and tables of the same numbers, access."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from support import Html
from tables import each

from webapp import persian
from webapp import statistics as counting
from webapp.contact import Contact
from webapp.imports.file import safe_cell
from webapp.messages import statistics as texts
from webapp.outbox.rows import HONEYPOT, table
from webapp.web import statistics as module
from webapp.web.rendering import charts, duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from webapp.services import DeliveryServices

CONTACT = Contact(Mobile="09121234567", FName="سارا")
TODAY = date(2026, 11, 25)  # Wednesday, 4 Azar 1405


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be a certain day."""
    for place in (counting, module):
        monkeypatch.setattr(place, "today", lambda: TODAY)


def key(number: int) -> str:
    """Return a submission's key."""
    return f"{number:02x}" * 32


def came(delivery: DeliveryServices, number: int, day: date, seconds: float = 1.2) -> None:
    """Let a submission have come at noon of a day, and have been settled so many seconds later."""
    noon = datetime.combine(day, datetime.min.time(), UTC).replace(tzinfo=None)
    noon += timedelta(hours=9)
    values = {"created_at": noon, "delivered_at": noon + timedelta(seconds=seconds)}
    with delivery.database.write() as connection:
        connection.execute(update(table).where(table.c.key == key(number)).values(**values))


def deliver(delivery: DeliveryServices, number: int, day: date, form: str = "contact") -> None:
    """Let a submission have been delivered."""
    outbox = delivery.outbox
    outbox.deliver(outbox.add(CONTACT, key(number), form=form, send=True)[0], number)
    came(delivery, number, day)


def fill(delivery: DeliveryServices) -> None:
    """Let submissions of two forms have come on some days."""
    for number, age in enumerate((0, 0, 2, 29, 40, 364, 365), start=1):
        deliver(delivery, number, TODAY - timedelta(days=age))
    delivery.outbox.hold(CONTACT, key(20), form="signup", reason=HONEYPOT)
    came(delivery, 20, TODAY)
    delivery.outbox.add(CONTACT, key(21), form="gone", send=False)
    came(delivery, 21, TODAY - timedelta(days=1))
    delivery.statistics.count_settled()


def tables(html: Html) -> list[list[list[str]]]:
    """Return the cells of the tables, row by row."""
    found: list[list[list[str]]] = []
    for tag, _, text in html.elements:
        if tag == "table":
            found.append([])
        elif tag == "tr":
            found[-1].append([])
        elif tag in ("th", "td"):
            found[-1][-1].append(" ".join("".join(text).split()))
    return found


def download(client: FlaskClient, days: int) -> list[list[str]]:
    """Return the rows of the CSV file."""
    response = client.get(f"/statistics.csv?days={days}")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == "attachment; filename=statistics.csv"
    assert response.data.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))


def test_table_shows_each_day_by_outcome_the_newest_first(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """In Jalali dates and Persian digits, days without a submission too, with the mean time."""
    fill(delivery)
    days, forms = tables(Html(client.get("/statistics?days=7").text))
    assert days[0] == ["روز", *texts.OUTCOMES.values(), "همه", "میانگین زمان تا ثبت"]
    assert days[1] == ["چهارشنبه ۴ آذر ۱۴۰۵", *"۲۰۱۰۰۳", "۱٫۲ ثانیه"]
    assert days[2] == ["سه‌شنبه ۳ آذر ۱۴۰۵", *"۰۱۰۰۰۱", "–"]
    assert [row[0] for row in days[3:8]] == [
        persian.date_in_words(TODAY - timedelta(days=age)) for age in range(2, 7)
    ]
    assert days[-1] == ["همه", *"۳۱۱۰۰۵", "۱٫۲ ثانیه"]
    assert forms[1:] == [
        ["ثبت مخاطب", *"۳۰۰۰۰۳", "۱٫۲ ثانیه"],
        ["عضویت در خبرنامه", *"۰۰۱۰۰۱", "–"],
        ["gone", *"۰۱۰۰۰۱", "–"],
        ["همه", *"۳۱۱۰۰۵", "۱٫۲ ثانیه"],
    ]


@each(
    ("query", "rows", "total"),
    [("?days=7", 7, "۵"), ("?days=30", 30, "۶"), ("", 30, "۶"), ("?days=8", 30, "۶"),
     ("?days=x", 30, "۶"), ("?days=365", 53, "۸")],
)  # fmt: skip
@pytest.mark.slow
def test_period_is_one_of_three(
    client: FlaskClient, delivery: DeliveryServices, query: str, rows: int, total: str
) -> None:
    """Thirty days by default; a year by weeks, not by 365 bars."""
    fill(delivery)
    html = Html(client.get(f"/statistics{query}").text)
    times, forms = tables(html)
    assert len(times) == rows + 2
    assert {times[-1][-2], forms[-1][-2]} == {total}
    _header, (current, _) = html.find("a", aria_current="page")
    assert str(current["href"]) == f"/statistics?days={365 if rows == 53 else rows}"


def test_weeks_begin_on_saturday(client: FlaskClient, delivery: DeliveryServices) -> None:
    """A Friday belongs to the week before."""
    friday = date(2026, 11, 20)
    deliver(delivery, 1, friday)
    deliver(delivery, 2, friday + timedelta(days=1))
    deliver(delivery, 3, TODAY)
    weeks = tables(Html(client.get("/statistics?days=365").text))[0]
    assert [weeks[1][0], weeks[1][1]] == ["هفتهٔ شنبه ۳۰ آبان ۱۴۰۵", "۲"]
    assert [weeks[2][0], weeks[2][1]] == ["هفتهٔ شنبه ۲۳ آبان ۱۴۰۵", "۱"]


def test_submission_shows_at_once(client: FlaskClient, delivery: DeliveryServices) -> None:
    """Before any worker has counted it."""
    assert texts.NOTHING in client.get("/statistics").text
    deliver(delivery, 1, TODAY)
    days, _ = tables(Html(client.get("/statistics?days=7").text))
    assert days[1][:2] == ["چهارشنبه ۴ آذر ۱۴۰۵", "۱"]


def test_page_says_how_many_wait_and_need_attention_now(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Whatever the period, with a link to those that need a decision."""
    fill(delivery)
    html = Html(client.get("/statistics?days=7").text)
    assert "۱ مخاطب در صف ارسال است." in html.text("main")
    assert "۱ مخاطب نیازمند رسیدگی است." in [text for _, text in html.find("a", href="/outbox")]


def test_charts_have_names_and_bars_of_the_tables_numbers(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A screen reader hears total and peak, no parts, and finds the numbers in the table below."""
    fill(delivery)
    html = Html(client.get("/statistics?days=7").text)
    named = [attributes for attributes, _ in html.find("svg", role="img")]
    assert [it["aria-label"] for it in named] == [
        texts.CHART.format(title=title, period="۷ روز گذشته", total=total, most=most, label=label)
        for title, total, most, label in (
            (texts.BY_DAY, "۵", "۳", "چهارشنبه ۴ آذر ۱۴۰۵"),
            (texts.BY_FORM, "۵", "۳", "ثبت مخاطب"),
        )
    ]
    assert len(list(html.find("g", aria_hidden="true"))) == len(named)
    assert all(it.get("aria-hidden") == "true" for it, _ in html.find("svg") if it not in named)
    captions = [text for _, text in html.find("caption")]
    assert captions == [
        texts.TABLE.format(title=title, period="۷ روز گذشته")
        for title in (texts.BY_DAY, texts.BY_FORM)
    ]
    assert all("scope" in attributes for attributes, _ in html.find("th"))


def test_page_has_neither_script_nor_inline_style(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Its content security policy would refuse them."""
    fill(delivery)
    text = client.get("/statistics?days=365").text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", text)


@each("days", [7, 30, 365])
@pytest.mark.slow
def test_page_is_light(client: FlaskClient, delivery: DeliveryServices, days: int) -> None:
    """With a submission on every day."""
    for number in range(120):
        deliver(delivery, number, TODAY - timedelta(days=3 * number % 365))
    zipped = {"Accept-Encoding": "gzip"}
    page = client.get(f"/statistics?days={days}", headers=zipped)
    html = Html(gzip.decompress(page.data).decode())
    weight = len(page.data)
    for link, _ in html.find("link", rel="stylesheet"):
        with client.get(str(link["href"]), headers=zipped) as part:
            weight += len(part.data)
    assert weight <= 20_000


def test_csv_has_a_line_for_each_day_form_and_outcome(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """In ASCII digits, which spreadsheet programs count and sort."""
    fill(delivery)
    assert download(client, 7) == [
        ["day_jalali", "day", "form", "outcome", "count"],
        ["1405-09-02", "2026-11-23", "contact", "delivered", "1"],
        ["1405-09-03", "2026-11-24", "gone", "waiting", "1"],
        ["1405-09-04", "2026-11-25", "contact", "delivered", "2"],
        ["1405-09-04", "2026-11-25", "signup", "attention", "1"],
    ]
    assert sum(int(row[-1]) for row in download(client, 365)[1:]) == 8


@pytest.mark.parametrize("form", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_cell_of_the_csv_is_no_formula(
    client: FlaskClient, delivery: DeliveryServices, form: str
) -> None:
    """Whatever somebody has written into the database."""
    deliver(delivery, 1, TODAY, form)
    assert download(client, 7)[1][2] == f"'{form}" == safe_cell(form)


@pytest.mark.parametrize("path", ["/statistics", "/statistics.csv"])
def test_statistics_are_refused_outside_the_intranet(
    make_app: Callable[..., Flask], path: str
) -> None:
    """And under a name that may be another's, and without a login where there are any."""
    client = make_app().test_client()
    assert client.get(path).status_code == 200
    assert client.get(path, environ_base={"REMOTE_ADDR": "8.8.8.8"}).status_code == 403
    assert client.get(path, base_url="http://evil.example").status_code == 403
    users = make_app(intranet_users={"sara": "x"}).test_client()
    assert users.get(path).status_code == 401
    assert client.post(path).status_code == 405


def test_long_durations_are_shown_in_larger_units() -> None:
    """Seconds, minutes, hours."""
    shown = [duration(seconds) for seconds in (0.04, 59.9, 90, 5400)]
    assert shown == ["۰٫۰ ثانیه", "۵۹٫۹ ثانیه", "۱٫۵ دقیقه", "۱٫۵ ساعت"]


@each(
    ("highest", "ticks"),
    [(1, ["۰", "۱"]), (3, ["۰", "۱", "۲", "۳"]), (9, ["۰", "۵", "۱۰"]),
     (81, ["۰", "۵۰", "۱۰۰"]), (1_999, ["۰", "۵۰۰", "۱٬۰۰۰", "۱٬۵۰۰", "۲٬۰۰۰"])],
)  # fmt: skip
def test_axis_has_few_round_numbers(highest: int, ticks: list[str]) -> None:
    """And bars end below the top."""
    chart = charts.columns([("الف", {"delivered": highest}), ("ب", {"delivered": 0})])
    assert [tick.text for tick in chart.ticks] == ticks
    first, second = (bar.segments[0] for bar in chart.bars)
    assert first.y >= chart.ticks[-1].y
    assert first.x > second.x, "the oldest stands at the right"


def test_segments_stand_on_each_other_in_proportion() -> None:
    """In the chart of days and in that of forms."""
    numbers = {"delivered": 3, "waiting": 1}
    lower, upper = charts.columns([("الف", numbers)]).bars[0].segments
    assert upper.y + upper.height == pytest.approx(lower.y)
    assert lower.height == pytest.approx(3 * upper.height)
    right, left = charts.rows([("الف", numbers)]).bars[0].segments
    assert left.x + left.width == pytest.approx(right.x)
    assert right.width == pytest.approx(3 * left.width)
    assert right.width + left.width == charts.WIDTH


def test_page_at_midnight_is_of_one_day(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the next day begins while it is made."""
    for number, age in enumerate((0, 6), start=1):
        deliver(delivery, number, TODAY - timedelta(days=age))
    delivery.statistics.count_settled()
    days = itertools.chain([TODAY], itertools.repeat(TODAY + timedelta(days=1)))
    monkeypatch.setattr(module, "today", lambda: next(days))
    assert client.get("/statistics?days=7").status_code == 200
