"""Gemini's paths: generateContent, its streams as events and as a list, countTokens, and models.

Source: https://ai.google.dev/api/generate-content, .../api/tokens and .../api/models. The same paths are answered below
/v1, where they are no other client's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from meshwright.kernel.arrival import Flow
from meshwright.server.asking import asking, inference
from meshwright.server.counting import count
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked, Flowing, query_values
from meshwright.server.offered import card, offered
from meshwright.types.errors import InvalidRequest, MeshError, NotFound
from meshwright.wire import CODECS
from meshwright.wire.gemini.address import as_events
from meshwright.wire.gemini.catalogue import Card, decode_count_request, encode_count, encode_list, model_object
from meshwright.wire.gemini.listed import Listed

GEMINI = CODECS["gemini"]
QUERY_KEY = "key"
PAGE: tuple[Mapping[str, Any], ...] = (
    {"name": "pageSize", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    {
        "name": "pageToken",
        "in": "query",
        "description": "From the page before.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,6}$"},
    },
)
ALT: Mapping[str, Any] = {
    "name": "alt",
    "in": "query",
    "description": "sse: server-sent events; else one JSON list that grows.",
    "schema": {"enum": ["sse", "json"]},
}
_STREAM = asking(GEMINI, stream=True)
_INSTEAD = (
    ("/files", "A file stays where it was sent. Send its bytes with the request, as inlineData."),
    ("/cachedContents", "Send the whole prompt: providers find a prefix that they know by themselves."),
    ("mbedContent", "Ask for vectors at POST /v1/embeddings, /v2/embed or /api/embed."),
    (":predict", "Ask for pictures at POST /v1/images/generations."),
)
"""What to do in place of calls that are not served, by a word of their paths."""


class _Listed:
    """A flow of events as a flow of one JSON list."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._list = Listed()

    async def next(self) -> bytes:
        """The next piece of the list."""
        while block := await self._flow.next():
            if piece := self._list.feed(block):
                return piece
        return self._list.end()

    def abort(self) -> None:
        """The client left."""
        self._flow.abort()

    def cut(self, error: MeshError) -> bytes:
        """The gateway breaks it off."""
        return self._list.feed(self._flow.cut(error)) + self._list.end()


async def streamed(gate: Gate, asked: Asked) -> Answered | Flowing:
    """A stream of events with `alt=sse`, else a list of the same objects."""
    answer = await _STREAM(gate, asked)
    if as_events(asked.query) or answer.status != 200:
        return answer
    headers = [JSON, *(one for one in answer.headers if one[0] != JSON[0])]
    if isinstance(answer, Flowing):
        return Flowing(200, headers, _Listed(answer.flow))
    whole = Listed()
    return Answered(200, headers, whole.feed(answer.body) + whole.end())


async def counted(gate: Gate, asked: Asked) -> Answered:
    """By the tokenizer of the path's model where its file is here, else an estimate by what the text is made of."""
    request = decode_count_request(asked.body)
    found, headers = await count(gate, msgspec.structs.replace(request, model=asked.parameter or request.model))
    return Answered(200, headers, encode_count(found))


async def every(gate: Gate, asked: Asked) -> Answered:
    """Routes and models, by pages if that is asked for."""
    snapshot = gate.kernel.snapshot
    names = offered(snapshot, asked.principal)
    values = query_values(asked.query)
    start, size = _whole(values, "pageToken", 0), _whole(values, "pageSize", len(names) or 1)
    if size < 1:
        raise InvalidRequest("pageSize is at least 1.", field="pageSize", fix="Leave it out.")
    more = str(start + size) if start + size < len(names) else ""
    return Answered(200, [JSON], encode_list([_card(gate, name) for name in names[start : start + size]], more))


async def one(gate: Gate, asked: Asked) -> Answered:
    """One model or route by any of its names."""
    return Answered(200, [JSON], msgspec.json.encode(model_object(_card(gate, asked.parameter))))


async def none(gate: Gate, asked: Asked) -> Answered:
    """What else the API has."""
    fix = next((fix for word, fix in _INSTEAD if word in asked.path), "Generate content, count tokens or list models.")
    raise NotFound(f"{asked.method} {asked.path[:200]} is not served here.", fix=fix)


def _whole(values: Mapping[str, str], name: str, default: int) -> int:
    value = values.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise InvalidRequest(f"{name} is a whole number.", field=name, fix="Send it as the page before gave it.")
    return int(value)


def _card(gate: Gate, name: str) -> Card:
    known = card(gate.kernel.snapshot, name)
    if known is None:
        return Card(name=name)
    return Card(name=name, window=known.window, max_output=known.max_output, thinks=known.can("reasoning"))


def _endpoint(
    method: str, path: str, summary: str, answer: Callable[[Gate, Asked], Awaitable[Answered | Flowing]], **more: Any
) -> Endpoint:
    fields = {"scope": "inference", "dialect": GEMINI, "query_key": QUERY_KEY, **more}
    return Endpoint(method=method, path=path, summary=summary, answer=answer, **fields)


def _paths(root: str) -> tuple[Endpoint, ...]:
    whole = inference(
        f"{root}/models/{{model}}:generateContent", GEMINI, "Answer, as Gemini's clients ask.", query_key=QUERY_KEY
    )
    return (
        whole,
        _endpoint(
            "POST",
            f"{root}/models/{{model}}:streamGenerateContent",
            "The same as a stream: events with `alt=sse`, else a list.",
            streamed,
            slow=True,
            request="gemini",
            parameters=(*whole.parameters, ALT),
        ),
        _endpoint(
            "POST",
            f"{root}/models/{{model}}:countTokens",
            "Count or estimate the input tokens of a request.",
            counted,
            request="gemini_count",
        ),
    )


ENDPOINTS = (
    *_paths("/v1beta"),
    _endpoint("GET", "/v1beta/models", "Models and routes, as Gemini's clients list them.", every, parameters=PAGE),
    _endpoint("GET", "/v1beta/models/{model}", "One model or route.", one),
    *_paths("/v1"),
    _endpoint("ANY", "/v1beta/{path}", "What else Gemini's API has: refused in its words.", none, answers="Forwarded"),
)
