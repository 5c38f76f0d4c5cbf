"""The built-in models that answer with numbers: vectors of texts, and the order of documents.

Both ask the child of `builtin/extract`, which has the embedding model in memory: 256 numbers for a text, trained so
that the first 128 or 64 alone still mean something (WordLlama; Matryoshka representations, arXiv:2205.13147).
"""

from __future__ import annotations

import math

from meshwright.providers.builtin.frames import Ask
from meshwright.providers.builtin.reply import CHARACTERS_PER_TOKEN
from meshwright.providers.builtin.sandbox import Sandbox
from meshwright.types.errors import InvalidRequest, TooLarge, UnknownModel
from meshwright.types.usage import Usage
from meshwright.types.vectors import EmbedAsk, Embedded, Rank, Ranked
from meshwright.wire.openai_chat.embed import decode_embed_ask, encode_embedded
from meshwright.wire.openai_chat.rerank import decode_rank_ask, encode_ranked

PATHS = frozenset({"/embeddings", "/rerank"})
DIMENSIONS = (64, 128, 256)
MOST_CHARACTERS = 4_000_000
_NAMES = {"/embeddings": "embed", "/rerank": "rerank"}


async def measured(sandbox: Sandbox, path: str, body: bytes) -> bytes:
    """The answer to a call of one of PATHS. Raises InvalidRequest, TooLarge, and what the sandbox raises."""
    if path == "/rerank":
        return await _ranked(sandbox, body)
    ask = decode_embed_ask(body)
    _check_model(ask.model, path)
    if ask.tokens:
        raise InvalidRequest(
            "builtin/embed reads texts: token ids mean something to the tokenizer that made them only.",
            field="input",
            fix="Send the texts (with langchain-openai: check_embedding_ctx_length=False).",
        )
    if ask.dimensions not in (None, *DIMENSIONS):
        raise InvalidRequest(
            f"builtin/embed has vectors of {', '.join(map(str, DIMENSIONS))} numbers.",
            field="dimensions",
            fix=f"Send one of them, or leave it out for {DIMENSIONS[-1]}.",
        )
    _check_size(ask.texts, "input")
    told = await sandbox.work(Ask("", sandbox.limit, job="embed", texts=ask.texts))
    vectors = tuple(_shortened(vector, ask) for vector in told.vectors)
    return encode_embedded(Embedded(vectors=vectors, usage=_read(ask.texts)), ask)


async def _ranked(sandbox: Sandbox, body: bytes) -> bytes:
    ask = decode_rank_ask(body)
    _check_model(ask.model, "/rerank")
    _check_size((ask.query, *ask.texts), "documents")
    told = await sandbox.work(Ask(ask.query, sandbox.limit, job="rank", texts=ask.texts))
    best = sorted(range(len(told.scores)), key=lambda at: (-told.scores[at], at))[: ask.most]
    ranks = tuple(Rank(at, round(told.scores[at], 6)) for at in best)
    return encode_ranked(Ranked(ranks=ranks, usage=_read((ask.query, *ask.texts))), ask)


def _check_model(model: str, path: str) -> None:
    name = model.removeprefix("builtin/")
    if name != _NAMES[path]:
        raise UnknownModel(f"builtin/{name[:100]} does not answer {path}.", fix=f"Ask builtin/{_NAMES[path]}.")


def _check_size(texts: tuple[str, ...], field: str) -> None:
    if (size := sum(map(len, texts))) > MOST_CHARACTERS:
        raise TooLarge(
            f"These are {size} characters; the built-in models read up to {MOST_CHARACTERS}.",
            field=field,
            fix="Send fewer.",
        )


def _shortened(vector: tuple[float, ...], ask: EmbedAsk) -> tuple[float, ...]:
    """The first numbers only, of length 1 again."""
    kept = vector[: ask.dimensions]
    length = math.sqrt(math.fsum(number * number for number in kept))
    return tuple(number / length for number in kept) if length else kept


def _read(texts: tuple[str, ...]) -> Usage:
    return Usage(input=-(-sum(map(len, texts)) // CHARACTERS_PER_TOKEN), estimated=True)
