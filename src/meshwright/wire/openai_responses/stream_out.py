"""Deltas as the event stream of a Responses call.

Source: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.answer import Answer
from meshwright.wire.openai_responses.content_out import Json
from meshwright.wire.openai_responses.emit import Events
from meshwright.wire.openai_responses.errors import code_of
from meshwright.wire.openai_responses.items_out import ITEM, Asides, Item
from meshwright.wire.openai_responses.making import Call, Speech, Thought, Words
from meshwright.wire.openai_responses.members import NAME, OBJECT
from meshwright.wire.openai_responses.output import FIELD, Output
from meshwright.wire.openai_responses.usage import finish_out
from meshwright.wire.verbatim import raw_of

_ASIDE = "message."
_EVENT = "event."


class ResponsesEncoder:
    """See `dialect.StreamEncoder`. Pure: the same deltas give the same bytes."""

    def __init__(self, request: Request) -> None:
        self._notes = Notes()
        self.adaptations: list[Adaptation] = self._notes.found
        self._answer = Answer(request, self._notes)
        self._output = Output(self._notes, self._answer.id)
        self._events = Events()
        self._begun = False
        self._over = False
        self._asides = Asides((), self._notes, FIELD)
        self._made: dict[int, Item] = {}
        self._places = 0
        self._speech: Speech | None = None
        self._spoke = False
        self._words: dict[int, Words] = {}
        self._silent: dict[int, TextDelta] = {}
        self._open: dict[int, Call | Thought] = {}
        self._waiting: list[tuple[str, dict[str, Raw]]] = []
        self._calls = False
        self._status, self._reason = "", ""
        self._usage: Usage | None = None

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The events for these deltas, in one piece."""
        for delta in deltas:
            if self._over:
                break
            if isinstance(delta, TextDelta) and not delta.logprobs and delta.choice == 0:
                words = self._words.get(delta.part)
                if words is not None and words.open:
                    words.add(delta.text, (), self._events)
                    continue
            self._delta(delta)
        return self._events.take()

    def fail(self, error: MeshError) -> bytes:
        """An `error` event and, when the answer had begun, the answer as failed."""
        if not self._over:
            self._fail(str(error), error.code, code_of(error), error.field)
        return self._events.take()

    def _delta(self, delta: Delta) -> None:
        match delta:
            case Began():
                self._begin(delta)
            case UsageDelta():
                self._usage = delta.usage
            case Failed():
                self._fail(delta.message, delta.code or delta.kind or "server_error", "server_error", None)
            case Ended():
                self._end()
            case _ if delta.choice != 0:
                self._notes.dropped("choices.n", "This API gives one answer: the first was sent.")
            case TextDelta():
                self._add_words(delta)
            case ReasoningDelta() | ToolCallDelta():
                self._add(delta)
            case CitationDelta():
                words = self._words.get(delta.part) or self._begin_words(delta.part)
                if not words.open or words.refusal:
                    self._notes.dropped("choices.citations", "The words that it belongs to have ended.")
                else:
                    words.cite(delta.citation, self._output, self._events)
            case OpaqueDelta():
                self._opaque(delta)
            case AudioDelta():
                self._notes.changed("choices.audio", "This API answers in words: the transcript was sent.")
                if delta.transcript:
                    self._add_words(TextDelta(text=delta.transcript, part=delta.part))
            case PartEnded():
                self._end_part(delta.part)
            case Finished():
                self._finish(delta)

    def _begin(self, head: Began) -> None:
        answer = self._answer
        answer.id = self._output.answer = head.id or answer.id
        answer.model = head.model or answer.model
        answer.created = head.created
        answer.service_tier = head.service_tier
        self._usage = head.usage
        self._begun = True
        for kind in ("response.created", "response.in_progress"):
            self._events.add(kind, {"response": answer.whole("in_progress", "", _NOTHING, None)})

    def _place(self) -> int:
        if not self._begun:
            self._begin(Began())
        place = self._places
        self._places += 1
        return place

    def _speak(self, part: int) -> Speech:
        """The message item for this part: the open one, unless another begins here."""
        further = self._asides.further.get(part)
        if self._speech is not None and (further is None or self._speech.part == part):
            return self._speech
        self._end_speech()
        first = further is None and not self._spoke
        head = self._asides.members if first else further[-1] if further else {}
        self._spoke = True
        self._speech = Speech(self._place(), None if first else part, head, self._output, self._events)
        return self._speech

    def _add_words(self, delta: TextDelta) -> None:
        words = self._words.get(delta.part)
        if words is None and not delta.text and not delta.logprobs:
            self._silent[delta.part] = delta  # streams often begin with nothing: no message, unless it ends as a part
            return
        if words is None or not words.open or words.refusal != delta.refusal:
            words = self._begin_words(delta.part, delta.refusal)
        if delta.logprobs and delta.refusal:
            self._notes.dropped("choices.refusal_logprobs", "Only words have probabilities here.")
        words.add(delta.text, delta.logprobs, self._events)

    def _begin_words(self, part: int, refusal: bool = False) -> Words:
        self._end_thoughts()
        words = self._words[part] = self._speak(part).words(part, refusal, self._asides)
        return words

    def _add(self, delta: ReasoningDelta | ToolCallDelta) -> None:
        making = self._open.get(delta.part)
        if making is None:
            self._end_speech()
            self._end_thoughts()
            if isinstance(delta, ReasoningDelta):
                making = Thought(self._place(), delta, self._output, self._events)
            else:
                making = Call(self._place(), delta, self._output, self._events)
                self._calls = True
            self._open[delta.part] = making
        if isinstance(delta, ReasoningDelta) and isinstance(making, Thought):
            making.add(delta)
        elif isinstance(delta, ToolCallDelta) and isinstance(making, Call):
            making.add(ToolCallDelta(part=delta.part, arguments=delta.arguments, id=delta.id, name=delta.name))

    def _opaque(self, delta: OpaqueDelta) -> None:
        value = delta.value
        about = delta.part is not None or value.kind.startswith((_ASIDE, "choice."))
        if value.dialect != NAME:
            self._notes.foreign(f"{FIELD}.{value.kind}" if about else value.kind, value, NAME)
        elif delta.part is None:
            if value.kind.startswith(_ASIDE):
                self._keep(Opaque(NAME, value.kind.removeprefix(_ASIDE), value.raw))
            elif value.kind.startswith(_EVENT):
                self._again(value)
            else:
                self._answer.keep(value)
        elif value.kind.startswith(ITEM):
            self._end_speech()
            self._end_thoughts()
            place = self._place()
            self._made[place] = value.raw
            at: Json = {"output_index": place, "item": value.raw}
            self._events.add("response.output_item.added", at)
            for kind, members in self._waiting:
                self._events.again(kind, {**members, "output_index": place})
            self._waiting.clear()
            self._events.add("response.output_item.done", at)
        else:
            self._end_thoughts()
            self._speak(delta.part).unknown(value.raw, self._asides)

    def _keep(self, aside: Opaque) -> None:
        """Something of the message's own JSON; a later word on the same replaces the earlier one."""
        what, _, place = aside.kind.partition(".")
        if what == "message" and place.isdecimal():
            self._asides.further.pop(int(place), None)
        self._asides.keep(aside)

    def _again(self, value: Opaque) -> None:
        """A provider's event of a kind that is not known here; one about an item waits until the item is announced."""
        members = OBJECT.decode(value.raw)
        if "output_index" in members:
            self._waiting.append((value.kind.removeprefix(_EVENT), members))
        else:
            if not self._begun:
                self._begin(Began())
            self._events.again(value.kind.removeprefix(_EVENT), members)

    def _end_part(self, number: int) -> None:
        words = self._words.get(number)
        if words is None and number in self._silent:
            words = self._begin_words(number, self._silent[number].refusal)
        if words is not None and words.open and self._speech is not None:
            self._speech.end_words(self._asides)
        making = self._open.pop(number, None)
        if making is not None:
            self._made[making.place] = making.end("completed", self._asides)

    def _end_speech(self, status: str = "completed") -> None:
        if self._speech is not None:
            speech, self._speech = self._speech, None
            self._made[speech.place] = speech.end(status, self._asides)

    def _end_thoughts(self) -> None:
        """Something else begins, so no thought goes on; calls may be made side by side."""
        for number in [number for number, making in self._open.items() if isinstance(making, Thought)]:
            self._end_part(number)

    def _finish(self, delta: Finished) -> None:
        kept = self._answer.extra.get("status")
        self._status, self._reason = finish_out(delta.finish, delta.stop, kept, self._notes, calls=self._calls)
        last = "incomplete" if self._status == "incomplete" else "completed"
        self._close(last)

    def _close(self, status: str) -> None:
        """End every item that is still open."""
        for number in sorted(self._open, key=lambda one: self._open[one].place):
            making = self._open.pop(number)
            self._made[making.place] = making.end(status, self._asides)
        self._end_speech(status)

    def _end(self) -> None:
        if not self._begun:
            self._begin(Began())
        self._close("incomplete")
        for kind, members in self._waiting:
            self._events.again(kind, members)
        self._over = True
        if not self._status:
            self._status = "incomplete"
            self._notes.changed("choices.finish", "Nothing said how the answer ended: it counts as incomplete.")
        for lost in self._asides.left:
            self._notes.foreign(f"{FIELD}.{lost.kind}", lost, NAME)
        event = self._status if self._status in ("completed", "failed") else "incomplete"
        whole = self._answer.whole(self._status, self._reason, self._items(), self._usage)
        self._events.add(f"response.{event}", {"response": whole})

    def _items(self) -> Raw:
        return raw_of([self._made[place] for place in sorted(self._made)])

    def _fail(self, message: str, code: str, kind: str, field: str | None) -> None:
        self._over = True
        # The documented members, and the same in the object for which OpenAI's own clients look: without it they take
        # the event for one like any other, and the end of the stream for a clean one.
        told: Json = {"code": code, "message": message, "param": field}
        self._events.add("error", {**told, "error": {"type": kind, **told}})
        if self._begun:  # else nobody knows the answer's id, and clients refuse an answer that changes its id
            error: Json = {"code": kind, "message": message}
            failed = self._answer.whole("failed", "", self._items(), self._usage, error)
            self._events.add("response.failed", {"response": failed})


_NOTHING = Raw(b"[]")
