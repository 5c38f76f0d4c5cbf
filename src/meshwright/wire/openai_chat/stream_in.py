"""A provider's stream of chunks as deltas.

Source: OpenAI's `ChatCompletionChunk`; the thoughts, images and lists of content parts that others add to it are as in
whole answers. A chunk without choices, comments between events and an end without a blank line are all allowed.
A tool call's pieces go by their `index`; servers that leave it out, or number all calls 0, are told apart by the id.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from meshwright.types.content import Image, Opaque, Reasoning, Refusal, Text
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import (
    AudioDelta,
    Began,
    CitationDelta,
    Delta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    ReasoningDelta,
    TextDelta,
    TokenProbability,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.wire.dialect import Target
from meshwright.wire.fold import WHOLE
from meshwright.wire.openai_chat.errors import failure
from meshwright.wire.openai_chat.loose import PIECE, members
from meshwright.wire.openai_chat.parts import citation_in, image_in, part_in
from meshwright.wire.openai_chat.response import call_ids, finish_in, probabilities_in
from meshwright.wire.openai_chat.shape import (
    NAME,
    CallPiece,
    ChoicePiece,
    Chunk,
    CustomPiece,
    DeltaIn,
    FunctionPiece,
    SpokenIn,
)
from meshwright.wire.openai_chat.sift import NULL, Each, Found, Members, sift
from meshwright.wire.openai_chat.usage import usage_in
from meshwright.wire.sse import EventCutter, events

DONE = b"[DONE]"
LAST = (b"data: [DONE]", b"data:[DONE]")
"""The end mark of a server that leaves out the blank line after it."""

_CHUNK: msgspec.json.Decoder[Chunk] = msgspec.json.Decoder(Chunk)
_NOTHING = Found()
_SHAPE = members(Chunk, choices=Each(PIECE))


def stream_decoder(target: Target) -> ChunkDecoder:
    """A decoder for one answer of this target."""
    return ChunkDecoder()


class ChunkDecoder:
    """Turns chunks into deltas. Each change from words to thoughts to calls and back begins a new part."""

    __slots__ = ("_began", "_cutter", "_early", "_id", "_said", "_tracks", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._cutter = EventCutter()
        self._began = False
        self._id = ""
        self._tracks: dict[int, _Track] = {}
        self._said: dict[str, bytes] = {}
        self._early: list[Delta] = []

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas that `data` completes. Raises UpstreamProtocol on an event that is no chunk."""
        deltas: list[Delta] = []
        block = self._cutter.whole(data)
        for name, payload in events(block) if block else ():
            if self.ended:
                break
            if payload == DONE:
                self._end(deltas)
            else:
                self._event(name, payload, deltas)
        rest = self._cutter.rest
        if rest and not self.ended and rest.strip() in LAST:
            self._end(deltas)
        return tuple(deltas)

    def _end(self, deltas: list[Delta]) -> None:
        self.ended = True
        for track in self._tracks.values():
            track.flush(deltas)
        deltas += self._early
        deltas.append(Ended())

    def _event(self, name: bytes, payload: bytes, deltas: list[Delta]) -> None:
        found = _NOTHING
        try:
            chunk = None if name == b"error" else _CHUNK.decode(payload)
        except msgspec.ValidationError:
            chunk = None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's event is not what its dialect promises: {error}.") from None
        if chunk is None:
            failed = failure(name, payload)
            if failed is not None:
                self._fail(failed, deltas)
                return
            found = Found()
            chunk = self._sifted(payload, found)
        elif chunk.error is not UNSET and bytes(chunk.error) != NULL:
            self._fail(failure(b"error", payload) or Failed(""), deltas)
            return
        self._chunk(chunk, found, deltas)

    @staticmethod
    def _sifted(payload: bytes, found: Found) -> Chunk:
        try:
            return _CHUNK.decode(sift(Raw(payload), _SHAPE, found) or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocol(f"The provider's event is not what its dialect promises: {error}.") from None

    def _fail(self, failed: Failed, deltas: list[Delta]) -> None:
        self.ended = True
        deltas.append(failed)

    def _chunk(self, chunk: Chunk, found: Found, deltas: list[Delta]) -> None:
        if not self._began and (chunk.choices or chunk.id):
            self._began = True
            self._id = chunk.id or ""
            deltas.append(
                Began(
                    id=self._id,
                    model=chunk.model or "",
                    created=int(chunk.created or 0),
                    service_tier=chunk.service_tier or "",
                )
            )
            deltas += self._early
            self._early = []
        loose: list[Delta] = deltas if self._began else self._early  # Azure's first chunk is not the beginning
        unknown = self._unknown(found.members, loose) if found.members else {}
        if chunk.system_fingerprint is not UNSET:
            self._loose("system_fingerprint", chunk.system_fingerprint, loose)
        if chunk.provider is not UNSET:
            self._loose("provider", chunk.provider, loose)
        for number, choice in enumerate(chunk.choices or ()):
            index = number if choice.index is None else choice.index
            track = self._tracks.get(index)
            if track is None:
                track = self._tracks[index] = _Track(index, call_ids(self._id, index))
            track.take(choice, found, unknown.get(number, []) if unknown else [], deltas)
        if chunk.usage is not UNSET and bytes(chunk.usage) != NULL:
            usage, more = usage_in(chunk.usage)
            for path, raw in more:
                self._loose(f"usage/{path}", raw, loose)
            loose.append(UsageDelta(usage))

    def _unknown(self, found: Members, loose: list[Delta]) -> dict[int, Members]:
        """The unknown members of choices, by choice; those of the chunk itself are told."""
        unknown: dict[int, Members] = {}
        for path, raw in found:
            if path.startswith("choices/"):
                _, step, inner = path.split("/", 2)
                unknown.setdefault(int(step), []).append((inner, raw))
            else:
                self._loose(path, raw, loose)
        return unknown

    def _loose(self, kind: str, raw: Raw, deltas: list[Delta]) -> None:
        """A member of the chunk itself: said again with every chunk, told once."""
        text = bytes(raw)
        if text != NULL and self._said.get(kind) != text:
            self._said[kind] = text
            deltas.append(OpaqueDelta(value=Opaque(NAME, kind, raw)))


class _Call:
    """A tool call that has begun."""

    __slots__ = ("id", "kind", "ordinal", "part")

    def __init__(self, part: int, ordinal: int, call_id: str) -> None:
        self.part = part
        self.ordinal = ordinal
        self.id = call_id


class _Track:
    """One choice: which part is open, which calls there are, and what its members said last."""

    __slots__ = ("calls", "finished", "ids", "index", "kind", "next", "number", "probabilities", "said", "text")

    def __init__(self, index: int, ids: str) -> None:
        self.index = index
        self.ids = ids
        self.next = 0
        self.number = -1
        self.kind = ""
        self.text = -1
        self.finished = False
        self.calls: dict[int, _Call] = {}
        self.probabilities: list[TokenProbability] = []
        self.said: dict[str, bytes] = {}

    def take(self, choice: ChoicePiece, found: Found, unknown: Members, deltas: list[Delta]) -> None:
        """One choice of one chunk."""
        delta = choice.delta
        if self.kind == "text" and delta is not None and choice.finish_reason is None and choice.logprobs is None:
            content = delta.content
            if content and type(content) is str and not unknown and delta == DeltaIn(content):  # one more word
                deltas.append(TextDelta(text=content, part=self.number, choice=self.index))
                return
        refused: tuple[TokenProbability, ...] = ()
        if choice.logprobs is not None:
            self.probabilities += probabilities_in(choice.logprobs.content) or ()
            refused = probabilities_in(choice.logprobs.refusal) or ()
        placed: list[int] = []
        if delta is not None:
            content = delta.content
            thought = delta.reasoning_content if delta.reasoning_content is not None else delta.reasoning
            if thought:
                self._think(thought, deltas)
            if content:
                if isinstance(content, str):
                    self._say(content, deltas)
                else:
                    self._content(delta, found, deltas)
            if delta.refusal or refused:
                number = self._open("refusal")
                words = delta.refusal or ""
                deltas.append(TextDelta(text=words, part=number, choice=self.index, refusal=True, logprobs=refused))
            if delta.tool_calls or delta.function_call:
                placed = self._call_all(delta, deltas)
            if delta.images or delta.audio or delta.annotations:
                self._rest(delta, deltas, unknown)
        own: Members = []
        finish = finish_in(choice.finish_reason, bool(self.calls), own)
        for path, raw in unknown:
            self._unknown(path, raw, placed, own, deltas)
        for path, raw in own:
            text = bytes(raw)
            if self.said.get(path) != text:
                self.said[path] = text
                deltas.append(OpaqueDelta(value=Opaque(NAME, f"choice.{path}", raw), choice=self.index))
        if finish is not None and not self.finished:
            self.flush(deltas)
            self.finished = True
            deltas.append(Finished(finish=finish, choice=self.index, stop=choice.stop_reason or ""))

    def flush(self, deltas: list[Delta]) -> None:
        """Probabilities that no word took: on the last text, or on a part of their own that folds to nothing."""
        if self.probabilities:
            number = self.text if self.text >= 0 else self._open("text")
            deltas.append(TextDelta(text="", part=number, choice=self.index, logprobs=tuple(self.probabilities)))
            self.probabilities = []

    def _open(self, kind: str) -> int:
        """The number of the open part if it is of this kind, else of a new one."""
        if self.kind != kind:
            self.kind = kind
            self.number = self.next
            self.next += 1
            if kind == "text":
                self.text = self.number
        return self.number

    def _say(self, text: str, deltas: list[Delta]) -> None:
        number = self.number if self.kind == "text" else self._open("text")
        if self.probabilities:
            taken = tuple(self.probabilities)
            self.probabilities = []
            deltas.append(TextDelta(text=text, part=number, choice=self.index, logprobs=taken))
        else:
            deltas.append(TextDelta(text=text, part=number, choice=self.index))

    def _think(self, text: str, deltas: list[Delta]) -> None:
        deltas.append(ReasoningDelta(part=self._open("reasoning"), choice=self.index, text=text))

    def _whole(self, value: Opaque, deltas: list[Delta]) -> None:
        self.kind = ""
        deltas.append(OpaqueDelta(value=value, part=self._open("whole"), choice=self.index))
        self.kind = ""

    def _content(self, delta: DeltaIn, found: Found, deltas: list[Delta]) -> None:
        """Mistral streams a list of parts where there is more than words."""
        for one in delta.content or ():
            part = part_in(one, found) if not isinstance(one, str) else Text(one)
            match part:
                case Text():
                    self._say(part.text, deltas)
                case Reasoning():
                    self._think(part.text, deltas)
                case Refusal():
                    number = self._open("refusal")
                    deltas.append(TextDelta(text=part.text, part=number, choice=self.index, refusal=True))
                case Opaque():
                    self._whole(part, deltas)
                case _:
                    kind = type(part).__name__.lower()
                    self._whole(Opaque(WHOLE, kind, Raw(msgspec.json.encode(part))), deltas)

    def _rest(self, delta: DeltaIn, deltas: list[Delta], unknown: Members) -> None:
        for image in delta.images or ():
            read: Image = image_in(image)
            self._whole(Opaque(WHOLE, "image", Raw(msgspec.json.encode(read))), deltas)
        if delta.audio is not None:
            self._sound(delta.audio, deltas)
        others: list[Raw] = []
        for raw in delta.annotations or ():
            citation = citation_in(raw)
            if citation is None:
                others.append(raw)
                continue
            number = self.text if self.text >= 0 else self._open("text")
            deltas.append(CitationDelta(citation=citation, part=number, choice=self.index))
        if others:
            unknown.append(("delta/annotations", Raw(msgspec.json.encode(others))))

    def _sound(self, sound: SpokenIn, deltas: list[Delta]) -> None:
        deltas.append(
            AudioDelta(
                part=self._open("audio"),
                choice=self.index,
                id=sound.id or "",
                data=sound.data or "",
                transcript=sound.transcript or "",
                expires_at=sound.expires_at,
            )
        )

    def _call_all(self, delta: DeltaIn, deltas: list[Delta]) -> list[int]:
        """The calls' pieces; returns, for each, which call of the choice it belongs to."""
        placed = [self._call(piece, deltas) for piece in delta.tool_calls or ()]
        if delta.function_call is not None:
            self._call(CallPiece(index=0, function=delta.function_call), deltas)
        return placed

    def _call(self, piece: CallPiece, deltas: list[Delta]) -> int:
        body: FunctionPiece | CustomPiece | None = piece.custom or piece.function
        name = (body.name if body is not None else None) or ""
        key = self._key(piece, name)
        call = self.calls.get(key)
        is_new = call is None
        if call is None:
            self.kind = ""
            ordinal = len(self.calls)
            call = _Call(self._open("call"), ordinal, piece.id or f"{self.ids}_{ordinal}")
            self.calls[key] = call
        text = (body.input if isinstance(body, CustomPiece) else body.arguments if body is not None else "") or ""
        if text or name or is_new:
            deltas.append(
                ToolCallDelta(
                    part=call.part,
                    choice=self.index,
                    id=call.id if is_new else "",
                    name=name,
                    arguments=text,
                    kind="custom" if piece.type == "custom" or piece.custom is not None else "function",
                )
            )
        return call.ordinal

    def _key(self, piece: CallPiece, name: str) -> int:
        """Which call a piece belongs to: its index; the one with its id; a new one; the latest."""
        latest = max(self.calls, default=-1)
        if piece.index is not None:
            known = self.calls.get(piece.index)
            if known is None or not (piece.id and name and piece.id != known.id):
                return piece.index
        if piece.id:
            known_key = next((key for key, call in self.calls.items() if call.id == piece.id), None)
            return latest + 1 if known_key is None else known_key
        return latest + 1 if name or latest < 0 else latest

    def _unknown(self, path: str, raw: Raw, placed: list[int], own: Members, deltas: list[Delta]) -> None:
        inner = path.removeprefix("delta/")
        if inner == path:
            own.append((path, raw))
            return
        if inner.startswith("tool_calls/"):
            _, number, member = inner.split("/", 2)
            inner = f"tool_calls/{placed[int(number)]}/{member}"
        deltas.append(OpaqueDelta(value=Opaque(NAME, f"message.{inner}", raw), choice=self.index))
