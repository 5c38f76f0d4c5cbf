"""Citations, both ways, and the block that holds cited words.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CitationsContentBlock.html,
..._Citation.html and ..._CitationLocation.html. Offsets are into the source: characters, chunks or pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Raw

from meshwright.types.content import Citation, Opaque, Text
from meshwright.wire.bedrock_converse.shapes import NAME, Strict
from meshwright.wire.notes import Notes

Unit = Literal["char", "page", "block"]


class _Web(msgspec.Struct, gc=False):
    url: str | None = None


class _Span(msgspec.Struct, rename="camel", gc=False):
    document_index: int | None = None
    start: int | None = None
    end: int | None = None


class _Location(msgspec.Struct, rename="camel", gc=False):
    web: _Web | None = None
    document_char: _Span | None = None
    document_page: _Span | None = None
    document_chunk: _Span | None = None


class _Words(msgspec.Struct, gc=False):
    text: str | None = None


class _Cited(msgspec.Struct, rename="camel", gc=False):
    title: str | None = None
    source_content: list[_Words] | None = None
    location: _Location | None = None


class _Said(Strict):
    """One of the texts of a `citationsContent`."""

    text: str


class _Content(Strict):
    """`citationsContent`."""

    content: list[_Said] | None = None
    citations: list[Raw] | None = None


_CITED: msgspec.json.Decoder[_Cited] = msgspec.json.Decoder(_Cited)
_CONTENT: msgspec.json.Decoder[_Content] = msgspec.json.Decoder(_Content)
_UNITS: dict[str, Unit] = {"document_char": "char", "document_page": "page", "document_chunk": "block"}
_NAMES = {"char": "documentChar", "page": "documentPage", "block": "documentChunk"}


def cited_text(raw: Raw) -> Text:
    """The words of a `citationsContent` with their citations. Raises ValidationError for what it does not know."""
    block = _CONTENT.decode(raw)
    text = "".join(one.text for one in block.content or ())
    return Text(text, citations=tuple(map(citation_in, block.citations or ())))


def citation_in(raw: Raw) -> Citation:
    """One citation; what `Citation` cannot say (the source's name, new kinds of places) also keeps its bytes.

    Raises ValidationError.
    """
    cited = _CITED.decode(raw)
    place = cited.location or _Location()
    words = cited.source_content or ()
    citation = Citation(
        kind="url" if place.web is not None else "document",
        quote="".join(one.text or "" for one in words),
        title=cited.title or "",
        url=(place.web.url or "") if place.web is not None else "",
    )
    for name, unit in _UNITS.items():
        span: _Span | None = getattr(place, name)
        if span is not None:
            citation = msgspec.structs.replace(
                citation, document=span.document_index, source_start=span.start, source_end=span.end, unit=unit
            )
    whole = msgspec.json.decode(raw) == msgspec.json.decode(msgspec.json.encode(_plain(citation)))
    return citation if whole else msgspec.structs.replace(citation, raw=Opaque(NAME, "citation", raw))


def _plain(citation: Citation) -> dict[str, object]:
    """The citation as the wire says it, without what it has no place for."""
    wire: dict[str, object] = {}
    if citation.title:
        wire["title"] = citation.title
    if citation.quote:
        wire["sourceContent"] = [{"text": citation.quote}]
    if citation.kind == "url":
        wire["location"] = {"web": {"url": citation.url} if citation.url else {}}
    elif citation.document is not None:
        span = {"documentIndex": citation.document, "start": citation.source_start, "end": citation.source_end}
        wire["location"] = {_NAMES[citation.unit]: {name: at for name, at in span.items() if at is not None}}
    return wire


def citation_out(citation: Citation, notes: Notes, field: str) -> dict[str, object] | Raw:
    """One citation for the wire; what it cannot say is noted."""
    if citation.raw is not None and citation.raw.dialect == NAME:
        return citation.raw.raw
    if citation.raw is not None:
        notes.foreign(f"{field}.citations", citation.raw)
    if citation.start is not None or citation.end is not None:
        notes.dropped(f"{field}.citations.start", "Citations stand at their block here, not at offsets in it.")
    if citation.file_id or (citation.url and citation.kind != "url") or citation.kind == "file":
        notes.changed(f"{field}.citations.file", "A citation here names a document by its index.")
    placed = citation.kind != "url" and citation.document is not None
    elsewhere = (citation.source_start, citation.source_end, citation.unit) != (None, None, "char")
    if not placed and (elsewhere or citation.document is not None):
        notes.dropped(f"{field}.citations.source", "A place in a source needs the document's index here.")
    return _plain(citation)


def cited_out(text: str, citations: Sequence[dict[str, object] | Raw]) -> dict[str, object]:
    """The block of words with citations."""
    return {"citationsContent": {"content": [{"text": text}], "citations": list(citations)}}
