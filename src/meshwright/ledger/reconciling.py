"""Our books beside a provider's: per day and model, what differs in money and in tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from meshwright.ledger.exports import Told, bare
from meshwright.store import spending
from meshwright.store.database import Transaction
from meshwright.types.errors import NotFound


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One day and model. Money is nano-dollars; `theirs_*` None: their file does not say. `unpriced` are calls of ours
    whose cost is not known.
    """

    day: str
    model: str
    ours_nano: int
    theirs_nano: int | None
    ours_input: int
    theirs_input: int | None
    ours_output: int
    theirs_output: int | None
    unpriced: int
    agrees: bool


def reconcile(
    transaction: Transaction, provider: str, theirs: Mapping[tuple[str, str], Told], tolerance: float
) -> list[Line]:
    """Each day and model that either side knows, within the days of their file.

    `tolerance` is the share of their number that ours may be off; a cent is always allowed, for bills are rounded to
    cents. Raises NotFound when the file has no rows.
    """
    if not theirs:
        raise NotFound("The file has no usage in it.", fix="Choose another range of dates when you download it.")
    days = sorted(day for day, _ in theirs)
    since, until = _begin(days[0]), _begin(days[-1]) + timedelta(days=1)
    ours: dict[tuple[str, str], list[int]] = {}
    for row in spending.daily(transaction, provider, since.timestamp(), until.timestamp()):
        day = datetime.fromtimestamp(row.day * 86_400, UTC).date().isoformat()
        sums = ours.setdefault((day, bare(row.model)), [0, 0, 0, 0])
        for place, number in enumerate((row.cost_nano, row.input, row.output, row.unpriced)):
            sums[place] += number
    return [
        _line(key, ours.get(key, [0, 0, 0, 0]), theirs.get(key), theirs, tolerance) for key in sorted({*ours, *theirs})
    ]


def _line(
    key: tuple[str, str],
    sums: list[int],
    told: Told | None,
    theirs: Mapping[tuple[str, str], Told],
    tolerance: float,
) -> Line:
    cost, read, written, unpriced = sums
    if told is None:  # their file is silent of it: where it tells a kind of number, that is nothing
        like = next(iter(theirs.values()))
        told = Told(
            input=None if like.input is None else 0,
            output=None if like.output is None else 0,
            cost=None if like.cost is None else 0,
        )
    pairs = ((cost, told.cost, 10_000_000), (read, told.input, 0), (written, told.output, 0))
    agrees = all(other is None or abs(mine - other) <= max(tolerance * other, slack) for mine, other, slack in pairs)
    return Line(
        day=key[0],
        model=key[1],
        ours_nano=cost,
        theirs_nano=told.cost,
        ours_input=read,
        theirs_input=told.input,
        ours_output=written,
        theirs_output=told.output,
        unpriced=unpriced,
        agrees=agrees,
    )


def _begin(day: str) -> datetime:
    return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
