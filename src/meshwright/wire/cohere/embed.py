"""Embeddings: POST /v2/embed, both ways.

Source: https://docs.cohere.com/reference/embed. `types` has no embeddings yet; these values are the folder's own.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.errors import InvalidRequest
from meshwright.types.usage import Usage
from meshwright.wire.cohere.shapes import NAME, Positive
from meshwright.wire.reading import client_json, client_source, provider_json, provider_source
from meshwright.wire.verbatim import present

PATH = "/embed"
"""Appended to a provider's base address."""


class EmbedPart(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A part of a mixed input: words, or a picture by its address or data URL. Exactly one of them."""

    text: str = ""
    image: str = ""


class EmbedRequest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What to embed: `texts`, `images` (data URLs) or mixed `inputs`; one kind of them.

    `purpose` is `input_type` (search_document, search_query, classification, clustering, image). `forms` are the kinds
    of numbers (float, int8, uint8, binary, ubinary, base64); `truncate` is NONE, START or END.
    """

    model: str
    purpose: str
    texts: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    inputs: tuple[tuple[EmbedPart, ...], ...] = ()
    forms: tuple[str, ...] = ()
    dimensions: int | None = None
    max_tokens: int | None = None
    truncate: str = ""
    extra: tuple[Opaque, ...] = ()


class Embedded(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The vectors, by kind of numbers: each a list of one vector for each input, verbatim JSON. What was billed."""

    id: str
    vectors: dict[str, Raw]
    texts: tuple[str, ...] = ()
    usage: Usage | None = None
    extra: tuple[Opaque, ...] = ()

    @property
    def floats(self) -> tuple[tuple[float, ...], ...]:
        """The vectors as numbers; () when they were not asked for. Raises UpstreamProtocol when they are none."""
        raw = self.vectors.get("float")
        return () if raw is None else provider_json(_FLOATS, bytes(raw), "vectors")


class _Address(msgspec.Struct):
    url: str


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    image_url: _Address | None = None


class _Input(msgspec.Struct):
    content: list[_Part]


class _Body(msgspec.Struct):
    model: str
    input_type: str
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: list[_Input] | None = None
    embedding_types: list[str] | None = None
    output_dimension: Positive | None = None
    max_tokens: Positive | None = None
    truncate: str | None = None


class _Billed(msgspec.Struct):
    input_tokens: float | None = None
    image_tokens: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Billed | None = None


class _Answer(msgspec.Struct):
    embeddings: dict[str, Raw]
    id: str = ""
    texts: list[str] | None = None
    meta: _Meta | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_ANSWER: msgspec.json.Decoder[_Answer] = msgspec.json.Decoder(_Answer)
_FLOATS: msgspec.json.Decoder[tuple[tuple[float, ...], ...]] = msgspec.json.Decoder(tuple[tuple[float, ...], ...])
_IN_BODY = frozenset(_Body.__struct_fields__)
_IN_ANSWER = frozenset({"embeddings", "id", "texts", "response_type"})


def decode_embed_request(body: bytes) -> EmbedRequest:
    """A client's question. Raises InvalidRequest that names the field."""
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    if sum(map(bool, (wire.texts, wire.images, wire.inputs))) != 1:
        raise InvalidRequest(
            "There is nothing to embed, or of two kinds.", field="texts", fix="Send one of texts, images, inputs."
        )
    return EmbedRequest(
        model=wire.model,
        purpose=wire.input_type,
        texts=tuple(wire.texts or ()),
        images=tuple(wire.images or ()),
        inputs=tuple(
            tuple(_part(part, f"inputs[{n}].content[{m}]") for m, part in enumerate(one.content))
            for n, one in enumerate(wire.inputs or ())
        ),
        forms=tuple(wire.embedding_types or ()),
        dimensions=wire.output_dimension,
        max_tokens=wire.max_tokens,
        truncate=wire.truncate or "",
        extra=tuple(
            Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in _IN_BODY and present(raw)
        ),
    )


def _part(part: _Part, path: str) -> EmbedPart:
    if part.type == "text" and part.text:
        return EmbedPart(text=part.text)
    if part.type == "image_url" and part.image_url is not None:
        return EmbedPart(image=part.image_url.url)
    raise InvalidRequest("A part of an input is a text or an image_url.", field=path, fix="Give it its text or url.")


def encode_embed_request(request: EmbedRequest, model: str) -> bytes:
    """The question for a provider that calls the model so."""
    body: dict[str, object] = {"model": model, "input_type": request.purpose}
    said = {
        "texts": request.texts,
        "images": request.images,
        "inputs": [{"content": [_part_out(part) for part in one]} for one in request.inputs],
        "embedding_types": request.forms,
        "output_dimension": request.dimensions,
        "max_tokens": request.max_tokens,
        "truncate": request.truncate,
    }
    body.update((name, value) for name, value in said.items() if value)
    body.update((one.kind, one.raw) for one in request.extra if one.dialect == NAME)
    return msgspec.json.encode(body)


def _part_out(part: EmbedPart) -> dict[str, object]:
    if part.image:
        return {"type": "image_url", "image_url": {"url": part.image}}
    return {"type": "text", "text": part.text}


def decode_embedded(body: bytes) -> Embedded:
    """A provider's answer. Raises UpstreamProtocol."""
    source = provider_source(NAME, body)
    wire = provider_json(_ANSWER, body, "embeddings")
    billed = wire.meta.billed_units if wire.meta else None
    tokens = (billed.input_tokens or 0) + (billed.image_tokens or 0) if billed else 0
    return Embedded(
        id=wire.id,
        vectors={name: raw for name, raw in wire.embeddings.items() if present(raw)},
        texts=tuple(wire.texts or ()),
        usage=None if billed is None else Usage(input=int(max(0, tokens))),
        extra=tuple(
            Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in _IN_ANSWER and present(raw)
        ),
    )


def encode_embedded(embedded: Embedded) -> bytes:
    """The answer for a client."""
    body: dict[str, object] = {
        "id": embedded.id,
        "embeddings": embedded.vectors,
        "texts": embedded.texts,
        "response_type": "embeddings_by_type",
    }
    if embedded.usage is not None:
        units = {"input_tokens": embedded.usage.total_input}
        body["meta"] = {"api_version": {"version": "2"}, "billed_units": units}
    body.update((one.kind, one.raw) for one in embedded.extra if one.dialect == NAME)
    return msgspec.json.encode(body)
