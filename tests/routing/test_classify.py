"""The classifier sorts plain requests rightly, is honest about others, and takes anything."""

from __future__ import annotations

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.providers.builtin.computable import looks_computable
from meshwright.routing.classify import WEIGHTS, classify
from meshwright.routing.grams import REACH, grams
from meshwright.routing.tasks import TASKS
from meshwright.routing.weights import MIDDLE, Weights, lanes


def sort(question: str, *attachments: str) -> tuple[str, float]:
    """The likeliest task and its probability."""
    found = classify(question, len(question), attachments, looks_computable(question))
    return next(iter(found.items()))


@pytest.mark.parametrize(
    ("question", "task"),
    [
        ("What is 12.5% of 840?", "compute"),
        ("Differentiate x^2 sin x", "compute"),
        ("A tram carries 40 people. At each of 6 stops 3 get off and 5 get on. How many are aboard at last?", "maths"),
        ("Write a Python function that removes vowels from a string.", "code"),
        ("Translate into Italian: the shop opens at nine.", "translate"),
        ("Summarize the following text in two sentences.\n\nThe river rose for three days. Then it fell.", "summarize"),
        ("Rewrite this more politely: give me the keys", "rewrite"),
        ("Write a short story about a lonely lighthouse.", "write"),
        ("Classify the sentiment as positive or negative: I loved it", "classify"),
        ("Who wrote Moby Dick?", "knowledge"),
        ("Warum ist Schnee weiß?", "knowledge"),
        ("hello!", "chat"),
    ],
)
def test_a_plain_request_is_sorted_rightly_and_surely(question: str, task: str):
    likeliest, share = sort(question)
    assert likeliest == task
    assert share > 0.5


def test_a_question_with_a_file_is_about_the_file():
    assert sort("What does it say about refunds?", "file")[0] == "extract"


def test_gibberish_is_not_sorted_surely():
    assert sort("xq zzv wplk qqrt bnmp vvkx")[1] < 0.9


@given(
    question=st.text(max_size=400),
    characters=st.integers(0, 10**9),
    attachments=st.lists(st.sampled_from(["image", "file", "audio"]), unique=True),
    computable=st.floats(0, 1),
)
def test_anything_gets_probabilities_that_add_up_to_one_likeliest_first(
    question: str, characters: int, attachments: list[str], computable: float
):
    found = classify(question, characters, attachments, computable)
    shares = list(found.values())
    assert set(found) <= set(TASKS)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert shares == sorted(shares, reverse=True)
    assert found == classify(question, characters, attachments, computable)


def test_broken_text_is_sorted_too():
    assert sum(classify("\ud800" * 50, 50, (), 0.0).values()) == pytest.approx(1, abs=1e-4)


def test_what_lies_in_the_middle_of_a_huge_prompt_is_not_looked_at():
    edges = "word " * (REACH // 5)
    short, huge = (edges + "!" * length + edges for length in (100, 10_000_000))
    assert sum(map(len, grams(huge, len(huge), (), 0.0))) == sum(map(len, grams(short, len(short), (), 0.0)))


def test_the_weights_are_for_these_tasks():
    assert WEIGHTS.tasks == tuple(TASKS)
    assert len(WEIGHTS.rows) == len(WEIGHTS.grams) * len(TASKS)


@given(rows=st.lists(st.binary(min_size=3, max_size=3), min_size=1, max_size=50))
def test_adding_integers_adds_every_lane(rows: list[bytes]):
    table = Weights(("a", "b", "c"), 1.0, (0.0, 0.0, 0.0), tuple(map(str, range(len(rows)))), b"".join(rows))
    total = struct.unpack("<3I", sum(lanes(table).values()).to_bytes(12, "little"))
    assert total == tuple(sum(row[lane] for row in rows) for lane in range(3))
    assert MIDDLE < 256


def test_weights_that_are_none_are_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(["a", 1.0]), type=Weights)
