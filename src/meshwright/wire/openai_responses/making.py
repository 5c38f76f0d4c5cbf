"""Output items of a stream while they are made: each announces itself, grows, and says at its end what it became.

Source: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from meshwright.types.content import Citation, Reasoning, Refusal, Text, ToolCall
from meshwright.types.response import ReasoningDelta, TokenProbability, ToolCallDelta
from meshwright.wire.openai_responses import ids
from meshwright.wire.openai_responses.citations import citation_out, probabilities_out
from meshwright.wire.openai_responses.content_out import Json
from meshwright.wire.openai_responses.emit import Events, words_of
from meshwright.wire.openai_responses.items_out import Asides, Item, call_out
from meshwright.wire.openai_responses.output import Output


class Words:
    """One content part of a message: text or a refusal."""

    __slots__ = ("_citations", "_head", "_heard", "_pieces", "_place", "_tail", "number", "open", "refusal")

    def __init__(self, number: int, place: Json, refusal: bool) -> None:
        self.number = number
        self.refusal = refusal
        self.open = True
        self._place = place
        self._pieces: list[str] = []
        self._citations: list[Citation] = []
        self._heard: list[TokenProbability] = []
        kind = "response.refusal.delta" if refusal else "response.output_text.delta"
        self._head, self._tail = words_of(kind, place, {} if refusal else {"logprobs": ()})

    def begin(self, events: Events) -> None:
        """Announce it, empty."""
        part = {"type": "refusal", "refusal": ""} if self.refusal else dict(_EMPTY_TEXT)
        events.add("response.content_part.added", {**self._place, "part": part})

    def add(self, text: str, logprobs: Sequence[TokenProbability], events: Events) -> None:
        """More words."""
        self._pieces.append(text)
        if logprobs and not self.refusal:
            self._heard.extend(logprobs)
            heard = {"delta": text, "logprobs": probabilities_out(logprobs)}
            events.add("response.output_text.delta", {**self._place, **heard})
        else:
            events.words(self._head, text, self._tail)

    def cite(self, citation: Citation, output: Output, events: Events) -> None:
        """A citation of the words so far."""
        annotation = citation_out(citation, sum(map(len, self._pieces)), "choices.citations", output.notes)
        if annotation is None:
            return
        number = {"annotation_index": len(self._citations), "annotation": annotation}
        self._citations.append(citation)
        events.add("response.output_text.annotation.added", {**self._place, **number})

    def end(self, output: Output, asides: Asides, events: Events) -> Item:
        """Say what it became."""
        self.open = False
        text = "".join(self._pieces)
        if self.refusal:
            wire = output.said(Refusal(text))
            events.add("response.refusal.done", {**self._place, "refusal": text})
        else:
            wire = output.said(Text(text, citations=tuple(self._citations)), self._heard)
            done = {"text": text, "logprobs": probabilities_out(self._heard)}
            events.add("response.output_text.done", {**self._place, **done})
        assert wire is not None
        asides.restore(str(self.number), wire)
        events.add("response.content_part.done", {**self._place, "part": wire})
        return wire


class Speech:
    """A message item. `part` is the part before which it begins when it is a further one of its turn, else None."""

    def __init__(self, place: int, part: int | None, head: Json, output: Output, events: Events) -> None:
        self.place = place
        self.part = part
        self.content: list[Words | Raw] = []
        self._wires: dict[int, Item] = {}
        self._output = output
        self._events = events
        begun = output.message(place, (), head, "in_progress")
        self.id = begun["id"]
        events.add("response.output_item.added", {"output_index": place, "item": begun})

    def words(self, number: int, refusal: bool, asides: Asides) -> Words:
        """A new content part; the one before it ends."""
        self.end_words(asides)
        words = Words(number, self._at(len(self.content)), refusal)
        self.content.append(words)
        words.begin(self._events)
        return words

    def unknown(self, raw: Raw, asides: Asides) -> None:
        """A content part that only this dialect understands."""
        self.end_words(asides)
        at = self._at(len(self.content))
        self.content.append(raw)
        self._wires[len(self.content) - 1] = raw
        self._events.add("response.content_part.added", {**at, "part": raw})
        self._events.add("response.content_part.done", {**at, "part": raw})

    def end_words(self, asides: Asides) -> None:
        """End the content part that is still open, if one is."""
        last = self.content[-1] if self.content else None
        if isinstance(last, Words) and last.open:
            self._wires[len(self.content) - 1] = last.end(self._output, asides, self._events)

    def end(self, status: str, asides: Asides) -> Item:
        """Say what it became."""
        self.end_words(asides)
        content = [self._wires[place] for place in range(len(self.content))]
        head = asides.members if self.part is None else asides.further.get(self.part, [{}])[-1]
        item = self._output.message(self.place, content, {**head, "id": self.id}, status)
        self._events.add("response.output_item.done", {"output_index": self.place, "item": item})
        return item

    def _at(self, place: int) -> Json:
        return {"item_id": self.id, "output_index": self.place, "content_index": place}


class Call:
    """A function call or a custom tool's."""

    def __init__(self, place: int, delta: ToolCallDelta, output: Output, events: Events) -> None:
        self.place = place
        self.number = delta.part
        self._output = output
        self._events = events
        self._pieces: list[str] = []
        self._call = ToolCall(id=delta.id, name=delta.name, kind=delta.kind, item_id=delta.item_id)
        self._custom = delta.kind == "custom"
        prefix = ids.CUSTOM if self._custom else ids.FUNCTION
        self.id = delta.item_id or ids.mint(prefix, output.answer, place)
        events.add("response.output_item.added", {"output_index": place, "item": self._item("", "in_progress")})
        self._at: Json = {"item_id": self.id, "output_index": place}
        kind = "response.custom_tool_call_input.delta" if self._custom else "response.function_call_arguments.delta"
        self._head, self._tail = words_of(kind, self._at, {})

    def add(self, delta: ToolCallDelta) -> None:
        """More of its arguments, or a name that came late."""
        if delta.id or delta.name:
            call = self._call
            self._call = ToolCall(
                id=delta.id or call.id, name=delta.name or call.name, kind=call.kind, item_id=call.item_id
            )
        if delta.arguments:
            self._pieces.append(delta.arguments)
            self._events.words(self._head, delta.arguments, self._tail)

    def end(self, status: str, asides: Asides) -> Item:
        """Say what it became."""
        arguments = "".join(self._pieces)
        if self._custom:
            self._events.add("response.custom_tool_call_input.done", {**self._at, "input": arguments})
        else:
            done = {**self._at, "arguments": arguments, "name": self._call.name}
            self._events.add("response.function_call_arguments.done", done)
        item = self._item(arguments, status)
        asides.restore(str(self.number), item)
        self._events.add("response.output_item.done", {"output_index": self.place, "item": item})
        return item

    def _item(self, arguments: str, status: str) -> Json:
        call = self._call
        made = ToolCall(id=call.id, name=call.name, arguments=arguments, kind=call.kind)
        return {**call_out(made), "id": self.id, "status": status}


class Thought:
    """A reasoning item: first its summaries or its text, at its end what binds it to its maker."""

    def __init__(self, place: int, delta: ReasoningDelta, output: Output, events: Events) -> None:
        self.place = place
        self.number = delta.part
        self._given = delta.id
        self._output = output
        self._events = events
        self._text: list[str] = []
        self._summary: dict[int, list[str]] = {}
        self._open: int | None = None
        self._signature = self._encrypted = self._origin = ""
        self.id = delta.id or ids.mint(ids.REASONING, output.answer, place)
        self._at: Json = {"item_id": self.id, "output_index": place}
        item = {"type": "reasoning", "id": self.id, "summary": ()}
        events.add("response.output_item.added", {"output_index": place, "item": item})

    def add(self, delta: ReasoningDelta) -> None:
        """More thought."""
        if delta.id and delta.id != self.id:
            self._output.notes.changed(
                "choices.reasoning.id", "An id that came after the thought had begun was left out."
            )
        self._signature += delta.signature
        self._encrypted += delta.encrypted
        self._origin = delta.origin or self._origin
        if delta.summary is not None:
            self._digest(delta.summary, delta.text)
        elif delta.text:
            at = {**self._at, "content_index": 0}
            if not self._text:
                part = {"type": "reasoning_text", "text": ""}
                self._events.add("response.content_part.added", {**at, "part": part})
            self._text.append(delta.text)
            self._events.add("response.reasoning_text.delta", {**at, "delta": delta.text})

    def _digest(self, place: int, text: str) -> None:
        at = {**self._at, "summary_index": place}
        pieces = self._summary.get(place)
        if pieces is None:
            self._end_digest()
            pieces = self._summary[place] = []
            self._open = place
            part = {"type": "summary_text", "text": ""}
            self._events.add("response.reasoning_summary_part.added", {**at, "part": part})
        pieces.append(text)
        if text:
            self._events.add("response.reasoning_summary_text.delta", {**at, "delta": text})

    def _end_digest(self) -> None:
        if self._open is None:
            return
        at = {**self._at, "summary_index": self._open}
        text = "".join(self._summary[self._open])
        self._open = None
        self._events.add("response.reasoning_summary_text.done", {**at, "text": text})
        part = {"type": "summary_text", "text": text}
        self._events.add("response.reasoning_summary_part.done", {**at, "part": part})

    def end(self, status: str, asides: Asides) -> Item:
        """Say what it became."""
        self._end_digest()
        text = "".join(self._text)
        if self._text:
            at = {**self._at, "content_index": 0}
            self._events.add("response.reasoning_text.done", {**at, "text": text})
            part = {"type": "reasoning_text", "text": text}
            self._events.add("response.content_part.done", {**at, "part": part})
        thought = Reasoning(
            text=text,
            summary=tuple("".join(self._summary[place]) for place in sorted(self._summary)),
            signature=self._signature,
            encrypted=self._encrypted,
            id=self._given,
            origin=self._origin,
        )
        item = self._output.thought(self.place, thought, self.id)
        asides.restore(str(self.number), item)
        self._events.add("response.output_item.done", {"output_index": self.place, "item": item})
        return item


_EMPTY_TEXT: Json = {"type": "output_text", "text": "", "annotations": (), "logprobs": ()}
