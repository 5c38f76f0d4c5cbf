"""Deltas into a client's stream.

Source: https://docs.cohere.com/docs/streaming. Content is numbered from 0, and so are calls; one block of content is
open at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Citation, Opaque
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
from meshwright.wire.cohere.citations import citation_out, groups
from meshwright.wire.cohere.response import reason_out, tokens_out
from meshwright.wire.cohere.shapes import NAME
from meshwright.wire.cohere.turns_in import PLAN
from meshwright.wire.cohere.usage import usage_out
from meshwright.wire.complaints import complaint
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.in_turn import InTurn
from meshwright.wire.notes import Notes
from meshwright.wire.sse import event

_encode = msgspec.json.Encoder().encode
_END = b"data: [DONE]\n\n"


class Encoder:
    """The StreamEncoder of this dialect, for one request."""

    __slots__ = (
        "_begun", "_blocks", "_calls", "_citations", "_cited", "_custom", "_done", "_extra", "_finish", "_head",
        "_model", "_notes", "_open", "_plans", "_summary", "_texts", "_turns", "_usage", "adaptations",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self._notes = Notes()
        self._turns = InTurn(cite_late=True)
        self.adaptations: list[Adaptation] = self._notes.found
        self._model = request.model
        self._head = Began()
        self._begun = False
        self._done = False
        self._blocks: dict[int, int] = {}
        """The number of each part's block."""
        self._open: int | None = None
        """The part whose block is open."""
        self._calls: dict[int, tuple[int, bool]] = {}
        """The number of each part's call, and whether it is still open."""
        self._custom: set[int] = set()
        self._texts: dict[int, list[str]] = {}
        self._citations: dict[int, list[Citation]] = {}
        """Citations that wait for the end of their text: further sources of one come after it."""
        self._cited = 0
        self._plans: set[str] = set()
        self._summary: int | None = None
        self._finish: Finished | None = None
        self._usage: Usage | None = None
        self._extra: list[Opaque] = []

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The events for these deltas, in one piece."""
        out: list[bytes] = []
        for delta in self._turns.feed(deltas):
            if not self._done:
                self._add(delta, out)
        if self._turns.mixed:
            self._notes.changed("choices", "Pieces of several parts came mixed; each stands in blocks of its own.")
        return b"".join(out)

    def fail(self, error: MeshError) -> bytes:
        """The end of a stream that failed: it says so."""
        return self._failed(complaint(error))

    def _failed(self, words: str) -> bytes:
        self._done = True
        return _event("message-end", delta={"error": words, "finish_reason": "ERROR"})

    def _add(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Began():
                self._head = delta
                self._usage = delta.usage
                if delta.service_tier:
                    self._notes.dropped("service_tier", "The dialect has no service tiers.")
                self._begin(out)
            case UsageDelta():
                self._usage = delta.usage
            case Failed():
                out.append(self._failed(delta.message))
            case Ended():
                self._begin(out)
                self._end(out)
            case _ if delta.choice:
                self._notes.dropped("choices", "The dialect has one answer: the first was sent.")
            case _:
                self._begin(out)
                self._content(delta, out)

    def _begin(self, out: list[bytes]) -> None:
        if self._begun:
            return
        self._begun = True
        message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        model = self._head.model or self._model
        out.append(_event("message-start", id=self._head.id, model=model, delta={"message": message}))

    def _content(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case TextDelta():
                if delta.refusal:
                    self._notes.changed("choices.refusal", "A refusal is sent as plain text.")
                if delta.text or delta.logprobs:
                    self._text(delta, out)
            case ToolCallDelta():
                self._tool_call(delta, out)
            case ReasoningDelta():
                self._thought(delta, out)
            case CitationDelta():
                self._citations.setdefault(delta.part, []).append(delta.citation)
                if delta.part not in self._blocks:
                    self._start(delta.part, {"type": "text", "text": ""}, out)
            case AudioDelta(transcript=""):
                self._notes.dropped("choices.audio", "The dialect has no sound.")
            case AudioDelta():
                self._notes.changed("choices.audio", "The dialect has no sound: the transcript was sent.")
                self._text(TextDelta(text=delta.transcript, part=delta.part), out)
            case OpaqueDelta():
                self._verbatim(delta, out)
            case PartEnded(part=part):
                if part == self._open:
                    self._stop(out)
                self._hang_up(part, out)
            case Finished():
                self._finish = delta

    def _text(self, delta: TextDelta, out: list[bytes]) -> None:
        self._start(delta.part, {"type": "text", "text": ""}, out)
        self._texts.setdefault(delta.part, []).append(delta.text)
        more = {"logprobs": tokens_out(delta.logprobs, self._notes)[0]} if len(delta.logprobs) == 1 else {}
        content = {"message": {"content": {"text": delta.text}}}
        if delta.text or more:
            out.append(_event("content-delta", index=self._blocks[delta.part], delta=content, **more))
        if not more:
            for one in tokens_out(delta.logprobs, self._notes):
                empty = {"message": {"content": {"text": ""}}}
                out.append(_event("content-delta", index=self._blocks[delta.part], delta=empty, logprobs=one))

    def _start(self, part: int, content: dict[str, Any] | Raw, out: list[bytes]) -> None:
        """Open the part's block, unless it has been opened before."""
        if part in self._blocks:
            return
        self._stop(out)
        self._blocks[part] = len(self._blocks)
        self._open = part
        self._summary = None
        out.append(_event("content-start", index=self._blocks[part], delta={"message": {"content": content}}))

    def _stop(self, out: list[bytes]) -> None:
        if self._open is None:
            return
        part, self._open = self._open, None
        self._cite(part, out)
        out.append(_event("content-end", index=self._blocks[part]))

    def _cite(self, part: int, out: list[bytes]) -> None:
        text = "".join(self._texts.get(part, ()))
        for group in groups(self._citations.pop(part, ())):
            wire = citation_out(group, text, self._blocks[part], self._notes, "choices")
            out.append(_event("citation-start", index=self._cited, delta={"message": {"citations": wire}}))
            out.append(_event("citation-end", index=self._cited))
            self._cited += 1

    def _tool_call(self, delta: ToolCallDelta, out: list[bytes]) -> None:
        if delta.item_id:
            self._notes.moved("choices.item_id", "A tool call has one id here, and it stays.")
        arguments = delta.arguments
        known = delta.part in self._calls
        if delta.kind == "custom" or delta.part in self._custom:
            self._notes.changed("choices.custom", FREE_TEXT)
            self._custom.add(delta.part)
            arguments = ("" if known else '{"input":"') + _encode(arguments).decode()[1:-1]
        if not known:
            self._stop(out)
            self._calls[delta.part] = (len(self._calls), True)
            call = {"id": delta.id, "type": "function", "function": {"name": delta.name, "arguments": ""}}
            index = self._calls[delta.part][0]
            out.append(_event("tool-call-start", index=index, delta={"message": {"tool_calls": call}}))
        if arguments:
            self._arguments(delta.part, arguments, out)

    def _arguments(self, part: int, arguments: str, out: list[bytes]) -> None:
        change = {"message": {"tool_calls": {"function": {"arguments": arguments}}}}
        out.append(_event("tool-call-delta", index=self._calls[part][0], delta=change))

    def _hang_up(self, part: int, out: list[bytes]) -> None:
        index, still_open = self._calls.get(part, (0, False))
        if not still_open:
            return
        if part in self._custom:
            self._arguments(part, '"}', out)
        self._calls[part] = (index, False)
        out.append(_event("tool-call-end", index=index))

    def _thought(self, delta: ReasoningDelta, out: list[bytes]) -> None:
        if delta.signature or delta.encrypted:
            self._notes.dropped("choices.reasoning.signature", "Thoughts are neither signed nor hidden here.")
        if delta.summary is not None:
            self._notes.changed("choices.reasoning", "Thoughts have no numbered parts here.")
        if delta.id:
            self._notes.moved("choices.reasoning", "Thoughts are known by their place here, not by an id.")
        text = delta.text
        if not text:
            return
        if f"content[{delta.part}].{PLAN}" in self._plans:
            out.append(_event("tool-plan-delta", delta={"message": {PLAN: text}}))
            return
        self._start(delta.part, {"type": "thinking", "thinking": ""}, out)
        if delta.summary is not None:
            if self._summary is not None and self._summary != delta.summary:
                text = "\n\n" + text
            self._summary = delta.summary
        change = {"message": {"content": {"thinking": text}}}
        out.append(_event("content-delta", index=self._blocks[delta.part], delta=change))

    def _verbatim(self, delta: OpaqueDelta, out: list[bytes]) -> None:
        value = delta.value
        kind = value.kind
        if value.dialect != NAME:
            of_turn = delta.part is not None or kind.startswith(("message.", "choice."))
            self._notes.foreign(f"choices.{kind.removeprefix('message.')}" if of_turn else kind, value)
        elif delta.part is not None:
            self._start(delta.part, value.raw, out)
        elif kind == "message.citations":
            for one in msgspec.json.decode(value.raw, type=list[Raw]):
                out.append(_event("citation-start", index=self._cited, delta={"message": {"citations": one}}))
                out.append(_event("citation-end", index=self._cited))
                self._cited += 1
        elif kind.startswith("message.") and kind.endswith(f"].{PLAN}"):
            self._plans.add(kind.removeprefix("message."))
        elif kind == "event.logprobs" or kind.startswith("message."):
            self._notes.dropped(f"choices.{kind.partition('.')[2]}", "A stream has no place for it.")
        elif kind.startswith("event."):
            out.append(event(bytes(value.raw).replace(b"\n", b" "), kind.removeprefix("event.").encode()))
        else:
            self._extra.append(value)

    def _end(self, out: list[bytes]) -> None:
        self._stop(out)
        for part in list(self._calls):
            self._hang_up(part, out)
        for part in list(self._citations):
            self._cite(part, out)
        self._done = True
        finish = self._finish or Finished(finish="unknown")
        called = bool(self._calls)
        reason = reason_out(finish.finish, finish.stop, self._extra, self._notes, called=called)
        change: dict[str, Any] = {"finish_reason": reason}
        usage = usage_out(self._usage, self._extra, self._notes)
        if usage:
            change["usage"] = usage
        for extra in self._extra:
            if extra.kind != "finish_reason" and not extra.kind.startswith("usage."):
                change[extra.kind] = extra.raw
        out.append(_event("message-end", id=self._head.id, delta=change))
        out.append(_END)


def _event(kind: str, **members: object) -> bytes:
    return event(_encode({"type": kind, **members}), kind.encode())
