"""Reads mobile numbers of Iran, in all common spellings."""

from __future__ import annotations

import re
from typing import Final

from webapp import messages
from webapp.persian.text import (
    InvalidText,
    is_punctuation,
    persian_digits,
    plain,
    without,
)

_MOBILE_LENGTH: Final = 11
_MOBILE: Final = re.compile(r"09\d{9}")
# With the area's code, with it but without its zero, and without it.
_LANDLINE: Final = re.compile(r"0[1-8]\d{6,9}|[1-8]\d{9}|[2-8]\d{7}")
_INTERNATIONAL: Final = re.compile(r"(?:\++(?:00)?|00)(?P<rest>[1-9]\d*)")
_IRAN: Final = "98"
_EXTENSION: Final = re.compile(r"(?<=[\d+])(?:;?ext(?:n|ension)?|x|#|داخلی?)[:=#]?\d+$")
_DIGITS: Final = re.compile(r"\d+")
_WHOLE_NUMBER: Final = 8  # digits in a row: a landline's, the shortest number people write
_TWO_NUMBERS: Final = 20  # digits: no number has more than 15 (E.164), and two mobiles have 20


def parse_mobile(text: str) -> str:
    """Read an Iranian mobile number in any spelling that people and phone books use.

    Any `09` and nine digits will do: lists of operators' prefixes age and refuse real people.

    Args:
        text: What was typed.

    Returns:
        The number as `09xxxxxxxxx`.

    Raises:
        InvalidText: if it is empty, several numbers, not a number, foreign, a landline, of the
            wrong length, or has an extension.
    """
    spelled = plain(text).casefold().removeprefix("tel:")
    if _holds_several(spelled):
        raise InvalidText(messages.MOBILE_SEVERAL)
    compact = without(is_punctuation, spelled)
    number = _EXTENSION.sub("", compact)
    mobile = _checked_mobile(_national(number))
    if number != compact:
        raise InvalidText(messages.MOBILE_EXTENSION)
    return mobile


def _holds_several(text: str) -> bool:
    """Tell several numbers from the groups of one, whatever stands between them."""
    lengths = [len(run) for run in _DIGITS.findall(text)]
    whole = sum(length >= _WHOLE_NUMBER for length in lengths)
    return whole > 1 or (len(lengths) > 1 and sum(lengths) >= _TWO_NUMBERS)


def _national(number: str) -> str:
    """Return the number as it is dialled within Iran, from digits and perhaps a plus."""
    if number.endswith("+"):  # pasted into right-to-left text, a plus moves to the end
        number = "+" + number.strip("+")
    local = number.lstrip("+")
    if not local:
        raise InvalidText(messages.MOBILE_EMPTY)
    if not _DIGITS.fullmatch(local):
        raise InvalidText(messages.MOBILE_LETTERS)
    if international := _INTERNATIONAL.fullmatch(number):
        return _without_country_code(international["rest"])
    if local.startswith(_IRAN) and len(local) >= _MOBILE_LENGTH:
        return _without_country_code(local)
    if local.startswith("9") and len(local) == _MOBILE_LENGTH - 1:
        return "0" + local
    return local


def _without_country_code(number: str) -> str:
    if not number.startswith(_IRAN):
        raise InvalidText(messages.MOBILE_FOREIGN)
    rest = number.removeprefix(_IRAN)
    if not rest:
        raise InvalidText(messages.MOBILE_EMPTY)
    return "0" + rest.removeprefix("0")


def _checked_mobile(number: str) -> str:
    if _MOBILE.fullmatch(number):
        return number
    if _LANDLINE.fullmatch(number):
        raise InvalidText(messages.MOBILE_LANDLINE)
    if len(number) < _MOBILE_LENGTH:
        raise InvalidText(messages.MOBILE_SHORT.format(n=persian_digits(len(number))))
    if len(number) > _MOBILE_LENGTH:
        raise InvalidText(messages.MOBILE_LONG)
    raise InvalidText(messages.MOBILE_FOREIGN)  # eleven digits that begin as no Iranian number does
