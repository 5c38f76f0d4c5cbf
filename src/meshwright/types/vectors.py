"""Questions that are no chat: texts to be turned into vectors, and documents to be put in order."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from meshwright.types.usage import Usage


class EmbedAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to embed, as OpenAI's clients ask.

    `tokens` are texts that the client has already cut into token ids: only the model whose tokenizer made them can
    read those, so either `texts` or `tokens` is empty. `packed`: vectors are wanted as base64 of 32-bit floats.
    `purpose` is what Cohere calls input_type and Gemini taskType, "" when it is not said. `extra` are other members
    of the body, verbatim.
    """

    model: str
    texts: tuple[str, ...] = ()
    tokens: tuple[tuple[int, ...], ...] = ()
    dimensions: int | None = None
    packed: bool = False
    purpose: str = ""
    extra: Mapping[str, msgspec.Raw] = {}


class Embedded(msgspec.Struct, frozen=True, kw_only=True):
    """One vector for each text, in their order. `usage` None: it was not told."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None = None
    id: str = ""


class RankAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Documents to put in the order in which they answer `query`; `most` None: all of them come back.

    `documents` are as they came (a text, or an object), `texts` the words of each, "" where there are none.
    `returned`: the answer repeats the documents.
    """

    model: str
    query: str
    documents: tuple[msgspec.Raw, ...]
    texts: tuple[str, ...]
    most: int | None = None
    returned: bool = False
    extra: Mapping[str, msgspec.Raw] = {}


class Rank(msgspec.Struct, frozen=True):
    """A document by its place in the question, and how well it answers: comparable within one answer only."""

    index: int
    score: float


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """The documents, best first. `searches`: what Cohere bills, one for up to 100 documents."""

    ranks: tuple[Rank, ...]
    usage: Usage | None = None
    searches: int | None = None
    id: str = ""
