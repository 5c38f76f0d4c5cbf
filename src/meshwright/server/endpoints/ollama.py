"""Ollama's paths: chat, generate, embeddings, and what its clients ask about models.

Source: https://docs.ollama.com/api. A gateway has no files of models: what is served is there, and what is not
cannot be pulled, made or copied here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from meshwright import __version__
from meshwright.server.asking import inference
from meshwright.server.embedding import vectors
from meshwright.server.endpoint import ANY, Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked, Flowing
from meshwright.server.offered import card, offered
from meshwright.types.errors import NotFound, UnknownModel
from meshwright.types.model import Model
from meshwright.wire import CODECS
from meshwright.wire.ollama import ONE_PROMPT
from meshwright.wire.ollama.embed import (
    Embedded,
    EmbedRequest,
    decode_embed_request,
    decode_older_embed_request,
    encode_embedded,
    encode_older_embedded,
)
from meshwright.wire.ollama.models import (
    Listed,
    decode_pull_request,
    decode_show_request,
    encode_pulled,
    encode_show,
    encode_tags,
    encode_version,
)

OLLAMA = CODECS["ollama"]
CAPABILITIES = (("tools", "tools"), ("vision", "vision"), ("reasoning", "thinking"))
"""Abilities of a card, and the words that Ollama's clients know for them."""


async def tags(gate: Gate, asked: Asked) -> Answered:
    """Routes and models by their full name."""
    return Answered(
        200, [JSON], encode_tags(Listed(name=name) for name in offered(gate.kernel.snapshot, asked.principal))
    )


async def running(gate: Gate, asked: Asked) -> Answered:
    """No model is in this gateway's own memory."""
    return Answered(200, [JSON], encode_tags(()))


async def version(gate: Gate, asked: Asked) -> Answered:
    """The gateway's version."""
    return Answered(200, [JSON], encode_version(__version__))


async def show(gate: Gate, asked: Asked) -> Answered:
    """What is known of one model or route."""
    name = decode_show_request(asked.body)
    known = card(gate.kernel.snapshot, name)
    window = known.window if known is not None else None
    return Answered(200, [JSON], encode_show(Listed(name=name), _capabilities(known), window))


def _capabilities(known: Model | None) -> list[str]:
    can = known.abilities if known is not None else {}
    return ["completion", *(word for ability, word in CAPABILITIES if can.get(ability))]


async def pull(gate: Gate, asked: Asked) -> Answered:
    """A model that is served is there already; no other can be fetched."""
    name, stream = decode_pull_request(asked.body)
    try:
        card(gate.kernel.snapshot, name)
    except UnknownModel:
        raise UnknownModel(
            f'"{name[:200]}" is not served here, and a gateway cannot fetch models.',
            field="model",
            fix="Pull it at an Ollama that this gateway finds, or name one of GET /api/tags.",
        ) from None
    kind = ("content-type", OLLAMA.event_stream) if stream else JSON
    return Answered(200, [kind], encode_pulled(stream))


async def embed(gate: Gate, asked: Asked) -> Answered:
    """Vectors for texts, from whoever serves the model."""
    return await _embedded(gate, asked, decode_embed_request(asked.body), encode_embedded)


async def embed_one(gate: Gate, asked: Asked) -> Answered:
    """The vector of one text, in the older form."""
    return await _embedded(gate, asked, decode_older_embed_request(asked.body), encode_older_embedded)


async def _embedded(gate: Gate, asked: Asked, request: EmbedRequest, encode: Callable[[Embedded], bytes]) -> Answered:
    """Ask as OpenAI's clients do: whoever has embeddings has them in this form."""
    lost = [one.kind for one in request.extra] + (["truncate"] if request.truncate is not None else [])
    got = await vectors(
        gate, asked, OLLAMA, model=request.model, texts=request.texts, dimensions=request.dimensions, lost=lost
    )
    if isinstance(got, Answered):
        return got
    made = Embedded(model=request.model, vectors=got.vectors, tokens=got.tokens)
    return Answered(200, got.headers, encode(made))


async def none(gate: Gate, asked: Asked) -> Answered:
    """What else the API has."""
    raise NotFound(
        f"{asked.method} {asked.path[:200]} is not served here: a gateway has no files of models.",
        fix="Make, copy and delete models at the Ollama that has them.",
    )


def _endpoint(
    method: str, path: str, summary: str, answer: Callable[[Gate, Asked], Awaitable[Answered | Flowing]], **more: Any
) -> Endpoint:
    fields = {"scope": "inference", "dialect": OLLAMA, **more}
    return Endpoint(method=method, path=path, summary=summary, answer=answer, **fields)


ENDPOINTS = (
    inference("/api/chat", OLLAMA, "Answer a chat, as Ollama's clients ask."),
    inference("/api/generate", ONE_PROMPT, "Answer one prompt, as Ollama's clients ask."),
    _endpoint("POST", "/api/embed", "Vectors for texts.", embed, slow=True, request="ollama_embed"),
    _endpoint(
        "POST",
        "/api/embeddings",
        "The vector of one text, Ollama's older form.",
        embed_one,
        slow=True,
        request="ollama_embedding",
    ),
    _endpoint("GET", "/api/tags", "Models and routes, as Ollama's clients list them.", tags),
    _endpoint("GET", "/api/ps", "Models in this gateway's memory: none.", running),
    _endpoint("POST", "/api/show", "What is known of one model or route.", show, request="ollama_named"),
    _endpoint("POST", "/api/pull", "A model that is served is there already.", pull, request="ollama_named"),
    _endpoint("GET", "/api/version", "The gateway's version.", version, scope=""),
    _endpoint(ANY, "/api/{path}", "What else Ollama's API has: refused in its words.", none, answers="Forwarded"),
)
