"""Reads what a simulator in another process has received and sent."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin
from urllib.request import ProxyHandler, build_opener


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
