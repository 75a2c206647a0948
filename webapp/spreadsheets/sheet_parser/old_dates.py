"""Writes days as spreadsheet programs show them: before October 1582 by the Julian calendar.

There a Jalali date that was typed as `1369-07-15` has become a day of that Julian year.
"""

from __future__ import annotations

from datetime import date
from typing import Final

_FIRST_GREGORIAN: Final = date(1582, 10, 15).toordinal()
_JULIAN_DAY: Final = 1_721_425  # the Julian day number of the day before 1 January of the year 1


def day_as_shown(ordinal: int) -> str:
    """Return a day as yyyy-mm-dd.

    Args:
        ordinal: Its number as `date.toordinal` counts, by the Gregorian calendar of all years.
    """
    if ordinal >= _FIRST_GREGORIAN:
        return date.fromordinal(ordinal).isoformat()
    # The calendar's year begins in March, so that the leap day is the last of it.
    quarters = 4 * (ordinal + _JULIAN_DAY + 1401) + 3
    days = 5 * (quarters % 1461 // 4) + 2
    month = (days // 153 + 2) % 12 + 1
    year = quarters // 1461 - 4716 + (14 - month) // 12
    return f"{year:04}-{month:02}-{days % 153 // 5 + 1:02}"
