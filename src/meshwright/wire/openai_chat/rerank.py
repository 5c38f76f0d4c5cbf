"""Reranking in the shape that most share: POST {base}/rerank, both ways, and Voyage's variant of it.

Sources: https://api.jina.ai/redoc (rerank), https://docs.cohere.com/reference/rerank (the same members, and units of
billing in `meta`), https://docs.voyageai.com/reference/reranker-api (`top_k` for `top_n`, `data` for `results`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from meshwright.types.errors import InvalidRequest
from meshwright.types.usage import Usage
from meshwright.types.vectors import Rank, RankAsk, Ranked
from meshwright.wire.reading import client_json, client_source, provider_json

PATH = "/rerank"
MOST_DOCUMENTS = 10_000


class _Body(msgspec.Struct):
    model: str
    query: str
    documents: list[Raw]
    top_n: Annotated[int, Meta(ge=1)] | None = None
    return_documents: bool | None = None


class _Text(msgspec.Struct):
    text: str = ""


class _Usage(msgspec.Struct):
    total_tokens: int | None = None
    prompt_tokens: int | None = None


class _Billed(msgspec.Struct):
    search_units: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Billed | None = None


class _Result(msgspec.Struct):
    index: Annotated[int, Meta(ge=0)]
    relevance_score: float


class _Answer(msgspec.Struct):
    results: list[_Result] | None = None
    data: list[_Result] | None = None
    id: str | None = None
    usage: _Usage | None = None
    meta: _Meta | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_DOCUMENT: msgspec.json.Decoder[str | _Text] = msgspec.json.Decoder(str | _Text)
_ANSWER: msgspec.json.Decoder[_Answer] = msgspec.json.Decoder(_Answer)


def decode_rank_ask(body: bytes) -> RankAsk:
    """A client's question; a document is its text, or an object, of which `text` is read. Raises InvalidRequest."""
    source = client_source("openai_chat", body)
    wire = client_json(_BODY, body)
    if not wire.query.strip():
        raise InvalidRequest("There is no question.", field="query", fix="Send what the documents should answer.")
    if not 0 < len(wire.documents) <= MOST_DOCUMENTS:
        raise InvalidRequest(
            f"There are {len(wire.documents)} documents.", field="documents", fix=f"Send 1 to {MOST_DOCUMENTS}."
        )
    known = _Body.__struct_fields__
    return RankAsk(
        model=wire.model,
        query=wire.query,
        documents=tuple(wire.documents),
        texts=tuple(_text(raw, n) for n, raw in enumerate(wire.documents)),
        most=wire.top_n,
        returned=bool(wire.return_documents),
        extra={name: raw for name, raw in source.fields.items() if name not in known and raw != Raw(b"null")},
    )


def _text(raw: Raw, n: int) -> str:
    try:
        found = _DOCUMENT.decode(raw)
    except msgspec.ValidationError:
        raise InvalidRequest("A document is a text.", field=f"documents[{n}]", fix="Send its text.") from None
    return found if isinstance(found, str) else found.text


def only_texts(ask: RankAsk, texts: Sequence[str], members: Collection[str]) -> RankAsk:
    """The same with these texts as its documents, and of its other members those that are named."""
    documents = tuple(Raw(msgspec.json.encode(text)) for text in texts)
    extra = {name: raw for name, raw in ask.extra.items() if name in members}
    return msgspec.structs.replace(ask, documents=documents, extra=extra)


def encode_rank_ask(ask: RankAsk, model: str, *, most_name: str = "top_n") -> bytes:
    """The question for a provider. It is not asked to repeat the documents: they are here."""
    body: dict[str, object] = {"model": model, "query": ask.query, "documents": ask.documents}
    if ask.most is not None:
        body[most_name] = ask.most
    return msgspec.json.encode({**body, **ask.extra})


def decode_ranked(body: bytes) -> Ranked:
    """A provider's answer. Raises UpstreamProtocol."""
    wire = provider_json(_ANSWER, body, "ranking")
    read = wire.usage.total_tokens if wire.usage is not None else None
    if wire.usage is not None and read is None:
        read = wire.usage.prompt_tokens
    billed = wire.meta.billed_units.search_units if wire.meta is not None and wire.meta.billed_units else None
    return Ranked(
        ranks=tuple(Rank(one.index, one.relevance_score) for one in wire.results or wire.data or ()),
        usage=None if read is None else Usage(input=max(0, read)),
        searches=None if billed is None else int(max(0.0, billed)),
        id=wire.id or "",
    )


def encode_ranked(ranked: Ranked, ask: RankAsk) -> bytes:
    """The answer for the client that asked: Jina's members and Cohere's, which do not contradict each other."""
    results: list[dict[str, object]] = []
    for one in ranked.ranks:
        results.append({"index": one.index, "relevance_score": one.score})
        if ask.returned:
            raw = ask.documents[one.index]
            results[-1]["document"] = {"text": ask.texts[one.index]} if bytes(raw)[:1] == b'"' else raw
    body: dict[str, object] = {"id": ranked.id, "object": "list", "model": ask.model, "results": results}
    if ranked.usage is not None and ranked.searches is None:
        body["usage"] = {"total_tokens": ranked.usage.total_input}
    meta: dict[str, object] = {"api_version": {"version": "2"}}
    if ranked.searches is not None:
        meta["billed_units"] = {"search_units": ranked.searches}
    return msgspec.json.encode({**body, "meta": meta})
