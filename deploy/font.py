"""Make the font's files for the pages from those of its npm package.

The Persian and the Latin file have what pages are made of, in the weights that they use. The third
one is the package's own, for the letters of other languages: browsers fetch it if a page has one.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from fontTools.subset import Options, Subsetter, parse_unicodes
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

STATIC: Final = Path(__file__).parents[1] / "static"
WEIGHTS: Final = (400, 700)
# What shapes and places letters, and digits of the same width; no fractions.
FEATURES: Final = (
    *("calt", "ccmp", "fina", "init", "kern", "liga", "locl", "mark", "medi", "mkmk", "rlig"),
    "tnum",
)
_FACE: Final = re.compile(r'url\("vazirmatn-(\w+)\.woff2"\).*?unicode-range: ([^;]+);', re.DOTALL)


def main(package: Path) -> None:
    """Write the files that font.css names.

    Args:
        package: The folder of the npm package's files.
    """
    ranges = dict(_FACE.findall((STATIC / "font.css").read_text()))
    for name, source in (("persian", "arabic"), ("latin", "latin")):
        file = package / f"vazirmatn-{source}-wght-normal.woff2"
        font = TTFont(file, recalcTimestamp=False)
        subsetter = Subsetter(Options(layout_features=list(FEATURES), name_IDs=[], hinting=False))
        subsetter.populate(unicodes=parse_unicodes(ranges[name].replace("U+", "").replace(" ", "")))
        subsetter.subset(font)
        font = instancer.instantiateVariableFont(font, {"wght": WEIGHTS})
        font.flavor = "woff2"
        font.save(STATIC / f"vazirmatn-{name}.woff2")
    shutil.copy(package / "vazirmatn-arabic-wght-normal.woff2", STATIC / "vazirmatn-rare.woff2")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
