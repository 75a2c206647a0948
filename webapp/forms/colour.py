"""A form's own colour as a stylesheet, with legible text in the light and the dark scheme."""

from __future__ import annotations

import hashlib
import math
import operator
from functools import cache
from typing import Final

Colour = tuple[int, int, int]

_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
_DARK_SHEET: Final = (0x18, 0x20, 0x1D)  # as in site.css
_MIN_CONTRAST: Final = 7.0  # against the dark sheet; WCAG 2.2's enhanced contrast, for some reserve
_STEPS: Final = 20
_DARK: Final = 0.04045  # WCAG 2.2, "relative luminance": up to here sRGB is linear


@cache
def stylesheet(accent: str) -> str:
    """Return the custom properties of site.css that depend on the accent.

    Args:
        accent: `#rrggbb`, on which white text is legible.
    """
    light = _parse(accent)
    dark = _lightened(light)
    return (
        f":root {{ --accent: {_hex(light)}; --accent-deep: {_hex(_mix(light, _BLACK, 0.25))}; "
        f"--on-accent: #fff; --tint: {_hex(_mix(light, _WHITE, 0.9))}; }}\n"
        "@media screen and (prefers-color-scheme: dark) { "
        f":root:not(.light) {{ --accent: {_hex(dark)}; "
        f"--accent-deep: {_hex(_mix(dark, _WHITE, 0.3))}; --on-accent: #000; "
        f"--tint: {_hex(_mix(light, _DARK_SHEET, 0.7))}; }} }}\n"
    )


@cache
def digest(accent: str) -> str:
    """Return a hash of an accent's stylesheet."""
    return hashlib.sha256(stylesheet(accent).encode()).hexdigest()[:12]


def _lightened(colour: Colour) -> Colour:
    """Return the colour, mixed with white until its contrast with the dark page suffices."""
    mixtures = (_mix(colour, _WHITE, step / _STEPS) for step in range(_STEPS + 1))
    return next(
        mixed for mixed in mixtures if contrast(_hex(mixed), _hex(_DARK_SHEET)) >= _MIN_CONTRAST
    )


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _parse(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours `#rrggbb`, 1 to 21, by WCAG 2.2's definition."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1, by WCAG 2.2's definition."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (
        math.pow((part + 0.055) / 1.055, 2.4) if part > _DARK else part / 12.92 for part in parts
    )
    return math.fsum(map(operator.mul, linear, (0.2126, 0.7152, 0.0722)))
