"""Messages of `types` into messages of the wire.

Source: https://docs.cohere.com/reference/chat.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.wire.cohere.citations import citation_out, groups
from meshwright.wire.cohere.documents import document_out
from meshwright.wire.cohere.shapes import NAME
from meshwright.wire.cohere.turns_in import PLAN
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.notes import Notes
from meshwright.wire.pictures import kind_seen
from meshwright.wire.sealing import is_anothers

Wire = dict[str, Any] | Raw

_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_PATH = re.compile(r"(content|tool_calls)\[(\d+)\]\.(.+)")
_GONE = "What it belonged to has changed."


def arguments_out(call: ToolCall, notes: Notes, field: str) -> str:
    """The arguments of a call as JSON text."""
    if call.kind == "custom":
        notes.changed(f"{field}.custom", FREE_TEXT)
        return msgspec.json.encode({"input": call.arguments}).decode()
    return call.arguments or "{}"


class _Turn:
    """A turn in the making: its blocks, its calls, and which block or call each part became."""

    __slots__ = ("blocks", "calls", "citations", "last", "members")

    def __init__(self) -> None:
        self.blocks: list[Wire] = []
        self.calls: list[dict[str, Any]] = []
        self.citations: list[object] = []
        self.members: dict[str, Any] = {}
        self.last = 0

    def wire(self, role: str) -> dict[str, Any]:
        found: dict[str, Any] = {"role": role, **self.members}
        only = self.blocks[0] if len(self.blocks) == 1 else None
        if isinstance(only, dict) and only.keys() == {"type", "text"}:
            found["content"] = only["text"]
        elif self.blocks or not self.calls:
            found["content"] = self.blocks or ""
        if self.calls:
            found["tool_calls"] = self.calls
        if self.citations:
            found["citations"] = [*found.get("citations", ()), *self.citations]
        return found


class Writer:
    """Writes the turns of one translation. `origin` is who will read them; None: a client, who takes any thoughts.

    Documents of the messages go to `documents`, which stand beside them.
    """

    __slots__ = ("_field", "_notes", "_origin", "cited", "documents")

    def __init__(self, notes: Notes, origin: str | None) -> None:
        self._notes = notes
        self._origin = origin
        self._field = "choices" if origin is None else "messages"
        self.documents: list[dict[str, Any]] = []
        self.cited: list[bool] = []
        """Of each document, whether it wants citations."""

    def turns(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """All messages of a request; a message of results becomes one turn for each of them."""
        last = next((n for n in reversed(range(len(messages))) if messages[n].role == "user"), None)
        found: list[dict[str, Any]] = []
        for number, message in enumerate(messages):
            self._head(message)
            if message.role == "tool":
                found += self._results(message)
                continue
            files = [isinstance(part, File) for part in message.parts]
            if any(files) and (number != last or files != sorted(files, reverse=True)):
                self._notes.moved("messages.documents", "Documents stand beside the messages here.")
            role: str = message.role
            if role == "developer":
                self._notes.moved("messages.role", "What the developer says is said by the role system.")
                role = "system"
            found.append(self.turn(message).wire(role))
        return found

    def _head(self, message: Message) -> None:
        if message.name:
            self._notes.dropped(f"{self._field}.name", "Speakers have no names here.")
        if message.id:
            self._notes.moved(f"{self._field}.id", "Turns are known by their place here, not by an id.")

    def turn(self, message: Message) -> _Turn:
        """One turn that is no result, also that of an answer."""
        turn = _Turn()
        asides = self._asides(message, turn)
        plan: list[str] = []
        for number, part in enumerate(message.parts):
            mine = dict(asides.get(number, {}))
            if isinstance(part, Reasoning) and mine.pop(PLAN, None) is not None:
                self._order(turn, 0)
                plan.append(part.text)
                continue
            block = self._part(part, turn, mine)
            self._put(block, mine)
        if plan:
            turn.members[PLAN] = "\n".join(plan)
        self._call_members(message, turn)
        return turn

    def _asides(self, message: Message, turn: _Turn) -> Mapping[int, dict[str, Raw]]:
        found: dict[int, dict[str, Raw]] = {}
        for extra in message.extra:
            match = _PATH.fullmatch(extra.kind)
            if extra.dialect != NAME:
                self._notes.foreign(f"{self._field}.{extra.kind}", extra)
            elif match is None:
                turn.members[extra.kind] = _listed(extra.raw) if extra.kind == "citations" else extra.raw
            elif match[1] == "content" and int(match[2]) < len(message.parts):
                found.setdefault(int(match[2]), {})[match[3]] = extra.raw
            elif match[1] == "content":
                self._notes.dropped(f"{self._field}.{extra.kind}", _GONE)
        return found

    def _call_members(self, message: Message, turn: _Turn) -> None:
        for extra in message.extra:
            match = _PATH.fullmatch(extra.kind)
            if match is None or match[1] != "tool_calls" or extra.dialect != NAME:
                continue
            if int(match[2]) < len(turn.calls):
                put(turn.calls[int(match[2])], match[3], extra.raw)
            else:
                self._notes.dropped(f"{self._field}.{extra.kind}", _GONE)

    def _put(self, block: Wire | None, members: dict[str, Raw]) -> None:
        for path, raw in members.items():
            if not isinstance(block, dict) or not put(block, path, raw):
                self._notes.dropped(f"{self._field}.{path}", _GONE)

    def _results(self, message: Message) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        holder = _Turn()
        asides = self._asides(message, holder)
        for name in holder.members:
            self._notes.dropped(f"messages.{name}", _GONE)
        for number, part in enumerate(message.parts):
            if not isinstance(part, ToolResult):
                self._notes.dropped("messages.tool", "A message of the tool has results only.")
                continue
            found.append(self._result(part, asides.get(number, {})))
        return found

    def _result(self, result: ToolResult, members: Mapping[str, Raw]) -> dict[str, Any]:
        turn = _Turn()
        inner: dict[int, dict[str, Raw]] = {}
        for path, raw in members.items():
            match = _PATH.fullmatch(path)
            if match and match[1] == "content":
                inner.setdefault(int(match[2]), {})[match[3]] = raw
            else:
                turn.members[path] = raw
        for number, part in enumerate(result.parts):
            mine = inner.pop(number, {})
            if isinstance(part, Text) and mine.pop("document", None) is not None:
                block: Wire | None = {"type": "document", "document": {"data": _object_or_text(part.text)}}
                turn.blocks.append(block)  # type: ignore[arg-type]  # it is no None
            elif isinstance(part, File):
                block = self._paper(part, turn)
            elif isinstance(part, Image):
                self._notes.dropped("messages.image", "A result of a tool is text or documents here.")
                block = None
            else:
                block = self._part(part, turn, mine)
            self._put(block, mine)
        for left in inner.values():
            self._put(None, left)
        if result.is_error:
            self._notes.dropped("messages.is_error", "That a tool failed can only be said in its words here.")
        if result.kind == "custom":
            self._notes.changed("messages.custom", FREE_TEXT)
        self._cache(result.cache)
        return {**turn.wire("tool"), "tool_call_id": result.call_id}

    def _paper(self, file: File, turn: _Turn) -> Wire | None:
        document = document_out(file, self._notes)
        if document is None:
            return None
        self._notes.changed("messages.file", "A file that a tool returned is sent as a document.")
        block: dict[str, Any] = {"type": "document", "document": document}
        turn.blocks.append(block)
        return block

    def _order(self, turn: _Turn, rank: int) -> None:
        if rank < turn.last:
            self._notes.moved(f"{self._field}.order", "A turn here has its plan, its content, its calls.")
        turn.last = max(rank, turn.last)

    def _cache(self, cache: object) -> None:
        if cache is not None:
            self._notes.dropped(f"{self._field}.cache", "The dialect has no cache marks.")

    def _part(self, part: Part, turn: _Turn, mine: dict[str, Raw]) -> Wire | None:
        match part:
            case Text():
                return self._text(part, turn)
            case ToolCall():
                return self._call(part, turn)
            case Reasoning():
                return self._thought(part, turn)
            case Image():
                return self._image(part, turn)
            case File() if self._origin is None:
                self._notes.dropped("choices.file", "An answer has no files here.")
            case File():
                return self._file(part)
            case Refusal():
                self._notes.changed(f"{self._field}.refusal", "A refusal is sent as plain text.")
                return self._text(Text(part.text), turn)
            case Audio(transcript="") | ToolResult():
                self._notes.dropped(f"{self._field}.{type(part).__name__.lower()}", "A turn here has no such part.")
            case Audio():
                self._notes.changed(f"{self._field}.audio", "The dialect has no sound: the transcript was sent.")
                return self._text(Text(part.transcript), turn)
            case Opaque():
                if part.dialect == NAME:
                    return self._add({}, turn, part.raw)
                self._notes.foreign(f"{self._field}.{part.kind}", part)
        return None

    def _add(self, block: dict[str, Any], turn: _Turn, raw: Raw | None = None) -> Wire:
        self._order(turn, 1)
        turn.blocks.append(block if raw is None else raw)
        return turn.blocks[-1]

    def _text(self, text: Text, turn: _Turn) -> Wire | None:
        self._cache(text.cache)
        if not text.text:
            if text.citations:
                self._notes.dropped(f"{self._field}.citations", "An empty text cites nothing.")
            return None
        place = len(turn.blocks)
        for group in groups(text.citations):
            turn.citations.append(citation_out(group, text.text, place, self._notes, self._field))
        return self._add({"type": "text", "text": text.text}, turn)

    def _call(self, call: ToolCall, turn: _Turn) -> Wire | None:
        if call.item_id:
            self._notes.moved(f"{self._field}.item_id", "A tool call has one id here, and it stays.")
        self._cache(call.cache)
        self._order(turn, 2)
        function = {"name": call.name, "arguments": arguments_out(call, self._notes, self._field)}
        turn.calls.append({"id": call.id, "type": "function", "function": function})
        return turn.calls[-1]

    def _thought(self, thought: Reasoning, turn: _Turn) -> Wire | None:
        """Plain thoughts have a place; what was signed by another model is not for this one."""
        signed = thought.signature or thought.encrypted
        if signed and self._origin is not None and is_anothers(thought, self._origin):
            self._notes.dropped(f"{self._field}.reasoning", "Another model signed these thoughts.")
            return None
        if signed:
            self._notes.dropped(f"{self._field}.reasoning.signature", "Thoughts are neither signed nor hidden here.")
        if thought.summary:
            self._notes.changed(f"{self._field}.reasoning", "Thoughts have no numbered parts here.")
        if thought.id:
            self._notes.moved(f"{self._field}.reasoning", "Thoughts are known by their place here, not by an id.")
        text = thought.text or "\n\n".join(thought.summary)
        if not text:
            self._notes.dropped(f"{self._field}.reasoning", "A thought without words says nothing here.")
            return None
        return self._add({"type": "thinking", "thinking": text}, turn)

    def _image(self, image: Image, turn: _Turn) -> Wire | None:
        self._cache(image.cache)
        url = image.url
        if image.data:
            kind = image.media_type or kind_seen(image.data) or "image/png"
            if not image.media_type:
                self._notes.changed(f"{self._field}.media_type", f"A picture names its kind here: {kind} was sent.")
            url = f"data:{kind};base64,{image.data}"
        elif image.media_type and url:
            self._notes.dropped(f"{self._field}.media_type", "Only a picture that is sent along names its kind.")
        if not url:
            self._notes.dropped(f"{self._field}.image", "Pictures have an address or are sent along here.")
            return None
        address = {"url": url, "detail": image.detail} if image.detail else {"url": url}
        return self._add({"type": "image_url", "image_url": address}, turn)

    def _file(self, file: File) -> Wire | None:
        document = document_out(file, self._notes)
        if document is None:
            return None
        self.documents.append(document)
        self.cited.append(file.cite)
        return {"document": document}


def put(wire: dict[str, Any], path: str, raw: Raw) -> bool:
    """Put a member back at `x`, `function.x`, `document.x` or `image_url.x`; False when its place is gone."""
    place, found, name = path.partition(".")
    if not found or place not in ("function", "document", "image_url"):
        wire[path] = raw
        return True
    inner = wire.get(place)
    if not isinstance(inner, dict):
        return False
    inner[name] = raw
    return True


def _object_or_text(text: str) -> Raw | str:
    try:
        _OBJECT.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return Raw(text.encode())


def _listed(raw: Raw) -> list[Any]:
    found: list[Any] = msgspec.json.decode(raw, type=list[Raw])
    return found
