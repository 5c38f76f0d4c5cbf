"""How long an answer should be: by its task, by what was asked for, by thinking, and by what was seen of the model."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.routing.features import features
from meshwright.routing.lengths import THOUGHTS, answer_tokens
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.routing.predict import predict
from meshwright.routing.router import Router
from meshwright.routing.tasks import TASKS
from meshwright.types.content import Message, Text
from meshwright.types.decision import Features, Interval, Signal
from meshwright.types.model import Model, Price
from meshwright.types.request import ReasoningControl, Request

PLAIN = Model(name="x/plain", provider="x", upstream="plain")
THINKER = Model(name="x/o3", provider="x", upstream="o3", abilities={"reasoning": True})
OBEDIENT = Model(name="x/claude", provider="x", upstream="claude", abilities={"reasoning": True})


def see(question: str, **options: object) -> Features:
    request = Request(model="auto", messages=(Message("user", (Text(question),)),))
    return features(msgspec.structs.replace(request, **options), tasks=True)


def expected(question: str, model: Model = PLAIN, signal: Signal = UNSEEN, **options: object) -> float:
    return answer_tokens(model, see(question, **options), signal)


def test_a_request_without_a_wish_takes_what_its_task_usually_takes():
    seen = see("Write a function in Python that sorts a list of numbers.")
    assert seen.task == "code"
    assert answer_tokens(PLAIN, seen, UNSEEN) == TASKS["code"][1]


@pytest.mark.parametrize(
    ("question", "least", "most"),
    [
        ("Explain entropy in 200 words.", 240, 300),
        ("Explain entropy in two sentences.", 40, 80),
        ("Tell me in one word: is Paris in France?", 1, 3),
        ("Write a 1000-word story about a lighthouse.", 1_200, 1_500),
        ("Write three short paragraphs on bees.", 250, 400),
    ],
)
def test_a_length_that_the_words_ask_for_is_believed(question: str, least: int, most: int):
    assert least <= expected(question) <= most


def test_the_length_of_a_text_that_came_with_it_is_no_wish():
    assert see("Summarize this 2000 word essay.").asked_for is None
    assert see("The report has 12 pages. What is it about?").asked_for is None


def test_brief_is_shorter_and_detailed_is_longer():
    usual = expected("What is entropy?")
    assert expected("What is entropy? Be brief.") < usual < expected("What is entropy? Answer in detail.")
    assert expected("What is entropy?", verbosity="low") < usual < expected("What is entropy?", verbosity="high")


def test_hidden_thinking_counts_where_the_model_thinks_unasked():
    sum_ = "Tom has 3 apples, buys 4 boxes of 12 and gives away half. How many apples has he left?"
    assert expected(sum_, THINKER) == expected(sum_) + THOUGHTS["medium"]
    assert expected(sum_, OBEDIENT) == expected(sum_)
    harder, none = ReasoningControl(effort="high"), ReasoningControl(mode="off")
    assert expected(sum_, OBEDIENT, reasoning=harder) == expected(sum_) + THOUGHTS["high"]
    assert expected(sum_, THINKER, reasoning=none) == expected(sum_)
    assert expected(sum_, PLAIN, reasoning=harder) == expected(sum_)


def test_a_budget_bounds_thinking_and_max_tokens_bounds_it_all():
    sum_ = "Prove that the square root of two is irrational."
    bounded = expected(sum_, THINKER, reasoning=ReasoningControl(effort="max", budget=2_000))
    assert bounded <= expected(sum_) + 2_000
    assert expected(sum_, THINKER, max_tokens=100) == 100
    assert expected(sum_, THINKER, max_tokens=100, n=3) == 300


def test_what_was_seen_of_a_model_corrects_the_prior():
    question = "What is entropy?"
    assert expected(question, signal=Signal(longer={"": 2.0})) == 2 * expected(question)
    assert expected(question, signal=Signal(longer={"": 2.0, "knowledge": 0.5})) == expected(question) / 2


def test_a_longer_answer_costs_more():
    dear = msgspec.structs.replace(PLAIN, prices=(Price(input=10**9, output=10**10),))
    short, long = (predict(dear, see(f"Explain entropy in {words} words."), UNSEEN).cost for words in (20, 500))
    assert short is not None
    assert long is not None
    assert long.value > 5 * short.value


def test_the_fastest_counts_the_tokens_to_come_or_goes_by_the_first():
    signals = {
        "a/quick": Signal(1.0, 3.0, first=Interval(0.2, 0.1, 0.3), pace=Interval(0.05, 0.04, 0.06)),
        "b/steady": Signal(1.0, 3.0, first=Interval(1.0, 0.8, 1.2), pace=Interval(0.001, 0.001, 0.002)),
    }

    def order(question: str, **options: bool) -> tuple[str, ...]:
        policy = Policy(name="r", strategy="fastest", pool=tuple(signals), options=options)
        return Router().route(question, list(signals), policy=policy, signals=signals).plan.models

    assert order("Who painted The Starry Night?") == ("b/steady", "a/quick")
    assert order("Who painted The Starry Night? Answer in two words.") == ("a/quick", "b/steady")
    assert order("Who painted The Starry Night?", first=True) == ("a/quick", "b/steady")
