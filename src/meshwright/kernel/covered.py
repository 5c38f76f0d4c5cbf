"""How long an answer what is left of a caller's limits covers; only for callers with limits who give no `max_tokens`.

A model of which nobody says how long its answers may be is told a maximum, which is set aside: only then is what is set
aside a bound. A longest answer that is known and not covered any more is lowered to what is, but not below what an
answer should need: a model that could only begin to answer is refused instead. Streams are counted as they pass
(`streams.metering`), for a provider that does not keep to what it was told.
"""

from __future__ import annotations

from math import ceil

import msgspec

from meshwright.kernel.likely import likely_most
from meshwright.kernel.record import Allotted, OpenAttempt
from meshwright.kernel.set_aside import affordable, dearest, expected, most_read, reserve, writing_costs
from meshwright.kernel.work import Work
from meshwright.ledger.money import MILLION
from meshwright.ledger.purse import Tab
from meshwright.types.decision import Features
from meshwright.types.errors import LengthUnknown, LimitReached
from meshwright.types.model import Model
from meshwright.types.request import Adaptation

LEAST = 16
"""Tokens of output that are set aside at least: some providers take no lower maximum, and are sent this one instead."""
FIX = "Send max_tokens, or state max_output of the model in [models] of mesh.toml."


async def set_aside(work: Work, model: Model, attempt: OpenAttempt) -> Work:
    """Before a model is asked: the worst case of it; the work as it may then be done.

    Raises LimitReached, LengthUnknown, PriceUnknown, StoreError.
    """
    tab, request = work.recording.tab, work.request
    if tab is None or not tab.metered:
        return work
    seen, read = most_read(work, model)
    answers = request.n or 1
    if request.max_tokens is not None:
        most = request.max_tokens if model.max_output is None else min(request.max_tokens, model.max_output)
        await reserve(work.kernel, attempt, model, read, answers * max(LEAST, most))
        return work
    longest = model.max_output or work.kernel.snapshot.budgets.output_tokens
    if model.max_output is None and (tab.tokens or writing_costs(model)):
        _check_known(work, model)
        work = _told(work, longest, attempt, f"nobody says how long an answer of {model.name} may be")
    likely = work.kernel.upper(seen, model)
    if likely is not None and likely < longest:
        await reserve(work.kernel, attempt, model, read, answers * max(LEAST, likely))
        attempt.allotted = Allotted(answers * max(LEAST, likely), read, grows=True)
        return work
    return await _covered(work, model, attempt, seen, read, max(LEAST, longest))


def _check_known(work: Work, model: Model) -> None:
    if work.kernel.snapshot.budgets.unknown_longest == "refuse" or work.arrival.strict:
        raise LengthUnknown(
            f"How long an answer of {model.name} may be is not known, and this key has a limit on what it uses.",
            fix=FIX,
        )


async def _covered(work: Work, model: Model, attempt: OpenAttempt, seen: Features, read: int, most: int) -> Work:
    """Set aside as long an answer as there is money for, and `most` where there is enough."""
    tab, answers = work.recording.tab, work.request.n or 1
    assert tab is not None
    tokens = _fitting(work, model, seen, most, _left(tab, model, read) // answers)
    try:
        await reserve(work.kernel, attempt, model, read, answers * tokens)
    except LimitReached:
        # What was known of the accounts was old; the refusal has brought what is true now.
        fewer = _fitting(work, model, seen, most, _left(tab, model, read) // answers)
        if fewer >= tokens:
            raise
        tokens = fewer
        await reserve(work.kernel, attempt, model, read, answers * tokens)
    if tokens < most:
        work = _told(work, tokens, attempt, f"what is left of the caller's limits covers {tokens:,} tokens")
    if work.request.max_tokens is not None:
        attempt.allotted = Allotted(answers * tokens, read, grows=False)
    return work


def _fitting(work: Work, model: Model, seen: Features, most: int, left: int) -> int:
    """`most` tokens, or as many as are left, but not fewer than an answer needs; and `most` to who wants no change."""
    if left >= most or work.arrival.strict:
        return most
    return min(most, max(LEAST, left, _needed(work, seen, model)))


def _told(work: Work, tokens: int, attempt: OpenAttempt, why: str) -> Work:
    """The work with a maximum for the provider; the latest word on it is the one that is told."""
    others = tuple(one for one in attempt.adaptations if one.field != "max_tokens")
    attempt.adaptations = (*others, Adaptation("max_tokens", "changed", f"{why}: {tokens:,} are the most"))
    return work.asking(msgspec.structs.replace(work.request, max_tokens=tokens, source=None))


def _left(tab: Tab, model: Model, read: int) -> int:
    """Tokens of output that can be paid for now, as far as is known here."""
    found = [part.left - read for part in tab.tokens]
    free, price = dearest(model, read, 0), dearest(model, read, MILLION)
    if tab.money and free is not None and price is not None and price > free:
        found.append(affordable(min(part.left for part in tab.money) - free, price - free))
    return max(0, min(found)) if found else MILLION


def _needed(work: Work, seen: Features, model: Model) -> int:
    """Tokens that an answer should have room for: what nineteen of twenty stay below, or else what is expected."""
    kernel, reasoning = work.kernel, work.request.reasoning
    likely = likely_most(kernel.snapshot.calibration, kernel.signals.read(), seen, model)
    thought = (reasoning.budget or 0) if reasoning is not None else 0
    return thought + (likely or ceil(expected(work, model, seen.answers)))
