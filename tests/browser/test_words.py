"""What a browser test that cannot go on says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from words import complaint, description

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_missing_field_is_named_by_its_caption_and_with_what_the_page_says(tab: Page) -> None:
    """So that nobody has to look at a picture to know where the test stood."""
    tab.goto("/nowhere")
    said = complaint(tab.locator("#Mobile"), "fill")
    assert "#Mobile «شمارهٔ همراه» is not there, to fill. It says: " in said
    assert said.startswith(f"The page «{tab.title()}» ({tab.url}): ")
    assert tab.locator("h1").inner_text() in said
    assert description(tab.locator("form.own")) == "form.own"
