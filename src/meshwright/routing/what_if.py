"""What another policy would have cost and achieved, judged from the log of this one.

Doubly robust off-policy evaluation (Dudík, Langford and Li, https://arxiv.org/abs/1103.4601): what the other policy's
choice is predicted to bring, corrected by what was seen wherever both chose the same, weighted by how likely that was.
The log supports the answer only as far as it chose what the other policy would choose; the mean weight tells how far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import msgspec

Z = 1.96
"""Standard errors on each side of a 95 % interval."""
ENOUGH = 30.0
"""Requests, after weighting, below which there is nothing to average."""
SUPPORTED = 0.9
"""The share of requests for which the log must have been able to choose what the other policy chooses."""


class Choice(msgspec.Struct, frozen=True):
    """A choice in words that are equal when choices are, with its predicted cost (nano-dollars) and quality (0..1)."""

    words: str
    cost: float | None = None
    quality: float | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the log: what it cost (nano-dollars) and was worth (0..1), None where that is not known.

    `propensity` is how likely the log was to choose as it did. `other` is what the other policy would have chosen, None
    when it could not have served it. Where that draws lots, `draws` are its choices by lots of their own: by the same
    lots it would choose like the log more often than it should.
    """

    chosen: Choice
    other: Choice | None
    propensity: float = 1.0
    cost: float | None = None
    quality: float | None = None
    draws: tuple[Choice, ...] = ()
    judged: bool = False
    """Somebody has said what it was worth: such requests stand for those that went as well and nobody judged."""

    def others(self) -> tuple[Choice, ...]:
        """The other policy's choices, equally likely."""
        return self.draws or ((self.other,) if self.other is not None else ())


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A mean per request with its 95 % interval, from so many requests. `supported`: the log can tell; else `why`."""

    value: float
    low: float
    high: float
    requests: int
    supported: bool = True
    why: str = ""


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison. `same` counts equal choices; `unserved` those that the other policy could not have served.

    `judged` are those that somebody judged. `support` estimates the share of requests for which the log could have
    chosen what the other policy chooses; `effective` is how many requests the weighted ones are worth. An estimate is
    None when nothing is known for it.
    """

    requests: int
    same: int
    unserved: int
    support: float
    effective: float
    judged: int
    cost_now: Estimate | None
    cost_then: Estimate | None
    quality_now: Estimate | None
    quality_then: Estimate | None


def what_if(rows: Sequence[Row]) -> WhatIf:
    """The comparison. Requests that the other policy could not have served are counted, not judged."""
    served = [row for row in rows if row.other is not None]
    weights = [_weight(row) for row in served]
    support = min(1.0, sum(weights) / len(served)) if served else 0.0
    squares = sum(weight * weight for weight in weights)
    effective = sum(weights) ** 2 / squares if squares else 0.0
    doubt = _doubt(len(served), support, effective)
    known, answered = _stand_ins(rows), _stand_ins(served)
    return WhatIf(
        requests=len(rows),
        same=sum(row.other is not None and row.chosen.words == row.other.words for row in served),
        unserved=len(rows) - len(served),
        support=round(support, 4),
        effective=round(effective, 1),
        judged=sum(row.judged for row in rows),
        cost_now=_mean([row.cost for row in rows if row.cost is not None]),
        cost_then=_robust(served, _costs, doubt, _scale(served)),
        quality_now=_mean(
            [row.quality for row, _ in known if row.quality is not None],
            [count for row, count in known if row.quality is not None],
        ),
        quality_then=_robust(
            [row for row, _ in answered], _qualities, doubt or _thin(answered), counts=[count for _, count in answered]
        ),
    )


def _stand_ins(rows: Sequence[Row]) -> list[tuple[Row, float]]:
    """Rows of known quality, and how many each stands for; all rows, once each, when too few were judged."""
    unknown = sum(row.quality is None for row in rows)
    judged = sum(row.judged for row in rows)
    if not unknown or judged < ENOUGH:
        return [(row, 1.0) for row in rows]
    return [(row, 1 + unknown / judged if row.judged else 1.0) for row in rows if row.quality is not None]


def _thin(rows: Sequence[tuple[Row, float]]) -> str:
    """Why those that were judged do not carry a figure; "" when they do."""
    weights = [count * _weight(row) for row, count in rows]
    squares = sum(weight * weight for weight in weights)
    effective = sum(weights) ** 2 / squares if squares else 0.0
    if rows and effective < ENOUGH:
        return f"it rests on what {effective:.0f} judged requests are worth; {ENOUGH:.0f} are the least"
    return ""


def _weight(row: Row) -> float:
    """How likely the other policy is to choose as the log did, over how likely the log was."""
    others = row.others()
    alike = sum(one.words == row.chosen.words for one in others)
    return alike / len(others) / row.propensity if alike and row.propensity > 0 else 0.0


def _costs(row: Row) -> tuple[float | None, float | None, list[float | None]]:
    return row.cost, row.chosen.cost, [one.cost for one in row.others()]


def _qualities(row: Row) -> tuple[float | None, float | None, list[float | None]]:
    return row.quality, row.chosen.quality, [one.quality for one in row.others()]


def _doubt(requests: int, support: float, effective: float) -> str:
    """Why the log cannot support an answer; "" when it can."""
    if not requests:
        return "the other policy could have served no request of the log"
    if support < SUPPORTED:
        return (
            f"the log could have chosen what the other policy chooses for about {support:.0%} of the requests only; "
            "for the rest this is a prediction that nothing was compared with"
        )
    if effective < ENOUGH:
        return f"it rests on what {effective:.0f} requests are worth; {ENOUGH:.0f} are the least"
    return ""


def _robust(
    served: Sequence[Row],
    of: Callable[[Row], tuple[float | None, float | None, list[float | None]]],
    doubt: str,
    scale: float = 1.0,
    counts: Sequence[float] | None = None,
) -> Estimate | None:
    """The doubly robust mean. `of` gives what was seen, what was predicted for it, and what for the other choices."""
    terms, kept, told = list[float](), list[float](), 0
    for row, count in zip(served, counts or [1.0] * len(served), strict=True):
        seen, expected, others = of(row)
        told += seen is not None
        if expected is None:
            expected = None if seen is None else seen / scale  # nothing was predicted: what was seen stands
        # The other policy's choice where it is the log's has the log's prediction.
        alike = [one.words == row.chosen.words for one in row.others()]
        known = [expected if same and one is None else one for same, one in zip(alike, others, strict=True)]
        predicted = [one for one in known if one is not None]
        if len(predicted) < len(known):
            continue
        value = scale * sum(predicted) / len(predicted)
        if seen is not None and expected is not None:
            value += _weight(row) * (seen - scale * expected)
        terms.append(value)
        kept.append(count)
    mean = _mean(terms, kept)
    if mean is None:
        return None
    if not doubt and told < len(served) * SUPPORTED:
        doubt = f"it was seen for {told} of {len(served)} requests only"
    if not doubt and len(terms) < len(served):
        doubt = f"nothing is predicted or seen for {len(served) - len(terms)} of {len(served)} requests"
    return msgspec.structs.replace(mean, supported=not doubt, why=doubt)


def _scale(served: Sequence[Row]) -> float:
    """How many times dearer than predicted the log was: predictions of the other policy share the bias."""
    pairs = [(row.cost, row.chosen.cost) for row in served if row.cost is not None and row.chosen.cost is not None]
    whole = sum(predicted for _, predicted in pairs)
    seen = sum(cost for cost, _ in pairs)
    return seen / whole if whole > 0 and seen > 0 else 1.0


def _mean(values: Sequence[float], counts: Sequence[float] | None = None) -> Estimate | None:
    """The mean with its interval; each value counts as often as `counts` says."""
    if not values:
        return None
    weights = counts or [1.0] * len(values)
    whole, many = sum(weights), len(values)
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True)) / whole
    squares = sum((weight * (value - mean)) ** 2 for weight, value in zip(weights, values, strict=True))
    spread = sqrt(squares * many / max(1, many - 1)) / whole
    return Estimate(value=mean, low=mean - Z * spread, high=mean + Z * spread, requests=many)
