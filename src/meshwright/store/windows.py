"""Windows of time that limits are counted in: minutes, days and months of the calendar in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from meshwright.types.principal import Allowance, Measure, Per


class Window(msgspec.Struct, frozen=True):
    """One window of one allowance; `start` and `until` (None: for ever) are seconds since 1970."""

    owner: str
    measure: Measure
    per: Per
    start: int
    until: int | None

    @property
    def id(self) -> str:
        """The account's id: "key:key_1/money/month/1793491200"."""
        return f"{self.owner}/{self.measure}/{self.per}/{self.start}"


def window(allowance: Allowance, at: float) -> Window:
    """The allowance's window that `at` (seconds since 1970) lies in."""
    start, until = span(allowance.per, at)
    return Window(allowance.owner, allowance.measure, allowance.per, start, until)


def span(per: Per, at: float) -> tuple[int, int | None]:
    """When the window of this kind that `at` lies in begins and ends, in UTC; (0, None) when it has no end."""
    if per in ("total", "moment"):
        return 0, None
    if per != "month":
        seconds = 60 if per == "minute" else 86_400
        start = int(at // seconds) * seconds
        return start, start + seconds
    day = datetime.fromtimestamp(at, UTC)
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()), int(following.timestamp())
