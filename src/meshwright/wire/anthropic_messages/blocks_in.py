"""Content blocks into parts: a strict decoder for what is usual, a patient path that loses nothing for the rest.

Source: https://platform.claude.com/docs/en/api/messages/create (content blocks).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

from meshwright.types.content import (
    File,
    Image,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Ttl,
)
from meshwright.wire.anthropic_messages.citations import citation_in
from meshwright.wire.anthropic_messages.shapes import (
    BLOCKS,
    NAME,
    Base64Source,
    Block,
    CacheMark,
    DocumentBlock,
    FileSource,
    ImageBlock,
    RedactedThinkingBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from meshwright.wire.verbatim import below, compact, is_object, present

Aside = tuple[str, Raw]
"""A member of a block that `types` has no place for: its path within the block, and its bytes."""

_STRICT: msgspec.json.Decoder[Block] = msgspec.json.Decoder(Block)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_CONTENT: msgspec.json.Decoder[str | list[Raw] | None] = msgspec.json.Decoder(str | list[Raw] | None)
_MARK: msgspec.json.Decoder[CacheMark | None] = msgspec.json.Decoder(CacheMark | None)
_DECODERS = {name: msgspec.json.Decoder(shape) for name, shape in BLOCKS.items()}
_DIRECT = b'{"type":"direct"}'
_SOURCES = {"image": {"base64", "url", "file"}, "document": {"base64", "url", "file", "text"}}


def ttl(mark: CacheMark | None) -> Ttl | None:
    """How long to cache: five minutes when the mark does not say."""
    return None if mark is None else mark.ttl or "5m"


def part_in(block: Block, origin: str = "") -> Part:
    """The part that a strictly decoded block means. `origin` is who signed its thoughts. Raises ValidationError."""
    return _PARTS[type(block)](block, origin)


def read_part(raw: Raw, origin: str = "") -> tuple[Part, list[Aside]]:
    """Any block: its part, and the members that a part has no place for. Raises ValidationError (path in the block)."""
    try:
        block = _STRICT.decode(raw)
    except msgspec.ValidationError:
        return _patiently(raw, origin)
    return part_in(block, origin), asides_of(block)


def asides_of(block: Block) -> list[Aside]:
    """The members of a strict block that its part has no place for: how a tool was called, if not directly."""
    if isinstance(block, ToolUseBlock) and present(block.caller) and compact(block.caller) != _DIRECT:
        return [("caller", block.caller)]
    return []


def _patiently(raw: Raw, origin: str) -> tuple[Part, list[Aside]]:
    members = _MEMBERS.decode(raw)
    if "type" not in members:
        raise msgspec.ValidationError("Object missing required field `type`")
    kind = _named(members["type"], "type")
    shape = BLOCKS.get(kind)
    if shape is None or _foreign_source(kind, members):
        return Opaque(NAME, kind, raw), []
    known = {name: value for name, value in members.items() if name in shape.__struct_fields__ and present(value)}
    asides = [
        (name, value)
        for name, value in members.items()
        if name != "type" and name not in shape.__struct_fields__ and present(value)
    ]
    if "cache_control" in known and not _usual_mark(known["cache_control"]):
        asides.append(("cache_control", known.pop("cache_control")))
    inner = known.pop("content", None) if kind == "tool_result" else None
    block = _DECODERS[kind].decode(msgspec.json.encode({"type": kind, **known}))
    part = part_in(block, origin)
    asides += asides_of(block)
    if inner is not None and isinstance(part, ToolResult):
        part = _with_content(part, inner, asides)
    return part, asides


def _named(raw: Raw, field: str) -> str:
    try:
        return _STRING.decode(raw)
    except msgspec.ValidationError as error:
        raise below(error, field) from None


def _foreign_source(kind: str, members: dict[str, Raw]) -> bool:
    """Whether an image or a document comes from a kind of source that we do not know (or that has further members)."""
    if kind not in _SOURCES or "source" not in members:
        return False
    source = _MEMBERS.decode(members["source"])
    if "type" not in source:
        return False
    known = _SOURCES[kind]
    name = _named(source["type"], "source.type")
    return name not in known or not source.keys() <= {"type", "media_type", "data", "url", "file_id"}


def _usual_mark(raw: Raw) -> bool:
    try:
        _MARK.decode(raw)
    except msgspec.ValidationError:
        _MEMBERS.decode(raw)  # not even an object: the caller's mistake, not a newer kind of mark
        return False
    return True


def _with_content(result: ToolResult, content: Raw, asides: list[Aside]) -> ToolResult:
    said = _CONTENT.decode(content)
    if said is None or isinstance(said, str):
        return msgspec.structs.replace(result, parts=(Text(said),) if said else ())
    parts: list[Text | Image | File | Opaque] = []
    for index, raw in enumerate(said):
        try:
            part, further = read_part(raw)
        except msgspec.ValidationError as error:
            raise below(error, f"content[{index}]") from None
        if not isinstance(part, Text | Image | File | Opaque):
            part, further = Opaque(NAME, _named(_MEMBERS.decode(raw)["type"], "type"), raw), []
        parts.append(part)
        asides += [(f"content[{index}].{name}", value) for name, value in further]
    return msgspec.structs.replace(result, parts=tuple(parts))


def _text(block: TextBlock, _origin: str) -> Text:
    if block.cache_control is None and not block.citations:
        return Text(block.text)
    return Text(block.text, ttl(block.cache_control), tuple(map(citation_in, block.citations or ())))


def _image(block: ImageBlock, _origin: str) -> Image:
    source, cache = block.source, ttl(block.cache_control)
    match source:
        case Base64Source():
            return Image(data=source.data, media_type=source.media_type, cache=cache)
        case UrlSource():
            return Image(url=source.url, cache=cache)
        case _:
            return Image(file_id=source.file_id, cache=cache)


def _document(block: DocumentBlock, _origin: str) -> File:
    source = block.source
    return File(
        data=source.data if isinstance(source, Base64Source) else "",
        text=source.data if isinstance(source, TextSource) else "",
        url=source.url if isinstance(source, UrlSource) else "",
        file_id=source.file_id if isinstance(source, FileSource) else "",
        media_type=source.media_type if isinstance(source, Base64Source | TextSource) else "",
        name=block.title or "",
        context=block.context or "",
        cite=block.citations is not None and block.citations.enabled,
        cache=ttl(block.cache_control),
    )


def _tool_use(block: ToolUseBlock, _origin: str) -> ToolCall:
    if not is_object(block.input):
        raise msgspec.ValidationError("Expected `object` - at `$.input`")
    arguments = bytes(block.input).decode()
    return ToolCall(id=block.id, name=block.name, arguments=arguments, cache=ttl(block.cache_control))


def _tool_result(block: ToolResultBlock, _origin: str) -> ToolResult:
    content = block.content
    parts: tuple[Text | Image | File | Opaque, ...]
    if isinstance(content, str):
        parts = (Text(content),) if content else ()
    else:
        parts = tuple(_INNER[type(one)](one, "") for one in content or ())
    return ToolResult(
        call_id=block.tool_use_id, parts=parts, is_error=bool(block.is_error), cache=ttl(block.cache_control)
    )


def _thinking(block: ThinkingBlock, origin: str) -> Reasoning:
    signed = block.signature
    return Reasoning(text=block.thinking, signature=signed, origin=origin if signed else "")


def _redacted(block: RedactedThinkingBlock, origin: str) -> Reasoning:
    return Reasoning(encrypted=block.data, origin=origin)


_INNER: dict[type, Callable[..., Text | Image | File]] = {
    TextBlock: _text,
    ImageBlock: _image,
    DocumentBlock: _document,
}
_PARTS: dict[type, Callable[..., Part]] = {
    **_INNER,
    ToolUseBlock: _tool_use,
    ToolResultBlock: _tool_result,
    ThinkingBlock: _thinking,
    RedactedThinkingBlock: _redacted,
}
