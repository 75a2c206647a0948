"""Email addresses: the shape is checked, and the commonest slip; no name server is asked."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

from webapp import messages
from webapp.persian.text import InvalidText, strip_invisible

# Slips of the finger for "com"; none of them is a top-level domain.
_SLIPS: Final = frozenset({"con", "cmo", "ocm", "comm", "coom", "vom", "xom", "cpm", "clm"})


def parse_email(text: str) -> str:
    """Return the address as the portal gets it, a Persian domain in its ASCII form.

    Raises:
        InvalidText: if it is no address, its local part is not Latin, or it ends in a slip.
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
    if ending in _SLIPS:
        raise InvalidText(messages.EMAIL_TYPO.format(suggestion=f"{rest}.com"))
    return address
