"""Which task a request is: a probability for each, likeliest first.

Multinomial logistic regression over the sets of `grams`, trained by scripts/train_tasks.py from the examples beside its
weights. In plain Python: a gram's twelve weights are lanes of one integer, so adding up a prompt is adding integers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from math import exp, sqrt

from meshwright.routing.grams import REACH, WORTH, grams
from meshwright.routing.tasks import TASKS
from meshwright.routing.weights import MIDDLE, lanes, read

WEIGHTS = read((files("meshwright.routing") / "data" / "tasks.bin").read_bytes())
_LANES = lanes(WEIGHTS)
_SPREAD = struct.Struct(f"<{len(WEIGHTS.tasks)}I")
_LEAST = 1e-4


def classify(question: str, characters: int, attachments: Sequence[str], computable: float) -> Mapping[str, float]:
    """A probability for each task that has at least one in ten thousand; they add up to 1, likeliest first.

    `question` is the last user message, `characters` the length of the whole request, `computable` how likely the
    question is a plain computation (0..1). Looks at no more than the first and the last 2,000 characters, and remembers
    the latest: a conversation comes back with the same question at every call of a tool.
    """
    text = question if len(question) <= 2 * REACH else f"{question[:REACH]}\n{question[-REACH:]}"
    return _classified(text, characters - len(question) > REACH, tuple(attachments), computable)


@lru_cache(maxsize=512)
def _classified(text: str, beside: bool, attachments: tuple[str, ...], computable: float) -> Mapping[str, float]:
    characters = len(text) + (REACH + 1 if beside else 0)
    scores = list(WEIGHTS.bias)
    for worth, found in zip(WORTH, grams(text, characters, attachments, computable), strict=True):
        known = list(filter(None, map(_LANES.get, found)))
        if not known:
            continue
        # By the length of the set, unknown grams too: what cannot be read makes less sure.
        factor = WEIGHTS.scale * worth / sqrt(len(found))
        zero = MIDDLE * len(known)
        sums = _SPREAD.unpack(sum(known).to_bytes(_SPREAD.size, "little"))
        scores = [score + factor * (lane - zero) for score, lane in zip(scores, sums, strict=True)]
    return _shares(scores)


def _shares(scores: list[float]) -> Mapping[str, float]:
    top = max(scores)
    odds = [exp(score - top) for score in scores]
    least = _LEAST * sum(odds)
    kept = sorted(((odd, task) for odd, task in zip(odds, WEIGHTS.tasks, strict=True) if odd >= least), key=_order)
    whole = sum(odd for odd, _ in kept)
    return {task: round(odd / whole, 6) for odd, task in kept}


def _order(share: tuple[float, str]) -> tuple[float, int]:
    return -share[0], _RANK[share[1]]


_RANK = {task: rank for rank, task in enumerate(TASKS)}
