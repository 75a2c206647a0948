"""The table of a check: its rows, on the terminal and in the report."""

from __future__ import annotations

import enum
import re
import shutil
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import click

from webapp.cli.portal_check import english
from webapp.messages import portal_check as persian

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from webapp.cli.portal_check.asking import Reply

_WEIGHTS: Final = (27, 30, 42, 22)  # of the columns
_NARROWEST, _WIDEST = 100, 160
_RLM: Final = "\u200f"
_MASK: Final = "***"
# What the texts name: the same in both languages.
_TERMS: Final = {
    "token_setting": "AMOOT_TOKEN",  # nosec B105  the name of a setting
    "url_setting": "AMOOT_URL",
    "labels_setting": "AMOOT_LABELS=0",
    "report_option": "--report FILE",
    "forms_file": "forms.toml",
    "line_key": "line",
    "required_key": 'required = ["FName", "LName"]',
    "duplicates_key": 'duplicates = "ask"',
    "lengths_key": "max_length",
    "lengths_file": "webapp/contact.py",
}


class Level(enum.StrEnum):
    """What a row says: nothing to do, something to know, to change, or not to be used so."""

    FINE = "fine"
    NOTE = "note"
    CHANGE = "change"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
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


class Table:
    """Rows, which are printed as soon as they are known: a check may be ended at any time."""

    def __init__(self, language: str) -> None:
        """Set the language: "fa" or "en"."""
        self.rows: list[Row] = []
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

        Args:
            name: Its name.
            reply: The answer.
            level: What it says.
            meaning: The key of its text.
            change: What to change: the key of a text, or a setting.
            facts: What to show beside the facts of the answer.
            private: Values that the report must not show.
            values: What the texts have in braces.
        """
        row = Row(
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
        # The rows hold none of it, unless the portal returns it where nobody expects it.
        for secret in filter(None, secrets):
            text = text.replace(secret, _MASK)
        return text

    def _cells(self, row: Row, *, masked: bool = False) -> list[str]:
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
