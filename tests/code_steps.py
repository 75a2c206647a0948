"""The step that asks for the code sent by SMS, as a person without script takes it."""

from typing import Any

from flask.testing import FlaskClient
from support import Html, Page, solved, written
from werkzeug.test import TestResponse

from webapp.demo import Simulator
from webapp.services import DeliveryServices
from webapp.web.rendering import EXTENSION

MOBILE = "09121234567"
TYPED = {
    "Mobile": MOBILE,
    "FName": "سارا",
    "BornDate-day": "۱۵",
    "BornDate-month": "مهر",
    "BornDate-year": "۱۳۶۹",
    "Labels": "صبح",
    "consent": "true",
}


class Step(Page):
    """The code step of a submission.

    Attributes:
        answer: The answer that led here.
        sent: What was sent for it.
    """

    def __init__(self, client: FlaskClient, path: str = "/f/club", **fields: Any) -> None:
        """Sign up at this path, with a proof of work."""
        super().__init__(client, path)
        form = next(self.html.find("form"))[0]
        proof = written(solved(str(form["data-proof"])))
        self.sent = {"csrf_token": self.token, "proof": proof, **TYPED, **fields}
        self.answer = client.post(path, data=self.sent)
        self.url = self.answer.headers.get("Location", "")
        self.open()

    def open(self) -> TestResponse:
        """Open the step, or reload it."""
        response = self.client.get(self.url, follow_redirects=True)
        self.html = Html(response.text)
        return response

    def press(self, **fields: str) -> TestResponse:
        """Send one of the step's forms; see the form again where the number is to be changed."""
        response = self.client.post(self.url, data=fields)
        if "change" in fields:
            response = self.client.get(response.headers["Location"])
        if response.text:
            self.html = Html(response.text)
        return response

    @property
    def buttons(self) -> list[str]:
        """The names of the buttons, "code" for the one that sends a code."""
        return [str(it.get("name", "code")) for it, _ in self.html.find("button")]


def code_of(portal: Simulator) -> str:
    """Return the code that was sent last."""
    return str(portal.codes[-1]["Code"])


def wrong(code: str) -> str:
    """Return another code of the same length."""
    return code[:-1] + str((int(code[-1]) + 1) % 10)


def delivery(client: FlaskClient) -> DeliveryServices:
    """Return what stands behind the pages."""
    found: DeliveryServices = client.application.extensions[EXTENSION].delivery
    return found


def elapse(client: FlaskClient, seconds: int) -> None:
    """Let time pass for the codes."""
    with delivery(client).database.write() as connection:
        for column in ("resend_at", "expires_at", "created_at", "verified_until"):
            connection.exec_driver_sql(
                f"UPDATE codes SET {column} = datetime({column}, '{-seconds} seconds') || '.000000'"  # noqa: S608
            )
