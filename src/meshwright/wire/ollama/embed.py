"""Embeddings: POST /api/embed and the older POST /api/embeddings, both ways.

Source: https://docs.ollama.com/api/embed. `types` has no embeddings yet; these values are the folder's own.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from meshwright.types.content import Opaque
from meshwright.types.errors import InvalidRequest
from meshwright.wire.ollama.shapes import NAME
from meshwright.wire.reading import client_json, client_source, provider_json, provider_source
from meshwright.wire.verbatim import present

PATH = "/api/embed"
OLDER_PATH = "/api/embeddings"


class EmbedRequest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Texts to embed. `truncate` None or True: texts over the model's window are cut, not refused."""

    model: str
    texts: tuple[str, ...]
    truncate: bool | None = None
    dimensions: int | None = None
    extra: tuple[Opaque, ...] = ()


class Embedded(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One vector for each text, in their order; `tokens` were read, None when they were not counted."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    tokens: int | None = None
    extra: tuple[Opaque, ...] = ()


class _Body(msgspec.Struct):
    model: str
    input: str | list[str]
    truncate: bool | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None


class _Older(msgspec.Struct):
    model: str
    prompt: str


class _Answer(msgspec.Struct):
    embeddings: list[tuple[float, ...]]
    model: str = ""
    prompt_eval_count: int | None = None


class _OlderAnswer(msgspec.Struct):
    embedding: tuple[float, ...]


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_OLDER: msgspec.json.Decoder[_Older] = msgspec.json.Decoder(_Older)
_ANSWER: msgspec.json.Decoder[_Answer] = msgspec.json.Decoder(_Answer)
_OLDER_ANSWER: msgspec.json.Decoder[_OlderAnswer] = msgspec.json.Decoder(_OlderAnswer)


def _extra(fields: dict[str, Raw], shape: type[msgspec.Struct]) -> tuple[Opaque, ...]:
    known = shape.__struct_fields__
    return tuple(Opaque(NAME, name, raw) for name, raw in fields.items() if name not in known and present(raw))


def decode_embed_request(body: bytes) -> EmbedRequest:
    """A client's question. Raises InvalidRequest that names the field."""
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    texts = (wire.input,) if isinstance(wire.input, str) else tuple(wire.input)
    if not texts:
        raise InvalidRequest("There is no text.", field="input", fix="Send a text or a list of texts.")
    return EmbedRequest(
        model=wire.model,
        texts=texts,
        truncate=wire.truncate,
        dimensions=wire.dimensions,
        extra=_extra(source.fields, _Body),
    )


def decode_older_embed_request(body: bytes) -> EmbedRequest:
    """The same of POST /api/embeddings, which takes one text. Raises InvalidRequest."""
    source = client_source(NAME, body)
    wire = client_json(_OLDER, body)
    return EmbedRequest(model=wire.model, texts=(wire.prompt,), extra=_extra(source.fields, _Older))


def encode_embed_request(request: EmbedRequest, model: str) -> bytes:
    """The question for a provider that calls the model so."""
    body: dict[str, object] = {"model": model, "input": request.texts}
    if request.truncate is not None:
        body["truncate"] = request.truncate
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return msgspec.json.encode(_with(body, request.extra))


def decode_embedded(body: bytes) -> Embedded:
    """A provider's answer. Raises UpstreamProtocol."""
    source = provider_source(NAME, body)
    wire = provider_json(_ANSWER, body, "embeddings")
    return Embedded(
        model=wire.model,
        vectors=tuple(wire.embeddings),
        tokens=wire.prompt_eval_count,
        extra=_extra(source.fields, _Answer),
    )


def decode_older_embedded(body: bytes) -> Embedded:
    """A provider's answer of POST /api/embeddings. Raises UpstreamProtocol."""
    return Embedded(model="", vectors=(provider_json(_OLDER_ANSWER, body, "embedding").embedding,))


def encode_embedded(embedded: Embedded) -> bytes:
    """The answer for a client."""
    body: dict[str, object] = {"model": embedded.model, "embeddings": embedded.vectors}
    if embedded.tokens is not None:
        body["prompt_eval_count"] = embedded.tokens
    return msgspec.json.encode(_with(body, embedded.extra))


def encode_older_embedded(embedded: Embedded) -> bytes:
    """The answer for a client of POST /api/embeddings: the first vector."""
    return msgspec.json.encode({"embedding": embedded.vectors[0] if embedded.vectors else ()})


def _with(body: dict[str, object], extra: tuple[Opaque, ...]) -> dict[str, object]:
    return {**body, **{one.kind: one.raw for one in extra if one.dialect == NAME}}
