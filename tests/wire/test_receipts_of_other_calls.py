"""What providers answered to calls that are not for an answer of words: vectors, ranks."""

from __future__ import annotations

import base64
import struct
from typing import Any

import msgspec

from meshwright.types.usage import Usage
from meshwright.types.vectors import Embedded
from meshwright.wire.cohere.rerank import (
    decode_rerank_request,
    decode_reranked,
    encode_rerank_request,
    encode_reranked,
)
from meshwright.wire.openai_chat.embed import decode_embed_ask, encode_embedded
from tests.wire.receipts import OTHER_CALLS, Receipt, all_receipts

FOUND = {(one.told.provider, one.told.feature): one for one in all_receipts() if one.told.feature in OTHER_CALLS}


def read(body: bytes) -> Any:
    return msgspec.json.decode(body)


def test_documents_are_ranked_as_cohere_ranked_them() -> None:
    one: Receipt = FOUND["cohere", "rerank"]
    asked = decode_rerank_request(one.taped.body.data)
    assert read(encode_rerank_request(asked, asked.model)) == read(one.taped.body.data)
    ranked = decode_reranked(one.answer)
    scores = [rank.score for rank in ranked.ranks]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == asked.most
    assert ranked.searches == 1
    assert read(encode_reranked(ranked)) == read(one.answer)


def test_a_vector_is_packed_to_the_bit_as_openai_packs_it() -> None:
    one: Receipt = FOUND["openai", "embeddings"]
    asked, answer = decode_embed_ask(one.taped.body.data), read(one.answer)
    assert asked.packed
    packed = base64.b64decode(answer["data"][0]["embedding"])
    vector = struct.unpack(f"<{len(packed) // 4}f", packed)
    assert len(vector) == 1536
    ours = read(
        encode_embedded(Embedded(vectors=(vector,), usage=Usage(input=answer["usage"]["prompt_tokens"])), asked)
    )
    assert (ours["object"], ours["data"], ours["usage"]) == (answer["object"], answer["data"], answer["usage"])
