"""Codes by SMS of the real server with four workers, which is restarted."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from serving import Server, environ_of, serve
from support import Html, wait_until

from webapp.demo import Simulator

pytestmark = [pytest.mark.slow, pytest.mark.nightly]  # test_code_limits says it in process

FORMS = """
[forms.club]
title = "باشگاه"
access = "public"
fields = ["Mobile"]
verify = "sms"
"""
MOBILE = "09121234567"
GROUPS = ("0912000", "0912001")  # numbers of one network, and of many within a wide one
TIMEOUT_S = 60


def sign_up(server: Server, people: Sequence[tuple[str, str]]) -> None:
    """Sign up each of these people, a number and an address, over a connection of their own."""
    url = f"{server.url}/f/club"

    def token(_: object) -> str:
        page = Html(requests.get(url, timeout=TIMEOUT_S).text)
        return str(next(page.find("input", name="csrf_token"))[0]["value"])

    def post(token: str, mobile: str, sender: str) -> int:
        fields, origin = {"csrf_token": token, "Mobile": mobile}, {"X-Forwarded-For": sender}
        answer = requests.post(
            url, data=fields, headers=origin, allow_redirects=False, timeout=TIMEOUT_S
        )
        return answer.status_code

    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(token, people))
        # A form that is sent too fast for a person is refused, and not counted.
        wait_until(lambda: post(tokens[-1], *people[-1]) != requests.codes.unprocessable)
        list(threads.map(post, tokens[:-1], *zip(*people[:-1], strict=True)))


def test_number_gets_three_codes_of_four_workers_that_are_restarted(
    tmp_path: Path, portal: Simulator
) -> None:
    """And a network two, a wider one twice as many, whichever worker answers."""
    (tmp_path / "forms.toml").write_text(FORMS)
    environ = environ_of(portal.url, tmp_path, WEB_CONCURRENCY="4", TRUSTED_PROXIES="1")
    environ |= {"FORMS_FILE": str(tmp_path / "forms.toml"), "LIMIT_MOBILE": "999/hour"}
    environ |= {"LIMIT_CODE_MOBILE": "3/hour", "LIMIT_CODE_ADDRESS": "2/hour"}
    environ |= {"LIMIT_CODE_UNPROVEN": "999/hour"}
    number = [(MOBILE, f"2001:db8:{turn:x}::1") for turn in range(24)]
    network = [(f"0912000{turn:04}", f"2001:db9::{turn:x}") for turn in range(16)]
    wide = [(f"0912001{turn:04}", f"2001:dba:0:{turn:x}::1") for turn in range(16)]
    for _ in range(2):
        with serve(tmp_path, **environ) as server:
            sign_up(server, [*number, *network, *wide])
    sent = [dict(asked.pairs)["Mobile"] for asked in portal.requests if "OTP" in asked.path]
    groups = {group: sum(it.startswith(group) for it in sent) for group in (MOBILE, *GROUPS)}
    assert groups == {MOBILE: 3, "0912000": 2, "0912001": 4}
