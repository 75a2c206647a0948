"""The command `amoot-form`, and the server that it starts."""

import json
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result
from mail_server import REFUSED, MailServer
from serving import COMMAND, serve
from support import SECRET, TOKEN, Html
from werkzeug.security import check_password_hash

from webapp.cli import main
from webapp.contact import FIELDS, Contact
from webapp.database import Database
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.messages import alerts
from webapp.outbox import Outbox
from webapp.outbox.rows import Timing, reference
from webapp.settings import VERSION, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, portal: Simulator) -> Callable[..., Result]:
    """Return a function that runs the command against the simulator."""

    def run(*arguments: str, **environ: str) -> Result:
        ready = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": portal.url, "SECRET_KEY": SECRET}
        ready["INTRANET_NETWORKS"] = "10.0.0.0/8"
        for name, value in {**ready, "AMOOT_DEADLINE": "1", **environ}.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(main, arguments)

    return run


def test_check_asks_the_portal_about_the_account(run: Callable[..., Result]) -> None:
    """One line says what it found."""
    result = run("check")
    assert result.exit_code == 0
    assert "حساب نمونه" in result.output
    assert result.output.count("\n") == 1


def test_check_calls_settings_fine_only_if_nothing_else_is_wrong(
    run: Callable[..., Result], portal: Simulator, tmp_path: Path
) -> None:
    """A file that is no database, and a token that is refused, are both reported."""
    portal.answer("Token_Expired")
    assert "Settings and forms are fine, but the portal said Token_Expired" in run("check").output
    (tmp_path / "outbox.sqlite3").write_text("no database")
    portal.answer("Token_Expired")
    said = run("check", STATE_DIRECTORY=str(tmp_path)).output
    assert "SQLITE_NOTADB" in said
    assert "\nThe portal said Token_Expired" in said
    assert "fine" not in said


@pytest.mark.parametrize("answer", ["Token_Expired", Fault.SILENT, Fault.HTML])
@pytest.mark.slow
def test_check_says_what_the_portal_answered(
    run: Callable[..., Result], portal: Simulator, answer: str | Fault
) -> None:
    """A bad token or a silent portal is an error, reported in one line without the token."""
    portal.answer(answer)
    result = run("check")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert TOKEN not in result.output


def test_check_names_every_fault_of_settings_and_forms(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """One message, before anything starts."""
    forms = tmp_path / "forms.toml"
    forms.write_text('[forms.x]\ntitle = "آ"\naccess = "nobody"\nfields = ["Nonsense"]\n')
    result = run("check", THREADS="x", BIND="x", FORMS_FILE=str(forms))
    assert result.exit_code == 1
    for part in ("THREADS", "BIND", "forms.toml:3", "Nonsense"):
        assert part in result.output


def test_check_in_demo_mode_makes_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token there is nothing to ask."""
    monkeypatch.delenv("AMOOT_TOKEN", raising=False)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 0
    assert "Demo mode" in result.output


def test_check_says_whether_alerts_are_set_up(run: Callable[..., Result]) -> None:
    """And sends nothing unless it is asked to."""
    assert "No alerts" in run("check").output
    with MailServer() as mailbox:
        result = run("check", ALERT_EMAIL="ops@example.ir", SMTP_URL=mailbox.url)
    assert (result.exit_code, mailbox.mails) == (0, [])
    assert "Alerts are set up; addresses: 1." in result.output
    assert result.output.count("\n") == 1


def test_check_sends_a_test_mail(run: Callable[..., Result]) -> None:
    """One line says that the server accepted it."""
    with MailServer() as mailbox:
        result = run("check", "--alert", ALERT_EMAIL="a@m.ir b@m.ir", SMTP_URL=mailbox.url)
    assert result.exit_code == 0
    assert "accepted the test mail; addresses: 2." in result.output
    assert result.output.count("\n") == 1
    assert mailbox.subjects == [alerts.TEST_SUBJECT]
    assert mailbox.text.strip() == alerts.TEST_TEXT


def test_check_sends_a_code_to_a_number(run: Callable[..., Result], portal: Simulator) -> None:
    """And says what came back."""
    result = run("check", "--verify", "+98 912 123 4567")
    (sent,) = portal.codes
    assert sent["Mobile"] == "09121234567"
    assert f"has sent the code {sent['Code']}" in result.output
    portal.respond_with = lambda asked: "Failed" if asked.path.endswith("OTP") else "Success"
    result = run("check", "--verify", "09121234567")
    assert result.exit_code == 1
    assert f"the portal said Failed: {alerts.CODE_STATUS_MESSAGES['Failed']}" in result.output
    portal.respond_with = lambda asked: Fault.HTTP_429 if asked.path.endswith("OTP") else "Success"
    result = run("check", "--verify", "09121234567")
    assert alerts.CODE_STATUS_MESSAGES["SlowDown"] in result.output
    assert run("check", "--verify", "021").exit_code == 2


def test_check_without_alerts_sends_no_test_mail(run: Callable[..., Result]) -> None:
    """It says which settings are missing."""
    result = run("check", "--alert")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "ALERT_EMAIL and SMTP_URL are not set" in result.output


def test_check_says_why_the_test_mail_was_not_sent(
    run: Callable[..., Result], portal: Simulator
) -> None:
    """By class and code, beside the portal's fault; no address, no password."""
    portal.answer("Token_Expired")
    with MailServer() as mailbox:
        url = mailbox.url.replace("//", "//sara:hush@")
        result = run("check", "--alert", ALERT_EMAIL="ops@example.ir", SMTP_URL=url)
        refused = run("check", "--alert", ALERT_EMAIL=f"a@m.ir,{REFUSED}", SMTP_URL=mailbox.url)
    assert result.exit_code == 1
    assert "Token_Expired" in result.output
    assert "The test mail was not sent: SMTPNotSupportedError: the server" in result.output
    assert "refused 1 of 2 addresses" in refused.output
    assert refused.exit_code == 1
    for secret in ("@", "hush", TOKEN):
        assert secret not in result.output + refused.output


def test_hash_prints_a_pair_for_intranet_users(run: Callable[..., Result]) -> None:
    """The setting reads it, and the password fits."""
    for name in ("sara k", "a:b", ""):
        assert run("hash-password", name, "--password", "x").exit_code == 2
    result = run("hash-password", "sara", "--password", "گذرواژه")
    users = Settings.from_env({"INTRANET_USERS": result.output.strip()}).intranet_users
    assert check_password_hash(users["sara"], "گذرواژه")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """Return an outbox with three contacts: rejected, held as a robot's, queued."""
    timing = Timing(deadline=timedelta(seconds=8), settle=timedelta(0))
    filled = Outbox(Database(f"sqlite:///{tmp_path}/outbox.sqlite3", secret_keys=(SECRET,)), timing)
    contact = Contact(Mobile="09121234567", FName="سارا", Labels=("ویژه", "سایت"))
    submission, _ = filled.add(contact, "aa" * 32, form="contact", send=True)
    filled.reject(submission, "Mobile_Invalid", erase=False)
    filled.hold(contact, "bb" * 32, form="news", reason="honeypot")
    filled.add(contact, "cc" * 32, form="contact", send=False)
    return filled


REJECTED, DOUBTFUL, QUEUED = (reference(two * 32) for two in ("aa", "bb", "cc"))


@pytest.mark.usefixtures("outbox")
def test_outbox_is_listed_without_personal_data(run: Callable[..., Result], tmp_path: Path) -> None:
    """A line an entry, oldest first: reference, moment, state, form and why."""
    listed = run("outbox", "list", STATE_DIRECTORY=str(tmp_path)).output
    lines = [line.split() for line in listed.splitlines()]
    assert [(line[0], *line[3:]) for line in lines] == [
        (REJECTED, "rejected", "contact", "Mobile_Invalid"),
        (DOUBTFUL, "held", "news", "honeypot"),
        (QUEUED, "queued", "contact"),
    ]
    assert "0912" not in listed


def test_one_submission_is_shown_with_its_contact(
    run: Callable[..., Result], outbox: Outbox, tmp_path: Path
) -> None:
    """And what to know about it."""
    shown = run("outbox", "show", REJECTED, STATE_DIRECTORY=str(tmp_path)).output
    assert "Mobile: 09121234567" in shown
    assert shown.count("Labels: ") == 2
    assert "may have it" not in shown
    (submission,) = outbox.claim(1)
    outbox.postpone(replace(submission, resent_without_lookup=True), timedelta(0), uncertain=True)
    shown = run("outbox", "show", QUEUED.lower(), STATE_DIRECTORY=str(tmp_path)).output
    assert "the portal may have it" in shown
    assert "without looking it up" in shown


def test_submissions_are_retried_and_discarded(
    run: Callable[..., Result], outbox: Outbox, tmp_path: Path
) -> None:
    """One by one, or all but what a robot may have sent."""
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    assert run("outbox", "retry", "--all", **environ).output == "Queued: 1.\n"
    assert run("outbox", "retry", "--all", **environ).output == "Queued: 0.\n"
    assert run("outbox", "retry", DOUBTFUL, **environ).exit_code == 0
    assert run("outbox", "discard", DOUBTFUL, **environ).exit_code == 1  # nobody confirmed
    assert run("outbox", "discard", "--yes", DOUBTFUL, **environ).exit_code == 0
    assert "0912" not in run("outbox", "show", DOUBTFUL, **environ).output
    for again in (["retry"], ["discard", "--yes"]):
        assert run("outbox", *again, DOUBTFUL, **environ).exit_code == 1
    assert run("outbox", "show", "AAAAAAAA", **environ).exit_code == 1
    for wrong in ((), (REJECTED, "--all")):
        assert run("outbox", "retry", *wrong, **environ).exit_code == 2
    assert [submission.reference for submission in outbox.claim(9)] == [REJECTED, QUEUED]


@pytest.mark.usefixtures("outbox")
def test_outbox_is_exported_for_another_program(run: Callable[..., Result], tmp_path: Path) -> None:
    """JSON, a contact a line, by the portal's names."""
    exported = run("outbox", "export", STATE_DIRECTORY=str(tmp_path)).output
    rows = [json.loads(line) for line in exported.splitlines()]
    assert [row["reference"] for row in rows] == [REJECTED, DOUBTFUL, QUEUED]
    assert rows[0]["status"] == "Mobile_Invalid"
    assert {row["Mobile"] for row in rows} == {"09121234567"}
    assert rows[2]["Labels"] == ["ویژه", "سایت"]
    assert set(FIELDS) <= rows[0].keys()


def test_database_out_of_reach_is_reported_in_one_line(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """No traceback."""
    (tmp_path / "outbox.sqlite3").write_text("no database")
    result = run("outbox", "list", STATE_DIRECTORY=str(tmp_path))
    assert (result.exit_code, result.output.count("\n")) == (1, 1)


def test_command_makes_no_outbox_of_its_own(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wrong setting, the command would report that nothing waits."""
    result = run("outbox", "list", STATE_DIRECTORY=str(tmp_path / "elsewhere"))
    assert (result.exit_code, "no outbox" in result.output) == (1, True)
    assert not (tmp_path / "elsewhere").exists()
    monkeypatch.delenv("AMOOT_TOKEN")
    monkeypatch.delenv("AMOOT_URL")
    result = CliRunner().invoke(main, ["outbox", "list"])
    assert (result.exit_code, "demo mode" in result.output) == (1, True)


@pytest.mark.slow
def test_serve_in_demo_mode_shows_what_the_simulator_received(tmp_path: Path) -> None:
    """Two workers, one simulator; a banner says that nothing leaves the machine."""
    with serve(tmp_path, WEB_CONCURRENCY="2", LOG_FORMAT="json") as server, requests.Session() as s:
        page = Html(s.get(server.url).text)
        assert "حالت نمایشی" in page.text("aside")
        assert "هنوز مخاطبی" in s.get(f"{server.url}/demo").text
        token = next(page.find("input", name="csrf_token"))[0]["value"]
        form = {"csrf_token": token, "Mobile": "۰۹۱۲۱۲۳۴۵۶۷", "FName": "سارا", "Labels": "ویژه"}
        sent = s.post(server.url, data=form)
        assert Html(sent.text).outcome == "delivered"
        received = Html(s.get(f"{server.url}/demo").text).text("main")
        assert "سارا" in received
        assert "۰۹۱۲۱۲۳۴۵۶۷" in received
    for line in server.log.read_text().splitlines():
        assert {"message", "levelname"} <= json.loads(line).keys()
    assert server.process.returncode == 0


@pytest.mark.slow
def test_serve_reports_what_is_wrong_and_does_not_start(tmp_path: Path) -> None:
    """The message names the faults, and is no traceback."""
    done = subprocess.run(
        [COMMAND, "serve"],
        env={"BIND": "x", "THREADS": "x", "HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert "BIND" in done.stderr
    assert "THREADS" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_module_runs_as_the_command() -> None:
    """`python -m webapp` is the same."""
    done = subprocess.run(
        [sys.executable, "-m", "webapp", "--version"], capture_output=True, check=True, text=True
    )
    assert VERSION in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_wheel_serves_the_page_with_its_styles_from_any_folder(
    tmp_path: Path, *, alone: bool
) -> None:
    """Built, installed, and started in `/`; at night with nothing but what is locked."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    folder, pip = tmp_path / "installed", [sys.executable, "-m", "pip"]
    options, environ = ["--quiet", "--no-compile"], {"WEB_CONCURRENCY": "1"}
    if alone:
        venv.create(folder)
        pip += [f"--python={folder}"]
        locked = ["--require-hashes", "--requirement", ROOT / "requirements.lock"]
        subprocess.run([*pip, "install", *options, *locked], check=True)
    else:
        options += ["--target", folder]
        environ["PYTHONPATH"] = str(folder)
    subprocess.run([*pip, "install", *options, "--no-deps", wheel], check=True)
    command = folder / "bin" / "amoot-form"
    with serve(tmp_path, command=command, cwd=Path("/"), **environ) as server:
        page = requests.get(server.url, timeout=30)
        assert "ثبت مخاطب" in page.text
        for link, _ in Html(page.text).find("link"):
            found = requests.get(server.url + str(link["href"]), timeout=30)
            assert found.status_code == 200
            assert "immutable" in found.headers["Cache-Control"]
        assert requests.get(f"{server.url}/f/signup", timeout=30).status_code == 200
