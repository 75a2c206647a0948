"""The tables of keys in the guides to forms, compared with what `forms.toml` may contain."""

import dataclasses
import re
from pathlib import Path

from tables import each

from webapp.forms.definitions import Access
from webapp.forms.definitions_file import _FormTable

DOCS = Path(__file__).parents[2] / "docs"
KEYS = {row.name: row.metadata for row in dataclasses.fields(_FormTable)}
# How each page says that a key is needed, and that it is for one kind of form.
SAID = {
    "forms.md": {
        "needed": "needed",
        Access.INTRANET: "`intranet` forms only",
        Access.PUBLIC: "`public` forms only",
    },
    "fa/forms.md": {
        "needed": "لازم است",
        Access.INTRANET: "فقط در فرم‌های `intranet`",
        Access.PUBLIC: "فقط در فرم‌های عمومی",
    },
}


def rows(page: str) -> dict[str, str]:
    """Return what the table of a page says of each key."""
    section = re.split("^#+ (?:Keys|کلیدها)$", (DOCS / page).read_text(), flags=re.MULTILINE)[1]
    table = re.search(r"^\|.*?(?=\n\n)", section, re.MULTILINE | re.DOTALL)
    assert table
    found = re.findall(r"^\| (`[^|]*) \| (.*) \|$", table[0], re.MULTILINE)
    return {key: meaning for keys, meaning in found for key in re.findall(r"`(\w+)`", keys)}


@each("page", SAID)
def test_table_of_keys_has_every_key_of_a_form_and_no_other(page: str) -> None:
    """A key of the code without a row is unknown to administrators."""
    assert sorted(rows(page)) == sorted(KEYS)


@each("page", SAID)
def test_table_of_keys_says_which_are_needed_and_for_one_kind_of_form(page: str) -> None:
    """As the code checks it at start."""
    said = {
        key: {thing for thing, words in SAID[page].items() if words in meaning}
        for key, meaning in rows(page).items()
    }
    checked = {
        key: {it for it in (row["only"], "needed" if row["needed"] else None) if it}
        for key, row in KEYS.items()
    }
    assert said == checked


def test_tables_of_both_languages_have_the_same_order() -> None:
    """So that a reader of one finds the place in the other."""
    english, persian = map(rows, SAID)
    assert list(english) == list(persian)
