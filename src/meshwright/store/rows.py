"""What the tables hold, as plain values: importing this loads no database toolkit."""

from __future__ import annotations

from typing import Literal

import msgspec

SpendBy = Literal[
    "model", "provider", "principal", "dialect", "asked", "route", "strategy", "served", "outcome", "day"
]  # fmt: skip


class Key(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A key without its secret: `hash` is the SHA-256 of the whole key, `prefix` its first characters, for people.

    Times are seconds since 1970. `expires` None: never. `revoked` None: it still works. `principal` is the id of the
    principal's first key when this one took its place.
    """

    id: str
    prefix: str
    hash: bytes
    name: str = ""
    scopes: tuple[str, ...] = ("inference",)
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None
    principal: str = ""

    @property
    def owner(self) -> str:
        """The principal's id."""
        return self.principal or self.id


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What one group used: `cost_nano` adds up what is known; `unpriced` counts what is not known (and is not in it).

    `name` is the value that was grouped by (for "day": days since 1970-01-01 UTC, as text). `requests` counts
    decisions, `attempts` calls. `input` and `output` are tokens.
    """

    name: str
    requests: int
    attempts: int
    cost_nano: int
    unpriced: int
    input: int
    output: int


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a journal segment was read, in bytes. `done` (seconds since 1970): all of it, for good."""

    name: str
    life: str
    offset: int
    done: float | None = None


class LearnedLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that a provider named when it refused a request, at that time; `decision` is that request's."""

    model: str
    fact: Literal["window", "max_output"]
    tokens: int
    at: float
    decision: str = ""
