"""Citations of a text block, both ways.

Source: https://platform.claude.com/docs/en/build-with-claude/citations. Offsets are into the source: characters and
blocks from 0, pages from 1, each end exclusive.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Citation, Opaque
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.notes import Notes


class _Location(msgspec.Struct):
    """The members of every kind of citation; each kind has some of them."""

    type: str
    cited_text: str | None = None
    document_index: int | None = None
    document_title: str | None = None
    file_id: str | None = None
    start_char_index: int | None = None
    end_char_index: int | None = None
    start_page_number: int | None = None
    end_page_number: int | None = None
    start_block_index: int | None = None
    end_block_index: int | None = None
    url: str | None = None
    source: str | None = None
    title: str | None = None


_LOCATION: msgspec.json.Decoder[_Location] = msgspec.json.Decoder(_Location)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_OF_DOCUMENT = {"type", "cited_text", "document_index", "document_title", "file_id"}
_UNITS = {
    "char_location": ("char", "start_char_index", "end_char_index"),
    "page_location": ("page", "start_page_number", "end_page_number"),
    "content_block_location": ("block", "start_block_index", "end_block_index"),
}
_TYPES = {unit: (name, start, end) for name, (unit, start, end) in _UNITS.items()}


def citation_in(raw: Raw) -> Citation:
    """One citation. What does not fit `Citation` (search results, new kinds) also keeps its bytes.

    Raises msgspec.ValidationError.
    """
    place = _LOCATION.decode(raw)
    quote = place.cited_text or ""
    if place.type not in _UNITS:
        return Citation(
            kind="url",
            quote=quote,
            title=place.title or "",
            url=place.url or place.source or "",
            raw=Opaque(NAME, place.type, raw),
        )
    unit, start, end = _UNITS[place.type]
    members = _MEMBERS.decode(raw)
    whole = members.keys() <= {*_OF_DOCUMENT, start, end} and place.document_index is not None
    return Citation(
        kind="document",
        quote=quote,
        title=place.document_title or "",
        file_id=place.file_id or "",
        document=place.document_index,
        source_start=getattr(place, start),
        source_end=getattr(place, end),
        unit="page" if unit == "page" else "block" if unit == "block" else "char",
        raw=None if whole else Opaque(NAME, place.type, raw),
    )


def citation_out(citation: Citation, notes: Notes, field: str, *, to_client: bool) -> dict[str, object] | Raw | None:
    """One citation for the wire, None when it has no place there.

    A web page that another provider found has no `encrypted_index`: a client is told of it all the same, the API would
    refuse it.
    """
    if citation.raw is not None and citation.raw.dialect == NAME:
        return citation.raw.raw
    if citation.raw is not None:
        notes.foreign(f"{field}.citations", citation.raw)
    if citation.start is not None or citation.end is not None:
        notes.dropped(f"{field}.citations.start", "Citations stand at their block here, not at offsets in it.")
    if citation.kind == "url":
        if not to_client:
            notes.dropped(f"{field}.citations", "The API takes back only citations of its own search results.")
            return None
        notes.changed(f"{field}.citations", "A page that another provider found is cited without its encrypted index.")
        return {
            "type": "web_search_result_location",
            "cited_text": citation.quote,
            "url": citation.url,
            "title": citation.title or None,
            "encrypted_index": "",
        }
    if citation.document is None or citation.source_start is None or citation.source_end is None:
        notes.dropped(f"{field}.citations", "A citation here needs the document's index and the place in it.")
        return None
    if citation.kind == "file" or citation.url:
        notes.changed(f"{field}.citations", "A citation here names a document by its index.")
    name, start, end = _TYPES[citation.unit]
    place: dict[str, object] = {
        "type": name,
        "cited_text": citation.quote,
        "document_index": citation.document,
        "document_title": citation.title or None,
        start: citation.source_start,
        end: citation.source_end,
    }
    if citation.file_id:
        place["file_id"] = citation.file_id
    return place
