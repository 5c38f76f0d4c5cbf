"""What a guard is: a pure function from a text to what it found there, and the facts that others need of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from meshwright.types.guard import Action, Finding, Place

ASKED: tuple[Place, ...] = ("system", "user", "assistant", "tool")
"""Whatever goes to a model."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says to a guard: the kinds to look for (none: all), phrases, and a threshold (0..1).

    `schema` is a JSON schema, and `fits` says what is wrong with a text by it, "" when nothing is; `tool` is whose
    arguments are meant, "" for the words of an answer.
    """

    kinds: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    threshold: float | None = None
    schema: bytes = b""
    fits: Callable[[str], str] | None = None
    tool: str = ""

    def wants(self, kind: str) -> bool:
        """Whether this kind is looked for."""
        return not self.kinds or kind in self.kinds


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """One guard. `look` gets a text that has been folded (see `fold`), with letters as in the original or in ASCII.

    `kinds` are what it can find, each in words. `reach` is the length of its longest pattern in characters: so much of
    a stream is held back at the most. `action`, `fail` and `places` are its defaults. `layers`: what is encoded in
    base64 or percent signs is looked into as well. `missing` says what is not installed, "" when all is there.
    """

    look: Callable[[str, Options], list[Finding]]
    summary: str
    kinds: Mapping[str, str]
    action: Action
    places: tuple[Place, ...]
    reach: int
    fail: Literal["closed", "open"] = "closed"
    layers: bool = True
    opens: tuple[str, ...] = ()
    """How patterns of many words begin: of a stream, what follows is held back until it is clear what it is."""
    phrases: bool = False
    """It looks for phrases of the configuration."""
    threshold: float | None = None
    """Its usual threshold, None when it has none."""
    missing: Callable[[], str] | None = None
    judge: Callable[[str, Options], str] | None = None
    """Says what is wrong with a whole answer, or a call's arguments; such a guard looks at no texts one by one."""


def apart(found: Iterable[Finding]) -> list[Finding]:
    """In order, and none within another: of what overlaps, the first and longest."""
    kept, end = list[Finding](), -1
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if one.start >= end:
            kept.append(one)
            end = one.end
    return kept
