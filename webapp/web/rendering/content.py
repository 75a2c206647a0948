"""What pages are made of: values in Persian, parts in HTML, cached pages; and tables as files."""

from __future__ import annotations

import csv
import io
import re
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from flask import Response, render_template
from markupsafe import Markup, escape

from webapp import messages, persian
from webapp.contact import Field, FieldKind, in_page_order
from webapp.database import DatabaseError
from webapp.forms.definitions import FormDefinition
from webapp.imports.file import BOM, safe_cell
from webapp.messages import statistics as texts
from webapp.outbox.rows import WAITING, State
from webapp.persian import persian_digits
from webapp.web.rendering import services

_COUNT_CAP: Final = 10_000  # pages say "more than"


def render_part(template: str, **context: Any) -> Markup:
    """Render a part of a page, to be inserted into another template as it is."""
    html = render_template(template, **context)
    return Markup(html)  # nosec B704  # noqa: S704  rendered and escaped by Jinja


def isolated(values: Iterable[str], separator: str = " ") -> Markup:
    """Return texts in a `<bdi>` each: a Latin one among Persian ones keeps its place and signs."""
    html = str(escape(separator)).join(f"<bdi>{escape(value)}</bdi>" for value in values)
    return Markup(html)  # nosec B704  # noqa: S704  escaped


# A mail address, a web address or a phone number within a text.
_LINK: Final = re.compile(
    r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|(?P<web>https?://[^\s\u060c\u061b]+[^\s\u060c\u061b.)])"
    r"|(?P<phone>[+(]?\d[\d() \u200c–-]{5,}\d)"
)
_LINKS: Final = {
    "mail": '<a href="mailto:{0}"><bdi dir="ltr">{1}</bdi></a>',
    "web": '<a href="{0}" target="_blank" rel="noopener"><bdi dir="ltr">{1}</bdi></a>',
    "phone": '<a href="tel:{0}"><bdi dir="ltr">{1}</bdi></a>',
}


def linked(text: str) -> Markup:
    """Return a text as HTML in which phone numbers, mail and web addresses are links."""
    html, end = Markup(), 0
    for match in _LINK.finditer(text):
        kind, target = str(match.lastgroup), match[0]
        if kind == "phone":
            target = re.sub(r"[^+\d]", "", persian.fold_digits(target))
        html += text[end : match.start()]
        html += Markup(_LINKS[kind]).format(target, match[0])  # nosec B704  # noqa: S704  escaped
        end = match.end()
    return html + text[end:]


def waiting() -> str:
    """Return how many contacts wait, as a Persian sentence; "" if the database fails."""
    return counted(WAITING, messages.WAITING, messages.WAITING_MANY)


def counted(
    states: Sequence[State],
    text: str = "{n}",
    many: str = texts.MORE_THAN,
    *,
    but: Sequence[str] = (),
) -> str:
    """Return how many contacts in these states are in the outbox; "" if the database fails.

    Args:
        states: The states.
        text: The Persian text for the number.
        many: The one for more than are counted.
        but: Statuses that are not counted.
    """
    try:
        count = services().delivery.outbox.review.count(states, most=_COUNT_CAP, but=but)
    except DatabaseError:
        return ""
    sentence = many if count > _COUNT_CAP else text
    return sentence.format(n=persian_digits(min(count, _COUNT_CAP)))


_FORMATTERS: Final[dict[FieldKind, Callable[[Any], str]]] = {
    FieldKind.MOBILE: persian.persian_digits,
    FieldKind.GENDER: lambda is_man: messages.MAN if is_man else messages.WOMAN,
    FieldKind.DATE: persian.date_in_words,
    FieldKind.LABELS: lambda labels: isolated(labels, messages.COMMA),
    FieldKind.ACTIVE: lambda is_active: messages.YES if is_active else messages.NO,
}
_DIRECTIONS: Final = {FieldKind.MOBILE: "ltr", FieldKind.EMAIL: "ltr", FieldKind.LABELS: "rtl"}

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class FormattedValue(NamedTuple):
    """A value with its caption and its text direction."""

    caption: str
    text: str
    dir: str


def format_values(values: Mapping[str, Any], rows: Iterable[Field]) -> list[FormattedValue]:
    """Return the values of a contact that are not empty, in the order of these rows."""
    return [
        FormattedValue(
            row.caption,
            _FORMATTERS.get(row.kind, str)(values[row.name]),
            _DIRECTIONS.get(row.kind, "auto"),
        )
        for row in rows
        if values[row.name] not in (None, "", ())
    ]


def all_fields(definition: FormDefinition | None) -> list[Field]:
    """Return the whole field table in the order of the page, with a form's own captions."""
    own = {row.name: row for row in definition.fields} if definition else {}
    return [own.get(row.name, row) for row in in_page_order()]


def duration(seconds: float, *, decimals: int = 1) -> str:
    """Return a duration in the unit that fits, «۱٫۲ ثانیه».

    `decimals` are those of seconds; minutes and hours have one.
    """
    for text, unit_s in ((texts.HOURS, _HOUR_S), (texts.MINUTES, _MINUTE_S)):
        if seconds >= unit_s:
            return text.format(n=persian.persian_number(seconds / unit_s, decimals=1))
    return texts.SECONDS.format(n=persian.persian_number(seconds, decimals=decimals))


def local_time(value: datetime) -> str:
    """Return a UTC time as local date and time in Iran, in Persian."""
    local = persian.to_iran(value)
    day, time = persian.date_in_words(local.date()), persian.persian_digits(f"{local:%H:%M}")
    return messages.LOCAL_TIME.format(day=day, time=time)


# Gzip, RFC 1952: the header of a member without a name and a time.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_MAX_STORED_BYTES: Final = 0xFFFF  # of a stored block, by RFC 1951
_FINAL_BLOCK: Final = b"\x01\x00\x00\xff\xff"  # deflate, RFC 1951: an empty stored block


def placeholders(*names: str) -> dict[str, str]:
    """Return a unique text for each name, to render a page with in place of the value."""
    return {name: f"placeholder{secrets.token_hex(16)}" for name in names}


class CachedPage:
    """A page that is rendered and compressed once, then served with fresh values in placeholders.

    A sign-up page is fetched with every view of its host page. From one response to the next, only
    a few values change, such as the form's token and the receipt of the last submission.
    """

    def __init__(self, html: str, placeholders: Mapping[str, str]) -> None:
        """Split a page at its placeholders.

        Args:
            html: The rendered page.
            placeholders: The text of each placeholder by its name; each occurs once.

        Raises:
            ValueError: if they do not.
        """
        pieces = re.split(f"({'|'.join(placeholders.values())})", html)
        texts = pieces[1::2]
        if sorted(texts) != sorted(placeholders.values()):
            raise ValueError("each placeholder must occur once")
        names = {text: name for name, text in placeholders.items()}
        self._names = [names[text] for text in texts]
        self._plain = [piece.encode() for piece in pieces[::2]]
        self._deflated = [_deflate(piece) for piece in self._plain]

    def render(self, values: Mapping[str, str]) -> bytes:
        """Return the page with these values, by the names of their placeholders."""
        pairs = zip(self._plain, self._in_order(values), strict=True)
        return b"".join(part for pair in pairs for part in pair)

    def render_gzipped(self, values: Mapping[str, str]) -> bytes:
        """Return the same as gzip: the pieces are compressed already, the values are stored."""
        parts, checksum, length = [_GZIP_HEADER], 0, 0
        ordered = self._in_order(values)
        for plain, deflated, value in zip(self._plain, self._deflated, ordered, strict=True):
            parts.append(deflated)
            if value:
                parts += _stored_blocks(value)
            checksum = zlib.crc32(value, zlib.crc32(plain, checksum))
            length += len(plain) + len(value)
        parts += _FINAL_BLOCK, checksum.to_bytes(4, "little"), length.to_bytes(4, "little")
        return b"".join(parts)

    def _in_order(self, values: Mapping[str, str]) -> list[bytes]:
        return [*(values[name].encode() for name in self._names), b""]


def _deflate(piece: bytes) -> bytes:
    """Compress a piece to whole bytes, to which later pieces do not refer."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)


def _stored_blocks(value: bytes) -> Iterator[bytes]:
    """Yield deflate blocks that store a value uncompressed."""
    for start in range(0, len(value), _MAX_STORED_BYTES):
        part = value[start : start + _MAX_STORED_BYTES]
        size = len(part)
        yield b"\x00" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")
        yield part


_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def xlsx_file(name: str, content: bytes) -> Response:
    """Return a workbook as a download."""
    return _download(content, f"{name}.xlsx", _XLSX)


def csv_file(name: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> Response:
    """Return rows as a download in CSV."""
    file = io.StringIO()
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in line] for line in lines)
    return _download(file.getvalue(), f"{name}.csv", "text/csv; charset=utf-8")


def _download(content: bytes | str, name: str, mimetype: str) -> Response:
    response = Response(content, content_type=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
