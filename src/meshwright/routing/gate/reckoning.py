"""Signs of an answer that reckons: are its sums right, do its numbers come from the question, where does it end?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import log1p

from meshwright.routing.gate.sums import MOST, Sum, sums, value

_NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3}){1,9}|\d{1,30})(?:\.\d{1,30})?(?:\s*%)?|(?<!\d)\.\d{1,30}")
_MARK = re.compile(r"####\s*(.*)|\\boxed\{([^{}]*)\}", re.DOTALL)
_SAID = re.compile(r"\b(?:answer|total) (?:is|of|:)\D{0,20}$", re.IGNORECASE)
_WORDS: Mapping[str, Fraction] = {
    "half": Fraction(1, 2), "halves": Fraction(1, 2), "twice": Fraction(2), "double": Fraction(2),
    "triple": Fraction(3), "third": Fraction(1, 3), "thirds": Fraction(1, 3), "quarter": Fraction(1, 4),
    "quarters": Fraction(1, 4),
    "dozen": Fraction(12), "one": Fraction(1), "two": Fraction(2), "three": Fraction(3), "four": Fraction(4),
    "five": Fraction(5), "six": Fraction(6), "seven": Fraction(7), "eight": Fraction(8), "nine": Fraction(9),
    "ten": Fraction(10), "eleven": Fraction(11), "twelve": Fraction(12), "twenty": Fraction(20), "thirty": Fraction(30),
    "forty": Fraction(40), "fifty": Fraction(50), "hundred": Fraction(100), "week": Fraction(7), "weeks": Fraction(7),
    "year": Fraction(12), "years": Fraction(12), "hour": Fraction(60), "hours": Fraction(60), "minute": Fraction(60),
    "minutes": Fraction(60), "day": Fraction(24), "days": Fraction(24), "month": Fraction(30), "pair": Fraction(2),
    "pairs": Fraction(2), "couple": Fraction(2), "once": Fraction(1), "both": Fraction(2), "foot": Fraction(12),
    "feet": Fraction(12), "yard": Fraction(3), "pound": Fraction(16), "fifth": Fraction(1, 5), "tenth": Fraction(1, 10),
}  # fmt: skip
"""Words of a question that stand for a number, those that a calculation then needs among them."""
_FREE = frozenset(map(Fraction, (1, 2, 100)))
"""Numbers that a calculation may bring along without anybody having said them."""
_WORD = re.compile(r"[a-z]+")
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_REST = re.compile(r"\b(?:left|remain\w*|change|difference|more|fewer|less|save|still|need|profit)\b")
_TOTAL = re.compile(r"\b(?:total|altogether|in all|combined|together)\b")
_COMMON = (
    "how much many what is the a an of to in for did does do he she they his her their will was were are have has had "
    "if on at it and by with each per be so that this"
)
_SMALL = frozenset(_COMMON.split())
_WHOLE = re.compile(r"\bhow many\b", re.IGNORECASE)
NONE = 0.0


def reckoning(question: str, answer: str) -> dict[str, float]:
    """Signs by name, of an answer that reckons; {} when it does not. Looks at 20,000 characters of each."""
    written = sums(answer)
    final, marked = _final(answer, written)
    if not written and not (marked and _NUMBER.search(question)):
        return {}
    # A sum that is written twice, in words and as a note, is one step.
    done = list({(one.operands, one.told): one for one in written}.values())
    given = _given(question)
    numbers = [value(text) for text in _NUMBER.findall(question[:MOST])]
    operands = [operand for one in done for operand in one.operands]
    used = {*operands, *(one.told for one in done)}
    wrong = sum(not one.right and not one.rounded for one in done)
    signs = {
        "sums": log1p(len(done)),
        "sums_per_number": min(2.0, len(done) / max(1, len(numbers))),
        "no_sums": float(not done),
        "wrong_sums": min(3.0, wrong),
        "any_wrong": float(wrong > 0),
        "rounded_sums": min(3.0, sum(one.rounded for one in done)),
        "fractions": min(3.0, sum(one.told.denominator != 1 for one in done)),
        "negative": float(any(one.told < 0 for one in done)),
        "repeated_sums": min(3.0, max(0, len(written) - 2 * len(done))),
        "long_sums": min(3.0, sum(len(one.operands) > 3 for one in done)),
        "invented": min(4.0, _invented(done, given)),
        "unused": _share(sum(number not in used for number in numbers), len(numbers)),
        "any_unused": float(any(number not in used for number in numbers)),
        "underused": min(4.0, sum(max(0, numbers.count(one) - operands.count(one)) for one in set(numbers) if one > 2)),
        "steps_short": max(0.0, len(numbers) - 1 - sum(len(one.operands) - 1 for one in done)) / 4,
        "dangling": _dangling(done, final),
    }
    signs |= _end(question, final, marked, done, numbers)
    signs |= _target(question, answer, done)
    return signs


def _target(question: str, answer: str, done: Sequence[Sum]) -> dict[str, float]:
    """Signs of whether the last step does what the last question asks for, and speaks of the same things."""
    asked = [one for one in _SENTENCE.findall(question[-MOST:]) if "?" in one] or [question[-MOST:]]
    target = " ".join(asked).lower()
    lines = [line for line in answer[-MOST:].lower().splitlines() if line.strip() and not line.startswith("####")]
    wanted = set(_WORD.findall(target)) - _SMALL
    said = set(_WORD.findall(lines[-1])) if lines else set()
    known = set(_WORD.findall(question[:MOST].lower()))
    words = set(_WORD.findall(answer[:MOST].lower()))
    signs = done[-1].signs if done else ""
    rest, total = _REST.search(target) is not None, _TOTAL.search(target) is not None
    return {
        "rest_without_minus": float(rest and bool(done) and "-" not in signs),
        "total_with_minus": float(total and "-" in signs),
        "off_target": 1 - len(wanted & said) / len(wanted) if wanted else NONE,
        "new_words": len(words - known - _SMALL) / len(words) if words else NONE,
    }


def _end(
    question: str, final: Fraction | None, marked: bool, done: Sequence[Sum], numbers: Sequence[Fraction]
) -> dict[str, float]:
    """Signs of the number that the answer ends with."""
    if final is None:
        return {"no_end": 1.0, "unmarked": float(not marked)}
    top = max(numbers, default=Fraction(1)) or Fraction(1)
    return {
        "no_end": NONE,
        "unmarked": float(not marked),
        "end_not_made": float(bool(done) and final not in {one.told for one in done}),
        "end_not_last": float(bool(done) and final != done[-1].told),
        "end_given": float(final in numbers),
        "end_above_all": float(abs(final) > 10 * abs(top)),
        "end_fraction": float(final.denominator != 1),
        "end_fraction_of_many": float(final.denominator != 1 and _WHOLE.search(question) is not None),
        "end_unround": float(final.denominator > 100),
        "end_zero": float(final <= 0),
    }


def _final(answer: str, done: Sequence[Sum]) -> tuple[Fraction | None, bool]:
    """The number that the answer comes to, and whether it is marked as its end."""
    marks = [next(filter(None, match.groups()), "") for match in _MARK.finditer(answer[:MOST])]
    if marks:
        found = _NUMBER.findall(marks[-1])
        return (value(found[0].rstrip("% ")) if found else None), True
    found = list(_NUMBER.finditer(answer[:MOST]))
    if not found:
        return None, False
    last = found[-1]
    said = _SAID.search(answer[: last.start()]) is not None
    return value(last[0].rstrip("% ")), said


def _given(question: str) -> set[Fraction]:
    """Every number that the question gives, in digits or words, and its percentages both ways."""
    found = {value(text) for text in _NUMBER.findall(question[:MOST])}
    found |= {number * 100 for number in found if number < 1} | {number / 100 for number in found}
    found |= {_WORDS[word] for word in _WORD.findall(question[:MOST].lower()) if word in _WORDS}
    return found


def _invented(done: Sequence[Sum], given: set[Fraction]) -> int:
    """Operands that neither the question nor an earlier sum has given."""
    known, invented = given | _FREE, 0
    for one in done:
        invented += sum(operand not in known for operand in one.operands)
        known = known | {one.told, 1 - one.told} | set(one.operands)
    return invented


def _dangling(done: Sequence[Sum], final: Fraction | None) -> float:
    """The share of results that nothing later makes use of, and that are not the end."""
    left = 0
    for at, one in enumerate(done):
        later = {operand for other in done[at + 1 :] for operand in other.operands}
        left += one.told not in later and one.told != final and one.told not in {other.told for other in done[at + 1 :]}
    return _share(left, len(done))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NONE
