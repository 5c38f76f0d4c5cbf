"""Kinds of failures, and what each says: of the model's health, and of trying once more in the same place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from meshwright.types.errors import (
    ConnectFailed,
    Declined,
    StreamCut,
    UpstreamError,
    UpstreamProtocol,
    UpstreamStatus,
    UpstreamTimeout,
)

Kind = Literal["connect", "timeout", "server", "overloaded", "rate", "quota", "key", "missing", "cut", "broken"]


class Manners(msgspec.Struct, frozen=True):
    """What follows from a kind of failure.

    `again`: the same deployment may be asked once more. `trips`: failures in a row that open its circuit. `rest`: a
    factor on the first rest of that circuit. `crowded`: it is a sign of too many calls at once.
    """

    again: bool
    trips: int
    rest: float = 1.0
    crowded: bool = False


MANNERS: Mapping[Kind, Manners] = {
    "connect": Manners(again=True, trips=5),
    # Who was silent for a whole deadline will be silent for another.
    "timeout": Manners(again=False, trips=3, crowded=True),
    "server": Manners(again=True, trips=5),
    "overloaded": Manners(again=True, trips=5, crowded=True),
    "rate": Manners(again=True, trips=5, crowded=True),
    # An empty account or a refused key is not mended in seconds, and asking does harm.
    "quota": Manners(again=False, trips=1, rest=6.0),
    "key": Manners(again=False, trips=3, rest=6.0),
    "missing": Manners(again=False, trips=3, rest=6.0),
    "cut": Manners(again=True, trips=5),
    # What is not in its dialect now will not be in a moment, and may have been paid for.
    "broken": Manners(again=False, trips=5),
}
QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "credit_balance_too_low")


def kind_of(error: UpstreamError) -> Kind | None:
    """The kind of a failure; None when it says nothing of the deployment: the request was refused, or declined."""
    match error:
        case Declined():
            return None
        case ConnectFailed():
            return "connect"
        case UpstreamTimeout():
            return "connect" if error.phase == "connect" else "timeout"
        case UpstreamStatus():
            return _of_status(error)
        case StreamCut():
            return "cut"
        case UpstreamProtocol():
            return "broken"
    return "server" if error.retryable else None


def _of_status(error: UpstreamStatus) -> Kind | None:
    status = error.upstream_status
    if error.code in QUOTA or status == 402:
        return "quota"
    if status == 429:
        return "rate"
    if status in (401, 403):
        return "key"
    if status == 404:
        return "missing"
    if status in (503, 529):
        return "overloaded"
    return "server" if error.retryable else None
