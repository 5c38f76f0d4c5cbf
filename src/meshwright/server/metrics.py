"""Counters and histograms of one worker, in Prometheus' text format (version 0.0.4), without locks."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from functools import lru_cache

from meshwright.types.decision import Trace

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """What this worker has seen. `state` and `merged` let one worker answer for all of them."""

    def __init__(self) -> None:
        self.counters: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in COUNTERS}
        self.histograms: dict[str, dict[Labels, list[float]]] = {name: {} for name in HISTOGRAMS}

    def trace(self, trace: Trace) -> None:
        """Count one finished request."""
        served, model, into, out = _labels_of(trace.dialect, trace.served or "none", trace.outcome)
        counters = self.counters
        counters["mesh_requests_total"][served] += 1
        self.observe("mesh_request_seconds", model, trace.seconds)
        if trace.first_byte is not None and trace.stream:
            self.observe("mesh_first_byte_seconds", model, trace.first_byte)
        for attempt in trace.attempts:
            counters["mesh_attempts_total"][_labels_of_attempt(attempt.model, attempt.outcome)] += 1
        if trace.usage is not None:
            tokens = counters["mesh_tokens_total"]
            tokens[into] += trace.usage.total_input
            tokens[out] += trace.usage.total_output
        for verdict in trace.guards:
            seen = (("rule", verdict.rule), ("action", verdict.action), ("place", verdict.place))
            self.count("mesh_guard_verdicts_total", seen)
        if trace.cache:
            self.count("mesh_cache_total", (("outcome", trace.cache),))
            if trace.saved_nano:
                self.count("mesh_cache_saved_dollars_total", (), trace.saved_nano / 1e9)
        if trace.cost:
            counters["mesh_cost_dollars_total"][model] += trace.cost / 1e9

    def count(self, name: str, labels: Labels, amount: float = 1) -> None:
        """Add to a counter."""
        self.counters[name][labels] += amount

    def observe(self, name: str, labels: Labels, seconds: float) -> None:
        """Add to a histogram: one slot per bucket, then the sum."""
        slots = self.histograms[name].get(labels)
        if slots is None:
            slots = self.histograms[name][labels] = [0.0] * (len(SECONDS) + 2)
        slots[bisect_left(SECONDS, seconds)] += 1
        slots[-1] += seconds

    def add(self, other: Metrics) -> None:
        """Add another worker's numbers."""
        for name, series in other.counters.items():
            for labels, amount in series.items():
                self.count(name, labels, amount)
        for name, rows in other.histograms.items():
            for labels, slots in rows.items():
                mine = self.histograms[name].setdefault(labels, [0.0] * len(slots))
                self.histograms[name][labels] = [a + b for a, b in zip(mine, slots, strict=True)]

    def text(self) -> str:
        """Everything, for a scrape."""
        lines: list[str] = []
        for name, series in self.counters.items():
            lines += [f"# HELP {name} {COUNTERS[name]}", f"# TYPE {name} counter"]
            lines += [f"{name}{_labels(labels)} {_number(amount)}" for labels, amount in sorted(series.items())]
        for name, rows in self.histograms.items():
            lines += [f"# HELP {name} {HISTOGRAMS[name]}", f"# TYPE {name} histogram"]
            for labels, slots in sorted(rows.items()):
                lines += _histogram(name, labels, slots)
        return "\n".join(lines) + "\n"


@lru_cache(maxsize=4096)
def _labels_of(dialect: str, model: str, outcome: str) -> tuple[Labels, Labels, Labels, Labels]:
    """Labels of requests, of what goes by model, and of tokens in and out: the same few come again and again."""
    served = (("dialect", dialect), ("model", model), ("outcome", outcome))
    by = (("model", model),)
    return served, by, (*by, ("direction", "input")), (*by, ("direction", "output"))


@lru_cache(maxsize=4096)
def _labels_of_attempt(model: str, outcome: str) -> Labels:
    return (("model", model), ("outcome", outcome))


COUNTERS = {
    "mesh_requests_total": "Requests answered or failed, by client dialect, serving model and outcome.",
    "mesh_attempts_total": "Calls to providers, by model and outcome.",
    "mesh_tokens_total": "Tokens, by model and direction.",
    "mesh_cost_dollars_total": "Money spent in US dollars, by model; requests of unknown cost are not in it.",
    "mesh_guard_verdicts_total": "Verdicts of guards, by rule, action and place.",
    "mesh_cache_total": "Requests over routes with a cache, by outcome: hit, alike or miss.",
    "mesh_cache_saved_dollars_total": "What answers had cost that were given again, in US dollars.",
    "mesh_http_errors_total": "Requests refused before they reached a model, by status.",
}
HISTOGRAMS = {
    "mesh_request_seconds": "Seconds from a request's arrival to its answer's end, by serving model.",
    "mesh_first_byte_seconds": "Seconds to the first bytes of a streamed answer, by serving model.",
}


def _histogram(name: str, labels: Labels, slots: list[float]) -> list[str]:
    lines, seen = [], 0.0
    for bound, amount in zip((*SECONDS, None), slots, strict=False):
        seen += amount
        le = "+Inf" if bound is None else f"{bound:g}"
        lines.append(f"{name}_bucket{_labels((*labels, ('le', le)))} {_number(seen)}")
    lines.append(f"{name}_sum{_labels(labels)} {_number(slots[-1])}")
    lines.append(f"{name}_count{_labels(labels)} {_number(seen)}")
    return lines


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for _, value in labels)
    return "{" + ",".join(f'{name}="{value}"' for (name, _), value in zip(labels, escaped, strict=True)) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
