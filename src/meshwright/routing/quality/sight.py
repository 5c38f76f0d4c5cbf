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
_END = re.compile(
    r"(?:\n\s*(?:Answer|A|Response|### Response) ?:\s*"
    r"|\n?(?:After careful thought|Put your final answer|Please answer with|Answer with|Respond with)[^\n]{0,200})\s*\Z"
)
_SHOT = re.compile(r"(?:\A|\n)(?:Question|Q|Input|Problem) ?:", re.IGNORECASE)
_FEW = 2
"""From how many marks of a question on they are examples, and only what follows the last one is asked."""


class Sight(msgspec.Struct, frozen=True):
    """Two vectors by hashed gram: of the words (damped counts), of the shapes (each 1). Neither has its length yet."""

    words: dict[int, float]
    shapes: frozenset[int]


@lru_cache(maxsize=4)
def sight(question: str) -> Sight:
    """The question without examples before it and instructions on the form of an answer after it."""
    text = asked(question)
    words = _WORDS.findall(text.lower())
    counts = Counter(words)
    counts.update([f"{one} {two}" for one, two in pairwise(words)])
    # Two grams of one hash are one gram: their counts add up.
    found: dict[int, int] = {}
    for gram, count in counts.items():
        at = crc32(gram.encode(errors="replace")) & _MASK
        found[at] = found.get(at, 0) + count
    shapes = frozenset(map(_hashed, _shapes(text, words)))
    return Sight({at: 1 + log(count) if count > 1 else 1.0 for at, count in found.items()}, shapes)


@lru_cache(maxsize=8_192)
def _hashed(shape: str) -> int:
    # There are some hundreds of shapes, and each question has forty of them.
    return crc32(f"\0{shape}".encode()) & _MASK


def asked(question: str) -> str:
    """What is asked: few-shot examples and format instructions are everybody's, and say nothing of this question."""
    text = _END.sub("", in_reach(question).strip())
    marks = list(_SHOT.finditer(text))
    last = text[marks[-1].end() :].strip() if len(marks) >= _FEW else ""
    return last or text


def in_reach(question: str) -> str:
    """What is looked at of it, however long it is."""
    return question if len(question) <= 2 * REACH else f"{question[:REACH]}\n{question[-REACH:]}"


def _shapes(text: str, words: Sequence[str]) -> list[str]:
    """Coarse measures, each in a few steps, and the pairs of those that explain each other."""
    stem, *options = _OPTION.split(text)
    alpha = list(filter(str.isalpha, words))
    letters = list(map(len, alpha))
    numbers = sum(map(str.isdigit, words))
    digits, signs = sum(map(text.count, "0123456789")), sum(map(text.count, "+*/^=<>"))
    lengths = [len(option) for option in options] or [0]
    numeric = sum(any(map(str.isdigit, option)) for option in options)
    many = len(words) or 1
    main = {
        "stem": _step(len(stem)),
        "options": _step(sum(lengths)),
        "numbers": min(8, 16 * numbers // many),
        "numeric": 4 * numeric // max(1, len(options)) if options else 5,
        "signs": min(6, signs.bit_length()),
    }
    told = [f"{name} {value}" for name, value in main.items()]
    told += [f"{one} {main[one]} {two} {main[two]}" for one, two in combinations(sorted(main), 2)]
    return [
        *told,
        f"digits {min(7, digits.bit_length())}",
        f"spread {_step(max(lengths) - min(lengths))}",
        f"letters {min(9, 2 * sum(letters) // max(1, len(alpha)))}",
        f"sentences {min(6, stem.count('.'))}",
        f"commas {min(6, stem.count(',').bit_length())}",
        f"names {min(6, sum(map(str.istitle, stem.split())).bit_length())}",
        f"singles {min(6, 20 * letters.count(1) // many)}",
        f"repeats {10 * len(set(alpha)) // max(1, len(alpha))}",
        f"lines {min(5, text.count(chr(10)).bit_length())}",
        f"short {sum(' ' not in option.strip() for option in options)}",
        f"ascii {text.isascii()}",
        *(f"has {mark}" for mark in _MARKS if mark in text),
    ]


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


def _step(size: int) -> int:
    """Two steps to a doubling."""
    return int(2 * log1p(size) / log(2))
