"""The metrics of requests, threads, permits, connections, credit, Redis and the deliverer."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from servers import PostgresServer
from sqlalchemy import create_engine, text
from support import SECRET, TOKEN, Page, wait_until

from webapp.alerts.problems import parse_credit
from webapp.cli.commands import _metrics
from webapp.cli.configuration import MetricsServer, build_services
from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.demo import Simulator
from webapp.demo.faults import SimulatedAnswer
from webapp.demo.http import Captured
from webapp.portal import MethodNotAllowed
from webapp.services import DeliveryServices
from webapp.settings import Settings, SettingsError
from webapp.web.rendering import EXTENSION

MOBILE = "09121234567"


def read(exposed: str) -> dict[tuple[str, ...], float]:
    """Return the samples by name and the values of their labels, in the order of their names."""
    return {
        (it.name.removeprefix("amoot_form_"), *(it.labels[name] for name in sorted(it.labels))): (
            it.value
        )
        for family in text_string_to_metric_families(exposed)
        for it in family.samples
    }


def scraped(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Return what a scraper reads."""
    return read(client.get("/metrics").text)


def test_requests_are_counted_by_route_and_class_of_status(client: FlaskClient) -> None:
    """Never by a path or a method that a robot makes up."""
    Page(client).send(Mobile=MOBILE)
    client.get("/f/signup")
    for number in range(3):
        client.get(f"/no/{number}")
        client.open(f"/f/{number}", method=f"ODD{number}")
        client.open("/healthz", method=f"ODD{number}")
    client.get("/healthz")
    found = scraped(client)
    counts = {key[1:]: value for key, value in found.items() if key[0] == "request_seconds_count"}
    assert counts == {
        ("GET", "/", "2xx"): 2,
        ("POST", "/", "3xx"): 1,
        ("GET", "/", "3xx"): 1,  # the receipt, which a cookie brings
        ("GET", "/f/<slug>", "2xx"): 1,
        ("-", "-", "4xx"): 9,
        ("GET", "/healthz", "2xx"): 1,
    }
    assert found["threads", "busy"] == 1  # this one


def test_error_in_a_page_counts_and_frees_its_thread(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong."""
    fail = Mock(side_effect=RuntimeError)
    monkeypatch.setattr(type(delivery.outbox.listing), "find", fail)
    assert client.get("/outbox").status_code == 500
    found = scraped(client)
    assert found["request_seconds_count", "GET", "/outbox", "5xx"] == 1
    assert found["threads", "busy"] == 1


def test_permits_and_threads_show_while_the_portal_hangs(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """Four people of whom three are sent, as there are three permits."""
    app = make_app(threads=4)
    client = app.test_client()
    client.get("/")
    answered = threading.Event()

    def hang(_: Captured) -> str | SimulatedAnswer:
        answered.wait(60)
        return "Success"

    portal.mood = hang
    pages = [Page(app.test_client()) for _ in range(4)]
    threads = [
        threading.Thread(target=page.send, kwargs={"Mobile": f"0912123450{number}"})
        for number, page in enumerate(pages)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: scraped(client).get(("portal_permits", "waiting")) == 1)
    found = scraped(client)
    assert found["portal_permits", "used"] == 3
    assert found["threads", "busy"] == 5
    answered.set()
    for thread in threads:
        thread.join()
    found = scraped(client)
    assert (found["portal_permits", "used"], found["portal_permits", "waiting"]) == (0, 0)
    assert found["threads", "busy"] == 1


def test_connections_in_use_are_counted(
    make_app: Callable[..., Flask], postgres: PostgresServer, migrated: str
) -> None:
    """And given back, also by a failure; the server knows whose they are."""
    app = make_app(database_url=postgres.create("counted", template=migrated))
    database = app.extensions[EXTENSION].delivery.database
    metrics = app.extensions[EXTENSION].metrics

    def used() -> float:
        return read(metrics.exposition({}).decode())["database_connections", "used"]

    with database.read() as first, database.read():
        assert used() == 2
        named = text("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        assert first.execute(named).scalar() == "amoot-form"
    assert used() == 0
    with pytest.raises(DatabaseError), database.write() as connection:
        connection.execute(text("SELECT 1 / 0"))
    assert used() == 0


def test_redis_that_does_not_answer_shows(make_app: Callable[..., Flask]) -> None:
    """Each process counts for itself meanwhile."""
    client = make_app(redis_url="redis://127.0.0.1:1").test_client()
    assert ("limits_fallback", "REDIS_URL") not in scraped(client)
    Page(client, "/f/signup").send(Mobile=MOBILE, consent="true")
    assert scraped(client)["limits_fallback", "REDIS_URL"] == 1


def test_credit_is_fetched_without_troubling_anybody(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """A token that may not ask pauses nothing, and a paused queue is not asked."""
    delivery.credit.refresh()
    name = ("account_credit", "rial")
    assert scraped(client)[name] == 25000
    portal.answer("Token_NotAllowMethod")
    delivery.credit.refresh()
    assert delivery.breaker.read_pause() is None
    assert scraped(client)[name] == 25000
    delivery.breaker.failed(MethodNotAllowed("Token_NotAllowMethod"))
    asked = len(portal.requests)
    delivery.credit.refresh()
    assert len(portal.requests) == asked


def test_credit_is_read_as_the_portal_may_write_it() -> None:
    """A text that is no number is no credit of zero."""
    written = {"25000": 25000, "1,250.5": 1250.5, "۱۲۳": 123, "0": 0, "-10": -10}
    written |= {"": None, "nan": None, "many": None}
    assert {text: parse_credit(text) for text in written} == written


@pytest.mark.parametrize("host", ["127.0.0.1", *["[::1]"] * socket.has_dualstack_ipv6()])
def test_deliverer_exposes_its_metrics_to_a_scraper_with_the_token(
    simulator: Simulator, tmp_path: Path, host: str
) -> None:
    """Its calls, and the queue."""
    token = "m" * 32
    environ = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": simulator.url, "SECRET_KEY": SECRET}
    environ |= {"STATE_DIRECTORY": str(tmp_path), "METRICS_TOKEN": token}
    settings = Settings.from_env(environ | {"DELIVERER_METRICS": f"{host}:0"})
    metrics = _metrics(settings)
    delivery = build_services(settings, metrics)
    delivery.portal.create_contact(Contact(Mobile=MOBILE))
    assert settings.deliverer_metrics
    server = MetricsServer(settings.deliverer_metrics, token, metrics, delivery)
    server.start()
    url = f"http://{host}:{server.port}"
    try:
        assert requests.get(f"{url}/metrics", timeout=20).status_code == 401
        known = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{url}/", headers=known, timeout=20).status_code == 404
        found = read(requests.get(f"{url}/metrics", headers=known, timeout=20).text)
    finally:
        server.close()
    assert found["portal_calls_total", "ContactCreate", "Success"] == 1
    assert found["queue_depth",] == 0


def test_metrics_of_the_deliverer_are_not_open_to_all_machines() -> None:
    """Without a token, only this machine reads them."""
    environ = {"AMOOT_TOKEN": TOKEN, "SECRET_KEY": SECRET}
    Settings.from_env(environ | {"DELIVERER_METRICS": "127.0.0.1:9100"})
    with pytest.raises(SettingsError, match="METRICS_TOKEN is missing"):
        Settings.from_env(environ | {"DELIVERER_METRICS": "0.0.0.0:9100"})
    with pytest.raises(SettingsError, match="DELIVERER_METRICS must be"):
        Settings.from_env(environ | {"DELIVERER_METRICS": "unix:/run/metrics"})


def test_faults_that_alternate_are_logged_once_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the database works again."""
    url = f"sqlite:///{tmp_path}/x.sqlite3"
    database = Database(url, setting="STATE_DIRECTORY")
    database.check_writable()
    engine = create_engine(url)
    for _ in range(3):
        for statement in ("SELECT nothing", "INSERT INTO outbox (id) VALUES (1)"):
            with pytest.raises(DatabaseError), database.write() as connection:
                connection.exec_driver_sql(statement)
    engine.dispose()
    assert len([it for it in caplog.records if "the database fails" in it.message]) == 2
