"""Learned weights in the form that answers at once: what to expect of every measured model on a question.

The numbers of a gram are lanes of one integer, so that adding up a prompt is adding integers: no numpy is needed to
serve. Ridge regression seen as a Gaussian process gives the bounds (Rasmussen & Williams, 2006, ch. 2; the covariance
between grams is left out, which makes the bounds wider, not narrower).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from math import log, sqrt
from operator import add

import msgspec

from meshwright.routing.quality.sight import SHAPES, in_reach, sight
from meshwright.routing.quality.trees import MIDDLE, Asked
from meshwright.routing.quality.weights import Measured, Weights, read
from meshwright.types.decision import Expected
from meshwright.types.model import bare

_FINE = 64
"""A gram's worth is counted in this part of one."""
ROOM = (1 << 32) // 256
"""Steps that fit into a lane, however heavy the grams are; more are added up in parts."""
REMEMBERED = 512
"""Questions; at most 6,000 characters each."""


class Known(msgspec.Struct, frozen=True):
    """A gram: its rarity, its lanes, and how many rows had it."""

    rarity: float
    lanes: int
    holding: int


class Knowledge:
    """Says the same at all times; a snapshot holds one, and swaps it whole."""

    def __init__(self, weights: Weights) -> None:
        self.told = weights.told
        self.models: Mapping[str, Measured] = {bare(model.name): model for model in weights.models}
        self._latest: dict[str, Mapping[str, Expected]] = {}
        self._order = weights.models
        self._peers = [(peers, Asked(peers.trees, peers.count) if peers.trees else None) for peers in weights.peers]
        self._scales = weights.scales
        self._penalties = weights.penalties
        self._distinct = tuple(dict.fromkeys(weights.penalties))
        wide = len(weights.scales)
        self._lanes = struct.Struct(f"<{wide}I")
        count = len(weights.grams) // 4
        hashes = struct.unpack(f"<{count}I", weights.grams)
        holding = struct.unpack(f"<{count}I", weights.holding)
        self._known = {
            gram: Known(
                rarity(holding[at], weights.rows),
                int.from_bytes(self._lanes.pack(*weights.steps[at * wide : (at + 1) * wide]), "little"),
                holding[at],
            )
            # The common ones first, so that what is looked up lies together: looking it up is waiting for memory.
            for at, gram in sorted(enumerate(hashes), key=lambda one: holding[one[0]], reverse=True)
        }

    def expect(self, question: str) -> Mapping[str, Expected]:
        """For each measured model its level, and how much better or worse it should be on this question.

        A conversation comes back with the same question at every call of a tool, so the latest are remembered, by all
        of the text that is looked at.
        """
        text = in_reach(question)
        found = self._latest.get(text)
        if found is None:
            found = self._expect(text)
            if len(self._latest) >= REMEMBERED:
                del self._latest[next(iter(self._latest))]
            self._latest[text] = found
        return found

    def _expect(self, text: str) -> Mapping[str, Expected]:
        seen = sight(text)
        columns = [0.0] * len(self._scales)
        spread = dict.fromkeys(self._distinct, 0.0)
        long = 0.0
        parts = ((seen.words.items(), 1.0), (((gram, 0.0) for gram in seen.shapes), SHAPES))
        for grams, length in parts:
            found = [
                (known, known.rarity * worth if worth else 1.0)
                for gram, worth in grams
                if (known := self._known.get(gram))
            ]
            norm = sqrt(sum(worth * worth for _, worth in found))
            if not norm:
                # Nothing is recognised: all of what this part could say is uncertain.
                for penalty in spread:
                    spread[penalty] += length * length / penalty
                continue
            long += length * length
            self._add(found, length / norm, columns, spread)
        owns = [columns[model.own] for model in self._order]
        doubts = [0.0] * len(owns)
        for peers, trees in self._peers:
            place = range(peers.first, peers.first + peers.count)
            alike = max(columns[peers.kind : peers.kind + peers.kinds], default=0.0) / sqrt(long or 1.0)
            way = peers.way(alike)
            counts = peers.strange + (peers.known - peers.strange) * way
            told = trees.of(seen.measures) if trees is not None else [0.0] * peers.count
            for at, said in zip(place, told, strict=True):
                owns[at] = counts * (owns[at] + said)
                doubts[at] = (1 - way) * peers.doubt
        return {
            bare(model.name): self._expected(model, columns[model.common], own, self._variance(model, spread) + doubt)
            for model, own, doubt in zip(self._order, owns, doubts, strict=True)
        }

    def _add(
        self, found: list[tuple[Known, float]], factor: float, columns: list[float], spread: dict[float, float]
    ) -> None:
        """Add up one part of the question, weighed so that it has its length."""
        steps = [(known.lanes, int(worth * _FINE + 0.5)) for known, worth in found]
        lanes, zero = self._sums(steps), MIDDLE * sum([step for _, step in steps])
        columns[:] = [
            column + (lane - zero) * scale * factor / _FINE
            for column, lane, scale in zip(columns, lanes, self._scales, strict=True)
        ]
        squares = [((worth * factor) ** 2, known.holding) for known, worth in found]
        for penalty in spread:
            spread[penalty] += sum([square / (penalty + holding * square) for square, holding in squares])

    def _sums(self, steps: list[tuple[int, int]]) -> Sequence[int]:
        """Lane by lane, each gram's so many times."""
        if sum([step for _, step in steps]) >= ROOM and len(steps) > 1:
            half = len(steps) // 2
            return list(map(add, self._sums(steps[:half]), self._sums(steps[half:])))
        total = sum([lanes * step for lanes, step in steps])
        return self._lanes.unpack(total.to_bytes(self._lanes.size, "little"))

    def _variance(self, model: Measured, spread: Mapping[float, float]) -> float:
        known = spread[self._penalties[model.common]] + spread[self._penalties[model.own]]
        return model.noise * (known / 2 + 1 / model.rows)

    def _expected(self, model: Measured, common: float, own: float, variance: float) -> Expected:
        return Expected(
            level=_four(model.level),
            common=_four(common),
            own=_four(own),
            spread=_four(sqrt(variance)),
            rows=model.rows,
        )


def _four(value: float) -> float:
    """To four digits, in a third of the time that `round` takes."""
    return int(value * 10_000 + (0.5 if value >= 0 else -0.5)) / 10_000


@lru_cache(maxsize=4_096)
def rarity(holding: int, rows: int) -> float:
    """Inverse document frequency, smoothed; the fit uses the same."""
    return log((1 + rows) / (1 + holding)) + 1


@cache
def shipped() -> Knowledge:
    """What comes with the package; see docs/reference/router-card.md."""
    return Knowledge(read((files("meshwright.routing") / "data" / "router.bin").read_bytes()))
