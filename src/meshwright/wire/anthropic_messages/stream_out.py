"""Deltas into a client's stream.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming. One block is open at a time, in the order in
which parts begin; `message_delta` waits for the end, because other dialects tell the usage after the finish.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
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
from meshwright.wire.anthropic_messages.citations import citation_out
from meshwright.wire.anthropic_messages.errors import error_object
from meshwright.wire.anthropic_messages.response import stop_reason
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.anthropic_messages.usage import usage_out
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.in_turn import InTurn
from meshwright.wire.notes import Notes
from meshwright.wire.sse import event

_encode = msgspec.json.Encoder().encode
_IN_DELTA = frozenset({"container", "stop_details"})


class Encoder:
    """The StreamEncoder of this dialect, for one request."""

    __slots__ = (
        "_asides", "_begun", "_blocks", "_custom", "_done", "_extra", "_finish", "_head", "_index", "_model", "_notes",
        "_open", "_summary", "_turns", "_usage", "adaptations",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self._notes = Notes()
        self._turns = InTurn()
        self.adaptations: list[Adaptation] = self._notes.found
        self._model = request.model
        self._head = Began()
        self._begun = False
        self._done = False
        self._blocks: dict[int, int] = {}
        """The index of each part's block."""
        self._index = -1
        self._open: int | None = None
        """The part whose block is open."""
        self._custom: set[int] = set()
        self._summary: int | None = None
        self._finish: Finished | None = None
        self._usage: Usage | None = None
        self._extra: list[Opaque] = []
        self._asides: dict[str, Raw] = {}

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
        """The error event; the API ends streams that fail with it."""
        self._done = True
        return _event("error", error_object(error))

    def _add(self, delta: Delta, out: list[bytes]) -> None:
        if isinstance(delta, Began):
            self._head = delta
            self._usage = delta.usage
            self._begin(out)
            return
        if isinstance(delta, UsageDelta):
            self._usage = delta.usage
            return
        if isinstance(delta, Failed):
            self._done = True
            error = {"type": delta.kind or "api_error", "message": delta.message}
            if delta.code:
                error["code"] = delta.code
            out.append(_event("error", {"type": "error", "error": error}))
            return
        self._begin(out)
        if isinstance(delta, Ended):
            self._end(out)
        elif delta.choice:
            self._notes.dropped("choices", "The dialect has one answer: the first was sent.")
        else:
            self._content(delta, out)

    def _begin(self, out: list[bytes]) -> None:
        if self._begun:
            return
        self._begun = True
        message: dict[str, object] = {
            "id": self._head.id,
            "type": "message",
            "role": "assistant",
            "model": self._head.model or self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_out(self._usage, self._head.service_tier, (), self._notes, final=False),
        }
        out.append(_event("message_start", {"type": "message_start", "message": message}))

    def _content(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case TextDelta():
                if delta.refusal:
                    self._notes.changed("choices.refusal", "A refusal is sent as plain text.")
                if delta.logprobs:
                    self._notes.dropped("choices.logprobs", "The dialect tells no probabilities.")
                if delta.text or not delta.logprobs:
                    self._start(delta.part, {"type": "text", "text": ""}, out)
                if delta.text:
                    self._piece(delta.part, {"type": "text_delta", "text": delta.text}, out)
            case ToolCallDelta():
                self._tool_call(delta, out)
            case ReasoningDelta():
                self._thought(delta, out)
            case CitationDelta():
                cited = citation_out(delta.citation, self._notes, "choices", to_client=True)
                if cited is not None:
                    self._start(delta.part, {"type": "text", "text": ""}, out)
                    self._piece(delta.part, {"type": "citations_delta", "citation": cited}, out)
            case AudioDelta():
                self._spoken(delta, out)
            case OpaqueDelta():
                self._verbatim(delta, out)
            case PartEnded(part=part) if part == self._open:
                self._stop(out)
            case Finished():
                self._finish = delta

    def _start(self, part: int, block: dict[str, object] | Raw, out: list[bytes]) -> None:
        """Open the part's block, unless it has been opened before."""
        if part in self._blocks:
            return
        self._stop(out)
        self._index += 1
        self._blocks[part] = self._index
        self._open = part
        self._summary = None
        if isinstance(block, dict):
            place = f"content[{part}]."
            for path in [path for path in self._asides if path.startswith(place)]:
                block[path.removeprefix(place)] = self._asides.pop(path)
        out.append(
            _event("content_block_start", {"type": "content_block_start", "index": self._index, "content_block": block})
        )

    def _piece(self, part: int, delta: dict[str, object], out: list[bytes]) -> None:
        index = self._blocks[part]
        out.append(_event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}))

    def _stop(self, out: list[bytes]) -> None:
        if self._open is None:
            return
        if self._open in self._custom:
            self._piece(self._open, {"type": "input_json_delta", "partial_json": '"}'}, out)
        index = self._blocks[self._open]
        self._open = None
        out.append(_event("content_block_stop", {"type": "content_block_stop", "index": index}))

    def _tool_call(self, delta: ToolCallDelta, out: list[bytes]) -> None:
        custom = delta.kind == "custom" or delta.part in self._custom
        if delta.item_id:
            self._notes.moved("choices.item_id", "A tool call has one id here, and it stays.")
        known = delta.part in self._blocks
        self._start(delta.part, {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}}, out)
        arguments = delta.arguments
        if custom:
            self._notes.changed("choices.custom", FREE_TEXT)
            self._custom.add(delta.part)
            arguments = ("" if known else '{"input":"') + _encode(arguments).decode()[1:-1]
        if arguments:
            self._piece(delta.part, {"type": "input_json_delta", "partial_json": arguments}, out)

    def _thought(self, delta: ReasoningDelta, out: list[bytes]) -> None:
        if delta.summary is not None:
            self._notes.changed("choices.reasoning", "Thoughts have no numbered parts here.")
        if delta.id:
            self._notes.moved("choices.reasoning", "Thoughts are known by their place here, not by an id.")
        if delta.encrypted:
            if delta.part in self._blocks or delta.id or delta.text or delta.signature:
                why = "Hidden thoughts of another dialect stay behind."
                self._notes.dropped("choices.reasoning.encrypted", why)
            else:
                self._start(delta.part, {"type": "redacted_thinking", "data": delta.encrypted}, out)
                return
        if not (delta.text or delta.signature or (not delta.encrypted and not delta.id)):
            return
        self._start(delta.part, {"type": "thinking", "thinking": "", "signature": ""}, out)
        text = delta.text
        if delta.summary is not None:
            if self._summary is not None and self._summary != delta.summary:
                text = "\n\n" + text
            self._summary = delta.summary
        if text:
            self._piece(delta.part, {"type": "thinking_delta", "thinking": text}, out)
        if delta.signature:
            self._piece(delta.part, {"type": "signature_delta", "signature": delta.signature}, out)

    def _spoken(self, delta: AudioDelta, out: list[bytes]) -> None:
        if not delta.transcript:
            self._notes.dropped("choices.audio", "The dialect has no sound.")
            return
        self._notes.changed("choices.audio", "The dialect has no sound: the transcript was sent.")
        self._start(delta.part, {"type": "text", "text": ""}, out)
        self._piece(delta.part, {"type": "text_delta", "text": delta.transcript}, out)

    def _verbatim(self, delta: OpaqueDelta, out: list[bytes]) -> None:
        value = delta.value
        if value.dialect != NAME:
            of_turn = delta.part is not None or value.kind.startswith(("message.", "choice."))
            self._notes.foreign(f"choices.{value.kind.removeprefix('message.')}" if of_turn else value.kind, value)
        elif delta.part is not None:
            self._start(delta.part, value.raw, out)
        elif value.kind.startswith("event.message_start.") or value.kind.startswith("delta."):
            self._notes.dropped(value.kind, "It stood beside words that are sent as this dialect usually sends them.")
        elif value.kind.startswith("event."):
            out.append(event(bytes(value.raw).replace(b"\n", b" "), value.kind.removeprefix("event.").encode()))
        elif value.kind.startswith("message."):
            self._asides[value.kind.removeprefix("message.")] = value.raw
        else:
            self._extra.append(value)

    def _end(self, out: list[bytes]) -> None:
        self._stop(out)
        self._done = True
        finish = self._finish
        for path in self._asides:
            self._notes.dropped(f"choices.{path}", "The block that it belonged to has changed.")
        counted = [one for one in self._extra if one.kind.startswith("usage.")]
        delta: dict[str, object] = {
            "stop_reason": stop_reason(finish.finish, finish.stop, self._extra, self._notes) if finish else None,
            "stop_sequence": (finish.stop or None) if finish else None,
        }
        usage = usage_out(self._usage, "", counted, self._notes)
        closing: dict[str, object] = {"type": "message_delta", "delta": delta, "usage": usage}
        for extra in self._extra:
            if extra.kind in _IN_DELTA:
                delta[extra.kind] = extra.raw
            elif extra.kind != "stop_reason" and extra not in counted:
                closing[extra.kind] = extra.raw
        out.append(_event("message_delta", closing))
        out.append(_event("message_stop", {"type": "message_stop"}))


def _event(name: str, data: object) -> bytes:
    return event(_encode(data), name.encode())
