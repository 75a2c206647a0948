"""`amoot-form check --portal`: the table of what the portal answers, and what that means."""

from __future__ import annotations

import enum
import json
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import click

from webapp.cli.portal_check import english
from webapp.messages import portal_check as persian
from webapp.portal import BY_NAME, SUCCESS, PortalError
from webapp.portal.answers import (
    Answer,
    AnswerPlace,
    Response,
    find_status,
    parse_body,
    read_answer,
)
from webapp.portal.client import AmootPortal

_WEIGHTS: Final = (27, 30, 42, 22)  # of the columns
_NARROWEST, _WIDEST = 100, 160
_RLM: Final = "\u200f"
_MASK: Final = "***"
# What the texts name: the same in both languages.
_TERMS: Final = {
    "token_setting": "AMOOT_TOKEN",  # nosec B105  the name of a setting
    "url_setting": "AMOOT_URL",
    "labels_setting": "AMOOT_LABELS=0",
    "edit_setting": "AMOOT_EDIT=on",
    "report_option": "--report FILE",
    "forms_file": "forms.toml",
    "line_key": "line",
    "required_key": 'required = ["FName", "LName"]',
    "duplicates_key": 'duplicates = "ask"',
    "lengths_key": "max_length",
    "lengths_file": "webapp/contact.py",
}


class Level(enum.StrEnum):
    """The level of a row: fine, a note, something to change, or a fault."""

    FINE = "fine"
    NOTE = "note"
    CHANGE = "change"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """A row of the table.

    Attributes:
        name: Its name, under which docs/portal.md explains it.
        method: What was called.
        facts: What was answered.
        level: What the row says.
        meaning: The key of its text.
        change: What to change: the key of a text, a setting, or "".
        values: What the texts have in braces.
        private: What they have in braces and the report must not show.
        outline: The keys and types of the answer, for the report.
    """

    name: str
    method: str
    facts: str
    level: Level
    meaning: str
    change: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
    outline: str = ""


class CheckTable:
    """Rows, which are printed as soon as they are known: a check may be ended at any time."""

    def __init__(self, language: str) -> None:
        """Set the language: "fa" or "en"."""
        self.rows: list[CheckRow] = []
        self._texts = persian if language == "fa" else english
        self._edge = _RLM if language == "fa" else ""
        width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST) - 3 * 3
        self._widths = [width * weight // sum(_WEIGHTS) for weight in _WEIGHTS]

    @property
    def has_faults(self) -> bool:
        """Whether something is wrong or to be changed."""
        return any(row.level in {Level.CHANGE, Level.WRONG} for row in self.rows)

    def begin(self) -> None:
        """Print the header."""
        self._print(list(self._texts.COLUMNS))

    def add(  # noqa: PLR0913  a row has as many cells
        self,
        name: str,
        reply: Reply,
        level: Level,
        meaning: str,
        change: str = "",
        *,
        facts: str = "",
        private: Mapping[str, str] | None = None,
        **values: object,
    ) -> None:
        """Add a row and print it.

        The arguments are those of `CheckRow`; `facts` follow those of the reply.
        """
        row = CheckRow(
            name=name,
            method=reply.method,
            facts="; ".join(filter(None, (reply.facts, facts))),
            level=level,
            meaning=meaning,
            change=change,
            values={"status": reply.status, "method": reply.method, **values},
            private=private or {},
            outline=reply.outline,
        )
        self.rows.append(row)
        self._print(self._cells(row))

    def say(self, key: str, **values: object) -> None:
        """Print a sentence that is no row, on standard error."""
        click.echo(self._edge + self._texts.SENTENCES[key].format(**values), err=True)

    def end(self) -> None:
        """Print the sum."""
        levels = [row.level for row in self.rows]
        counts = {level.value: levels.count(level) for level in Level}
        click.echo(self._edge + self._texts.SENTENCES["sum"].format(**counts))

    def report(self, head: Mapping[str, object], secrets: list[str]) -> str:
        """Return the report in Markdown, without personal data.

        Args:
            head: What stands above the table.
            secrets: What it must not contain.
        """
        columns = self._texts.COLUMNS
        lines = [f"# {self._texts.TITLE}", ""]
        lines += [f"- {name}: {value}" for name, value in head.items()]
        lines += ["", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
        for row in self.rows:
            cells = [cell.replace("|", "\\|") for cell in self._cells(row, masked=True)]
            lines.append(f"| {' | '.join(cells)} |")
        if self._edge:
            lines = ['<div dir="rtl">', "", *lines, "", "</div>"]
        lines += ["", *(f"    {row.name}: {row.outline}" for row in self.rows if row.outline)]
        text = "\n".join(lines) + "\n"
        # Rows have none of them, unless the portal returns one in an unexpected place.
        for secret in filter(None, secrets):
            text = text.replace(secret, _MASK)
        return text

    def _cells(self, row: CheckRow, *, masked: bool = False) -> list[str]:
        texts = self._texts
        private = dict.fromkeys(row.private, _MASK) if masked else row.private
        values = {**_TERMS, **row.values, **private}
        meaning = texts.MEANINGS[row.meaning].format(**values)
        change = texts.CHANGES.get(row.change, row.change).format(**values)
        asked = f"{row.name}: {row.method}: {texts.ASKED[row.name]}"
        return [asked, row.facts, f"{texts.LEVELS[row.level]}: {meaning}", change or "–"]

    def _print(self, cells: list[str]) -> None:
        columns = [
            list(_wrap(cell, width)) for cell, width in zip(cells, self._widths, strict=True)
        ]
        # A right-to-left mark at each edge keeps Latin cells that are neighbours apart.
        edge = f" {self._edge}│{self._edge} "
        for number in range(max(map(len, columns))):
            parts = [lines[number] if number < len(lines) else "" for lines in columns]
            padded = (
                part + " " * (width - _width(part))
                for part, width in zip(parts, self._widths, strict=True)
            )
            click.echo(self._edge + edge.join(padded).rstrip())
        click.echo(self._edge + f"─{edge.strip(' ').replace('│', '┼')}─".join(
            "─" * width for width in self._widths
        ))  # fmt: skip


def _width(text: str) -> int:
    """Return the columns that a text takes: marks and half-spaces take none."""
    return sum(unicodedata.category(letter) not in {"Mn", "Cf"} for letter in text)


def _wrap(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in re.findall(r"\S+", text):
        if line and _width(line) + 1 + _width(word) > width:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while _width(line) > width:
            yield line[:width]
            line = line[width:]
    yield line


_DATA: Final = ("ReturnValue", "Data", "Result")
_DEEPEST: Final = 4
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response of the portal, and what the program makes of it.

    Attributes:
        method: What was called.
        facts: HTTP status, shape and status of the response, in one line.
        answer: The success that the program reads; None if it reads none.
        error: What the program raises instead.
        outline: The keys and types of the response without its values, or "".
    """

    method: str
    facts: str
    answer: Answer | None = None
    error: PortalError | None = None
    outline: str = ""

    @property
    def status(self) -> str:
        """The status name; ours if the portal did not answer."""
        return self.error.status if self.error else SUCCESS

    def records(self) -> list[Mapping[str, object]]:
        """Return the records of a success; see `Answer.records`.

        Raises:
            PortalError: if it is none.
        """
        if self.error:
            raise self.error
        return self.answer.records() if self.answer else []


def ask(
    portal: AmootPortal, method: str, pairs: Sequence[tuple[str, str]] = (), *, mobile: str = ""
) -> Reply:
    """Make a call with the program's client; a portal that does not answer is a reply, too.

    `mobile` is the number of the contact that is sent, if one is.
    """
    began = time.monotonic()
    try:
        response = portal.call_raw(method, pairs)
    except PortalError as silence:
        facts = f"{silence.status}, {time.monotonic() - began:.1f} s"
        return Reply(method=method, facts=facts, error=silence)
    seconds = f"{time.monotonic() - began:.1f} s"
    outline = _outline(response)
    place = find_status(parse_body(response.body))
    error: PortalError | None = None
    answer: Answer | None = None
    try:
        answer = read_answer(response, mobile=mobile)
        place = answer.place
    except PortalError as raised:
        error = raised
    facts = ", ".join((*_describe(response, place), seconds))
    return Reply(method=method, facts=facts, answer=answer, error=error, outline=outline)


def _describe(response: Response, place: AnswerPlace) -> Iterator[str]:
    """Yield HTTP status, shape, status with its place, and the kind of data of a response."""
    content = parse_body(response.body)
    yield f"HTTP {response.status_code}"
    yield _shape(content, response.body)
    yield f"{place.path} = {place.status}" if place.status else "no Status"
    inner = content[0] if isinstance(content, list) and len(content) == 1 else content
    if isinstance(inner, dict):
        yield from (f"{name}: {_kind(inner[name])}" for name in _DATA if name in inner)


def _shape(content: object, body: bytes) -> str:
    text = body.strip()
    if not text:
        return "empty"
    if content is None and text != b"null":
        return f"not UTF-8, {len(body)} bytes"
    if not isinstance(content, str) or text.startswith(b'"'):
        return f"JSON {_kind(content)}"
    if content.startswith("<"):
        return f"HTML, {len(body)} bytes"
    return f"text, {len(body)} bytes"


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "object"
        case list():
            return f"array of {len(value)}"
        case str():
            return "string"
    return "number"


def _outline(response: Response) -> str:
    """Return the keys and types of a JSON response, without its values."""
    content = parse_body(response.body)
    return json.dumps(_types(content, 0)) if isinstance(content, dict | list) else ""


def _types(value: object, depth: int) -> object:
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {
            name if _KEY.fullmatch(name) else "(key)": _types(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_types(item, depth + 1) for item in value[:1]] + ["..."] * (len(value) > 1)
    is_word = value is None or isinstance(value, bool) or value in (SUCCESS, *BY_NAME)
    return value if is_word else _kind(value)
