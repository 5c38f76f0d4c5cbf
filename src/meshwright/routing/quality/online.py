"""Learning from answers that were given here, as things are found out about them. Needs numpy.

What is learned is how far off the predictions were: for each model a level and weights of the places that its
questions hit, one part of the weights being common to all models. It is the ridge regression over the latest outcomes,
come nearer by a few steps of conjugate gradients at each taking in (Hestenes & Stiefel, 1952), so that new outcomes are
in at once and the rest settles while nothing else is to be done. Every outcome counts by how much it is believed; those
from before a model's change count a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from meshwright.routing.quality.arrays import Array, Places
from meshwright.routing.quality.drift import Watch, Watching
from meshwright.routing.quality.gains import COMMON_PRIOR, LEVEL_PRIOR, MIDDLE, MOST_MODELS, OWN_PRIOR, Gained, Gains
from meshwright.routing.quality.sight import SHAPES
from meshwright.routing.quality.sketch import WIDE, WORDS

WINDOW = 20_000
"""The latest outcomes that are learned from."""
FORGOTTEN = 0.1
"""What an outcome from before its model's change is still worth."""
STEPS = 6
MANY, STEPS_OF_MANY = 2_000, 2
"""At which number of new outcomes fewer steps have to do at first."""
BLOCK = 2_048
"""Outcomes that are gone over at a time, so that what is in between stays near the processor."""
ENOUGH = 1e-3
"""The length of the gradient, beside that at the start, at which nothing is left to do."""
START_NOISE, NOISE_COUNT = 0.2, 20.0
"""The variance of outcomes around what is expected, before they are seen: that of answers right or wrong."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out of one answer: `score` (0..1), believed by `weight` (0..1).

    `key` is the answer; a later outcome of the same key takes the place of the earlier. `prior` is the quality that was
    expected without what was learned here, `expected` with it.
    """

    key: str
    model: str
    score: float
    weight: float
    prior: float
    expected: float
    sketch: bytes


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A model that became another, at the outcome `key`; `outcomes` of before count less. Scores less expectations."""

    model: str
    key: str
    before: float
    after: float
    outcomes: int


class Online:
    """What is learned, and from what. One thread at a time."""

    def __init__(self, salt: int, window: int = WINDOW, watch: Callable[[], Watching] = Watch) -> None:
        self.drifts: list[Drift] = []
        self.settled = True
        self._salt = salt
        self._window = window
        self._models: list[str] = []
        self._watch_anew = watch
        self._watches: dict[str, Watching] = {}
        self._noise: dict[str, tuple[float, float]] = {}
        self._at: dict[str, int] = {}
        self._keys: list[str] = []
        self._first = 0
        """The number of the window's first outcome, counted from the beginning."""
        self._model = np.zeros(0, dtype=np.int32)
        self._score = self._prior = self._weight = self._faded = self._learned = np.zeros(0)
        """`_weight` is what an outcome counts: how far it is believed, times `_faded`, what a change has left of it.

        `_learned` is what the weights of now come to on its question.
        """
        self._lengths = np.zeros(0, dtype=np.int64)
        self._flat = np.zeros(0, dtype=np.int64)
        """The places of all questions among the weights of all models, one question after the other."""
        self._values = np.zeros(0)
        self._common = np.zeros(WIDE)
        self._own = np.zeros((0, WIDE))
        self._level = np.zeros(0)
        self._start = 0.0

    @property
    def outcomes(self) -> int:
        """How many are learned from."""
        return len(self._keys)

    def take(self, outcomes: Sequence[Outcome], steps: int = 0) -> None:
        """Take in what was found out, in order of time, with so many steps (0: as many as there is time for)."""
        steps = steps or (STEPS if len(outcomes) < MANY else STEPS_OF_MANY)
        fresh: dict[str, Outcome] = {}
        for one in outcomes:
            number = self._at.get(one.key)
            if number is None:
                fresh[one.key] = one
                continue
            at = number - self._first
            self._score[at], self._weight[at] = one.score, one.weight * self._faded[at]
        rows = list(fresh.values())
        for begin in range(0, len(rows), self._window):  # more at once would push out what was not watched yet
            lot = rows[begin : begin + self._window]
            self._append(lot)
            for one in lot:
                self._watch(one)
        self._start = 0.0
        self.improve(steps)

    def improve(self, steps: int = STEPS) -> bool:
        """Come nearer to the regression by so many steps; whether there is anything left to do."""
        if not self._keys:
            return False
        common, own, level = self._back(self._score - self._prior - self._learned)
        gradient = [
            common - COMMON_PRIOR * self._common,
            own - OWN_PRIOR * self._own,
            level - LEVEL_PRIOR * self._level,
        ]
        direction = [part.copy() for part in gradient]
        size = _dot(gradient, gradient)
        self._start = max(self._start, size)
        for _ in range(steps):
            if size <= ENOUGH**2 * self._start:
                break
            further = self._times(direction[0], direction[1], direction[2])
            common, own, level = self._back(further)
            turned = [
                common + COMMON_PRIOR * direction[0],
                own + OWN_PRIOR * direction[1],
                level + LEVEL_PRIOR * direction[2],
            ]
            step = size / _dot(direction, turned)
            for state, part in zip((self._common, self._own, self._level), direction, strict=True):
                state += step * part
            self._learned += step * further
            gradient = [part - step * moved for part, moved in zip(gradient, turned, strict=True)]
            now = _dot(gradient, gradient)
            direction = [part + now / size * before for part, before in zip(gradient, direction, strict=True)]
            size = now
        self.settled = size <= ENOUGH**2 * self._start
        return not self.settled

    def _times(self, common: Array, own: Array, level: Array, first: int = 0) -> Array:
        """What such weights come to on each question, from the outcome `first` on."""
        merged = (own + common).ravel()
        found = level[self._model[first:]]
        ends = np.cumsum(self._lengths)
        for begin in range(first, len(ends), BLOCK):
            lengths = self._lengths[begin : begin + BLOCK]
            start = int(ends[begin] - lengths[0])
            some = np.flatnonzero(lengths)
            if len(some):
                of = slice(start, int(ends[min(begin + BLOCK, len(ends)) - 1]))
                terms = merged[self._flat[of]]
                terms *= self._values[of]
                found[begin - first + some] += np.add.reduceat(terms, (np.cumsum(lengths) - lengths)[some])
        return found

    def _back(self, targets: Array) -> tuple[Array, Array, Array]:
        """The same the other way: from outcomes, weighed, to weights."""
        weighed = targets * self._weight
        terms = np.repeat(weighed, self._lengths)
        terms *= self._values
        spread = np.bincount(self._flat, terms, minlength=self._own.size)
        own: Array = spread.astype(np.float64, copy=False).reshape(self._own.shape)
        level: Array = np.bincount(self._model, weighed, minlength=len(self._models)).astype(np.float64)
        return own.sum(axis=0), own, level

    def gains(self, version: int, trouble: Mapping[str, float] | None = None) -> Gains:
        """What is to be published. `trouble` is what each model loses by what can be seen of its answers."""
        trouble = trouble or {}
        self._know(trouble)
        counts = np.bincount(self._model, self._weight, minlength=len(self._models))
        chosen = sorted(np.argsort(-counts, kind="stable")[:MOST_MODELS])
        merged = self._own[chosen] + self._common
        scales = np.maximum(np.abs(merged).max(axis=1, initial=0.0), 1e-9) / (MIDDLE - 1)
        steps = (np.rint(merged / scales[:, None]) + MIDDLE).astype("<u2")
        models = []
        for at, scale in zip(chosen, scales, strict=True):
            name = self._models[at]
            count, square = self._noise.get(name, (0.0, 0.0))
            models.append(
                Gained(
                    name=name,
                    level=round(float(self._level[at]) - trouble.get(name, 0.0), 6),
                    outcomes=round(float(counts[at]), 2),
                    noise=round((square + NOISE_COUNT * START_NOISE) / (count + NOISE_COUNT), 6),
                    scale=float(scale),
                    drifted=self._told(name),
                    trouble=trouble.get(name, 0.0),
                )
            )
        return Gains(version=version, salt=self._salt, models=tuple(models), steps=steps.T.tobytes())

    def _told(self, model: str) -> str:
        latest = next((drift for drift in reversed(self.drifts) if drift.model == model), None)
        if latest is None:
            return ""
        worse = "worse" if latest.after < latest.before else "better"
        return (
            f"it has become {worse} (by {abs(latest.after - latest.before):.2f}): "
            f"{latest.outcomes:,} outcomes from before count a tenth"
        )

    def _append(self, fresh: Sequence[Outcome]) -> None:
        self._know(one.model for one in fresh)
        if len(self._keys) + len(fresh) > self._window * 5 // 4:
            self._drop(len(self._keys) + len(fresh) - self._window)
        for one in fresh:
            self._at[one.key] = self._first + len(self._keys)
            self._keys.append(one.key)
        place = {name: at for at, name in enumerate(self._models)}
        flat = np.frombuffer(b"".join(one.sketch for one in fresh), dtype="<u2").astype(np.int64)
        lengths = np.array([len(one.sketch) // 2 for one in fresh], dtype=np.int64)
        before, models = len(self._model), np.array([place[one.model] for one in fresh], dtype=np.int32)
        self._model = np.append(self._model, models)
        self._score = np.append(self._score, [one.score for one in fresh])
        self._prior = np.append(self._prior, [one.prior for one in fresh])
        self._weight = np.append(self._weight, [one.weight for one in fresh])
        self._faded = np.append(self._faded, np.ones(len(fresh)))
        self._lengths = np.append(self._lengths, lengths)
        self._flat = np.append(
            self._flat, np.repeat(models.astype(np.int64) * WIDE, lengths) + np.minimum(flat, WIDE - 1)
        )
        self._values = np.append(self._values, _values(flat, lengths))
        self._learned = np.append(self._learned, self._times(self._common, self._own, self._level, before))

    def _know(self, models: Iterable[str]) -> None:
        """Models that nothing was known of begin with nothing."""
        for name in models:
            if name not in self._watches:
                self._watches[name] = self._watch_anew()
                self._models.append(name)
        more = len(self._models) - len(self._own)
        if more:
            self._own = np.vstack([self._own, np.zeros((more, WIDE))])
            self._level = np.append(self._level, np.zeros(more))

    def _drop(self, count: int) -> None:
        """Forget the oldest."""
        for key in self._keys[:count]:
            del self._at[key]
        self._keys = self._keys[count:]
        self._first += count
        cut = int(self._lengths[:count].sum())
        self._flat, self._values = self._flat[cut:], self._values[cut:]
        self._model, self._score = self._model[count:], self._score[count:]
        self._prior, self._weight = self._prior[count:], self._weight[count:]
        self._faded, self._lengths, self._learned = self._faded[count:], self._lengths[count:], self._learned[count:]

    def _watch(self, one: Outcome) -> None:
        """Look whether its model has changed, and let what was before count less."""
        residual = one.score - one.expected
        count, square = self._noise.get(one.model, (0.0, 0.0))
        self._noise[one.model] = (count + one.weight, square + one.weight * residual * residual)
        change = self._watches[one.model].see(residual)
        if change is None:
            return
        upto = self._at[one.key] - self._first + 1
        theirs = np.flatnonzero(self._model[:upto] == self._models.index(one.model))
        old = theirs[: max(0, len(theirs) - change.since)]
        self._weight[old] *= FORGOTTEN
        self._faded[old] *= FORGOTTEN
        self.drifts.append(
            Drift(model=one.model, key=one.key, before=change.before, after=change.after, outcomes=len(old))
        )


def _values(flat: Places, lengths: Places) -> Array:
    """What each place weighs: words of a question have length 1 together, its shapes theirs."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    words = flat < WORDS
    counted = np.bincount(rows, words, minlength=len(lengths))
    shaped = lengths - counted
    return np.asarray(
        np.where(
            words,
            1 / np.sqrt(np.maximum(1, counted))[rows],
            SHAPES / np.sqrt(np.maximum(1, shaped))[rows],
        )
    )


def _dot(one: Iterable[Array], two: Iterable[Array]) -> float:
    return sum(float((left * right).sum()) for left, right in zip(one, two, strict=True))
