"""Lists in pages, as OpenAI's API has them: what is asked of one, and the object that it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from meshwright.server.http import Answered, as_json, query_values
from meshwright.types.errors import InvalidRequest, NotFound

MOST = 100


class Paging(msgspec.Struct, frozen=True):
    """How many, after which id, and whether the newest come first."""

    limit: int
    after: str
    newest_first: bool


def paging(query: str, *, newest_first: bool) -> Paging:
    """What a query asks for; `newest_first` if it does not say. Raises InvalidRequest."""
    values = query_values(query)
    limit, order = values.get("limit", "20"), values.get("order", "desc" if newest_first else "asc")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= MOST):
        raise InvalidRequest(f"limit is a number from 1 to {MOST}.", field="limit")
    if order not in ("asc", "desc"):
        raise InvalidRequest("order is asc or desc.", field="order")
    return Paging(int(limit), values.get("after", ""), order == "desc")


def pairs(query: str, name: str) -> dict[str, str]:
    """The members of an object in a query: `metadata[key]=value`."""
    return {
        key[len(name) + 1 : -1]: value
        for key, value in parse_qsl(query, keep_blank_values=True)
        if key.startswith(f"{name}[") and key.endswith("]")
    }


def listing(found: Sequence[tuple[str, object]], limit: int) -> Answered:
    """A page of (id, object): one more than `limit` says that there are more."""
    shown = found[:limit]
    return as_json(
        {
            "object": "list",
            "data": [one for _, one in shown],
            "first_id": shown[0][0] if shown else None,
            "last_id": shown[-1][0] if shown else None,
            "has_more": len(found) > limit,
        }
    )


def later(found: Sequence[tuple[str, object]], after: str, whose: str) -> Sequence[tuple[str, object]]:
    """Those that come after the one of that id, all without one. Raises NotFound; `whose` says where there is none."""
    if not after:
        return found
    places = [place for place, (id, _) in enumerate(found) if id == after]
    if not places:
        raise NotFound(f'{whose} "{after[:100]}".', field="after")
    return found[places[0] + 1 :]


def fields_of(body: bytes) -> dict[str, Raw]:
    """The members of a JSON body; of none, nothing. Raises InvalidRequest."""
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body is not a JSON object: {error}.", fix="Send one JSON object.") from None
