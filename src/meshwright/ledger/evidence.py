"""What can be seen of an answer without asking anyone: cut off, refused, wrong in form, asked again, tests that ran.

None of it is proof, so each kind is believed a little (`ledger.feedback.BELIEVED`). What has nothing wrong with it that
can be seen is no evidence at all: such answers only count in the rate. Tests tell both, and count as outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from meshwright.ledger.feedback import about
from meshwright.store.rows import Feedback, FeedbackKind
from meshwright.types.decision import Trace

JUDGE = "judge"
"""The path of a judge's own request, and who is said to have judged."""
UNPRICED = 10_000_000
"""Nano-dollars that a judge's mark counts for when nobody knows its price: a cent."""
SHORTLY = 300.0
"""Seconds within which the same request again says that its answer was no good."""
PURSE = "learning/judge"
REMEMBERED = 4_096
WORTH: dict[FeedbackKind, float] = {
    "schema": 0.0,
    "arguments": 0.0,
    "refusal": 0.1,
    "truncated": 0.3,
    "asked_again": 0.2,
    "tool_failed": 0.3,
}
"""What an answer is taken to be worth of which that was seen."""
TESTED = {True: 1.0, False: 0.2}
"""What an answer is worth whose tests all passed, or did not: they may have been run to see them fail."""


def implicit(trace: Trace) -> tuple[Feedback, ...]:
    """What the trace alone tells of the answers in it. Pure. A kind is told once of each model.

    The trace of a judge tells what it thinks of the answer that it was shown.
    """
    if trace.of and trace.path == JUDGE:
        return tuple(_marks(trace))
    return tuple({(one.model, one.kind): one for one in _signs(trace)}.values())


def _signs(trace: Trace) -> Iterator[Feedback]:
    seen = trace.decision.features if trace.decision is not None else None
    limited = seen is not None and seen.max_tokens is not None
    for attempt in trace.attempts:
        if attempt.outcome != "ok" or attempt.role in ("judge", "advice", "approval"):
            continue
        if attempt.finish == "length" and not limited:
            yield _sign(trace, attempt.model, "truncated", "cut off, though the caller set no max_tokens")
        elif attempt.finish in ("refusal", "content_filter"):
            yield _sign(trace, attempt.model, "refusal", f"it declined ({attempt.finish.replace('_', ' ')})")
    for note in trace.notes:
        if note.kind in ("schema", "arguments") and note.value == 0:
            kind: FeedbackKind = "schema" if note.kind == "schema" else "arguments"
            yield _sign(trace, note.about, kind, note.told)


def _marks(trace: Trace) -> Iterator[Feedback]:
    for note in trace.notes:
        if note.kind == "judge" and note.value is not None:
            row = about(trace, note.about, "judge", JUDGE, trace.at, note.value, note.told[:500])
            yield msgspec.structs.replace(row, decision=trace.of)


def _sign(trace: Trace, model: str, kind: FeedbackKind, told: str) -> Feedback:
    return about(trace, model, kind, "", trace.at, WORTH[kind], told[:500])


def tried(trace: Trace) -> Iterator[tuple[str, int]]:
    """What trying models was predicted to cost above the best, by route; several where routes lie in each other."""
    if trace.of:
        if trace.path == JUDGE:
            yield PURSE, UNPRICED if trace.cost is None else trace.cost
        return
    waiting = [trace.decision] if trace.decision is not None else []
    while waiting:
        decision = waiting.pop()
        if decision.extra:
            yield decision.route.removeprefix("route/"), decision.extra
        waiting += decision.parts


class _Earlier(msgspec.Struct, frozen=True):
    """A conversation's latest answer; it was there at `answered`."""

    at: float
    answered: float
    turns: int
    tokens: int
    errors: int
    tested: bool | None
    template: Feedback


class Following:
    """Traces about in order of time, and what each says of the answer before it in the same conversation.

    Journals of several workers are read one after the other, so that the later of two requests may come first.
    """

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], _Earlier] = {}

    def see(self, trace: Trace) -> Iterator[Feedback]:
        """What requests tell of earlier answers: that one had to be asked again, that its tool calls failed."""
        decision = trace.decision
        seen = decision.features if decision is not None else None
        if seen is None or not seen.conversation or trace.of:
            return
        place = trace.principal, seen.conversation
        known = self._latest.get(place)
        if known is not None and known.template.decision == trace.id:
            return  # a batch that could not be stored is read again
        self._latest.pop(place, None)
        template = about(trace, trace.served, "asked_again", "", trace.at, None, "")
        errors, tested = (seen.loop.errors, seen.loop.tested) if seen.loop is not None else (0, None)
        this = _Earlier(trace.at, trace.at + trace.seconds, seen.turns, seen.input_tokens, errors, tested, template)
        late = known is not None and known.at > this.at
        before, after = (this, known) if late else (known, this)
        answered = trace.outcome == "ok" and bool(trace.served)
        if before is not None and after is not None and (answered or not late):
            yield from _told(before, after)
        if known is not None and late:
            self._latest[place] = known
        elif answered:
            self._latest[place] = this
            if len(self._latest) > REMEMBERED:
                del self._latest[next(iter(self._latest))]


def _told(before: _Earlier, after: _Earlier) -> Iterator[Feedback]:
    """What the later request says of the earlier one's answer."""
    if after.at - before.at > SHORTLY:
        return
    if (after.turns, after.tokens) == (before.turns, before.tokens):
        # Who shares a cache key asks other things, and who asks twice at once has not seen an answer yet.
        if after.template.sketch != before.template.sketch or after.at < before.answered:
            return
        asked = f"asked again after {after.at - before.at:.0f} s"
        yield _told_by(after, before, "asked_again", WORTH["asked_again"], asked)
        return
    if after.errors:
        told = "a tool failed with what it was called with"
        yield _told_by(after, before, "tool_failed", WORTH["tool_failed"], told)
    if after.tested is not None:
        told = "the tests that it ran passed" if after.tested else "tests that it ran failed"
        yield _told_by(after, before, "tests", TESTED[after.tested], told)


def _told_by(after: _Earlier, before: _Earlier, kind: FeedbackKind, score: float, told: str) -> Feedback:
    return msgspec.structs.replace(
        before.template, kind=kind, at=after.at, score=score, text=f"{told}: {after.template.decision}"
    )
