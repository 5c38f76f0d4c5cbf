"""The ways in which providers count the tokens of a picture. Each has the most that any picture can cost.

Sources stand in the rows of `data/media.jsonl`; the numbers on those pages are in `tests/catalog/test_media.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, sqrt

import msgspec


class Tiles(msgspec.Struct, frozen=True, tag_field="by", tag="tiles", kw_only=True):
    """OpenAI's older way: shrunk into a square, then to a shorter side, then a price for each tile of 512 pixels."""

    base: int
    tile: int
    fit: int = 2048
    short: int = 768
    side: int = 512

    def tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of a picture of that size."""
        if detail == "low":
            return self.base
        scale = min(1.0, self.fit / max(width, height))
        scale *= min(1.0, self.short / (min(width, height) * scale))
        across, down = (max(1, ceil(round(side * scale, 6) / self.side)) for side in (width, height))
        return self.base + self.tile * across * down

    @property
    def most(self) -> int:
        """Two tiles by four: the shorter side is at most 768 pixels, the longer 2,048."""
        return self.base + self.tile * ceil(self.short / self.side) * ceil(self.fit / self.side)


class Sharpness(msgspec.Struct, frozen=True):
    """How many patches a picture may have, and how long its longer side."""

    patches: int
    edge: int


class Patches(msgspec.Struct, frozen=True, tag_field="by", tag="patches", kw_only=True):
    """OpenAI's newer way: patches of 32 pixels times a factor. `auto` is what a picture without a detail is."""

    factor: float
    high: Sharpness
    original: Sharpness | None = None
    auto: str = "high"
    low: int = 512
    side: int = 32

    def tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of a picture of that size."""
        kind = self.auto if detail in ("", "auto") else detail
        if kind == "low":
            return self._count(width, height, Sharpness(self._patches(self.low, self.low), self.low))
        return self._count(width, height, self.original if kind == "original" and self.original else self.high)

    def _count(self, width: int, height: int, within: Sharpness) -> int:
        if (longer := max(width, height)) > within.edge:
            width, height = (max(1, floor(side * within.edge / longer)) for side in (width, height))
        found = self._patches(width, height)
        if found > within.patches:
            shrink = sqrt(self.side**2 * within.patches / (width * height))
            whole = (max(1.0, side * shrink / self.side) for side in (width, height))
            shrink *= min(floor(one) / one for one in whole)
            found = min(within.patches, self._patches(floor(width * shrink + 1e-6), floor(height * shrink + 1e-6)))
        return ceil(round(found * self.factor, 6))

    def _patches(self, width: int, height: int) -> int:
        return max(1, ceil(width / self.side)) * max(1, ceil(height / self.side))

    @property
    def most(self) -> int:
        """All patches that the sharpest may have."""
        return ceil((self.original or self.high).patches * self.factor)


class Grid(msgspec.Struct, frozen=True, tag_field="by", tag="grid", kw_only=True):
    """Anthropic's way: a token for each 28 pixels square, of the largest size that keeps to both bounds."""

    edge: int
    most: int
    side: int = 28

    def tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of a picture of that size."""
        if self._fits(width, height):
            return self._cells(width, height)
        longer, shorter = max(width, height), min(width, height)
        low, high = 1, longer
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits(middle, max(1, round(shorter * middle / longer))):
                low = middle
            else:
                high = middle - 1
        return self._cells(low, max(1, round(shorter * low / longer)))

    def _cells(self, width: int, height: int) -> int:
        return ceil(width / self.side) * ceil(height / self.side)

    def _fits(self, width: int, height: int) -> bool:
        padded = ceil(max(width, height) / self.side) * self.side
        return padded <= self.edge and self._cells(width, height) <= self.most


class Crops(msgspec.Struct, frozen=True, tag_field="by", tag="crops", kw_only=True):
    """Gemini's way before 3: one price for what is small, else for each crop of two thirds of the shorter side."""

    each: int
    small: int = 384
    crops: int = 9

    def tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of a picture of that size."""
        if max(width, height) <= self.small:
            return self.each
        unit = max(1, floor(min(width, height) / 1.5))
        return self.each * min(self.crops, ceil(width / unit) * ceil(height / unit))

    @property
    def most(self) -> int:
        """All crops: the page on resolutions says about 2,048 beside the first."""
        return self.each * self.crops


class Flat(msgspec.Struct, frozen=True, tag_field="by", tag="flat", kw_only=True):
    """One price, whatever the size; others by detail where it has some."""

    each: int
    details: dict[str, int] = {}

    def tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of any picture."""
        return self.details.get(detail, self.each)

    @property
    def most(self) -> int:
        """The dearest detail."""
        return max(self.each, *self.details.values(), 0)


class Rows(msgspec.Struct, frozen=True, tag_field="by", tag="rows", kw_only=True):
    """Mistral's way: a token for each patch, and one at the end of each row."""

    patch: int
    edge: int

    def tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of a picture of that size."""
        ratio = max(1.0, max(width, height) / self.edge)
        across, down = ((max(1, round(side / ratio)) - 1) // self.patch + 1 for side in (width, height))
        return (across + 1) * down

    @property
    def most(self) -> int:
        """A square of the longest side."""
        side = self.edge // self.patch
        return (side + 1) * side


class Sampled(msgspec.Struct, frozen=True, tag_field="by", tag="sampled", kw_only=True):
    """Amazon Nova's first generation: a table of sizes. What is small is enlarged; between sizes it goes by area."""

    points: tuple[tuple[int, int], ...]
    """Pixels and tokens, ascending."""
    edge: int

    def tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of a picture of that size; of one beyond the table as of its last."""
        area = width * height * max(1.0, self.edge / max(width, height)) ** 2
        return round(_between(self.points, area))

    @property
    def most(self) -> int:
        """The last of the table."""
        return self.points[-1][1]


def _between(points: Sequence[tuple[int, int]], at: float) -> float:
    before = points[0]
    if at <= before[0]:
        return before[1]
    for point in points[1:]:
        if at <= point[0]:
            return before[1] + (point[1] - before[1]) * (at - before[0]) / (point[0] - before[0])
        before = point
    return before[1]


Formula = Tiles | Patches | Grid | Crops | Flat | Rows | Sampled
