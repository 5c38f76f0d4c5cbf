"""Citations, both ways.

Source: https://docs.cohere.com/docs/rag-citations. A citation is a place in the answer and the documents, or results of
tools, that it rests on; here each source is a Citation of its own. The documents that the caller did not name are
"doc:0", "doc:1", ... What a Citation does not say keeps its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Citation, Opaque
from meshwright.wire.cohere.shapes import NAME
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import is_object, is_string

_NUMBERED = re.compile(r"doc:(\d{1,6})")
_QUOTES = ("snippet", "text", "content", "data")
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_MORE = Opaque(NAME, "citation.source", Raw(b"null"))
"""Marks a further source of the citation before."""


class Source(msgspec.Struct):
    type: str = "document"
    id: str | None = None
    document: Raw = Raw()
    tool_output: Raw = Raw()


class Place(msgspec.Struct):
    """A citation of the wire."""

    start: int | None = None
    end: int | None = None
    text: str | None = None
    sources: list[Source] | None = None
    content_index: int | None = None
    type: str | None = None


_PLACE: msgspec.json.Decoder[Place] = msgspec.json.Decoder(Place)


def place_in(raw: Raw) -> Place:
    """Where a citation stands. Raises msgspec.ValidationError."""
    return _PLACE.decode(raw)


def citations_in(place: Place, raw: Raw) -> tuple[Citation, ...]:
    """A Citation for each source, or one for a citation without any; the first keeps bytes that say more."""
    found = tuple(_source_in(source, place) for source in place.sources or ()) or (
        Citation(kind="document", start=place.start, end=place.end),
    )
    more = tuple(msgspec.structs.replace(one, raw=_MORE) for one in found[1:])
    found = (found[0], *more)
    again = _written(found, place.text or "", place.content_index)
    if place.type is None:
        del again["type"]
    if msgspec.json.decode(raw) != msgspec.json.decode(msgspec.json.encode(again)):
        found = (msgspec.structs.replace(found[0], raw=Opaque(NAME, "citation", raw)), *more)
    return found


def _source_in(source: Source, place: Place) -> Citation:
    members = _MEMBERS.decode(source.document) if is_object(source.document) else {}
    name = source.id or ""
    number = _NUMBERED.fullmatch(name) if source.type == "document" else None
    url = _word(members.get("url"))
    return Citation(
        kind="url" if url and not number else "document",
        quote=next((said for one in _QUOTES if (said := _word(members.get(one)))), ""),
        title=_word(members.get("title")),
        url=url,
        file_id="" if number or name == url else name,
        document=int(number[1]) if number else None,
        start=place.start,
        end=place.end,
    )


def _word(raw: Raw | None) -> str:
    return _STRING.decode(raw) if raw is not None and is_string(raw) else ""


def groups(citations: Sequence[Citation]) -> list[list[Citation]]:
    """The citations of a text, those of one place together."""
    found: list[list[Citation]] = []
    for one in citations:
        if found and one.raw == _MORE:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def citation_out(group: Sequence[Citation], text: str, index: int, notes: Notes, field: str) -> dict[str, Any] | Raw:
    """One citation for the wire. `text` are the words that it stands in, `index` their number."""
    first = group[0]
    if first.raw is not None and first.raw.dialect == NAME and first.raw != _MORE:
        return first.raw.raw
    for one in group:
        if one.raw is not None and one.raw.dialect != NAME:
            notes.foreign(f"{field}.citations", one.raw)
        if one.source_start is not None or one.source_end is not None or one.unit != "char":
            notes.dropped(f"{field}.citations.source_start", "A citation here has no place in its source.")
        if one.kind != _kind(one) or (one.document is not None and one.file_id):
            notes.changed(f"{field}.citations", "A source here is a document with an id.")
    said = text[first.start or 0 : first.end] if first.start is not None or first.end is not None else ""
    return _written(group, said, index)


def _kind(one: Citation) -> str:
    return "url" if one.url and one.document is None else "document"


def _written(group: Sequence[Citation], said: str, index: int | None) -> dict[str, Any]:
    first = group[0]
    wire: dict[str, Any] = {}
    if first.start is not None:
        wire["start"] = first.start
    if first.end is not None:
        wire["end"] = first.end
    wire["text"] = said
    wire["sources"] = [_source_out(one) for one in group if one.title or one.url or one.quote or _name(one)]
    if index is not None:
        wire["content_index"] = index
    wire["type"] = "TEXT_CONTENT"
    return wire


def _name(one: Citation) -> str:
    return f"doc:{one.document}" if one.document is not None else one.file_id or one.url


def _source_out(one: Citation) -> dict[str, Any]:
    document = {"id": _name(one), "title": one.title, "url": one.url, "snippet": one.quote}
    return {
        "type": "document",
        "id": _name(one),
        "document": {name: value for name, value in document.items() if value},
    }
