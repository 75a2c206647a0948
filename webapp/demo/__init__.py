"""A simulator of the portal, over real HTTP on loopback: for demo mode and for tests.

It answers ContactCreate, ContactSearch, ContactEdit, ContactDelete, ContactGroupList,
AccountStatus, SendQuickOTP and IsBlackList_ByCancelation as documented, takes the reference's own
samples as their languages send them, and fails on demand in every way that a network can. Where the
reference is silent, a profile decides; by default it is strict: a form with a missing key or a
value of a wrong type gets HTTP 400, and a second contact with the same number is stored as a second
contact.

Another process controls it over the same port:

    GET    /standin/contacts   the stored contacts, as JSON
    DELETE /standin/contacts   delete them, the codes and the planned answers
    GET    /standin/codes      the codes that were sent, as JSON
    POST   /standin/answer     form fields answer=<status or fault> and times=<n>

In the demo, some mobile numbers get an error: see `DEMO_NUMBERS`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import re
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urljoin
from urllib.request import ProxyHandler, build_opener

from webapp.demo.faults import (
    FAULTS,
    NOT_ALLOWED,
    PLAIN,
    PROFILES,
    BrokenAnswer,
    Fault,
    Profile,
    SimulatedAnswer,
    json_answer,
    page,
    status_answer,
)
from webapp.demo.http import Captured, HttpServer, utc_now
from webapp.demo.model import (
    ALWAYS_REJECTED,
    DEMO_NUMBERS,
    CodeShape,
    InvalidFormError,
    Phonebook,
    StatusError,
    code_answer,
    code_fits,
    created_answer,
    edited_record,
    found_answer,
    group_list,
    normal_mobile,
    public_record,
    read_form,
    split_labels,
)

MAX_KEPT: Final = 1000
DEMO_TOKEN: Final = "demo"  # noqa: S105  accepted only by a simulator on loopback
_BASE: Final = "/rest/"
_CREATE: Final = "ContactCreate"
_BACKGROUND: Final = "ContactGroupList"
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMES: Final = re.compile(r"[0-9]{1,4}")


class Simulator:
    """The simulator, serving from `start` to `close`, or as a context manager.

    Attributes:
        requests: The requests, newest last.
        mood: Called for each request without a planned answer; returns what `answer` accepts.
        delay: Seconds until `APPLIED_LATE` stores a contact.
        latency: Seconds before a regular answer is sent; the contact is stored before.
        profile: How it answers where the reference is silent.
        code_shape: Where the answer of SendQuickOTP stands.
        blocked: The lines that each number, as it is typed, has blocked.
    """

    def __init__(self, *, token: str, port: int = 0, kept: int = MAX_KEPT) -> None:
        """Set it up; `start` serves.

        Args:
            token: The valid token.
            port: Of 127.0.0.1; 0 for any free one.
            kept: How many contacts, and how many requests, it keeps.
        """
        self.requests: deque[Captured] = deque(maxlen=kept)
        self.mood: Callable[[Captured], str | Fault | SimulatedAnswer] | None = None
        self.delay = 0.5
        self.latency = 0.0
        self.profile = PROFILES["strict"]
        self.code_shape = CodeShape.DATA
        self.blocked: dict[str, set[str]] = {}
        self._codes: deque[dict[str, str]] = deque(maxlen=kept)
        self._token = token
        self._port = port
        self._phonebook = Phonebook(kept)
        self._messages = itertools.count(1)
        self._queue: deque[str | Fault | SimulatedAnswer] = deque()
        self._shown: set[str] = set()
        self._methods: Mapping[str, Callable[[Captured], SimulatedAnswer | BrokenAnswer]] = {
            _CREATE: self._create,
            "ContactSearch": self._search,
            "ContactEdit": self._edit,
            "ContactDelete": self._delete,
            _BACKGROUND: self._group_list,
            "AccountStatus": self._account_status,
            "SendQuickOTP": self._send_code,
            "IsBlackList_ByCancelation": self._is_blocked,
        }
        self._lock = threading.Lock()
        self._server: HttpServer | None = None

    def start(self) -> Self:
        """Bind the port and serve in a thread."""
        server = HttpServer(("127.0.0.1", self._port), self._answer)
        self._port = server.server_address[1]
        self._server = server
        threading.Thread(
            target=server.serve_forever, args=(0.02,), name="simulator", daemon=True
        ).start()
        return self

    def close(self) -> None:
        """Stop serving, and end every call under way."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    @property
    def url(self) -> str:
        """The base URL for the client."""
        return f"http://127.0.0.1:{self._port}/rest/"

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """The stored contacts, newest last.

        In the portal's format, plus their labels, which the portal does not return.
        """
        with self._lock:
            return [
                {**public_record(contact), "Labels": contact["Labels"]}
                for contact in self._phonebook.contacts(utc_now())
            ]

    @property
    def codes(self) -> list[dict[str, str]]:
        """The codes that were sent, newest last, each with its number as it was typed."""
        with self._lock:
            return [dict(code) for code in self._codes]

    def purge(self) -> None:
        """Delete contacts, requests and planned answers; restore the defaults."""
        with self._lock:
            for memory in (self._phonebook, self.requests, self._queue, self._shown):
                memory.clear()
            self._codes.clear()
            self.blocked.clear()
        self.mood = None
        self.latency = 0.0
        self.profile = PROFILES["strict"]
        self.code_shape = CodeShape.DATA

    def answer(self, what: str | Fault | SimulatedAnswer, times: int = 1) -> None:
        """Plan the answers of the next calls: a status name, a fault, or a whole answer.

        "Success" is a regular answer, so that a fault can hit a later call. ContactGroupList, which
        is called in the background at any time, uses none of them up: `mood` can answer it.
        """
        with self._lock:
            self._queue.extend(itertools.repeat(what, times))

    def _answer(self, request: Captured) -> SimulatedAnswer | BrokenAnswer:
        is_control = request.path.startswith("/standin/")
        return self.control(request) if is_control else self.respond(request)

    def respond(self, request: Captured) -> SimulatedAnswer | BrokenAnswer:
        """Return the answer to a request to the portal."""
        self.requests.append(request)
        method = request.path.removeprefix(_BASE)
        if not request.path.startswith(_BASE) or method not in self._methods:
            return page(404)
        if request.method != "POST":
            return page(405)
        planned = self._plan(request, method)
        if planned == "Success":
            regular = self._serve(request, method)
            time.sleep(self.latency)  # outside the lock
            return regular
        if isinstance(planned, str):
            return self._error(method, planned)
        answer = FAULTS[planned] if isinstance(planned, Fault) else planned
        if answer.applies:
            after = dt.timedelta(seconds=self.delay if planned is Fault.APPLIED_LATE else 0)
            regular = self._serve(replace(request, at=request.at + after), method)
            if isinstance(answer, SimulatedAnswer) and isinstance(regular, SimulatedAnswer):
                return replace(regular, body=answer.body + regular.body)
        return answer

    def _plan(self, request: Captured, method: str) -> str | Fault | SimulatedAnswer:
        with self._lock:
            if self._queue and method != _BACKGROUND:
                return self._queue.popleft()
        mood = self.mood
        return mood(request) if mood else "Success"

    def _serve(self, request: Captured, method: str) -> SimulatedAnswer | BrokenAnswer:
        """Return the regular answer."""
        if self.profile.http_status != HTTPStatus.OK:
            return SimulatedAnswer(
                b'{"Message": "The request is denied."}', self.profile.http_status
            )
        given = request.headers.get("Authorization")
        if given != self._token:
            return self._error(method, "Token_Invalid" if given else "Token_NotExists")
        if method in self.profile.instead:
            return self._error(method, self.profile.instead[method])
        try:
            with self._lock:
                return self._methods[method](request)
        except InvalidFormError:
            return SimulatedAnswer(b'{"Message": "The request is invalid."}', 400)
        except StatusError as error:
            return self._error(method, str(error))

    def _error(self, method: str, status: str) -> SimulatedAnswer:
        """Return the answer of a method that fails."""
        if method == _CREATE:
            return created_answer(self.profile.shape, status)
        if method == "AccountStatus":  # some methods answer an error with its bare name
            return SimulatedAnswer(status.encode(), content_type=PLAIN)
        return status_answer(status)

    def _create(self, request: Captured) -> SimulatedAnswer | BrokenAnswer:
        values = read_form(request.pairs, self.profile)
        planned = self._demo_answer(values["Mobile"])
        if planned is not None and not planned.applies:
            return planned
        contact = self._phonebook.create(values, self.profile, request.at)
        return planned or created_answer(self.profile.shape, "Success", public_record(contact))

    def _edit(self, request: Captured) -> SimulatedAnswer:
        number, pairs = _contact_number(request)
        values = read_form(pairs, self.profile, edits=True)
        contact = self._phonebook.edit(number, values, self.profile, request.at)
        return json_answer({"Status": "Success", "Data": edited_record(contact)})

    def _delete(self, request: Captured) -> SimulatedAnswer:
        number, _ = _contact_number(request)
        self._phonebook.delete(number, request.at)
        return json_answer({"ReturnValue": True, "Status": "Success"})

    def _demo_answer(self, mobile: int) -> SimulatedAnswer | BrokenAnswer | None:
        typed = str(mobile).replace("98", "0", 1)
        planned = DEMO_NUMBERS.get(typed)
        if planned is None or typed in self._shown:
            self._shown.discard(typed)
            return None
        if planned not in ALWAYS_REJECTED:
            self._shown.add(typed)
        return FAULTS[planned] if isinstance(planned, Fault) else status_answer(planned)

    def _search(self, request: Captured) -> SimulatedAnswer:
        wanted = dict(request.pairs)
        mobile = normal_mobile(wanted.get("Mobile", ""))
        labels = split_labels(wanted.get("Labels", ""))
        if labels and self.profile.labels == "refused":
            raise StatusError(NOT_ALLOWED)
        seen = self._phonebook.contacts(request.at - dt.timedelta(seconds=self.profile.lag))
        found = [contact for contact in seen if contact["Mobile"] == mobile]
        if labels and self.profile.labels == "found":
            found = [contact for contact in found if set(labels) & set(contact["Labels"])]
        return found_answer(found, self.profile)

    def _group_list(self, request: Captured) -> SimulatedAnswer:
        groups = group_list(self._phonebook.contacts(request.at))
        return json_answer({"Status": "Success", "Data": groups})

    def _account_status(self, _: Captured) -> SimulatedAnswer:
        account = {"AccountName": "حساب نمونه", "RemaindCredit": 25000}
        return json_answer({"Status": "Success", **account})

    def _send_code(self, request: Captured) -> SimulatedAnswer | BrokenAnswer:
        wanted = dict(request.pairs)
        if wanted.keys() != {"Mobile", "CodeLength", "OptionalCode"}:
            raise InvalidFormError
        mobile = normal_mobile(wanted["Mobile"])
        if mobile is None:
            raise StatusError("Mobile_Invalid")
        if not code_fits(wanted["CodeLength"], wanted["OptionalCode"]):
            raise StatusError("Length_Invalid")
        if planned := self._demo_answer(mobile):
            return planned
        sent = {"Mobile": wanted["Mobile"], "Code": wanted["OptionalCode"]}
        self._codes.append(sent)
        return json_answer(code_answer(self.code_shape, next(self._messages), **sent))

    def _is_blocked(self, request: Captured) -> SimulatedAnswer:
        wanted = dict(request.pairs)
        mobile, line = (wanted.get(name, "") for name in ("Mobile", "LineNumber"))
        found = {"Number": mobile, "IsBlackList": line in self.blocked.get(mobile, ())}
        return json_answer({"Status": "Success", "LineNumber": line, "Data": [found]})

    def control(self, request: Captured) -> SimulatedAnswer:
        """Return the answer to a request under /standin/."""
        match request.method, request.path:
            case "GET", "/standin/contacts":
                return json_answer(self.contacts)
            case "GET", "/standin/codes":
                return json_answer(self.codes)
            case "DELETE", "/standin/contacts":
                self.purge()
                return json_answer([])
            case "POST", "/standin/answer":
                form = dict(request.pairs)
                name, times = form.get("answer", ""), form.get("times", "1")
                if not _WORD.fullmatch(name) or not _TIMES.fullmatch(times):
                    return SimulatedAnswer(b"answer=<status or fault>&times=<n>", 400, PLAIN)
                self.answer(Fault[name] if name in Fault.__members__ else name, int(times))
                return json_answer([])
            case _:
                return page(404)


def _contact_number(request: Captured) -> tuple[str, list[tuple[str, str]]]:
    """Return the ContactID of a form, and the rest of the form."""
    numbers = [text for name, text in request.pairs if name == "ContactID"]
    if len(numbers) != 1:
        raise InvalidFormError
    return numbers[0], [pair for pair in request.pairs if pair[0] != "ContactID"]


def run(*, port: int, token: str, profile: Profile = PROFILES["strict"]) -> None:
    """Serve until the standard input ends, as it does when the parent dies, or SIGTERM.

    Args:
        port: Of 127.0.0.1; 0 for any free one.
        token: The valid token.
        profile: How it answers where the reference is silent.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Simulator(token=token, port=port) as simulator:
        simulator.profile = profile
        sys.stdout.write(f"{simulator.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.buffer.read()


def received(url: str) -> list[dict[str, Any]]:
    """Return the contacts that the simulator at this address has stored, newest last."""
    return _ask(url, "/standin/contacts")


def sent_codes(url: str) -> list[dict[str, Any]]:
    """Return the codes that the simulator at this address has sent, newest last."""
    return _ask(url, "/standin/codes")


def _ask(url: str, path: str) -> list[dict[str, Any]]:
    direct = build_opener(ProxyHandler({}))  # no proxy of the environment: it is another machine
    with direct.open(urljoin(url, path), timeout=2) as answer:
        items: list[dict[str, Any]] = json.load(answer)
    return items
