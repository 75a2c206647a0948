"""The figures that Prometheus reads."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from serving import COMMAND, Server, environ_of, serve
from support import SECRET, TOKEN, Html, Page, wait_until

from webapp.contact import Contact
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.forms import HONEYPOT_INPUT, tokens
from webapp.outbox import Outbox
from webapp.outbox.rows import State
from webapp.services import DeliveryServices
from webapp.settings import VERSION
from webapp.web.rendering import EXTENSION

MOBILE = "09121234567"
KEY = "ab" * 32


class Metrics(dict[str, float]):
    """Metrics by name and labels, as `name{label="text"}`, without the program's prefix."""

    def __init__(self, text: str) -> None:
        """Read what Prometheus reads."""
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(
                    f'{name}="{sample.labels[name]}"' for name in sorted(sample.labels)
                )
                name = sample.name.removeprefix("amoot_form_")
                assert name != sample.name
                self[f"{name}{{{labels}}}" if labels else name] = sample.value

    @property
    def submissions(self) -> dict[tuple[str, str], float]:
        """How many submissions had which outcome, where there were any."""
        found = {}
        for name, value in self.items():
            if name.startswith("submissions_total") and value:
                _, form, _, outcome, _ = name.split('"')
                found[form, outcome] = value
        return found


def figures(client: FlaskClient) -> Metrics:
    """Read an app's figures."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=0.0.4")
    return Metrics(response.text)


def test_all_forms_begin_at_zero(client: FlaskClient) -> None:
    """Else the first event would be no increase."""
    found = figures(client)
    assert found['submissions_total{form="contact",outcome="unstored"}'] == 0
    assert found['submissions_total{form="signup",outcome="held"}'] == 0
    assert found[f'build_info{{version="{VERSION}"}}'] == 1
    assert not found.submissions


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("Success", "delivered"),
        ("Mobile_Invalid", "rejected"),
        ("CreditNotEnough", "queued"),
        (Fault.HTTP_502, "queued"),
    ],
)
def test_submission_counts_by_its_outcome(
    page: Page, portal: Simulator, answer: str | Fault, outcome: str
) -> None:
    """Once, and as the page says."""
    portal.answer(answer)
    page.send(Mobile=MOBILE)
    assert page.html.outcome == outcome
    assert figures(page.client).submissions == {("contact", outcome): 1}


def test_what_is_invalid_counts_for_its_form(client: FlaskClient) -> None:
    """An error in a field, and a form that comes back too soon, alike."""
    Page(client).send(Mobile="0912")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "MIN_AGE", timedelta(hours=1))
        Page(client, "/embed/signup").send(Mobile=MOBILE, consent="true")
    assert figures(client).submissions == {("contact", "invalid"): 1, ("signup", "invalid"): 1}


def test_robot_is_told_otherwise_than_operators(client: FlaskClient) -> None:
    """The page says "delivered"."""
    page = Page(client, "/f/signup")
    page.send(Mobile=MOBILE, consent="true", **{HONEYPOT_INPUT: "x"})
    assert page.html.outcome == "delivered"
    found = figures(client)
    assert found.submissions == {("signup", "held"): 1}
    assert (found["needs_hand"], found["queue_depth"]) == (1, 0)


@pytest.mark.parametrize("path", ["/", "/f/signup"])
def test_double_click_counts_once(client: FlaskClient, path: str) -> None:
    """It is one submission."""
    page = Page(client, path)
    data = {"csrf_token": page.token, "Mobile": MOBILE, "consent": "true"}
    for _ in range(3):
        assert client.post(path, data=data).status_code == 303
    assert list(figures(client).submissions.values()) == [1]


def test_correction_is_no_submission(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Neither a wrong one nor a right one; the call to the portal counts."""
    delivery.outbox.hold(Contact(Mobile=MOBILE), KEY, form="contact", reason="Failed")
    (submission,) = delivery.outbox.review.page([State.HELD])
    for mobile in ("0912", MOBILE):
        Page(client, f"/outbox/{submission.reference}").send(Mobile=mobile)
    assert len(portal.contacts) == 1
    found = figures(client)
    assert not found.submissions
    assert found['portal_calls_total{method="ContactCreate",status="Success"}'] == 1


def test_without_the_database_the_rest_is_told(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """The scrape does not fail, and what cannot be known is left out."""
    (tmp_path / "file").touch()
    client = make_app(database_url=f"sqlite:///{tmp_path}/file/x").test_client()
    Page(client).send(Mobile=MOBILE)
    found = figures(client)
    assert found.submissions == {("contact", "unstored"): 1}
    assert not any(name.startswith(("queue", "needs")) for name in found)


def test_lost_answer_of_the_database_counts_as_what_became_of_it(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says "queued" as well."""
    add = Outbox.add

    def lose(*args: object, **kwargs: object) -> None:
        add(*args, **kwargs)  # type: ignore[arg-type]
        raise DatabaseError("OperationalError")

    monkeypatch.setattr(Outbox, "add", lose)
    page.send(Mobile=MOBILE)
    assert figures(page.client).submissions == {("contact", "queued"): 1}


def test_calls_are_counted_and_timed(page: Page, portal: Simulator, deadline: float) -> None:
    """A status that nobody knows has no series of its own: the portal must not make up any."""
    for answer in ("Success", "Mobile_Invalid", "Whatever_It_Likes", Fault.HTTP_502):
        portal.answer(answer)
        page.send(Mobile=MOBILE)
        page = Page(page.client)
    found = figures(page.client)
    for status in ("Success", "Mobile_Invalid", "Other", "HTTP_502"):
        assert found[f'portal_calls_total{{method="ContactCreate",status="{status}"}}'] == 1
    assert found['portal_call_seconds_count{method="ContactCreate"}'] == 4
    assert found['portal_call_seconds_sum{method="ContactCreate"}'] > 0
    bounds = [name.split('"')[1] for name in found if name.startswith("portal_call_seconds_bucket")]
    assert bounds[:6] == ["0.05", "0.1", "0.2", "0.5", "1.0", "2.0"]
    assert bounds[-2:] == [str(float(deadline)), "+Inf"]


def test_queue_is_told_as_it_stands(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """How many wait, for how long, and why."""
    assert [figures(client)[name] for name in ("queue_paused", "queue_oldest_seconds")] == [0, 0]
    portal.answer("CreditNotEnough")
    Page(client).send(Mobile=MOBILE)
    Page(client).send(Mobile="09121234568")
    with delivery.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE outbox SET created_at = datetime(created_at, '-1 hour') WHERE id = 1"
        )
    found = figures(client)
    assert found["queue_depth"] == 2
    assert found['queue_paused{reason="CreditNotEnough"}'] == 1
    assert 3590 < found["queue_oldest_seconds"] < 3900
    assert found["needs_hand"] == 0


def test_clock_that_was_set_back_makes_nothing_negative(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Zero, then."""
    delivery.outbox.add(Contact(Mobile=MOBILE), KEY, form="contact", send=False)
    with delivery.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET created_at = datetime('now', '+1 hour')")
    assert figures(client)["queue_oldest_seconds"] == 0


def test_limits_are_counted_by_their_names(make_app: Callable[..., Flask]) -> None:
    """Each time, though the log tells it once a minute."""
    users = {"sara": "pbkdf2:sha256:1$x$00"}
    client = make_app(limit_mobile="1/hour").test_client()
    for _ in range(3):
        Page(client, "/f/signup").send(Mobile=MOBILE, consent="true")
    found = figures(client)
    assert found['limits_hit_total{limit="LIMIT_MOBILE"}'] == 2
    assert found.submissions == {("signup", "delivered"): 1, ("signup", "invalid"): 2}
    app = make_app(limit_login="1/hour", intranet_users=users)
    for _ in range(2):
        app.test_client().get("/", auth=("sara", "guess"))
    text = app.extensions[EXTENSION].metrics.exposition({}).decode()
    assert Metrics(text)['limits_hit_total{limit="LIMIT_LOGIN"}'] == 1


def test_no_metric_says_anything_of_a_person(client: FlaskClient, portal: Simulator) -> None:
    """Nor of our secrets."""
    for answer in ("Success", "Mobile_Invalid", "Token_Invalid"):
        portal.answer(answer)
        Page(client).send(Mobile=MOBILE, FName="سارا")
    text = client.get("/metrics").text
    assert 'form="contact"' in text
    assert not any(secret in text for secret in ("912123", "سارا", TOKEN, SECRET, "127.0.0.1"))


def submit(url: str) -> None:
    """Open the form of a server, and send it, over connections of their own."""
    page = Html(requests.get(url, timeout=20).text)
    token = next(page.find("input", name="csrf_token"))[0]["value"]
    requests.post(url, data={"csrf_token": token, "Mobile": MOBILE}, timeout=20)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the workers of a server."""
    pid = process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def read(url: str) -> Metrics:
    """Read a server's figures; which worker tells them is chance."""
    return Metrics(requests.get(f"{url}/metrics", timeout=20).text)


@pytest.mark.slow
def test_workers_metrics_are_one_and_outlive_a_worker(simulator: Simulator, tmp_path: Path) -> None:
    """Nobody sets a folder, each start has its own, and nothing of it stays."""
    elsewhere = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "nowhere")}
    environ = environ_of(simulator.url, tmp_path, WEB_CONCURRENCY="2") | elsewhere
    name = 'submissions_total{form="contact",outcome="delivered"}'
    with serve(tmp_path, **environ) as server:
        folder = kept_in(server)
        for _ in range(12):
            submit(server.url)
        for _ in range(6):
            assert read(server.url)[name] == 12
        victim = children(server.process)[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in children(server.process))
        submit(server.url)
        found = read(server.url)
        assert found[name] == 13
        assert found[f'build_info{{version="{VERSION}"}}'] == 1
    assert not folder.exists()


@pytest.mark.slow
def test_metrics_that_cannot_be_kept_harm_nobody(simulator: Simulator, tmp_path: Path) -> None:
    """Somebody cleaned their folder away: contacts arrive, workers start, and the log tells."""
    with serve(tmp_path, **environ_of(simulator.url, tmp_path, WEB_CONCURRENCY="2")) as server:
        folder = kept_in(server)
        shutil.rmtree(folder)
        victims = children(server.process)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(set(children(server.process)) - set(victims)) == 2)
        submit(server.url)
        assert "queue_depth" in read(server.url)
        assert len(simulator.contacts) == 1
        assert "the metrics are not counted, FileNotFoundError" in server.log.read_text()


@pytest.mark.slow
def test_server_that_cannot_start_leaves_no_folder(simulator: Simulator, tmp_path: Path) -> None:
    """A supervisor would start it again and again. One line says why it has not."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = environ_of(simulator.url, tmp_path, WEB_CONCURRENCY="2")
        environ |= {"PATH": os.environ["PATH"], "BIND": f"127.0.0.1:{taken.getsockname()[1]}"}
        with subprocess.Popen([COMMAND, "serve"], env=environ, stderr=subprocess.PIPE) as process:
            assert process.stderr
            told = b"another program listens there: end it, or choose another port"
            assert process.stderr.read() == b"Error: BIND: OSError EADDRINUSE: %s\n" % told
            assert process.wait(30) == 1
    assert folders_of(process) == []


def kept_in(server: Server) -> Path:
    """Return the folder with the figures of a server: in memory, where there is such a place."""
    # A killed server of an earlier run may have left one under the same process id.
    return max(folders_of(server.process), key=lambda path: path.stat().st_mtime)


def folders_of(process: subprocess.Popen[bytes]) -> list[Path]:
    """Return all of them, wherever they may lie."""
    places = (Path("/dev/shm"), Path(tempfile.gettempdir()))  # noqa: S108  as the server
    return [found for place in places for found in place.glob(f"amoot-form-{process.pid}-*")]
