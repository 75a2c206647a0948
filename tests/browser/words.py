"""What a browser test that cannot go on says: which page has no such field, and what it has."""

import functools
import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Locator
from playwright.sync_api import TimeoutError as NotInTime

from webapp.contact import FIELDS

_ACTIONS: Final = (
    *("fill", "check", "uncheck", "click", "dblclick", "press", "press_sequentially"),
    "select_option",
)
PATIENCE_MS: Final = 15_000  # a page that has come has its fields, on a busy machine, too


def description(locator: Locator) -> str:
    """Return what a locator looks for, by the caption that a person reads, if it has one."""
    selector = str(locator).partition("selector='")[2].removesuffix("'>")
    names = re.findall(r"#(\w+)", selector)
    captions = [FIELDS[name].caption for name in names if name in FIELDS]
    return " ".join([selector, *(f"«{caption}»" for caption in captions)])


def complaint(locator: Locator, action: str) -> str:
    """Return which page it is, what is missing, and what the page says instead."""
    page = locator.page
    said = page.locator("[role=alert], [role=status], h1").all_inner_texts()
    state = "is there, but not ready" if locator.count() else "is not there"
    return (
        f"The page «{page.title()}» ({page.url}): {description(locator)} {state},"
        f" to {action}. It says: {' | '.join(' '.join(text.split()) for text in said)}"
    )


def _in_words(name: str) -> Callable[..., Any]:
    act = getattr(Locator, name)

    @functools.wraps(act)
    def acted(locator: Locator, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return act(locator, *args, **{"timeout": PATIENCE_MS, **kwargs})
        except NotInTime:
            said = complaint(locator, name)
        pytest.fail(said)

    return acted


def speak(patch: pytest.MonkeyPatch) -> None:
    """Let what a test does on a page fail in words."""
    for name in _ACTIONS:
        patch.setattr(Locator, name, _in_words(name))
