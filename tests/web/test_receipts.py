"""The looks of visitors' receipts."""

from flask.testing import FlaskClient
from support import Page

from webapp import messages
from webapp.demo import Simulator

MOBILE = "0912000000{}"


def test_delivered_received_and_held_submissions_differ_by_their_sign_and_say_what_comes_next(
    client: FlaskClient, portal: Simulator
) -> None:
    """As the portal stores a contact, fails, or refuses it without a reason that a person mends."""
    seen = {}
    for number, status in enumerate(("Success", "ServerError", "Length_Invalid")):
        portal.mood = lambda _, status=status: status
        page = Page(client, "/f/signup")
        page.send(Mobile=MOBILE.format(number), FName="سارا", consent="true")
        ((receipt, said),) = page.html.find("div", role="status")
        seen[status] = str(receipt["class"]), said
    looks, said = zip(*seen.values(), strict=True)
    assert len(set(looks)) == 3
    for text, wanted in zip(
        said, ("سپاسگزاریم", messages.RECEIVED_PUBLIC, messages.HELD_PUBLIC), strict=True
    ):
        assert wanted in text
