"""What the quality model sees of a question: its words and pairs of words, and how it is built, all as hashed grams."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from math import log, log1p
from zlib import crc32

import msgspec

REACH = 3_000
"""Characters looked at from each end; what lies between them costs nothing."""
BITS = 20
"""Of a gram's hash: of 100,000 grams one in ten shares its bucket, of the sixteen thousand that are kept few matter."""
SHAPES = 0.5
"""The length of the vector of shapes; that of words has length 1. From cross-validation, see bench/router."""

_MASK = (1 << BITS) - 1
_WORDS = re.compile(r"\w+|[^\w\s]")
_OPTION = re.compile(r"\n\(?[A-J][.)] ")
_FORMS = ("After careful thought", "Put your final answer", "Please answer with", "Answer with", "Respond with")
_FORM = 222
"""Characters from the end within which a form of the answer is named, if one is."""
# Of a text without blanks at its end. A run of them is gone over once, from where it begins.
_END = re.compile(
    r"(?:(?<!\s)(?P<blanks>[^\S\n]*+)\n\s*+(?:Answer|A|Response|### Response) ?:"
    rf"|\n?(?:{'|'.join(_FORMS)})[^\n]{{0,200}})\Z"
)
_SHOT = re.compile(r"(?:\A|\n)(?:Question|Q|Input|Problem) ?:", re.IGNORECASE)
_FEW = 2
"""From how many marks of a question on they are examples, and only what follows the last one is asked."""


class Sight(msgspec.Struct, frozen=True):
    """Two vectors by hashed gram: of the words (damped counts), of the shapes (each 1). Neither has its length yet.

    `measures` are numbers of `MEASURES` kinds that shapes are coarse steps of.
    """

    words: dict[int, float]
    shapes: frozenset[int]
    measures: tuple[float, ...]


@lru_cache(maxsize=4)
def sight(question: str) -> Sight:
    """The question without examples before it and instructions on the form of an answer after it."""
    text = asked(question)
    words = _WORDS.findall(text.lower())
    counts = Counter(words)
    counts.update([f"{one} {two}" for one, two in pairwise(words)])
    # Two grams of one hash are one gram: their counts add up.
    found: dict[int, int] = {}
    # Encoded all at once: no gram has a line's end in it.
    for told, count in zip("\n".join(counts).encode(errors="replace").split(b"\n"), counts.values(), strict=False):
        at = crc32(told) & _MASK
        found[at] = found.get(at, 0) + count
    shapes, measures = _shapes(text, words)
    values = {at: 1 + log(count) if count > 1 else 1.0 for at, count in found.items()}
    return Sight(values, frozenset(map(_hashed, shapes)), measures)


@lru_cache(maxsize=8_192)
def _hashed(shape: str) -> int:
    # There are some hundreds of shapes, and each question has forty of them.
    return crc32(f"\0{shape}".encode()) & _MASK


def asked(question: str) -> str:
    """What is asked: few-shot examples and format instructions are everybody's, and say nothing of this question."""
    text = in_reach(question).strip()
    # Most have neither, and looking for a few characters takes a hundredth of what an expression takes.
    if text.endswith(":") or any(form in text[-_FORM:] for form in _FORMS):
        text = _END.sub(lambda end: end["blanks"] or "", text)
    marks = list(_SHOT.finditer(text)) if text.count(":") >= _FEW else []
    last = text[marks[-1].end() :].strip() if len(marks) >= _FEW else ""
    return last or text


def in_reach(question: str) -> str:
    """What is looked at of it, however long it is."""
    return question if len(question) <= 2 * REACH else f"{question[:REACH]}\n{question[-REACH:]}"


def _shapes(text: str, words: Sequence[str]) -> tuple[list[str], tuple[float, ...]]:
    """Coarse measures, each in a few steps, and the pairs of those that explain each other; then the plain numbers."""
    stem, *options = _OPTION.split(text)
    alpha = list(filter(str.isalpha, words))
    letters = list(map(len, alpha))
    numbers = sum(map(str.isdigit, words))
    digits, signs = sum(map(text.count, "0123456789")), sum(map(text.count, "+*/^=<>"))
    lengths = [len(option) for option in options] or [0]
    numeric = sum(any(map(str.isdigit, option)) for option in options)
    many, lettered = len(words) or 1, len(alpha) or 1
    spread, letter, distinct, single = max(lengths) - min(lengths), sum(letters), len(set(alpha)), letters.count(1)
    titles, lines, short = (
        sum(map(str.istitle, stem.split())),
        text.count("\n"),
        sum(" " not in o.strip() for o in options),
    )
    dots, commas, marks = stem.count("."), stem.count(","), [mark in text for mark in _MARKS]
    main = {
        "stem": _step(len(stem)),
        "options": _step(sum(lengths)),
        "numbers": min(8, 16 * numbers // many),
        "numeric": 4 * numeric // max(1, len(options)) if options else 5,
        "signs": min(6, signs.bit_length()),
    }
    told = [f"{name} {value}" for name, value in main.items()]
    told += [f"{one} {main[one]} {two} {main[two]}" for one, two in combinations(sorted(main), 2)]
    told += [
        f"digits {min(7, digits.bit_length())}",
        f"spread {_step(spread)}",
        f"letters {min(9, 2 * letter // lettered)}",
        f"sentences {min(6, dots)}",
        f"commas {min(6, commas.bit_length())}",
        f"names {min(6, titles.bit_length())}",
        f"singles {min(6, 20 * single // many)}",
        f"repeats {10 * distinct // lettered}",
        f"lines {min(5, lines.bit_length())}",
        f"short {short}",
        f"ascii {text.isascii()}",
        *(f"has {mark}" for mark, there in zip(_MARKS, marks, strict=True) if there),
    ]
    measures = (
        len(stem), sum(lengths), spread, len(options), numbers, numbers / many, digits, numeric, signs,
        letter / lettered, dots, commas, titles, single / many, distinct / lettered, lines, short,
        sum(option.rstrip().endswith(".") for option in options), text.isascii(), *marks,
    )  # fmt: skip
    return told, tuple(map(float, measures))


_MARKS = (
    "_",
    "?",
    "$",
    "%",
    "|",
    "(",
    '"',
    "NOT",
    "EXCEPT",
    "not ",
    "except",
    "ll of",
    "one of",
    "oth ",
    "```",
    "def ",
    "\\",
)
MEASURES = 19 + len(_MARKS)


def _step(size: int) -> int:
    """Two steps to a doubling."""
    return int(2 * log1p(size) / log(2))
