"""The documentation: its links, its settings and commands, and the modules that it names."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from support import MESSAGE_MODULES
from tables import each

from webapp.cli import main
from webapp.contact import FIELDS
from webapp.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?\)")
COMMAND = re.compile(r"amoot-form ((?:outbox )?[a-z][a-z-]*)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made of their text."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def commands(group: click.Group, prefix: str = "") -> set[str]:
    """Return the names of all commands."""
    found = set()
    for name, command in group.commands.items():
        found.add(prefix + name)
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix}{name} ")
    return found


def test_readme_is_one_page() -> None:
    """The rest stands in `docs/`."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@each("page", PAGES)
def test_link_to_another_file_leads_somewhere(page: Path) -> None:
    """To a file of the project, and to a heading in it."""
    for target, anchor in LINK.findall(page.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor[1:] in anchors(path), f"{target}{anchor}"


@each("page", PAGES)
def test_command_that_a_page_names_exists(page: Path) -> None:
    """Nobody types a command in vain."""
    if page.name == "CHANGELOG.md":  # which names what there was
        return
    code = "\n".join(re.findall(r"`[^`\n]+`|^ {4}.*$", page.read_text(), re.MULTILINE))
    named = {name.strip() for name in COMMAND.findall(code)}
    known = commands(main)
    assert {name for name in named if name not in known} == set()


def test_page_of_settings_names_each_of_them_and_no_other() -> None:
    """Those that systemd and the proxies of the environment set apart."""
    rows = re.findall(r"^\| (`[^|]*) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert named == {row.metadata["name"] for row in dataclasses.fields(Settings)}


def test_persian_page_of_settings_has_the_rows_and_defaults_of_the_english_one() -> None:
    """Defaults in code are equal; those in words are translated."""
    row = re.compile(r"^\| (`[^|]*) \| ([^|]*) \|", re.MULTILINE)
    english, persian = (
        row.findall((ROOT / "docs" / page).read_text())
        for page in ("settings.md", "fa/settings.md")
    )
    assert [names for names, _ in persian] == [names for names, _ in english]
    code = re.compile(r"`[^`]*`")
    assert [code.findall(default) for _, default in persian] == [
        code.findall(default) for _, default in english
    ]


def texts(value: object) -> Iterator[str]:
    """Yield all texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from texts(tuple(value.values()))
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)


def is_caption(quoted: str, caption: str) -> bool:
    """Return whether a quotation is a caption or a part of one; `{name}` stands for any text."""
    if quoted in caption or "{" not in caption:
        return quoted in caption
    pattern = ".+".join(map(re.escape, re.split(r"\{\w+\}", caption)))
    return re.fullmatch(pattern, quoted) is not None


@each("page", sorted((ROOT / "docs/fa").glob("*.md")))
def test_caption_that_a_persian_page_quotes_is_in_the_program(page: Path) -> None:
    """Bold text in quotation marks is a caption."""
    modules = MESSAGE_MODULES
    constants = [vars(module).items() for module in modules]
    values = [value for items in constants for name, value in items if name.isupper()]
    values += [(row.caption, row.hint) for row in FIELDS.values()]
    captions = list(texts(tuple(values)))
    quoted = re.findall(r"\*\*«(.+?)»\*\*", page.read_text())
    unknown = [it for it in quoted if not any(is_caption(it, caption) for caption in captions)]
    assert unknown == []
    assert quoted or page.name != "operators.md"


def test_page_of_the_architecture_names_every_module() -> None:
    """And none that is not there."""
    named = set(re.findall(r"`(\w+\.py)`", ARCHITECTURE.split("## Modules")[1]))
    modules = {path for path in (ROOT / "webapp").rglob("*.py") if "versions" not in path.parts}
    packages = {
        path.parent.relative_to(ROOT / "webapp") for path in modules if path.name == "__init__.py"
    }
    assert named - {"__init__.py"} == {path.name for path in modules} - {"__init__.py"}
    listed = set(re.findall(r"\*\*`([\w/]+)/`\*\*", ARCHITECTURE))
    assert listed == {str(package) for package in packages if str(package) != "."}


def test_picture_of_the_architecture_shows_the_layers_of_the_import_contract() -> None:
    """In their order; `create_app` is the package itself."""
    contract = (ROOT / "pyproject.toml").read_text()
    layers = re.findall(r'"([^"]+)"', contract.split("layers = [")[1].split("]")[0])
    picture = re.findall(r"```\n(.*?)```", ARCHITECTURE, re.DOTALL)[0].split("\n")
    shown = [line for line in picture if line and not line.startswith("webapp")]
    assert shown == [layer for layer in layers if layer != "__main__"]
