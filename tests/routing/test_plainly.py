"""What is worked out in a quick way comes out, to the last bit, as it does when it is written down plainly."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise
from math import erf, log, sqrt
from zlib import crc32

import msgspec
import pytest

from meshwright.routing.exploring import CELLS, LEAST_SPREAD, REACH, best_chances
from meshwright.routing.policy import UNSEEN
from meshwright.routing.predict import Prediction, predict
from meshwright.routing.quality import knowledge
from meshwright.routing.quality import sight as sight_module
from meshwright.routing.quality.gains import Gained, Gains
from meshwright.routing.quality.knowledge import Knowledge, shipped
from meshwright.routing.quality.sight import BITS, asked, sight
from meshwright.routing.quality.sketch import WIDE, places, worth
from meshwright.routing.quality.weights import Weights
from meshwright.routing.router import Router
from meshwright.types.decision import Features, Gain, Signal
from tests.routing.deciding import model, priced
from tests.routing.test_quality import POEMS, SUMS, outcomes

MIDDLE = 128


def chances_plainly(means: list[float], spreads: list[float]) -> list[float]:
    """Cell by cell: a value lies in it, and all the others below its middle."""
    spreads = [max(LEAST_SPREAD, spread) for spread in spreads]
    low = max(mean - REACH * spread for mean, spread in zip(means, spreads, strict=True))
    high = max(mean + REACH * spread for mean, spread in zip(means, spreads, strict=True))
    edges = [low + (high - low) * at / CELLS for at in range(CELLS + 1)]
    below = [
        [0.5 + 0.5 * erf((edge - mean) / (spread * sqrt(2))) for edge in edges]
        for mean, spread in zip(means, spreads, strict=True)
    ]
    found = []
    for at, mine in enumerate(below):
        shares = []
        for cell in range(CELLS):
            rest = 1.0
            for other, theirs in enumerate(below):
                if other != at:
                    rest *= (theirs[cell] + theirs[cell + 1]) / 2
            shares.append(max(0.0, mine[cell + 1] - mine[cell]) * rest)
        found.append(sum(shares))
    return [chance / sum(found) for chance in found]


def test_chances_are_the_products_that_they_say():
    dice = random.Random(3)
    for _ in range(300):
        many = dice.randint(2, 8)
        means = [dice.random() for _ in range(many)]
        spreads = [dice.choice((0.0, 0.01, 0.1, 0.4)) * dice.random() for _ in range(many)]
        assert best_chances(means, spreads) == chances_plainly(means, spreads)


def gain_plainly(gains: Gains, kept: bytes) -> dict[str, float]:
    """Model by model, place by place."""
    wide = len(gains.models)
    found = {}
    for at, one in enumerate(gains.models):
        value = one.level
        for part, shapes in zip(places(kept), (False, True), strict=True):
            steps = [gains.steps[2 * (place * wide + at)] - MIDDLE for place in part]
            value += sum(steps) * one.scale * worth(len(part), shapes=shapes)
        found[one.name] = round(value, 4)
    return found


def test_what_was_learned_here_is_added_up_place_by_place():
    dice = random.Random(4)
    models = tuple(
        Gained(name=f"m{at}", level=dice.uniform(-0.2, 0.2), outcomes=10.0 * at, noise=0.2, scale=dice.random() / 100)
        for at in range(7)
    )
    steps = b"".join(bytes([dice.randrange(256), 0]) for _ in range(WIDE * len(models)))
    gains = Gains(version=1, salt=0x9E3779B97F4A7C15, models=models, steps=steps)
    for question in (
        "",
        "What is prime?",
        " ".join(POEMS + SUMS),
        "Who painted The Starry Night?\nA. Van Gogh\nB. Rembrandt",
    ):
        kept, moved = gains.look(question)
        assert {name: gain.value for name, gain in moved.items()} == gain_plainly(gains, kept)


def test_grams_too_many_for_a_lane_are_added_up_in_parts(monkeypatch: pytest.MonkeyPatch):
    weights = Router.fit(outcomes(120)).weights
    assert isinstance(weights, Weights)
    question = " ".join(POEMS + SUMS)
    at_once = Knowledge(weights).expect(question)
    monkeypatch.setattr(knowledge, "ROOM", 300)
    assert Knowledge(weights).expect(question) == at_once


@pytest.mark.parametrize(
    "question", ["", "one", "one two one two one", "a\ud800b \ud800b! naïve 数学 数学 ½", "x\0y\vz\x1cw"]
)
def test_words_and_pairs_are_hashed_one_by_one(question: str):
    words = re.findall(r"\w+|[^\w\s]", question.lower())
    counts = Counter(
        crc32(gram.encode(errors="replace")) % (1 << BITS)
        for gram in (*words, *(f"{one} {two}" for one, two in pairwise(words)))
    )
    assert sight(question).words == {at: 1 + log(count) if count > 1 else 1.0 for at, count in counts.items()}


def test_what_is_asked_is_found_as_by_the_expressions_alone():
    dice = random.Random(5)
    pieces = (
        *sight_module._FORMS,
        "Question:",
        "Q :",
        "\nInput:",
        "\nA:",
        "\n### Response :",
        "  \t",
        "\n",
        "x" * 199,
        "one",
        ":",
        " ",
    )
    for _ in range(3_000):
        question = "".join(dice.choice(pieces) for _ in range(dice.randint(0, 9)))
        text = sight_module._END.sub(lambda end: end["blanks"] or "", question.strip())
        marks = list(sight_module._SHOT.finditer(text))
        last = text[marks[-1].end() :].strip() if len(marks) > 1 else ""
        assert asked(question) == (last or text)


def test_what_is_told_of_a_model_does_not_depend_on_who_else_is_asked():
    measured = list(shipped().models)[:3]
    pool = [
        priced(f"p{at}/{name}", at + 1) for at in range(3) for name in (*measured, "gpt-4-turbo", "novel", "strange")
    ]
    pool += [model("q/skilled", skills={"*": 0.4, "maths": 0.9}), model(f"q/{measured[0]}", abilities={"tools": False})]
    gained = {
        name: Gain(0.03 * at, 0.05, 100 * at, "it fell" if at == 1 else "", 0.02 * (at == 2))
        for at, name in enumerate((*measured, "novel"))
    }
    question = "What is the derivative of x^2?"
    seen = Features(
        task="maths", sure=0.9, tasks={"maths": 0.9, "chat": 0.1}, input_tokens=20, needs=("tools",),
        expected=shipped().expect(question), gained=gained,
    )  # fmt: skip
    for features in (seen, msgspec.structs.replace(seen, expected={}), msgspec.structs.replace(seen, gained={})):
        together = Prediction(features)
        for at, card in enumerate(pool):
            signal = Signal(total=1.0, longer={"": 1.5}) if at % 2 else UNSEEN
            assert together.of(card, signal) == predict(card, features, signal)
