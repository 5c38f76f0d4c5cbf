"""Deltas as a stream of chunks for a client, and the in-band error that ends one which had begun."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Image, Opaque
from meshwright.types.errors import MeshError
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import (
    AudioDelta,
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
from meshwright.types.usage import Usage
from meshwright.wire.complaints import openai_error
from meshwright.wire.fold import WHOLE
from meshwright.wire.openai_chat.parts import Notes, citation_out, image_out
from meshwright.wire.openai_chat.response_out import FIELD, probabilities_out, reason_out
from meshwright.wire.openai_chat.shape import NAME
from meshwright.wire.openai_chat.sift import place
from meshwright.wire.openai_chat.turns_out import CALL, Json
from meshwright.wire.openai_chat.usage import usage_out
from meshwright.wire.sse import event

_encode = msgspec.json.encode
_IMAGE: msgspec.json.Decoder[Image] = msgspec.json.Decoder(Image)
_ROLE = b'{"role":"assistant","content":""}'
_END = b"data: [DONE]\n\n"


def stream_encoder(request: Request) -> ChunkEncoder:
    """An encoder for the client that sent `request`."""
    return ChunkEncoder(request)


class ChunkEncoder:
    """Writes one chunk for each delta; the usage comes last, and only for a client that asked for it.

    Thoughts go out as `reasoning_content`, where this dialect's clients look for them.
    """

    __slots__ = (
        "_closed",
        "_extra",
        "_fields",
        "_head",
        "_legacy",
        "_notes",
        "_tracks",
        "_untold",
        "_usage",
        "_wanted",
        "adaptations",
    )

    def __init__(self, request: Request) -> None:
        source = request.source
        self._legacy = source is not None and source.dialect == NAME and "functions" in source.fields
        self._wanted = request.stream_usage
        self._notes = Notes()
        self.adaptations: list[Adaptation] = self._notes.found
        self._tracks: dict[int, _Track] = {}
        self._usage: Usage | None = None
        self._extra: dict[str, Raw] = {}
        self._closed = False
        self._head = b""
        self._fields: Json = {}
        self._untold = False
        self._began(Began())

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The chunks for these deltas, in one piece."""
        out: list[bytes] = []
        for delta in deltas:
            if self._closed:
                break
            if type(delta) is TextDelta and not delta.refusal and not delta.logprobs:
                track = self._track(delta.choice, out)
                if not delta.text:
                    continue
                if track.text != delta.part:
                    track.begin_text(delta.part, self._notes)
                track.length += len(delta.text)
                out.append(self._chunk(delta.choice, b'{"content":' + _encode(delta.text) + b"}"))
            else:
                self._other(delta, out)
        return b"".join(out)

    def fail(self, error: MeshError) -> bytes:
        """The error event; no end mark follows it."""
        self._closed = True
        return event(_encode(openai_error(error)))

    def _chunk(self, choice: int, delta: bytes, finish: bytes = b"null", logprobs: bytes = b"null") -> bytes:
        self._untold = False
        return b'%b,"choices":[{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}]}\n\n' % (
            self._head,
            choice,
            delta,
            logprobs,
            finish,
        )

    def _track(self, choice: int, out: list[bytes]) -> _Track:
        """The choice's state; its first chunk says who speaks."""
        track = self._tracks.get(choice)
        if track is None:
            track = self._tracks[choice] = _Track()
            out.append(self._chunk(choice, _ROLE))
        return track

    def _began(self, began: Began) -> None:
        fields: Json = {
            "id": began.id,
            "object": "chat.completion.chunk",
            "created": began.created,
            "model": began.model,
        }
        if began.service_tier:
            fields["service_tier"] = began.service_tier
        self._usage = began.usage or self._usage
        self._fields = fields
        self._untold = bool(began.id)
        self._head = b"data: " + _encode(fields)[:-1]

    def _other(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Began():
                self._began(delta)
            case UsageDelta():
                self._usage = delta.usage
            case PartEnded():
                pass
            case Ended():
                self._end(out)
            case Failed():
                said = {"message": delta.message, "type": delta.kind or "server_error", "param": None}
                out.append(event(_encode({"error": {**said, "code": delta.code or None}})))
                self._closed = True
            case OpaqueDelta(part=None, value=value) if not value.kind.startswith(("message.", "choice.")):
                self._loose(value)
            case _:
                track = self._track(delta.choice, out)
                self._piece(delta, track, out)

    def _piece(self, delta: Delta, track: _Track, out: list[bytes]) -> None:
        match delta:
            case TextDelta():
                self._words(delta, track, out)
            case ReasoningDelta():
                text = track.think(delta, self._notes)
                if text:
                    out.append(self._chunk(delta.choice, b'{"reasoning_content":' + _encode(text) + b"}"))
            case ToolCallDelta():
                self._call(delta, track, out)
            case AudioDelta():
                said = {"id": delta.id, "data": delta.data, "transcript": delta.transcript}
                sound: Json = {name: value for name, value in said.items() if value}
                if delta.expires_at is not None:
                    sound["expires_at"] = delta.expires_at
                track.enter(5, delta.part, "sound", self._notes)
                out.append(self._chunk(delta.choice, _encode({"audio": sound})))
            case CitationDelta():
                note = citation_out(delta.citation, track.starts.get(delta.part, 0), self._notes, FIELD)
                if note is not None:
                    out.append(self._chunk(delta.choice, _encode({"annotations": [note]})))
            case OpaqueDelta():
                self._opaque(delta, track, out)
            case Finished():
                said_reason = track.members.pop("finish_reason", None)
                reason = reason_out(delta.finish, self._notes) if said_reason is None else said_reason
                if self._legacy and reason == "tool_calls":
                    reason = "function_call"
                more: Json = {"stop_reason": delta.stop} if delta.stop else {}
                out.append(self._wide(delta.choice, {}, reason, {**track.members, **more}))
            case _:
                raise TypeError(f"No chunk for {delta!r}.")

    def _wide(self, choice: int, delta: Json, reason: str | Raw | None, more: Json) -> bytes:
        body = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": reason, **more}
        self._untold = False
        return self._head + b',"choices":[' + _encode(body) + b"]}\n\n"

    def _words(self, delta: TextDelta, track: _Track, out: list[bytes]) -> None:
        logprobs = b"null"
        if delta.logprobs:
            name = "refusal" if delta.refusal else "content"
            both: Json = {"content": None, "refusal": None, name: probabilities_out(delta.logprobs)}
            logprobs = _encode(both)
        if delta.refusal:
            track.enter(2, delta.part, "refusal", self._notes)
        elif track.text != delta.part and (delta.text or not delta.logprobs):
            track.begin_text(delta.part, self._notes)
        track.length += 0 if delta.refusal else len(delta.text)
        body = {"refusal" if delta.refusal else "content": delta.text}
        out.append(self._chunk(delta.choice, _encode(body), logprobs=logprobs))

    def _call(self, delta: ToolCallDelta, track: _Track, out: list[bytes]) -> None:
        notes = self._notes
        if delta.item_id:
            notes.dropped(FIELD, "A tool call in Chat Completions has one id only.")
        index = track.calls.get(delta.part)
        is_new = index is None
        if index is None:
            track.enter(4, delta.part, "call", notes)
            index = track.calls[delta.part] = len(track.calls)
        inner = {"name": delta.name} if delta.name else {}
        inner["input" if delta.kind == "custom" else "arguments"] = delta.arguments
        if self._legacy:
            if index:
                notes.dropped(FIELD, "An answer to `functions` calls one function; the other calls were left out.")
            else:
                out.append(self._chunk(delta.choice, _encode({"function_call": inner})))
            return
        call: Json = {"index": index}
        if is_new:
            call.update(id=delta.id, type=delta.kind)
        call[delta.kind] = inner
        out.append(self._chunk(delta.choice, _encode({"tool_calls": [call]})))

    def _opaque(self, delta: OpaqueDelta, track: _Track, out: list[bytes]) -> None:
        value = delta.value
        if delta.part is not None and value.dialect == WHOLE and value.kind == "image":
            track.enter(3, delta.part, "", self._notes)
            image = image_out(_IMAGE.decode(value.raw), self._notes, FIELD)
            if image is not None:
                out.append(self._chunk(delta.choice, _encode({"images": [image]})))
        elif value.dialect != NAME or (delta.part is not None and value.kind.startswith(CALL)):
            self._notes.dropped(FIELD, f"Only {value.dialect} understands {value.kind} in an answer.")
        elif delta.part is not None:
            track.enter(1, delta.part, "", self._notes)
            out.append(self._chunk(delta.choice, _encode({"content": [value.raw]})))
        elif value.kind.startswith("choice."):
            name = value.kind.removeprefix("choice.")
            if name == "finish_reason":
                track.members[name] = value.raw
            else:
                out.append(self._wide(delta.choice, {}, None, {name: value.raw}))
        else:
            self._message_member(delta, track, out)

    def _message_member(self, delta: OpaqueDelta, track: _Track, out: list[bytes]) -> None:
        path, raw = delta.value.kind.removeprefix("message."), delta.value.raw
        if path.startswith(CALL):
            _, number, member = path.split("/", 2)
            call: Json = {"index": int(number), "function": {}, "custom": {}}
            placed = place(call, member, raw)
            body: Json = {"tool_calls": [{name: value for name, value in call.items() if value != {}}]}
        else:
            body = {}
            placed = place(body, path, raw)
        if placed:
            out.append(self._chunk(delta.choice, _encode(body)))
        else:
            self._notes.dropped(FIELD, f"The member {path} of an answer's message has no place in a stream.")

    def _loose(self, value: Opaque) -> None:
        """A member of the answer itself stands in every chunk from now on, as providers do it.

        A chunk of its own would have no choices, and clients exist that take the first one unseen.
        """
        if value.dialect != NAME:
            self._notes.dropped(value.kind, f"Only {value.dialect} has this member of an answer.")
        elif value.kind.startswith("usage/"):
            self._extra[value.kind] = value.raw
        else:
            self._fields[value.kind] = value.raw
            self._head = b"data: " + _encode(self._fields)[:-1]
            self._untold = True

    def _end(self, out: list[bytes]) -> None:
        self._closed = True
        if self._wanted and self._usage is not None:
            body: Json = {"choices": [], "usage": usage_out(self._usage, self._notes)}
            for path, raw in self._extra.items():
                if not place(body, path, raw):
                    self._notes.dropped(path, "The usage has no place for it.")
            out.append(self._head + b"," + _encode(body)[1:] + b"\n\n")
        elif self._untold:
            out.append(self._chunk(0, b"{}"))
        out.append(_END)


class _Track:
    """One choice: how far its words have come and which calls there are."""

    __slots__ = ("calls", "length", "members", "rank", "seen", "starts", "summary", "text")

    def __init__(self) -> None:
        self.text = -1
        self.length = 0
        self.starts: dict[int, int] = {}
        self.calls: dict[int, int] = {}
        self.members: dict[str, Raw] = {}
        self.rank = 0
        self.seen: dict[str, int] = {}
        self.summary: tuple[int, int] | None = None

    def begin_text(self, part: int, notes: Notes) -> None:
        """A text part begins (or goes on, after another)."""
        if self.starts and part not in self.starts:
            notes.changed(FIELD, "An answer in Chat Completions has one text; several were joined.")
        self.text = part
        self.starts.setdefault(part, self.length)
        self.enter(1, part, "", notes)

    def enter(self, rank: int, part: int, only: str, notes: Notes) -> None:
        """Note what this dialect cannot say: an order that is not its own, a second part where it has one."""
        if rank < self.rank:
            notes.changed(FIELD, "A message in Chat Completions has its calls and sounds after its words.")
        self.rank = max(self.rank, rank)
        if only and only != "call" and self.seen.setdefault(only, part) != part:
            notes.changed(FIELD, f"An answer in Chat Completions has one {only}; several were joined.")

    def think(self, delta: ReasoningDelta, notes: Notes) -> str:
        """The words to show of a thought, with a gap between summaries."""
        self.enter(0, delta.part, "thought", notes)
        if delta.signature or delta.encrypted:
            notes.dropped(FIELD, "Chat Completions has no place for signed or encrypted reasoning.")
        if delta.id:
            notes.moved(FIELD, "Reasoning in Chat Completions is known by its place, not by an id.")
        if delta.summary is None:
            return delta.text
        notes.changed(FIELD, "A summary of the reasoning was sent as the reasoning.")
        place_now = (delta.part, delta.summary)
        before, self.summary = self.summary, place_now
        return delta.text if before is None or before == place_now else f"\n\n{delta.text}"
