"""A provider's stream into deltas.

Source: https://docs.cohere.com/docs/streaming, .../tool-use-streaming, .../rag-streaming. Blocks and calls become parts
in the order in which they begin; whatever a block's number, `content-start` begins a new one. `message-end` is the end
mark: the `[DONE]` that some servers send after it says nothing more.
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
from meshwright.wire.cohere.citations import citations_in, place_in
from meshwright.wire.cohere.errors import decode_error
from meshwright.wire.cohere.response import finish_in, plain_tokens, tokens_in
from meshwright.wire.cohere.shapes import NAME, Chunk
from meshwright.wire.cohere.turns_in import MARK, PLAN
from meshwright.wire.cohere.usage import usage_in
from meshwright.wire.dialect import Target
from meshwright.wire.sse import EventCutter, events
from meshwright.wire.verbatim import NOTHING, is_object, is_string, present


class _Words(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    type: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: Raw = NOTHING
    tool_plan: str | None = None
    tool_calls: Raw = NOTHING
    citations: Raw = NOTHING


class Change(msgspec.Struct, gc=False):
    """`delta` of an event."""

    message: _Message | None = None
    finish_reason: str | None = None
    usage: Raw = NOTHING
    error: Raw = NOTHING


class Event(msgspec.Struct, gc=False):
    """Any event."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    index: int | None = None
    delta: Change | None = None
    logprobs: Chunk | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_WORDS: msgspec.json.Decoder[_Words] = msgspec.json.Decoder(_Words)
_CALL: msgspec.json.Decoder[_Call] = msgspec.json.Decoder(_Call)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_IN_EVENT = frozenset(Event.__struct_fields__)
_IN_END = frozenset({"finish_reason", "usage", "error"})


class Decoder:
    """The StreamDecoder of this dialect. Raises UpstreamProtocol on what is not JSON or not its events."""

    __slots__ = ("_begun", "_blocks", "_called", "_calls", "_cutter", "_kinds", "_parts", "_plan", "_text", "ended")

    def __init__(self, target: Target) -> None:
        self.ended = False
        self._begun = False
        self._called = False
        self._cutter = EventCutter()
        self._parts = 0
        self._plan: int | None = None
        self._text: int | None = None
        """The part of the last text, which citations without a block belong to."""
        self._blocks: dict[int, int] = {}
        """The part of each block that has begun, by the block's number; and of each call."""
        self._calls: dict[int, int] = {}
        self._kinds: dict[int, str] = {}

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
        if data.strip() == b"[DONE]":
            return
        event = EVENT.decode(data)
        kind = event.type or name.decode()
        message = (event.delta.message if event.delta else None) or _Message()
        if not self._begun and kind != "message-start" and (event.type or event.delta):
            self._begun = True
            found.append(Began())
        match kind:
            case "message-start":
                self._begun = True
                found.append(Began(id=event.id or "", model=event.model or ""))
            case "content-start":
                self._blocks.pop(event.index or 0, None)
                self._words(event, message.content, found, start=True)
            case "content-delta":
                self._words(event, message.content, found)
            case "content-end":
                self._stop(self._blocks, event.index, found)
            case "tool-plan-delta":
                self._planned(message.tool_plan or "", found)
            case "tool-call-start" | "tool-call-delta":
                self._call(event.index or 0, message.tool_calls, found)
            case "tool-call-end":
                self._stop(self._calls, event.index, found)
            case "citation-start":
                self._cite(message.citations, found)
            case "citation-end":
                pass
            case "message-end":
                self._end(event.delta or Change(), data, found)
                return
            case _ if not event.type and not event.delta:
                found.append(Failed(decode_error(502, data, None).message))
                self.ended = True
                return
            case _:
                found.append(OpaqueDelta(value=Opaque(NAME, f"event.{kind}", Raw(data))))
                return
        self._unknown(data, found)

    def _unknown(self, data: bytes, found: list[Delta]) -> None:
        for name, raw in _MEMBERS.decode(data).items():
            if name not in _IN_EVENT and present(raw):
                found.append(OpaqueDelta(value=Opaque(NAME, name, raw)))

    def _begin(self, kind: str) -> int:
        number = self._parts
        self._parts += 1
        self._kinds[number] = kind
        return number

    def _block(self, index: int, kind: str) -> int:
        """The part of a block. One that goes on as another kind, or was never begun, begins here."""
        number = self._blocks.get(index)
        if number is None or self._kinds[number] != kind:
            number = self._blocks[index] = self._begin(kind)
        if kind == "text":
            self._text = number
        return number

    def _words(self, event: Event, content: Raw, found: list[Delta], *, start: bool = False) -> None:
        index = event.index or 0
        words = _WORDS.decode(content) if is_object(content) else _Words(text=_said(content))
        if start and words.type not in (None, "text", "thinking"):
            number = self._blocks[index] = self._begin(words.type or "")
            found.append(OpaqueDelta(value=Opaque(NAME, words.type or "", content), part=number))
            return
        if words.thinking or (start and words.type == "thinking"):
            number = self._block(index, "thinking")
            if words.thinking:
                found.append(ReasoningDelta(part=number, text=words.thinking))
        chunks = [event.logprobs] if event.logprobs is not None else []
        if words.text or chunks or (start and words.type == "text"):
            number = self._block(index, "text")
            if words.text or chunks:
                found.append(TextDelta(part=number, text=words.text or "", logprobs=tokens_in(chunks)))
        if not plain_tokens(chunks):
            raw = Raw(msgspec.json.encode(chunks))
            found.append(OpaqueDelta(value=Opaque(NAME, "event.logprobs", raw)))

    def _stop(self, numbers: dict[int, int], index: int | None, found: list[Delta]) -> None:
        number = numbers.pop(index or 0, None)
        if number is not None:
            found.append(PartEnded(number))

    def _planned(self, words: str, found: list[Delta]) -> None:
        if self._plan is None:
            self._plan = self._begin("thinking")
            found.append(OpaqueDelta(value=Opaque(NAME, f"message.content[{self._plan}].{PLAN}", MARK)))
        if words:
            found.append(ReasoningDelta(part=self._plan, text=words))

    def _call(self, index: int, raw: Raw, found: list[Delta]) -> None:
        # The type says one call for each event; the words of the documentation speak of a list.
        self._called = True
        for one in [raw] if is_object(raw) else _LIST.decode(raw):
            call = _CALL.decode(one)
            function = call.function or _Function()
            number = self._calls.get(index)
            if number is None or (call.id and self._kinds[number] != call.id):
                number = self._calls[index] = self._begin(call.id or "")
                found.append(
                    ToolCallDelta(
                        part=number, id=call.id or "", name=function.name or "", arguments=function.arguments or ""
                    )
                )
            elif function.arguments:
                found.append(ToolCallDelta(part=number, arguments=function.arguments))

    def _cite(self, raw: Raw, found: list[Delta]) -> None:
        for one in [raw] if is_object(raw) else _LIST.decode(raw):
            place = place_in(one)
            number = self._blocks.get(place.content_index) if place.content_index is not None else self._text
            if number is None or self._kinds[number] != "text":
                number = self._text
            if place.type not in (None, "TEXT_CONTENT") or number is None:
                kept = Raw(msgspec.json.encode([one]))
                found.append(OpaqueDelta(value=Opaque(NAME, "message.citations", kept)))
                continue
            found += [CitationDelta(citation=cited, part=number) for cited in citations_in(place, one)]

    def _end(self, delta: Change, data: bytes, found: list[Delta]) -> None:
        self.ended = True
        if present(delta.error):
            words = _said(delta.error) or bytes(delta.error).decode()
            found.append(Failed(words[:2_000], kind=delta.finish_reason or ""))
            return
        extra: list[Opaque] = []
        self._unknown(data, found)
        members: dict[str, Any] = _MEMBERS.decode(data)
        if is_object(members.get("delta", Raw())):
            extra += [
                Opaque(NAME, name, raw)
                for name, raw in _MEMBERS.decode(members["delta"]).items()
                if name not in _IN_END and present(raw)
            ]
        if present(delta.usage):
            usage, more = usage_in(delta.usage)
            extra += more
            if usage is not None:
                found.append(UsageDelta(usage))
        if delta.finish_reason is not None:
            finish, more = finish_in(delta.finish_reason, self._called)
            extra += more
            found.append(Finished(finish=finish))
        found += [OpaqueDelta(value=one) for one in extra]
        found.append(Ended())


def _said(raw: Raw) -> str:
    return _STRING.decode(raw) if is_string(raw) else ""
