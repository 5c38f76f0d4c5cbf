"""/v1/responses/{id}: a response that is kept here, in all its forms; one of a provider's is passed on.

Source: https://platform.openai.com/docs/api-reference/responses.
"""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec
from msgspec import Raw

from meshwright.server.background import OPEN, Following, cancel
from meshwright.server.counting import count
from meshwright.server.endpoint import resource
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked, Flowing, as_json, query_values
from meshwright.server.keeping import ours, prepare
from meshwright.server.paging import later, listing, paging
from meshwright.server.passing import passing_on
from meshwright.store.rows import KeptAnswer
from meshwright.types.errors import InvalidRequest, MethodNotAllowed, NotFound
from meshwright.wire import CODECS
from meshwright.wire.openai_responses.resources import is_true, listed

OPENAI = CODECS["openai_responses"]
TRUE = ("true", "1")
_PASS_ON = passing_on(counts=False)


class _Named(msgspec.Struct):
    model: str | None = None


_NAMED: msgspec.json.Decoder[_Named] = msgspec.json.Decoder(_Named)


async def answer(gate: Gate, asked: Asked) -> Answered | Flowing:
    """One of ours by its id, or whatever the provider says."""
    id, _, rest = asked.parameter.partition("/")
    if asked.method == "POST" and asked.parameter == "input_tokens":
        return await _counted(gate, asked)
    if not ours("response", id):
        return await _PASS_ON(gate, asked)
    owner, method = asked.principal.id, asked.method
    kept = await gate.shelf(lambda room: room.answer(owner, id, "response"))
    match (method, rest):
        case ("GET" | "HEAD", ""):
            return _get(gate, asked, kept)
        case ("DELETE", ""):
            await gate.shelf(lambda room: room.remove(owner, id, "response"))
            if (task := gate.background.get(id)) is not None:
                task.cancel()
            return as_json({"id": id, "object": "response", "deleted": True})
        case ("POST", "cancel"):
            return await _cancel(gate, kept)
        case ("GET" | "HEAD", "input_items"):
            return _input_items(asked, kept)
    if rest in ("", "cancel", "input_items"):
        raise MethodNotAllowed(f"A response's {rest or 'own path'} does not take {method[:20]}.")
    raise NotFound(f"A response has no {rest[:100]!r} here.", fix="It has cancel and input_items.")


async def _counted(gate: Gate, asked: Asked) -> Answered | Flowing:
    """Tokens of a request: its model's provider says it if it has Responses itself, else it is counted here."""
    snapshot = gate.kernel.snapshot
    try:
        name = _NAMED.decode(asked.body).model or ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        name = ""
    policy = snapshot.names.get(name)
    names = policy.pool if policy is not None and policy.named else (name,)
    native = any((one := snapshot.deployment(name)) is not None and one.in_any((OPENAI.name,)) for name in names)
    known = policy is not None or any(snapshot.deployment(name) is not None for name in names)
    if native or not known or asked.header("x-mesh-provider"):
        return await _PASS_ON(gate, asked)
    request = OPENAI.decode_request(asked.body)
    prepared = await prepare(gate, asked, request, OPENAI.name)
    found, headers = await count(gate, prepared[0] if prepared is not None else request)
    return Answered(200, headers, msgspec.json.encode({"object": "response.input_tokens", "input_tokens": found}))


def _get(gate: Gate, asked: Asked, kept: KeptAnswer) -> Answered | Flowing:
    values = query_values(asked.query)
    if values.get("stream", "false").lower() not in TRUE:
        return Answered(200, [JSON], kept.body)
    body = msgspec.json.decode(kept.body, type=dict[str, Raw])
    if not is_true(body.get("background")):
        raise InvalidRequest(
            "Only a response that was made in the background can be streamed again.",
            field="stream",
            fix="Leave stream out, or make it with background: true and stream: true.",
        )
    after = parse_qs(asked.query).get("starting_after", ["-1"])[-1]
    if after != "-1" and not (after.isascii() and after.isdigit() and len(after) < 10):
        raise InvalidRequest("starting_after is the number of an event.", field="starting_after")
    headers = [("content-type", OPENAI.event_stream), ("x-accel-buffering", "no")]
    return Flowing(200, headers, Following(gate, kept.owner, kept.id, int(after)))


async def _cancel(gate: Gate, kept: KeptAnswer) -> Answered:
    body = msgspec.json.decode(kept.body, type=dict[str, Raw])
    if not is_true(body.get("background")) and kept.status not in OPEN:
        raise InvalidRequest(
            "Only a response that is made in the background can be cancelled.",
            field="response_id",
            fix="Close the connection of one that is not.",
        )
    return Answered(200, [JSON], await cancel(gate, kept))


def _input_items(asked: Asked, kept: KeptAnswer) -> Answered:
    page = paging(asked.query, newest_first=True)
    items = msgspec.json.decode(kept.request, type=list[Raw])
    found = [listed(item, kept.id, place) for place, item in enumerate(items)]
    if page.newest_first:
        found.reverse()
    return listing(later(found, page.after, "The response has no input item"), page.limit)


ENDPOINTS = (
    resource(
        "/v1/responses/{path}",
        "A response that is kept: get, delete, cancel, list its input; a provider's is passed on.",
        answer,
        OPENAI,
    ),
)
