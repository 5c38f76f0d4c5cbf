"""Vectors for clients of dialects of their own: asked for in OpenAI's form, which whoever has embeddings has."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from meshwright.kernel.arrival import Failure
from meshwright.kernel.questions.embed import embed
from meshwright.server.adapting import adapted, plain, strict
from meshwright.server.gate import Gate
from meshwright.server.http import JSON, Answered, Asked, Headers
from meshwright.server.passing import parcel
from meshwright.server.refusal import refused
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Adaptation
from meshwright.wire.dialect import Dialect
from meshwright.wire.reading import provider_json


class _Vector(msgspec.Struct):
    embedding: tuple[float, ...]
    index: int = 0


class _Read(msgspec.Struct):
    prompt_tokens: int | None = None


class _Vectors(msgspec.Struct):
    """An answer of OpenAI's embeddings (https://platform.openai.com/docs/api-reference/embeddings/create)."""

    data: list[_Vector]
    usage: _Read | None = None


_VECTORS = msgspec.json.Decoder(_Vectors)


class Got(msgspec.Struct, frozen=True):
    """The vectors in the order of the texts, the tokens that were read if that is told, and the answer's headers."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int | None
    decision: str
    headers: Headers


async def vectors(
    gate: Gate,
    asked: Asked,
    dialect: Dialect,
    *,
    model: str,
    texts: Sequence[str],
    dimensions: int | None,
    lost: Sequence[str],
) -> Got | Answered:
    """The vectors, or the error in the client's dialect. `lost` are members that OpenAI's form has no place for."""
    body: dict[str, object] = {"model": model, "input": texts}
    if dimensions is not None:
        body["dimensions"] = dimensions
    asking = msgspec.structs.replace(
        parcel(gate, asked, counts=True),
        path="/embeddings",
        kind=JSON[1],
        body=msgspec.json.encode(body),
        headers=(JSON,),
    )
    passed = await embed(gate.kernel, asking, strict(asked.header("x-mesh-strict")))
    if isinstance(passed, Failure):
        return refused(dialect, passed.error, passed.decision)
    assert isinstance(passed.body, bytes)  # answers that are counted are read whole
    if passed.status >= 400:
        return refused(dialect, dialect.decode_error(passed.status, passed.body, None), passed.decision)
    try:
        told = provider_json(_VECTORS, passed.body, "embeddings")
    except UpstreamProtocol as wrong:
        return refused(dialect, wrong, passed.decision)
    dropped = [Adaptation(name, "dropped", "Embeddings are asked for in OpenAI's form.") for name in lost]
    headers = [JSON, ("x-mesh-model", plain(passed.served)), ("x-mesh-decision", passed.decision)]
    return Got(
        vectors=tuple(one.embedding for one in sorted(told.data, key=lambda one: one.index)),
        tokens=told.usage.prompt_tokens if told.usage is not None else None,
        decision=passed.decision,
        headers=[*headers, *adapted((*passed.adaptations, *dropped))],
    )
