"""What comes to the kernel and what it gives back."""

from __future__ import annotations

from typing import Protocol

import msgspec

from meshwright.types.errors import MeshError
from meshwright.types.principal import Principal
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import Response
from meshwright.wire.dialect import Dialect


class Arrival(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A decoded request with its owner. `route` overrides the request's model name when it is not empty.

    `strict`: an Adaptation is an error. `forward` are headers of the client's that its own dialect's providers
    understand (beta flags and the like); they go to a provider of the same dialect only. `repair`: an answer without
    the form that was asked for is repaired; None leaves it to the route. `answer_id` is what a translated answer is
    called in place of the provider's own id for it, "" to leave that.
    """

    request: Request
    dialect: Dialect
    principal: Principal
    path: str
    route: str = ""
    strict: bool = False
    repair: bool | None = None
    forward: tuple[tuple[str, str], ...] = ()
    decode_seconds: float = 0.0
    answer_id: str = ""
    cache: str = ""
    """What the caller says of the cache: "no-store" (leave it alone), "refresh" (ask anew, and keep that)."""
    seconds: float | None = None
    """How long its caller will wait for all of it, if he says so."""


class Receipt(msgspec.Struct, frozen=True):
    """What the answer's headers tell: the decision's id, the model that served, and what was adapted on the way.

    `limits` are headers about the provider's limits, see `wire.rate_limits`.
    `valid`: whether it has the form that was asked for, None when none was, when that is not known yet or never.
    """

    decision: str
    model: str
    adaptations: tuple[Adaptation, ...] = ()
    limits: tuple[tuple[str, str], ...] = ()
    valid: bool | None = None
    cache: str = ""
    """"hit" or "miss" where the route has a cache; `age` is then the seconds since the answer was made."""
    age: int | None = None


class Flow(Protocol):
    """An answer on its way, already in the client's dialect."""

    async def next(self) -> bytes:
        """The next bytes for the client, b"" when it is over. A break becomes an in-band error; it is never hidden."""
        ...

    def abort(self) -> None:
        """The client left: stop the provider, and settle what was used."""
        ...

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off: the same, and the in-band error for the client; b"" when all of it was sent."""
        ...


class Whole(msgspec.Struct, frozen=True, eq=False):
    """A complete answer, and its bytes in the client's dialect: a body, or all events of the stream asked for."""

    response: Response
    body: bytes
    receipt: Receipt


class Streaming(msgspec.Struct, frozen=True, eq=False):
    """An answer that has begun: its first bytes are there."""

    flow: Flow
    receipt: Receipt


class Failure(msgspec.Struct, frozen=True, eq=False):
    """No answer. The decision's id explains it."""

    error: MeshError
    decision: str


Reply = Whole | Streaming | Failure
