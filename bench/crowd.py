"""Clients that fill in forms, and repeat what is not answered."""

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

from webapp.forms.tokens import MIN_AGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from requests import PreparedRequest

MARK = "نشان"  # every contact's first name, with its number
PATIENCE = 60  # seconds for which a client repeats what is not answered
TIMEOUTS = (0.5, 5, 5, 5)  # seconds that it waits for one answer; some click again soon
VERIFYING = "/f/club"  # the form that verifies numbers
HASTY = 0.05  # the share of clients that leave while they are asked for a code
CODE_PATIENCE = 5  # seconds for which they wait for a code
SENT_AGAIN = 0.2  # the share of the accepted submissions that are
FINAL = {HTTPStatus.OK, HTTPStatus.SEE_OTHER, HTTPStatus.UNPROCESSABLE_ENTITY}  # answers
FORM_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class TypedContact:
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
    """Clients that fill in the form, and send it until they are answered.

    Attributes:
        accepted: The contacts that were.
        unverified: Those whose number nobody has verified, where it had to be.
        results: The result that each got, as the report names it.
    """

    def __init__(
        self,
        urls: Sequence[str],
        seed: int,
        events: list[str],
        *,
        verified: float = 0,
        codes: Callable[[], Sequence[Mapping[str, str]]] = list,
    ) -> None:
        """Set up the crowd.

        Args:
            urls: The addresses of the servers.
            seed: Where chance comes from.
            events: Where the names of what happens go.
            verified: The share of people whose form verifies their number.
            codes: Returns the codes that were sent, newest last.
        """
        self.accepted: list[TypedContact] = []
        self.unverified: list[TypedContact] = []
        self._verified = verified
        self._codes = codes
        self.results: list[str] = []
        self._urls = urls
        self._seed = seed
        self._events = events

    def submit(self, contact: TypedContact) -> None:
        """Send a contact until it is answered; some are sent again after that."""
        random = Random(f"{self._seed} {contact.number}")
        if random.random() < self._verified:
            result = self._submit_verified(contact, random)
            (self.accepted if result == "verified" else self.unverified).append(contact)
            self.results.append(result)
            self._events.append(result)
            return
        page = self._ask(requests.Request("GET", self._urls[0]).prepare(), random)
        post = _filled_in(page.text, contact, random) if page else None
        result = _meaning(self._ask(post, random)) if post else "gave_up"
        if result == "accepted":
            self.accepted.append(contact)
            if random.random() < SENT_AGAIN:
                self._send_again(post, random)
        self.results.append(result)
        self._events.append(result)

    def _submit_verified(self, contact: TypedContact, random: Random) -> str:
        """Send a contact whose number is verified; say what came of it."""
        page = self._ask(_request("GET", VERIFYING), random)
        if page is None:
            return "gave_up"
        time.sleep(MIN_AGE.total_seconds() + 0.1)
        token = unescape(FORM_TOKEN.findall(page.text)[0])
        form = {"Mobile": f"0912{contact.number}", "FName": contact.typed["FName"]}
        answer = self._ask(_request("POST", VERIFYING, form | {"csrf_token": token}), random)
        location = answer.headers.get("Location", "") if answer is not None else ""
        if random.random() < HASTY:
            return "unverified"
        if "/code?" not in location:  # a lost answer may have sent the code all the same
            return "unverified"
        return self._type_code(location, form["Mobile"], random)

    def _type_code(self, path: str, mobile: str, random: Random) -> str:
        expires = time.monotonic() + CODE_PATIENCE
        while time.monotonic() < expires:
            sent = [code["Code"] for code in self._codes() if code["Mobile"] == mobile]
            if not sent:
                time.sleep(0.2)
                continue
            if random.random() < SENT_AGAIN:
                wrong = f"{int(sent[-1]) % 90_000 + 10_000}"
                self._ask(_request("POST", path, {"Code": wrong}), random)
            posts = [_request("POST", path, {"Code": sent[-1]})] * random.choice((1, 1, 3))
            with ThreadPoolExecutor(len(posts)) as threads:
                answers = list(threads.map(lambda post: self._ask(post, random), posts))
            receipts = [
                it for it in answers if it is not None and "?r=" in it.headers.get("Location", "")
            ]
            if receipts:
                return "verified"
            return "gave_up" if None in answers else "rejected"
        return "unverified"

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


def _request(method: str, path: str, data: Mapping[str, str] | None = None) -> PreparedRequest:
    return requests.Request(method, f"http://localhost{path}", data=data).prepare()


def _filled_in(page: str, contact: TypedContact, random: Random) -> requests.PreparedRequest:
    """Return the form as a browser sends it, in either of the two encodings."""
    fields = contact.typed | {"csrf_token": unescape(FORM_TOKEN.findall(page)[0])}
    parts = {name: (None, value) for name, value in fields.items()}
    body = random.choice(({"data": fields}, {"files": parts}))
    return requests.Request("POST", "http://localhost/", **body).prepare()


def _send(request: requests.PreparedRequest, url: str, timeout: float) -> requests.Response | None:
    request = request.copy()
    request.url = url.rstrip("/") + (request.path_url if request.path_url != "/" else "/")
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment would be another machine
        try:
            return session.send(request, timeout=timeout, allow_redirects=False)
        except requests.RequestException:
            return None


def _meaning(answer: requests.Response | None) -> str:
    """Return the result that a person got, as the report names it."""
    if answer is None:
        return "gave_up"
    if answer.status_code == HTTPStatus.SEE_OTHER:
        return "accepted"
    if 'data-outcome="rejected"' not in answer.text:
        raise RuntimeError(f"the form was not understood: {answer.text}")
    return "rejected"
