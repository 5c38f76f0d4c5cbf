"""What the router is told besides the request: the route's policy, and how each model is doing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A route: a strategy over a pool, with hard constraints. `max_cost` is in nano-dollars per request.

    `pool` holds full model names, in the order of preference that the configuration gives. `regions`, `privacy` and
    `require` (abilities) are hard: what is not known does not pass, except for the abilities of a model that the caller
    named himself (`named`). `attempts` bounds the chain of fallbacks.
    """

    name: str
    strategy: str
    pool: tuple[str, ...]
    regions: tuple[str, ...] = ()
    privacy: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    max_cost: int | None = None
    floor: float = 0.0
    attempts: int = 3
    named: bool = False
    options: Mapping[str, str | int | float | bool] = {}


class Signal(msgspec.Struct, frozen=True):
    """How a model does here: live latencies in seconds (None: not seen), and why it rests ("" if it does not)."""

    first_byte: float | None = None
    total: float | None = None
    resting: str = ""


UNSEEN = Signal()
