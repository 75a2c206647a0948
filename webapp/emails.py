"""Email addresses: the shape alone is checked, no name server is asked."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from webapp import wording
from webapp.persian import InvalidText, strip_invisible


def parse_email(text: str) -> str:
    """Return the address as the portal gets it, a Persian domain in its ASCII form.

    Raises:
        InvalidText: if it is no address, or its local part is not Latin.
    """
    text = strip_invisible(text)
    local, _, _ = text.rpartition("@")
    if not local.isascii():
        raise InvalidText(wording.EMAIL_NOT_LATIN)
    try:
        checked = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise InvalidText(wording.EMAIL_SHAPE) from None
    return str(checked.ascii_email)
