"""Content blocks into parts: a strict reading for what is usual, a patient one that loses nothing for the rest.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html. A `cachePoint` is a block
of its own here and a mark of the part before it in `types`. Members that a part has no place for are put aside by their
path in the block ("toolUse.x", "content[0].image.x").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw

from meshwright.types.content import (
    Audio,
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
from meshwright.wire.bedrock_converse.citations import cited_text
from meshwright.wire.bedrock_converse.media import audio_in, document_in, image_in, known_source
from meshwright.wire.bedrock_converse.shapes import (
    NAME,
    AudioBlock,
    Block,
    CachePoint,
    DocumentBlock,
    ImageBlock,
    Inner,
    ReasoningBlock,
    Strict,
    ToolResultBlock,
    ToolUseBlock,
)
from meshwright.wire.verbatim import below, members, present, raw_of

T = TypeVar("T")
Aside = tuple[str, Raw]
"""A member of a block that `types` has no place for: its path within the block, and its bytes."""

GUARDED = "guardContent"
"""The path of the qualifiers of a text that a guardrail shall look at; the text itself is a plain part."""
JSON_MARK = "json"
"""The path of the mark that a tool's result came as JSON; the part holds it as text."""

_STRICT: msgspec.json.Decoder[Block] = msgspec.json.Decoder(Block)
_INNER: msgspec.json.Decoder[Inner] = msgspec.json.Decoder(Inner)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_SHAPES: Mapping[str, type[Strict]] = {
    "image": ImageBlock,
    "document": DocumentBlock,
    "audio": AudioBlock,
    "toolUse": ToolUseBlock,
    "toolResult": ToolResultBlock,
}
_DECODERS: Mapping[str, msgspec.json.Decoder[Strict]] = {
    name: msgspec.json.Decoder(shape) for name, shape in _SHAPES.items()
}
_MEDIA = ("image", "document", "audio")
_NULL = Raw(b"null")
_TYPE_MARK = "__type"
"""What some AWS clients write beside the member of a union."""


class _GuardedText(Strict):
    text: str
    qualifiers: Raw = _NULL


class _Guarded(Strict):
    text: _GuardedText


_GUARDED: msgspec.json.Decoder[_Guarded] = msgspec.json.Decoder(_Guarded)
_MARK: msgspec.json.Decoder[CachePoint] = msgspec.json.Decoder(CachePoint)


class Reading:
    """Parts in the making, from the blocks of one turn. `origin` is who signed its thoughts."""

    __slots__ = ("_origin", "parts")

    def __init__(self, origin: str = "") -> None:
        self._origin = origin
        self.parts: list[tuple[Part, list[Aside]]] = []

    def strictly(self, blocks: Iterable[Block]) -> None:
        """Take strictly decoded blocks in. Raises ValidationError at what is not usual."""
        for block in blocks:
            found = _part(block, self._origin)
            if isinstance(found, CachePoint):
                self._mark(found, None)
            else:
                self.parts.append(found)

    def add(self, raw: Raw) -> None:
        """Take any block in. Raises ValidationError (with the path in the block)."""
        try:
            found = _part(_STRICT.decode(raw), self._origin)
        except msgspec.ValidationError:
            found = _patiently(raw, self._origin)
        if isinstance(found, CachePoint):
            self._mark(found, raw)
        else:
            self.parts.append(found)

    def _mark(self, mark: CachePoint, raw: Raw | None) -> None:
        ttl: Ttl = mark.ttl or "5m"
        part, asides = self.parts[-1] if self.parts else (None, [])
        if isinstance(part, Text | Image | File | ToolCall | ToolResult) and part.cache is None:
            self.parts[-1] = (msgspec.structs.replace(part, cache=ttl), asides)
            return
        if raw is None:
            raw = raw_of({"cachePoint": {"type": "default", **({"ttl": mark.ttl} if mark.ttl else {})}})
        self.parts.append((Opaque(NAME, "cachePoint", raw), []))


def _part(block: Block, origin: str) -> tuple[Part, list[Aside]] | CachePoint:
    """The part of a strictly decoded block. Raises ValidationError when it is not a usual one."""
    given = [one for one in msgspec.structs.astuple(block) if one is not None]
    if len(given) != 1:
        raise msgspec.ValidationError("A block has exactly one member")
    found = given[0]
    match found:
        case str():
            return Text(found), []
        case ToolUseBlock():
            return _call(found), []
        case ToolResultBlock():
            return _result(found)
        case ReasoningBlock():
            return _thought(found, origin), []
        case CachePoint():
            return found
    part = _medium(found)
    if part is None:
        raise msgspec.ValidationError("An unusual source")
    return part, []


def _medium(block: object) -> Image | File | Audio | None:
    match block:
        case ImageBlock():
            return image_in(block)
        case DocumentBlock():
            return document_in(block)
        case AudioBlock():
            return audio_in(block)
    raise TypeError(block)


def _call(block: ToolUseBlock) -> ToolCall:
    return ToolCall(id=block.tool_use_id, name=block.name, arguments=bytes(block.input).decode())


def _thought(block: ReasoningBlock, origin: str) -> Reasoning:
    said = block.reasoning_text
    if (said is None) == (block.redacted_content is None):
        raise msgspec.ValidationError("Reasoning has exactly one member")
    if said is None:
        return Reasoning(encrypted=block.redacted_content or "", origin=origin)
    return Reasoning(text=said.text, signature=said.signature or "", origin=origin if said.signature else "")


def _result(block: ToolResultBlock) -> tuple[ToolResult, list[Aside]]:
    parts, asides = [], []
    for index, inner in enumerate(block.content):
        part, further = _inner(inner)
        parts.append(part)
        asides += [(f"content[{index}].{name}", value) for name, value in further]
    result = ToolResult(call_id=block.tool_use_id, parts=tuple(parts), is_error=block.status == "error")
    return result, asides


def _inner(block: Inner) -> tuple[Text | Image | File, list[Aside]]:
    if (block.text is not None) + bool(block.json) + (block.image is not None) + (block.document is not None) != 1:
        raise msgspec.ValidationError("A block of a result has exactly one member")
    if block.text is not None:
        return Text(block.text), []
    if block.json:
        return Text(bytes(block.json).decode()), [(JSON_MARK, _NULL)]
    part = image_in(block.image) if block.image is not None else document_in(block.document or _never())
    if part is None:
        raise msgspec.ValidationError("An unusual source")
    return part, []


def _never() -> DocumentBlock:
    raise AssertionError("one of the four was given")


def _patiently(raw: Raw, origin: str) -> tuple[Part, list[Aside]] | CachePoint:
    kind, value = _only(raw)
    if kind == "text":
        return Text(_at(kind, _STRING, value)), []
    if kind == "cachePoint":
        return _unless_strange(_MARK, value) or (Opaque(NAME, kind, raw), [])
    if kind == GUARDED:
        guarded = _unless_strange(_GUARDED, value)
        if guarded is None:
            return Opaque(NAME, kind, raw), []
        qualifiers = guarded.text.qualifiers
        return Text(guarded.text.text), [(GUARDED, qualifiers if present(qualifiers) else Raw(b"[]"))]
    if kind == "citationsContent":
        try:
            return cited_text(value), []
        except msgspec.ValidationError:
            members(value)
            return Opaque(NAME, kind, raw), []
    if kind == "reasoningContent":
        thought = _unless_strange(_THOUGHT, value)
        return (Opaque(NAME, kind, raw), []) if thought is None else (_thought(thought, origin), [])
    if kind not in _SHAPES:
        return Opaque(NAME, kind, raw), []
    try:
        return _known(kind, value) or (Opaque(NAME, kind, raw), [])
    except msgspec.ValidationError as error:
        raise below(error, kind) from None


_THOUGHT: msgspec.json.Decoder[ReasoningBlock] = msgspec.json.Decoder(ReasoningBlock)


def _only(raw: Raw) -> tuple[str, Raw]:
    """The block's one member. Raises ValidationError when it has none or several."""
    given = members(raw)
    given.pop(_TYPE_MARK, None)
    if len(given) != 1:
        said = ", ".join(sorted(given)[:4]) or "none"
        raise msgspec.ValidationError(f"A block has exactly one member such as `text` or `image`, here {said}")
    return next(iter(given.items()))


def _known(kind: str, value: Raw) -> tuple[Part, list[Aside]] | None:
    """A usual kind of block with unusual members; None when it is to be kept whole."""
    given = members(value)
    shape = _SHAPES[kind]
    known = {name: one for name, one in given.items() if name in shape.__struct_encode_fields__}
    asides = [(f"{kind}.{name}", one) for name, one in given.items() if name not in shape.__struct_encode_fields__]
    if kind == "toolUse" and "type" in given:
        return None  # a tool of the provider's own, which it has called itself
    if kind in _MEDIA and "source" in known and not known_source(known["source"]):
        return None
    inner = known.pop("content", None) if kind == "toolResult" else None
    if inner is not None:
        known["content"] = Raw(b"[]")
    block = _DECODERS[kind].decode(msgspec.json.encode(known))
    if isinstance(block, ToolUseBlock):
        return _call(block), asides
    if isinstance(block, ToolResultBlock):
        result, _ = _result(block)
        return (_with_content(result, inner, asides) if inner is not None else result), asides
    part = _medium(block)
    return None if part is None else (part, asides)


def _with_content(result: ToolResult, content: Raw, asides: list[Aside]) -> ToolResult:
    try:
        blocks = _LIST.decode(content)
    except msgspec.ValidationError as error:
        raise below(error, "content") from None
    parts: list[Text | Image | File | Opaque] = []
    for index, raw in enumerate(blocks):
        try:
            part, further = _any_inner(raw)
        except msgspec.ValidationError as error:
            raise below(error, f"content[{index}]") from None
        parts.append(part)
        asides += [(f"content[{index}].{name}", value) for name, value in further]
    return msgspec.structs.replace(result, parts=tuple(parts))


def _any_inner(raw: Raw) -> tuple[Text | Image | File | Opaque, list[Aside]]:
    try:
        return _inner(_INNER.decode(raw))
    except msgspec.ValidationError:
        kind, value = _only(raw)
    if kind == "text":
        return Text(_at(kind, _STRING, value)), []
    if kind == JSON_MARK:
        return Text(bytes(value).decode()), [(JSON_MARK, _NULL)]
    if kind in ("image", "document"):
        try:
            found = _known(kind, value)
        except msgspec.ValidationError as error:
            raise below(error, kind) from None
        if found is not None and isinstance(found[0], Image | File):
            return found[0], found[1]
    return Opaque(NAME, kind, raw), []


def _unless_strange(decoder: msgspec.json.Decoder[T], value: Raw) -> T | None:
    """The value, None when it has members that are not known. Raises ValidationError when it is no object."""
    members(value)
    try:
        return decoder.decode(value)
    except msgspec.ValidationError:
        return None


def _at(path: str, decoder: msgspec.json.Decoder[T], value: Raw) -> T:
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise below(error, path) from None
