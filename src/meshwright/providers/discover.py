"""Looking for local engines on their usual ports: a short GET /v1/models to each, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from meshwright.net.transport import Call, Deadlines, Endpoint, Transport
from meshwright.types.errors import UpstreamError
from meshwright.types.model import Provider

MAX_LIST = 4 * 1024 * 1024


class Found(msgspec.Struct, frozen=True):
    """An engine that answered, with the names of its models."""

    provider: str
    base_url: str
    models: tuple[str, ...]


class _Entry(msgspec.Struct):
    id: str


class _Listing(msgspec.Struct):
    data: list[_Entry]


async def discover(rows: Sequence[Provider], transport: Transport, host: str, seconds: float) -> tuple[Found, ...]:
    """The engines that answer on `host` within `seconds`. One that answers something else is not an engine."""
    asked = [row for row in rows if row.local and row.port]
    answers = await asyncio.gather(*(_models(row, transport, host, seconds) for row in asked))
    return tuple(found for found in answers if found is not None)


async def _models(row: Provider, transport: Transport, host: str, seconds: float) -> Found | None:
    base_url = f"http://{host}:{row.port}/v1"
    endpoint = Endpoint(url=f"{base_url}/models", method="GET", headers=(("accept", "application/json"),))
    try:
        answer = await transport.send(Call(endpoint, deadlines=Deadlines(seconds, seconds, seconds, seconds)))
        body = await answer.read(MAX_LIST)
        listing = msgspec.json.decode(body, type=_Listing) if answer.status == 200 else None
    except (UpstreamError, msgspec.DecodeError):
        return None
    if listing is None:
        return None
    return Found(row.name, base_url, tuple(entry.id for entry in listing.data if 0 < len(entry.id) <= 200))
