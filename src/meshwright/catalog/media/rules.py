"""What each kind of medium costs at a model, and what is assumed of one whose size nobody tells."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from math import ceil

import msgspec

from meshwright.catalog.media.formulas import Flat, Formula
from meshwright.types.decision import Medium
from meshwright.types.model import bare

PAGE = (1024, 1448)
"""Pixels that a page of paper is taken for, where a provider makes a picture of it and does not say how large."""
PAGE_WORDS = 600
"""Tokens of the words on a page of prose, for the same."""
PAGE_WORDS_MOST = 3_000
"""The most that Anthropic's page names for a page; denser ones are rare."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A row: for models of these names (patterns, without the provider), the prices in tokens, and who says so.

    `page` is a page of a PDF with its words, `page_most` the most of one; `sound` and `film` are per second. None: not
    published. `note` is what to know when reading it.
    """

    models: tuple[str, ...]
    picture: Formula
    page: int | None = None
    page_most: int | None = None
    sound: float | None = None
    film: float | None = None
    source: str = ""
    date: str = ""
    note: str = ""

    def tokens(self, medium: Medium) -> int:
        """Tokens of one such medium."""
        match medium.kind:
            case "picture":
                return self.picture.tokens(medium.width, medium.height, medium.detail)
            case "document":
                return medium.pages * (self.page or self.picture.tokens(*PAGE, "high") + PAGE_WORDS)
            case "sound":
                return ceil(medium.seconds * (self.sound or SOUND))
            case _:
                return ceil(medium.seconds * (self.film or FILM))

    def most(self, medium: Medium) -> int:
        """The most that it can be: for what is assumed, that of its kind."""
        if medium.kind == "picture":
            return self.picture.most if medium.assumed else self.tokens(medium)
        if medium.kind == "document":
            return medium.pages * max(self.page_most or self.picture.most + PAGE_WORDS_MOST, self.page or 0)
        return self.tokens(medium)


SOUND = 32.0
"""Tokens of a second of sound where nobody says it: the most that is published."""
FILM = 300.0
UNKNOWN = Rule(models=(), picture=Flat(each=1_000, details={"low": 85}), page=1_000, sound=25.0)
"""For models of which nothing is known: providers count a picture between 85 tokens and some thousands."""


@lru_cache(maxsize=1)
def rows() -> tuple[Rule, ...]:
    """Every row, in the order in which they are tried."""
    text = files("meshwright.catalog").joinpath("data", "media.jsonl").read_bytes()
    return tuple(msgspec.json.decode(line, type=Rule) for line in text.splitlines() if line)


@lru_cache(maxsize=4096)
def rule(model: str) -> Rule:
    """The row of the model of that name (upstream's or ours); that for unknown ones where there is none."""
    name = bare(model)
    return next((row for row in rows() if any(fnmatchcase(name, one) for one in row.models)), UNKNOWN)


def tokens(model: str, media: Iterable[Medium]) -> int:
    """Tokens of all of them at that model."""
    row = rule(model)
    return sum(row.tokens(one) * one.count for one in media)


def most(model: str, media: Iterable[Medium]) -> int:
    """The most that they can be."""
    row = rule(model)
    return sum(row.most(one) * one.count for one in media)
