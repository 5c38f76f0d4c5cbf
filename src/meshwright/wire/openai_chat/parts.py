"""Content parts both ways: what stands in a message's `content`, and addresses that hold their data themselves."""

from __future__ import annotations

from typing import Literal

import msgspec

from meshwright.types.content import Audio, Citation, File, Image, Opaque, Part, Reasoning, Refusal, Text, Ttl
from meshwright.types.request import Adaptation
from meshwright.wire.notes import Notes as PlainNotes
from meshwright.wire.openai_chat.shape import (
    NAME,
    AudioIn,
    CacheControl,
    Content,
    ContentPart,
    Elsewhere,
    FileIn,
    ImageIn,
    RefusalIn,
    TextIn,
    ThinkingIn,
)
from meshwright.wire.openai_chat.sift import Found
from meshwright.wire.pictures import kind_seen


class Notes(PlainNotes):
    """Notes of a request for a provider with these quirks, or of an answer; each reason for a field stays."""

    __slots__ = ("quirks",)

    def __init__(self, quirks: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.quirks = quirks

    def _add(self, field: str, action: Literal["dropped", "changed", "moved"], reason: str) -> None:
        if (made := Adaptation(field, action, reason)) not in self.found:
            self.found.append(made)


class _Thought(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="text"):
    text: str


_THOUGHTS: msgspec.json.Decoder[list[_Thought] | str] = msgspec.json.Decoder(list[_Thought] | str)


def content_in(content: Content, found: Found) -> tuple[Part, ...]:
    """The parts of a `content`; none of "" and null."""
    if not content:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    return tuple(part_in(part, found) for part in content)


def part_in(part: ContentPart, found: Found) -> Part:
    """One element of a `content` list (a bare string is taken as text)."""
    match part:
        case TextIn():
            return Text(part.text, _ttl(part.cache_control))
        case ImageIn():
            return image_in(part)
        case str():
            return Text(part)
        case AudioIn():
            return Audio(data=part.input_audio.data, format=part.input_audio.format)
        case FileIn():
            return _file_in(part)
        case RefusalIn():
            return Refusal(part.refusal)
        case ThinkingIn():
            return _thinking_in(part)
        case Elsewhere():
            kind, raw = found.opaque[part.number]
            return Opaque(NAME, kind, raw)


def image_in(part: ImageIn) -> Image:
    """A picture by its address, which may be a data: URL (RFC 2397) that holds it."""
    given = part.image_url
    address, detail = (given, "") if isinstance(given, str) else (given.url, given.detail or "")
    media_type, data = split_data_url(address)
    cache = _ttl(part.cache_control)
    if data:
        return Image(data=data, media_type=media_type, detail=detail, cache=cache)
    return Image(url=address, detail=detail, cache=cache)


def image_out(part: Image, notes: Notes, field: str) -> dict[str, object] | None:
    """The same, outwards. None when there is no address and no data: a file id is known to another API only."""
    if part.data:
        media_type = part.media_type or kind_seen(part.data)
        if not part.media_type:
            notes.changed(field, "Chat Completions states an image's media type; it was read from its first bytes.")
        address = f"data:{media_type or 'image/png'};base64,{part.data}"
    elif part.url:
        if part.media_type:
            notes.dropped(field, "Chat Completions has no media type beside an image's address.")
        address = part.url
    else:
        notes.dropped(field, "Chat Completions takes images by address or data, not by file id.")
        return None
    if part.file_id and (part.data or part.url):
        notes.dropped(field, "Chat Completions takes images by address or data, not by file id.")
    body: dict[str, object] = {"url": address}
    if part.detail:
        body["detail"] = part.detail
    return marked({"type": "image_url", "image_url": body}, part.cache, notes, field)


def part_out(part: Part, notes: Notes, field: str) -> dict[str, object] | msgspec.Raw | None:
    """One element of a `content` list, or None (and a note) when the dialect has no place for it."""
    match part:
        case Text():
            if part.citations:
                notes.dropped(field, "Chat Completions takes no citations in a request.")
            return marked({"type": "text", "text": part.text}, part.cache, notes, field)
        case Image():
            return image_out(part, notes, field)
        case Audio(data=str(data)) if data:
            if part.id or part.transcript or part.expires_at is not None:
                notes.dropped(field, "Chat Completions takes a sound's data and format only.")
            return {"type": "input_audio", "input_audio": {"data": data, "format": part.format or "wav"}}
        case File():
            return _file_out(part, notes, field)
        case Refusal():
            return {"type": "refusal", "refusal": part.text}
        case Opaque(dialect=dialect, raw=raw) if dialect == NAME:
            return raw
        case Opaque():
            notes.dropped(field, f"Only {part.dialect} understands a part of type {part.kind}.")
        case _:
            notes.dropped(field, f"Chat Completions has no place for {type(part).__name__} in this message.")
    return None


def marked(body: dict[str, object], cache: Ttl | None, notes: Notes, field: str) -> dict[str, object]:
    """`body` with a cache mark, where the provider takes one (quirk "cache_control")."""
    if cache is not None:
        if "cache_control" in notes.quirks:
            body["cache_control"] = cache_out(cache)
        else:
            notes.dropped(field, "This provider takes no cache marks; it caches prefixes by itself or not at all.")
    return body


def cache_out(cache: Ttl) -> dict[str, str]:
    """A cache mark; five minutes go without saying."""
    return {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": cache}


def split_data_url(address: str) -> tuple[str, str]:
    """(media type, base64 data) of a base64 data: URL; two empty strings for any other address."""
    if not address.startswith("data:"):
        return "", ""
    head, comma, data = address.partition(",")
    if not comma or not head.endswith(";base64"):
        return "", ""
    return head[5:-7], data


def citation_in(raw: msgspec.Raw) -> Citation | None:
    """A url_citation annotation; None for any other kind. `content` is what OpenRouter quotes from the page."""
    try:
        note = _ANNOTATION.decode(raw)
    except msgspec.ValidationError:
        return None
    cited = note.url_citation
    return Citation(
        kind="url", quote=cited.content, title=cited.title, url=cited.url, start=cited.start_index, end=cited.end_index
    )


def citation_out(citation: Citation, shift: int, notes: Notes, field: str) -> dict[str, object] | None:
    """The annotation for a citation of a page; `shift` characters of the answer stand before its text part."""
    if citation.kind != "url":
        notes.dropped(field, "Chat Completions cites web pages only, not files or documents.")
        return None
    if (citation.document, citation.source_start, citation.source_end) != (None, None, None) or citation.file_id:
        notes.dropped(field, "A citation in Chat Completions does not say where in its source it was found.")
    if citation.raw is not None or citation.unit != "char":
        notes.dropped(field, "A citation in Chat Completions is a page's title and address, nothing more.")
    if citation.start is None or citation.end is None:
        notes.changed(field, "A citation in Chat Completions has a place in the answer; 0 stands for an unknown one.")
    body: dict[str, object] = {
        "url": citation.url,
        "title": citation.title,
        "start_index": (citation.start or 0) + shift,
        "end_index": (citation.end or 0) + shift,
    }
    if citation.quote:
        body["content"] = citation.quote
    return {"type": "url_citation", "url_citation": body}


class _UrlCitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    title: str = ""
    start_index: int | None = None
    end_index: int | None = None
    content: str = ""


class _Annotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="url_citation"):
    url_citation: _UrlCitation


_ANNOTATION: msgspec.json.Decoder[_Annotation] = msgspec.json.Decoder(_Annotation)


def _ttl(mark: CacheControl | None) -> Ttl | None:
    return None if mark is None else mark.ttl or "5m"


def _file_in(part: FileIn) -> File:
    body = part.file
    given = body.file_data or ""
    media_type, data = split_data_url(given)
    url = given if given.startswith(("https://", "http://")) else ""
    return File(
        data="" if url else data or given,
        url=url,
        file_id=body.file_id or "",
        media_type=media_type,
        name=body.filename or "",
        cache=_ttl(part.cache_control),
    )


def _file_out(part: File, notes: Notes, field: str) -> dict[str, object] | None:
    if part.context or part.cite:
        notes.dropped(field, "Chat Completions takes neither a context for a file nor a wish for citations into it.")
    if part.text:
        notes.changed(field, "Chat Completions has no plain-text documents; the text was sent as a text part.")
        text = f"{part.name}\n\n{part.text}" if part.name else part.text
        return marked({"type": "text", "text": text}, part.cache, notes, field)
    body: dict[str, object] = {}
    if part.data:
        body["file_data"] = f"data:{part.media_type};base64,{part.data}" if part.media_type else part.data
    elif part.url and "file_url" in notes.quirks:
        body["file_data"] = part.url
    elif part.url:
        notes.dropped(field, "Chat Completions takes files by data or file id, not by address.")
    if part.media_type and not part.data:
        notes.dropped(field, "Chat Completions states a file's media type only with its data.")
    if part.file_id:
        body["file_id"] = part.file_id
    if not body:
        return None
    if part.name:
        body["filename"] = part.name
    return marked({"type": "file", "file": body}, part.cache, notes, field)


def _thinking_in(part: ThinkingIn) -> Part:
    try:
        thoughts = _THOUGHTS.decode(part.thinking)
    except msgspec.ValidationError:
        return Opaque(
            NAME, "thinking", msgspec.Raw(msgspec.json.encode({"type": "thinking", "thinking": part.thinking}))
        )
    return Reasoning(text=thoughts if isinstance(thoughts, str) else "".join(one.text for one in thoughts))
