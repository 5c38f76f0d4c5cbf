"""Deltas into a client's stream.

Source: https://ai.google.dev/api/generate-content (streamGenerateContent?alt=sse). One chunk for each batch of deltas,
with the answer's id and model in each; a call goes out when it is whole, why the answer ended and the counts in the
last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Citation, Opaque, Part, ToolCall
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
    TokenProbability,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.fold import WHOLE
from meshwright.wire.gemini.citations import Words, cited_out
from meshwright.wire.gemini.errors import error_object, error_status
from meshwright.wire.gemini.finishes import WORD, finish_out
from meshwright.wire.gemini.logprobs import RESULT, fits, logprobs_out
from meshwright.wire.gemini.media import SPOKEN
from meshwright.wire.gemini.parts_out import Wire, Writer, put, unspoken
from meshwright.wire.gemini.response_in import FEEDBACK, blocked_by
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.spelling import is_base64
from meshwright.wire.gemini.usage import usage_out
from meshwright.wire.moments import moment
from meshwright.wire.notes import Notes
from meshwright.wire.sse import event

_encode = msgspec.json.Encoder().encode
_WHOLE: msgspec.json.Decoder[Part] = msgspec.json.Decoder(Part)
_CHOICE = "choice."


class Choice:
    """One candidate in the making."""

    def __init__(self, index: int, writer: Writer, notes: Notes) -> None:
        self.index = index
        self.finish: Finished | None = None
        self.spoke = False
        """There is more than a refusal that a filter made."""
        self.extra: dict[str, Opaque] = {}
        """Members of the candidate, for the next chunk; why it ended waits for the last."""
        self.content: dict[str, Raw] = {}
        self._writer = writer
        self._notes = notes
        self._parts: list[Wire] = []
        self._logprobs: list[TokenProbability] = []
        self._signature = ""
        self._open: dict[int, tuple[ToolCallDelta, list[str], str]] = {}
        """Calls that are not whole yet, by part: how they began, their arguments, the signature before them."""
        self._calls = 0
        self._thoughts: dict[int, int | None] = {}
        """Thoughts that have words: the number of the summary that is open, by the part's number."""
        self._places: dict[int, int] = {}
        self._texts: dict[int, list[str]] = {}
        self._cited: dict[int, list[Citation]] = {}
        self._asides: dict[int, dict[str, Raw]] = {}

    def add(self, delta: Delta) -> None:
        """Take one more delta of this choice in."""
        match delta:
            case PartEnded() | TextDelta(refusal=True) | Finished(finish="content_filter"):
                pass
            case _:
                self.spoke = True
        if self._open and not isinstance(delta, ToolCallDelta | PartEnded | Finished):
            self._close_all()
        match delta:
            case TextDelta():
                self._text(delta)
            case ToolCallDelta():
                self._called(delta)
            case ReasoningDelta():
                self._thought(delta)
            case AudioDelta():
                self._spoken(delta)
            case CitationDelta():
                self._cited.setdefault(delta.part, []).append(delta.citation)
            case OpaqueDelta():
                self._verbatim(delta)
            case PartEnded():
                self._close(delta.part)
            case Finished():
                self.finish = delta

    def _put(self, number: int, wire: Wire, *, signed: bool = True) -> None:
        """Send a wire part of our part `number`, with a signature that waited and its members that were kept aside."""
        if self._signature and signed and isinstance(wire, dict):
            wire["thoughtSignature"] = self._signature
            self._signature = ""
        elif self._signature:
            self._flush()
        for path, raw in self._asides.pop(number, {}).items():
            if not put(wire, path, raw):
                self._notes.dropped(f"choices.{path}", "The part that it belonged to has changed.")
        self._places.setdefault(number, len(self._places))
        self._parts.append(wire)

    def _flush(self) -> None:
        """Send a signature that has no part to stand on."""
        if self._signature:
            self._places[-1 - len(self._places)] = len(self._places)
            self._parts.append(unspoken(self._signature))
            self._signature = ""

    def _text(self, delta: TextDelta) -> None:
        self._logprobs += () if delta.refusal else delta.logprobs
        if delta.refusal:
            self._notes.changed("choices.refusal", "A refusal is sent as plain text.")
            if delta.logprobs:
                self._notes.dropped("choices.refusal_logprobs", "A refusal has no probabilities of its own here.")
        if delta.text or (self._signature and not delta.logprobs) or delta.part in self._asides:
            self._texts.setdefault(delta.part, []).append(delta.text)
            self._put(delta.part, {"text": delta.text})

    def _called(self, delta: ToolCallDelta) -> None:
        if delta.part not in self._open:
            self._open[delta.part] = (delta, [], self._signature)
            self._signature = ""
        self._open[delta.part][1].append(delta.arguments)

    def _close_all(self) -> None:
        for number in tuple(self._open):
            self._close(number)

    def _close(self, number: int) -> None:
        """Send the call that is whole now."""
        if number not in self._open:
            return
        begun, pieces, signature = self._open.pop(number)
        self._calls += 1
        whole = ToolCall(
            id=begun.id, name=begun.name, arguments="".join(pieces), kind=begun.kind, item_id=begun.item_id
        )
        wire = self._writer.wire(whole, "assistant")
        assert isinstance(wire, dict)
        if signature:
            wire["thoughtSignature"] = signature
        self._put(number, wire, signed=False)

    def _thought(self, delta: ReasoningDelta) -> None:
        if delta.summary is not None:
            self._notes.changed("choices.reasoning", "Thoughts have no numbered parts here.")
        if delta.id:
            self._notes.moved("choices.reasoning", "Thoughts are known by their place here, not by an id.")
        if delta.encrypted:
            self._notes.dropped("choices.reasoning.encrypted", "Hidden thoughts of another dialect stay behind.")
        signature = delta.signature
        if signature and not is_base64(signature):
            self._notes.dropped("choices.reasoning", "A signature of another form is no use here.")
            signature = ""
        known = delta.part in self._thoughts
        if delta.text or known or not (delta.signature or delta.encrypted or delta.id):
            text = delta.text
            if delta.summary is not None and known and self._thoughts[delta.part] != delta.summary:
                text = "\n\n" + text
            self._thoughts[delta.part] = delta.summary
            wire: dict[str, Any] = {"text": text, "thought": True}
            if signature:
                wire["thoughtSignature"] = signature
            if text or signature or not known:
                self._put(delta.part, wire, signed=False)
        elif signature:
            self._flush()
            self._signature = signature

    def _spoken(self, delta: AudioDelta) -> None:
        if delta.id or delta.expires_at is not None:
            self._notes.dropped("choices.audio.id", "A sound is always sent whole here.")
        if delta.data:
            wire: dict[str, Any] = {"inlineData": {"mimeType": SPOKEN, "data": delta.data}}
            kept = self._asides.get(delta.part, {}).get("inlineData.mimeType")
            self._put(delta.part, wire)
            if kept is not None:
                self._asides[delta.part] = {"inlineData.mimeType": kept}
        if delta.transcript:
            self._notes.changed("choices.audio.transcript", "What was spoken is written beside it.")
            self._put(delta.part, {"text": delta.transcript})

    def _verbatim(self, delta: OpaqueDelta) -> None:
        value = delta.value
        kind = value.kind.removeprefix("message.")
        if delta.part is not None and value.dialect == WHOLE:
            part = _WHOLE.decode(value.raw)
            wire = self._writer.wire(part, "assistant")
            if wire is not None:
                self._put(delta.part, wire)
        elif value.dialect != NAME:
            self._notes.foreign(f"choices.{kind}", value)
        elif delta.part is not None:
            self._put(delta.part, value.raw, signed=False)
        elif kind.startswith("parts["):
            number, _, path = kind.removeprefix("parts[").partition("].")
            self._asides.setdefault(int(number), {})[path] = value.raw
        elif kind.startswith(_CHOICE):
            self.extra[kind] = value
        else:
            self.content[kind] = value.raw

    def piece(self, *, last: bool) -> dict[str, Any] | None:
        """The candidate of the next chunk; None when there is nothing to say of it."""
        if last:
            self._close_all()
            self._flush()
            for path in (path for aside in self._asides.values() for path in aside if path != "inlineData.mimeType"):
                self._notes.dropped(f"choices.{path}", "The part that it belonged to has changed.")
        ready = {kind: one for kind, one in self.extra.items() if last or kind != WORD}
        if not (self._parts or ready or self._logprobs or self.content or last):
            return None
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": self._parts, **self.content}}
        candidate["index"] = self.index
        logprobs = tuple(self._logprobs)
        self._parts, self._logprobs, self.content = [], [], {}
        self.extra = {kind: one for kind, one in self.extra.items() if kind not in ready}
        result = ready.pop(RESULT, None)
        if result is not None and fits(result, logprobs):
            candidate["logprobsResult"] = result.raw
        elif logprobs:
            candidate["logprobsResult"] = logprobs_out(logprobs, self._notes)
        elif result is not None:
            self._notes.dropped("choices.logprobs", "The probabilities that it belonged to are gone.")
        if last:
            self._end(candidate, ready)
        candidate |= {kind.removeprefix(_CHOICE): one.raw for kind, one in ready.items()}
        return candidate

    def _end(self, candidate: dict[str, Any], ready: dict[str, Opaque]) -> None:
        word = ready.pop(WORD, None)
        if self.finish is not None:
            extra = () if word is None else (word,)
            candidate["finishReason"] = finish_out(self.finish.finish, self._calls > 0, extra, self._notes)
            if self.finish.stop:
                self._notes.dropped("choices.stop", "Which stop sequence ended the answer is not said here.")
        cited = [
            (Words(self._places[number], number, "".join(self._texts.get(number, ()))), tuple(some))
            for number, some in self._cited.items()
            if number in self._places
        ]
        if len(cited) < len(self._cited):
            self._notes.dropped("choices.citations", "A text without words has no citations here.")
        cited_out(candidate, cited, ready, self._notes)


class Encoder:
    """The StreamEncoder of this dialect, for one request."""

    __slots__ = ("_choices", "_done", "_extra", "_head", "_model", "_notes", "_usage", "_writer", "adaptations")

    def __init__(self, request: Request) -> None:
        self._notes = Notes()
        self.adaptations: list[Adaptation] = self._notes.found
        self._writer = Writer(self._notes, None)
        self._model = request.model
        self._head = Began()
        self._done = False
        self._usage: Usage | None = None
        self._choices: dict[int, Choice] = {}
        self._extra: dict[str, Opaque] = {}

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The chunks for these deltas, in one piece."""
        out: list[bytes] = []
        for delta in deltas:
            if not self._done:
                self._add(delta, out)
        if not self._done:
            self._chunk(out, last=False)
        return b"".join(out)

    def fail(self, error: MeshError) -> bytes:
        """The error chunk; the API ends streams that fail with it."""
        self._done = True
        return event(_encode(error_object(error)))

    def _add(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Began():
                self._head, self._usage = delta, delta.usage
                if delta.service_tier:
                    self._notes.dropped("service_tier", "An answer does not say its tier here.")
            case UsageDelta():
                self._usage = delta.usage
            case Failed():
                self._chunk(out, last=False)
                self._done = True
                error = {"code": 500, "message": delta.message, "status": delta.kind or error_status(500)}
                out.append(event(_encode({"error": error})))
            case Ended():
                self._chunk(out, last=True)
                self._done = True
            case OpaqueDelta(value=value, part=None) if not value.kind.startswith(("message.", _CHOICE)):
                if value.dialect == NAME:
                    self._extra[value.kind] = value
                else:
                    self._notes.foreign(value.kind, value)
            case _:
                choice = self._choices.get(delta.choice)
                if choice is None:
                    choice = self._choices[delta.choice] = Choice(delta.choice, self._writer, self._notes)
                choice.add(delta)

    def _chunk(self, out: list[bytes], *, last: bool) -> None:
        """One chunk of what has come since the one before."""
        chunk: dict[str, Any] = {}
        if not self._blocked():
            pieces = [piece for one in self._choices.values() if (piece := one.piece(last=last)) is not None]
            if pieces:
                chunk["candidates"] = pieces
        counted = [one for kind, one in self._extra.items() if kind.startswith("usageMetadata.")]
        if last and self._usage is not None:
            chunk["usageMetadata"] = usage_out(self._usage, counted, self._notes)
        elif last and counted:
            self._notes.dropped("usage.more", "The counts that it belonged to are gone.")
        if last:
            chunk |= {kind: one.raw for kind, one in self._extra.items() if one not in counted}
        if not chunk and not last:
            return
        chunk["modelVersion"] = self._head.model or self._model
        if self._head.id:
            chunk["responseId"] = self._head.id
        if self._head.created:
            chunk["createTime"] = moment(self._head.created)
        out.append(event(_encode(chunk)))

    def _blocked(self) -> bool:
        """Whether all there is is what the API tells by `promptFeedback`, without a candidate."""
        spoke = any(choice.spoke for choice in self._choices.values())
        return not spoke and blocked_by(self._extra.get(FEEDBACK)) is not None
