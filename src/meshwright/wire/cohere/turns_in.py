"""Messages of the wire into messages of `types`.

Source: https://docs.cohere.com/reference/chat. A turn's plan (`tool_plan`) is its first thought, its calls are its last
parts, its citations belong to the text that they stand in.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import (
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.wire.cohere.citations import citations_in, place_in
from meshwright.wire.cohere.documents import Aside, file_in, paper_text
from meshwright.wire.cohere.shapes import (
    BLOCKS,
    NAME,
    Block,
    Call,
    DocumentBlock,
    Function,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    Turn,
)
from meshwright.wire.verbatim import below, present, raw_of

MARK = Raw(b"null")
"""The value of a mark that this dialect sets for itself."""
PLAN = "tool_plan"

_TURN: msgspec.json.Decoder[Turn] = msgspec.json.Decoder(Turn)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_CONTENT: msgspec.json.Decoder[str | list[Raw] | None] = msgspec.json.Decoder(str | list[Raw] | None)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_BLOCK: msgspec.json.Decoder[Block] = msgspec.json.Decoder(Block)

Read = Block | Opaque
"""A block, or one that is not known."""


class Reading:
    """A turn as it was read: its blocks, and members that have no place, by their path in the turn."""

    __slots__ = ("blocks", "turn", "unknown")

    def __init__(self, raw: Raw) -> None:
        self.unknown: list[tuple[int | None, str, Raw]] = []
        """(number of the block, or None for the turn itself; path; value)"""
        self.blocks: list[Read] = []
        try:
            self.turn = _TURN.decode(raw)
        except msgspec.ValidationError:
            self.blocks = self._patiently(raw)
            return
        content = self.turn.content
        if isinstance(content, str):
            self.blocks = [TextBlock(content)] if content else []
        elif content:
            self.blocks = list(content)

    def _patiently(self, raw: Raw) -> list[Read]:
        members = {name: value for name, value in _MEMBERS.decode(raw).items() if present(value)}
        content = members.pop("content", Raw(b"null"))
        for name in members.keys() - set(Turn.__struct_fields__):
            self.unknown.append((None, name, members.pop(name)))
        if "tool_calls" in members:
            try:
                calls = [self._call(call, number) for number, call in enumerate(_LIST.decode(members["tool_calls"]))]
            except msgspec.ValidationError as error:
                raise below(error, "tool_calls") from None
            members["tool_calls"] = Raw(msgspec.json.encode(calls))
        self.turn = _TURN.decode(msgspec.json.encode(members))
        try:
            said = _CONTENT.decode(content)
        except msgspec.ValidationError as error:
            raise below(error, "content") from None
        if isinstance(said, str):
            return [TextBlock(said)] if said else []
        found: list[Read] = []
        for number, block in enumerate(said or ()):
            try:
                found.append(self._block(block, number))
            except msgspec.ValidationError as error:
                raise below(error, f"content[{number}]") from None
        return found

    def _block(self, raw: Raw, number: int) -> Read:
        try:
            return _BLOCK.decode(raw)
        except msgspec.ValidationError:
            members = {name: value for name, value in _MEMBERS.decode(raw).items() if present(value)}
        if "type" not in members:
            raise msgspec.ValidationError("Object missing required field `type`")
        try:
            kind = _STRING.decode(members["type"])
        except msgspec.ValidationError as error:
            raise below(error, "type") from None
        shape = BLOCKS.get(kind)
        if shape is None:
            return Opaque(NAME, kind, raw)
        known = {name: value for name, value in members.items() if name in ("type", *shape.__struct_fields__)}
        self.unknown += [(number, name, value) for name, value in members.items() if name not in known]
        inner = known.get(kind, Raw())
        if kind in ("document", "image_url") and present(inner):
            known[kind] = self._inner(inner, kind, number)
        return _BLOCK.decode(msgspec.json.encode(known))

    def _inner(self, raw: Raw, kind: str, number: int) -> Raw:
        """The known members of a document or an address."""
        try:
            members = _MEMBERS.decode(raw)
        except msgspec.ValidationError as error:
            raise below(error, kind) from None
        names = ("data", "id") if kind == "document" else ("url", "detail")
        for name in members.keys() - set(names):
            self.unknown.append((number, f"{kind}.{name}", members.pop(name)))
        return Raw(msgspec.json.encode({name: value for name, value in members.items() if present(value)}))

    def _call(self, raw: Raw, number: int) -> dict[str, object]:
        known: dict[str, object] = {}
        try:
            members = _MEMBERS.decode(raw)
            inner = _MEMBERS.decode(members["function"]) if present(members.get("function", Raw())) else {}
        except msgspec.ValidationError as error:
            raise below(error, f"[{number}]") from None
        for name, value in members.items():
            if name in Call.__struct_fields__ and not (name == "type" and bytes(value) != b'"function"'):
                known[name] = value
            elif present(value):
                self.unknown.append((None, f"tool_calls[{number}].{name}", value))
        known["function"] = {name: value for name, value in inner.items() if name in Function.__struct_fields__}
        for name, value in inner.items():
            if name not in Function.__struct_fields__ and present(value):
                self.unknown.append((None, f"tool_calls[{number}].function.{name}", value))
        return known


def parts_in(reading: Reading, cite: bool = True) -> tuple[list[Part], list[Aside]]:
    """The parts of a turn that is no result, and what has no place in them. Raises ValidationError."""
    turn = reading.turn
    parts: list[Part] = []
    asides: list[Aside] = []
    if turn.tool_plan:
        parts.append(Reasoning(text=turn.tool_plan))
        asides.append((f"content[0].{PLAN}", MARK))
    first = len(parts)
    for number, block in enumerate(reading.blocks):
        try:
            parts.append(part_in(block, cite))
        except msgspec.ValidationError as error:
            raise below(error, f"content[{number}].document") from None
        if isinstance(block, DocumentBlock) and block.document.id is not None:
            asides.append((f"content[{first + number}].document.id", raw_of(block.document.id)))
    asides += [
        (path if number is None else f"content[{first + number}].{path}", raw) for number, path, raw in reading.unknown
    ]
    asides += _cite(turn.citations or (), parts, first)
    parts += [_call_in(call) for call in turn.tool_calls or ()]
    return parts, asides


def part_in(block: Read, cite: bool = True) -> Part:
    """What a block means. Raises ValidationError."""
    match block:
        case TextBlock():
            return Text(block.text)
        case ThinkingBlock():
            return Reasoning(text=block.thinking)
        case ImageBlock():
            return _image(block)
        case DocumentBlock():
            return file_in(block.document.data, cite)
        case _:
            return block


def _image(block: ImageBlock) -> Image:
    url, detail = block.image_url.url, block.image_url.detail or ""
    head, found, data = url.partition(";base64,")
    if found and head.startswith("data:"):
        return Image(data=data, media_type=head.removeprefix("data:"), detail=detail)
    return Image(url=url, detail=detail)


def _call_in(call: Call) -> ToolCall:
    arguments = call.function.arguments
    return ToolCall(id=call.id, name=call.function.name, arguments="{}" if arguments is None else arguments)


def _cite(citations: Sequence[Raw], parts: list[Part], first: int) -> list[Aside]:
    """Give each citation to its text; those of a plan or a thought stay with the message."""
    left: list[Raw] = []
    texts = [number for number, part in enumerate(parts) if isinstance(part, Text)]
    for number, raw in enumerate(citations):
        try:
            place = place_in(raw)
            where = first + place.content_index if place.content_index is not None else texts[0] if texts else -1
            if place.type not in (None, "TEXT_CONTENT") or where not in texts:
                left.append(raw)
                continue
            text = parts[where]
            if isinstance(text, Text):
                cited = (*text.citations, *citations_in(place, raw))
                parts[where] = msgspec.structs.replace(text, citations=cited)
        except msgspec.ValidationError as error:
            raise below(error, f"citations[{number}]") from None
    return [("citations", raw_of(left))] if left else []


class Conversation:
    """Messages in the making: results that follow each other are one message."""

    __slots__ = ("_cite", "messages")

    def __init__(self, cite: bool) -> None:
        self.messages: list[Message] = []
        self._cite = cite

    def add(self, raw: Raw) -> None:
        """Take the next message in. Raises ValidationError with the path in the message."""
        reading = Reading(raw)
        if reading.turn.role is None:
            raise msgspec.ValidationError("Object missing required field `role`")
        if reading.turn.role == "tool":
            self._result(reading)
            return
        parts, asides = parts_in(reading, self._cite)
        if reading.turn.tool_call_id is not None:
            asides.append(("tool_call_id", raw_of(reading.turn.tool_call_id)))
        role: Role = reading.turn.role
        self.messages.append(Message(role, tuple(parts), extra=_kept(asides)))

    def _result(self, reading: Reading) -> None:
        turn = reading.turn
        if turn.tool_call_id is None:
            raise msgspec.ValidationError("Object missing required field `tool_call_id`")
        parts: list[Text | Image | File | Opaque] = []
        asides: list[Aside] = []
        for number, block in enumerate(reading.blocks):
            if isinstance(block, DocumentBlock):
                parts.append(Text(paper_text(block.document)))
                asides.append((f"content[{number}].document", MARK))
                if block.document.id is not None:
                    asides.append((f"content[{number}].document.id", raw_of(block.document.id)))
            else:
                part = part_in(block)
                # A thought among results is of no kind that a result has: it stays as it is.
                parts.append(
                    part if isinstance(part, Text | Image | Opaque) else Opaque(NAME, "thinking", raw_of(block))
                )
        asides += [(path if n is None else f"content[{n}].{path}", raw) for n, path, raw in reading.unknown]
        for name, value in ((PLAN, turn.tool_plan), ("tool_calls", turn.tool_calls), ("citations", turn.citations)):
            if value:
                asides.append((name, raw_of(value)))
        before = self.messages[-1] if self.messages and self.messages[-1].role == "tool" else Message("tool")
        place = len(before.parts)
        if place:
            self.messages.pop()
        extra = _kept([(f"content[{place}].{path}", raw) for path, raw in asides])
        result = ToolResult(call_id=turn.tool_call_id, parts=tuple(parts))
        self.messages.append(Message("tool", (*before.parts, result), extra=before.extra + extra))


def _kept(asides: list[Aside]) -> tuple[Opaque, ...]:
    return tuple(Opaque(NAME, path, raw) for path, raw in asides)
