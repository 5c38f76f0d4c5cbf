"""How routing has been doing, from the log and from what was found out about answers: by task, and how true it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from meshwright.ledger.feedback import candidate_of, worth
from meshwright.store.rows import Feedback
from meshwright.types.decision import Decision, Trace

BINS = 10


class TaskLine(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one task. `cost` is nano-dollars per request, None when nothing is priced.

    `quality` is the mean score of those `judged`; `expected` the mean that was predicted of the models that answered;
    `regret` how much more was predicted of the best: what thrift, bounds and trying gave up.
    """

    task: str
    requests: int
    models: Mapping[str, int]
    cost: float | None
    judged: int
    quality: float | None
    expected: float | None
    regret: float | None


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Judged answers of which about the same was predicted: what it was on average, and what they scored."""

    low: float
    high: float
    count: int
    expected: float
    scored: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `ece` is the expected calibration error: how far predictions are off, bin by bin, on average."""

    requests: int
    tasks: list[TaskLine]
    calibration: list[Bin]
    judged: int
    ece: float | None


def scores(traces: Iterable[Trace], found: Iterable[Feedback], labels: Mapping[str, float]) -> dict[str, float]:
    """What the answers that were given were worth, by decision; of what people and judges said."""
    said: dict[tuple[str, str], list[Feedback]] = {}
    for one in found:
        if one.principal:
            said.setdefault((one.decision, one.model), []).append(one)
    told = {}
    for trace in traces:
        score, weight = worth(said.get((trace.id, trace.served), ()), labels)
        if weight:
            told[trace.id] = score
    return told


def report(traces: Sequence[Trace], scored: Mapping[str, float]) -> Report:
    """The report. `scored` is by decision (see `scores`). Copies and what was never decided are left out."""
    routed = [one for one in traces if one.decision is not None and one.decision.features is not None and not one.of]
    by_task: dict[str, list[Trace]] = {}
    for trace in routed:
        assert trace.decision is not None
        assert trace.decision.features is not None
        by_task.setdefault(trace.decision.features.task or "not looked at", []).append(trace)
    bins = _bins([(_expected(one), scored[one.id]) for one in routed if one.id in scored])
    count = sum(one.count for one in bins)
    off = sum(one.count * abs(one.expected - one.scored) for one in bins)
    return Report(
        requests=len(routed),
        tasks=[_line(task, ones, scored) for task, ones in sorted(by_task.items(), key=lambda item: -len(item[1]))],
        calibration=bins,
        judged=count,
        ece=round(off / count, 4) if count else None,
    )


def _line(task: str, traces: Sequence[Trace], scored: Mapping[str, float]) -> TaskLine:
    models: dict[str, int] = {}
    for trace in traces:
        models[trace.served or "nobody"] = models.get(trace.served or "nobody", 0) + 1
    return TaskLine(
        task=task,
        requests=len(traces),
        models=dict(sorted(models.items(), key=lambda item: -item[1])),
        cost=_mean([float(one.cost) for one in traces if one.cost is not None]),
        judged=sum(one.id in scored for one in traces),
        quality=_mean([scored[one.id] for one in traces if one.id in scored]),
        expected=_mean([value for one in traces if (value := _expected(one)) is not None]),
        regret=_mean([value for one in traces if one.decision and (value := _regret(one.decision)) is not None]),
    )


def _expected(trace: Trace) -> float | None:
    """The quality that was predicted of the model that answered."""
    candidate = candidate_of(trace.decision, trace.served) if trace.decision is not None else None
    return candidate.quality.value if candidate is not None and candidate.quality is not None else None


def _regret(decision: Decision) -> float | None:
    """How much better the best candidate was predicted than the first choice."""
    if decision.plan.kind != "chain" or not decision.plan.models:
        return None
    known = {one.model: one.quality.value for one in decision.candidates if one.quality is not None}
    chosen = known.get(decision.plan.models[0])
    return None if chosen is None else max(known.values()) - chosen


def _bins(pairs: Iterable[tuple[float | None, float]]) -> list[Bin]:
    kept: dict[int, list[tuple[float, float]]] = {}
    for expected, score in pairs:
        if expected is not None:
            kept.setdefault(min(BINS - 1, int(expected * BINS)), []).append((expected, score))
    return [
        Bin(
            low=at / BINS,
            high=(at + 1) / BINS,
            count=len(found),
            expected=round(sum(one for one, _ in found) / len(found), 4),
            scored=round(sum(score for _, score in found) / len(found), 4),
        )
        for at, found in sorted(kept.items())
    ]


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
