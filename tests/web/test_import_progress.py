"""The page of an import that was sent: what it says is true in each state."""

import pytest
from brought_files import brought, deliver, numbers, press
from flask.testing import FlaskClient
from support import Html

from webapp import messages
from webapp.demo import Simulator
from webapp.messages import imports as texts
from webapp.outbox.listing import Query
from webapp.persian import persian_number
from webapp.services import DeliveryServices

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("files_read_here")]

MANY = [(f"0912000{number:04}", "سارا", "", "") for number in range(30)]


def sent(client: FlaskClient, count: int = 30) -> str:
    """Send a file; return the address of its import."""
    path = brought(client, *MANY[:count])
    press(client, path, go="1")
    return path


def test_refused_rows_brought_again_are_not_called_recorded(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """They came before; a link leads to where they may need attention."""
    portal.respond_with = lambda _: "Mobile_Invalid"
    for _ in range(2):
        path = sent(client, 2)
        deliver(delivery)
    assert numbers(client, path, "sent", "refused", "known") == [0, 0, 2]
    page = Html(client.get(path).text)
    known = f"{texts.KNOWN.format(n=persian_number(2))} {messages.OUTBOX_LINK}"
    assert known in page.text(id="progress")
    assert "ثبت شده" not in known
    assert page.text("a", href="/outbox")


def test_discarded_rows_need_no_attention_any_more(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The report counted them for thirty days."""
    portal.answer("Mobile_Invalid", times=2)
    path = sent(client, 3)
    deliver(delivery)
    assert numbers(client, path, "sent", "refused") == [1, 2]
    assert delivery.outbox.listing.discard(Query()) == 2
    assert numbers(client, path, "sent", "refused") == [1, 0]
    page = Html(client.get(path).text)
    assert texts.DISCARDED.format(n="۲") in page.text(id="progress")
    assert next(page.find("progress"))[0]["value"] == "3"


@pytest.mark.parametrize("buttons", [{"pause": "1"}, {"cancel": "1", "confirm": "cancel"}])
def test_page_says_that_queued_rows_are_still_sent_and_can_be_renewed(
    client: FlaskClient, delivery: DeliveryServices, buttons: dict[str, str]
) -> None:
    """Until they have settled; no longer, or a paused import would be asked about for ever."""
    path = sent(client)
    delivery.imports.feeder.enqueue_due_rows()
    press(client, path, **buttons)
    page = Html(client.get(path).text)
    assert page.text(role="status").endswith(texts.STILL_SENT)
    assert page.text("noscript") == texts.RENEW_NUMBERS
    assert next(page.find(id="progress"))[0].keys() >= {"data-renews"}
    deliver(delivery)
    page = Html(client.get(path).text)
    assert texts.STILL_SENT not in page.text("main")
    assert not list(page.find("noscript"))
    assert "data-renews" not in next(page.find(id="progress"))[0]


def test_bar_of_a_cancelled_import_leaves_out_what_was_erased(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """It is full only if all rows have settled."""
    path = sent(client)
    delivery.imports.feeder.enqueue_due_rows()
    (waiting,) = numbers(client, path, "waiting")
    assert waiting == len(MANY)
    press(client, path, cancel="1", confirm="cancel")
    for _ in range(2):
        ((bar, _text),) = Html(client.get(path).text).find("progress")
        (done,) = numbers(client, path, "sent")
        assert (bar["max"], bar["value"]) == (str(len(MANY)), str(done))
        deliver(delivery)
    assert 0 < done < len(MANY)


def test_list_of_imports_shows_rows_that_came_before(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Else a file that is brought again seems to have no rows."""
    for _ in range(2):
        sent(client, 3)
        deliver(delivery)
    cells = [text for _, text in Html(client.get("/import").text).find("td")]
    assert cells[5:9] == list("۰۰۰۳")
    heads = [text for _, text in Html(client.get("/import").text).find("th")]
    assert heads[8] == texts.KNOWN_NUMBERS


def test_cancelling_asks_once_with_the_number_of_rows_that_are_erased(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Only the answer to the question erases rows. A preview is discarded at once."""
    path = sent(client)
    delivery.imports.feeder.enqueue_due_rows()
    left = len(MANY) - 8
    asked = press(client, path, cancel="1")
    page = Html(asked.text)
    assert asked.status_code == 200
    assert f'data-count="{left}"' in asked.text
    assert texts.CANCEL_MANY.format(n=persian_number(left)) in page.text("main")
    assert texts.STATES["running"] in client.get(path).text
    assert press(client, path, confirm="cancel").headers["Location"] == path
    assert texts.STATES["cancelled"] in client.get(path).text


def test_cancelling_asks_nothing_once_all_rows_are_in_the_outbox(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """In a tab that still shows the preview, which another one has sent: it asked about 0 rows."""
    path = sent(client, 3)
    delivery.imports.feeder.enqueue_due_rows()
    assert press(client, path, cancel="1").headers.get("Location") == path
    assert texts.STATES["running"] in client.get(path).text
