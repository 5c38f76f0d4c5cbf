"""Messages written as items: turns become the flat list of what was said and done.

The counterpart of `items_in`, whose docstring says what `Message.extra` holds. Source: the item types of
https://platform.openai.com/docs/api-reference/responses/create (input) and .../responses/object (output).
"""

from __future__ import annotations

from msgspec import Raw

from meshwright.types.content import Message, Opaque, Part, Reasoning, ToolCall, ToolResult
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses import ids
from meshwright.wire.openai_responses.content_out import Content, Json
from meshwright.wire.openai_responses.members import NAME, OBJECT, STRING
from meshwright.wire.sealing import takes_back

Item = Json | Raw
ITEM = "item."


class Asides:
    """What a message keeps of our own JSON (see `items_in`), each put back once; what was not is lost and noted."""

    __slots__ = ("_parts", "further", "members")

    def __init__(self, extra: tuple[Opaque, ...], notes: Notes, field: str) -> None:
        self.members: Json = {}
        self.further: dict[int, list[Json]] = {}
        self._parts: dict[str, Opaque] = {}
        for one in extra:
            if one.dialect == NAME:
                self.keep(one)
            else:
                notes.foreign(f"{field}.{one.kind}", one, NAME)

    def keep(self, one: Opaque) -> None:
        """Take one more of our own."""
        what, _, place = one.kind.partition(".")
        if what == "part":
            self._parts[place] = one
        elif what == "message" and place.isdecimal():
            self.further.setdefault(int(place), []).append(dict(OBJECT.decode(one.raw)))
        else:
            self.members[one.kind] = one.raw

    def restore(self, place: str, item: Item) -> bool:
        """Put the unknown members of a part back if it is still what they came from; whether there were any."""
        kept = self._parts.get(place)
        if kept is None or isinstance(item, Raw):
            return False
        members = OBJECT.decode(kept.raw)
        for guard in ("type", "call_id"):
            raw = members.pop(guard, None)
            if raw is not None and STRING.decode(raw) not in (item.get(guard), _ALSO.get(str(item.get(guard)))):
                return False
        del self._parts[place]
        item.update(members)
        return True

    @property
    def left(self) -> list[Opaque]:
        """What has found no place."""
        return list(self._parts.values())


_ALSO = {"input_text": "text", "output_text": "text"}


class Writer:
    """Writes the messages of a request for the deployment `origin`, which takes back only the thoughts it made."""

    def __init__(self, notes: Notes, origin: str) -> None:
        self._notes = notes
        self._origin = origin
        self._content = Content(notes, "messages")
        self.items: list[Item] = []
        self._before: Message | None = None

    def write(self, message: Message) -> None:
        """Append the message's items."""
        self._noted(message)
        begin = len(self.items)
        asides = Asides(message.extra, self._notes, "messages")
        stray = any(isinstance(part, Reasoning) and not self._taken(part) for part in message.parts)
        # A message's id calls for the thought that came before it: without the one the other is refused.
        head = dict(asides.members)
        if message.id and ids.given(ids.MESSAGE, message.id) and not stray:
            head["id"] = message.id
        elif message.id:
            self._notes.dropped("messages.id", "Only an id that this API gave can be sent back to it.")
        run: list[Item] | None = None
        spoke = False
        for place, part in enumerate(message.parts):
            for further in asides.further.pop(place, ()):
                run = self._open(message, further)
                spoke = True
            if is_item(part):
                run = None
                self._item(part, str(place), asides, stray)
                continue
            wire = self._content.said(part) if message.role == "assistant" else self._content.sent(part)
            if wire is None:
                continue
            if run is None:
                run = self._open(message, {} if spoke else head)
                spoke = True
            asides.restore(str(place), wire)
            run.append(wire)
        for place in sorted(asides.further):
            for further in asides.further[place]:
                self._open(message, further)
                spoke = True
        if not spoke and (head or not message.parts) and message.role != "tool":
            self._open(message, head)
        for one in asides.left:
            self._notes.foreign(f"messages.{one.kind}", one, NAME)
        for item in self.items[begin:]:
            _shorten(item)

    def _open(self, message: Message, head: Json) -> list[Item]:
        """A new message item; the list is its content."""
        content: list[Item] = []
        role = "user" if message.role == "tool" else message.role
        item: Json = {"role": role, "content": content}
        if head:
            item = {"type": "message", **head, **item}
            if role == "assistant":
                item.setdefault("status", "completed")
        self.items.append(item)
        return content

    def _item(self, part: Part, place: str, asides: Asides, stray: bool) -> None:
        item: Item | None
        match part:
            case ToolCall():
                item = self._call(part, stray)
            case ToolResult():
                item = self._result(part, place, asides)
            case Reasoning():
                item = thought_out(part, part.id if ids.given(ids.REASONING, part.id) else "")
                if not self._taken(part):
                    self._notes.dropped(
                        "messages.reasoning", "Only thoughts that the same deployment made are taken back."
                    )
                    return
                if part.id and "id" not in item:
                    self._notes.dropped("messages.id", "Only an id that this API gave can be sent back to it.")
            case Opaque():
                item = part.raw
            case _:
                raise TypeError(f"{type(part).__name__} is content, no item.")
        asides.restore(place, item)
        self.items.append(item)

    def _taken(self, thought: Reasoning) -> bool:
        """Whether the provider takes the thought back: sealed or stored by itself, never a foreign one."""
        if thought.signature or not takes_back(thought, self._origin, NAME):
            return False
        return bool(thought.encrypted or ids.given(ids.REASONING, thought.id) or thought.origin)

    def _call(self, call: ToolCall, stray: bool) -> Json:
        if call.cache is not None:
            self._notes.dropped("messages.cache", "Prefixes are cached without marks: the cache mark was left out.")
        item = call_out(call)
        if call.item_id:
            if ids.given(ids.CUSTOM if call.kind == "custom" else ids.FUNCTION, call.item_id) and not stray:
                item["id"] = call.item_id
            else:
                self._notes.dropped("messages.id", "Only an id that this API gave can be sent back to it.")
        return item

    def _result(self, result: ToolResult, place: str, asides: Asides) -> Json:
        if result.cache is not None:
            self._notes.dropped("messages.cache", "Prefixes are cached without marks: the cache mark was left out.")
        if result.is_error:
            self._notes.dropped("messages.is_error", "A tool's failure is told by its words only.")
        output: list[Item] = []
        restored = False
        for number, part in enumerate(result.parts):
            wire = self._content.sent(part, result=True)
            if wire is not None:
                restored |= asides.restore(f"{place}.{number}", wire)
                output.append(wire)
        return {
            "type": "custom_tool_call_output" if result.kind == "custom" else "function_call_output",
            "call_id": result.call_id,
            "output": output if restored else _plain(output),
        }

    def _noted(self, message: Message) -> None:
        """Note what the flat list does not say: whose an item is, and where a turn ends."""
        before, self._before = self._before, message
        if message.name:
            self._notes.dropped("messages.name", "A message has no name here.")
        for part in message.parts:
            if isinstance(part, ToolCall | Reasoning | ToolResult):
                owner = "tool" if isinstance(part, ToolResult) else "assistant"
                if message.role != owner:
                    self._notes.changed(
                        "messages.role", f"Such a part of a {message.role}'s message is the {owner}'s here."
                    )
            elif message.role == "tool" and not is_item(part):
                self._notes.changed("messages.role", "What a tool says outside of a result goes as the user's.")
        if message.role == "tool" and not message.parts:
            self._notes.dropped("messages", "A tool's message without a result was left out.")
        if (
            before is not None
            and before.role == message.role in ("assistant", "tool")
            and _run_together(before, message)
        ):
            self._notes.changed("messages", f"Messages of the {message.role} in a row are one turn here.")


def call_out(call: ToolCall) -> Json:
    """The item of a call, without its id."""
    if call.kind == "custom":
        return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": call.arguments}
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def thought_out(thought: Reasoning, id: str) -> Json:
    """The item of a thought with this id, or without one."""
    item: Json = {"type": "reasoning"}
    if id:
        item["id"] = id
    item["summary"] = [{"type": "summary_text", "text": text} for text in thought.summary]
    if thought.text:
        item["content"] = [{"type": "reasoning_text", "text": thought.text}]
    if thought.encrypted:
        item["encrypted_content"] = thought.encrypted
    return item


def is_item(part: Part) -> bool:
    """Whether the part is an item of its own, not content of a message."""
    if isinstance(part, Opaque):
        return part.dialect == NAME and part.kind.startswith(ITEM)
    return isinstance(part, ToolCall | ToolResult | Reasoning)


def _run_together(before: Message, message: Message) -> bool:
    """Whether two turns of one role would be read as one."""
    if message.role == "tool":
        return bool(before.parts and message.parts)
    spoke = not before.parts or any(not is_item(part) for part in before.parts)
    begins = not message.parts or not is_item(message.parts[0])
    return not (spoke and begins) or any(isinstance(part, ToolCall) for part in before.parts)


def _plain(content: list[Item]) -> str | list[Item]:
    """A single plain text as a string, as every provider takes it; nothing as the empty string."""
    if not content:
        return ""
    only = content[0]
    if len(content) == 1 and not isinstance(only, Raw) and not only.keys() - _PLAIN and not only.get("annotations"):
        text = only.get("text")
        if isinstance(text, str) and text:
            return text
    return content


def _shorten(item: Item) -> None:
    """A message without an id of its own says its one text as a string."""
    if isinstance(item, Raw) or "role" not in item:
        return
    content = item["content"]
    assert isinstance(content, list)
    if "id" not in item:
        item["content"] = content = _plain(content)
    if item["role"] == "assistant" and not isinstance(content, str) and "type" not in item:
        item.update(type="message", status="completed")


_PLAIN = {"type", "text", "annotations"}
