"""Who is asking, what they may do, and how much of it."""

from __future__ import annotations

from typing import Literal

import msgspec

Measure = Literal["money", "tokens", "requests", "concurrent"]
Per = Literal["minute", "day", "month", "total", "moment"]


class Allowance(msgspec.Struct, frozen=True):
    """How much of something may be used in each window of time; money is in nano-dollars.

    `owner` is "key:ID", "team:NAME", "user:NAME" or "gateway". Windows are those of the calendar in UTC; "total" has no
    end. What is "concurrent" is counted at each moment, and nothing else is.
    """

    owner: str
    measure: Measure
    per: Per
    amount: int

    @property
    def name(self) -> str:
        """What it limits, in one word: "money/month"."""
        return f"{self.measure}/{self.per}"


class Bounds(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a caller may use; an empty tuple allows all. Names may end in or hold `*`.

    `routes` are what may be asked for by name: with them, and without `models`, no model can be named. `endpoints` are
    paths. Of `regions` a model must answer from no other. `priced`: what has no known price is refused.
    """

    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    priced: bool = False


class Principal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The owner of a key. `scopes` are "*" (everything), "inference", "admin". `id` is stable; `name` is for people.

    All of `bounds` and of `allowances` hold: those of the key, its team, its user and the gateway. A higher `priority`
    goes first where requests wait.
    """

    id: str
    name: str = ""
    scopes: tuple[str, ...] = ("inference",)
    team: str = ""
    user: str = ""
    priority: int = 0
    bounds: tuple[Bounds, ...] = ()
    allowances: tuple[Allowance, ...] = ()

    def may(self, scope: str) -> bool:
        """Whether one of the scopes allows it."""
        return "*" in self.scopes or scope in self.scopes


LOCAL = Principal(id="local", name="this machine", scopes=("*",))
"""Whoever reaches an unauthenticated gateway, which only ever listens on loopback."""
