"""Moments of RFC 3339 as seconds since 1970, and back (the proleptic Gregorian calendar)."""

from __future__ import annotations

import re

_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?Z")
_CYCLE = 146_097
"""Days in 400 years."""


def seconds(text: str) -> tuple[int, bool]:
    """(whole seconds since 1970, whether they are all that the text says); 0 when it is no moment in UTC."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return 0, False
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    return _days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second, match[7] is None


def moment(at: int) -> str:
    """The seconds since 1970 as a moment in UTC."""
    days, rest = divmod(at, 86_400)
    # Years begin in March here, so that the leap day is the last one of a year.
    cycle, day = divmod(days + 719_468, _CYCLE)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    date = day - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    year += cycle * 400 + (month <= 2)
    return f"{year:04d}-{month:02d}-{date:02d}T{rest // 3_600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}Z"


def _days(year: int, month: int, day: int) -> int:
    year -= month <= 2
    cycle, year = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return cycle * _CYCLE + year * 365 + year // 4 - year // 100 + of_year - 719_468
