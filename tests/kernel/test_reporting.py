"""The report: shares, cost, quality and regret by task, and how true the predictions were."""

from __future__ import annotations

import pytest

from meshwright.cli.reporting import tell_report
from meshwright.kernel.learning.reporting import report, scores
from meshwright.routing.quality.gains import Gains
from meshwright.store.rows import Feedback
from meshwright.types.decision import Candidate, Decision, Features, Interval, Plan, Trace


def trace(at: int, model: str, task: str, expected: float, best: float = 0.9) -> Trace:
    candidates = (
        Candidate(model=model, quality=Interval(expected, 0.0, 1.0)),
        Candidate(model="p/best", quality=Interval(best, 0.0, 1.0)),
    )
    features = Features(task=task, sure=1.0, tasks={task: 1.0}, input_tokens=10)
    decision = Decision(
        asked="auto", route="auto", strategy="learned", plan=Plan((model,)), because="", features=features,
        candidates=candidates,
    )  # fmt: skip
    return Trace(
        id=f"dec_{at}", at=at, principal="ada", dialect="openai_chat", outcome="ok", served=model, decision=decision,
        cost=1_000 * at,
    )  # fmt: skip


def said(decision: str, model: str, score: float | None, principal: str = "ada", text: str = "") -> Feedback:
    kind = "label" if text else "thumbs"
    return Feedback(
        decision=decision, model=model, kind=kind, principal=principal, at=0.0, asked=0.0, score=score, text=text  # type: ignore[arg-type]  # one of its words
    )  # fmt: skip


TRACES = [
    trace(at, "p/a" if at % 2 else "p/b", "code" if at < 6 else "write", 0.65 if at % 2 else 0.35) for at in range(10)
]


def test_each_task_has_its_shares_cost_quality_and_regret():
    told = scores(TRACES, [said(f"dec_{at}", TRACES[at].served, float(at % 2)) for at in range(8)], {})
    found = report(TRACES, told)
    assert (found.requests, found.judged) == (10, 8)
    code, write = found.tasks
    assert (code.task, code.requests, code.models) == ("code", 6, {"p/b": 3, "p/a": 3})
    assert (code.cost, code.judged, code.quality, code.expected) == (2_500.0, 6, 0.5, 0.5)
    assert code.regret == pytest.approx(0.4)
    assert (write.judged, write.cost) == (2, 7_500.0)
    low, high = found.calibration
    assert (low.count, low.expected, low.scored) == (4, 0.35, 0.0)
    assert (high.count, high.expected, high.scored) == (4, 0.65, 1.0)
    assert found.ece == pytest.approx(0.35)


def test_only_what_was_said_of_the_answer_that_was_given_counts():
    found = [
        said("dec_1", "p/other", 0.0),
        said("dec_1", "p/a", 0.0, principal=""),
        said("dec_3", "p/a", None, text="solved"),
        said("dec_5", "p/a", 1.0),
        said("dec_5", "p/a", 0.0, principal="bob"),
    ]
    assert scores(TRACES, found, {"solved": 0.8}) == {"dec_3": 0.8, "dec_5": 0.5}
    assert report(TRACES, {}).ece is None
    assert report([], {}).tasks == []


def test_what_is_left_for_judges_is_not_told_as_a_route(capsys: pytest.CaptureFixture[str]):
    tell_report(report([], {}), Gains(version=1, salt=1, left={"learning/judge": 10**9, "curious": 0}))
    told = capsys.readouterr().out
    assert "1.00 USD are left today for judges" in told
    assert "0.00 USD are left today for curious, for trying models" in told
