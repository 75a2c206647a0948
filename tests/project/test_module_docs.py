"""What the modules say of themselves, and what the documentation says of them."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "webapp"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
DOCS = {
    page: page.read_text()
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if page.name != "CHANGELOG.md"  # which names what there was
}


def first_sentence(module: Path) -> str:
    """Return the first paragraph of a module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(module.read_text())) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def test_architecture_has_the_first_sentence_of_each_module() -> None:
    """The table and the docstrings are one text."""
    listed = re.findall(
        r"^\| (?:\*\*)?`([\w/.]+)`(?:\*\*)? \| (.*) \|$", ARCHITECTURE, re.MULTILINE
    )
    modules = [it for it in PACKAGE.rglob("*.py") if "versions" not in it.parts]
    expected = [
        (
            f"{module.parent.relative_to(PACKAGE)}/"
            if module.name == "__init__.py" and module.parent != PACKAGE
            else module.name,
            first_sentence(module),
        )
        for module in modules
    ]
    assert sorted(listed) == sorted(expected)


def test_tables_have_no_cell_of_more_than_200_characters_in_the_architecture() -> None:
    """A cell is a sentence."""
    cells = [
        cell
        for row in re.findall(r"^\|.*\|$", ARCHITECTURE, re.MULTILINE)
        for cell in row.split("|")
    ]
    assert [cell for cell in cells if len(cell) > 200] == []


def test_file_that_a_page_names_by_its_path_exists() -> None:
    """A path leads a reader to a module, a test or a template."""
    path = re.compile(
        r"`((?:webapp|tests|templates|static|deploy|bench|docs|examples)/[\w./-]*\w)`"
    )
    gone = {
        f"{page.name}: {named}"
        for page, text in DOCS.items()
        for named in path.findall(text)
        if not (ROOT / named).exists()
    }
    assert gone == set()


def test_module_that_a_page_names_with_dots_exists() -> None:
    """The three ways of the architecture, and other pages."""
    gone = {
        f"{page.name}: {named}"
        for page, text in DOCS.items()
        for named in re.findall(r"`webapp((?:\.[a-z_]+)+)`", text)
        if not any(
            (PACKAGE / f"{path}{end}").exists()
            for path in (
                named[1:].replace(".", "/"),
                named[1:].rpartition(".")[0].replace(".", "/"),
            )
            for end in (".py", "/__init__.py")
        )
    }
    assert gone == set()
