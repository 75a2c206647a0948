"""Rewrites the cells of an XLSX or ODS file whose content python-calamine does not return.

It returns nothing for an error such as `#N/A`, and midnight for a day before 1900.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

_SHEET_PART: Final = re.compile(r"xl/worksheets/[^/]+\.xml|content\.xml")
# By a text that rewritten parts contain, which is found fast: what is sought, and what replaces it.
_CHANGES: Final = (
    # XLSX: as the result of a formula, an error is a text.
    (b't="e"', re.compile(rb"(<(?:\w+:)?c\s[^<>]*?\bt=\")e(?=\")"), rb"\1str"),
    # XLSX: without its style, a day before 1900 is a negative number.
    (b"v>-", re.compile(rb"(<(?:\w+:)?c\b[^<>]*?)\ss=\"\d+\"([^<>]*><(?:\w+:)?v>-)"), rb"\1\2"),
    # ODS: without an empty value, an error is the text that is shown.
    (
        b'calcext:value-type="error"',
        re.compile(rb"office:string-value=\"\"(?=\s+calcext:value-type=\"error\")"),
        b"",
    ),
)


def with_hidden_cells(data: bytes) -> bytes:
    """Return a workbook whose errors are texts, and whose days before 1900 are numbers.

    A file without such cells is returned as it is.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [name for name in archive.namelist() if _SHEET_PART.fullmatch(name)]
        contents = ((name, archive.read(name)) for name in sheets)
        changed = {name: _rewritten(it) for name, it in contents if _has_hidden_cells(it)}
        return _with_parts(archive, changed) if changed else data


def _has_hidden_cells(content: bytes) -> bool:
    return any(sign in content for sign, _, _ in _CHANGES)


def _rewritten(content: bytes) -> bytes:
    for _, sought, replacement in _CHANGES:
        content = sought.sub(replacement, content)
    return content


def _with_parts(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    """Return an archive with other content of some parts; in memory, so nothing is compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as other:
        for name in archive.namelist():
            other.writestr(name, changed[name] if name in changed else archive.read(name))
    return file.getvalue()
