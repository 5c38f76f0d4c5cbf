"""What is learned of models as they answer: which caches are warm, how long answers are, how fast they come."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from meshwright.kernel.config.tables import RouteSettings
from meshwright.kernel.habits import Habits
from meshwright.routing.policy import UNSEEN
from meshwright.sim import Rule, Say
from meshwright.types.decision import Attempt, Decision, Features, Plan, Signal, Trace
from meshwright.types.model import Model, Price, Provider
from meshwright.types.usage import Usage
from tests.kernel.house import House, house, text

BOOK = "The committee met on Tuesday and discussed the harbour, its cranes and its debts. " * 200
TURN = [{"role": "system", "content": BOOK}, {"role": "user", "content": "What did the committee discuss?"}]
NEXT = [
    *TURN,
    {"role": "assistant", "content": "Cranes and debts."},
    {"role": "user", "content": "On which day was it?"},
]
CHEAPEST = RouteSettings(strategy="cheapest", pool=("small/m", "middle/m"))
FAILS_ONCE = [Rule(calls=(1,), fault="status_500"), Rule(say=Say(text="small"))]


async def talk(at: House) -> None:
    """Two turns; the model that is cheaper by its list fails in the first."""
    assert text(await at.ask(messages=TURN)) == "middle"
    await at.ask(messages=NEXT)


async def test_a_conversation_stays_where_its_cache_is_warm_when_that_is_cheaper():
    async with house({"small": FAILS_ONCE, "middle": Say(text="middle")}, CHEAPEST, cached=Decimal("0.1")) as at:
        await talk(at)
        decision = at.trace.decision
        assert decision is not None
        assert at.trace.served == "middle/m"
        assert "its prompt cache should still hold" in decision.because
        assert "saves 0.00" in decision.because
        stayed, small = decision.candidates
        assert stayed.cached > 2_000
        assert stayed.cost is not None
        assert small.cost is not None
        assert stayed.cost.value < small.cost.value
        assert decision.features is not None
        assert list(decision.features.warm) == ["middle/m"]


async def test_it_goes_to_the_cheaper_model_when_a_warm_cache_does_not_save_enough():
    async with house({"small": FAILS_ONCE, "middle": Say(text="middle")}, CHEAPEST, cached=Decimal("0.9")) as at:
        await talk(at)
        assert at.trace.served == "small/m"


async def test_another_conversation_knows_nothing_of_it():
    async with house({"small": FAILS_ONCE, "middle": Say(text="middle")}, CHEAPEST, cached=Decimal("0.1")) as at:
        await at.ask(messages=TURN)
        await at.ask(messages=[{"role": "system", "content": BOOK + "!"}, *TURN[1:]])
        assert at.trace.served == "small/m"


async def test_the_time_of_an_answer_is_learned_from_streams():
    async with house({"small": Say(text="one two three four five")}, CHEAPEST) as at:
        for _ in range(3):
            reply = await at.ask(stream=True)
            while await reply.flow.next():  # type: ignore[union-attr]  # a stream was asked for
                pass
        await at.ask()
        decision = at.trace.decision
        assert decision is not None
        first = decision.candidates[0]
        assert first.first is not None
        assert first.latency is not None
        assert 0 < first.first.low <= first.first.value <= first.first.high
        assert first.latency.low <= first.latency.value <= first.latency.high


MODEL = Model(name="x/m", provider="x", upstream="m", prices=(Price(input=10, output=10, cache_read=1),))
WRITES = Model(
    name="x/m", provider="x", upstream="m", prices=(Price(input=10, output=10, cache_read=1, cache_write=12),)
)
ROW = Provider(name="x", dialect="openai_chat", base_url="", cache_seconds=300)
SEEN = Features(task="knowledge", sure=1.0, tasks={"knowledge": 1.0}, input_tokens=5_000, conversation="abcd0123")


def answered(usage: Usage, seen: Features = SEEN) -> Trace:
    attempt = Attempt(model="x/m", began=0.0, outcome="ok", ended=1.0, usage=usage)
    decision = Decision(asked="a", route="a", strategy="cheapest", plan=Plan(("x/m",)), because="", features=seen)
    return Trace(
        id="d", at=0.0, principal="p", dialect="x", outcome="ok", served="x/m", decision=decision, attempts=(attempt,)
    )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cache_is_warm_as_long_as_its_provider_keeps_it():
    clock = Clock()
    habits = Habits(clock)
    habits.learn(answered(Usage(input=5_000, output=100)), MODEL, ROW, UNSEEN)
    assert 4_000 <= habits.warm("abcd0123")["x/m"] <= 5_000
    assert habits.warm("00000000") == {}
    clock.now = 299.0
    assert habits.warm("abcd0123")
    clock.now = 301.0
    assert habits.warm("abcd0123") == {}


def test_where_writing_is_paid_only_what_was_written_is_warm():
    clock = Clock()
    habits = Habits(clock)
    habits.learn(answered(Usage(input=5_000, output=100)), WRITES, ROW, UNSEEN)
    assert habits.warm("abcd0123") == {}
    habits.learn(answered(Usage(input=1_000, cache_write_1h=4_000, output=100)), WRITES, ROW, UNSEEN)
    clock.now = 3_000.0
    assert 3_000 <= habits.warm("abcd0123")["x/m"] <= 4_000


def test_a_cache_that_was_cold_after_all_is_trusted_less():
    habits = Habits(Clock())
    told = []
    for _ in range(6):
        warm = habits.warm("abcd0123")
        told.append(warm.get("x/m", 0))
        seen = Features(task="knowledge", sure=1.0, tasks={}, input_tokens=5_000, conversation="abcd0123", warm=warm)
        habits.learn(answered(Usage(input=5_000, output=100), seen), MODEL, ROW, UNSEEN)
    assert told[1] > 4_000
    assert told[1] > told[2] > told[3] > told[4]
    assert told[5] < 1_500


@pytest.mark.parametrize("output", [25, 2_500])
def test_lengths_come_near_to_what_a_model_writes_at_each_task(output: int):
    habits = Habits(Clock())
    signal: Signal = UNSEEN
    ratios = []
    for _ in range(30):
        signal = habits.learn(answered(Usage(input=100, output=output)), MODEL, ROW, signal)
        ratios.append(signal.longer["knowledge"])
    assert abs(ratios[-1] / (output / 250) - 1) < 0.4
    assert abs(ratios[0] - 1) < abs(ratios[-1] - 1)
    assert signal.longer[""] == pytest.approx(ratios[-1], rel=0.4)


def test_a_model_that_has_hardly_answered_is_expected_to_write_as_the_others_do_here():
    habits, known = Habits(Clock()), UNSEEN
    for _ in range(40):
        known = habits.learn(answered(Usage(input=100, output=25)), MODEL, ROW, UNSEEN)
    name = "x/other"
    trace = answered(Usage(input=100, output=25))
    trace = msgspec.structs.replace(
        trace, served=name, attempts=tuple(msgspec.structs.replace(one, model=name) for one in trace.attempts)
    )
    other = habits.learn(trace, msgspec.structs.replace(MODEL, name=name), ROW, UNSEEN)
    alone = Habits(Clock()).learn(answered(Usage(input=100, output=25)), MODEL, ROW, UNSEEN)
    assert other.longer["knowledge"] == pytest.approx(known.longer["knowledge"], rel=0.4)
    assert alone.longer["knowledge"] > 2 * other.longer["knowledge"]
