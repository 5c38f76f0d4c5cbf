"""Other ways that clients write the same paths: Azure's and Vertex AI's, or with `/v1` left out or given twice.

Looked at only when a path is unknown. Azure's paths name the model; where the body does not, it is written there.
(https://learn.microsoft.com/azure/ai-foundry/openai/reference, https://cloud.google.com/vertex-ai/docs/reference/rest)
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import parse_qsl, urlencode

import msgspec

from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing

AZURE = "/openai/deployments/"
AZURE_V1 = "/openai/v1/"
VERSION = "/v1/"
VERTEX = re.compile(r"/v1(?:beta1)?/(?:projects/[^/]+/locations/[^/]+/)?publishers/([^/]+)/models/(.+)")
MOST_SLASHES = 8
Answer = Callable[[Gate, Asked], Awaitable[Answered | Flowing]]


def others(path: str) -> Iterator[tuple[str, str]]:
    """Paths by which the same may be served, each with the model that this one names."""
    if path.startswith(AZURE):
        words = path.removeprefix(AZURE).split("/", MOST_SLASHES)
        for at in range(1, len(words)):  # names of models have slashes too
            yield VERSION + "/".join(words[at:]), "/".join(words[:at])
    elif found := VERTEX.fullmatch(path):
        publisher, rest = found.groups()  # its client takes what is before a slash for a publisher
        yield "/v1beta/models/" + (rest if publisher == "google" else f"{publisher}/{rest}"), ""
    elif path.startswith(AZURE_V1):
        yield VERSION + path.removeprefix(AZURE_V1), ""
    elif path.startswith(VERSION):
        rest = path.removeprefix("/v1")
        if rest.startswith((VERSION, "/v1beta/", "/v2/", "/api/")):
            yield rest, ""
    else:
        yield "/v1" + path, ""


def without_api_version(query: str) -> str:
    """The query without what only Azure knows."""
    if "api-version=" not in query:
        return query
    return urlencode([one for one in parse_qsl(query, keep_blank_values=True) if one[0] != "api-version"])


def naming(endpoint: Endpoint, model: str) -> Endpoint:
    """The endpoint for a path that names the model."""
    answer = endpoint.answer

    async def answered(gate: Gate, asked: Asked) -> Answered | Flowing:
        return await answer(gate, msgspec.structs.replace(asked, body=named(asked.body, model)))

    return msgspec.structs.replace(endpoint, answer=answered)


def named(body: bytes, model: str) -> bytes:
    """A JSON object with that model, unless it names one. What is no JSON object is left for its endpoint to refuse."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if "model" in members:
        return body
    return msgspec.json.encode({"model": model, **members})
