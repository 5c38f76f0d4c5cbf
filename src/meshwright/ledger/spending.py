"""Where each cent went: sums by key, model, task, day and the like, with names that people know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import msgspec

from meshwright.store import keys, spending
from meshwright.store.database import Transaction
from meshwright.store.rows import Key, Spend, SpendBy
from meshwright.types.errors import InvalidRequest
from meshwright.types.money import dollars

GROUPS: Mapping[str, SpendBy] = {
    "key": "principal",
    "team": "principal",
    "user": "principal",
    "model": "model",
    "provider": "provider",
    "task": "task",
    "route": "route",
    "strategy": "strategy",
    "asked": "asked",
    "outcome": "outcome",
    "day": "day",
}
"""What can be grouped by, and the column that says it.

A key that took another's place counts as that one. A team's is what the keys spent that are its keys now.
"""
_SHARED = ("team", "user")
_EPOCH = date(1970, 1, 1)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What one group used. `cost_nano` and `cost_usd` add up what is known; `unpriced` calls are not in them.

    `counted_nano` and `counted_usd` are what budgets count for those: both together are what a budget has used.

    `title` is for people. `day` groups are called by their date (UTC).
    """

    name: str
    title: str
    requests: int
    calls: int
    cost_nano: int
    cost_usd: str
    unpriced: int
    input_tokens: int
    output_tokens: int
    counted_nano: int
    counted_usd: str


def spent(
    transaction: Transaction,
    by: str = "model",
    since: float | None = None,
    until: float | None = None,
    only: Mapping[str, str] | None = None,
) -> tuple[Group, ...]:
    """The groups, the dearest first, but days in order. `only` leaves out what has another value in that group.

    Raises InvalidRequest.
    """
    every = keys.every(transaction)
    wanted: dict[SpendBy, set[str]] = {}
    for group, value in (only or {}).items():
        column, values = _column(group), _values(every, group, value)
        wanted[column] = wanted[column] & values if column in wanted else values
    rows = spending.spend(transaction, _column(by), since, until, wanted)
    if by in _SHARED:
        rows = _merged(rows, {key.owner: getattr(key, by) for key in every})
    names = {key.owner: key.name for key in every if key.id == key.owner} if by == "key" else {}
    found = [_group(row, by, names) for row in rows]
    return tuple(sorted(found, key=lambda group: group.name)) if by == "day" else tuple(found)


def total(groups: Iterable[Group]) -> Group:
    """All of them together. A request whose calls are in several groups is counted in each."""
    found = list(groups)
    cost, counted = sum(group.cost_nano for group in found), sum(group.counted_nano for group in found)
    return Group(
        name="",
        title="",
        requests=sum(group.requests for group in found),
        calls=sum(group.calls for group in found),
        cost_nano=cost,
        cost_usd=dollars(cost),
        unpriced=sum(group.unpriced for group in found),
        input_tokens=sum(group.input_tokens for group in found),
        output_tokens=sum(group.output_tokens for group in found),
        counted_nano=counted,
        counted_usd=dollars(counted),
    )


def _merged(rows: Iterable[Spend], whose: Mapping[str, str]) -> tuple[Spend, ...]:
    """The sums of principals that belong together; those that belong to nobody are together too."""
    found: dict[str, Spend] = {}
    for row in rows:
        name = whose.get(row.name, "")
        before = found.get(name)
        if before is not None:
            row = Spend(
                name=name,
                **{field: getattr(before, field) + getattr(row, field) for field in Spend.__struct_fields__[1:]},
            )
        found[name] = msgspec.structs.replace(row, name=name)
    return tuple(sorted(found.values(), key=lambda row: (-row.cost_nano, -row.requests, row.name)))


def _group(row: Spend, by: str, names: Mapping[str, str]) -> Group:
    name = _day(int(row.name)) if by == "day" else row.name
    known = names.get(name, "")
    return Group(
        name=name,
        title=f"{known} ({name})" if known and known != name else name,
        requests=row.requests,
        calls=row.attempts,
        cost_nano=row.cost_nano,
        cost_usd=dollars(row.cost_nano),
        unpriced=row.unpriced,
        input_tokens=row.input,
        output_tokens=row.output,
        counted_nano=row.counted_nano,
        counted_usd=dollars(row.counted_nano),
    )


def _column(group: str) -> SpendBy:
    if group not in GROUPS:
        raise InvalidRequest(
            f'Nothing is grouped by "{group[:40]}".', field="by", fix=f"Choose among {', '.join(GROUPS)}."
        )
    return GROUPS[group]


def _values(every: Iterable[Key], group: str, value: str) -> set[str]:
    """What may stand in the column for what was written."""
    if group == "day":
        try:
            return {str((datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date() - _EPOCH).days)}
        except ValueError:
            raise InvalidRequest(f'"{value[:40]}" is no day.', field="only", fix="Write day=2026-01-31.") from None
    if group in _SHARED:
        return {key.owner for key in every if getattr(key, group) == value}
    if group == "key":
        meant = {key.owner for key in every if value in (key.id, key.owner, key.prefix, key.name)}
        if len(meant) > 1:
            raise InvalidRequest(
                f'"{value[:100]}" means {len(meant)} keys.', field="only", fix=f"Give its id: {sorted(meant)[:5]}."
            )
        return meant or {value}
    return {value}


def _day(days: int) -> str:
    """The date of a day that is counted from 1970; the number itself where the calendar has no such date."""
    try:
        return (_EPOCH + timedelta(days=days)).isoformat()
    except OverflowError:
        return str(days)
