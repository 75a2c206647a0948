"""The operators' statistics: page and CSV, charts and tables of the same numbers, access."""

import csv
import gzip
import io
import itertools
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from support import Html
from tables import each
from werkzeug.security import generate_password_hash

from webapp import statistics as counting
from webapp.contact import Contact
from webapp.imports.file import safe_cell
from webapp.messages import statistics as texts
from webapp.outbox.rows import HONEYPOT, NUMBER_UNVERIFIED, table
from webapp.persian import fold_digits
from webapp.services import DeliveryServices
from webapp.web import statistics as module
from webapp.web.rendering import EXTENSION
from webapp.web.rendering.content import duration
from webapp.web.statistics.tables import column_chart

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
    outbox.mark_delivered(outbox.add(CONTACT, key(number), form=form, send=True)[0], number)
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


def test_table_shows_the_days_with_submissions_the_newest_first(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """In Jalali dates and Persian digits; the days without a submission are one line."""
    fill(delivery)
    html = Html(client.get("/statistics?days=7").text)
    days, forms = tables(html)[:2]
    assert days[0] == ["روز", *texts.OUTCOMES.values(), "همه"]
    assert days[1:] == [
        ["چهارشنبه ۴ آذر ۱۴۰۵", *"۲۰۱۰۰۳"],
        ["سه‌شنبه ۳ آذر ۱۴۰۵", *"۰۱۰۰۰۱"],
        ["دوشنبه ۲ آذر ۱۴۰۵", *"۱۰۰۰۰۱"],
        ["همه", *"۳۱۱۰۰۵"],
    ]
    assert texts.NOTHING_ON_DAYS.format(n="۴") in html.text("main")
    assert forms[1:] == [
        ["ثبت مخاطب", *"۳۰۰۰۰۳"],
        ["عضویت در خبرنامه", *"۰۰۱۰۰۱"],
        [texts.FORM_GONE.format(slug="gone"), *"۰۱۰۰۰۱"],
        ["همه", *"۳۱۱۰۰۵"],
    ]


@each(
    ("query", "days", "total"),
    [("?days=7", 7, "۵"), ("?days=30", 30, "۶"), ("", 30, "۶"), ("?days=8", 30, "۶"),
     ("?days=x", 30, "۶"), ("?days=365", 365, "۸")],
)  # fmt: skip
@pytest.mark.slow
def test_period_is_one_of_three(
    client: FlaskClient, delivery: DeliveryServices, query: str, days: int, total: str
) -> None:
    """Thirty days by default; a year by weeks, not by 365 bars."""
    fill(delivery)
    html = Html(client.get(f"/statistics{query}").text)
    times, forms = tables(html)[:2]
    assert times[0][0] == ("هفته" if days == 365 else "روز")
    assert {times[-1][-1], forms[-1][-1]} == {total}
    _header, (current, _) = html.find("a", aria_current="page")
    assert str(current["href"]) == f"/statistics?days={days}"


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
    days = tables(Html(client.get("/statistics?days=7").text))[0]
    assert days[1][:2] == ["چهارشنبه ۴ آذر ۱۴۰۵", "۱"]


def test_tiles_show_the_present_numbers(client: FlaskClient, delivery: DeliveryServices) -> None:
    """Today and this week, Saturday to Wednesday, but what was refused or erased; the lists."""
    week_before = (4, 5, 6, 7, 11, 12)  # Saturday is four days ago: only 7 and 11 count
    for number, age in enumerate((0, 0, 1, *week_before), start=1):
        deliver(delivery, number, TODAY - timedelta(days=age))
    for number, reason in ((20, NUMBER_UNVERIFIED), (22, HONEYPOT)):
        delivery.outbox.hold(CONTACT, key(number), form="signup", reason=reason)
        came(delivery, number, TODAY)
    delivery.outbox.add(CONTACT, key(21), form="gone", send=False)
    came(delivery, 21, TODAY - timedelta(days=30))
    for number in (24, 25):
        one, _ = delivery.outbox.add(CONTACT, key(number), form="contact", send=True)
        delivery.outbox.reject(one, "Mobile_Invalid", erase=number == 24)
        came(delivery, number, TODAY)
    delivery.outbox.review.discard(one.reference)
    delivery.statistics.count_settled()
    page = client.get("/statistics").text
    html = Html(page)
    part = page.split('<dl class="numbers">')[1].split("</dl>")[0]
    assert [text for _, text in Html(part).find("div")] == [
        f"{texts.TODAY} ۴",
        f"{texts.THIS_WEEK} ۶",
        "در انتظار ارسال ۱",
        "نیازمند رسیدگی ۱",
    ]
    for path in ("/outbox?waiting=1", "/outbox"):
        assert "۱" in [text for _, text in html.find("a", href=path)]


def test_week_is_compared_with_the_same_days_of_the_former_in_words(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """The sign only repeats them."""
    numbers = itertools.count(1)
    for ages, sign, text, numbers_said in (
        ((7,), "▼ ", texts.WEEK_LESS, {"n": "۱", "before": "۱"}),
        ((0,), "", texts.WEEK_SAME, {"before": "۱"}),
        ((6, 12, 4, 4), "▲ ", texts.WEEK_MORE, {"n": "۲", "before": "۱"}),
    ):
        for age in ages:
            deliver(delivery, next(numbers), TODAY - timedelta(days=age))
        main = Html(client.get("/statistics").text).text("main")
        assert sign + text.format(**numbers_said) in main
        assert bool(sign) is ("▲" in main or "▼" in main)


def test_page_leaves_a_long_queue_of_uncounted_rows_to_the_worker(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows what is counted, and says so; so does the file."""
    deliver(delivery, 1, TODAY)
    delivery.statistics.count_settled()
    for number in (2, 3):
        deliver(delivery, number, TODAY)
    assert "data-behind" not in client.get("/statistics").text
    for place in (counting, module):
        monkeypatch.setattr(place, "MAX_LIVE_ROWS", 1)
    html = Html(client.get("/statistics").text)
    assert texts.BEHIND.format(n="۱") in html.text("main")
    assert tables(html)[0][-1][-1] == "۱"
    assert download(client, 7)[1][-1] == "1"
    delivery.statistics.count_settled()
    text = client.get("/statistics").text
    assert "data-behind" not in text
    assert tables(Html(text))[0][-1][-1] == "۳"


def test_page_of_an_empty_database_says_what_will_be_there(client: FlaskClient) -> None:
    """No chart, no table, no row of zeros."""
    html = Html(client.get("/statistics").text)
    assert texts.NOTHING_HINT in html.text("main")
    assert not list(html.find("table")) + list(html.find("svg", role="img"))


def test_delivered_submissions_are_shown_by_operator_way_hour_and_delay(
    make_app: Callable[..., Flask],
) -> None:
    """Noon in UTC plus three and a half hours; the same in the CSV files."""
    app = make_app(intranet_users={"sara": generate_password_hash("x")})
    client, delivery = app.test_client(), app.extensions[EXTENSION].delivery
    client.environ_base["HTTP_AUTHORIZATION"] = "Basic " + b64encode(b"sara:x").decode()
    for number in range(1, 25):
        deliver(delivery, number, TODAY, "contact" if number > 1 else "signup")
    sara, imported = table.c.id <= 20, table.c.id > 22
    with delivery.database.write() as connection:
        connection.execute(update(table).where(sara).values(operator="sara"))
        connection.execute(update(table).where(imported).values(batch=1, operator="sara"))
    came(delivery, 2, TODAY, seconds=200_000)
    delivery.statistics.count_settled()
    html = Html(client.get("/statistics?days=7").text)
    captions = [text for _, text in html.find("caption")]
    found = dict(zip(captions, tables(html), strict=True))
    for by, wanted in {
        "operator": [["sara", "۲۰"], ["—", "۲"], ["همه", "۲۲"]],
        "way": [["در فرم", "۲۲"], ["از فایل", "۲"], ["همه", "۲۴"]],
        "hour": [["۱۲ تا ۱۳", "۲۲"], ["همه", "۲۲"]],
        "delay": [["حداکثر ۲ ثانیه", "۲۳"], ["بیش از ۱ روز", "۱"], ["همه", "۲۴"]],
    }.items():
        title = texts.BREAKDOWNS[by][0]
        assert found[texts.TABLE.format(title=title, period="۷ روز گذشته")][1:] == wanted
        rows = csv.reader(io.StringIO(client.get(f"/statistics.csv?by={by}").text[1:]))
        assert next(rows) == ["day_jalali", "day", "form", by, "count"]
        assert sum(int(row[-1]) for row in rows) == int(fold_digits(wanted[-1][-1]))
    typical = {"n": "۲۴", "half": "حداکثر ۲ ثانیه", "most": "حداکثر ۲ ثانیه"}
    assert texts.TYPICAL_DELAY.format(**typical) in html.text("main")


def test_charts_have_names_and_bars_of_the_tables_numbers(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A screen reader hears total and peak, no parts, and finds the numbers in the table below."""
    fill(delivery)
    html = Html(client.get("/statistics?days=7").text)
    named = [attributes for attributes, _ in html.find("svg", role="img")]
    assert [it["aria-label"] for it in named] == [
        texts.CHART.format(title=title, period="۷ روز گذشته", total=total, most=most, caption=label)
        for title, total, most, label in (
            (texts.BY_DAY, "۵", "۳", "چهارشنبه ۴ آذر ۱۴۰۵"),
            (texts.BY_FORM, "۵", "۳", "ثبت مخاطب"),
            ("به تفکیک ساعت، بدون ثبت از فایل", "۳", "۳", "۱۲ تا ۱۳"),
        )
    ]
    assert len(list(html.find("g", aria_hidden="true"))) == len(named)
    assert all(it.get("aria-hidden") == "true" for it, _ in html.find("svg") if it not in named)
    captions = [text for _, text in html.find("caption")]
    assert captions == [
        texts.TABLE.format(title=title, period="۷ روز گذشته")
        for title in (
            *(texts.BY_DAY, texts.BY_FORM),
            *(texts.BREAKDOWNS[by][0] for by in ("hour", "way", "delay")),
        )
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
    """With any text in the database."""
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
    chart = column_chart([("الف", {"delivered": highest}), ("ب", {"delivered": 0})])
    assert [tick.text for tick in chart.ticks] == ticks
    first, second = (bar.segments[0] for bar in chart.bars)
    assert first.y >= chart.ticks[-1].y
    assert first.x > second.x, "the oldest stands at the right"


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
