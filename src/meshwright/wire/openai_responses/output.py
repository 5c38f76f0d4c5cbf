"""What the model made, written as output items with ids: one by one for a stream, all together for a whole answer."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.types.content import Message, Opaque, Part, Reasoning, ToolCall, ToolResult
from meshwright.types.response import TokenProbability
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses import ids
from meshwright.wire.openai_responses.citations import probabilities_out
from meshwright.wire.openai_responses.content_out import Content, Json
from meshwright.wire.openai_responses.items_out import Asides, Item, call_out, is_item, thought_out
from meshwright.wire.openai_responses.members import NAME
from meshwright.wire.sealing import seal

FIELD = "choices"


class Output:
    """Writes output items of the answer `answer` (its id); ids that the provider gave are kept, others are derived."""

    def __init__(self, notes: Notes, answer: str) -> None:
        self.notes = notes
        self.answer = answer
        self.content = Content(notes, FIELD)

    def said(self, part: Part, logprobs: Sequence[TokenProbability] = ()) -> Item | None:
        """One content part of a message."""
        wire = self.content.said(part)
        if isinstance(wire, dict) and wire["type"] == "output_text":
            wire["logprobs"] = probabilities_out(logprobs)
        return wire

    def message(self, place: int, content: Sequence[Item], head: Json, status: str) -> Json:
        """A message item; `head` has its id, if the provider gave one, and members of its own."""
        id = head.get("id") or ids.mint(ids.MESSAGE, self.answer, place)
        return {"type": "message", **head, "id": id, "status": status, "role": "assistant", "content": content}

    def thought(self, place: int, thought: Reasoning, id: str = "") -> Json:
        """A reasoning item. What another dialect bound to its maker is sealed, so that it finds its way back."""
        if thought.signature or (thought.encrypted and not thought.id):
            sealed = Reasoning(text=thought.text, summary=thought.summary, encrypted=seal(thought))
            self.notes.moved("choices.reasoning", "Its signature travels as encrypted_content.")
            return thought_out(sealed, id or thought.id or ids.mint(ids.REASONING, self.answer, place))
        return thought_out(thought, id or thought.id or ids.mint(ids.REASONING, self.answer, place))

    def call(self, place: int, call: ToolCall, status: str) -> Json:
        """A function call or a custom tool's."""
        prefix = ids.CUSTOM if call.kind == "custom" else ids.FUNCTION
        if call.cache is not None:
            self.notes.dropped("choices.cache", "An answer has no cache marks.")
        return {**call_out(call), "id": call.item_id or ids.mint(prefix, self.answer, place), "status": status}

    def items(self, message: Message, logprobs: Sequence[TokenProbability], status: str) -> list[Item]:
        """All items of a turn. `status` is the last one's: an answer that was cut ends in an incomplete item."""
        asides = Asides(message.extra, self.notes, FIELD)
        head: Json = {**asides.members, **({"id": message.id} if message.id else {})}
        items: list[Item] = []
        run: list[Item] | None = None
        spoke = False

        def begin(members: Json) -> list[Item]:
            content: list[Item] = []
            items.append(self.message(len(items), content, members, "completed"))
            return content

        for place, part in enumerate(message.parts):
            for further in asides.further.pop(place, ()):
                run, spoke = begin(further), True
            if is_item(part):
                run = None
                item = self._item(part, len(items))
                if item is not None:
                    asides.restore(str(place), item)
                    items.append(item)
                continue
            wire = self.said(part, logprobs)
            if wire is None:
                continue
            if isinstance(wire, dict) and wire["type"] == "output_text":
                logprobs = ()
            if run is None:
                run, spoke = begin({} if spoke else head), True
            asides.restore(str(place), wire)
            run.append(wire)
        for place in sorted(asides.further):
            for further in asides.further[place]:
                begin(further)
        if head and not spoke:
            begin(head)
        self._told(message, asides, logprobs)
        if items and status != "completed" and isinstance(items[-1], dict) and "status" in items[-1]:
            items[-1]["status"] = status
        return items

    def _item(self, part: Part, place: int) -> Item | None:
        match part:
            case ToolCall():
                return self.call(place, part, "completed")
            case Reasoning():
                return self.thought(place, part)
            case Opaque():
                return part.raw
            case _:
                assert isinstance(part, ToolResult)
                self.notes.dropped("choices.tool_result", "A tool's result is no output.")
                return None

    def _told(self, message: Message, asides: Asides, logprobs: Sequence[TokenProbability]) -> None:
        for one in asides.left:
            self.notes.foreign(f"{FIELD}.{one.kind}", one, NAME)
        if message.name:
            self.notes.dropped("choices.name", "A message has no name here.")
        if logprobs:
            self.notes.dropped("choices.logprobs", "Only words have probabilities here.")
