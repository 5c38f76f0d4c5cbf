"""What clients may say about adaptations, and how they are told of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from meshwright.server.http import Headers
from meshwright.types.errors import InvalidRequest
from meshwright.types.money import nano
from meshwright.types.request import Adaptation, Request

DOLLARS = "^([1-9][0-9]{0,5}([.][0-9]{1,9})?|0[.][0-9]{0,8}[1-9][0-9]{0,8})$"
"""Above nothing, below a million."""

STRICT: Mapping[str, Any] = {
    "name": "x-mesh-strict",
    "in": "header",
    "description": "true: what the model cannot be asked as it is, is an error instead of an adaptation.",
    "schema": {"enum": ["true", "false"]},
}
REPAIR: Mapping[str, Any] = {
    "name": "x-mesh-repair",
    "in": "header",
    "description": "true: an answer without the form that was asked for is mended, or the model is asked once more.",
    "schema": {"enum": ["true", "false"]},
}
CACHE: Mapping[str, Any] = {
    "name": "x-mesh-cache",
    "in": "header",
    "description": "Where the route has a cache. no-store: leave it alone; refresh: ask anew, and keep that answer.",
    "schema": {"enum": ["no-store", "refresh"]},
}
TIMEOUT: Mapping[str, Any] = {
    "name": "x-mesh-timeout",
    "in": "header",
    "description": "Seconds after which the caller no longer waits, whatever is still being tried.",
    "schema": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000},
}
MAX_COST: Mapping[str, Any] = {
    "name": "x-mesh-max-cost",
    "in": "header",
    "description": "Dollars that the answer may cost at the very most. So may the member `max_cost` of the body.",
    "schema": {"type": "string", "pattern": DOLLARS},
}
_WORDS = {"true": True, "1": True, "false": False, "0": False}


class Wishes(msgspec.Struct, frozen=True):
    """What a caller says of one request in headers of ours; fields as those of Arrival, `cost` as it was written."""

    route: str = ""
    strict: bool = False
    repair: bool | None = None
    seconds: float | None = None
    cost: str | None = None


NO_WISHES = Wishes()


def wishes(header: Callable[[str], str | None]) -> Wishes:
    """All of them. Raises InvalidRequest."""
    return Wishes(
        route=header("x-mesh-route") or "",
        strict=strict(header("x-mesh-strict")),
        repair=repair(header("x-mesh-repair")),
        seconds=seconds(header("x-mesh-timeout")),
        cost=header("x-mesh-max-cost"),
    )


def strict(value: str | None) -> bool:
    """Whether every adaptation is an error. Raises InvalidRequest."""
    return _said("x-mesh-strict", value) or False


def repair(value: str | None) -> bool | None:
    """Whether an answer without its form is repaired, None when that is left to the route. Raises InvalidRequest."""
    return _said("x-mesh-repair", value)


def cache(header: Callable[[str], str | None]) -> str:
    """What a caller says of the cache: "no-store", "refresh" or "". Raises InvalidRequest."""
    asked = (header("x-mesh-cache") or "").lower()
    if asked in ("no-store", "refresh"):
        return asked
    if asked:
        raise InvalidRequest(
            f"x-mesh-cache is no-store or refresh, not {asked[:40]!r}.", field="x-mesh-cache", fix="Leave it out."
        )
    said = (header("cache-control") or "").lower()
    return "no-store" if "no-store" in said else "refresh" if "no-cache" in said else ""


def seconds(value: str | None) -> float | None:
    """How long the caller waits for all of it, None when he does not say. Raises InvalidRequest."""
    if not value:
        return None
    try:
        found = float(value)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e6:
        raise InvalidRequest(
            f"x-mesh-timeout is a number of seconds above 0, not {value[:40]!r}.",
            field="x-mesh-timeout",
            fix="Send 30, or leave it out.",
        )
    return found


def max_cost(said: str | None) -> int | None:
    """The nano-dollars of the header x-mesh-max-cost, None without one. Raises InvalidRequest."""
    if said is None:
        return None
    if re.fullmatch(DOLLARS, said) is None:
        raise InvalidRequest(
            f"max_cost is an amount of dollars, not {said[:40]!r}.", field="max_cost", fix="Write 0.05, for example."
        )
    return nano(said)


def bounded(request: Request, said: str | None) -> Request:
    """The request with the `max_cost` of the header `said` or of a member of its body. Raises InvalidRequest."""
    inside = next((one for one in request.extra if one.kind == "max_cost"), None)
    if said is None and inside is None:
        return request
    told = said if said is not None else bytes(inside.raw).decode("utf-8", "replace").strip('"') if inside else ""
    amount = max_cost(told)
    if inside is None:
        return msgspec.structs.replace(request, max_cost=amount)
    # No provider is told: so it goes out as what it means, not as the client's bytes.
    rest = tuple(one for one in request.extra if one.kind != "max_cost")
    return msgspec.structs.replace(request, max_cost=amount, extra=rest, source=None)


def _said(header: str, value: str | None) -> bool | None:
    if not value:
        return None
    if (word := value.lower()) not in _WORDS:
        raise InvalidRequest(f"{header} is true or false, not {value[:40]!r}.", field=header, fix="Send true.")
    return _WORDS[word]


@lru_cache(maxsize=4096)
def plain(model: str) -> str:
    """A model's name as a header's value."""
    return quote(model, safe="/:@ .,+-_")


def adapted(adaptations: Sequence[Adaptation]) -> Headers:
    """The header that names what was adapted; none when nothing was."""
    if not adaptations:
        return []
    told = "; ".join(f"{one.field} {one.action}" for one in adaptations)
    return [("x-mesh-adapted", quote(told[:2000], safe=" ;:,./_-[]()"))]
