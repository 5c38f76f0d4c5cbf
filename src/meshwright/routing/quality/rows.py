"""Outcome rows: what was asked, and how well each model answered. Where learning starts."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from meshwright.types.errors import ConfigError
from meshwright.types.model import bare

LONGEST_LINE = 4_000_000
MAX_MODELS = 200
FEWEST = 30
"""Rows under which nothing is learned but each model's level."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt with a score (0..1) for each model that answered it. `cost` is USD per model, where it is known."""

    prompt: str
    scores: dict[str, float]
    id: str = ""
    source: str = ""
    task: str = ""
    part: str = ""
    cost: dict[str, float] | None = None

    def __post_init__(self) -> None:
        wrong = next((f"{model}: {score}" for model, score in self.scores.items() if not 0 <= score <= 1), "")
        if wrong:
            raise ValueError(f"the score of {wrong} is not between 0 and 1")
        if not 0 < len(self.scores) <= MAX_MODELS:
            raise ValueError(f"{len(self.scores)} scores, where 1 to {MAX_MODELS} can be")
        if not all(map(bare, self.scores)):
            raise ValueError("a model without a name")

    def by_model(self) -> dict[str, float]:
        """The scores by the names that models are recognised by; that of one with several providers is their mean."""
        found: dict[str, list[float]] = {}
        for name, score in self.scores.items():
            found.setdefault(bare(name), []).append(score)
        return {name: sum(scores) / len(scores) for name, scores in found.items()}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row as people write it: `id` may be a number, and a score null where a model was not asked."""

    prompt: str
    scores: dict[str, float | None]
    id: str | int = ""
    source: str = ""
    task: str = ""
    part: str = ""
    cost: dict[str, float | None] | None = None

    def __post_init__(self) -> None:
        self.row()

    def row(self) -> Row:
        """What there is of it. Raises ValueError."""
        cost = None if self.cost is None else {name: paid for name, paid in self.cost.items() if paid is not None}
        if wrong := next((f"{name}: {paid}" for name, paid in (cost or {}).items() if not 0 <= paid < 1e9), ""):
            raise ValueError(f"the cost of {wrong} is no amount of dollars")
        return Row(
            prompt=self.prompt,
            scores={name: score for name, score in self.scores.items() if score is not None},
            id=str(self.id),
            source=self.source,
            task=self.task,
            part=self.part,
            cost=cost,
        )


def as_row(row: Row | Mapping[str, object]) -> Row:
    """A row, from a mapping where it is one. Raises ConfigError."""
    if isinstance(row, Row):
        return row
    try:
        return msgspec.convert(row, Line).row()
    except msgspec.ValidationError as error:
        raise ConfigError.of(f"A row is wrong: {error}.", fix="A row has `prompt` and `scores`.") from error


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of a JSONL file, gzip or plain. Raises ConfigError that names the line and what is wrong with it."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            at = 0
            while line := lines.readline(LONGEST_LINE + 1):
                at += 1
                if at == 1:
                    line = line.removeprefix(BYTE_ORDER_MARK)  # some editors begin a file with it
                if line.strip():
                    yield _row(line, f"{file}, line {at}")
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError.of(f"{file} cannot be read: {error}.", fix="Give a JSONL file, or one in gzip.") from error


def _row(line: bytes, place: str) -> Row:
    if len(line) > LONGEST_LINE:
        raise ConfigError.of(f"{place} is longer than {LONGEST_LINE:,} bytes.", fix="Leave such a prompt out.")
    try:
        return msgspec.json.decode(line, type=Line).row()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fix = 'A row is {"prompt": "...", "scores": {"MODEL": 0..1}}'
        fix += "; where there is no score leave it out or say null: NaN is no JSON." if b"NaN" in line else "."
        raise ConfigError.of(f"{place}: {error}.", fix=fix) from error
