"""Reads and formats Persian text, mobile numbers, Jalali dates, labels and email addresses."""

from webapp.persian.checks import Check, check_text, parse_email
from webapp.persian.dates import (
    FIRST_GREGORIAN_YEAR,
    IRAN,
    JALALI_MONTHS,
    check_range,
    date_in_words,
    day_and_month,
    first_of_week,
    jalali_iso,
    jalali_slashes,
    parse_date,
    parse_date_parts,
    to_iran,
)
from webapp.persian.labels import (
    MAX_LABELS,
    label_key,
    labels_as_typed,
    parse_labels,
    spelling_key,
    split_labels,
)
from webapp.persian.mobile import parse_mobile
from webapp.persian.text import (
    InvalidText,
    clean_line,
    clean_lines,
    comparison_key,
    fold_digits,
    persian_digits,
    persian_number,
    strip_invisible,
)

__all__ = [
    "FIRST_GREGORIAN_YEAR",
    "IRAN",
    "JALALI_MONTHS",
    "MAX_LABELS",
    "Check",
    "InvalidText",
    "check_range",
    "check_text",
    "clean_line",
    "clean_lines",
    "comparison_key",
    "date_in_words",
    "day_and_month",
    "first_of_week",
    "fold_digits",
    "jalali_iso",
    "jalali_slashes",
    "label_key",
    "labels_as_typed",
    "parse_date",
    "parse_date_parts",
    "parse_email",
    "parse_labels",
    "parse_mobile",
    "persian_digits",
    "persian_number",
    "spelling_key",
    "split_labels",
    "strip_invisible",
    "to_iran",
]
