"""How alike two texts are: the cosine of their hashed words, pairs of words and letter triples; plain Python.

Feature hashing as in Weinberger et al., "Feature Hashing for Large Scale Multitask Learning"
(https://arxiv.org/abs/0902.2206), here into CRC-32's whole range, where collisions do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from zlib import crc32

from meshwright.providers.builtin.meaning import closeness, loaded

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_SMALL = (
    "a an and are as at be been but by can could did do does for from had has have how i if in is it its me my of on "
    "or our please so than that the their them then there they this to us was we were what when where which who why "
    "will with would you your"
)
_COMMON = frozenset(_SMALL.split())
MOST = 2_000
"""Characters that are looked at: a route's subject is told early."""
PAIR, WORD, TRIPLE = 1.0, 1.0, 0.3


def likeness(text: str, examples: Sequence[str]) -> float:
    """The likeness (0..1) to the nearest of the examples."""
    mine = _weights(text[:MOST])
    return round(max((_cosine(mine, _known(example)) for example in examples), default=0.0), 6)


def meant(text: str, examples: Sequence[str]) -> float:
    """The same by words and by meaning, both alike; by words alone where no table of meanings is loaded."""
    if not loaded():
        return likeness(text, examples)
    mine = _weights(text[:MOST])
    each = [(_cosine(mine, _known(example)) + closeness(text, example)) / 2 for example in examples]
    return round(max(each, default=0.0), 6)


def _cosine(one: Mapping[int, float], other: Mapping[int, float]) -> float:
    few, many = sorted((one, other), key=len)
    return sum(weight * many.get(gram, 0.0) for gram, weight in few.items())


@lru_cache(maxsize=4096)
def _known(example: str) -> Mapping[int, float]:
    # The examples of a configuration come back with every request.
    return _weights(example[:MOST])


def _weights(text: str) -> Mapping[int, float]:
    words = [word for word in _WORD.findall(text.lower()) if word not in _COMMON]
    found: dict[int, float] = {}
    for word in words:
        _add(found, f"w{word}", WORD)
        padded = f"^{word}$"
        for at in range(len(padded) - 2):
            _add(found, f"t{padded[at : at + 3]}", TRIPLE)
    for first, second in pairwise(words):
        _add(found, f"p{first} {second}", PAIR)
    length = sqrt(sum(weight * weight for weight in found.values()))
    return {gram: weight / length for gram, weight in found.items()}


def _add(found: dict[int, float], gram: str, worth: float) -> None:
    key = crc32(gram.encode(errors="replace"))
    found[key] = found.get(key, 0.0) + worth
