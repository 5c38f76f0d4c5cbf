"""Deltas as a stream of pieces for a client, and the in-band error that ends one which had begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from meshwright.types.content import Opaque, Part
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
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.fold import WHOLE
from meshwright.wire.notes import Notes
from meshwright.wire.openai_completions.errors import encode_error
from meshwright.wire.openai_completions.request import echoed
from meshwright.wire.openai_completions.response import JOINED, KIND, aside_out, words_out
from meshwright.wire.openai_completions.shape import NAME, probabilities_out, reason_out
from meshwright.wire.openai_completions.usage import usage_out
from meshwright.wire.sse import event

_encode = msgspec.json.encode
_PART: msgspec.json.Decoder[Part] = msgspec.json.Decoder(Part)
_LOST = {
    ReasoningDelta: ("choices.reasoning", "A completion has no thoughts."),
    ToolCallDelta: ("choices", "A completion is text: there is no place for a call."),
    AudioDelta: ("choices", "A completion is text: there is no place for sound."),
    CitationDelta: ("choices.citations", "The dialect has no citations."),
}


class Encoder:
    """The StreamEncoder of this dialect. The usage comes last, and only for a client that asked for it."""

    __slots__ = (
        "_asides",
        "_before",
        "_closed",
        "_head",
        "_lengths",
        "_notes",
        "_parts",
        "_usage",
        "_wanted",
        "adaptations",
    )

    def __init__(self, request: Request) -> None:
        self._notes = Notes()
        self.adaptations: list[Adaptation] = self._notes.found
        self._wanted = request.stream_usage
        self._before = echoed(request)
        self._head: dict[str, Any] = {"id": "", "object": KIND, "created": 0, "model": request.model}
        self._lengths: dict[int, int] = {}
        """Characters of each choice's text so far."""
        self._parts: dict[int, int] = {}
        """The part that is each choice's text."""
        self._asides: dict[int, list[Opaque]] = {}
        """Members of a choice that wait for its next piece."""
        self._usage: Usage | None = None
        self._closed = False

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The events for these deltas, in one piece."""
        out: list[bytes] = []
        for delta in deltas:
            if not self._closed:
                self._add(delta, out)
        return b"".join(out)

    def fail(self, error: MeshError) -> bytes:
        """The error event; no end mark follows it."""
        self._closed = True
        return event(encode_error(error))

    def _add(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Began():
                self._head |= {"id": delta.id, "created": delta.created, "model": delta.model}
                self._usage = delta.usage or self._usage
                if delta.service_tier:
                    self._notes.dropped("service_tier", "The dialect has no service tiers.")
            case TextDelta():
                if delta.refusal:
                    self._notes.changed("choices.refusal", "A refusal is sent as plain text.")
                if delta.text and self._parts.setdefault(delta.choice, delta.part) != delta.part:
                    self._notes.changed("choices", JOINED)
                if delta.text or delta.logprobs:
                    out.append(self._text(delta))
            case OpaqueDelta():
                self._verbatim(delta, out)
            case UsageDelta():
                self._usage = delta.usage
            case Finished():
                more = {"stop_reason": delta.stop} if delta.stop else {}
                out.append(self._piece(delta.choice, "", finish_reason=reason_out(delta.finish, self._notes), **more))
            case Failed():
                said = {"message": delta.message, "type": delta.kind or "server_error", "param": None}
                out.append(event(_encode({"error": {**said, "code": delta.code or None}})))
                self._closed = True
            case Ended():
                self._end(out)
            case ReasoningDelta() | ToolCallDelta() | AudioDelta() | CitationDelta():
                self._notes.dropped(*_LOST[type(delta)])

    def _text(self, delta: TextDelta) -> bytes:
        told = None
        if delta.logprobs and delta.refusal:
            self._notes.dropped("choices.refusal_logprobs", "A refusal has no probabilities here.")
        elif delta.logprobs:
            start = self._lengths.get(delta.choice, len(self._before))
            told = probabilities_out(delta.logprobs, start, self._notes)
        return self._piece(delta.choice, delta.text, logprobs=told)

    def _piece(self, choice: int, text: str, **more: object) -> bytes:
        """One event with more of a choice. What the client wants to see again stands before its first words."""
        if choice not in self._lengths:
            self._lengths[choice] = 0
            text = self._before + text
        self._lengths[choice] += len(text)
        body: dict[str, Any] = {"text": text, "index": choice, "logprobs": None, "finish_reason": None, **more}
        for aside in self._asides.pop(choice, ()):
            aside_out(body, aside, self._notes)
        return event(_encode({**self._head, "choices": [body]}))

    def _verbatim(self, delta: OpaqueDelta, out: list[bytes]) -> None:
        value = delta.value
        if value.dialect == WHOLE:
            if words := words_out(_PART.decode(value.raw), self._notes):
                out.append(self._piece(delta.choice, words))
        elif value.dialect == NAME and value.kind.startswith("choice."):
            self._asides.setdefault(delta.choice, []).append(value)
        elif value.dialect == NAME and delta.part is None:
            self._head[value.kind] = value.raw
        elif delta.part is not None or value.kind.startswith(("message.", "choice.")):
            self._notes.foreign(f"choices.{value.kind.removeprefix('message.')}", value)
        else:
            self._notes.foreign(value.kind, value)

    def _end(self, out: list[bytes]) -> None:
        self._closed = True
        out.extend(self._piece(choice, "") for choice in tuple(self._asides))
        if self._wanted and self._usage is not None:
            out.append(event(_encode({**self._head, "choices": [], "usage": usage_out(self._usage, self._notes)})))
        out.append(b"data: [DONE]\n\n")
