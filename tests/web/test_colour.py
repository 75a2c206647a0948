"""A form's own colour: every colour is legible in both schemes."""

import re
from pathlib import Path

from tables import each

from webapp.forms.toml_values import contrast
from webapp.web.page import stylesheet

LIGHT_SHEET = "#ffffff"
DARK_SHEET = "#18201d"


@each("accent", ["#0b6b57", "#7a1f5c", "#000000", "#0000ff", "#b00000", "#767676"])
def test_every_accent_is_legible_in_both_schemes(accent: str) -> None:
    """Text in the accent on the sheet and on its tint, and text on a button: AA at least."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in stylesheet(accent).split("@media")
    )
    assert light["accent"] == accent
    for scheme, sheet, on_accent in (
        (light, LIGHT_SHEET, "#ffffff"),
        (dark, DARK_SHEET, "#000000"),
    ):
        assert contrast(scheme["accent"], sheet) >= 4.5
        assert contrast(scheme["accent"], on_accent) >= 4.5
        assert contrast(scheme["accent-deep"], on_accent) >= 4.5
    assert contrast("#17211e", light["tint"]) >= 4.5
    assert contrast("#e9efec", dark["tint"]) >= 4.5


def test_dark_sheet_is_the_stylesheets() -> None:
    """The two files agree."""
    css = (Path(__file__).parents[2] / "static" / "site.css").read_text()
    assert f"--sheet: {DARK_SHEET};" in css
