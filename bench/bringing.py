"""Brings a spreadsheet to a server as an operator does, and follows it."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import requests

from webapp.contact import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_NUMBERS = re.compile(r'data-(state|rows-[a-z]+)="(\w+)"')
_TIMEOUT_S = 120


def written(rows: Iterable[Mapping[str, str]]) -> bytes:
    """Return contacts, by API name, as a CSV file with the fields' labels."""
    lines = list(rows)
    names = list(lines[0])
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([FIELDS[name].caption for name in names])
    writer.writerows([line[name] for name in names] for line in lines)
    return file.getvalue().encode()


def bring(url: str, content: bytes) -> str:
    """Upload a file; return the address of its preview.

    Raises:
        RequestException, IndexError: if the server was not there, or answered otherwise.
    """
    start = urljoin(url, "/import")
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(start, timeout=_TIMEOUT_S).text
        response = session.post(
            start,
            data={"csrf_token": unescape(_TOKEN.findall(page)[0])},
            files={"file": ("rows.csv", content)},
            timeout=_TIMEOUT_S,
            allow_redirects=False,
        )
        if response.status_code != HTTPStatus.SEE_OTHER:
            raise requests.RequestException(f"not accepted: {response.status_code}")
        return urljoin(url, response.headers["Location"])


def send(preview: str) -> None:
    """Press the button of a preview; once more does no harm.

    Raises:
        RequestException, IndexError: as `bring`.
    """
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(preview, timeout=_TIMEOUT_S).text
        fields = {"csrf_token": unescape(_TOKEN.findall(page)[0]), "go": "1"}
        session.post(preview, data=fields, timeout=_TIMEOUT_S).raise_for_status()


def numbers(address: str) -> dict[str, str]:
    """Return the state and the numbers of rows that an import's page states."""
    return dict(_NUMBERS.findall(requests.get(address, timeout=_TIMEOUT_S).text))
