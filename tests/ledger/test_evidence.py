"""What can be seen of an answer without asking anyone, from its trace and from what comes after it."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.ledger.evidence import Following, implicit, tried
from meshwright.ledger.feedback import worth
from meshwright.server.learning import trouble
from meshwright.store.rows import Feedback
from meshwright.types.decision import Attempt, Decision, Features, Note, Plan, ToolLoop, Trace


def trace(
    at: float = 0.0, *, finish: str = "stop", notes: tuple[Note, ...] = (), outcome: str = "ok", **seen: object
) -> Trace:
    features = msgspec.structs.replace(
        Features(task="", sure=0.0, tasks={}, input_tokens=40, conversation="c0ffee00"), **seen
    )
    decision = Decision(
        asked="auto", route="auto", strategy="learned", plan=Plan(("p/m",)), because="", features=features
    )
    return Trace(
        id=f"dec_{at}", at=at, principal="ada", dialect="openai_chat", outcome=outcome, decision=decision, notes=notes,
        served="p/m" if outcome == "ok" else "",
        attempts=(Attempt(model="p/m", began=0.0, outcome=outcome, finish=finish),),
    )  # fmt: skip


def note(kind: str, value: float) -> Note:
    return Note(kind=kind, about="p/m", told="so it was", value=value)  # type: ignore[arg-type]  # one of its words


@pytest.mark.parametrize(
    ("one", "kinds"),
    [
        (trace(), []),
        (trace(finish="length"), ["truncated"]),
        (trace(finish="length", max_tokens=20), []),
        (trace(finish="refusal"), ["refusal"]),
        (trace(finish="content_filter"), ["refusal"]),
        (trace(finish="length", outcome="server_error"), []),
        (trace(notes=(note("schema", 1.0),)), []),
        (trace(notes=(note("schema", 0.0), note("arguments", 0.0), note("arguments", 0.0))), ["schema", "arguments"]),
    ],
)
def test_a_trace_tells_what_is_wrong_with_its_answer(one: Trace, kinds: list[str]):
    found = implicit(one)
    assert [row.kind for row in found] == kinds
    assert all((row.model, row.principal, row.decision) == ("p/m", "", one.id) for row in found)
    assert all(row.score is not None and row.score < 0.5 for row in found)


def test_the_same_request_again_shortly_after_is_held_against_the_first_answer():
    following = Following()
    assert list(following.see(trace(0.0))) == []
    (again,) = following.see(trace(20.0))
    assert (again.kind, again.decision, again.at, again.asked) == ("asked_again", "dec_0.0", 20.0, 0.0)
    assert "dec_20.0" in again.text
    assert list(following.see(trace(500.0))) == []
    assert list(following.see(trace(510.0, turns=2))) == []
    assert list(following.see(trace(511.0, turns=2, input_tokens=90))) == []


def test_what_only_looks_the_same_is_held_against_nobody():
    following = Following()
    assert list(following.see(trace(0.0, sketch=b"one"))) == []
    assert list(following.see(trace(20.0, sketch=b"other"))) == [], "another question under the same cache key"
    following = Following()
    slow = msgspec.structs.replace(trace(0.0), seconds=30.0)
    assert list(following.see(slow)) == []
    assert list(following.see(trace(0.1))) == [], "asked twice at once, before there was an answer"
    assert len(list(following.see(trace(31.0)))) == 1


def test_it_is_noted_whichever_of_two_workers_journals_is_read_first():
    following = Following()
    assert list(following.see(trace(20.0))) == []
    [again] = following.see(trace(0.0))
    assert (again.kind, again.decision, again.at, again.asked) == ("asked_again", "dec_0.0", 20.0, 0.0)
    assert [one.decision for one in following.see(trace(30.0))] == ["dec_20.0"]


def test_a_journal_that_is_read_again_says_nothing_against_its_last_answer():
    following = Following()
    assert list(following.see(trace(0.0))) == []
    assert list(following.see(trace(0.0))) == []
    assert [one.decision for one in following.see(trace(20.0))] == ["dec_0.0"]


def test_a_failed_tool_is_held_against_the_answer_that_called_it():
    following = Following()
    list(following.see(trace(0.0)))
    (failed,) = following.see(trace(5.0, input_tokens=80, loop=ToolLoop(turns=1, calls=1, errors=1)))
    assert (failed.kind, failed.decision) == ("tool_failed", "dec_0.0")
    assert list(following.see(trace(6.0, input_tokens=120, loop=ToolLoop(turns=2, calls=2)))) == []


@pytest.mark.parametrize(("passed", "worth"), [(True, 1.0), (False, 0.2)])
def test_tests_that_an_answer_had_run_count_for_it_or_against_it(passed: bool, worth: float):
    following = Following()
    list(following.see(trace(0.0)))
    (ran,) = following.see(trace(5.0, input_tokens=80, loop=ToolLoop(turns=1, calls=1, tested=passed)))
    assert (ran.kind, ran.decision, ran.score) == ("tests", "dec_0.0", worth)
    assert "tests" in ran.text


def test_other_callers_and_what_failed_are_no_evidence():
    following = Following()
    list(following.see(trace(0.0, outcome="server_error")))
    assert list(following.see(trace(1.0))) == []
    assert list(following.see(msgspec.structs.replace(trace(2.0), principal="bob"))) == []


def row(kind: str, score: float | None, principal: str = "ada", text: str = "") -> Feedback:
    return Feedback(
        decision="d", model="p/m", kind=kind, principal=principal, at=0.0, asked=0.0, score=score, text=text  # type: ignore[arg-type]  # one of its words
    )  # fmt: skip


def test_what_people_say_counts_before_a_judge_and_a_label_by_what_it_is_worth():
    assert worth([row("judge", 0.9), row("thumbs", 0.0)], {}) == (0.0, 1.0)
    assert worth([row("thumbs", 0.0), row("thumbs", 1.0, "bob")], {}) == (0.5, 1.0)
    assert worth([row("judge", 0.9)], {}) == (0.9, 0.5)
    assert worth([row("label", None, text="solved")], {}) == (0.0, 0.0)
    assert worth([row("label", None, text="solved")], {"solved": 1.0}) == (1.0, 1.0)


def test_trouble_is_a_rate_over_all_answers_of_a_model_wherever_it_is_served():
    lost = trouble({("p/m", "refusal"): 10, ("q/m", "refusal"): 10, ("p/n", "label"): 3}, {"p/m": 60, "q/m": 20})
    assert lost == {"m": pytest.approx(20 * 0.3 * 0.9 / 100)}


def test_what_was_tried_is_found_in_every_part_of_a_decision():
    part = Decision(asked="r", route="route/r", strategy="bandit", plan=Plan(("p/m",)), because="", extra=700)
    whole = Decision(asked="all", route="all", strategy="cascade", plan=Plan(kind="cascade"), because="", parts=(part,))
    assert list(tried(msgspec.structs.replace(trace(), decision=whole))) == [("r", 700)]
