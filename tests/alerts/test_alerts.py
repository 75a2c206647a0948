"""Alerts: who is told what, once an hour and once among many, while mail servers fail."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mail_server import MailServer
from sqlalchemy import update
from support import TOKEN, wait_until, working

from webapp import alerts as module
from webapp.alerts import Alerts, problems
from webapp.contact import Contact
from webapp.database.engine import metadata
from webapp.demo import Simulator
from webapp.messages import NEEDS_ATTENTION_NONE
from webapp.messages import alerts as texts
from webapp.messages.alerts import STATUS_MESSAGES
from webapp.outbox.rows import HONEYPOT, WAITING, reference, table
from webapp.portal import Refused, Unreachable
from webapp.services import DeliveryServices
from webapp.settings import Settings

# As aiosmtpd puts it; on loopback it does not matter.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

MOBILE, NAME = "09121234567", "سارا"
CONTACT = Contact(Mobile=MOBILE, FName=NAME)
PASSWORD = "password-nobody-sees"
QUEUE, ATTENTION, CODES, SUSPECTS = texts.PROBLEMS.values()


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    """Run a mail server that asks for a login."""
    with MailServer(login=("form", PASSWORD)) as server:
        yield server


@pytest.fixture
def told(settings: Settings, mailbox: MailServer, database_url: str) -> Settings:
    """Return settings with which somebody is told."""
    return replace(
        settings,
        database_url=database_url,
        amoot_settle=0,
        public_url="https://form.example.ir",
        alert_email=("ops@example.ir", "boss@example.ir"),
        smtp_url=mailbox.url.replace("//", f"//form:{PASSWORD}@"),
    )


@pytest.fixture
def delivery(
    told: Settings, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> DeliveryServices:
    """Return what stands beside the alerts."""
    monkeypatch.setattr(problems, "_STUCK_S", 0.0)
    monkeypatch.setattr(problems, "_MIN_PAUSE", timedelta(seconds=-60))  # clocks may differ
    services = DeliveryServices.build(told, portal_url=portal.url, token=TOKEN)
    services.database.check_writable()
    return services


@pytest.fixture
def alerts(told: Settings, delivery: DeliveryServices) -> Alerts:
    """Return one worker's alerts."""
    return another(told, delivery)


def another(told: Settings, delivery: DeliveryServices) -> Alerts:
    """Return another worker's alerts."""
    found = Alerts.from_settings(told, delivery.database, delivery.breaker)
    assert found is not None
    return found


def add(delivery: DeliveryServices, number: int, *, age: timedelta = timedelta(0)) -> str:
    """Let a contact of this age wait; return its key."""
    key = f"{number:02x}" * 32
    delivery.outbox.add(CONTACT, key, form="contact", send=False)
    make_older(delivery, key, age)
    return key


def make_older(delivery: DeliveryServices, key: str, age: timedelta) -> None:
    """Let a submission have arrived some time ago."""
    arrived = datetime.now(UTC).replace(tzinfo=None) - age
    with delivery.database.write() as connection:
        connection.execute(update(table).where(table.c.key == key).values(created_at=arrived))


def reject(delivery: DeliveryServices, number: int, status: str = "Mobile_Invalid") -> str:
    """Let a submission need a hand; return its key."""
    key = f"{number:02x}" * 32
    submission, _ = delivery.outbox.add(CONTACT, key, form="contact", send=True)
    delivery.outbox.reject(submission, status, erase=False)
    return key


def let_pass(delivery: DeliveryServices, *columns: str) -> None:
    """Let the time pass after which these things are due again."""
    changes = dict.fromkeys(columns, datetime(2001, 1, 1))  # noqa: DTZ001  as the database stores it
    with delivery.database.write() as connection:
        connection.execute(update(metadata.tables["alert"]).values(**changes))


def an_hour_passes(delivery: DeliveryServices) -> None:
    """Let an hour pass since the last mails."""
    let_pass(delivery, "alarm_due", "end_due")


def test_nothing_is_told_while_nothing_needs_a_person(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Contacts that wait for a moment, a portal that is down for a moment, a robot."""
    add(delivery, 1, age=timedelta(minutes=14))
    delivery.breaker.failed(Unreachable("ConnectionFailed"))
    delivery.outbox.hold(CONTACT, "ab" * 32, form="signup", reason=HONEYPOT)
    alerts.check()
    assert mailbox.mails == []


def test_pause_for_the_accounts_sake_is_told_once_and_its_end_once(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """With the status, what it means, how many wait, and where to look."""
    add(delivery, 1)
    delivery.breaker.failed(Refused("Token_Invalid"))
    for _ in range(3):
        alerts.check()
    assert mailbox.subjects == [texts.ALARM_SUBJECT.format(problems=QUEUE)]
    assert mailbox.recipients == [["ops@example.ir", "boss@example.ir"]]
    for part in ("Token_Invalid", STATUS_MESSAGES["Token_Invalid"], "۱ مخاطب در انتظار ارسال است."):
        assert part in mailbox.text
    assert "https://form.example.ir/outbox" in mailbox.text
    delivery.breaker.close()
    for _ in range(3):
        alerts.check()
    assert mailbox.subjects[1:] == [texts.END_SUBJECT.format(problems=QUEUE)]
    assert texts.ENDED["queue"] in mailbox.text


def test_however_often_it_comes_and_goes_an_hour_has_one_alarm_and_one_end(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """After an hour the next ones."""
    for hour in range(1, 4):
        for _ in range(4):
            delivery.breaker.failed(Refused("CreditNotEnough"))
            alerts.check()
            delivery.breaker.close()
            alerts.check()
        assert len(mailbox.mails) == 2 * hour
        an_hour_passes(delivery)


def test_other_reason_of_a_refusal_is_told_after_an_hour(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Who has renewed the token learns that the credit is used up, too."""
    delivery.breaker.failed(Refused("Token_Expired"))
    alerts.check()
    delivery.breaker.probe_failed(Refused("CreditNotEnough"))
    alerts.check()
    assert len(mailbox.mails) == 1
    an_hour_passes(delivery)
    for _ in range(2):
        alerts.check()
        an_hour_passes(delivery)
    assert len(mailbox.mails) == 2
    assert "CreditNotEnough" in mailbox.text


def test_pause_that_changes_its_cause_is_not_over(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Nothing is sent yet; and then what has waited goes out first."""
    key = add(delivery, 1, age=timedelta(hours=2))
    delivery.breaker.failed(Refused("CreditNotEnough"))
    alerts.check()
    delivery.breaker.probe_failed(Unreachable("ConnectionFailed"))
    alerts.check()
    delivery.breaker.close()
    alerts.check()
    assert len(mailbox.mails) == 1
    assert delivery.outbox.review.discard(reference(key))
    alerts.check()
    assert mailbox.subjects[1:] == [texts.END_SUBJECT.format(problems=QUEUE)]


@pytest.mark.parametrize(
    ("minutes", "sentence"), [(20, texts.OLDEST_MINUTES), (305, texts.OLDEST_HOURS)]
)
def test_contact_that_waits_for_more_than_a_quarter_of_an_hour_is_told(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer, minutes: int, sentence: str
) -> None:
    """And for how long; with the cause, if the queue is paused."""
    add(delivery, 1, age=timedelta(minutes=minutes))
    delivery.breaker.failed(Unreachable("ConnectionFailed"))
    alerts.check()
    assert mailbox.subjects == [texts.ALARM_SUBJECT.format(problems=QUEUE)]
    assert sentence.format(n={20: "۲۰", 305: "۵"}[minutes]) in mailbox.text
    assert STATUS_MESSAGES["ConnectionFailed"] in mailbox.text


def test_refusal_that_a_probe_may_end_is_not_told(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It would use up the hour's alarm."""
    monkeypatch.setattr(problems, "_MIN_PAUSE", timedelta(hours=1))
    delivery.breaker.failed(Refused("System_Disabled"))
    alerts.check()
    assert mailbox.mails == []


def test_old_contacts_on_their_way_are_no_problem(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """An operator has sent them again, or an outage is over: the oldest is another each time."""
    monkeypatch.setattr(problems, "_STUCK_S", 3600.0)
    keys = [add(delivery, number, age=timedelta(days=1)) for number in range(1, 4)]
    for key in keys:
        alerts.check()
        assert delivery.outbox.review.discard(reference(key))
    assert mailbox.mails == []


def test_old_contact_that_settles_before_it_is_sent_again_is_no_problem(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Once it has failed, it is."""
    key = add(delivery, 1, age=timedelta(days=1))
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=2)
    settling = update(table).where(table.c.key == key).values(due=later)
    for attempts in (0, 1):
        with delivery.database.write() as connection:
            connection.execute(settling.values(attempts=attempts))
        alerts.check()
        assert len(mailbox.mails) == attempts


def test_submissions_that_need_a_hand_are_told_by_status_and_reference(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Ten references at most; it is over when an operator has looked at each."""
    keys = [reject(delivery, number) for number in range(1, 13)]
    keys.append(reject(delivery, 13, "Length_Exceeded"))
    alerts.check()
    assert mailbox.subjects == [texts.ALARM_SUBJECT.format(problems=ATTENTION)]
    for status, count in (("Mobile_Invalid", "۱۲"), ("Length_Exceeded", "۱")):
        assert texts.STATUS.format(status=status) in mailbox.text
        line = texts.ONE_STATUS.format(n=count, message=STATUS_MESSAGES[status])
        assert line in mailbox.text.splitlines()
    assert [reference(key) in mailbox.text for key in keys] == [True] * 10 + [False] * 3
    for key in keys:
        assert len(mailbox.mails) == 1
        delivery.outbox.review.discard(reference(key))
        alerts.check()
    assert mailbox.subjects[1:] == [texts.END_SUBJECT.format(problems=ATTENTION)]
    assert NEEDS_ATTENTION_NONE in mailbox.text


def test_suspects_are_told_when_nobody_has_looked_for_a_day(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Robots come every day."""
    for number in (1, 2):
        delivery.outbox.hold(CONTACT, f"{number:02x}" * 32, form="signup", reason=HONEYPOT)
    alerts.check()
    assert mailbox.mails == []
    make_older(delivery, "01" * 32, timedelta(hours=25))
    alerts.check()
    assert mailbox.subjects == [texts.ALARM_SUBJECT.format(problems=SUSPECTS)]
    assert texts.SUSPECTS.format(n="۲") in mailbox.text


def test_codes_that_are_not_sent_are_told_after_a_minute(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """And that they are again, with the next one."""
    delivery.codes.trouble.set("CodesOfDayUsedUp")
    alerts.check()
    assert mailbox.subjects == []
    with delivery.database.write() as connection:
        since = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=2)
        connection.exec_driver_sql(f"UPDATE code_trouble SET since = '{since}'")  # noqa: S608
    alerts.check()
    assert mailbox.subjects == [texts.ALARM_SUBJECT.format(problems=CODES)]
    assert "CodesOfDayUsedUp" in mailbox.text
    delivery.codes.trouble.clear()
    alerts.check()
    assert texts.ENDED["codes"] in mailbox.text


def test_end_of_one_problem_names_what_remains(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Who was told of both."""
    reject(delivery, 1)
    delivery.breaker.failed(Refused("Token_Invalid"))
    alerts.check()
    assert QUEUE in mailbox.subjects[0]
    assert ATTENTION in mailbox.subjects[0]
    delivery.breaker.close()
    alerts.check()
    assert mailbox.subjects[1:] == [texts.END_SUBJECT.format(problems=QUEUE)]
    assert texts.REMAINING in mailbox.text
    assert reference("01" * 32) in mailbox.text


def test_end_names_a_new_problem_whose_alarm_is_not_due(
    delivery: DeliveryServices,
    alerts: Alerts,
    mailbox: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """So does the log; the alarm follows."""
    caplog.set_level("INFO", logger="webapp")
    delivery.breaker.failed(Refused("CreditNotEnough"))
    alerts.check()
    delivery.breaker.close()
    reject(delivery, 1)
    alerts.check()
    assert mailbox.subjects[-1] == texts.END_SUBJECT.format(problems=QUEUE)
    assert texts.REMAINING in mailbox.text
    assert texts.ATTENTION in mailbox.text
    assert "alert: sent, attention" in caplog.text
    let_pass(delivery, "alarm_due")
    alerts.check()
    assert mailbox.subjects[-1] == texts.ALARM_SUBJECT.format(problems=ATTENTION)


def test_new_problem_is_told_with_the_end_of_another(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """One mail says both, when the hour is over."""
    delivery.breaker.failed(Refused("Token_Invalid"))
    alerts.check()
    let_pass(delivery, "alarm_due")
    delivery.breaker.close()
    reject(delivery, 1)
    for _ in range(2):
        alerts.check()
    assert mailbox.subjects[1:] == [texts.ALARM_SUBJECT.format(problems=ATTENTION)]
    assert texts.ENDED["queue"] in mailbox.text


@pytest.mark.slow
def test_of_many_workers_at_the_same_moment_one_tells(
    told: Settings, delivery: DeliveryServices, portal: Simulator, mailbox: MailServer
) -> None:
    """Each with connections of its own, as on several machines; alarm and end alike."""
    several = [DeliveryServices.build(told, portal_url=portal.url, token=TOKEN) for _ in range(6)]
    workers = [another(told, services) for services in several]
    together = threading.Barrier(len(workers))

    def check(worker: Alerts) -> None:
        together.wait()
        worker.check()

    with ThreadPoolExecutor(len(workers)) as threads:
        for expected in range(1, 7):
            if expected % 2:
                delivery.breaker.failed(Refused("Token_Invalid"))
            else:
                delivery.breaker.close()
            list(threads.map(check, workers))
            assert len(mailbox.mails) == expected
            an_hour_passes(delivery)


def test_worker_that_read_before_another_told_does_not_tell_again(
    told: Settings, delivery: DeliveryServices, mailbox: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its claim fails: the row is not as it was read."""
    slow, fast = another(told, delivery), another(told, delivery)
    read = problems.Problems.read

    def overtaken(*args: object, **kwargs: object) -> object:
        monkeypatch.setattr(problems.Problems, "read", read)
        found = read(*args, **kwargs)  # type: ignore[arg-type]
        fast.check()
        return found

    delivery.breaker.failed(Refused("Token_Invalid"))
    monkeypatch.setattr(problems.Problems, "read", overtaken)
    slow.check()
    assert len(mailbox.mails) == 1


def test_mail_that_was_not_sent_is_tried_again_after_minutes(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The log says why, by class and code, once each time."""
    delivery.breaker.failed(Refused("Token_Invalid"))
    mailbox.stop()
    for _ in range(5):
        alerts.check()
    failed = [record.message for record in caplog.records if "not sent" in record.message]
    (said,) = failed
    assert said.startswith("alert: not sent, ConnectionRefusedError ECONNREFUSED: nothing listens")
    mailbox.start()
    alerts.check()
    assert mailbox.mails == []
    let_pass(delivery, "due")
    for _ in range(2):
        alerts.check()
    assert len(mailbox.mails) == 1


def test_what_ends_before_it_was_told_is_not_told(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """The mail server was down in the meantime."""
    delivery.breaker.failed(Refused("Token_Invalid"))
    mailbox.stop()
    alerts.check()
    mailbox.start()
    delivery.breaker.close()
    let_pass(delivery, "due")
    alerts.check()
    assert mailbox.mails == []


def test_mails_and_log_hold_no_personal_data_and_no_secret(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Neither of contacts nor of who is told."""
    caplog.set_level("DEBUG")
    reject(delivery, 1)
    add(delivery, 2, age=timedelta(hours=1))
    delivery.outbox.hold(CONTACT, "03" * 32, form="signup", reason=HONEYPOT)
    make_older(delivery, "03" * 32, timedelta(days=2))
    delivery.breaker.failed(Refused("Token_Invalid"))
    alerts.check()
    mailbox.stop()
    delivery.outbox.review.discard(reference("01" * 32))
    alerts.check()
    mailbox.start()
    sent = mailbox.subjects[0] + mailbox.text
    logged = "\n".join(it.getMessage() for it in caplog.records if it.name.startswith("webapp"))
    assert "not sent" in logged
    for secret in (MOBILE, MOBILE[1:], NAME, PASSWORD, TOKEN):
        assert secret not in sent
        assert secret not in logged
    assert "۰۹۱۲" not in sent
    assert "@" not in logged


def test_every_line_of_a_mail_begins_in_persian(
    delivery: DeliveryServices, alerts: Alerts, mailbox: MailServer
) -> None:
    """Mail programs set it from right to left then."""
    reject(delivery, 1)
    delivery.breaker.failed(Refused("Token_Invalid"))
    alerts.check()
    lines = [line for line in mailbox.text.splitlines() if line]
    assert all("\u0600" <= line[0] <= "\u06ff" for line in lines)


def test_without_the_settings_or_in_demo_mode_nobody_is_told(
    told: Settings, delivery: DeliveryServices
) -> None:
    """Nothing leaves the machine in demo mode."""
    for changes in ({"alert_email": ()}, {"smtp_url": None}, {"amoot_token": None}):
        quiet = replace(told, **changes)  # type: ignore[arg-type]
        assert Alerts.from_settings(quiet, delivery.database, delivery.breaker) is None


# In the worker


@pytest.fixture
def eager(told: Settings, portal: Simulator, monkeypatch: pytest.MonkeyPatch) -> DeliveryServices:
    """Return what checks often."""
    monkeypatch.setattr("webapp.services.CHECK_INTERVAL_S", 0.1)
    monkeypatch.setattr(problems, "_MIN_PAUSE", timedelta(0))
    return DeliveryServices.build(told, portal_url=portal.url, token=TOKEN)


@pytest.mark.slow
def test_worker_tells_of_a_refusal_and_of_its_end(
    eager: DeliveryServices, portal: Simulator, mailbox: MailServer
) -> None:
    """By itself."""
    portal.mood = lambda _: "Token_Invalid"
    add(eager, 1)
    with working(eager):
        wait_until(lambda: len(mailbox.mails) == 1)
        portal.mood = None
        eager.breaker.probe_now()
        wait_until(lambda: len(mailbox.mails) == 2)
    assert mailbox.subjects == [
        texts.ALARM_SUBJECT.format(problems=QUEUE),
        texts.END_SUBJECT.format(problems=QUEUE),
    ]
    assert len(portal.contacts) == 1


@pytest.mark.slow
@pytest.mark.parametrize("is_hanging", [True, False])
def test_mail_server_that_hangs_or_is_down_delays_no_delivery(
    told: Settings, portal: Simulator, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, *, is_hanging: bool,
) -> None:  # fmt: skip
    """Nor the end of the worker by more than the time-out."""
    monkeypatch.setattr("webapp.services.CHECK_INTERVAL_S", 0.1)
    monkeypatch.setattr(module, "_STOP_TIMEOUT_S", 1.0)
    monkeypatch.setattr("webapp.alerts.mail.TIMEOUT_S", 120.0)
    with socket.create_server(("127.0.0.1", 0)) as silent, ExitStack() as connections:
        other = replace(told, smtp_url=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        delivery = DeliveryServices.build(other, portal_url=portal.url, token=TOKEN)
        reject(delivery, 99)
        if is_hanging:
            silent.settimeout(60)
        else:
            silent.close()
        with working(delivery):
            if is_hanging:
                connections.enter_context(silent.accept()[0])
            else:
                wait_until(lambda: "not sent" in caplog.text)
            started = time.monotonic()
            for number in range(10):
                add(delivery, number)
            wait_until(lambda: delivery.outbox.review.count(WAITING, most=1) == 0)
            assert time.monotonic() - started < 40
            stopped = time.monotonic()
        assert time.monotonic() - stopped < 40
    assert len(portal.contacts) == 10
    assert caplog.text.count("not sent") <= 1
