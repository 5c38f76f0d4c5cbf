"""Looking for local engines on their usual ports: a short GET /v1/models to each, all at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

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
    owned_by: str = ""


class _Listing(msgspec.Struct):
    data: list[_Entry]


async def discover(rows: Sequence[Provider], transport: Transport, host: str, seconds: float) -> tuple[Found, ...]:
    """The engines that answer on `host` within `seconds`. One that answers something else is not an engine.

    Several engines have the same usual port. Each port is asked once, and what answers is taken for the row that it
    names as the owner of its models ("vllm", "llamacpp", "sglang", "tensorrt_llm" do so), else for the first.
    """
    asked: dict[tuple[int, str], list[Provider]] = {}
    for row in rows:
        if row.local and row.port:
            asked.setdefault((row.port, urlsplit(_lists_at(row)).path), []).append(row)
    answers = await asyncio.gather(*(_models(door, asked[door], transport, host, seconds) for door in asked))
    return tuple(found for found in answers if found is not None)


async def _models(
    door: tuple[int, str], rows: Sequence[Provider], transport: Transport, host: str, seconds: float
) -> Found | None:
    at = f"http://{host}:{door[0]}"
    endpoint = Endpoint(url=f"{at}{door[1]}/models", method="GET", headers=(("accept", "application/json"),))
    try:
        answer = await transport.send(Call(endpoint, deadlines=Deadlines(seconds, seconds, seconds, seconds)))
        body = await answer.read(MAX_LIST)
        listing = msgspec.json.decode(body, type=_Listing) if answer.status == 200 else None
    except (UpstreamError, msgspec.DecodeError):
        return None
    if listing is None:
        return None
    owners = {_letters(entry.owned_by) for entry in listing.data}
    row = next((row for row in rows if _letters(row.name) in owners), rows[0])
    base_url = at + urlsplit(row.base_url).path
    return Found(row.name, base_url, tuple(entry.id for entry in listing.data if 0 < len(entry.id) <= 200))


def _lists_at(row: Provider) -> str:
    """Where the engine has the list of models that OpenAI's clients know: all of them have it somewhere."""
    return next((layer.base_url for layer in row.also if layer.dialect == "openai_chat"), row.base_url)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
