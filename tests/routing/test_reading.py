"""How many tokens each model reads: the router's estimate, corrected by what providers have counted."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.catalog.token_weights import WEIGHTS
from meshwright.catalog.tokens import USUAL
from meshwright.cli.provenance import known
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.read import read_config
from meshwright.kernel.published import Published
from meshwright.net.choose import OneTransport
from meshwright.routing.calibrate import LEAST_ROWS, readings
from meshwright.routing.choose import ineligible
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.routing.predict import predict
from meshwright.types.calibration import Calibration, Reading
from meshwright.types.decision import Attempt, Decision, Features, Plan, Trace
from meshwright.types.model import Model, Price
from meshwright.types.usage import Usage

SEEN = Features(task="", sure=0.0, tasks={}, input_tokens=1000)
CLAUDE = "anthropic/claude-opus-4-6"


def trace(read: int, model: str = CLAUDE, seen: Features = SEEN, cached: int = 0) -> Trace:
    decision = Decision(
        asked="auto",
        route="",
        strategy="balanced",
        because="",
        plan=Plan(models=(model,)),
        candidates=(),
        features=seen,
    )
    attempt = Attempt(model=model, began=0.0, outcome="ok", usage=Usage(input=read, output=5, cache_read=cached))
    return Trace(
        id="d", at=1.0, principal="p", dialect="openai_chat", outcome="ok", decision=decision, attempts=(attempt,)
    )


def test_a_familys_factor_is_the_middle_of_what_was_counted() -> None:
    rows = [trace(1100), trace(1300), trace(900, cached=300)] * LEAST_ROWS
    assert readings([*rows, trace(90_000), trace(10)]) == {"claude": Reading(1.2, 3 * LEAST_ROWS + 2)}


def test_few_answers_teach_nothing() -> None:
    assert readings([trace(1200)] * (LEAST_ROWS - 1)) == {}


@pytest.mark.parametrize(
    "change",
    [{"rough": True}, {"attachments": ("image",)}, {"input_tokens": 40}],
    ids=["a rough estimate", "a picture", "a short request"],
)
def test_what_says_nothing_of_the_tokenizer_is_left_out(change: dict[str, object]) -> None:
    assert readings([trace(1200, seen=msgspec.structs.replace(SEEN, **change))] * LEAST_ROWS) == {}


def test_a_factor_stays_near_what_is_usual() -> None:
    assert readings([trace(90_000)] * LEAST_ROWS)["claude"].factor == round(2 * USUAL["claude"], 3)
    assert readings([trace(1)] * LEAST_ROWS)["claude"].factor == round(USUAL["claude"] / 2, 3)


def test_every_family_has_what_is_usual_for_it() -> None:
    assert USUAL.keys() == WEIGHTS.keys()


def test_the_cost_and_the_window_go_by_what_the_model_reads() -> None:
    price = Price(input=2_000_000, output=0)
    plain = Model(name="a/m", provider="a", upstream="m", window=1100, max_output=10, prices=(price,))
    wordy = msgspec.structs.replace(plain, reading=1.2)
    costs = [predict(model, SEEN, UNSEEN).cost for model in (plain, wordy)]
    assert [cost and cost.value for cost in costs] == [2000.0, 2400.0]
    policy = Policy(name="auto", strategy="balanced", pool=("a/m",))
    assert ineligible(plain, SEEN, policy, UNSEEN) == ""
    assert "about 1,200 tokens" in ineligible(wordy, SEEN, policy, UNSEEN)


def test_what_was_observed_is_on_the_card_with_its_source() -> None:
    config = read_config('[discovery]\nkeys = false\n[providers.anthropic]\nmodels = ["claude-opus-4-6", "other"]\n')
    learned = Calibration(nominal=0.9, reading={"claude": Reading(1.3, 240)})
    cards = {}
    for calibration in (None, learned):
        published = Published(version=1, config=config, open=True, calibration=calibration)
        built = build(published, {"ANTHROPIC_API_KEY": "k"}, OneTransport(), None)
        cards[calibration is learned] = {name: one.model for name, one in built.deployments.items()}
    assert [cards[True][name].reading for name in (CLAUDE, "anthropic/other")] == [1.3, 1.0]
    assert cards[False][CLAUDE].reading == USUAL["claude"]
    (line,) = [line for line in known(CLAUDE, cards[True]).lines if line.fact == "reading"]
    assert (line.value, line.source, line.agreeing) == ("1.3", "observed", 240)
