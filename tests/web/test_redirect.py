"""When the page around a frame follows `redirect`, and where to."""

from collections.abc import Callable

from flask import Flask
from support import Html

from webapp import messages
from webapp.forms.tokens import Receipt
from webapp.web.rendering import EXTENSION

FORMS = """
[forms.news]
title = "خبرنامه"
access = "public"
fields = ["Mobile"]
embed_origins = ["https://example.ir"]
redirect = "https://example.ir/thanks?ref={reference}&x={reference}"
"""
THANKS = "https://example.ir/thanks?ref=ABCD2345&x=ABCD2345"


def test_frame_is_left_only_after_a_delivery_without_a_notice(
    make_app: Callable[..., Flask],
) -> None:
    """What else the receipt says would not be read; the link goes on after it, in any case."""
    app = make_app(forms=FORMS)
    issue = app.extensions[EXTENSION].tokens.issue_receipt
    cases = {
        Receipt(result="delivered", reference="ABCD2345"): THANKS,
        Receipt(result="delivered", reference="ABCD2345", is_line_blocked=True): None,
        Receipt(result="queued", reference="ABCD2345"): None,
        Receipt(result="queued", reference="ABCD2345", is_held=True): None,
    }
    followed, links = {}, []
    for receipt in cases:
        html = Html(app.test_client().get(f"/embed/news/done?r={issue('news', receipt)}").text)
        ((message, _),) = html.find(data_outcome=receipt.result)
        followed[receipt] = message.get("data-redirect")
        links += [link["href"] for link, name in html.find("a") if name == messages.GO_ON]
    assert followed == cases
    assert links == [THANKS] * len(cases)
