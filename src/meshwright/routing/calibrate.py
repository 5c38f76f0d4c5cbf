"""Learning from traces how far off predicted lengths and costs are, per model and task, with back-off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import exp, log
from statistics import median

import msgspec

from meshwright.catalog.tokens import USUAL, family
from meshwright.routing.conformal import Tracker
from meshwright.types.calibration import ALL, Bound, Calibration, Kept, Reading, Share, group
from meshwright.types.decision import Candidate, Decision, Trace

NOMINAL = 0.9
"""How often an interval is meant to hold the truth."""
LEAST_ROWS = 20
"""Answers from which a family's factor is believed."""
LEAST_READ = 100
"""Estimated tokens of a request that tells something: of a shorter one most is the provider's own frame around it."""
FARTHEST = 2.0
"""A learned factor is at most so many times what is usual for its family, and at least that part of it."""
KEPT_BACK = "kept back"
"""How the note of a gate ends that did not believe an answer."""
WILDEST = 8.0
"""A logarithm beyond this is a fault, not an answer: a factor of 3,000."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was predicted of one answer, and what came: tokens, and nano-dollars where they are known."""

    model: str
    task: str
    expected: float
    tokens: int
    expected_cost: float | None = None
    cost: int | None = None


class Learned(msgspec.Struct, frozen=True):
    """What was learned, and how often the intervals for each model held before they knew."""

    calibration: Calibration
    by_model: dict[str, Kept]


def outcomes(traces: Iterable[Trace]) -> Iterator[Outcome]:
    """Of each good answer whose tokens were counted and of whose model a length was predicted."""
    for trace in traces:
        if trace.decision is None:
            continue
        predicted = {one.model: one for one in candidates(trace.decision)}
        task = trace.decision.features.task if trace.decision.features else ""
        for attempt in trace.attempts:
            one, usage = predicted.get(attempt.model), attempt.usage
            if attempt.outcome != "ok" or usage is None or usage.estimated or one is None or one.tokens is None:
                continue
            if attempt.role or usage.total_output <= 0 or one.tokens.value <= 0:
                continue  # a judge is asked something else than what was predicted
            yield Outcome(
                model=attempt.model,
                task=task,
                expected=one.tokens.value,
                tokens=usage.total_output,
                expected_cost=one.cost.value if one.cost is not None else None,
                cost=attempt.cost,
            )


def candidates(decision: Decision) -> Iterator[Candidate]:
    """Those of the decision and of the decisions of its steps."""
    yield from decision.candidates
    for part in decision.parts:
        yield from candidates(part)


def calibrate(rows: Iterable[Outcome], nominal: float = NOMINAL) -> Learned:
    """Go through the outcomes in order of time: each meets the interval that was known before it, then teaches it."""
    tokens, cost = _Side(nominal), _Side(nominal)
    for row in rows:
        tokens.meet(row.model, row.task, log(row.tokens / row.expected))
        if row.cost and row.expected_cost and row.cost > 0 and row.expected_cost > 0:
            cost.meet(row.model, row.task, log(row.cost / row.expected_cost))
    calibration = Calibration(
        nominal=nominal,
        tokens=tokens.bounds(),
        cost=cost.bounds(),
        kept_tokens=tokens.kept(),
        kept_cost=cost.kept(),
    )
    return Learned(calibration, tokens.by_model)


def goings(traces: Iterable[Trace]) -> tuple[dict[str, Share], dict[str, Share]]:
    """How often each model did not answer, and how often a gate kept back what it answered.

    Calls that were not the answer's own (judges, copies, hedges) are left out, and so are clients who left.
    """
    asked, failed, judged, kept = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for trace in traces:
        for attempt in trace.attempts:
            if attempt.role in ("", "held") and attempt.outcome != "cancelled":
                asked[attempt.model] += 1
                failed[attempt.model] += attempt.outcome != "ok"
        for note in trace.notes:
            if note.kind == "gate" and note.value is not None:
                judged[note.about] += 1
                kept[note.about] += note.told.endswith(KEPT_BACK)
    return (
        {name: Share(rows, failed[name]) for name, rows in sorted(asked.items())},
        {name: Share(rows, kept[name]) for name, rows in sorted(judged.items())},
    )


def readings(traces: Iterable[Trace]) -> dict[str, Reading]:
    """The factor of each family: the middle one of its answers, for single ones are off in both directions.

    What was read is the provider's count. Requests with pictures and files, whose tokens go by other rules, and those
    that were estimated roughly are left out.
    """
    ratios: dict[str, list[float]] = {}
    for trace in traces:
        seen = trace.decision.features if trace.decision is not None else None
        if seen is None or seen.rough or seen.attachments or seen.input_tokens < LEAST_READ:
            continue
        for attempt in trace.attempts:
            usage = attempt.usage
            if attempt.outcome != "ok" or attempt.role or usage is None or usage.estimated or usage.total_input <= 0:
                continue
            ratios.setdefault(family(attempt.model), []).append(usage.total_input / seen.input_tokens)
    return {
        name: Reading(_near(name, median(found)), len(found))
        for name, found in sorted(ratios.items())
        if len(found) >= LEAST_ROWS
    }


def _near(name: str, factor: float) -> float:
    usual = USUAL[name]
    return round(min(max(factor, usual / FARTHEST), usual * FARTHEST), 3)


class _Side:
    """Trackers of one kind of prediction, by group."""

    def __init__(self, nominal: float) -> None:
        self._miss = 1 - nominal
        self._trackers: dict[str, Tracker] = {}
        self.by_model: dict[str, Kept] = {}

    def meet(self, model: str, task: str, score: float) -> None:
        score = max(-WILDEST, min(WILDEST, score))
        names = (group(model, task), group(model, ALL), group(ALL, task), group(ALL, ALL))
        known = (tracker.interval() for name in names if (tracker := self._trackers.get(name)) is not None)
        told = next((one for one in known if one is not None), None)
        if told is not None:
            before = self.by_model.get(model, Kept(0, 0))
            self.by_model[model] = Kept(before.rows + 1, before.held + (told[0] <= score <= told[1]))
        for name in names:
            tracker = self._trackers.get(name)
            if tracker is None:
                tracker = self._trackers[name] = Tracker(self._miss)
            tracker.learn(score)

    def bounds(self) -> dict[str, Bound]:
        found = {}
        for name, tracker in sorted(self._trackers.items()):
            if (told := tracker.interval()) is not None:
                found[name] = Bound(round(exp(told[0]), 4), round(exp(told[1]), 4), tracker.rows)
        return found

    def kept(self) -> Kept:
        every = self.by_model.values()
        return Kept(sum(one.rows for one in every), sum(one.held for one in every))
