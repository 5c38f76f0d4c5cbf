"""instructions: sentences in tools' results that tell a model what to do, by a small linear model over words."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from meshwright.guards.guard import Guard, Options
from meshwright.types.guard import Finding

FILE = Path(__file__).parent / "data" / "instructions.bin"
"""Written by scripts/train_instructions.py; what it was trained on is named there and in data/instructions.LICENCES."""
BUCKETS = 4096
LONGEST = 400
"""Characters of a sentence that are read."""
FEWEST = 3
"""Words that an instruction has."""
_SENTENCE = re.compile(r"[^.!?\n|]{8,400}[.!?]?")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences and lines begin and end."""
    for match in _SENTENCE.finditer(text):
        yield match.span()


def grams(sentence: str) -> Iterator[int]:
    """The buckets of a sentence's words, of its pairs of words, and of how it begins."""
    words = _WORD.findall(sentence.lower())
    if len(words) < FEWEST:
        return
    before = "^"
    for word in words:
        yield _bucket(word)
        yield _bucket(f"{before} {word}")
        before = word
    yield _bucket(f"^ {words[0]} {words[1]}")
    yield _bucket("?" if sentence.rstrip().endswith("?") else ".")


def _bucket(gram: str) -> int:
    return zlib.crc32(gram.encode()) % BUCKETS


@lru_cache(maxsize=1)
def _weights() -> tuple[tuple[float, ...], float]:
    data = zlib.decompress(FILE.read_bytes())
    scale, bias = struct.unpack_from("<ff", data)
    return tuple(value * scale for value in struct.unpack_from(f"<{BUCKETS}b", data, 8)), bias


def score(sentence: str) -> float:
    """How likely it is that a sentence tells a model what to do, 0 to 1, where as many do as do not."""
    weights, bias = _weights()
    found = set(grams(sentence))
    if not found:
        return 0.0
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, bias + sum(weights[at] for at in found)))))


def look(text: str, options: Options) -> list[Finding]:
    """Every sentence whose score reaches the threshold."""
    least = 0.5 if options.threshold is None else options.threshold
    return [Finding("instruction", start, end) for start, end in sentences(text) if score(text[start:end]) >= least]


GUARD = Guard(
    look=look,
    summary="Sentences that tell a model what to do, in words that come from tools.",
    kinds={"instruction": "a sentence that seems to be meant for the model"},
    action="flag",
    places=("tool",),
    reach=LONGEST,
    layers=False,
    threshold=0.8,
)
