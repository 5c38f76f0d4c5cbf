"""Citations of an answer, both ways.

Source: https://ai.google.dev/gemini-api/docs/google-search (grounding: chunks are sources, supports are stretches of
the answer in bytes of UTF-8) and https://ai.google.dev/api/generate-content (CitationMetadata; Vertex AI calls its list
`citations`, AI Studio `citationSources`). What `types` cannot say of them is kept whole beside the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from meshwright.types.content import Citation, Opaque
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.spelling import members
from meshwright.wire.notes import Notes

GROUNDING = "choice.groundingMetadata"
CITING = "choice.citationMetadata"
_LISTS = ("citationSources", "citations")
_FIELD = "choices.citations"


class _Page(msgspec.Struct):
    uri: str = ""
    title: str = ""


class _Chunk(msgspec.Struct, rename="camel"):
    web: _Page | None = None
    maps: _Page | None = None
    retrieved_context: _Page | None = None


class _Segment(msgspec.Struct, rename="camel"):
    part_index: int = 0
    start_index: int | None = None
    end_index: int | None = None


class _Support(msgspec.Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _Grounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None


class _Source(msgspec.Struct, rename="camel"):
    uri: str = ""
    title: str = ""
    start_index: int | None = None
    end_index: int | None = None


class Words(NamedTuple):
    """A text of the answer: the number of its part among the wire's and among ours, and what it says."""

    wire: int
    number: int
    text: str


_GROUNDING: msgspec.json.Decoder[_Grounding] = msgspec.json.Decoder(_Grounding)
_SOURCE: msgspec.json.Decoder[_Source] = msgspec.json.Decoder(_Source)
_RAWS: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_SOURCE_FIELDS = frozenset(_Source.__struct_encode_fields__)


def grounding_in(raw: Raw, words: Sequence[Words]) -> tuple[list[tuple[int, Citation]], Opaque | None]:
    """([part, citation], the metadata where the citations do not tell all of it). Raises msgspec.ValidationError."""
    kept = Opaque(NAME, GROUNDING, raw)
    if not words:
        return [], kept
    found: list[tuple[int, Citation]] = []
    grounding = _GROUNDING.decode(raw)
    chunks = grounding.grounding_chunks or []
    unsaid = set(range(len(chunks)))
    for support in grounding.grounding_supports or ():
        segment = support.segment or _Segment()
        place = next((one for one in words if one.wire == segment.part_index), words[0])
        start, end = _characters(place.text, segment.start_index, segment.end_index)
        for index in support.grounding_chunk_indices or ():
            if 0 <= index < len(chunks):
                unsaid.discard(index)
                found.append((place.number, _cited(chunks[index], start, end)))
    found += [(words[0].number, _cited(chunks[index], None, None)) for index in sorted(unsaid)]
    by_part: dict[int, list[Citation]] = {}
    for number, citation in found:
        by_part.setdefault(number, []).append(citation)
    again = grounding_out([(one, by_part.get(one.number, ())) for one in words], Notes())
    return found, None if again == msgspec.json.decode(raw) else kept


def _cited(chunk: _Chunk, start: int | None, end: int | None) -> Citation:
    page = chunk.web or chunk.maps or chunk.retrieved_context or _Page()
    return Citation(kind="url", url=page.uri, title=page.title, start=start, end=end)


def _characters(text: str, start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """Offsets in bytes as offsets in characters; the API leaves out a start of 0."""
    data = text.encode()
    begin = start if start is not None else 0 if end is not None else None
    return tuple(None if at is None else len(data[: max(0, at)].decode(errors="ignore")) for at in (begin, end))  # type: ignore[return-value]  # two of them


def grounding_out(cited: Sequence[tuple[Words, Sequence[Citation]]], notes: Notes) -> dict[str, Any] | None:
    """`groundingMetadata` that says the citations; those of `citationMetadata` are not among them."""
    chunks: dict[tuple[str, str], int] = {}
    supports: list[dict[str, Any]] = []
    for place, citations in cited:
        for citation in citations:
            if citation.raw is not None and citation.raw.dialect == NAME:
                continue
            if citation.kind != "url":
                notes.dropped(_FIELD, "A citation here is of a page at an address.")
                continue
            _name_losses(citation, notes)
            chunk = chunks.setdefault((citation.url, citation.title), len(chunks))
            supports.append({"segment": _segment(place, citation, notes), "groundingChunkIndices": [chunk]})
    if not supports:
        return None
    pages = [{"web": {"uri": url, **({"title": title} if title else {})}} for url, title in chunks]
    return {"groundingChunks": pages, "groundingSupports": supports}


def _name_losses(citation: Citation, notes: Notes) -> None:
    if citation.raw is not None:
        notes.foreign(_FIELD, citation.raw)
    about = (citation.quote, citation.file_id, citation.document, citation.source_start, citation.source_end)
    if any(one not in ("", None) for one in about) or citation.unit != "char":
        notes.dropped(f"{_FIELD}.source", "A citation here tells the page, not the place in it.")


def _segment(place: Words, citation: Citation, notes: Notes) -> dict[str, Any]:
    segment: dict[str, Any] = {"partIndex": place.wire} if place.wire else {}
    start, end = citation.start, citation.end
    if start is None and end is not None:
        notes.changed(f"{_FIELD}.start", "A citation without a start begins where the text does here.")
        start = 0
    if any(at is not None and not 0 <= at <= len(place.text) for at in (start, end)):
        notes.dropped(f"{_FIELD}.start", "The offsets of a citation lie outside of its text.")
        return segment
    for name, at in (("startIndex", start), ("endIndex", end)):
        if at is not None:
            segment[name] = len(place.text[:at].encode())
    if start is not None and end is not None:
        segment["text"] = place.text[start:end]
    return segment


def sources_in(raw: Raw, words: Sequence[Words]) -> tuple[list[tuple[int, Citation]], Opaque | None]:
    """The same of `citationMetadata`, whose offsets run through all texts. Raises msgspec.ValidationError."""
    found = members(raw)
    kept = Opaque(NAME, CITING, raw)
    (name, *_), more = [one for one in _LISTS if one in found] or [""], len(found) != 1
    if not words or not name or more:
        return [], kept
    cited = []
    for item in _RAWS.decode(found[name]):
        source = _SOURCE.decode(msgspec.json.encode(members(item, _SOURCE_FIELDS)))
        place, shift = _at(words, source.start_index or 0)
        begin, stop = (None if at is None else at - shift for at in (source.start_index, source.end_index))
        start, end = _characters(place.text, begin, stop)
        citation = Citation(
            kind="url", url=source.uri, title=source.title, start=start, end=end, raw=Opaque(NAME, name, item)
        )
        cited.append((place.number, citation))
    return cited, None


def _at(words: Sequence[Words], offset: int) -> tuple[Words, int]:
    """The text in which this byte stands, and the bytes before it."""
    before = 0
    for place in words[:-1]:
        size = len(place.text.encode())
        if offset < before + size:
            return place, before
        before += size
    return words[-1], before


def sources_out(citations: Sequence[Citation]) -> dict[str, list[Raw]]:
    """`citationMetadata`; empty when no citation came from one."""
    found: dict[str, list[Raw]] = {}
    for citation in citations:
        if citation.raw is not None and citation.raw.dialect == NAME and citation.raw.kind in _LISTS:
            found.setdefault(citation.raw.kind, []).append(citation.raw.raw)
    return found


Cited = Sequence[tuple[Words, Sequence[Citation]]]
"""Texts with what they cite."""


def cited_out(candidate: dict[str, Any], cited: Cited, kept: Mapping[str, object], notes: Notes) -> None:
    """Write the citations of a candidate, but where the metadata that they came from is `kept` as it was."""
    if GROUNDING not in kept and (grounding := grounding_out(cited, notes)) is not None:
        candidate["groundingMetadata"] = grounding
    if CITING not in kept and (sources := sources_out([one for _, some in cited for one in some])):
        candidate["citationMetadata"] = sources
