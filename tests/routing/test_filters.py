"""A model that a request cannot go to is left out, and the reason is told."""

from __future__ import annotations

import re

import pytest

from meshwright.routing.policy import Signal
from meshwright.routing.predict import quality
from meshwright.types.content import Audio, File, Image
from meshwright.types.errors import ContextTooLong, NoCandidate
from meshwright.types.model import Model, Price
from meshwright.types.request import OutputFormat, Request, ToolChoice, ToolSpec
from tests.routing.deciding import HELLO, ask, decide, model, priced


def rejected(request: Request, culprit: Model, **bounds: object) -> str:
    """Why the model was rejected, beside one that takes everything."""
    able = dict.fromkeys(("vision", "tools", "files", "json", "structured_output"), True)
    other = priced("a/other", 1, regions=("eu",), privacy="local", abilities=able)
    return decide(request, other, culprit, signals={}, strategy="task", **bounds).rejected.get(culprit.name, "")


def test_a_model_with_too_small_a_window_is_rejected_with_the_numbers():
    request = ask("word " * 8_000, max_tokens=500)
    reason = rejected(request, model("b/small", window=4_096))
    assert re.fullmatch(r"about [678],\d+ tokens wanted \([678],\d+ in, 500 out\), its window is 4,096", reason)


def test_a_window_that_is_not_known_passes():
    assert rejected(ask("x" * 20_000), model("b/small")) == ""


def test_an_answer_counts_no_longer_than_the_model_can_make_it():
    assert rejected(ask("hi", max_tokens=100_000), model("b/short", window=8_000, max_output=4_000)) == ""


def test_a_region_that_is_not_known_does_not_pass():
    reason = rejected(HELLO, model("b/somewhere"), regions=("eu",))
    assert reason == "region eu required; its region is not known"


def test_a_model_that_may_answer_from_elsewhere_too_does_not_pass():
    reason = rejected(HELLO, model("b/global", regions=("eu", "us")), regions=("eu", "ch"))
    assert reason == "region eu or ch required; it may answer from us"
    assert rejected(HELLO, model("b/near", regions=("eu",)), regions=("eu", "ch")) == ""


def test_privacy_that_is_not_known_does_not_pass():
    assert rejected(HELLO, model("b/vague"), privacy=("local", "no_training")) == (
        "privacy local or no_training required; its privacy is not known"
    )
    assert "its privacy is may_train" in rejected(HELLO, model("b/keen", privacy="may_train"), privacy=("local",))


def test_an_ability_that_is_missing_rejects_and_one_that_is_not_known_costs_quality():
    request = ask("What is this?", Image(url="https://pictures.example/1.png"))
    blind, unsure, sighted = (
        priced(f"b/{name}", 1, abilities=abilities)
        for name, abilities in (("blind", {"vision": False}), ("unsure", {}), ("sighted", {"vision": True}))
    )
    decision = decide(request, blind, unsure, sighted)
    assert decision.rejected == {"b/blind": "the request needs vision, which it does not have"}
    assert decision.plan.models == ("b/sighted", "b/unsure")
    by_name = {candidate.model: candidate for candidate in decision.candidates}
    assert quality(by_name["b/unsure"]) == pytest.approx(0.7 * 0.85)
    assert "nobody says whether it has vision" in by_name["b/unsure"].why


@pytest.mark.parametrize(
    ("request_", "need"),
    [
        (ask("hi", tools=(ToolSpec(name="look"),)), "tools"),
        (ask("hi", output=OutputFormat(kind="json")), "json"),
        (ask("hi", output=OutputFormat(kind="schema")), "structured_output"),
        (ask("hi", Audio(data="AAAA", format="wav")), "audio_input"),
        (ask("hi", File(data="AAAA", media_type="application/pdf")), "files"),
        (ask("hi", modalities=("text", "audio")), "audio_output"),
        (ask("hi", logprobs=True), "logprobs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_request_needs_is_seen(request_: Request, need: str):
    with pytest.raises(NoCandidate) as caught:
        decide(request_, model("b/plain", abilities={need: False}))
    assert need in str(caught.value)


def test_what_can_be_sent_as_words_needs_no_ability():
    plain = model("b/plain", abilities={"files": False, "tools": False})
    assert decide(ask("Sum this up.", File(text="A long story.")), plain).plan.models == ("b/plain",)
    unused = ask("hi", tools=(ToolSpec(name="look"),), tool_choice=ToolChoice("none"))
    assert decide(unused, plain).plan.models == ("b/plain",)


def test_a_required_ability_must_be_known():
    assert rejected(HELLO, model("b/x"), require=("vision",)) == "vision required; not known of it"
    reason = rejected(HELLO, model("b/x", abilities={"vision": False}), require=("vision",))
    assert reason == "vision required; it does not have it"
    able = model("b/x", abilities={"structured_output": True})
    assert rejected(HELLO, able, require=("json",)) == ""


def test_a_bound_on_cost_rejects_what_may_cost_more_and_what_nobody_prices():
    decision = decide(
        HELLO, priced("a/cheap", 0.1), priced("b/dear", 100), model("c/unpriced"), max_cost=1_000_000, strategy="fixed"
    )
    assert decision.plan.models == ("a/cheap",)
    # 14 tokens in and three times 250 out, at 100 dollars per million.
    assert decision.rejected["b/dear"] == "up to 0.0764 USD predicted, max_cost is 0.001 USD"
    assert decision.rejected["c/unpriced"] == "max_cost is set and its price is not known"


def test_a_fee_per_request_is_part_of_the_cost():
    fee = model("a/fee", prices=(Price(input=0, output=0, request=5_000_000),))
    (candidate,) = decide(HELLO, fee).candidates
    assert candidate.cost is not None
    assert (candidate.cost.low, candidate.cost.value, candidate.cost.high) == (5e6, 5e6, 5e6)


def test_a_model_below_the_floor_is_rejected_whatever_the_strategy():
    solver = model("builtin/solve", skills={"compute": 0.97, "*": 0.02})
    sums = ask("What is 12.5% of 840?")
    assert decide(sums, solver, floor=0.5, strategy="fixed").plan.models == ("builtin/solve",)
    with pytest.raises(NoCandidate, match=r"predicted quality 0\.\d+ is below the floor of 0\.5"):
        decide(HELLO, solver, floor=0.5, strategy="fixed")


def test_a_resting_model_is_left_out_unless_the_caller_named_it():
    signals = {"b/tired": Signal(resting="resting 15 s after 3 failures in a row")}
    decision = decide(HELLO, model("a/awake"), model("b/tired"), signals=signals)
    assert decision.rejected == {"b/tired": "resting 15 s after 3 failures in a row"}
    for tired, lasting in ((signals, False), ({}, True)):
        with pytest.raises(NoCandidate) as caught:
            decide(HELLO, model("b/tired"), signals=tired, require=("vision",) if lasting else ())
        assert caught.value.lasting is lasting
    named = decide(HELLO, model("b/tired"), signals=signals, strategy="fixed", named=True)
    assert named.plan.models == ("b/tired",)
    assert named.because == "the caller named it"


def test_a_named_model_is_not_refused_for_a_rough_estimate():
    request = ask("x" * 20_000)
    close = model("a/close", window=4_096)
    assert decide(request, close, strategy="fixed", named=True).plan.models == ("a/close",)
    with pytest.raises(ContextTooLong, match="its window is 1,000"):
        decide(request, model("a/close", window=1_000), strategy="fixed", named=True)


def test_a_named_model_is_served_whatever_its_predicted_quality():
    echo = model("builtin/echo", skills={"*": 0.03})
    better = priced("b/better", 1)
    assert decide(HELLO, echo, better, strategy="fixed", named=True).plan.models == ("builtin/echo", "b/better")
