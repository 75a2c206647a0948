"""Named checks of text fields: numbers that Iranian organisations use."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from email_validator import EmailNotValidError, validate_email

from webapp import messages
from webapp.persian.text import InvalidText, is_punctuation, plain, strip_invisible, without


class Check(enum.StrEnum):
    """The name of a check, as `forms.toml` has it."""

    NATIONAL_CODE = "national-code"
    POSTAL_CODE = "postal-code"
    LANDLINE = "landline"
    DIGITS = "digits"


_NATIONAL_CODE: Final = re.compile(r"(?!(\d)\1{9})\d{10}")  # ten equal digits are no code
_POSTAL_CODE: Final = re.compile(r"[1-9]\d{9}")
_LANDLINE: Final = re.compile(r"0[1-8]\d{9}")
_MODULUS: Final = 11


def check_text(check: Check, text: str, *, caption: str) -> str:
    """Check a text, and return its digits as ASCII without separators.

    Args:
        check: Which check.
        text: What was typed, not empty.
        caption: The field's caption, for the message.

    Raises:
        InvalidText: if it does not pass.
    """
    digits = without(is_punctuation, plain(text))
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidText(messages.DIGITS_ONLY.format(caption=caption))
    is_right, message = _CHECKS[check]
    if not is_right(digits):
        raise InvalidText(message.format(caption=caption))
    return digits


def _is_national_code(digits: str) -> bool:
    """Tell whether the tenth digit is the check digit of the nine before it."""
    if not _NATIONAL_CODE.fullmatch(digits):
        return False
    weighted = sum(
        int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)
    )
    rest = weighted % _MODULUS
    return int(digits[-1]) == (rest if rest < 2 else _MODULUS - rest)  # noqa: PLR2004  the rule's own


_CHECKS: Final[Mapping[Check, tuple[Callable[[str], object], str]]] = MappingProxyType(
    {
        Check.NATIONAL_CODE: (_is_national_code, messages.NATIONAL_CODE_WRONG),
        Check.POSTAL_CODE: (_POSTAL_CODE.fullmatch, messages.POSTAL_CODE_WRONG),
        Check.LANDLINE: (_LANDLINE.fullmatch, messages.LANDLINE_WRONG),
        Check.DIGITS: (bool, ""),
    }
)


# Typing errors for "com"; none of them is a top-level domain.
_COM_TYPOS: Final = frozenset({"con", "cmo", "ocm", "comm", "coom", "vom", "xom", "cpm", "clm"})
# Where most people in Iran have their mail.
_MAIL_DOMAINS: Final = (
    *("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com"),
    *("ymail.com", "protonmail.com", "chmail.ir", "mihanmail.ir"),
)
_LIKENESS: Final = 0.84  # of "gmial.com", "gmail.co" and "yaho.com" at least
_DIFFERENT: Final = frozenset({"mail.com", "email.com", "mail.ir", "cloud.com"})


def parse_email(text: str) -> str:
    """Return the address, with a Persian domain in its ASCII form.

    Raises:
        InvalidText: if it is no address, or its local part is not Latin.
    """
    text = strip_invisible(text)
    local, _, _ = text.rpartition("@")
    if not local.isascii():
        raise InvalidText(messages.EMAIL_NOT_LATIN)
    try:
        checked = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError:
        raise InvalidText(messages.EMAIL_SHAPE) from None
    return str(checked.ascii_email)


def suggest_email(address: str) -> str:
    """Return the address that was perhaps meant, by its domain; "" if nothing is conspicuous."""
    local, _, domain = address.rpartition("@")
    rest, _, ending = domain.rpartition(".")
    meant = f"{rest}.com" if ending in _COM_TYPOS else domain
    if meant not in _DIFFERENT:
        close = difflib.get_close_matches(meant, _MAIL_DOMAINS, n=1, cutoff=_LIKENESS)
        meant = next(iter(close), meant)
    return "" if meant == domain else f"{local}@{meant}"
