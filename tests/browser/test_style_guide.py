"""The style guide: every component in every look, photographed and checked."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from checker import ROOT
from playwright.sync_api import Browser, expect
from serving import Server, serve
from test_quality import EVERY_RULE, violations

GUIDE = ROOT / "docs" / "design-system.html"
LOOKS = [(scheme, width) for width in (360, 768, 1366, 1920) for scheme in ("light", "dark")]
# What belongs to one page: a part of it, or its looks in a frame or on an error.
ON_PAGES = {"clear", "embed", "headless", "light", "long", "recent", "source", "unstyled"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server in demo mode."""
    with serve(tmp_path_factory.mktemp("demo"), WEB_CONCURRENCY="1") as running:
        yield running


def test_guide_shows_every_class_of_the_stylesheets() -> None:
    """What is not in it is not looked at."""
    styles = "".join((ROOT / "static" / f"{name}.css").read_text() for name in ("site", "desk"))
    styles = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", styles, flags=re.DOTALL)
    named = set(re.findall(r"\.([a-z][\w-]*)", styles))
    classes = re.findall(r'class="(.*?)"', GUIDE.read_text())
    assert named - set(" ".join(classes).split()) == ON_PAGES


@pytest.mark.parametrize("looks", [LOOKS[4:5], pytest.param(LOOKS, marks=pytest.mark.nightly)])
def test_guide_is_accessible_and_fits_in_every_look(
    browser: Browser, demo: Server, tmp_path: Path, looks: list[tuple[str, int]]
) -> None:
    """On phones, tablets, laptops and large screens, light and dark; with its popover open, too."""
    with browser.new_context(base_url=demo.url, locale="fa-IR") as context:
        tab = context.new_page()
        tab.goto("/styleguide")
        assert violations(tab, [(*look, EVERY_RULE) for look in looks]) == []
        for scheme, width in looks:
            tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            tab.set_viewport_size({"width": width, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            tab.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)
        tab.locator(".plain[popovertarget=popover]").first.click()
        expect(tab.locator("#popover")).to_be_visible()
        assert violations(tab, [("light", 360, EVERY_RULE)]) == []
