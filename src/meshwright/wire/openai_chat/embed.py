"""Embeddings: what a client asks at POST /v1/embeddings, and the answer for it.

Source: https://platform.openai.com/docs/api-reference/embeddings/create. `input_type` is not OpenAI's: it is what
several compatible providers call the purpose of a vector, and clients send it as an extra member of the body.
"""

from __future__ import annotations

import base64
import struct
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from meshwright.types.errors import InvalidRequest, UpstreamProtocol
from meshwright.types.vectors import EmbedAsk, Embedded
from meshwright.wire.reading import client_json, client_source

MOST_INPUTS = 2048
"""Texts of one request, as OpenAI has it."""
_Ids = list[Annotated[int, Meta(ge=0)]]


class _Body(msgspec.Struct):
    model: str
    input: Any
    dimensions: Annotated[int, Meta(ge=1, le=65_536)] | None = None
    encoding_format: str | None = None
    input_type: str | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)


def decode_embed_ask(body: bytes) -> EmbedAsk:
    """A client's question. Raises InvalidRequest that names the field."""
    source = client_source("openai_chat", body)
    wire = client_json(_BODY, body)
    if wire.encoding_format not in (None, "float", "base64"):
        raise InvalidRequest(
            f"encoding_format is float or base64, not {wire.encoding_format[:40]!r}.", field="encoding_format"
        )
    texts, tokens = _inputs(wire.input)
    known = _Body.__struct_fields__
    return EmbedAsk(
        model=wire.model,
        texts=texts,
        tokens=tokens,
        dimensions=wire.dimensions,
        packed=wire.encoding_format == "base64",
        purpose=wire.input_type or "",
        extra={name: raw for name, raw in source.fields.items() if name not in known and raw != Raw(b"null")},
    )


def _inputs(value: Any) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """One text, texts, the token ids of one text, or of several."""
    many = value if isinstance(value, list) else [value]
    if not many:
        raise InvalidRequest("There is nothing to embed.", field="input", fix="Send a text or a list of texts.")
    if isinstance(many[0], int):
        many = [many]
    if len(many) > MOST_INPUTS:
        raise InvalidRequest(
            f"These are {len(many)} texts; one request takes up to {MOST_INPUTS}.", field="input", fix="Send fewer."
        )
    for kind, sort in ((str, "texts"), (_Ids, "tokens")):
        try:
            found = msgspec.convert(many, list[kind])  # type: ignore[valid-type]  # one of the two kinds above
        except msgspec.ValidationError:
            continue
        if not all(found):
            raise InvalidRequest("One of the texts is empty.", field="input", fix="Leave it out.")
        return (tuple(found), ()) if sort == "texts" else ((), tuple(tuple(ids) for ids in found))
    raise InvalidRequest("input is a text, a list of texts, or token ids.", field="input", fix="Send a text.")


def encode_embedded(embedded: Embedded, ask: EmbedAsk) -> bytes:
    """The answer for the client that asked. Raises UpstreamProtocol when a number does not fit 32 bits."""
    vectors = [_packed(vector) if ask.packed else vector for vector in embedded.vectors]
    body: dict[str, object] = {
        "object": "list",
        "data": [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)],
        "model": ask.model,
    }
    if embedded.usage is not None:  # what is not known is not told: 0 would be taken for a count
        tokens = embedded.usage.total_input
        body["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode(body)


def _packed(vector: tuple[float, ...]) -> str:
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (OverflowError, struct.error):
        raise UpstreamProtocol("The provider's vector has a number that is no 32-bit float.") from None
