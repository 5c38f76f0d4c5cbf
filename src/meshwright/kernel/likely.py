"""How long an answer will hardly be: the upper end of an interval that was learned here, for what is set aside."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from meshwright.routing.lengths import answer_tokens
from meshwright.routing.policy import UNSEEN, Signal
from meshwright.types.calibration import Calibration, bound
from meshwright.types.decision import Features
from meshwright.types.model import Model


def likely_most(
    calibration: Calibration | None, signals: Mapping[str, Signal], seen: Features, model: Model
) -> int | None:
    """Tokens of one answer that nineteen of twenty stay below; None as long as too little was seen to say so."""
    known = bound(calibration.tokens, model.name, seen.task) if calibration is not None else None
    if known is None:
        return None
    expected = answer_tokens(model, seen, signals.get(model.name, UNSEEN)) / max(1, seen.answers)
    return max(1, ceil(expected * known[0].high))
