"""Email addresses as people type them."""

import pytest
from tables import each

from webapp import messages
from webapp.persian import InvalidText, parse_email


@each(
    ("typed", "sent"),
    [
        ("ali@example.com", "ali@example.com"),
        (" Ali.Kazemi+news@Example.COM\u200f", "Ali.Kazemi+news@example.com"),
        ("ali۱۲@example.com", "ali12@example.com"),
        ("info@مثال.ایران", "info@xn--mgbh0fb.xn--mgba3a4f16a"),
        ("ali@gmail.cm", "ali@gmail.cm"),
    ],
)
def test_address_is_sent_in_ascii(typed: str, sent: str) -> None:
    """Invisible characters go, digits are folded, a Persian domain is encoded."""
    assert parse_email(typed) == sent


@each(
    ("typed", "message"),
    [
        ("ali", messages.EMAIL_SHAPE),
        ("ali@", messages.EMAIL_SHAPE),
        ("@example.com", messages.EMAIL_SHAPE),
        ("ali@example", messages.EMAIL_SHAPE),
        ("a b@example.com", messages.EMAIL_SHAPE),
        ("ali@@example.com", messages.EMAIL_SHAPE),
        ("ali@example.com\0", messages.EMAIL_SHAPE),
        ("ali@exa\ud800mple.com", messages.EMAIL_SHAPE),
        ("ali@" + "a" * 64 + ".com", messages.EMAIL_SHAPE),
        ("علی@example.com", messages.EMAIL_NOT_LATIN),
        ("علی", messages.EMAIL_SHAPE),
    ],
)
def test_what_is_no_address_is_refused_with_its_reason(typed: str, message: str) -> None:
    """The message says what to do, and what was meant where a person would see it."""
    with pytest.raises(InvalidText) as caught:
        parse_email(typed)
    assert caught.value.args[0] == message
