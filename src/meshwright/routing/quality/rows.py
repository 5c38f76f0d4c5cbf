"""Outcome rows: what was asked, and how well each model answered. Where learning starts."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from meshwright.types.errors import ConfigError

LONGEST_LINE = 4_000_000
MAX_MODELS = 200


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


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of a JSONL file, gzip or plain. Raises ConfigError that names the line and what is wrong with it."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            at = 0
            while line := lines.readline(LONGEST_LINE + 1):
                at += 1
                if line.strip():
                    yield _row(line, f"{file}, line {at}")
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError.of(f"{file} cannot be read: {error}.", fix="Give a JSONL file, or one in gzip.") from error


def _row(line: bytes, place: str) -> Row:
    if len(line) > LONGEST_LINE:
        raise ConfigError.of(f"{place} is longer than {LONGEST_LINE:,} bytes.", fix="Leave such a prompt out.")
    try:
        return msgspec.json.decode(line, type=Row)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError.of(
            f"{place}: {error}.", fix='A row is {"prompt": "...", "scores": {"MODEL": 0..1}}.'
        ) from error
