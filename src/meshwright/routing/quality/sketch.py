"""What a decision keeps of a question, to learn from when its answer is judged: no words, only marks.

Each gram falls into one of 16,384 places by a number that belongs to this installation; what is kept is which places
were hit. Many words share a place, and without the number nobody can tell which words hit it. Shapes (how long it is,
how many digits) have places of their own. (Multiply-shift hashing: Dietzfelbinger et al., 1997.)
"""

from __future__ import annotations

from array import array
from math import sqrt

from meshwright.routing.quality.sight import SHAPES, Sight

BITS = 14
SHAPE_BITS = 11
WORDS = 1 << BITS
"""Places of words; those of shapes come after them."""
WIDE = WORDS + (1 << SHAPE_BITS)
MOST_WORDS, MOST_SHAPES = 192, 60
"""Places kept of one question. With 8 bits to a weight the sum of as many fits into 16."""
_MASK = (1 << 64) - 1


def sketch(seen: Sight, salt: int) -> bytes:
    """The places in order, two bytes each, little-endian. `salt` is an odd number of 64 bits."""
    words = {(gram * salt & _MASK) >> (64 - BITS) for gram in seen.words}
    shapes = {WORDS + ((gram * salt & _MASK) >> (64 - SHAPE_BITS)) for gram in seen.shapes}
    places = [*sorted(words)[:: -(-len(words) // MOST_WORDS) or 1], *sorted(shapes)[:MOST_SHAPES]]
    kept = array("H", places)
    return kept.tobytes()


def places(data: bytes) -> tuple[list[int], list[int]]:
    """The places of words and of shapes in a sketch."""
    kept = array("H", data)
    words = [place for place in kept if place < WORDS]
    return words, [place for place in kept if WORDS <= place < WIDE]


def worth(count: int, *, shapes: bool) -> float:
    """What each of so many places weighs, so that all words together have length 1 and all shapes theirs."""
    return (SHAPES if shapes else 1.0) / sqrt(count) if count else 0.0
