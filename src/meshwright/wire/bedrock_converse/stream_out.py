"""Deltas into a client's stream.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html. One block is open
at a time, in the order in which parts begin; `messageStop` and `metadata` wait for the end, because other dialects tell
the usage after the finish.
"""

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
from meshwright.wire.bedrock_converse.blocks_out import NOT_BASE64, Writer, is_base64
from meshwright.wire.bedrock_converse.citations import citation_out
from meshwright.wire.bedrock_converse.errors import IN_STREAM, error_object, exception_name
from meshwright.wire.bedrock_converse.eventstream import event, exception
from meshwright.wire.bedrock_converse.media import image_out
from meshwright.wire.bedrock_converse.response import NO_METRICS, stop_reason
from meshwright.wire.bedrock_converse.shapes import NAME
from meshwright.wire.bedrock_converse.usage import usage_out
from meshwright.wire.fold import WHOLE
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.in_turn import InTurn
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import members

_encode = msgspec.json.Encoder().encode
_WITH_STOP = frozenset({"additionalModelResponseFields"})
"""Members of an answer that `messageStop` tells; `metadata` tells the others."""
_IMAGE: msgspec.json.Decoder[Image] = msgspec.json.Decoder(Image)


class Encoder:
    """The StreamEncoder of this dialect, for one request."""

    __slots__ = (
        "_asides", "_bare", "_begun", "_blocks", "_custom", "_done", "_extra", "_finish", "_index", "_notes", "_open",
        "_summary", "_tier", "_turns", "_usage", "_writer", "adaptations",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self._notes = Notes()
        self._turns = InTurn()
        self.adaptations: list[Adaptation] = self._notes.found
        self._writer = Writer(self._notes, None)
        self._begun = False
        self._done = False
        self._blocks: dict[int, int] = {}
        """The index of each part's block."""
        self._index = -1
        self._open: int | None = None
        """The part whose block is open."""
        self._bare: set[int] = set()
        """Tool calls of which no arguments were sent yet."""
        self._custom: set[int] = set()
        self._summary: int | None = None
        self._finish: Finished | None = None
        self._usage: Usage | None = None
        self._tier = ""
        self._extra: list[Opaque] = []
        self._asides: dict[str, Raw] = {}

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The frames for these deltas, in one piece."""
        out: list[bytes] = []
        for delta in self._turns.feed(deltas):
            if not self._done:
                self._add(delta, out)
        if self._turns.mixed:
            self._notes.changed("choices", "Pieces of several parts came mixed; each stands in blocks of its own.")
        return b"".join(out)

    def fail(self, error: MeshError) -> bytes:
        """The exception that ends a stream."""
        self._done = True
        return exception(exception_name(error), _encode(error_object(error)))

    def _add(self, delta: Delta, out: list[bytes]) -> None:
        if isinstance(delta, UsageDelta):
            self._usage = delta.usage
            return
        if isinstance(delta, Failed):
            self._done = True
            kind = delta.kind if delta.kind in IN_STREAM else "modelStreamErrorException"
            more = {"error_code": delta.code or delta.kind} if delta.code or delta.kind else {}
            out.append(exception(kind, _encode({"message": delta.message, **more})))
            return
        if not self._begun:
            self._begun = True
            out.append(event("messageStart", b'{"role":"assistant"}'))
        if isinstance(delta, Began):
            self._usage, self._tier = delta.usage, delta.service_tier
        elif isinstance(delta, Ended):
            self._end(out)
        elif delta.choice:
            self._notes.dropped("choices", "The dialect has one answer: the first was sent.")
        else:
            self._content(delta, out)

    def _content(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case TextDelta():
                if delta.refusal:
                    self._notes.changed("choices.refusal", "A refusal is sent as plain text.")
                if delta.logprobs:
                    self._notes.dropped("choices.logprobs", "The dialect tells no probabilities.")
                if delta.text:
                    self._piece(delta.part, {"text": delta.text}, out)
            case ToolCallDelta():
                self._tool_call(delta, out)
            case ReasoningDelta():
                self._thought(delta, out)
            case CitationDelta():
                self._piece(delta.part, {"citation": citation_out(delta.citation, self._notes, "choices")}, out)
            case AudioDelta():
                if delta.transcript:
                    self._notes.changed("choices.audio", "A stream has no sound here: the transcript was sent.")
                    self._piece(delta.part, {"text": delta.transcript}, out)
                else:
                    self._notes.dropped("choices.audio", "A stream has no sound here.")
            case OpaqueDelta():
                self._verbatim(delta, out)
            case PartEnded(part=part) if part == self._open:
                self._stop(out)
            case Finished():
                self._finish = delta

    def _block(self, part: int, out: list[bytes]) -> int:
        """The index of the part's block, which is the open one from now on."""
        if part not in self._blocks:
            self._stop(out)
            self._index += 1
            self._blocks[part] = self._index
            self._open = part
            self._summary = None
        return self._blocks[part]

    def _start(self, part: int, start: dict[str, object], out: list[bytes]) -> None:
        index = self._block(part, out)
        out.append(event("contentBlockStart", _encode({"start": start, "contentBlockIndex": index})))

    def _piece(self, part: int, delta: dict[str, object], out: list[bytes]) -> None:
        index = self._block(part, out)
        out.append(event("contentBlockDelta", _encode({"delta": delta, "contentBlockIndex": index})))

    def _stop(self, out: list[bytes]) -> None:
        part = self._open
        if part is None:
            return
        if part in self._custom:
            self._piece(part, {"toolUse": {"input": '"}'}}, out)
        elif part in self._bare:
            self._piece(part, {"toolUse": {"input": "{}"}}, out)
        self._open = None
        out.append(event("contentBlockStop", _encode({"contentBlockIndex": self._blocks[part]})))

    def _tool_call(self, delta: ToolCallDelta, out: list[bytes]) -> None:
        custom = delta.kind == "custom" or delta.part in self._custom
        if delta.item_id:
            self._notes.moved("choices.item_id", "A tool call has one id here, and it stays.")
        known = delta.part in self._blocks
        if not known:
            call: dict[str, object] = {"toolUseId": self._writer.id(delta.id), "name": delta.name}
            place = f"content[{delta.part}].toolUse."
            for path in [path for path in self._asides if path.startswith(place)]:
                call[path.removeprefix(place)] = self._asides.pop(path)
            self._start(delta.part, {"toolUse": call}, out)
            self._bare.add(delta.part)
        arguments = delta.arguments
        if custom:
            self._notes.changed("choices.custom", FREE_TEXT)
            self._custom.add(delta.part)
            arguments = ("" if known else '{"input":"') + _encode(arguments).decode()[1:-1]
        if arguments:
            self._bare.discard(delta.part)
            self._piece(delta.part, {"toolUse": {"input": arguments}}, out)

    def _thought(self, delta: ReasoningDelta, out: list[bytes]) -> None:
        if delta.summary is not None:
            self._notes.changed("choices.reasoning", "Thoughts have no numbered parts here.")
        if delta.id:
            self._notes.moved("choices.reasoning", "Thoughts are known by their place here, not by an id.")
        if delta.encrypted:
            if delta.part in self._blocks or delta.id or delta.text or delta.signature:
                why = "Hidden thoughts of another dialect stay behind."
                self._notes.dropped("choices.reasoning.encrypted", why)
            elif not is_base64(delta.encrypted):
                self._notes.dropped("choices.reasoning.encrypted", NOT_BASE64)
            else:
                self._piece(delta.part, {"reasoningContent": {"redactedContent": delta.encrypted}}, out)
                return
        text = delta.text
        if delta.summary is not None:
            if self._summary is not None and self._summary != delta.summary and delta.part in self._blocks:
                text = "\n\n" + text
            if text:
                self._piece(delta.part, {"reasoningContent": {"text": text}}, out)
            self._summary = delta.summary
        elif text or not (delta.signature or delta.encrypted or delta.id):
            self._piece(delta.part, {"reasoningContent": {"text": text}}, out)
        if delta.signature:
            self._piece(delta.part, {"reasoningContent": {"signature": delta.signature}}, out)

    def _verbatim(self, delta: OpaqueDelta, out: list[bytes]) -> None:
        value = delta.value
        if value.dialect == WHOLE and value.kind == "image" and delta.part is not None:
            block = image_out(_IMAGE.decode(value.raw), "choices", self._notes)
            if block is not None:
                self._collected(delta.part, "image", members(Raw(_encode(block["image"]))), out)
        elif value.dialect != NAME:
            of_turn = delta.part is not None or value.kind.startswith(("message.", "choice."))
            self._notes.foreign(f"choices.{value.kind.removeprefix('message.')}" if of_turn else value.kind, value)
        elif delta.part is not None:
            whole = members(value.raw)
            if value.kind not in ("toolUse", "toolResult", "image") or value.kind not in whole:
                self._notes.dropped(f"choices.{value.kind}", "A stream has no such block here.")
                return
            self._collected(delta.part, value.kind, members(whole[value.kind]), out)
        elif value.kind.startswith("event.contentBlock"):
            self._notes.dropped(value.kind, "The block that it belonged to has another number now.")
        elif value.kind.startswith("event."):
            out.append(event(value.kind.removeprefix("event."), bytes(value.raw)))
        elif value.kind.startswith("message."):
            self._asides[value.kind.removeprefix("message.")] = value.raw
        else:
            self._extra.append(value)

    def _collected(self, part: int, kind: str, whole: dict[str, Raw], out: list[bytes]) -> None:
        """A block that comes in one piece: its start, its content, its end."""
        name = {"toolUse": "input", "toolResult": "content", "image": "source"}[kind]
        content = whole.pop(name, Raw(b"{}"))
        self._start(part, {kind: whole}, out)
        if kind == "toolUse":
            self._piece(part, {kind: {"input": bytes(content).decode()}}, out)
        else:
            self._piece(part, {kind: content if kind == "toolResult" else {"source": content}}, out)
        self._stop(out)

    def _end(self, out: list[bytes]) -> None:
        self._stop(out)
        self._done = True
        for path in self._asides:
            self._notes.dropped(f"choices.{path}", "The block that it belonged to has changed.")
        finish = self._finish
        reason = stop_reason(finish.finish, finish.stop, self._extra, self._notes) if finish else None
        stop: dict[str, object] = {} if reason is None else {"stopReason": reason}
        counted = [one for one in self._extra if one.kind.startswith("usage.")]
        told: dict[str, object] = {"usage": usage_out(self._usage, counted, self._notes), "metrics": NO_METRICS}
        if self._tier:
            told["serviceTier"] = {"type": self._tier}
        for extra in self._extra:
            if extra.kind in _WITH_STOP:
                stop[extra.kind] = extra.raw
            elif extra.kind == "stopReason" and reason is not extra.raw:
                self._notes.dropped("stopReason", "The answer now ends for another reason.")
            elif extra.kind != "stopReason" and extra not in counted:
                told[extra.kind] = extra.raw
        out.append(event("messageStop", _encode(stop)))
        out.append(event("metadata", _encode(told)))
