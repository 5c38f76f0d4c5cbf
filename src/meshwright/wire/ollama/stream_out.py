"""Deltas into a client's stream.

Source: https://docs.ollama.com/api/streaming. Calls come whole: the pieces of one are kept until the call is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Image, Message, Opaque, Part, ToolCall
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
from meshwright.wire.fold import WHOLE
from meshwright.wire.notes import Notes
from meshwright.wire.ollama.answer import reason_out, time_out, tokens_out, usage_out
from meshwright.wire.ollama.errors import encode_error
from meshwright.wire.ollama.response import extra_out
from meshwright.wire.ollama.shapes import NAME
from meshwright.wire.ollama.turns_out import Writer, arguments_out
from meshwright.wire.sse import one_line

_encode = msgspec.json.Encoder().encode
_PART: msgspec.json.Decoder[Part] = msgspec.json.Decoder(Part)


class _Call:
    """A call in the making."""

    __slots__ = ("arguments", "first")

    def __init__(self, first: ToolCallDelta) -> None:
        self.first = first
        self.arguments: list[str] = []


class Encoder:
    """The StreamEncoder of this dialect, for one request."""

    __slots__ = (
        "_asides", "_calls", "_done", "_extra", "_finish", "_model", "_notes", "_open", "_summary", "_time", "_usage",
        "adaptations",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self._notes = Notes()
        self.adaptations: list[Adaptation] = self._notes.found
        self._model = request.model
        self._time = time_out(0)
        self._done = False
        self._open: dict[int, _Call] = {}
        """Calls that are not complete, by part."""
        self._calls = 0
        self._summary: int | None = None
        self._finish: Finished | None = None
        self._usage: Usage | None = None
        self._extra: list[Opaque] = []
        self._asides: dict[str, Raw] = {}

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The lines for these deltas, in one piece."""
        out: list[bytes] = []
        for delta in deltas:
            if not self._done:
                self._add(delta, out)
        return b"".join(out)

    def fail(self, error: MeshError) -> bytes:
        """The line that ends a stream which failed."""
        self._done = True
        return encode_error(error) + b"\n"

    def line(self, message: dict[str, object], **more: object) -> bytes:
        """One line with this piece of the message. /api/generate has its own."""
        whole = {"model": self._model, "created_at": self._time, "message": message, **more}
        return one_line(_encode(whole)) + b"\n"

    def _say(self, out: list[bytes], **message: object) -> None:
        out.append(self.line({"role": "assistant", "content": "", **message}, done=False))

    def _add(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Began():
                self._model = delta.model or self._model
                self._time = time_out(delta.created)
                self._usage = delta.usage
                if delta.service_tier:
                    self._notes.dropped("service_tier", "The dialect has no service tiers.")
            case UsageDelta():
                self._usage = delta.usage
            case Failed():
                self._done = True
                out.append(_encode({"error": delta.message, **({"code": delta.code} if delta.code else {})}) + b"\n")
            case Ended():
                self._end(out)
            case _ if delta.choice:
                self._notes.dropped("choices", "The dialect has one answer: the first was sent.")
            case ToolCallDelta():
                if delta.part not in self._open:
                    self._open[delta.part] = _Call(delta)
                self._open[delta.part].arguments.append(delta.arguments)
            case PartEnded():
                self._complete(out, delta.part)
            case Finished():
                self._complete(out)
                self._finish = delta
                if delta.stop:
                    self._notes.dropped("choices.stop", "Which stop sequence ended the answer is not told here.")
            case _:
                self._content(delta, out)

    def _content(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case TextDelta():
                self._complete(out)
                if delta.refusal:
                    self._notes.changed("choices.refusal", "A refusal is sent as plain text.")
                more = {"logprobs": tokens_out(delta.logprobs)} if delta.logprobs else {}
                if delta.text or more:
                    out.append(self.line({"role": "assistant", "content": delta.text}, **more, done=False))
            case ReasoningDelta():
                self._complete(out)
                self._thought(delta, out)
            case AudioDelta():
                self._spoken(delta, out)
            case CitationDelta():
                self._notes.dropped("choices.citations", "The dialect has no citations.")
            case OpaqueDelta():
                self._verbatim(delta, out)

    def _complete(self, out: list[bytes], part: int | None = None) -> None:
        """Send the calls that are complete: that of a part, or all."""
        for number in list(self._open) if part is None else [part] if part in self._open else []:
            making = self._open.pop(number)
            first = making.first
            call = ToolCall(id=first.id, name=first.name, arguments="".join(making.arguments), kind=first.kind)
            if first.item_id:
                self._notes.moved("choices.item_id", "A tool call has one id here, and it stays.")
            function: dict[str, Any] = {"index": self._calls, "name": call.name}
            function["arguments"] = arguments_out(call, self._notes, "choices")
            wire: dict[str, Any] = {"id": call.id, "function": function}
            place = f"tool_calls[{self._calls}]."
            for path in [path for path in self._asides if path.startswith(place)]:
                name, raw = path.removeprefix(place), self._asides.pop(path)
                inner = name.startswith("function.")
                (function if inner else wire)[name.removeprefix("function.")] = raw
            self._calls += 1
            self._say(out, tool_calls=[wire])

    def _thought(self, delta: ReasoningDelta, out: list[bytes]) -> None:
        if delta.signature or delta.encrypted:
            self._notes.dropped("choices.reasoning.signature", "Thoughts are neither signed nor hidden here.")
        if delta.summary is not None:
            self._notes.changed("choices.reasoning", "Thoughts have no numbered parts here.")
        if delta.id:
            self._notes.moved("choices.reasoning", "Thoughts are known by their place here, not by an id.")
        text = delta.text
        if delta.summary is not None:
            if self._summary is not None and self._summary != delta.summary:
                text = "\n\n" + text
            self._summary = delta.summary
        if text:
            self._say(out, thinking=text)

    def _spoken(self, delta: AudioDelta, out: list[bytes]) -> None:
        if not delta.transcript:
            self._notes.dropped("choices.audio", "The dialect has no sound.")
            return
        self._notes.changed("choices.audio", "The dialect has no sound: the transcript was sent.")
        self._say(out, content=delta.transcript)

    def _verbatim(self, delta: OpaqueDelta, out: list[bytes]) -> None:
        value = delta.value
        if value.dialect == WHOLE:
            part = _PART.decode(value.raw)
            wire = Writer(self._notes, None).turn(Message("assistant", (part,)), "assistant")
            if isinstance(part, Image) and "images" in wire:
                self._say(out, images=wire["images"])
            elif wire["content"]:
                self._say(out, content=wire["content"])
        elif value.dialect != NAME:
            of_turn = delta.part is not None or value.kind.startswith(("message.", "choice."))
            self._notes.foreign(f"choices.{value.kind.removeprefix('message.')}" if of_turn else value.kind, value)
        elif delta.part is not None:
            self._notes.dropped(f"choices.{value.kind}", "A message here has no such part.")
        elif value.kind.startswith("message.tool_calls["):
            self._asides[value.kind.removeprefix("message.")] = value.raw
        elif value.kind.startswith("message."):
            self._say(out, **{value.kind.removeprefix("message."): value.raw})
        else:
            self._extra.append(value)

    def _end(self, out: list[bytes]) -> None:
        self._complete(out)
        self._done = True
        for path in self._asides:
            self._notes.dropped(f"choices.{path}", "The call that it belonged to is gone.")
        finish = self._finish.finish if self._finish else None
        closing: dict[str, Any] = {
            "done": True,
            "done_reason": reason_out(finish, self._calls > 0, self._notes),
            **usage_out(self._usage, self._notes),
        }
        extra_out(closing, tuple(self._extra), finish == "unknown", self._notes)
        out.append(self.line({"role": "assistant", "content": ""}, **closing))
