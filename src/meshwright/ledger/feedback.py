"""What somebody says of an answer, as rows to keep: each kind by itself, about one model, with what was predicted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from meshwright.store.rows import Feedback, FeedbackKind
from meshwright.types.decision import Candidate, Decision, Trace
from meshwright.types.errors import InvalidRequest
from meshwright.types.model import bare

LONGEST_CORRECTION = 100_000
LONGEST_LABEL = 64
THUMBS = {"up": 1.0, "down": 0.0}
CORRECTED = 0.0
"""What an answer was worth that somebody had to correct, unless he also says a score."""

BELIEVED: Mapping[FeedbackKind, float] = {
    "score": 1.0,
    "thumbs": 1.0,
    "correction": 1.0,
    "label": 1.0,
    "judge": 0.5,
    "schema": 0.5,
    "arguments": 0.5,
    "refusal": 0.3,
    "truncated": 0.2,
    "asked_again": 0.3,
    "tool_failed": 0.3,
    "tests": 0.4,
}
"""How much each kind is believed: what people say as a whole outcome, what can be seen as a part of one."""


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of one answer: at least one of thumbs ("up", "down"), score (0..1), correction and label.

    `id` is that of the decision or of the answer. `model` names which of several answers is meant (of a panel, of a
    cascade); "" is the one that was given.
    """

    id: str
    thumbs: str | None = None
    score: float | None = None
    correction: str | None = None
    label: str | None = None
    model: str = ""


def rows(trace: Trace, said: Said, principal: str, at: float, labels: Mapping[str, float]) -> tuple[Feedback, ...]:
    """A row for each kind. `labels` are those that are worth a score. Raises InvalidRequest that names the field."""
    found = list(_kinds(said, labels))
    if not found:
        raise InvalidRequest(
            "Nothing is said of the answer.", field="thumbs", fix="Send thumbs, score, correction or label."
        )
    model = meant(trace, said.model)
    return tuple(about(trace, model, kind, principal, at, score, text) for kind, score, text in found)


def about(
    trace: Trace, model: str, kind: FeedbackKind, principal: str, at: float, score: float | None, text: str
) -> Feedback:
    """One row about the answer of a model, with what its decision keeps for learning."""
    decision = trace.decision
    candidate = candidate_of(decision, model) if decision is not None else None
    expected = candidate.quality.value if candidate is not None and candidate.quality is not None else None
    seen = decision.features if decision is not None else None
    gain = seen.gained.get(bare(model)) if seen is not None else None
    return Feedback(
        decision=trace.id,
        model=model,
        kind=kind,
        principal=principal,
        at=at,
        asked=trace.at,
        score=score,
        text=text,
        expected=expected,
        prior=expected if expected is None or gain is None else round(expected - gain.value, 4),
        sketch=seen.sketch if seen is not None else b"",
    )


def worth(found: Iterable[Feedback], labels: Mapping[str, float]) -> tuple[float, float]:
    """(score, weight) of one answer by all that is known of it; weight 0 when that says nothing of quality.

    Where somebody has said what it was worth, what could merely be seen does not count.
    """
    scored = [
        (BELIEVED[one.kind], one.score if one.kind != "label" else labels.get(one.text))
        for one in found
        if one.aside is None
    ]
    known = [(weight, score) for weight, score in scored if score is not None]
    if not known:
        return 0.0, 0.0
    most = max(weight for weight, _ in known)
    best = [score for weight, score in known if weight == most]
    return sum(best) / len(best), most


def meant(trace: Trace, name: str) -> str:
    """The model whose answer is meant, by its full name or the part after its provider. Raises InvalidRequest."""
    answered = list(dict.fromkeys(one.model for one in trace.attempts if one.outcome == "ok"))
    if not answered or not trace.served:
        raise InvalidRequest(
            f"Nobody answered {trace.id} ({trace.outcome}): there is nothing to judge.", field="id", fix="Leave it."
        )
    if not name:
        return trace.served
    found = [one for one in answered if name in (one, one.partition("/")[2])]
    if len(found) != 1:
        raise InvalidRequest(
            f"{name[:100]!r} is not one of those who answered {trace.id}.",
            field="model",
            fix=f"Name one of {', '.join(answered)}, or leave it out to mean {trace.served}.",
        )
    return found[0]


def candidate_of(decision: Decision, model: str) -> Candidate | None:
    """What was predicted of a model, in the decision or in one of its parts."""
    for candidate in decision.candidates:
        if candidate.model == model:
            return candidate
    return next((found for part in decision.parts if (found := candidate_of(part, model)) is not None), None)


def _kinds(said: Said, labels: Mapping[str, float]) -> Iterator[tuple[FeedbackKind, float | None, str]]:
    if said.thumbs is not None:
        if said.thumbs not in THUMBS:
            raise InvalidRequest('thumbs is "up" or "down".', field="thumbs", fix='Send "thumbs": "up".')
        yield "thumbs", THUMBS[said.thumbs], said.thumbs
    if said.score is not None:
        if not 0 <= said.score <= 1:
            raise InvalidRequest("score is a number from 0 to 1.", field="score", fix="Divide it by its largest value.")
        yield "score", said.score, ""
    if said.correction is not None:
        _bounded("correction", said.correction, LONGEST_CORRECTION)
        yield "correction", CORRECTED if said.score is None else None, said.correction
    if said.label is not None:
        _bounded("label", said.label, LONGEST_LABEL)
        yield "label", labels.get(said.label), said.label


def _bounded(field: str, text: str, most: int) -> None:
    if not text.strip():
        raise InvalidRequest(f"{field} is empty.", field=field, fix=f"Leave {field} out, or say something.")
    if len(text) > most:
        told = f"{field} has {len(text):,} characters; it may have 1 to {most:,}."
        raise InvalidRequest(told, field=field, fix="Send less.")
