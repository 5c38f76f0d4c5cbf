"""A provider's stream into deltas.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming. Blocks become parts in the order in which they
say their first word; what a stream tells beside its text (container, usage of server tools, ...) comes at its end.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import (
    Began,
    CitationDelta,
    Delta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.wire.anthropic_messages.blocks_in import asides_of
from meshwright.wire.anthropic_messages.citations import citation_in
from meshwright.wire.anthropic_messages.response import FINISHES
from meshwright.wire.anthropic_messages.shapes import (
    NAME,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)
from meshwright.wire.anthropic_messages.usage import COUNTS, Counts, counts_extra
from meshwright.wire.dialect import Target
from meshwright.wire.sse import EventCutter, events
from meshwright.wire.verbatim import NOTHING, compact, is_object, is_string, present


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The members of all content deltas."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    citation: Raw = NOTHING


class _Piece(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """`content_block_delta` as it nearly always is."""

    type: str
    index: int
    delta: _Delta


class Head(msgspec.Struct):
    """`message` of `message_start`."""

    id: str = ""
    model: str = ""
    usage: Raw = NOTHING


class _Event(msgspec.Struct):
    """Any event. `type` missing: some proxies name events only on the `event:` line."""

    type: str = ""
    index: int = 0
    message: Raw = NOTHING
    content_block: Raw = NOTHING
    delta: Raw = NOTHING
    usage: Raw = NOTHING
    error: Raw = NOTHING


class _Close(msgspec.Struct):
    """`delta` of `message_delta`."""

    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Verbatim:
    """A block that only this dialect understands, put together from its start and its deltas."""

    __slots__ = ("json", "kind", "members")

    def __init__(self, kind: str, members: dict[str, Any]) -> None:
        self.kind = kind
        self.members = members
        self.json: list[str] = []

    def add(self, delta: dict[str, Raw]) -> None:
        """Take a delta in: pieces of JSON make up `input`, words are joined, anything else replaces."""
        for name, raw in delta.items():
            if name == "partial_json":
                self.json.append(_STRING.decode(raw))
            elif name != "type":
                before = self.members.get(name)
                if before is not None and is_string(raw) and is_string(before):
                    raw = Raw(msgspec.json.encode(_STRING.decode(before) + _STRING.decode(raw)))
                self.members[name] = raw

    def opaque(self) -> Opaque:
        """The block as a whole."""
        said = "".join(self.json)
        if said.strip():
            _ANYTHING.decode(said)
            self.members["input"] = Raw(said.encode())
        return Opaque(NAME, self.kind, Raw(msgspec.json.encode(self.members)))


_PIECE: msgspec.json.Decoder[_Piece] = msgspec.json.Decoder(_Piece)
_DELTA: msgspec.json.Decoder[_Delta] = msgspec.json.Decoder(_Delta)
_EVENT: msgspec.json.Decoder[_Event] = msgspec.json.Decoder(_Event)
HEAD: msgspec.json.Decoder[Head] = msgspec.json.Decoder(Head)
_CLOSE: msgspec.json.Decoder[_Close] = msgspec.json.Decoder(_Close)
_ERROR: msgspec.json.Decoder[_Error] = msgspec.json.Decoder(_Error)
_STARTS = TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock
_START: msgspec.json.Decoder[_STARTS] = msgspec.json.Decoder(_STARTS)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_ANYTHING: msgspec.json.Decoder[Raw] = msgspec.json.Decoder(Raw)
_IN_HEAD = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})
_IN_PIECE = frozenset({"type", "index", "delta"})
_IN_EVENT = frozenset({"type", "delta", "usage"})
_IN_CLOSE = frozenset({"stop_reason", "stop_sequence"})
_USUAL = ("text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta")
_WORDS: dict[str, tuple[type[_STARTS], str, object]] = {
    "text": (TextBlock, "text", ""),
    "thinking": (ThinkingBlock, "thinking", ""),
    "tool_use": (ToolUseBlock, "input", {}),
}
"""Blocks whose words deltas bring: some servers leave the member out at the start."""
_EMPTY = (b"{}", b"null", b"")


class _Block:
    """A block that has begun: its part's number once it has one, and what it was at its start."""

    __slots__ = ("number", "start", "words")

    def __init__(self, start: _STARTS | _Verbatim) -> None:
        self.start = start
        self.number: int | None = None
        self.words = False


class Decoder:
    """The StreamDecoder of this dialect. Raises UpstreamProtocol on what is not JSON or not its events."""

    __slots__ = ("_blocks", "_counts", "_cutter", "_extra", "_numbers", "_origin", "ended")

    def __init__(self, target: Target) -> None:
        self.ended = False
        self._cutter = EventCutter()
        self._blocks: dict[int, _Block] = {}
        self._numbers = 0
        self._origin = target.origin
        self._counts = Counts()
        self._extra: dict[str, Opaque] = {}

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas of the events that `data` completes."""
        block = self._cutter.whole(data)
        if not block:
            return ()
        found: list[Delta] = []
        try:
            for name, event in events(block):
                if not self.ended:
                    self._event(name, event, found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        return tuple(found)

    def _event(self, name: bytes, data: bytes, found: list[Delta]) -> None:
        if b'"content_block_delta"' in data:
            piece: _Piece | None
            try:
                piece = _PIECE.decode(data)
            except msgspec.ValidationError:
                piece = None  # an unusual delta, or another event whose words hold the name of this one
            usual = piece is not None and piece.type == "content_block_delta"
            if piece is not None and usual and self._piece(piece.index, piece.delta, found):
                return
        event = _EVENT.decode(data)
        match event.type or name.decode():
            case "message_start":
                self._began(event, found)
            case "content_block_start":
                self._start(event, found)
            case "content_block_delta":
                self._unusual(event, data, found)
            case "content_block_stop":
                self._stop(event.index, found)
            case "message_delta":
                self._close(event, data, found)
            case "message_stop":
                found += [OpaqueDelta(value=extra) for extra in self._extra.values()]
                found.append(Ended())
                self.ended = True
            case "error":
                error = _ERROR.decode(event.error) if is_object(event.error) else _Error()
                words = error.message or data.decode(errors="replace")[:2_000]
                found.append(Failed(words, kind=error.type))
                self.ended = True
            case "ping":
                pass
            case kind:
                found.append(OpaqueDelta(value=Opaque(NAME, f"event.{kind}", Raw(data))))

    def _began(self, event: _Event, found: list[Delta]) -> None:
        members = _MEMBERS.decode(event.message)
        head = HEAD.decode(event.message)
        self._keep(members, _IN_HEAD)
        usage = None
        if present(head.usage):
            self._count(head.usage)
            usage = self._counts.usage()
        found.append(Began(id=head.id, model=head.model, usage=usage, service_tier=self._counts.service_tier or ""))
        # Some compatible servers send content along with the start instead of an empty list.
        if compact(members.get("content", Raw(b"[]"))) not in (b"[]", b"null"):
            found.append(OpaqueDelta(value=Opaque(NAME, "event.message_start.content", members["content"])))

    def _count(self, raw: Raw) -> None:
        self._counts = self._counts.updated(COUNTS.decode(raw))
        for extra in counts_extra(raw):
            self._extra[extra.kind] = extra

    def _keep(self, members: dict[str, Raw], known: frozenset[str]) -> None:
        for name, raw in members.items():
            if name not in known and present(raw):
                self._extra[name] = Opaque(NAME, name, raw)

    def _thought(self, block: _Block, *, text: str = "", signature: str = "", encrypted: str = "") -> ReasoningDelta:
        """What is bound to the provider, or may be."""
        number, origin = self._number(block), self._origin
        return ReasoningDelta(part=number, text=text, signature=signature, encrypted=encrypted, origin=origin)

    def _number(self, block: _Block) -> int:
        if block.number is None:
            block.number = self._numbers
            self._numbers += 1
        return block.number

    def _start(self, event: _Event, found: list[Delta]) -> None:
        start: _STARTS | _Verbatim
        try:
            start = _START.decode(event.content_block)
        except msgspec.ValidationError:
            start = self._unusual_start(event.content_block, found)
        block = self._blocks[event.index] = _Block(start)
        match start:
            case TextBlock():
                if start.text:
                    found.append(TextDelta(text=start.text, part=self._number(block)))
                found += [
                    CitationDelta(citation=citation_in(one), part=self._number(block)) for one in start.citations or ()
                ]
            case ThinkingBlock():
                if start.thinking or start.signature:
                    found.append(self._thought(block, text=start.thinking, signature=start.signature))
            case RedactedThinkingBlock():
                found.append(self._thought(block, encrypted=start.data))
            case ToolUseBlock():
                number = self._number(block)
                for path, raw in asides_of(start):
                    found.append(OpaqueDelta(value=Opaque(NAME, f"message.content[{number}].{path}", raw)))
                block.words = compact(start.input) not in _EMPTY
                arguments = bytes(start.input).decode() if block.words else ""
                found.append(ToolCallDelta(part=number, id=start.id, name=start.name, arguments=arguments))

    def _unusual_start(self, raw: Raw, found: list[Delta]) -> _STARTS | _Verbatim:
        """A block of another kind, or a usual one with members (or without some) that it does not usually have."""
        members = _MEMBERS.decode(raw)
        kind = _STRING.decode(members["type"]) if "type" in members else ""
        if kind not in _WORDS:
            return _Verbatim(kind or "unknown", dict(members))
        shape, words, nothing = _WORDS[kind]
        known = {name: value for name, value in members.items() if name in shape.__struct_fields__ and present(value)}
        start = _START.decode(msgspec.json.encode({words: nothing, **known, "type": kind}))
        for name, value in members.items():
            if name != "type" and name not in shape.__struct_fields__ and present(value):
                path = f"message.content[{self._numbers}].{name}"
                found.append(OpaqueDelta(value=Opaque(NAME, path, value)))
        return start

    def _piece(self, index: int, delta: _Delta, found: list[Delta]) -> bool:
        """A usual delta of a usual block; False when it is neither."""
        block = self._blocks.get(index)
        if block is None:
            raise UpstreamProtocol(f"The provider's stream goes on with block {index}, which has not begun.")
        match delta.type, block.start:
            case "text_delta", TextBlock():
                if delta.text:
                    found.append(TextDelta(text=delta.text, part=self._number(block)))
            case "input_json_delta", ToolUseBlock():
                if delta.partial_json:
                    block.words = True
                    found.append(ToolCallDelta(part=self._number(block), arguments=delta.partial_json))
            case "thinking_delta", ThinkingBlock():
                if delta.thinking:
                    found.append(ReasoningDelta(part=self._number(block), text=delta.thinking))
            case "signature_delta", ThinkingBlock():
                if delta.signature:
                    found.append(self._thought(block, signature=delta.signature))
            case "citations_delta", TextBlock():
                found.append(CitationDelta(citation=citation_in(delta.citation), part=self._number(block)))
            case _:
                return False
        return True

    def _unusual(self, event: _Event, data: bytes, found: list[Delta]) -> None:
        """A delta of a verbatim block, one with members that we do not know, or one of an unknown kind."""
        block = self._blocks.get(event.index)
        members = _MEMBERS.decode(event.delta)
        if block is None:
            raise UpstreamProtocol(f"The provider's stream goes on with block {event.index}, which has not begun.")
        if isinstance(block.start, _Verbatim):
            block.start.add(members)
            return
        kind = _STRING.decode(members["type"]) if "type" in members else ""
        known = {name: raw for name, raw in members.items() if name in _Delta.__struct_fields__ and present(raw)}
        if kind in _USUAL and self._piece(event.index, _DELTA.decode(msgspec.json.encode(known)), found):
            strange = {name: raw for name, raw in _MEMBERS.decode(data).items() if name not in _IN_PIECE}
            strange.update((name, raw) for name, raw in members.items() if name not in _Delta.__struct_fields__)
            self._keep({f"delta.{name}": raw for name, raw in strange.items()}, frozenset())
            return
        found.append(OpaqueDelta(value=Opaque(NAME, f"event.{event.type}", Raw(data))))

    def _stop(self, index: int, found: list[Delta]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if isinstance(block.start, _Verbatim):
            found.append(OpaqueDelta(value=block.start.opaque(), part=self._number(block)))
        elif isinstance(block.start, ToolUseBlock) and not block.words:
            # A tool without arguments says none in a stream and {} in a whole answer.
            found.append(ToolCallDelta(part=self._number(block), arguments="{}"))
        if block.number is not None:
            found.append(PartEnded(block.number))

    def _close(self, event: _Event, data: bytes, found: list[Delta]) -> None:
        if present(event.usage):
            self._count(event.usage)
            found.append(UsageDelta(self._counts.usage()))
        self._keep(_MEMBERS.decode(data), _IN_EVENT)
        if not present(event.delta):
            return
        self._keep(_MEMBERS.decode(event.delta), _IN_CLOSE)
        close = _CLOSE.decode(event.delta)
        if close.stop_reason is not None:
            finish = FINISHES.get(close.stop_reason)
            if finish is None:
                raw = Raw(msgspec.json.encode(close.stop_reason))
                self._extra["stop_reason"] = Opaque(NAME, "stop_reason", raw)
            found.append(Finished(finish=finish or "unknown", stop=close.stop_sequence or ""))
