"""Makes single calls, and describes their answers without personal data."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp.portal.answers import find_status, parse_body, read_answer
from webapp.portal.base import PortalError
from webapp.portal.statuses import BY_NAME, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from webapp.portal.answers import Answer, Place
    from webapp.portal.client import AmootPortal
    from webapp.portal.transport import Response

_DATA: Final = ("ReturnValue", "Data", "Result")
_DEEPEST: Final = 4
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response of the portal, and what the program makes of it.

    Attributes:
        method: What was called.
        facts: HTTP status, shape and status of the response, in one line.
        answer: The success that the program reads; None if it reads none.
        error: What the program raises instead.
        outline: The keys and types of the response without its values, or "".
    """

    method: str
    facts: str
    answer: Answer | None = None
    error: PortalError | None = None
    outline: str = ""

    @property
    def status(self) -> str:
        """The status name; ours if the portal did not answer."""
        return self.error.status if self.error else SUCCESS

    def records(self) -> list[Mapping[str, object]]:
        """Return the records of a success; see `Answer.records`.

        Raises:
            PortalError: if it is none.
        """
        if self.error:
            raise self.error
        return self.answer.records() if self.answer else []


def ask(
    portal: AmootPortal, method: str, pairs: Sequence[tuple[str, str]] = (), *, mobile: str = ""
) -> Reply:
    """Make a call with the program's client; a portal that does not answer is a reply, too.

    Args:
        portal: The client.
        method: The name of the method.
        pairs: The form.
        mobile: The number of the contact that is sent, if one is.
    """
    began = time.monotonic()
    try:
        response = portal.call_raw(method, pairs)
    except PortalError as silence:
        facts = f"{silence.status}, {time.monotonic() - began:.1f} s"
        return Reply(method=method, facts=facts, error=silence)
    seconds = f"{time.monotonic() - began:.1f} s"
    outline = _outline(response)
    place = find_status(parse_body(response.body))
    error: PortalError | None = None
    answer: Answer | None = None
    try:
        answer = read_answer(response, mobile=mobile)
        place = answer.place
    except PortalError as raised:
        error = raised
    facts = ", ".join((*_describe(response, place), seconds))
    return Reply(method=method, facts=facts, answer=answer, error=error, outline=outline)


def _describe(response: Response, place: Place) -> Iterator[str]:
    """Yield HTTP status, shape, status with its place, and the kind of data of a response."""
    content = parse_body(response.body)
    yield f"HTTP {response.status_code}"
    yield _shape(content, response.body)
    yield f"{place.path} = {place.status}" if place.status else "no Status"
    inner = content[0] if isinstance(content, list) and len(content) == 1 else content
    if isinstance(inner, dict):
        yield from (f"{name}: {_kind(inner[name])}" for name in _DATA if name in inner)


def _shape(content: object, body: bytes) -> str:
    text = body.strip()
    if not text:
        return "empty"
    if content is None and text != b"null":
        return f"not UTF-8, {len(body)} bytes"
    if not isinstance(content, str) or text.startswith(b'"'):
        return f"JSON {_kind(content)}"
    if content.startswith("<"):
        return f"HTML, {len(body)} bytes"
    return f"text, {len(body)} bytes"


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "object"
        case list():
            return f"array of {len(value)}"
        case str():
            return "string"
    return "number"


def _outline(response: Response) -> str:
    """Return the keys and types of a JSON response, without its values."""
    content = parse_body(response.body)
    return json.dumps(_types(content, 0)) if isinstance(content, dict | list) else ""


def _types(value: object, depth: int) -> object:
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {
            name if _KEY.fullmatch(name) else "(key)": _types(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_types(item, depth + 1) for item in value[:1]] + ["..."] * (len(value) > 1)
    is_word = value is None or isinstance(value, bool) or value in (SUCCESS, *BY_NAME)
    return value if is_word else _kind(value)
