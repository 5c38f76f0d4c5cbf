"""Which model answers and why: complete enough to explain and to replay."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.types.request import Adaptation
from meshwright.types.usage import Usage


class Interval(msgspec.Struct, frozen=True):
    """A prediction with the bounds that it should lie in nine times of ten. Units are those of what is predicted."""

    value: float
    low: float
    high: float


class Features(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the router saw of a request, in one pass. `tasks` are probabilities that add up to 1, likeliest first."""

    task: str
    sure: float
    tasks: Mapping[str, float]
    input_tokens: int
    turns: int = 1
    characters: int = 0
    code: bool = False
    needs: tuple[str, ...] = ()
    """Abilities without which the request cannot be served."""
    attachments: tuple[str, ...] = ()
    max_tokens: int | None = None
    computable: float = 0.0
    """How likely it is that the last message is a plain computation (0..1)."""


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An eligible model with its predictions: quality 0..1, cost in nano-dollars, latency in seconds.

    None is unknown. `why` says in words where the quality and the order come from.
    """

    model: str
    quality: Interval | None = None
    cost: Interval | None = None
    latency: Interval | None = None
    why: str = ""


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to do: try these models in this order until one answers."""

    models: tuple[str, ...]


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The router's choice. Pure: the same snapshot, signals and request give the same decision, byte for byte."""

    asked: str
    route: str
    strategy: str
    plan: Plan
    because: str
    features: Features | None = None
    candidates: tuple[Candidate, ...] = ()
    rejected: Mapping[str, str] = {}
    snapshot: int = 0


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One call to one model. Times are seconds since the request arrived; money is nano-dollars, None when unknown.

    `outcome` is "ok" or an error's code. A `cost` of 0 says that nothing was charged because nothing was produced.
    """

    model: str
    began: float
    outcome: str
    error: str = ""
    status: int | None = None
    first_byte: float | None = None
    ended: float | None = None
    usage: Usage | None = None
    cost: int | None = None
    unpriced: str = ""
    """Why the cost is not known, if it is not."""
    upstream_id: str = ""
    adaptations: tuple[Adaptation, ...] = ()


class Trace(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All that happened to one request; what the journal keeps and `mesh explain` shows.

    `at` is seconds since 1970; `stages` are seconds spent in each stage; `cost` is nano-dollars over all attempts.
    """

    id: str
    at: float
    principal: str
    dialect: str
    path: str = ""
    stream: bool = False
    status: int = 0
    outcome: str
    """ "ok", "cancelled" (the client left), "interrupted" (we died), or an error's code."""
    error: str = ""
    served: str = ""
    decision: Decision | None = None
    attempts: tuple[Attempt, ...] = ()
    stages: Mapping[str, float] = {}
    seconds: float = 0.0
    first_byte: float | None = None
    usage: Usage | None = None
    cost: int | None = None
