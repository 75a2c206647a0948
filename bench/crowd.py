"""People who fill in the operators' form, and do not give up easily."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from random import Random
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = "نشان"  # every contact's first name, with its number
PATIENCE = 60  # seconds for which a client repeats what is not answered
TIMEOUTS = (0.5, 5, 5, 5)  # seconds that it waits for one answer; some click again soon
SENT_AGAIN = 0.2  # the share of the accepted submissions that are
FINAL = {HTTPStatus.OK, HTTPStatus.SEE_OTHER, HTTPStatus.UNPROCESSABLE_ENTITY}  # answers
FORM_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class Contact:
    """A contact with a number of seven digits, by which its traces are known."""

    number: int

    @property
    def typed(self) -> dict[str, str]:
        """What a person types."""
        name = f"{MARK}{self.number}"
        return {"Mobile": f"0912{self.number}", "FName": name, "Labels": "ویژه"}

    @property
    def stored(self) -> tuple[int, str]:
        """What the portal makes of it."""
        return 98912 * 10**7 + self.number, f"{MARK}{self.number}"


class Crowd:
    """People who fill in the form, and send it until they are answered.

    Attributes:
        accepted: The contacts that were.
        results: What each was told.
    """

    def __init__(self, urls: Sequence[str], seed: int, events: list[str]) -> None:
        """Take the addresses of the form, and where the names of what happens go."""
        self.accepted: list[Contact] = []
        self.results: list[str] = []
        self._urls = urls
        self._seed = seed
        self._events = events

    def submit(self, contact: Contact) -> None:
        """Send a contact until it is answered; some are sent again after that."""
        random = Random(f"{self._seed} {contact.number}")
        page = self._ask(requests.Request("GET", self._urls[0]).prepare(), random)
        post = _filled_in(page.text, contact, random) if page else None
        result = _meaning(self._ask(post, random)) if post else "gave_up"
        if result == "accepted":
            self.accepted.append(contact)
            if random.random() < SENT_AGAIN:
                self._send_again(post, random)
        self.results.append(result)
        self._events.append(result)

    def _send_again(self, post: requests.PreparedRequest, random: Random) -> None:
        """Send what was accepted once more, or several times at the same moment."""
        posts = [post] * random.choice((1, 3))
        with ThreadPoolExecutor(len(posts)) as threads:
            for answer in threads.map(lambda post: self._ask(post, random), posts):
                self._events.append("sent_again")
                if _meaning(answer) != "accepted":
                    self._events.append("answered_otherwise")

    def _ask(self, request: requests.PreparedRequest, random: Random) -> requests.Response | None:
        """Send a request, now to this server and now to that, until it is answered for good."""
        expires = time.monotonic() + PATIENCE
        while time.monotonic() < expires:
            answer = _send(request, random.choice(self._urls), random.choice(TIMEOUTS))
            if answer is not None and answer.status_code in FINAL:
                return answer
            if request.method == "POST":
                self._events.append("repeated")
            time.sleep(random.uniform(0, 1))
        return None


def _filled_in(page: str, contact: Contact, random: Random) -> requests.PreparedRequest:
    """Return the form as a browser sends it, in either of the two encodings."""
    fields = contact.typed | {"csrf_token": unescape(FORM_TOKEN.findall(page)[0])}
    parts = {name: (None, value) for name, value in fields.items()}
    body = random.choice(({"data": fields}, {"files": parts}))
    return requests.Request("POST", "http://localhost/", **body).prepare()


def _send(request: requests.PreparedRequest, url: str, timeout: float) -> requests.Response | None:
    request = request.copy()
    request.url = url
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment would be another machine
        try:
            return session.send(request, timeout=timeout, allow_redirects=False)
        except requests.RequestException:
            return None


def _meaning(answer: requests.Response | None) -> str:
    """Say what a person was told, as the report names it."""
    if answer is None:
        return "gave_up"
    if answer.status_code == HTTPStatus.SEE_OTHER:
        return "accepted"
    if 'data-outcome="rejected"' not in answer.text:
        raise RuntimeError(f"the form was not understood: {answer.text}")
    return "told_rejected"
