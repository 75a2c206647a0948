"""Reads email addresses: checks the syntax and common typing errors, without DNS."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

from webapp import messages
from webapp.persian.text import InvalidText, strip_invisible

# Typing errors for "com"; none of them is a top-level domain.
_COM_TYPOS: Final = frozenset({"con", "cmo", "ocm", "comm", "coom", "vom", "xom", "cpm", "clm"})


def parse_email(text: str) -> str:
    """Return the address, with a Persian domain in its ASCII form.

    Raises:
        InvalidText: if it is no address, its local part is not Latin, or it ends in a typing error.
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
    address = str(checked.ascii_email)
    rest, _, ending = address.rpartition(".")
    if ending in _COM_TYPOS:
        raise InvalidText(messages.EMAIL_TYPO.format(suggestion=f"{rest}.com"))
    return address
