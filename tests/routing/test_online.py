"""Learning from the chosen model's outcomes alone: who is good at what, what has changed, and no words kept."""

from __future__ import annotations

import random

import msgspec
import pytest

from meshwright.routing.quality.drift import Watch, threshold
from meshwright.routing.quality.gains import Gains, pack, read
from meshwright.routing.quality.online import Online, Outcome
from meshwright.routing.quality.sight import sight
from meshwright.routing.quality.sketch import WIDE, places, sketch
from meshwright.types.errors import ConfigError
from tests.routing.test_quality import outcomes

SALT = 0x9E3779B97F4A7C15
EVEN = 0.5


def found(rows: int, *, right: float = 1.0, begin: int = 0) -> list[Outcome]:
    """Outcomes of whichever model a coin chose; those of `poet` are as good as they were only so often."""
    dice = random.Random(3)
    told = []
    for at, row in enumerate(outcomes(rows)):
        model = dice.choice(("counter", "poet"))
        score = row.scores[model] if model == "counter" or dice.random() < right else 0.0
        told.append(
            Outcome(
                key=f"{begin + at}", model=model, score=score, weight=1.0, prior=EVEN, expected=EVEN,
                sketch=sketch(sight(row.prompt), SALT),
            )
        )  # fmt: skip
    return told


def test_it_learns_from_single_outcomes_who_is_good_at_what():
    online = Online(SALT)
    rows = found(600)
    for at in range(0, len(rows), 50):
        online.take(rows[at : at + 50])
    while online.improve():
        pass
    gains = read(pack(online.gains(1)))
    sums, poems = (
        gains.gain(sketch(sight(question), SALT))
        for question in ("Is the matrix of this equation prime?", "The moon over the garden: a night in autumn")
    )
    assert sums["counter"].value > 0.02 > -0.02 > sums["poet"].value
    assert poems["poet"].value > 0.02 > -0.02 > poems["counter"].value
    assert sums["poet"].outcomes == pytest.approx(300, abs=60)
    assert online.drifts == []


def test_what_comes_bit_by_bit_and_is_corrected_later_ends_like_what_comes_at_once():
    rows = found(400)
    slow, fast = Online(SALT, window=300), Online(SALT, window=300)
    for at in range(0, len(rows), 25):
        wrong = [msgspec.structs.replace(one, score=1 - one.score) for one in rows[at : at + 25]]
        slow.take(wrong)
        slow.take(rows[at : at + 25])
    fast.take(rows[:200])
    fast.take(rows[200:])
    for online in (slow, fast):
        while online.improve():
            pass
    assert slow.outcomes == fast.outcomes
    one, other = (
        read(pack(online.gains(1))).gain(sketch(sight("The moon over the prime garden"), SALT))
        for online in (slow, fast)
    )
    for model in one:
        assert one[model].value == pytest.approx(other[model].value, abs=0.02)


def test_a_few_outcomes_move_a_little_and_more_move_more():
    online = Online(SALT)
    kept = sketch(sight("prime matrix"), SALT)
    moved = []
    for at in range(5):
        one = Outcome(key=str(at), model="m", score=0.0, weight=1.0, prior=0.8, expected=0.8, sketch=kept)
        online.take([one])
        moved.append(online.gains(at).gain(kept)["m"])
    values = [gain.value for gain in moved]
    assert values == sorted(values, reverse=True)
    assert -0.3 < values[0] < -0.05
    assert -0.8 < values[-1] < -0.3
    assert moved[0].spread > moved[-1].spread


def test_another_opinion_on_the_same_answer_takes_the_place_of_the_first():
    kept = sketch(sight("prime matrix"), SALT)
    online, other = Online(SALT), Online(SALT)
    bad, good = (
        Outcome(key="1", model="m", score=score, weight=1.0, prior=0.5, expected=0.5, sketch=kept)
        for score in (0.0, 1.0)
    )
    online.take([bad])
    online.take([good], 20)
    other.take([good], 20)
    assert online.outcomes == 1
    assert online.gains(1).gain(kept)["m"].value == pytest.approx(other.gains(1).gain(kept)["m"].value, abs=0.01)


def test_only_the_latest_are_learned_from():
    online = Online(SALT, window=100)
    for at in range(0, 600, 20):
        online.take(found(20, begin=at))
    assert 100 <= online.outcomes <= 125


def test_a_model_that_falls_is_noticed_and_its_past_counts_less():
    online = Online(SALT)
    for at in range(0, 1_000, 100):
        online.take(found(100, begin=at))
    assert online.drifts == []
    for at in range(1_000, 2_000, 100):
        online.take(found(100, right=0.0, begin=at))
    drift = online.drifts[0]
    assert (drift.model, drift.after < drift.before) == ("poet", True)
    assert int(drift.key) < 1_300
    assert "it has become worse" in online.gains(1).gain(b"")["poet"].drifted
    assert all(drift.model == "poet" for drift in online.drifts)


def test_what_is_said_later_of_an_answer_from_before_a_change_still_counts_less():
    online = Online(SALT)
    before = found(1_000)
    online.take(before)
    online.take(found(300, right=0.0, begin=1_000))
    assert online.drifts
    count = online.gains(1).gain(b"")["poet"].outcomes
    assert count < 300
    online.take(before[:200])
    assert online.gains(2).gain(b"")["poet"].outcomes == count


def test_more_at_once_than_is_kept_is_taken_in_like_the_same_in_parts():
    every = [*found(1_000), *found(1_000, right=0.0, begin=1_000)]
    once, parts = Online(SALT, window=100), Online(SALT, window=100)
    once.take(every)
    for at in range(0, len(every), 100):
        parts.take(every[at : at + 100])
    assert once.drifts == parts.drifts
    assert once.drifts


def test_no_alarm_while_nothing_changes_though_the_expectation_is_wrong():
    dice = random.Random(11)
    watch = Watch()
    assert not any(watch.see(float(dice.random() < 0.7) - 0.3) for _ in range(5_000))


def test_no_alarm_while_a_model_is_being_learned():
    dice = random.Random(12)
    watch = Watch()
    expected = [0.4 - 0.4 * min(1.0, at / 80) for at in range(3_000)]
    assert not any(watch.see(float(dice.random() < 0.8) - 0.8 + off) for off in expected)


def test_a_model_that_is_nearly_always_right_is_not_suspected_for_its_rare_failures():
    dice = random.Random(13)
    watch = Watch()
    assert not any(watch.see(float(dice.random() < 0.97) - 0.97) for _ in range(40_000))


def test_the_alarm_is_later_the_more_skewed_the_sums_are_and_never_sooner():
    levels = [threshold(skew) for skew in (-3.0, 0.0, 0.5, 2.0, 5.0, 10.0)]
    assert levels == sorted(levels)
    assert levels[0] == levels[1] == pytest.approx(24.77, abs=0.01)


@pytest.mark.parametrize(("before", "after"), [(0.8, 0.4), (0.4, 0.8)])
def test_a_change_is_told_with_when_it_began(before: float, after: float):
    dice = random.Random(11)
    watch = Watch()
    for _ in range(400):
        assert watch.see(float(dice.random() < before) - before) is None
    for at in range(1, 300):
        change = watch.see(float(dice.random() < after) - before)
        if change is not None:
            assert at < 120
            assert abs(change.since - at) < 40
            assert (change.after < change.before) == (after < before)
            return
    raise AssertionError("not noticed")


def test_a_sketch_is_bounded_and_another_installation_cannot_read_it():
    question = " ".join(f"word{at}" for at in range(2_000))
    one, other = sketch(sight(question), SALT), sketch(sight(question), 0x1234567890ABCDEF)
    assert len(one) <= 2 * (192 + 60)
    assert one != other
    words, shapes = places(one)
    assert max(words) < min(shapes) <= max(shapes) < WIDE
    assert sketch(sight(""), SALT) == sketch(sight(""), SALT)


SMALL = Online(SALT)
SMALL.take(found(40))
GAINS = SMALL.gains(3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no gains",
        pack(GAINS)[:-1],
        bytes(9_000_000),
        pack(msgspec.structs.replace(GAINS, steps=GAINS.steps[2:])),
        pack(msgspec.structs.replace(GAINS, steps=b"\xff" * len(GAINS.steps))),
        pack(msgspec.structs.replace(GAINS, models=(msgspec.structs.replace(GAINS.models[0], level=float("nan")),))),
    ],
)
def test_a_file_that_is_not_sound_is_refused(data: bytes):
    with pytest.raises(ConfigError):
        read(data)


def test_the_heaviest_lanes_do_not_run_over():
    heavy = msgspec.structs.replace(GAINS, steps=b"\xff\x00" * (len(GAINS.steps) // 2))
    kept = sketch(sight(" ".join(f"word{at}" for at in range(2_000))), SALT)
    assert all(gain.value > 0 for gain in read(pack(heavy)).gain(kept).values())


def test_nothing_is_moved_before_anything_is_learned():
    kept, moved = Gains(version=1, salt=SALT).look("What is prime?")
    assert kept
    assert moved == {}
