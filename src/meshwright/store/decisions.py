"""Decisions and their attempts: put in once and found again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import and_, delete, func, or_, select

from meshwright.store import many
from meshwright.store.database import Transaction
from meshwright.store.tables import BUCKETS, attempts, decisions
from meshwright.types.decision import Trace
from meshwright.types.errors import NotFound
from meshwright.types.usage import Usage

INTERRUPTED = "interrupted"
_SECONDS_PER_DAY = 86_400
_LARGEST_DAY = 2**31 - 1
_PLAUSIBLE = 10**15
"""Nano-dollars (a million dollars) or tokens of one answer. A provider that reports more is not believed: the number is
unknown, and a sum over many stays within 64 bits. The trace keeps what was said."""

LONGEST_ANSWER_ID = 200

_encode = msgspec.json.Encoder().encode
_trace = msgspec.json.Decoder(Trace)
_counts = attrgetter(*BUCKETS)
_NUL = b"\\u0000"
"""How JSON writes it, and there is no other way to."""


class Prepared(msgspec.Struct, frozen=True):
    """A trace as rows, checked: the database has no reason to refuse it."""

    id: str
    decision: dict[str, Any]
    attempts: list[dict[str, Any]]
    charges: Mapping[str, int] = {}
    """What it counts for, by account."""


def prepare(trace: Trace, raw: bytes | None = None) -> Prepared:
    """The rows of a trace; `raw` is its JSON, if it is at hand."""
    decision, usage = trace.decision, trace.usage
    raw = _encode(trace) if raw is None else raw
    row: dict[str, Any] = {
        "id": trace.id,
        "at": trace.at,
        "day": int(max(-_LARGEST_DAY, min(trace.at // _SECONDS_PER_DAY, _LARGEST_DAY))),
        "principal": trace.principal,
        "dialect": trace.dialect,
        "asked": decision.asked if decision else "",
        "route": decision.route if decision else "",
        "strategy": decision.strategy if decision else "",
        "task": decision.features.task if decision and decision.features else "",
        "served": trace.served,
        "outcome": trace.outcome,
        "status": _plausible(trace.status) or 0,
        "stream": trace.stream,
        "seconds": trace.seconds,
        "first_byte": trace.first_byte,
        "cost_nano": _plausible(trace.cost),
        "input_tokens": _plausible(usage.total_input) if usage else None,
        "output_tokens": _plausible(usage.total_output) if usage else None,
        "trace": raw,
        "answer": trace.answer or _answer(trace),
    }
    calls = [
        {
            "decision": trace.id,
            "n": n,
            "model": attempt.model,
            "provider": attempt.model.partition("/")[0],
            "outcome": attempt.outcome,
            "status": _plausible(attempt.status),
            **_buckets(attempt.usage),
            "estimated": attempt.usage is not None and attempt.usage.estimated,
            "cost_nano": _plausible(attempt.cost),
            "unpriced": attempt.unpriced,
            "charged_nano": _plausible(attempt.charged),
        }
        for n, attempt in enumerate(trace.attempts)
    ]
    if _NUL in raw:
        _without_nul(row, *calls)
    charges = trace.charges
    if charges:
        charges = {account: max(-_PLAUSIBLE, min(amount, _PLAUSIBLE)) for account, amount in charges.items()}
    return Prepared(row["id"], row, calls, charges)


def _without_nul(*rows: dict[str, Any]) -> None:
    """PostgreSQL's text has none."""
    for values in rows:
        for name, value in values.items():
            if isinstance(value, str):
                values[name] = value.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _answer(trace: Trace) -> str:
    """The id of the answer that was given, as its provider calls it; "" when there is none."""
    given = [one.upstream_id for one in trace.attempts if one.model == trace.served and one.outcome == "ok"]
    return given[-1][:LONGEST_ANSWER_ID] if given else ""


def _buckets(usage: Usage | None) -> dict[str, int | None]:
    if usage is None:
        return dict.fromkeys(BUCKETS)
    counts = _counts(usage)
    believed = counts if max(counts) <= _PLAUSIBLE and min(counts) >= -_PLAUSIBLE else map(_plausible, counts)
    return dict(zip(BUCKETS, believed, strict=True))


def _plausible(number: int | None) -> int | None:
    return number if number is not None and abs(number) <= _PLAUSIBLE else None


def insert(
    transaction: Transaction,
    prepared: Sequence[Prepared],
    replacing: Callable[[Transaction, Sequence[str]], None] | None = None,
    there: Mapping[str, str] | None = None,
) -> int:
    """Insert what is not there yet, by id, and say how many that were. Call it in a transaction that writes.

    The first of two with the same id stays, except that a real end replaces an "interrupted" one; `replacing` is told
    the ids of those before they go. `there` is what `known` says of them in this transaction, if it has been asked.
    """
    first: dict[str, Prepared] = {}
    for one in prepared:
        first.setdefault(one.id, one)
    there = known(transaction, first) if there is None else there
    replaced = [id for id, outcome in there.items() if outcome == INTERRUPTED != first[id].decision["outcome"]]
    if replaced:
        if replacing is not None:
            replacing(transaction, replaced)
        transaction.execute(delete(decisions).where(decisions.c.id.in_(replaced)))
    new = [one for id, one in first.items() if id not in there or id in replaced]
    many.insert(transaction, decisions, [one.decision for one in new])
    many.insert(transaction, attempts, [call for one in new for call in one.attempts])
    return len(new)


def known(transaction: Transaction, ids: Collection[str]) -> dict[str, str]:
    """Those of the ids that have a decision, each with its outcome. At most some ten thousand ids at a time."""
    if not ids:
        return {}
    rows = transaction.execute(select(decisions.c.id, decisions.c.outcome).where(decisions.c.id.in_(ids)))
    return {row.id: row.outcome for row in rows}


def get(transaction: Transaction, id: str) -> Trace | None:
    """The whole trace of a decision, or None."""
    blob = transaction.execute(select(decisions.c.trace).where(decisions.c.id == id)).scalar()
    return None if blob is None else _trace.decode(blob)


def answered(transaction: Transaction, answer: str, principal: str | None) -> Trace | None:
    """The latest trace whose answer has that id, of that principal (None: of anyone)."""
    query = select(decisions.c.trace).where(decisions.c.answer == answer).order_by(decisions.c.at.desc()).limit(1)
    if principal is not None:
        query = query.where(decisions.c.principal == principal)
    blob = transaction.execute(query).scalar()
    return None if blob is None else _trace.decode(blob)


def served(transaction: Transaction, since: float) -> dict[str, int]:
    """How many requests each model has answered since then."""
    query = select(decisions.c.served, func.count()).where(decisions.c.at >= since, decisions.c.outcome == "ok")
    return {model: count for model, count in transaction.execute(query.group_by(decisions.c.served)) if model}


def latest(transaction: Transaction) -> Trace | None:
    """The trace of the latest request that somebody made: no copy of one, and no judge's. None where there is none."""
    for limit in (8, 1_000):
        if (found := next((one for one in recent(transaction, limit) if not one.of), None)) is not None:
            return found
    return None


def recent(
    transaction: Transaction,
    limit: int = 50,
    before: str | None = None,
    principal: str | None = None,
    model: str | None = None,
    outcome: str | None = None,
    since: float | None = None,
) -> tuple[Trace, ...]:
    """The latest traces, newest first; `before` is the id of the last one of the page before.

    `model` is the one that served; `since` is seconds since 1970. Raises NotFound when there is no decision `before`.
    """
    at, id = decisions.c.at, decisions.c.id
    query = select(decisions.c.trace).order_by(at.desc(), id.desc()).limit(limit)
    for column, wanted in (
        (decisions.c.principal, principal),
        (decisions.c.served, model),
        (decisions.c.outcome, outcome),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if since is not None:
        query = query.where(at >= since)
    if before is not None:
        when = transaction.execute(select(at).where(id == before)).scalar()
        if when is None:
            raise NotFound(f"There is no decision {before!r}.", field="before", fix="Use the id of a listed decision.")
        query = query.where(or_(at < when, and_(at == when, id < before)))
    return tuple(_trace.decode(blob) for blob in transaction.execute(query).scalars())


def latest_at(transaction: Transaction) -> float | None:
    """When the latest request came, in seconds since 1970; None when there was none."""
    found: float | None = transaction.execute(select(func.max(decisions.c.at))).scalar()
    return found
