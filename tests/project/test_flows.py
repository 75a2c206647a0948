"""The three ways of a contact in docs/architecture.md: each is traced in this process."""

import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from brought_files import post_file, token
from brought_files import written as written_file
from flask import Flask
from flask.testing import FlaskClient
from support import Page, solved, written

from webapp.demo import Simulator
from webapp.outbox import circuit_breaker
from webapp.web.rendering import EXTENSION
from webapp.web.security import proof_of_work

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
MAX_STEPS = 12

FORMS = """
[forms.contact]
title = "مخاطب"
access = "intranet"
fields = "all"
free_labels = true

[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
verify = "sms"
"""


class Trace(list[str]):
    """The modules of webapp that this thread has entered, in the order of their first entrance."""

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note the module of a call; its own code, which an import runs, is no function."""
        name = str(frame.f_globals.get("__name__", ""))
        if event == "call" and name.startswith("webapp.") and frame.f_code.co_name != "<module>":
            name = name.removeprefix("webapp.")
            if name not in self:
                self.append(name)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Trace this thread; what another test has left is not collected in it."""
        gc.disable()
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)
            gc.enable()


def steps(title: str) -> list[list[str]]:
    """Return the modules that each step of a numbered list names."""
    section = ARCHITECTURE.partition(f"### {title}\n")[2].partition("\n#")[0]
    listed = re.findall(r"^\d+\. (.*(?:\n   .*)*)", section, re.MULTILINE)
    return [[name for name in re.findall(r"`([a-z_.]+)`", step) if module(name)] for step in listed]


def module(name: str) -> bool:
    """Return whether this is a module of webapp."""
    path = ROOT / "webapp" / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def assert_listed(title: str, trace: Trace) -> None:
    """Assert that a list names the modules that ran, in their order, step by step."""
    listed = steps(title)
    assert 0 < len(listed) <= MAX_STEPS
    named = [name for step in listed for name in step]
    assert sorted(named) == sorted(trace), f"in the order of their entrance: {list(trace)}"
    step_of = {name: number for number, step in enumerate(listed, 1) for name in step}
    numbers = [step_of[name] for name in trace]
    assert numbers == sorted(numbers), [f"{step_of[name]}. {name}" for name in trace]


@pytest.fixture
def client(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a browser; what is cached stays so, and proofs of work are found at once."""
    monkeypatch.setattr(proof_of_work, "MAX_HASHES", 20)
    monkeypatch.setattr(circuit_breaker, "_CACHE_TTL_S", timedelta(days=1).total_seconds())
    return make_app(forms=FORMS, amoot_labels=0).test_client()


def operators_post(client: FlaskClient, mobile: str) -> Trace:
    """Return the trace of an operator's POST."""
    page, trace = Page(client), Trace()
    data = {"csrf_token": page.token, "Mobile": mobile, "FName": "سارا", "LName": "کاظمی"}
    with trace.running():
        assert client.post("/", data=data).status_code == 303
    return trace


def signup(client: FlaskClient, portal: Simulator, mobile: str) -> Trace:
    """Return the trace of a visitor's POST, and of the one with the code."""
    page, trace = Page(client, "/f/club"), Trace()
    proof = written(solved(str(next(page.html.find("form"))[0]["data-proof"])))
    data: dict[str, Any] = {"csrf_token": page.token, "Mobile": mobile, "proof": proof}
    with trace.running():
        step = client.post("/f/club", data=data).headers["Location"]
    code = {"Code": portal.codes[-1]["Code"]}
    with trace.running():
        assert "?r=" in client.post(step, data=code).headers["Location"]
    return trace


def imported(client: FlaskClient, mobile: str) -> Trace:
    """Return the trace of a file that is brought, begun, and sent as the worker does."""
    delivery, trace = client.application.extensions[EXTENSION].delivery, Trace()
    content, valid = written_file((mobile, "سارا", "", "")), token(client)
    with trace.running():
        answer = post_file(client, "/import", content, csrf_token=valid)
        client.post(answer.headers["Location"], data={"csrf_token": valid, "go": "1"})
        delivery.imports.feeder.enqueue_due_rows()
        for submission in delivery.outbox.claim(1):
            delivery.sender.attempt(submission)
    delivery.imports.feeder.enqueue_due_rows()
    return trace


def test_operators_post_runs_through_the_modules_that_its_list_names(
    client: FlaskClient, portal: Simulator
) -> None:
    """In the order of the steps, once the app is warm."""
    operators_post(client, "09120000001")
    trace = operators_post(client, "09120000002")
    assert len(portal.contacts) == 2
    assert_listed("An operator's POST", trace)
    assert len(trace) <= 24


def test_signup_with_a_code_runs_through_the_modules_that_its_list_names(
    client: FlaskClient, portal: Simulator
) -> None:
    """In the order of the steps, once the app is warm."""
    signup(client, portal, "09120000001")
    trace = signup(client, portal, "09120000002")
    assert len(portal.contacts) == 2
    assert_listed("A sign-up with a code", trace)


@pytest.mark.slow  # the file is read in a process of its own
def test_import_runs_through_the_modules_that_its_list_names(
    client: FlaskClient, portal: Simulator
) -> None:
    """In the order of the steps, once the app is warm."""
    imported(client, "09120000001")
    trace = imported(client, "09120000002")
    assert len(portal.contacts) == 2
    assert_listed("An import", trace)
