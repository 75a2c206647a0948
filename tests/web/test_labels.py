"""Labels that exist: suggested to operators, asked about if spelt otherwise, never public."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import TOKEN, Html, Page
from tables import each

from webapp import messages
from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.gunicorn_worker import HttpWorker
from webapp.phonebook import LabelList
from webapp.portal.client import AmootPortal
from webapp.server import _post_worker_init
from webapp.web.rendering import EXTENSION

MOBILE = "09121234567"
FORMS = """
[forms.desk]
title = "میز"
access = "intranet"
fields = ["Mobile", "FName", "Labels"]
label_choices = ["مشتری"]
free_labels = true

[forms.fixed]
title = "بی برچسب آزاد"
access = "intranet"
fields = ["Mobile", "Labels"]
label_choices = ["مشتری"]

[forms.open]
title = "همگانی"
access = "public"
fields = ["Mobile", "Labels"]
label_choices = ["کارگاه"]
embed_origins = ["https://example.ir"]
"""

Store = Any  # stores contacts, each with these labels, and fetches the list


@pytest.fixture
def forms(tmp_path: Path) -> Path:
    """Return a file with a form of each kind."""
    file = tmp_path / "forms.toml"
    file.write_text(FORMS)
    return file


@pytest.fixture
def app(make_app: Callable[..., Flask], forms: Path) -> Flask:
    """Return an app with these forms."""
    return make_app(forms_file=forms)


@pytest.fixture
def labels(app: Flask) -> LabelList:
    """Return the app's list of labels, which a test fetches."""
    app.extensions[EXTENSION].delivery.database.check_writable()
    found: LabelList = app.extensions[EXTENSION].delivery.labels
    return found


@pytest.fixture
def store(portal: Simulator, labels: LabelList) -> Store:
    """Return a function that stores contacts with labels, and fetches the list."""
    client = AmootPortal(url=portal.url, token=TOKEN, deadline=10)

    def store(*contacts: tuple[str, ...]) -> None:
        for names in contacts:
            client.create_contact(Contact(Mobile=MOBILE, Labels=names))
        labels.refresh()

    return store


def suggested(html: Html) -> list[str | None]:
    """Return the suggestions of a page, in their order."""
    return [option["value"] for option, _ in html.find("option")]


def asked(html: Html) -> dict[str | None, bool]:
    """Return the answers that the question about spelling offers, and which is preselected."""
    radios = html.find("input", name="Labels-use")
    return {radio["value"]: "checked" in radio for radio, _ in radios}


def stored(portal: Simulator) -> list[list[str]]:
    """Return the labels of each contact that the portal has."""
    return [contact["Labels"] for contact in portal.contacts]


# Suggestions


def test_labels_are_suggested_most_used_first(client: FlaskClient, store: Store) -> None:
    """In a list of the text input; those of the form's own choices are not repeated."""
    store(("کم", "مشتری"), ("زیاد", "مشتري"), ("زیاد",))
    html = Page(client).html
    assert suggested(html) == ["زیاد", "کم"]
    (field,) = [field for field, _ in html.find("input", id="Labels")]
    assert next(html.find("datalist"))[0]["id"] == field["list"]


def test_form_without_known_labels_has_no_list(client: FlaskClient, portal: Simulator) -> None:
    """And a page never fetches them."""
    html = Page(client).html
    assert not list(html.find("datalist"))
    assert "list" not in next(html.find("input", id="Labels"))[0]
    assert not portal.requests


def test_at_most_a_hundred_labels_are_suggested(client: FlaskClient, store: Store) -> None:
    """The rest is known all the same."""
    store(*[tuple(f"برچسب {number}" for number in range(150))])
    page = Page(client)
    assert suggested(page.html) == [f"برچسب {number}" for number in range(100)]
    page.send(Mobile=MOBILE, Labels="برچسب‌149")
    assert "برچسب 149" in page.error("Labels")


def test_hundred_long_labels_keep_the_page_light(client: FlaskClient, store: Store) -> None:
    """A first view may weigh 20 KB, of which styles and scripts take less than a half."""
    letters = random.Random(1)  # noqa: S311  the worst that can be compressed
    alphabet = "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
    store(*[("".join(letters.choices(alphabet, k=50)),) for _ in range(100)])
    page = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert len(suggested(Html(gzip.decompress(page.data).decode()))) == 100
    assert len(page.data) < 10_000


def test_name_of_a_label_is_text(client: FlaskClient, store: Store) -> None:
    """Whatever it holds."""
    hostile = '"><script>alert(1)</script>'
    store((hostile,))
    page = Page(client)
    assert suggested(page.html) == ['"><script>alert(1)</script>']
    page.send(Mobile=MOBILE, Labels=hostile.upper())
    assert asked(page.html)
    assert not [script for script, text in page.html.find("script") if "alert" in text.lower()]


def test_page_from_the_cache_shows_a_new_list(
    client: FlaskClient, store: Store, portal: Simulator, app: Flask
) -> None:
    """Pages of other forms stay in the cache."""
    paths = ("/", "/f/fixed", "/f/open")
    for names, expected in ((("یک",), ["یک"]), (("دو", "سه"), ["یک", "دو", "سه"])):
        store(names)
        for path in paths:
            client.get(path)
        assert suggested(Page(client).html) == expected
    portal.purge()
    store()
    assert suggested(Page(client).html) == []
    cached = [key[0] for key in app.extensions[EXTENSION].cached_pages]
    assert sorted(cached) == ["desk", "desk", "desk", "fixed", "open"]


def test_portal_that_is_down_leaves_the_suggestions(
    client: FlaskClient, store: Store, portal: Simulator, labels: LabelList
) -> None:
    """And the form works on."""
    store(("ویژه",))
    portal.respond_with = lambda _: Fault.HTTP_502
    labels.refresh()
    page = Page(client)
    assert suggested(page.html) == ["ویژه"]
    page.send(Mobile=MOBILE, Labels="تازه")
    assert page.html.outcome == "queued"


# Spelling


@pytest.mark.parametrize(
    ("existing", "typed"),
    [
        ("VIP", "vip"),
        ("نمایشگاه‌ها", "نمایشگاهها"),
        ("نمایشگاه تهران", "نمایشگاه‌تهران"),
        ("كاظمي", "کاظمی"),
        ("دوره ۱۴۰۵", "دوره 1405"),
    ],
)
def test_label_in_another_spelling_is_asked_about_once(
    client: FlaskClient, store: Store, portal: Simulator, existing: str, typed: str
) -> None:
    """With a message at the field that names the existing one, and both choices."""
    store((existing,))
    page = Page(client)
    response = page.send(Mobile=MOBILE, FName="سارا", Labels=f"دیگر، {typed}")
    assert (response.status_code, page.html.outcome) == (422, "invalid")
    assert f"«{existing}»" in page.error("Labels")
    (field,) = [field for field, _ in page.html.find("input", id="Labels")]
    assert (field["value"], field["aria-invalid"]) == (f"دیگر، {typed}", "true")
    assert page.html.values["FName"] == ["سارا"]
    assert asked(page.html) == {"existing": True, "typed": False}
    assert len(stored(portal)) == 1
    page.send(**page.html.values)  # as it stands
    assert page.html.outcome == "delivered"
    assert stored(portal)[1:] == [["دیگر", existing]]


def test_what_was_typed_is_kept_if_it_is_chosen(
    client: FlaskClient, store: Store, portal: Simulator
) -> None:
    """It is another label then."""
    store(("VIP",))
    page = Page(client)
    page.send(Mobile=MOBILE, Labels="vip")
    page.send(**page.html.values | {"Labels-use": "typed"})
    assert page.html.outcome == "delivered"
    assert stored(portal)[1:] == [["vip"]]


def test_answer_stays_on_a_page_that_comes_back_for_another_reason(
    client: FlaskClient, store: Store, portal: Simulator
) -> None:
    """It is not asked again."""
    store(("VIP",))
    page = Page(client)
    page.send(Mobile="0912", Labels="vip")
    page.send(**page.html.values | {"Labels-use": "typed"})
    assert page.error("Mobile")
    assert not list(page.html.find(id="Labels-error"))
    assert asked(page.html) == {"existing": False, "typed": True}
    page.send(**page.html.values | {"Mobile": MOBILE})
    assert stored(portal)[1:] == [["vip"]]


def test_answer_is_not_for_a_label_that_was_not_asked_about(
    client: FlaskClient, store: Store, portal: Simulator
) -> None:
    """That one is asked about as well."""
    store(("VIP", "Gold"))
    page = Page(client)
    page.send(Mobile=MOBILE, Labels="vip")
    response = page.send(**page.html.values | {"Labels": "vip, gold", "Labels-use": "typed"})
    assert response.status_code == 422
    assert "«Gold»" in page.error("Labels")
    assert "«VIP»" not in page.error("Labels")
    assert asked(page.html) == {"existing": True, "typed": False}
    texts = [text for _, text in page.html.find("label", **{"class": "choice"})]
    assert f"{messages.LABEL_USE_EXISTING} VIP، Gold" in texts
    assert f"{messages.LABEL_USE_TYPED} vip، gold" in texts
    page.send(**page.html.values)
    assert stored(portal)[1:] == [["VIP", "Gold"]]


@pytest.mark.parametrize("answer", ["", "both", "EXISTING"])
def test_unknown_answer_is_none(
    client: FlaskClient, store: Store, portal: Simulator, answer: str
) -> None:
    """The question comes again."""
    store(("VIP",))
    page = Page(client)
    response = page.send(Mobile=MOBILE, Labels="vip", **{"Labels-use": answer})
    assert response.status_code == 422
    assert len(stored(portal)) == 1


@pytest.mark.parametrize(
    ("existing", "typed", "sent"),
    [
        (("ویژه",), "ویژه", ["ویژه"]),
        (("ویژه",), "ويژه", ["ویژه"]),  # what the form normalises anyway
        (("ويژه",), "الف، ويژه ", ["الف", "ويژه"]),  # as the portal writes it: picked from the list
        (("VIP", "vip"), "vip", ["vip"]),
        (("VIP",), "VIP2", ["VIP2"]),
        (("#VIP",), "#VIP", ["#VIP"]),
        (("مشتري",), "مشتری، ویژه", ["مشتری", "ویژه"]),  # one of the form's choices
    ],
)
def test_label_that_is_no_other_spelling_is_accepted_at_once(
    client: FlaskClient,
    store: Store,
    portal: Simulator,
    existing: tuple[str, ...],
    typed: str,
    sent: list[str],
) -> None:
    """Equal to an existing one, picked from the list, or new."""
    store(existing)
    page = Page(client)
    page.send(Mobile=MOBILE, Labels=typed)
    assert page.html.outcome == "delivered"
    assert stored(portal)[1:] == [sent]


def test_correction_in_the_outbox_asks_as_well(
    client: FlaskClient, store: Store, portal: Simulator, app: Flask
) -> None:
    """It has a text input for labels, too."""
    portal.answer("Token_Expired")
    page = Page(client)
    page.send(Mobile=MOBILE, Labels="تازه")
    reference = next(
        str(it["data-reference"]) for _, it, _ in page.html.elements if it.get("data-reference")
    )
    app.extensions[EXTENSION].delivery.breaker.close()
    store(("VIP",))
    correction = Page(client, f"/outbox/{reference}")
    assert "VIP" in suggested(correction.html)
    correction.send(**correction.html.values | {"Labels": "vip"})
    assert "«VIP»" in correction.error("Labels")
    correction.send(**correction.html.values)
    assert stored(portal)[1:] == [["VIP"]]


# Who does not get them


@each("path", ["/f/open", "/embed/open", "/f/fixed"])
def test_form_without_free_labels_never_shows_or_uses_them(
    client: FlaskClient, store: Store, path: str
) -> None:
    """Neither empty nor with errors, for any request."""
    store(("نهان", "كارگاه"), ("VIP",))
    sent = {"Mobile": "", "Labels": ["vip", "کارگاه"], "Labels-use": "typed"}
    for answer in (
        client.get(path),
        client.post(path, data={"Mobile": ""}),
        client.post(path, data=sent),
        client.get(f"{path}/nowhere"),
    ):
        for name in ("نهان", "VIP", "كارگاه", "datalist", "Labels-use"):
            assert name not in answer.text


def test_process_fetches_labels_only_if_a_form_suggests_them(
    make_app: Callable[..., Flask], forms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others need none."""
    started = []

    def start(labels: LabelList) -> None:
        started.append(labels)

    monkeypatch.setattr(LabelList, "start", start)

    def count(text: str) -> int:
        started.clear()
        forms.write_text(text)
        app = make_app(forms_file=forms, deliverer="off")
        # Else a process would make the tables.
        app.extensions[EXTENSION].delivery.database.check_writable()
        gunicorn = SimpleNamespace(wsgi=lambda: app)
        _post_worker_init(cast("HttpWorker", SimpleNamespace(app=gunicorn)))
        return len(started)

    assert count(FORMS) == 1
    assert count(FORMS.replace("free_labels = true", "")) == 0
