"""What Chromium does with a form: the headers it sends, the fields it fills in, its cookies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')
_ADDRESS = re.compile(rb'(?:href|src)="([^"]+)"')

_BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW1"
_HEADERS = """\
sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
Chrome/140.0.0.0 Safari/537.36
Accept-Encoding: gzip
Accept-Language: fa-IR,fa;q=0.9,en;q=0.8
"""
_ACCEPT_PAGE = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@dataclass(frozen=True, kw_only=True)
class FormTarget:
    """A form's place.

    Attributes:
        origin: The server's scheme, host and port.
        path: The form's path.
        framed_by: The origin of the site in whose frame the form stands, or "".
    """

    origin: str
    path: str
    framed_by: str = ""

    def get(self, path: str, cookie: str, *, follows: bool = False) -> bytes:
        """Return the request for a page.

        Args:
            path: What is asked for.
            cookie: What the browser keeps for this server.
            follows: Whether the form's POST led here.
        """
        referrer = f"{self.origin}{self.path}" if follows else f"{self.framed_by}/"
        where = "same-origin" if follows else "cross-site" if self.framed_by else "none"
        more = {"Referer": referrer} if follows or self.framed_by else {}
        return self._request(f"GET {path}", self._navigation(where) | more | _cookie(cookie))

    def post(self, body: bytes, content_type: str, cookie: str) -> bytes:
        """Return the request that sends the form."""
        more = {
            "Cache-Control": "max-age=0",
            "Origin": self.origin,
            "Referer": f"{self.origin}{self.path}",
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
        }
        headers = self._navigation("same-origin") | more | _cookie(cookie)
        return self._request(f"POST {self.path}", headers) + body

    def load(self, path: str) -> bytes:
        """Return the request for a style sheet, a script, a font or a picture of a page."""
        headers = {
            "Accept": "*/*",
            "Referer": f"{self.origin}{self.path}",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "no-cors",
            "Sec-Fetch-Dest": "style",
        }
        return self._request(f"GET {path}", headers)

    def _navigation(self, where: str) -> dict[str, str]:
        return {
            "Upgrade-Insecure-Requests": "1",
            "Accept": _ACCEPT_PAGE,
            "Sec-Fetch-Site": where,
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-User": "?1",
            "Sec-Fetch-Dest": "iframe" if self.framed_by else "document",
        }

    def _request(self, line: str, headers: Mapping[str, str]) -> bytes:
        host = self.origin.partition("://")[2]
        head = f"{line} HTTP/1.1\nHost: {host}\nConnection: keep-alive\n{_HEADERS}"
        head += "".join(f"{name}: {value}\n" for name, value in headers.items())
        return f"{head}\n".replace("\n", "\r\n").encode()


def _cookie(cookie: str) -> dict[str, str]:
    return {"Cookie": cookie} if cookie else {}


class CookieJar:
    """The cookies of one browser for one server, kept and dropped as the server says."""

    def __init__(self) -> None:
        """Begin without any."""
        self._cookies: dict[str, str] = {}

    def take(self, set_cookies: Iterable[str]) -> None:
        """Take the values of an answer's Set-Cookie headers."""
        for text in set_cookies:
            pair, *attributes = text.split(";")
            name, _, value = pair.strip().partition("=")
            if any(attribute.strip().lower() == "max-age=0" for attribute in attributes):
                self._cookies.pop(name, None)
            else:
                self._cookies[name] = value

    @property
    def header(self) -> str:
        """What a request's Cookie header says, or ""."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())


@dataclass(frozen=True, slots=True)
class Control:
    """An input of a form.

    Attributes:
        name: Its name.
        value: What it holds when the page is shown.
        is_box: Whether it is a checkbox or a radio button, and sent only where it is ticked.
        is_ticked: Whether it is.
    """

    name: str
    value: str
    is_box: bool = False
    is_ticked: bool = False


class FormParser(HTMLParser):
    """Reads the first form of a page.

    Attributes:
        controls: Its inputs, in their order.
        is_multipart: Whether it is sent as multipart/form-data.
    """

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.controls: list[Control] = []
        self.is_multipart = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an input."""
        given = {name: value or "" for name, value in attrs}
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "form":
            self.is_multipart = given.get("enctype") == "multipart/form-data"
        elif tag == "input" and kind in ("checkbox", "radio"):
            box = Control(name, given.get("value", "on"), is_box=True, is_ticked="checked" in given)
            self.controls.append(box)
        elif tag in ("input", "textarea", "select") and name:
            # Nothing of what the benchmark fills in is a list with another choice than the first,
            # whose value is "", or a text area that holds a text.
            self.controls.append(Control(name, given.get("value", "")))

    def filled_in(
        self, typed: Mapping[str, str], ticked: Mapping[str, Collection[str]]
    ) -> list[tuple[str, str]]:
        """Return the pairs that a browser sends.

        Args:
            typed: What a person types, or chooses from a list, by the input's name.
            ticked: The values of the boxes that they tick, by the boxes' name; all others of that
                name are not. Boxes whose name is not here stay as they were shown.
        """
        pairs = []
        for control in self.controls:
            if not control.is_box:
                pairs.append((control.name, typed.get(control.name, control.value)))
            elif (
                control.value in ticked[control.name]
                if control.name in ticked
                else control.is_ticked
            ):
                pairs.append((control.name, control.value))
        return pairs


def encode(pairs: Iterable[tuple[str, str]], *, is_multipart: bool) -> tuple[bytes, str]:
    """Return a body and its content type."""
    if not is_multipart:
        return urlencode(list(pairs)).encode(), "application/x-www-form-urlencoded"
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in pairs
    ]
    body = "".join([*parts, f"--{_BOUNDARY}--\r\n"])
    return body.encode(), f"multipart/form-data; boundary={_BOUNDARY}"


def form_token(page: bytes) -> bytes:
    """Return the token in a page's form; it holds no letter that HTML or an address escapes.

    Raises:
        ValueError: if there is none.
    """
    if match := _TOKEN.search(page):
        return match[1]
    raise ValueError("no form token in the page")


def resources(page: bytes) -> list[str]:
    """Return what a page in a frame lets a browser load; a frame's icon is not shown."""
    tags = re.findall(rb"<(?:link|script)\b[^>]*>", page)
    addresses = [_ADDRESS.search(tag) for tag in tags if b'rel="icon"' not in tag]
    return list(dict.fromkeys(match[1].decode() for match in addresses if match))
