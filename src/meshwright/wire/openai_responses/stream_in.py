"""A provider's event stream as deltas.

Words are passed on as they come; whatever an item says beyond its words (citations, ids, members that nobody knows,
text for which no delta came) is taken from the whole item that `response.output_item.done` brings, and what even that
did not bring from the whole answer at the end. Source:
https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Reasoning, Refusal, Text, ToolCall
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
from meshwright.wire.dialect import Target
from meshwright.wire.openai_responses.citations import PROBABILITIES, citation_in, probabilities_in
from meshwright.wire.openai_responses.ids import minted
from meshwright.wire.openai_responses.items_in import Turns
from meshwright.wire.openai_responses.members import NAME, NULL, OBJECT, Members, read
from meshwright.wire.openai_responses.response_in import HEAD, Head, extras, failed, reason_of
from meshwright.wire.openai_responses.usage import finish_in, usage_in
from meshwright.wire.reading import provider_json
from meshwright.wire.sse import EventCutter, events
from meshwright.wire.verbatim import raw_of


class Event(msgspec.Struct):
    """Members of all event types that are read here."""

    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: str | dict[str, Raw] | None = None
    logprobs: Raw = NULL
    annotation: Raw = NULL
    item: Raw = NULL
    response: Raw = NULL
    error: Raw = NULL
    message: str | None = None
    code: str | int | None = None


class _Item:
    """One output item in the making. A part's place is (what it is, its number within the item)."""

    __slots__ = ("adjoins", "cited", "done", "heard", "kind", "parts", "streamed")

    def __init__(self, kind: str, adjoins: bool) -> None:
        self.adjoins = adjoins
        self.kind = kind
        self.parts: dict[int, int] = {}
        self.streamed: dict[tuple[str, int], int] = {}
        self.cited: dict[int, int] = {}
        self.heard: set[int] = set()
        self.done = False


EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
CALLS = {"function_call": "function", "custom_tool_call": "custom"}
BEGINNINGS = ("response.created", "response.in_progress", "response.queued")
ENDS = ("response.completed", "response.incomplete", "response.failed")
_PARTS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "thought",
    "response.reasoning_summary_text.delta": "summary",
    "response.function_call_arguments.delta": "function_call",
    "response.custom_tool_call_input.delta": "custom_tool_call",
}
_OWNERS = {"text": "message", "refusal": "message", "thought": "reasoning", "summary": "reasoning"} | {
    kind: kind for kind in CALLS
}
# Said again by the item's or the answer's own end, where it is read.
_REPEATED = frozenset(
    f"response.{name}"
    for name in (
        "content_part.done", "output_text.done", "refusal.done", "reasoning_text.done",
        "reasoning_summary_part.added", "reasoning_summary_part.done", "reasoning_summary_text.done",
        "function_call_arguments.done", "custom_tool_call_input.done",
    )
)  # fmt: skip


class ResponsesDecoder:
    """See `dialect.StreamDecoder`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._cutter = EventCutter()
        self._items: dict[int, _Item] = {}
        self._next = 0
        self._last = ""
        self._began = False
        self._spoke = False
        self._tier = ""
        self._out: list[Delta] = []
        self.ended = False

    def feed(self, data: bytes) -> tuple[Delta, ...]:
        """The deltas that these bytes complete. Raises UpstreamProtocol."""
        block = self._cutter.whole(data)
        if not block:
            return ()
        self._out = []
        for name, payload in events(block):
            if self.ended or payload.startswith(b"[DONE]"):
                continue
            event = provider_json(EVENT, payload, "event")
            try:
                self._event(event, event.type or name.decode("utf-8", "replace"), payload)
            except msgspec.ValidationError as error:
                raise UpstreamProtocol(
                    f"The provider's event {event.type} is not what its dialect promises: {error}."
                ) from None
        return tuple(self._out)

    def _event(self, event: Event, kind: str, payload: bytes) -> None:
        if kind in _PARTS:
            self._words(event, _PARTS[kind])
        elif kind == "response.output_item.added":
            self._added(event)
        elif kind == "response.content_part.added":
            item = self._items.get(event.output_index)
            if item is not None and item.kind == "message":
                self._part(item, event.content_index)  # its place among the parts, if it is of a kind without deltas
        elif kind == "response.output_item.done":
            self._done(event.output_index, event.item)
        elif kind == "response.output_text.annotation.added":
            self._cited(event)
        elif kind in BEGINNINGS:
            self._begin(provider_json(HEAD, event.response, "answer"))
        elif kind in ENDS:
            self._finish(provider_json(HEAD, event.response, "answer"), kind, event.response)
        elif kind == "error" or (event.error != NULL and not kind.startswith("response.")):
            message, code = problem(event)
            self._fail(message, "error", code)
        elif kind not in _REPEATED:
            self._out.append(OpaqueDelta(value=Opaque(NAME, f"event.{kind}", Raw(payload))))

    def _begin(self, head: Head) -> None:
        if not self._began:
            self._began = True
            self._tier = head.service_tier or ""
            self._out.append(Began(id=head.id, model=head.model, created=int(head.created_at), service_tier=self._tier))

    def _item(self, place: int, kind: str) -> _Item:
        item = self._items.get(place)
        if item is None:
            item = self._items[place] = _Item(kind, adjoins=self._last == "message")
            self._last = kind
        return item

    def _part(self, item: _Item, place: int = 0) -> int:
        number = item.parts.get(place)
        if number is None:
            number = item.parts[place] = self._next
            self._next += 1
        return number

    def _added(self, event: Event) -> None:
        kind = Members(event.item, "item").text("type")
        item = self._item(event.output_index, kind)
        if kind == "reasoning":
            self._out.append(ReasoningDelta(part=self._part(item), id=_id(event.item)))
        elif kind in CALLS:
            members = Members(event.item, "item")
            self._out.append(
                ToolCallDelta(
                    part=self._part(item),
                    id=members.text("call_id"),
                    name=members.text("name"),
                    kind="custom" if kind == "custom_tool_call" else "function",
                    item_id=_id(event.item),
                )
            )
        elif kind == "message":
            if item.adjoins:  # a further message of the turn: what comes must not be taken for more of the one before
                self._aside(f"message.{self._next}", _NO_MEMBERS)
        else:
            self._part(item)  # its place among the parts; it comes when it is done

    def _words(self, event: Event, what: str) -> None:
        words = event.delta if isinstance(event.delta, str) else ""
        item = self._item(event.output_index, _OWNERS[what])
        place = event.summary_index if what == "summary" else 0 if what in CALLS else event.content_index
        key = (what, place)
        item.streamed[key] = item.streamed.get(key, 0) + len(words)
        if what in ("text", "refusal"):
            number = self._part(item, place)
            if event.logprobs in (NULL, _NO_TOKENS):
                self._out.append(TextDelta(text=words, part=number, refusal=what == "refusal"))
                return
            heard = probabilities_in(PROBABILITIES.decode(event.logprobs))
            item.heard.add(place)
            self._out.append(TextDelta(text=words, part=number, refusal=what == "refusal", logprobs=heard))
        elif what == "summary":
            self._out.append(ReasoningDelta(part=self._part(item), text=words, summary=place))
        elif what == "thought":
            self._out.append(ReasoningDelta(part=self._part(item), text=words))
        else:
            custom = what == "custom_tool_call"
            self._out.append(
                ToolCallDelta(part=self._part(item), arguments=words, kind="custom" if custom else "function")
            )

    def _cited(self, event: Event) -> None:
        item = self._item(event.output_index, "message")
        if event.annotation == NULL:
            return
        place = event.content_index
        item.cited[place] = item.cited.get(place, 0) + 1
        citation = citation_in(event.annotation, "annotation")
        self._out.append(CitationDelta(citation=citation, part=self._part(item, place)))

    def _done(self, place: int, raw: Raw) -> None:
        """What the whole item says beyond what has been streamed of it."""
        turns = Turns(answer=True)
        turns.add(raw, "item")
        message = turns.turn()
        kind = Members(raw, "item").text("type") or "message"
        item = self._item(place, kind)
        if item.done:
            return
        item.done = True
        numbers = [self._part(item, number) for number in range(len(message.parts))]
        for number, part in enumerate(message.parts):
            match part:
                case Text() | Refusal():
                    self._rest_of_text(item, number, part)
                case Reasoning():
                    self._rest_of_thought(item, part)
                case ToolCall():
                    self._rest_of_call(item, part)
                case _:
                    opaque = part if isinstance(part, Opaque) else Opaque(NAME, f"item.{kind}", raw)
                    self._out.append(OpaqueDelta(value=opaque, part=numbers[number]))
        if turns.heard and not item.heard and numbers:
            self._out.append(TextDelta(text="", part=numbers[0], logprobs=tuple(turns.heard)))
        self._asides(message, numbers, item)
        self._out.extend(PartEnded(number) for number in numbers)

    def _asides(self, message: Message, numbers: list[int], item: _Item) -> None:
        """What the item's own JSON says beyond its parts, under the names that it has in the whole answer."""
        further: dict[str, Raw] = {"id": raw_of(message.id)} if message.id else {}
        for one in message.extra:
            what, _, place = one.kind.partition(".")
            if what == "part":
                first, _, below = place.partition(".")
                self._aside(f"part.{numbers[int(first)]}" + (f".{below}" if below else ""), one.raw)
            elif what == "message" and place:
                further.update(OBJECT.decode(one.raw))
            elif self._spoke:
                further[one.kind] = one.raw
            else:
                self._aside(one.kind, one.raw)
        if item.kind == "message":
            if not numbers or (self._spoke and (further or item.adjoins)):
                self._aside(f"message.{numbers[0] if numbers else self._next}", raw_of(further))
            self._spoke = True

    def _aside(self, kind: str, raw: Raw) -> None:
        self._out.append(OpaqueDelta(value=Opaque(NAME, f"message.{kind}", raw)))

    def _rest_of_text(self, item: _Item, place: int, part: Text | Refusal) -> None:
        refusal = isinstance(part, Refusal)
        number = item.parts[place]
        before = item.streamed.get(("refusal" if refusal else "text", place))
        if before is None or before < len(part.text):
            self._out.append(TextDelta(text=part.text[before or 0 :], part=number, refusal=refusal))
        if isinstance(part, Text):
            for citation in part.citations[item.cited.get(place, 0) :]:
                self._out.append(CitationDelta(citation=citation, part=number))

    def _rest_of_thought(self, item: _Item, thought: Reasoning) -> None:
        number = item.parts[0]
        for place, text in enumerate(thought.summary):
            before = item.streamed.get(("summary", place))
            if before is None or before < len(text):
                self._out.append(ReasoningDelta(part=number, text=text[before or 0 :], summary=place))
        told = sum(count for (what, _), count in item.streamed.items() if what == "thought")
        if told < len(thought.text) or thought.encrypted or not item.streamed:
            self._out.append(
                ReasoningDelta(
                    part=number,
                    text=thought.text[told:],
                    encrypted=thought.encrypted,
                    id=thought.id,
                    origin=self._target.origin if thought.encrypted else "",
                )
            )

    def _rest_of_call(self, item: _Item, call: ToolCall) -> None:
        told = item.streamed.get(("custom_tool_call" if call.kind == "custom" else "function_call", 0), 0)
        if told < len(call.arguments) or not item.streamed:
            self._out.append(
                ToolCallDelta(
                    part=item.parts[0],
                    id=call.id,
                    name=call.name,
                    arguments=call.arguments[told:],
                    kind=call.kind,
                    item_id=call.item_id,
                )
            )

    def _finish(self, head: Head, kind: str, raw: Raw) -> None:
        self._begin(head)
        if kind == "response.failed" or head.status == "failed":
            error = failed(head)
            self._fail(error.message, kind, error.code)
            return
        for place, item in enumerate(head.output or ()):
            self._done(place, item)
        calls = any(item.kind in CALLS for item in self._items.values())
        finish = finish_in(status_of(head, kind), reason_of(head), calls=calls) or "unknown"
        for extra in extras(read(OBJECT, raw, "response")):
            self._out.append(OpaqueDelta(value=extra))
        if finish == "unknown" and head.incomplete_details != NULL:
            self._out.append(OpaqueDelta(value=Opaque(NAME, "status", raw_of(head.status))))
            self._out.append(OpaqueDelta(value=Opaque(NAME, "incomplete_details", head.incomplete_details)))
        if head.service_tier and head.service_tier != self._tier:
            self._out.append(OpaqueDelta(value=Opaque(NAME, "service_tier", raw_of(head.service_tier))))
        self._out.append(Finished(finish=finish))
        if head.usage != NULL:
            usage, kept = usage_in(head.usage, "usage")
            if kept is not None:
                self._out.append(OpaqueDelta(value=Opaque(NAME, "usage", kept)))
            self._out.append(UsageDelta(usage))
        self._out.append(Ended())
        self.ended = True

    def _fail(self, message: str, kind: str, code: str) -> None:
        self._out.append(Failed(message=message, kind=kind, code=code))
        self.ended = True


def status_of(head: Head, kind: str) -> str:
    """The state of an answer; if it does not say it itself, its event does."""
    return head.status or kind.removeprefix("response.")


def problem(event: Event) -> tuple[str, str]:
    """(message, code) of an in-band error."""
    message, code = event.message or "", str(event.code or "")
    if event.error != NULL:
        error = failed(Head(error=event.error))
        message, code = message or error.message, code or error.code
    return message or "The provider reports an error without a word.", code


def _id(raw: Raw) -> str:
    id = Members(raw, "item").text("id")
    return "" if minted(id) else id


_NO_TOKENS = Raw(b"[]")
_NO_MEMBERS = Raw(b"{}")
