"""What was learned here, from answers that were given here: it moves what is expected, and is replaced as a whole.

The weights of a place, one for each model, are 16-bit lanes of one integer, so that a question's are added up without
numpy, and nothing has to be built when a new version comes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from math import sqrt
from struct import Struct

import msgspec

from meshwright.routing.quality.sight import in_reach, sight
from meshwright.routing.quality.sketch import WIDE, places, sketch, worth
from meshwright.types.decision import Gain
from meshwright.types.errors import ConfigError

MIDDLE = 128
"""A weight is stored as 0..255, this being zero."""
MOST_MODELS = 64
LARGEST = 8_000_000
REMEMBERED = 4
"""Versions whose sums are kept."""
LEVEL_PRIOR, COMMON_PRIOR, OWN_PRIOR = 5.0, 10.0, 30.0
"""Penalties: of a level, of what places mean for all models, and for one. What is common differs more."""
UNLIKE, LIKE = 20.0, 50.0
"""For the spread: what an unlike question starts with, and how many outcomes make one on a like question."""


class Gained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was learned of a model: how far off its level is, from so many outcomes; what a step of its weights means.

    `noise` is the variance of outcomes around what is expected; `drifted` tells in words that it has changed;
    `trouble` is how much of the level is for what can be seen of its answers.
    """

    name: str
    level: float
    outcomes: float
    noise: float
    scale: float
    drifted: str = ""
    trouble: float = 0.0


class Gains(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `steps` holds a lane of 16 bits for each model, place by place; `salt` is this installation's."""

    version: int
    salt: int
    models: tuple[Gained, ...] = ()
    steps: bytes = b""
    left: Mapping[str, int] = {}
    """What is left today of each route's budget for trying models, in nano-dollars."""

    def look(self, question: str) -> tuple[bytes, Mapping[str, Gain]]:
        """What is to be kept of a question, and for each model how far it is from what was expected before."""
        kept = sketch(sight(in_reach(question)), self.salt)
        return kept, self.gain(kept) if self.models else {}

    def gain(self, kept: bytes) -> Mapping[str, Gain]:
        """The same from a sketch."""
        same, steps, read = _same(self.models), self.steps, int.from_bytes
        moved, wide = same.levels, same.lanes.size
        for part, shapes in zip(places(kept), (False, True), strict=True):
            if not part:
                continue
            total = sum([read(steps[at * wide : at * wide + wide], "little") for at in part])
            zero, each = MIDDLE * len(part), worth(len(part), shapes=shapes)
            sums = same.lanes.unpack(total.to_bytes(wide, "little"))
            moved = [
                value + (lane - zero) * scale * each
                for value, lane, scale in zip(moved, sums, same.scales, strict=True)
            ]
        return {
            name: Gain(round(value, 4), spread, outcomes, drifted, trouble)
            for (name, spread, outcomes, drifted, trouble), value in zip(same.told, moved, strict=True)
        }


class Same(msgspec.Struct, frozen=True):
    """What a version says of its models whatever the question: in its order, and as a `Gain` is made of it."""

    lanes: Struct
    levels: list[float]
    scales: list[float]
    told: list[tuple[str, float, int, str, float]]


_known: dict[int, tuple[tuple[Gained, ...], Same]] = {}


def _same(models: tuple[Gained, ...]) -> Same:
    """Remembered as long as it is the same object."""
    found = _known.get(id(models))
    if found is not None:
        return found[1]
    if len(_known) >= REMEMBERED:
        _known.clear()
    made = Same(
        Struct(f"<{len(models)}H"),
        [one.level for one in models],
        [one.scale for one in models],
        [(one.name, round(_spread(one), 4), round(one.outcomes), one.drifted, one.trouble) for one in models],
    )
    _known[id(models)] = models, made
    return made


def _spread(model: Gained) -> float:
    """The standard deviation of what was learned, by how much there was to learn from."""
    known = 1 / (LEVEL_PRIOR + model.outcomes) + 1.25 / (UNLIKE + model.outcomes / LIKE)
    return sqrt(model.noise * known)


def pack(gains: Gains) -> bytes:
    """The file."""
    return msgspec.msgpack.encode(gains)


def read(data: bytes) -> Gains:
    """From a file's bytes, which are looked through. Raises ConfigError."""
    fix = "Delete it: the gateway makes it again from the feedback that it keeps."
    if len(data) > LARGEST:
        raise ConfigError.of(f"What was learned here is {len(data):,} bytes, which is too much.", fix=fix)
    try:
        gains = msgspec.msgpack.decode(data, type=Gains)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError.of(f"This is not what was learned here: {error}.", fix=fix) from error
    numbers = [
        number for one in gains.models for number in (one.level, one.outcomes, one.noise, one.scale, one.trouble)
    ]
    lanes = memoryview(gains.steps).cast("B")[1::2]  # the upper byte of each lane, on any machine's order of bytes
    if (
        not all(map(math.isfinite, numbers))
        or any(one.outcomes < 0 or one.noise < 0 for one in gains.models)
        or len(gains.models) > MOST_MODELS
        or len(gains.steps) != (2 * WIDE * len(gains.models))
        or any(lanes)
    ):
        raise ConfigError.of("What was learned here does not fit together.", fix=fix)
    return gains
