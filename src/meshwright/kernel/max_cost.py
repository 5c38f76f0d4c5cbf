"""A caller's `max_cost` is a promise: before each call, the worst case of it and of all before it stays below.

The worst case is that of `covered`: as many input tokens as there are bytes, at the dearest prices, and the longest
answer that may be written. An answer that could cost too much is asked for with a lower limit on its tokens, but not
below the length that is expected: a model that could only begin to answer is passed over instead.
"""

from __future__ import annotations

import msgspec

from meshwright.kernel.covered import set_aside
from meshwright.kernel.record import OpenAttempt
from meshwright.kernel.set_aside import affordable, dearest, expected, most_read
from meshwright.kernel.work import Work
from meshwright.ledger.money import MILLION
from meshwright.types.errors import OverMaxCost
from meshwright.types.model import Model
from meshwright.types.money import dollars
from meshwright.types.request import Adaptation


async def afford(work: Work, model: Model, attempt: OpenAttempt) -> Work:
    """The work as this model may do it, its worst case promised and set aside.

    Whatever is raised, CancelledError too, the call was never begun, and nothing stays behind. Raises OverMaxCost,
    LimitReached, LengthUnknown, PriceUnknown, StoreError.
    """
    try:
        if work.recording.cap is not None:
            work = _capped(work, model, attempt)
        work = await set_aside(work, model, attempt)
    except BaseException:
        work.recording.promised -= attempt.worst
        raise
    return work


def _capped(work: Work, model: Model, attempt: OpenAttempt) -> Work:
    """The work as it may be done by this model. Raises OverMaxCost when it may not be done by it."""
    request, recording = work.request, work.recording
    assert recording.cap is not None
    if any(tool.kind == "hosted" for tool in request.tools):
        raise _over(f"What the own tools of {model.provider} cost is not known, and max_cost is set.")
    seen, read = most_read(work, model)
    answers = request.n or 1
    left = recording.cap - recording.promised
    limits = [one for one in (request.max_tokens, model.max_output) if one is not None]
    most = min(limits) if limits else None
    free = dearest(model, read, 0)
    if free is None or (price := dearest(model, read, MILLION)) is None:
        raise _over(f"What {model.name} costs is not known, and max_cost is set.")
    if free > left:
        raise _over(
            f"{model.name} may charge {dollars(free)} USD for reading it, max_cost leaves {dollars(max(0, left))}."
        )
    tokens = affordable(left - free, price - free) // answers if price > free else most
    if tokens is None or (most is not None and tokens >= most):
        _promise(attempt, dearest(model, read, (most or 0) * answers) or 0)
        return work
    needed = expected(work, model, seen.answers)
    if tokens < max(1, min(needed, most) if most is not None else needed):
        least = dollars(free + -(-(price - free) * round(needed) * answers // MILLION))
        told = f"{model.name} may charge {least} USD for an answer of {needed:,.0f} tokens"
        raise _over(f"{told}, and max_cost leaves {dollars(max(0, left))} USD.")
    _promise(attempt, dearest(model, read, tokens * answers) or 0)
    told = f"max_cost leaves {tokens:,} tokens for an answer of {model.name}"
    attempt.adaptations = (Adaptation("max_tokens", "changed", told),)
    return work.asking(msgspec.structs.replace(request, max_tokens=tokens, source=None))


def _promise(attempt: OpenAttempt, worst: int) -> None:
    attempt.worst = worst
    attempt.recording.promised += worst


def _over(told: str) -> OverMaxCost:
    return OverMaxCost(told, fix="Raise max_cost, lower max_tokens, or allow a cheaper model.")
