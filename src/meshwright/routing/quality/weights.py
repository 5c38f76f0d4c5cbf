"""The file of learned weights, which is believed only after it has been looked through."""

from __future__ import annotations

import math
import zlib

import msgspec

from meshwright.routing.quality.sight import MEASURES
from meshwright.routing.quality.trees import Trees, wrong
from meshwright.types.errors import ConfigError

VERSION = 2
OLDEST = 1
"""Whose files are read still: they know of no trees and of nothing strange."""
LARGEST_FILE = 4_000_000
LARGEST_DATA = 16_000_000
MAX_COLUMNS = 256


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned of a model: its mean score over the `rows` it answered, and the columns that move it.

    `common` is how hard a question is for its pool (all models that answered the same questions), `own` what this model
    makes of it beside the others. A score varies by `noise` (variance) around what the columns say.
    """

    name: str
    level: float
    rows: int
    common: int
    own: int
    noise: float


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """Models that answered the same questions: `count` in the order of `Weights.models`, from the `first` one.

    Trees say something of each beside its own column, and both together count for `strange` of it on a question that is
    no more like any of the `kinds` columns from `kind` on than `far`, for `known` where it is like one by `near`, and
    for something between them between those; where it is strange, `doubt` is what expectations vary by besides. (A kind
    is the mean question of some tasks, of length 1.)
    """

    first: int
    count: int
    trees: Trees | None = None
    kind: int = 0
    kinds: int = 0
    far: float = 0.0
    near: float = 1.0
    strange: float = 1.0
    known: float = 1.0
    doubt: float = 0.0

    def way(self, likeness: float) -> float:
        """From 0, strange, to 1, known, of a question that is so like the likest kind."""
        reach = self.near - self.far
        return min(1.0, max(0.0, (likeness - self.far) / reach)) if reach > 0 else 0.0


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """One byte per gram and column, gram by gram; `scales` is what a step of each column is worth.

    `grams` are hashes of 32 bits in order, little-endian; `holding` is in how many of the `rows` each one was, 32 bits.
    `penalties` are those of each column's ridge; `told` says in words what it was learned from.
    """

    version: int
    told: str
    rows: int
    grams: bytes
    holding: bytes
    scales: tuple[float, ...]
    penalties: tuple[float, ...]
    steps: bytes
    models: tuple[Measured, ...]
    peers: tuple[Peers, ...] = ()


def pack(weights: Weights) -> bytes:
    """The file; the same weights give the same bytes."""
    return zlib.compress(msgspec.msgpack.encode(weights), 9)


def read(data: bytes) -> Weights:
    """Weights from a file's bytes. Raises ConfigError when they are anything else, or do not fit together."""
    fix = "Make them again with `mesh router fit`, or go back with `mesh router revert`."
    if len(data) > LARGEST_FILE:
        raise ConfigError.of(f"Router weights of {len(data):,} bytes are too large.", fix=fix)
    try:
        unpacking = zlib.decompressobj()
        plain = unpacking.decompress(data, LARGEST_DATA)
        if not unpacking.eof:
            raise ConfigError.of("Router weights are cut off, or unpack to more than they may.", fix=fix)
        weights = msgspec.msgpack.decode(plain, type=Weights)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError.of(f"These are no router weights: {error}.", fix=fix) from error
    if wrong := _wrong(weights):
        raise ConfigError.of(f"These router weights do not fit together: {wrong}.", fix=fix)
    return weights


def _wrong(weights: Weights) -> str:
    """What does not fit together, "" when all does."""
    columns = len(weights.scales)
    count = len(weights.grams) // 4
    numbers = [*weights.scales, *weights.penalties]
    for model in weights.models:
        numbers += [model.level, model.noise]
        if not (0 <= model.common < columns and 0 <= model.own < columns and model.rows > 0):
            return f"columns or rows of {model.name!r}"
    for peers in weights.peers:
        numbers += [peers.far, peers.near, peers.strange, peers.known, peers.doubt]
        if min(peers.first, peers.kind, peers.kinds) < 0 or not 0 < peers.count <= len(weights.models) - peers.first:
            return "peers"
        if peers.doubt < 0:
            return "a doubt below nothing"
        if peers.kind + peers.kinds > columns:
            return "columns of kinds"
        if peers.trees is not None and (found := wrong(peers.trees, peers.count, MEASURES)):
            return found
    if not OLDEST <= weights.version <= VERSION:
        return f"version {weights.version}, wanted is {VERSION}"
    if not 0 < columns <= MAX_COLUMNS or len(weights.penalties) != columns or weights.rows < 1:
        return f"{columns} columns, {len(weights.penalties)} penalties, {weights.rows} rows"
    if len(weights.grams) % 4 or len(weights.holding) != 4 * count or len(weights.steps) != count * columns:
        return f"{len(weights.grams)} bytes of grams, {len(weights.holding)} of counts, {len(weights.steps)} of steps"
    if not all(math.isfinite(number) for number in numbers) or min(weights.penalties) <= 0:
        return "a number that is none"
    return ""
