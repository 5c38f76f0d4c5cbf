"""POST /v2/embed, as Cohere's clients ask: in their own words where the provider has them, else in OpenAI's form.

Source: https://docs.cohere.com/reference/embed. Texts as numbers are what every provider of embeddings has; pictures
and other kinds of numbers are Cohere's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.kernel.questions.question import Put, Question, Told, ask, named
from meshwright.kernel.snapshot import Deployment
from meshwright.server.adapting import MAX_COST, STRICT, max_cost, strict
from meshwright.server.embedding import vectors
from meshwright.server.endpoint import Endpoint
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, Flowing
from meshwright.server.passing import handed_back
from meshwright.types.errors import InvalidRequest
from meshwright.types.usage import Usage
from meshwright.wire import CODECS
from meshwright.wire.cohere.embed import (
    PATH,
    Embedded,
    EmbedRequest,
    decode_embed_request,
    decode_embedded,
    encode_embed_request,
    encode_embedded,
)

COHERE = CODECS["cohere"]


async def answer(gate: Gate, asked: Asked) -> Answered | Flowing:
    """Vectors for texts, from whoever serves the model."""
    request = decode_embed_request(asked.body)
    if named(gate.kernel.snapshot, request.model).in_any({COHERE.name}) is not None:
        question = Question(
            principal=asked.principal,
            kind="embeddings",
            path=f"POST {asked.path}",
            model=request.model,
            strict=strict(asked.header("x-mesh-strict")),
            max_cost=max_cost(asked.header("x-mesh-max-cost")),
            put=lambda deployment: _put(deployment, request),
        )
        return handed_back(await ask(gate.kernel, question), ENDPOINT)
    lost = [one.kind for one in request.extra] + (["max_tokens"] if request.max_tokens else [])
    lost += ["truncate"] if request.truncate not in ("", "NONE") else []
    got = await vectors(
        gate,
        asked,
        COHERE,
        model=request.model,
        texts=_texts(request),
        dimensions=request.dimensions,
        lost=["input_type", *lost],
    )
    if isinstance(got, Answered):
        return got
    made = Embedded(
        id=got.decision,
        vectors={"float": Raw(msgspec.json.encode(got.vectors))},
        texts=request.texts,
        usage=None if got.tokens is None else Usage(input=got.tokens),
    )
    return Answered(200, got.headers, encode_embedded(made))


def _put(deployment: Deployment, request: EmbedRequest) -> Put[bytes]:
    """The question as it came, but for the model's name."""

    def read(data: bytes, _at: int) -> Told[bytes]:
        return Told(data, decode_embedded(data).usage)

    def join(parts: Sequence[bytes]) -> bytes:
        return parts[0]

    return Put(PATH, [encode_embed_request(request, deployment.target.model)], read, join)


def _texts(request: EmbedRequest) -> tuple[str, ...]:
    """The texts. Raises InvalidRequest for what only Cohere's own models take or give."""
    if request.images or request.inputs:
        raise InvalidRequest(
            f"{request.model} reads texts: pictures are embedded by Cohere's own models.",
            field="images" if request.images else "inputs",
            fix="Send texts, or ask a model of a provider that speaks Cohere's dialect.",
        )
    if set(request.forms) - {"float"}:
        raise InvalidRequest(
            f"{request.model} gives numbers: other kinds are made by Cohere's own models.",
            field="embedding_types",
            fix='Ask for ["float"], or a model of a provider that speaks Cohere\'s dialect.',
        )
    return request.texts


ENDPOINT = Endpoint(
    method="POST",
    path="/v2/embed",
    summary="Vectors for texts, as Cohere's clients ask.",
    answer=answer,
    scope="inference",
    dialect=COHERE,
    slow=True,
    request="cohere_embed",
    parameters=(STRICT, MAX_COST),
)
