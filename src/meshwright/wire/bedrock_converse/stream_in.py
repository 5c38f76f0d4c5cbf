"""A provider's stream into deltas.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and
..._ConverseStreamOutput.html. Text and reasoning begin without a start event. `metadata` is the last event; `p`,
padding against guessing words from sizes, means nothing. Blocks become parts in the order in which they say their first
word.
"""

from __future__ import annotations

import binascii

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
from meshwright.wire.bedrock_converse.citations import citation_in
from meshwright.wire.bedrock_converse.errors import said
from meshwright.wire.bedrock_converse.eventstream import Frame, FrameCutter
from meshwright.wire.bedrock_converse.media import image_in
from meshwright.wire.bedrock_converse.response import FINISHES, finish_in, told_metrics
from meshwright.wire.bedrock_converse.shapes import NAME, ImageBlock, Source, Strict
from meshwright.wire.bedrock_converse.usage import usage_in
from meshwright.wire.complaints import LONGEST
from meshwright.wire.dialect import Target
from meshwright.wire.fold import WHOLE
from meshwright.wire.verbatim import NOTHING, members, present, raw_of


class _Input(Strict):
    input: str = ""


class _Thought(Strict):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Delta(Strict):
    text: str | None = None
    tool_use: _Input | None = None
    reasoning_content: _Thought | None = None
    citation: Raw = NOTHING


class _Piece(Strict):
    """`contentBlockDelta` as it nearly always is."""

    delta: _Delta
    content_block_index: int = 0
    p: Raw = NOTHING


class _Event(msgspec.Struct, rename="camel", gc=False):
    """The other events of blocks."""

    content_block_index: int = 0
    start: Raw = NOTHING
    delta: Raw = NOTHING


class _Called(msgspec.Struct, rename="camel", gc=False):
    tool_use_id: str
    name: str


class _Stop(msgspec.Struct, rename="camel", gc=False):
    stop_reason: str | None = None


class _Block:
    """A block that has begun: its kind, its part's number once it has one, and what it collects until its end."""

    __slots__ = ("blobs", "kind", "number", "start", "words")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.number: int | None = None
        self.words: list[str] = []
        self.blobs: list[Raw] = []
        self.start: dict[str, Raw] = {}


_PIECE: msgspec.json.Decoder[_Piece] = msgspec.json.Decoder(_Piece)
_EVENT: msgspec.json.Decoder[_Event] = msgspec.json.Decoder(_Event)
_CALLED: msgspec.json.Decoder[_Called] = msgspec.json.Decoder(_Called)
_STOP: msgspec.json.Decoder[_Stop] = msgspec.json.Decoder(_Stop)
_INPUT: msgspec.json.Decoder[_Input] = msgspec.json.Decoder(_Input)
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_SOURCE: msgspec.json.Decoder[Source] = msgspec.json.Decoder(Source)
_ANY: msgspec.json.Decoder[Raw] = msgspec.json.Decoder(Raw)
_COLLECTED = ("serverTool", "toolResult", "image")
"""Kinds of blocks that become one part at their end."""


class Decoder:
    """The StreamDecoder of this dialect. Raises UpstreamProtocol on damaged frames and what is not its events."""

    __slots__ = ("_blocks", "_called", "_cutter", "_model", "_numbers", "_origin", "ended")

    def __init__(self, target: Target) -> None:
        self.ended = False
        self._model = target.model
        self._origin = target.origin
        self._cutter = FrameCutter()
        self._blocks: dict[int, _Block] = {}
        self._numbers = 0
        self._called = False

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas of the frames that `data` completes."""
        if self.ended:
            return ()
        frames, _ = self._cutter.feed(data)
        found: list[Delta] = []
        try:
            for frame in frames:
                if not self.ended:
                    self._frame(frame, found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error) as error:
            raise UpstreamProtocol(f"The provider's stream is not what its dialect promises: {error}.") from None
        return tuple(found)

    def _frame(self, frame: Frame, found: list[Delta]) -> None:
        if frame.kind != "event":
            found.append(failure(frame))
            self.ended = True
            return
        match frame.name:
            case "contentBlockDelta":
                self._piece(frame.payload, found)
            case "contentBlockStart":
                self._start(frame.payload, found)
            case "contentBlockStop":
                self._end_block(_EVENT.decode(frame.payload).content_block_index, found)
            case "messageStart":
                found.append(Began(model=self._model))
                self._told(members(_ANY.decode(frame.payload)), frozenset({"role", "p"}), found)
            case "messageStop":
                self._stop(frame.payload, found)
            case "metadata":
                self._metadata(frame.payload, found)
            case "initial-response":
                pass  # what other protocols of AWS begin a stream with
            case name:
                found.append(OpaqueDelta(value=Opaque(NAME, f"event.{name}", raw_of(_ANY.decode(frame.payload)))))

    def _number(self, block: _Block) -> int:
        if block.number is None:
            block.number = self._numbers
            self._numbers += 1
        return block.number

    def _piece(self, payload: bytes, found: list[Delta]) -> None:
        try:
            piece = _PIECE.decode(payload)
        except msgspec.ValidationError:
            self._unusual(payload, found)
            return
        index, delta = piece.content_block_index, piece.delta
        if delta.text is not None:
            block = self._open(index, "text")
            if delta.text:
                found.append(TextDelta(text=delta.text, part=self._number(block)))
        if delta.tool_use is not None:
            self._input(index, delta.tool_use.input, found)
        if delta.reasoning_content is not None:
            self._thought(index, delta.reasoning_content, found)
        if present(delta.citation):
            block = self._open(index, "text")
            found.append(CitationDelta(citation=citation_in(delta.citation), part=self._number(block)))

    def _open(self, index: int, kind: str) -> _Block:
        block = self._blocks.get(index)
        if block is None:
            if kind == "toolUse":
                raise UpstreamProtocol(
                    f"The provider's stream goes on with the tool call {index}, which has not begun."
                )
            block = self._blocks[index] = _Block(kind)
        elif block.kind != kind:
            raise UpstreamProtocol(f"Block {index} of the provider's stream is {block.kind} and goes on as {kind}.")
        return block

    def _input(self, index: int, arguments: str, found: list[Delta]) -> None:
        block = self._blocks.get(index)
        if block is not None and block.kind == "serverTool":
            block.words.append(arguments)
            return
        block = self._open(index, "toolUse")
        if arguments:
            block.words.append("")
            found.append(ToolCallDelta(part=self._number(block), arguments=arguments))

    def _thought(self, index: int, thought: _Thought, found: list[Delta]) -> None:
        block = self._open(index, "reasoning")
        number = self._number(block)
        if thought.redacted_content:
            block.words.append(thought.redacted_content)
        if thought.text or thought.signature:
            words, signature = thought.text or "", thought.signature or ""
            found.append(
                ReasoningDelta(part=number, text=words, signature=signature, origin=self._origin if signature else "")
            )

    def _start(self, payload: bytes, found: list[Delta]) -> None:
        event = _EVENT.decode(payload)
        start = members(event.start) if present(event.start) else {}
        if not start:
            return  # text, which needs no start
        if event.content_block_index in self._blocks:
            raise UpstreamProtocol(f"Block {event.content_block_index} of the provider's stream begins twice.")
        kind, value = next(iter(start.items()))
        inner = members(value)
        if kind == "toolUse" and "type" not in inner:
            called = _CALLED.decode(value)
            block = self._blocks[event.content_block_index] = _Block(kind)
            number = self._number(block)
            self._called = True
            for name, raw in inner.items():
                if name not in ("toolUseId", "name"):
                    found.append(OpaqueDelta(value=Opaque(NAME, f"message.content[{number}].toolUse.{name}", raw)))
            found.append(ToolCallDelta(part=number, id=called.tool_use_id, name=called.name))
            return
        if kind not in ("toolUse", "toolResult", "image"):
            found.append(OpaqueDelta(value=Opaque(NAME, "event.contentBlockStart", Raw(payload))))
            return
        block = self._blocks[event.content_block_index] = _Block("serverTool" if kind == "toolUse" else kind)
        block.start = inner
        self._number(block)

    def _unusual(self, payload: bytes, found: list[Delta]) -> None:
        """A delta of a block that is collected, or one that we do not know."""
        event = _EVENT.decode(payload)
        block = self._blocks.get(event.content_block_index)
        delta = members(event.delta)
        if block is not None and block.kind == "toolResult" and "toolResult" in delta:
            block.blobs += _LIST.decode(delta["toolResult"])
        elif block is not None and block.kind == "image" and "image" in delta:
            inner = members(delta["image"])
            block.blobs.append(inner.get("source", NOTHING))
            block.start |= {name: raw for name, raw in inner.items() if name != "source"}
        elif block is not None and "toolUse" in delta:
            self._input(event.content_block_index, _INPUT.decode(delta["toolUse"]).input, found)
        else:
            found.append(OpaqueDelta(value=Opaque(NAME, "event.contentBlockDelta", Raw(payload))))

    def _end_block(self, index: int, found: list[Delta]) -> None:
        block = self._blocks.pop(index, None)
        if block is None or block.number is None:
            return
        if block.kind == "toolUse" and not block.words:
            # A tool without arguments says none in a stream and {} in a whole answer.
            found.append(ToolCallDelta(part=block.number, arguments="{}"))
        elif block.kind == "reasoning" and block.words:
            found.append(ReasoningDelta(part=block.number, encrypted=_joined(block.words), origin=self._origin))
        elif block.kind in _COLLECTED:
            found.append(OpaqueDelta(value=_collected(block), part=block.number))
        found.append(PartEnded(block.number))

    def _stop(self, payload: bytes, found: list[Delta]) -> None:
        for index in list(self._blocks):
            self._end_block(index, found)
        reason = _STOP.decode(payload).stop_reason
        told = members(_ANY.decode(payload))
        known = frozenset({"p"}) if reason is not None and reason not in FINISHES else frozenset({"p", "stopReason"})
        self._told(told, known, found)
        if reason is not None:
            found.append(Finished(finish=finish_in(reason, called=self._called)))

    def _metadata(self, payload: bytes, found: list[Delta]) -> None:
        told = members(_ANY.decode(payload))
        if "usage" in told:
            usage, uncounted = usage_in(told["usage"])
            found.append(UsageDelta(usage))
            found += [OpaqueDelta(value=one) for one in uncounted]
        found += [OpaqueDelta(value=one) for one in told_metrics(told.get("metrics", NOTHING))]
        self._told(told, frozenset({"p", "usage", "metrics"}), found)
        found.append(Ended())
        self.ended = True

    def _told(self, told: dict[str, Raw], known: frozenset[str], found: list[Delta]) -> None:
        found += [OpaqueDelta(value=Opaque(NAME, name, raw)) for name, raw in told.items() if name not in known]


def failure(frame: Frame) -> Failed:
    """What an exception's or an error's frame tells."""
    words, kind = said(frame.payload)
    words = frame.headers.get(":error-message") or words or "The provider ended the stream without a word."
    return Failed(words[:LONGEST], kind=frame.name or kind)


def _joined(pieces: list[str]) -> str:
    """Base64 of all bytes: each piece may end in padding."""
    if len(pieces) == 1:
        return pieces[0]
    return binascii.b2a_base64(b"".join(map(binascii.a2b_base64, pieces)), newline=False).decode()


def _collected(block: _Block) -> Opaque:
    """A block that was told in pieces, as the whole that an answer in one piece has."""
    if block.kind == "serverTool":
        words = "".join(block.words)
        given = Raw(bytes(_ANY.decode(words))) if words.strip() else Raw(b"{}")
        return Opaque(NAME, "toolUse", raw_of({"toolUse": {**block.start, "input": given}}))
    if block.kind == "toolResult":
        return Opaque(NAME, "toolResult", raw_of({"toolResult": {**block.start, "content": block.blobs}}))
    sources = [_SOURCE.decode(raw) for raw in block.blobs if present(raw)]
    data = [one.data for one in sources if one.data]
    if block.start.keys() == {"format"} and data and len(data) == len(sources):
        picture = image_in(ImageBlock(_STRING.decode(block.start["format"]), Source(data=_joined(data))))
        if picture is not None:
            return Opaque(WHOLE, "image", raw_of(picture))
    last = {"source": block.blobs[-1]} if block.blobs else {}
    return Opaque(NAME, "image", raw_of({"image": {**block.start, **last}}))
