"""What several tests share: a page as a person without script sees it, and a full contact."""

import base64
import importlib
import inspect
import json
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest
from altcha import Challenge, Payload, solve_challenge
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from webapp import messages
from webapp.contact import FIELDS, FieldKind
from webapp.outbox.rows import WAITING
from webapp.services import DeliveryServices

# Every module with texts that a person reads.
MESSAGE_MODULES = (
    messages,
    *(
        importlib.import_module(f"{messages.__name__}.{module.name}")
        for module in pkgutil.iter_modules(messages.__path__)
    ),
)

# For a test whose portal never answers, or in which a lease expires.
short_deadline = pytest.mark.parametrize("deadline", [1.0], ids=["one-second"])

TOKEN = "t0ken-of-the-tests"
SECRET = "key-of-the-tests-of-32-characters"


class Example(NamedTuple):
    """A value of a kind, as it is typed, held, sent, and shown to an operator."""

    typed: str
    value: Any
    sent: str
    shown: str


# Of a row of each kind but the labels, of which a portal has one row.
EXAMPLES = {
    FieldKind.TEXT: Example(" كتاب  ", "کتاب", "کتاب", "کتاب"),
    FieldKind.LINES: Example("یک\r\nدو", "یک\nدو", "یک\nدو", "یک\nدو"),
    FieldKind.EMAIL: Example("a@EXAMPLE.com", "a@example.com", "a@example.com", "a@example.com"),
    FieldKind.DATE: Example("۱۳۶۹/۷/۱۵", date(1990, 10, 7), "1990-10-07", "یکشنبه ۱۵ مهر ۱۳۶۹"),
    FieldKind.GENDER: Example(typed="false", value=False, sent="false", shown="خانم"),
    FieldKind.MOBILE: Example("۰۹۳۵۱۱۱۲۲۳۳", "09351112233", "09351112233", "۰۹۳۵۱۱۱۲۲۳۳"),
    FieldKind.ACTIVE: Example(typed="true", value=True, sent="true", shown="بله"),
}

_TYPED: Mapping[str, str | Sequence[str]] = {
    "Mobile": "+۹۸ (۹۱۲) ۱۲۳-۴۵۶۷",
    "FName": "  علي‌رضا ",
    "LName": "كاظمي",
    "GenderType": "true",
    "CompanyTitle": "شرکت نمونهٔ ایران",
    "JobTitle": "مدیر فروش",
    "Email": "Ali@Example.com",
    "CityName": "تهران",
    "AddressText": "خیابان آزادی\nپلاک ۱۲، واحد ۳",
    "BornDate": "۱۵ مهر ۱۳۶۹",
    "AnniversaryDate": "۱۳۹۵/۳/۲۴",
    "CustomText1": "الف",
    "CustomText2": "ب",
    "CustomText3": "پ",
    "CustomText4": "ت",
    "CustomText5": "ث",
    "CustomText6": "ج",
    "CustomDate1": "۱۴۰۴/۰۵/۲۳",
    "CustomDate2": "14040524",
    "CustomDate3": "2025-08-16",
    "Labels": ["مشتری", "ویژه، نمایشگاه ۱۴۰۵"],
    "Active": "true",
}
_SENT: Mapping[str, str | list[str]] = {
    "Active": "true",
    "Mobile": "09121234567",
    "FName": "علی‌رضا",
    "LName": "کاظمی",
    "GenderType": "true",
    "CompanyTitle": "شرکت نمونهٔ ایران",
    "JobTitle": "مدیر فروش",
    "Email": "Ali@example.com",
    "CityName": "تهران",
    "AddressText": "خیابان آزادی\nپلاک ۱۲، واحد ۳",
    "BornDate": "1990-10-07",
    "AnniversaryDate": "2016-06-13",
    "CustomText1": "الف",
    "CustomText2": "ب",
    "CustomText3": "پ",
    "CustomText4": "ت",
    "CustomText5": "ث",
    "CustomText6": "ج",
    "CustomDate1": "2025-08-14",
    "CustomDate2": "2025-08-15",
    "CustomDate3": "2025-08-16",
    "Labels": ["مشتری", "ویژه", "نمایشگاه ۱۴۰۵"],
}

# Rows that the field table has beside those above.
FURTHER = {name: EXAMPLES[row.kind] for name, row in FIELDS.items() if name not in _TYPED}
# What an operator types in every row of the field table, and what of it the portal stores.
FULL_FORM = {**_TYPED, **{name: it.typed for name, it in FURTHER.items()}}
FULL_SENT = {"ContactGroupID": "0"} | {
    name: FURTHER[name].sent if name in FURTHER else _SENT[name] for name in FIELDS
}

Attributes = dict[str, str | None]

# Invisible marks that isolate the direction of a value; see `tests/web/test_directions.py`.
ISOLATES = dict.fromkeys((0x2068, 0x2069))

_VOID = frozenset({"br", "img", "input", "link", "meta"})


class Html(HTMLParser):
    """A page, read strictly: an end tag that does not fit is an error.

    Attributes:
        elements: Every element: its tag, its attributes, and the text below it.
    """

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.elements: list[tuple[str, Attributes, list[str]]] = []
        self._open: list[tuple[str, Attributes, list[str]]] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {[element[0] for element in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in <{tag}>"
        element: tuple[str, Attributes, list[str]] = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop()[0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        """Give the text to all that is open."""
        for element in self._open:
            element[2].append(data)

    def find(self, tag: str = "", **attributes: str) -> Iterator[tuple[Attributes, str]]:
        """Yield attributes and text of the elements that fit; `_` in a name stands for `-`."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attributes.items()}
        for name, found, text in self.elements:
            if tag in ("", name) and wanted.items() <= found.items():
                yield found, " ".join("".join(text).translate(ISOLATES).split())

    def text(self, tag: str = "", **attributes: str) -> str:
        """Return the text of the first element that fits."""
        for _, text in self.find(tag, **attributes):
            return text
        wanted = " ".join([tag, *(f"{name}={value}" for name, value in attributes.items())])
        titles, said = ([text for _, text in self.find(name)] for name in ("title", "body"))
        pytest.fail(f"The page {titles} has no {wanted.strip()}; it says: {said}")

    @property
    def outcome(self) -> str | None:
        """What the page says of the outcome."""
        found = [attributes["data-outcome"] for _, attributes, _ in self.elements
                 if "data-outcome" in attributes]  # fmt: skip
        assert len(found) <= 1
        return found[0] if found else None

    @property
    def selected(self) -> list[str]:
        """The texts of the selected options."""
        return [text for attributes, text in self.find("option") if "selected" in attributes]

    @property
    def values(self) -> dict[str, list[str]]:
        """What a browser would send of the form as it stands."""
        values: dict[str, list[str]] = {}
        for attributes, text in [*self.find("input"), *self.find("textarea")]:
            kind = attributes.get("type")
            if kind in ("checkbox", "radio") and "checked" not in attributes:
                continue
            values.setdefault(str(attributes["name"]), []).append(attributes.get("value") or text)
        return values


class Page:
    """A form in a browser without script."""

    def __init__(self, client: FlaskClient, path: str = "/") -> None:
        """Open the form."""
        self.client = client
        self.path = path
        self.html = Html(client.get(path).text)

    @property
    def token(self) -> str:
        """The rendered form's token."""
        return str(next(self.html.find("input", name="csrf_token"))[0]["value"])

    def send(self, *, follow: bool = True, **fields: Any) -> TestResponse:
        """Fill in some fields, submit, and see what comes."""
        data = {"csrf_token": self.token, **fields}
        response = self.client.post(self.path, data=data, follow_redirects=follow)
        if response.text:
            self.html = Html(response.text)
        return response

    def error(self, name: str) -> str:
        """Return the message at a field."""
        return self.html.text(id=f"{name}-error")


def hashed(password: str) -> str:
    """Return a password as the settings have it; the program makes hashes that take longer."""
    return generate_password_hash(password, "pbkdf2:sha256:1")


def solved(challenge: str) -> dict[str, Any]:
    """Solve a proof of work's challenge as the library itself does."""
    asked = Challenge.from_dict(json.loads(challenge))
    solution = solve_challenge(asked)
    assert solution is not None
    return Payload(asked, solution).to_dict()


def written(answer: object) -> str:
    """Write a proof's answer as a browser sends it."""
    return base64.b64encode(json.dumps(answer).encode()).decode()


def wait_until(condition: Callable[[], bool], seconds: float = 60, *, what: str = "") -> None:
    """Wait until a condition holds; fail after a time that suffices for a busy machine.

    Args:
        condition: What is waited for.
        seconds: How long.
        what: The same in words, for the failure; by default, its source.
    """
    __tracebackhide__ = True
    expires = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > expires:
            said = what or inspect.getsource(condition).strip()
            pytest.fail(f"Not within {seconds} s: {said}")
        time.sleep(0.02)


@contextmanager
def working(*several: DeliveryServices) -> Iterator[None]:
    """Let their workers run."""
    for delivery in several:
        delivery.worker.start()
    try:
        yield
    finally:
        for delivery in several:
            delivery.worker.stop()
        for delivery in several:
            delivery.worker.join()


def deliver_all(delivery: DeliveryServices) -> None:
    """Let the worker run until nothing waits in the outbox."""
    with working(delivery):
        wait_until(
            lambda: not delivery.outbox.review.count(WAITING, most=1),
            what="the worker has sent all that waits in the outbox",
        )
