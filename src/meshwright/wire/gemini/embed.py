"""Embeddings: POST {base}/models/{model}:batchEmbedContents.

Source: https://ai.google.dev/api/embeddings (method batchEmbedContents, ContentEmbedding, TaskType).
"""

from __future__ import annotations

import msgspec

from meshwright.types.usage import Usage
from meshwright.types.vectors import Embedded
from meshwright.wire.gemini.address import path
from meshwright.wire.reading import provider_json

MOST_TEXTS = 100
"""Texts of one call."""
PURPOSES = {
    "search_document": "RETRIEVAL_DOCUMENT",
    "document": "RETRIEVAL_DOCUMENT",
    "passage": "RETRIEVAL_DOCUMENT",
    "search_query": "RETRIEVAL_QUERY",
    "query": "RETRIEVAL_QUERY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
"""Others' names of a purpose. Gemini's own go through as they are."""


class _Vector(msgspec.Struct):
    values: tuple[float, ...]


class _Counts(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    embeddings: tuple[_Vector, ...]
    usage_metadata: _Counts | None = None


_ANSWER: msgspec.json.Decoder[_Answer] = msgspec.json.Decoder(_Answer)


def embed_path(model: str) -> str:
    """What follows the provider's base address."""
    return path(model, stream=False).removesuffix(":generateContent") + ":batchEmbedContents"


def encode_embed_request(model: str, texts: tuple[str, ...], dimensions: int | None, purpose: str) -> bytes:
    """The question for up to MOST_TEXTS texts."""
    shared: dict[str, object] = {"model": model if "/" in model else f"models/{model}"}
    if dimensions is not None:
        shared["outputDimensionality"] = dimensions
    if purpose:
        shared["taskType"] = PURPOSES.get(purpose, purpose)
    return msgspec.json.encode({"requests": [{**shared, "content": {"parts": [{"text": text}]}} for text in texts]})


def decode_embedded(body: bytes) -> Embedded:
    """A provider's answer. Raises UpstreamProtocol."""
    answer = provider_json(_ANSWER, body, "embeddings")
    read = answer.usage_metadata.prompt_token_count if answer.usage_metadata is not None else None
    return Embedded(
        vectors=tuple(one.values for one in answer.embeddings),
        usage=None if read is None else Usage(input=max(0, read)),
    )
