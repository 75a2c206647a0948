"""Reads the answers of SendQuickOTP and IsBlackList_ByCancelation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRAPPERS: Final = ("Data", "ReturnValue")
_SUCCESSES: Final = ("Success", "1", 1)
_CODE: Final = re.compile(r"[0-9]{1,8}")


def unwrap(content: object) -> object:
    """Return the answer of SendQuickOTP as one object, wherever the portal has put it.

    It stands in `Data` or `ReturnValue`, as an object or as the only item of an array, or at the
    top. If there are two statuses, the one that is no success counts.
    """
    whole = _only_item(content)
    if not isinstance(whole, dict):
        return whole
    inner = next(
        (it for name in _WRAPPERS if isinstance(it := _only_item(whole.get(name)), dict)), {}
    )
    merged = {**whole, **inner}
    if "Status" in whole and whole["Status"] not in _SUCCESSES:
        merged["Status"] = whole["Status"]
    return merged


def _only_item(content: object) -> object:
    return content[0] if isinstance(content, list) and len(content) == 1 else content


def sent_code(answer: Mapping[str, object], wanted: str) -> str:
    """Return the code that was sent; the one that was wanted if the answer names none."""
    code = answer.get("Code")
    text = "" if isinstance(code, bool) or not isinstance(code, str | int) else str(code).strip()
    # As a number it has lost the zeros in front.
    return text.zfill(len(wanted)) if _CODE.fullmatch(text) else wanted


def has_cancelled(answer: Mapping[str, object]) -> bool:
    """Return whether an answer of IsBlackList_ByCancelation says that a number is blocked."""
    data = answer.get("Data")
    items = data if isinstance(data, list) else [data]
    return any(isinstance(item, dict) and item.get("IsBlackList") is True for item in items)
