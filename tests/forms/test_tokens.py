"""Form tokens, by themselves and on the page."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from support import FULL_FORM, SECRET, Page
from tables import each

from webapp import messages
from webapp.demo import Simulator
from webapp.forms import tokens
from webapp.forms.tokens import LIFETIME, InvalidToken, Tokens

MOBILE = "09121234567"


def test_token_says_which_form_and_when() -> None:
    """What was issued is read back; two tokens differ."""
    own = Tokens(["k"])
    token = own.read(own.issue("contact"), form="contact")
    assert token.form == "contact"
    assert timedelta(0) <= datetime.now(UTC) - token.shown_at < timedelta(seconds=3)
    assert not token.is_too_young
    assert token.nonce != own.read(own.issue("contact"), form="contact").nonce


def test_rotated_key_still_reads_and_a_lost_one_does_not() -> None:
    """The newest key signs, older ones are accepted."""
    old, both, new = Tokens(["old"]), Tokens(["new", "old"]), Tokens(["new"])
    assert both.read(old.issue("f"), form="f")
    assert new.read(both.issue("f"), form="f")
    with pytest.raises(InvalidToken):
        new.read(old.issue("f"), form="f")


@each("change", [lambda t: t[:-1], lambda t: "x" + t, lambda t: t.swapcase()])
def test_tampered_token_is_refused(change: Callable[[str], str]) -> None:
    """Any change breaks the signature."""
    own = Tokens(["k"])
    with pytest.raises(InvalidToken):
        own.read(change(own.issue("f")), form="f")


@each("text", ["", ".", "a.b.c", "سلام", "\0", "x" * 5000])
def test_rubbish_is_refused(text: str) -> None:
    """For any text, only InvalidToken is raised."""
    with pytest.raises(InvalidToken):
        Tokens(["k"]).read(text, form="f")


@each("shape", [[], ["f"], ["f", "n", "s"], ["f", "n", "s", "x"], ["f", "n", "s", 1e300], 5, None])
def test_token_of_another_shape_is_refused(shape: object) -> None:
    """Signed by our key, but by another version: the form comes back, with everything typed."""
    other = URLSafeTimedSerializer("k", salt="form token").dumps(shape)
    with pytest.raises(InvalidToken):
        Tokens(["k"]).read(str(other), form="f")


@pytest.fixture
def expired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every token be too old."""
    monkeypatch.setattr(tokens, "LIFETIME", timedelta(seconds=-1))


def test_token_lives_for_half_a_day() -> None:
    """A page that an operator left open over lunch still works."""
    assert timedelta(hours=12) == LIFETIME


def _refused_tokens(page: Page) -> list[str | None]:
    foreign = Tokens(["another key"]).issue("contact")
    other_form = Tokens([SECRET]).issue("signup")
    return [None, "", "nonsense", page.token[:-2], foreign, other_form]


def test_bad_token_brings_the_form_back_with_everything_typed(
    page: Page, portal: Simulator
) -> None:
    """Missing, tampered, foreign or another form's: 422, nothing sent, a fresh token that works."""
    for token in _refused_tokens(page):
        response = page.send(**{**FULL_FORM, "csrf_token": token})
        assert response.status_code == 422
        assert messages.FORM_EXPIRED in page.html.text(role="alert")
        assert page.html.values["Mobile"] == [FULL_FORM["Mobile"]]
        assert page.html.values["AddressText"] == ["خیابان آزادی پلاک ۱۲، واحد ۳"]
    assert not portal.requests
    assert page.send(**FULL_FORM).status_code == 200
    assert page.html.outcome == "delivered"


@pytest.mark.usefixtures("expired")
def test_expired_token_brings_the_form_back_with_everything_typed(
    page: Page, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed is kept, and the fresh token works."""
    assert page.send(Mobile=MOBILE, FName="علی").status_code == 422
    assert messages.FORM_EXPIRED in page.html.text(role="alert")
    assert page.html.values["FName"] == ["علی"]
    monkeypatch.undo()
    assert page.send(Mobile=MOBILE, FName="علی").status_code == 200
    assert len(portal.contacts) == 1


def test_rotated_key_does_not_disturb_open_pages(make_app: Callable[..., Flask]) -> None:
    """A form rendered before the rotation is accepted after it."""
    page = Page(make_app(secret_keys=("old",)).test_client())
    page.client = make_app(secret_keys=("new", "old")).test_client()
    assert page.send(Mobile=MOBILE).status_code == 200
