"""The task classifier's weights: their file, and their form in memory, where one integer holds a row."""

from __future__ import annotations

import struct
import zlib

import msgspec

MIDDLE = 128
"""Weights are stored as 0..255, this being zero: lanes cannot borrow from each other."""


class Weights(msgspec.Struct, frozen=True):
    """What training leaves behind: one byte per gram and task, row by row; `scale` is what one step is worth.

    `bias` is in the same order as `tasks`. Both are already divided by the temperature that cross-validation found.
    """

    tasks: tuple[str, ...]
    scale: float
    bias: tuple[float, ...]
    grams: tuple[str, ...]
    rows: bytes


def read(data: bytes) -> Weights:
    """Weights from a file's bytes; raises msgspec.ValidationError or zlib.error when they are not weights."""
    return msgspec.msgpack.decode(zlib.decompress(data), type=Weights)


def lanes(weights: Weights) -> dict[str, int]:
    """Each gram's row as one integer: 32 bits for each task, the first lowest.

    A weight takes eight of them, so that sixteen million rows add up before a lane runs over.
    """
    wide = len(weights.tasks)
    spread = struct.Struct(f"<{wide}I")
    return {
        gram: int.from_bytes(spread.pack(*weights.rows[at * wide : (at + 1) * wide]), "little")
        for at, gram in enumerate(weights.grams)
    }
