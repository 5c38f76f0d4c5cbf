"""A text in pieces is gone over as the whole is, wherever it is cut, and not much of it is held back."""

from __future__ import annotations

import random

import pytest

from meshwright.guards import GUARDS
from meshwright.guards.guard import Options
from meshwright.guards.masks import Masks, masked
from meshwright.guards.rule import Rule, scan
from meshwright.guards.window import Window

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAtw0 " * 60 + "\n-----END RSA PRIVATE KEY-----"
TEXTS = [
    "Write to bob@example.com or call +46 (0)8 928 571 38, then pay 4111 1111 1111 1111 today.",
    "IBAN DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432; she was born on 3 May 1980 in Ghent.",
    "The key is sk-proj-abcDEF1234567890abcdef123456 and the password = hunter2!x for postgres://u:pa55word@db/x",
    f"Here you are:\n{KEY}\nKeep it safe, and do not tell bob@example.com about Project Falcon.",
    "We spoke of project\u200b falcon at 10:30, version 1.2.3.4, from 86.121.97.248, on 2021-03-04.",
    "Nothing to see here; 12 apples, 3.14159 and a (bracketed) remark - with a dash. " * 3,
    "4111\u200b 1111 1111 1111 and ４１１１ １１１１ １１１１ １１１１ are cards; SSN 460-89-9847 is not.",
    "<EMAIL_1> wrote: <b>hello</b> <EMAIL_2>, &lt;EMAIL_1&gt; and \\u003cEMAIL_1\\u003e < EMAIL_1 >",
]


def rules() -> list[Rule]:
    return [
        Rule(
            name=name,
            uses=name,
            guard=GUARDS[name],
            action="mask",
            places=("answer",),
            options=Options(phrases=("project falcon",)) if name == "topics" else Options(),
        )
        for name in ("secrets", "topics", "pii")
    ]


def masks() -> Masks:
    made = Masks()
    made.word("email", "eve@example.net")
    return made


def whole(text: str) -> str:
    for rule in rules():
        text = masked(text, scan(rule, text))
    return masks().show(text)


def pieces(text: str, chance: random.Random, longest: int) -> list[str]:
    cut, at = [], 0
    while at < len(text):
        size = chance.randint(1, longest)
        cut.append(text[at : at + size])
        at += size
    return cut


@pytest.mark.parametrize("longest", [1, 4, 12, 60])
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
def test_it_does_not_matter_where_a_text_is_cut(text: str, longest: int):
    chance = random.Random(7)
    for _ in range(3):
        window = Window(rules(), masks(), lambda rule, found: None)
        told = "".join(window.feed(piece) for piece in pieces(text, chance, longest)) + window.end()
        assert told == whole(text)


def test_words_leave_soon_and_a_finding_is_never_let_out_in_part():
    window = Window(rules(), masks(), lambda rule, found: None)
    told, most = "", 0
    text = "The committee met in the afternoon and discussed the proposal at length, as it always does on Mondays. " * 4
    for at, letter in enumerate(text):
        told += window.feed(letter)
        most = max(most, at + 1 - len(told))
    assert most <= 40
    window = Window(rules(), masks(), lambda rule, found: None)
    told = ""
    for letter in "My address is bob@example.com":
        told += window.feed(letter)
        assert "bob" not in told
    assert told + window.end() == "My address is [email]"


def test_a_window_takes_time_in_proportion_to_the_length_of_its_text():
    window = Window(rules(), masks(), lambda rule, found: None)
    left = sum(len(window.feed("word 12 ")) for _ in range(2_000))
    assert left + len(window.end()) == 16_000
