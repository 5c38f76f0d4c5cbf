"""What traces tell of models that no catalogue said: the limits that providers name when they refuse."""

from __future__ import annotations

from collections.abc import Iterator

from meshwright.store.rows import LearnedLimit
from meshwright.types.decision import Trace
from meshwright.wire.limits import stated_limit

_REFUSALS = (400, 413, 422)


def learned_limits(trace: Trace) -> Iterator[LearnedLimit]:
    """The limits that a trace's attempts ran into."""
    for attempt in trace.attempts:
        if attempt.status in _REFUSALS and (said := stated_limit(attempt.error)):
            yield LearnedLimit(model=attempt.model, fact=said.fact, tokens=said.tokens, at=trace.at, decision=trace.id)
