"""Reranking: POST /v2/rerank, both ways.

Source: https://docs.cohere.com/reference/rerank. `types` has no reranking yet; these values are the folder's own.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.errors import InvalidRequest
from meshwright.wire.cohere.shapes import NAME, Positive
from meshwright.wire.reading import client_json, client_source, provider_json, provider_source
from meshwright.wire.verbatim import is_object, is_string, present

PATH = "/rerank"
"""Appended to a provider's base address."""


class RerankRequest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Texts to put in the order in which they answer `query`. `most` None: all of them come back."""

    model: str
    query: str
    documents: tuple[str, ...]
    most: int | None = None
    max_tokens_each: int | None = None
    extra: tuple[Opaque, ...] = ()


class Rank(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The document of that index in the request, and how well it answers: from 0 to 1. `extra`: other members."""

    index: int
    score: float
    extra: tuple[Opaque, ...] = ()


class Reranked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The documents, best first. `searches` is what is billed: one for up to 100 documents."""

    id: str
    ranks: tuple[Rank, ...]
    searches: int | None = None
    extra: tuple[Opaque, ...] = ()


class _Body(msgspec.Struct):
    model: str
    query: str
    documents: list[Raw]
    top_n: Positive | None = None
    max_tokens_per_doc: Positive | None = None


class _Text(msgspec.Struct):
    text: str


class _Billed(msgspec.Struct):
    search_units: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Billed | None = None


class _Result(msgspec.Struct):
    index: int
    relevance_score: float


class _Answer(msgspec.Struct):
    results: list[Raw]
    id: str | None = None
    meta: _Meta | None = None


_BODY: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_ANSWER: msgspec.json.Decoder[_Answer] = msgspec.json.Decoder(_Answer)
_RESULT: msgspec.json.Decoder[_Result] = msgspec.json.Decoder(_Result)
_TEXT: msgspec.json.Decoder[_Text] = msgspec.json.Decoder(_Text)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def _extra(fields: dict[str, Raw], known: tuple[str, ...]) -> tuple[Opaque, ...]:
    return tuple(Opaque(NAME, name, raw) for name, raw in fields.items() if name not in known and present(raw))


def decode_rerank_request(body: bytes) -> RerankRequest:
    """A client's question; a document may be its text, or an object with a `text`. Raises InvalidRequest."""
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    if not wire.documents:
        raise InvalidRequest("There is no document.", field="documents", fix="Send the texts to put in order.")
    return RerankRequest(
        model=wire.model,
        query=wire.query,
        documents=tuple(_document(raw, index) for index, raw in enumerate(wire.documents)),
        most=wire.top_n,
        max_tokens_each=wire.max_tokens_per_doc,
        extra=_extra(source.fields, _Body.__struct_fields__),
    )


def _document(raw: Raw, index: int) -> str:
    try:
        if is_string(raw):
            return _STRING.decode(raw)
        if is_object(raw):
            return _TEXT.decode(raw).text
    except msgspec.ValidationError:
        # An object without a text is no document, like anything that is neither.
        raise InvalidRequest("The document has no text.", field=f"documents[{index}]", fix="Send its text.") from None
    raise InvalidRequest("A document is a text.", field=f"documents[{index}]", fix="Send its text.")


def encode_rerank_request(request: RerankRequest, model: str) -> bytes:
    """The question for a provider that calls the model so."""
    body: dict[str, object] = {"model": model, "query": request.query, "documents": request.documents}
    if request.most is not None:
        body["top_n"] = request.most
    if request.max_tokens_each is not None:
        body["max_tokens_per_doc"] = request.max_tokens_each
    body.update((one.kind, one.raw) for one in request.extra if one.dialect == NAME)
    return msgspec.json.encode(body)


def decode_reranked(body: bytes) -> Reranked:
    """A provider's answer. Raises UpstreamProtocol."""
    source = provider_source(NAME, body)
    wire = provider_json(_ANSWER, body, "ranking")
    billed = wire.meta.billed_units if wire.meta else None
    return Reranked(
        id=wire.id or "",
        ranks=tuple(_rank(raw) for raw in wire.results),
        searches=None if billed is None or billed.search_units is None else int(max(0, billed.search_units)),
        extra=_extra(source.fields, ("results", "id")),
    )


def _rank(raw: Raw) -> Rank:
    said = provider_json(_RESULT, bytes(raw), "rank")
    members = provider_json(_MEMBERS, bytes(raw), "rank")
    return Rank(index=said.index, score=said.relevance_score, extra=_extra(members, _Result.__struct_fields__))


def encode_reranked(reranked: Reranked) -> bytes:
    """The answer for a client."""
    results = [
        {
            "index": one.index,
            "relevance_score": one.score,
            **{more.kind: more.raw for more in one.extra if more.dialect == NAME},
        }
        for one in reranked.ranks
    ]
    body: dict[str, object] = {"id": reranked.id, "results": results}
    if reranked.searches is not None:
        units = {"search_units": reranked.searches}
        body["meta"] = {"api_version": {"version": "2"}, "billed_units": units}
    body.update((one.kind, one.raw) for one in reranked.extra if one.dialect == NAME)
    return msgspec.json.encode(body)
