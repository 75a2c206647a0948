"""Reads what SendQuickOTP and IsBlackList_ByCancelation answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from webapp.portal.answers import Answer

_CODE: Final = re.compile(r"[0-9]{1,8}")


def sent_code(answer: Answer, wanted: str) -> str:
    """Return the code that was sent; the one that was wanted if the answer names none."""
    code = answer.get("Code")
    text = "" if isinstance(code, bool) or not isinstance(code, str | int) else str(code).strip()
    # As a number it has lost the zeros in front.
    return text.zfill(len(wanted)) if _CODE.fullmatch(text) else wanted


def has_cancelled(answer: Answer) -> bool:
    """Return whether an answer of IsBlackList_ByCancelation says that a number is blocked."""
    return any(item.get("IsBlackList") is True for item in answer.objects())
