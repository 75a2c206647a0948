"""The alerts in `deploy/alerts.yml`: each is provoked, and none sounds without that."""

import operator
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from outbox_entries import TIMING
from prometheus_client.parser import text_string_to_metric_families
from support import Page

from webapp.contact import Contact
from webapp.database import Database
from webapp.demo import Simulator
from webapp.demo.faults import SimulatedAnswer, json_answer
from webapp.forms import HONEYPOT_INPUT
from webapp.outbox import Outbox
from webapp.services import DeliveryServices

pytestmark = pytest.mark.slow

RULES = Path(__file__).parents[2] / "deploy" / "alerts.yml"
MOBILE = "09121234567"
EXPRESSION = re.compile(
    r"(?P<of>max|min|sum)\((?P<increase>increase\()?(?P<metric>\w+)(?:\{(?P<labels>[^}]*)\})?"
    r"(?:\[5m\]\))?\) (?P<compare>==|>|<) (?P<limit>[0-9]+)"
)
AGGREGATES: dict[str, Callable[[list[float]], float]] = {"max": max, "min": min, "sum": sum}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}

Samples = list[tuple[str, dict[str, str], float]]


def rules() -> dict[str, str]:
    """Return the expression of each alert."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def scraped(client: FlaskClient) -> Samples:
    """Return what Prometheus reads."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return [(it.name, it.labels, it.value) for family in families for it in family.samples]


def sounding(before: Samples, now: Samples) -> set[str]:
    """Return the alerts that hold, as Prometheus would evaluate these two scrapes."""
    found = set()
    for name, text in rules().items():
        rule = EXPRESSION.fullmatch(text)
        assert rule, f"{name}: {text}"
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', rule["labels"] or ""))

        def values(samples: Samples, metric: str = rule["metric"], of: Any = wanted) -> list[float]:
            return [it[2] for it in samples if it[0] == metric and of.items() <= it[1].items()]

        if not values(now):
            continue
        value = AGGREGATES[rule["of"]](values(now))
        if rule["increase"]:
            value -= AGGREGATES[rule["of"]](values(before) or [0])
        if COMPARISONS[rule["compare"]](value, float(rule["limit"])):
            found.add(name)
    return found


def pause(client: FlaskClient, _: DeliveryServices, portal: Simulator) -> None:
    """Let the portal refuse the account."""
    portal.answer("CreditNotEnough")
    Page(client).send(Mobile=MOBILE)


def delay(client: FlaskClient, delivery: DeliveryServices, portal: Simulator) -> None:
    """Let a contact wait for long, after the pause."""
    portal.answer("ServerError")
    Page(client).send(Mobile=MOBILE)
    with delivery.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET created_at = datetime('now', '-16 minutes')")


def fail(client: FlaskClient, delivery: DeliveryServices, _: Simulator) -> None:
    """Let the database store nothing."""
    with delivery.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    Page(client).send(Mobile=MOBILE)


def suspect(client: FlaskClient, _: DeliveryServices, __: Simulator) -> None:
    """Send what a robot sends."""
    Page(client, "/f/signup").send(Mobile=MOBILE, consent="true", **{HONEYPOT_INPUT: "x"})


def credit_answer(credit: object) -> SimulatedAnswer:
    """Return an answer of AccountStatus."""
    return json_answer({"Status": "Success", "AccountName": "x", "RemaindCredit": credit})


def lose_key(_: FlaskClient, delivery: DeliveryServices, __: Simulator) -> None:
    """Let a contact wait that was encrypted with another key."""
    database = Database(str(delivery.database._url), secret_keys=("lost",))  # noqa: SLF001
    contact = Contact(Mobile=MOBILE)
    Outbox(database, TIMING).add(contact, "ab" * 32, form="contact", send=False)


def spend(_: FlaskClient, delivery: DeliveryServices, portal: Simulator) -> None:
    """Let the account have little credit."""
    portal.answer(credit_answer("1,250"))
    delivery.credit.refresh()


@pytest.mark.parametrize(
    ("provoke", "alert"),
    [
        (pause, "AmootFormQueuePaused"),
        (delay, "AmootFormContactsLate"),
        (fail, "AmootFormNotRecorded"),
        (suspect, "AmootFormNeedsHand"),
        (spend, "AmootFormCreditLow"),
        (lose_key, "AmootFormUnreadable"),
    ],
)
def test_alert_sounds_when_it_is_provoked_and_not_before(
    client: FlaskClient,
    delivery: DeliveryServices,
    portal: Simulator,
    provoke: Callable[[FlaskClient, DeliveryServices, Simulator], None],
    alert: str,
) -> None:
    """Each alone: an operator learns what is wrong from its name."""
    portal.answer(credit_answer(5_000_000))
    delivery.credit.refresh()
    Page(client).send(Mobile="09121234560")
    before = scraped(client)
    assert sounding(before, before) == set()
    provoke(client, delivery, portal)
    assert sounding(before, scraped(client)) == {alert}


def test_each_metric_of_an_alert_is_exposed(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A name that is spelt wrong would never sound."""
    delivery.credit.refresh()
    exposed = {name for name, _, _ in scraped(client)}
    named = set(re.findall(r"amoot_form_\w+", RULES.read_text()))
    assert named <= exposed


@pytest.mark.nightly
def test_prometheus_accepts_the_rules_and_evaluates_them_as_their_own_tests_say() -> None:
    """Each fires and does not, after its time: `alert_rules.yml` has the series."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is missing: `make nightly` installs Debian's package `prometheus`.")
    units = Path(__file__).with_name("alert_rules.yml")
    for command in (["check", "rules", RULES], ["test", "rules", units]):
        done = subprocess.run(
            [promtool, *command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, done.stdout.decode()


def test_each_alert_has_tests_in_which_it_fires_and_does_not() -> None:
    """Of Prometheus' own, which the nightly run evaluates."""
    cases = yaml.safe_load(Path(__file__).with_name("alert_rules.yml").read_text())["tests"]
    found = {
        (case["alertname"], bool(case["exp_alerts"]))
        for series in cases
        for case in series["alert_rule_test"]
    }
    assert found == {(name, fires) for name in rules() for fires in (False, True)}
