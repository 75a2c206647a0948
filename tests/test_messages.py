"""Every text that a person can see: in one place, Persian throughout, properly set."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from flask.testing import FlaskClient
from support import MESSAGE_MODULES, Html, Page
from tables import each

from webapp.contact import FIELDS
from webapp.demo import Simulator
from webapp.demo.faults import Fault

ROOT = Path(__file__).parent.parent
PERSIAN = re.compile("[\u0600-\u06ff]")

# Modules that hold Persian: the texts, the field table, what a parser of Persian or a reader of
# spreadsheets must know, and the answers of a portal.
WITH_PERSIAN = (
    *("messages/", "contact.py", "persian/", "demo/"),
    *("forms/reading.py", "imports/sheet_parser/text_files.py"),
)

# Latin that a person may see: what is to be typed in Latin letters, and what engineers call so.
LATIN = re.compile(
    "name@example.com|IP|DNS|https|embed_origins|PUBLIC_URL|PORTAL_CA_FILE|PORTAL_PROXY|TRUSTED_PROXIES|XLSX|CSV"
    "|from_url|utm_source|QR|SVG|PNG|A5"
)


def texts(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield the texts in a constant, each with a name for a test's report."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from texts(item, f"{name}.{place}")
    elif hasattr(value, "items"):
        for key, item in value.items():
            yield from texts(item, f"{name}.{key}")


TEXTS = [
    found
    for module in MESSAGE_MODULES
    for name, value in vars(module).items()
    if name.isupper()
    for found in texts(value, name)
] + [
    (f"{name}.{part}", getattr(row, part))
    for name, row in FIELDS.items()
    for part in ("caption", "hint")
    if getattr(row, part)
]


@each(("name", "text"), TEXTS)
def test_text_is_proper_persian(name: str, text: str) -> None:
    """No other alphabet's letters or digits, no sloppy joining, a formal tone."""
    prose = LATIN.sub("نمونه", re.sub(r"\{\w+\}", "نمونه", text))
    assert not re.search("[A-Za-z0-9]", prose), "Latin"
    assert not re.search("[يكىة٠-٩]", prose), "Arabic"
    assert not re.search("[!?;,]|\\.\\.", prose), "Latin punctuation, or an exclamation"
    assert not re.search(r"\s\s|\s[.،؛؟:»)…]|[«(]\s", prose), "spaces"
    assert not re.search("\\bن?می (?=[\u0622-\u06cc])", prose), "a prefix without ZWNJ"
    assert not re.search("[\u0622-\u06cc] (ها|های|هایی|تر|ترین|ام|ای|اند)\\b", prose), "a suffix"
    assert not re.search("\u200c(?![\u0622-\u06cc])|(?<![\u0622-\u06cc\u0654])\u200c", prose), (
        "ZWNJ"
    )
    assert text == text.strip() or name in {"AND", "COMMA"}


@each(("name", "text"), TEXTS)
def test_sentence_has_its_full_stop(name: str, text: str) -> None:
    """A text with a verb form at its end, and any of several sentences, is a sentence."""
    is_sentence = re.search(r"(?:کنید|ندارد|دارد|باشد|نیست|است|شد|شوند|می‌شود)\W*$", text)
    if is_sentence and name != "CHANGE" and not name.endswith((".caption", ".0")):  # a button
        assert text.endswith((".", ":")), name


@each("path", sorted((ROOT / "webapp").rglob("*.py")))
@pytest.mark.slow
def test_persian_stands_only_in_its_modules(path: Path) -> None:
    """No other module holds a text; docstrings may quote one."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, documented)
    }
    constants = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    own = [text for text in constants if PERSIAN.search(text) and text not in docstrings]
    is_allowed = str(path.relative_to(ROOT / "webapp")).startswith(WITH_PERSIAN)
    assert is_allowed or own == []


@each(
    "path", [*sorted((ROOT / "templates").rglob("*.html")), ROOT / "static" / "form.js"],
)  # fmt: skip
def test_templates_and_scripts_hold_no_text(path: Path) -> None:
    """They take every text from the messages."""
    source = re.sub(r"\{#.*?#\}|^\s*//.*$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert not re.search("[\u0621-\u064a\u0670-\u06d3]", source.replace("[۰-۹٠-٩]", ""))
    if path.suffix == ".html":
        jinja = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
        own = re.sub(r"<textarea id=\"snippet\".*?</textarea>", "", source, flags=re.DOTALL)
        visible = re.sub(r"<[^>]*>", "", jinja.sub("", own))
        visible = re.sub(r'aria-describedby="[^"]*"', "", visible)
        assert not re.search("[A-Za-z0-9]", visible), visible.split()


def seen(text: str) -> str:
    """Return the prose of a page: without names of keys and statuses, and what was typed."""
    html = Html(text)
    body = html.text("title") + " " + html.text("body")
    for tag in ("code", "bdi", "textarea", "kbd"):
        for _, inner in html.find(tag):
            word = rf"(?<![A-Z]){re.escape(inner)}(?![A-Z])" if inner else ""
            body = re.sub(word, "", body, count=1)
    return LATIN.sub("", body)


def pages(client: FlaskClient, portal: Simulator) -> Iterator[str]:
    """Yield every kind of page."""
    for path in ("/", "/f/signup", "/nowhere"):
        yield client.get(path).text
    for answer in ("Success", "Mobile_Invalid", "Token_Expired", "ServerError", Fault.HTTP_502):
        portal.answer(answer)
        for path in ("/", "/f/signup"):
            form = {"Mobile": "09121234567", "consent": "true", "BornDate": "1369/7/15"}
            yield Page(client, path).send(**form).text
    Page(client, "/f/signup").send(Mobile="09121234567", consent="true", leave_empty="x")
    for path in ("/outbox", "/outbox?waiting=1"):
        listed = client.get(path).text
        yield listed
        addresses = [str(link["href"]) for link, _ in Html(listed).find("a")]
        yield from (client.get(it).text for it in addresses if it.startswith("/outbox/"))
    yield client.get("/statistics").text
    yield Page(client).send(Mobile="x", Email="x", BornDate="x", GenderType="x").text
    yield Page(client, "/f/signup").send(**{"BornDate-day": "1"}).text
    yield client.put("/").text
    yield client.post("/", json={}).text
    yield client.post("/", data={"x": "x" * 20_000}).text
    yield client.get("/", environ_base={"REMOTE_ADDR": "8.8.8.8"}).text


def test_no_page_shows_latin_text_or_digits(client: FlaskClient, portal: Simulator) -> None:
    """All texts on pages, errors too, are Persian."""
    for text in pages(client, portal):
        assert not re.findall("[A-Za-z0-9يك]+", seen(text))


# What the glossary has another word for.
_WORD: Final = "\u0620-\u065f\u066e-\u06d3\u200c"  # letters, and what stands on or in them
NOT_USED: Final = {
    "موبایل": "شمارهٔ همراه",
    "گروه": "برچسب",
    "نوشتن|بنویسید|می‌نویسید|نوشته‌اید|نوشته باشید": "وارد کردن",
    "سامانه(?!ٔ پیامک)\\w*": "سامانهٔ پیامک, or برنامه",
    "پشتیبان برنامه": "مدیر برنامه",
    "در صف(?! ارسال)|[\\w{}]+ مخاطب در صف ارسال": "در انتظار ارسال",
    "کنار گذا\\w*": "حذف, or وارد نشود",
    "تازه|تازه‌ای": "جدید",
    "تنها": "فقط",
    "سایت\\w*": "وب‌سایت",
    "دفتر مخاطبان": "دفتر تلفن",
    "شمار": "تعداد",
    "نویسه\\w*": "حرف",
    "رونوشت": "کپی",
    "روز به روز": "به تفکیک روز",
    "صفحهٔ نخست": "صفحهٔ اول",
    "ورود از فایل": "ثبت از فایل",
    "با این همه": "باز هم",
    "به جای": "به‌جای",
    "آنها|آنجا جست‌وجو": "آن‌ها",
    "(?<!به‌طور )(?<!بررسی )خودکار": "به‌طور خودکار",
    "ثبتش|حذفش|بفرستیدش": "آن را",
    # Sentences that a copy editor changed
    "بار دیگر ممکن است": "{n} فرصت دیگر دارید",
    "کد دیگری فرستاده نشد": "کد جدیدی فرستاده نشد",
    "این تأیید دیگر برقرار نیست": "مهلت تأیید گذشته یا شماره تغییر کرده است",
    "با شما تماس می‌گیریم": "پس از بررسی ثبت می‌شود",
    "پیش از آنکه خوانده شود": "خیلی زود فرستاده شد",
    "دوباره ثبت کنید": "دکمهٔ ثبت را دوباره بزنید",
    "بیش از اندازه (?:است|بلند)": "زیاد است, or طولانی است",
    "(?:این|این شماره) تلفن ثابت": "شمارهٔ واردشده تلفن ثابت",
    "(?:\\{label\\}|{label}»?) (?:ده|یازده) رقم دارد": "درست نیست؛ باید … رقم باشد",
    "از راهی که انجام شده است": "برای فعال‌سازی دوباره با ما تماس بگیرید",
    "با دوربین تلفن \\w+ بخوانید": "با دوربین گوشی اسکن کنید",
    "نمی‌شوند تا|نمی‌شود تا": "تا … ندهید، … نمی‌شود",
    "ورود مخاطبان|ورودهای|ورود فایل\\w*|آن ورود": "ثبت از فایل",
    "در حال خواندن‌اند": "در حال بررسی است",
    "ثبت بعدی مانند این": "ثبت مشابه",
    "فیلدهای بیشتر": "اطلاعات تکمیلی",
    "نمایش پیش‌نمایش": "دیدن پیش‌نمایش",
    "برای صفحه‌گسترده": "فایل CSV",
    "گذاشتن (?:\\w+ )?در وب‌سایت": "درج در وب‌سایت",
    "به صورت": "به‌صورت",
    "(?:ده|یازده|\\}) رقمی": "{n}‌رقمی",
    "می‌شود را": "آنچه را … می‌شود",
    "هفته به هفته|فرم به فرم|منبع به منبع": "به تفکیک …",
    "بی‌تأیید": "بدون تأیید",
    "پاک کردن این": "حذف این",
}


def test_no_text_has_a_word_that_the_glossary_replaces() -> None:
    """One word for one thing, on pages, in mails and in files."""
    found = [
        f"{name}: {text!r}: {better}"
        for word, better in NOT_USED.items()
        for name, text in TEXTS
        if re.search(f"(?<![{_WORD}])(?:{word})(?![{_WORD}])", text)
    ]
    assert not found, "\n".join(found)


@each("path", [*sorted((ROOT / "docs/fa").glob("*.md")), ROOT / "README.fa.md"])
@pytest.mark.slow
def test_guide_has_no_word_that_the_glossary_replaces(path: Path) -> None:
    """It names things as the pages do; the names of settings, files and code are their own."""
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    prose = " ".join(re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", prose).split())
    words = (f"(?<![{_WORD}])(?:{word})(?![{_WORD}])" for word in NOT_USED)
    found = [match[0] for word in words for match in re.finditer(f".{{,20}}{word}.{{,20}}", prose)]
    assert found == []


def test_only_spreadsheets_have_cells() -> None:
    """A form has fields."""
    cells = {"UNREADABLE.long-cell", "DATE_LOST", "FORMULA_ERROR", "BAD_ANSWER", "SAMPLE_NOTES.2"}
    assert {name for name, text in TEXTS if re.search(f"(?<![{_WORD}])خانه", text)} == cells


@pytest.mark.slow
def test_every_text_is_used() -> None:
    """By its own module, by a module that imports it, or by a template."""
    code = {path: path.read_text() for path in (ROOT / "webapp").rglob("*.py")}
    templates = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    unused = []
    for module in MESSAGE_MODULES:
        parent, _, name = module.__name__.rpartition(".")
        imports = f"from {parent} import .*\\b{name}\\b|from {module.__name__} import"
        users = " ".join(text for text in code.values() if re.search(imports, text))
        own = Path(module.__file__ or "").read_text()
        prefix = "text" if parent == "webapp" else f"text.{name}"
        for constant in filter(str.isupper, vars(module)):
            is_shown = re.search(rf"\b{prefix}\.{constant}\b", templates)
            word = rf"\b{constant}\b"
            if not (is_shown or re.search(word, users) or len(re.findall(word, own)) > 1):
                unused.append(f"{module.__name__}.{constant}")
    assert unused == []
