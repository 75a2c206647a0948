"""Reading a file with a process of its own: what a hostile file can do, and what it cannot."""

import io
import itertools
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from webapp.imports import file
from webapp.imports.file import UnreadableFile, read_file, write_workbook
from webapp.imports.sheet_parser import MAX_FILE_BYTES
from webapp.messages.imports import UNREADABLE

pytestmark = pytest.mark.slow

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
XMLNS = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def repacked(parts: Mapping[str, bytes]) -> bytes:
    """Return a workbook with some parts replaced."""
    old = zipfile.ZipFile(io.BytesIO(write_workbook("x", ["نام", "شهر"], [["علی", "تهران"]])))
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in old.namelist():
            archive.writestr(name, parts.get(name, old.read(name)))
    return new.getvalue()


def sheet(rows: bytes, before: bytes = b"") -> dict[str, bytes]:
    """Return the part of a sheet that claims to be as large as a sheet may be."""
    start = b"<worksheet " + XMLNS + b'><dimension ref="A1:XFD1048576"/><sheetData>'
    return {SHEET: before + start + rows + b"</sheetData></worksheet>"}


def cell(place: bytes, row: int, content: bytes = b"<v>1</v>", kind: bytes = b"n") -> bytes:
    """Return a row of one cell."""
    return b'<row r="%d"><c r="%s%d" t="%s">%s</c></row>' % (row, place, row, kind, content)


def strings(texts: bytes) -> dict[str, bytes]:
    """Return the part of the texts that cells share."""
    return {STRINGS: b"<sst " + XMLNS + b">" + texts + b"</sst>"}


def many_texts() -> dict[str, bytes]:
    """Return a few compressed bytes that fill the memory."""
    return strings(b"<si><t>x</t></si>" * 12_000_000)


def far_corner() -> dict[str, bytes]:
    """Return a sheet with 17 billion cells, two of them filled."""
    return sheet(cell(b"A", 1) + cell(b"XFD", 1_048_576))


def entities() -> dict[str, bytes]:
    """Return a text that grows with each of its entities."""
    laughs = b'<!DOCTYPE x [<!ENTITY a "hahahaha"><!ENTITY b "&a;&a;&a;&a;">]>'
    return sheet(cell(b"A", 1, b"<is><t>&b;</t></is>", b"inlineStr"), before=laughs)


def one_long_text() -> dict[str, bytes]:
    """Return a long text that all cells share."""
    rows = b"".join(cell(b"A", row, b"<v>0</v>", b"s") for row in range(1, 20_000))
    return strings(b"<si><t>" + b"x" * 30_000 + b"</t></si>") | sheet(rows)


def test_file_is_read_with_its_own_captions_and_numbers() -> None:
    """Rows are as wide as the header; a column without a caption is named by its number."""
    found = read_file("نام ,,شهر\nعلی\n\nسارا,۱,تهران,x\n".encode())
    assert found.header == ("نام", "ستون ۲", "شهر", "ستون ۴")
    assert [(row.number, row.cells) for row in found.rows] == [
        (2, ("علی", "", "", "")),
        (4, ("سارا", "۱", "تهران", "x")),
    ]
    assert "علی" not in repr(found) + repr(found.rows[0])


def test_columns_of_a_file_without_a_header_are_named_by_their_numbers() -> None:
    """The first row is data."""
    found = read_file("09121234567,علی\n09121234568,سارا\n".encode())
    assert found.header == ("ستون ۱", "ستون ۲")
    assert found.rows[0].number == 1


@pytest.mark.parametrize(
    "hostile",
    [pytest.param(many_texts, marks=pytest.mark.nightly), *(far_corner, entities, one_long_text)],
)
def test_hostile_workbook_ends_only_its_own_process(
    hostile: Callable[[], dict[str, bytes]],
) -> None:
    """With a sentence, and other threads go on meanwhile."""
    data = repacked(hostile())
    turns, stop = turning()
    with pytest.raises(UnreadableFile) as caught:
        read_file(data)
    stop.set()
    assert str(caught.value) in (UNREADABLE["too-heavy"], UNREADABLE["broken"])
    assert next(turns) > 1


def turning() -> tuple[Iterator[int], threading.Event]:
    """Count the turns of another thread until it is to stop; return the counter."""
    turns, stop = itertools.count(), threading.Event()

    def run() -> None:
        while not stop.wait(0.01):
            next(turns)

    threading.Thread(target=run, daemon=True).start()
    return turns, stop


def test_dimension_that_a_sheet_only_claims_does_no_harm() -> None:
    """Its cells count."""
    found = read_file(repacked(sheet(cell(b"A", 1) + cell(b"A", 2))))
    assert len(found.rows) == 1


def test_file_over_the_limit_is_refused_with_both_sizes() -> None:
    """No process is started for it."""
    with pytest.raises(UnreadableFile, match=r"۱۰٫۱ مگابایت .* ۱۰ مگابایت"):
        read_file(b"a" * (MAX_FILE_BYTES + 104_858))


def test_numbers_in_a_sentence_are_persian() -> None:
    """Grouped by thousands."""
    with pytest.raises(UnreadableFile, match=r"۲۰٬۰۰۱ سطر .* ۲۰٬۰۰۰ سطر"):
        read_file("نام,شهر\n".encode() + "علی,تهران\n".encode() * 20_001)


def test_parser_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is refused."""
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    monkeypatch.setattr(file, "_COMMAND", command)
    monkeypatch.setattr(file, "MAX_WAIT_S", 0.3)
    with pytest.raises(UnreadableFile, match=UNREADABLE["too-heavy"]):
        read_file(b"a,b\n1,2\n")


def test_parser_sees_no_secret_and_imports_nothing_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its environment has only what Python needs."""
    seen: dict[str, Any] = {}
    run = subprocess.run

    def spy(*args: Any, **kwargs: Any) -> Any:
        seen.update(kwargs)
        return run(*args, **kwargs)

    monkeypatch.setenv("AMOOT_TOKEN", "secret")
    monkeypatch.setattr(subprocess, "run", spy)
    read_file(b"a,b\n1,2\n")
    assert "AMOOT_TOKEN" not in seen["env"]
    code = (
        "import sys; import sheet_parser.__main__; print([m for m in sys.modules if 'webapp' in m])"
    )
    command = [*file._COMMAND[:-2], "-c", code]  # noqa: SLF001
    done = run(command, cwd=seen["cwd"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_file_is_read_in_a_process_that_was_forked_with_threads() -> None:
    """As gunicorn's workers are."""
    _, stop = turning()
    child = os.fork()
    if child == 0:  # the child's exit status is the result
        status = 1
        try:
            status = int(len(read_file(b"a,b\n1,2\n").rows) != 1)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    stop.set()
    assert os.waitstatus_to_exitcode(status) == 0
