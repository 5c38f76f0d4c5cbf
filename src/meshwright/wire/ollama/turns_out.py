"""Messages of `types` into messages of the wire: one thought, one text, images and calls of each.

Source: https://docs.ollama.com/api/chat; images are base64 without a media type, addresses are not fetched.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence

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
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.notes import Notes
from meshwright.wire.ollama.shapes import NAME
from meshwright.wire.ollama.turns_in import media_type
from meshwright.wire.sealing import is_anothers

_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)
_PATH = re.compile(r"(content|tool_calls)\[(\d+)\]\.(.+)")


def arguments_out(call: ToolCall, notes: Notes, field: str) -> object:
    """The arguments of a call as the object that they are here."""
    if call.kind == "custom":
        notes.changed(f"{field}.custom", FREE_TEXT)
        return {"input": call.arguments}
    if not call.arguments.strip():
        return {}
    try:
        _OBJECT.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        notes.changed(f"{field}.arguments", "Arguments are a JSON object here: they were put into one.")
        return {"arguments": call.arguments}
    return Raw(call.arguments.encode())


class _Turn:
    """What a turn says, sorted."""

    __slots__ = ("calls", "images", "last", "thoughts", "words")

    def __init__(self) -> None:
        self.thoughts: list[str] = []
        self.words: list[str] = []
        self.images: list[str] = []
        self.calls: list[dict[str, object]] = []
        self.last = 0


class Writer:
    """Writes the turns of one translation. `origin` is who will read them; None: a client, who takes any thoughts."""

    __slots__ = ("_field", "_names", "_notes", "_origin")

    def __init__(self, notes: Notes, origin: str | None) -> None:
        self._notes = notes
        self._origin = origin
        self._field = "choices" if origin is None else "messages"
        self._names: dict[str, str] = {}

    def turns(self, messages: Sequence[Message]) -> list[dict[str, object]]:
        """All messages of a request; a message of results becomes one turn for each of them."""
        found: list[dict[str, object]] = []
        for message in messages:
            self._head(message)
            if message.role == "tool":
                found += self._results(message)
                continue
            role: str = message.role
            if role == "developer":
                self._notes.moved("messages.role", "What the developer says is said by the role system.")
                role = "system"
            found.append(self.turn(message, role))
        return found

    def _head(self, message: Message) -> None:
        if message.name:
            self._notes.dropped(f"{self._field}.name", "Speakers have no names here.")
        if message.id:
            self._notes.moved(f"{self._field}.id", "Turns are known by their place here, not by an id.")

    def turn(self, message: Message, role: str) -> dict[str, object]:
        """One turn that is no result, also that of an answer."""
        turn = _Turn()
        for part in message.parts:
            self._part(part, turn)
        wire = self._wire(turn, role)
        for extra in message.extra:
            self._extra(extra, wire)
        return wire

    def _wire(self, turn: _Turn, role: str) -> dict[str, object]:
        for said in (turn.words, turn.thoughts):
            if len(said) > 1:
                self._notes.changed(f"{self._field}.content", "A turn has one text here: several were joined.")
        wire: dict[str, object] = {"role": role, "content": "\n".join(turn.words)}
        if turn.thoughts:
            wire["thinking"] = "\n\n".join(turn.thoughts)
        if turn.images:
            wire["images"] = turn.images
        if turn.calls:
            wire["tool_calls"] = turn.calls
        return wire

    def _results(self, message: Message) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for part in message.parts:
            if not isinstance(part, ToolResult):
                self._notes.dropped("messages.tool", "A message of the tool has results only.")
                continue
            turn = _Turn()
            for one in part.parts:
                self._part(one, turn)
            wire = self._wire(turn, "tool")
            if part.call_id in self._names:
                wire["tool_name"] = self._names[part.call_id]
            wire["tool_call_id"] = part.call_id
            if part.is_error:
                self._notes.dropped("messages.is_error", "That a tool failed can only be said in its words here.")
            if part.kind == "custom":
                self._notes.changed("messages.custom", FREE_TEXT)
            self._cache(part.cache)
            found.append(wire)
        for extra in message.extra:
            match = _PATH.fullmatch(extra.kind)
            if extra.dialect == NAME and match and match[1] == "content" and int(match[2]) < len(found):
                self._extra(Opaque(extra.dialect, match[3], extra.raw), found[int(match[2])])
            elif extra.dialect == NAME:
                self._notes.dropped(f"messages.{extra.kind}", "The result that it belonged to is gone.")
            else:
                self._notes.foreign(f"messages.{extra.kind}", extra)
        return found

    def _extra(self, extra: Opaque, wire: dict[str, object]) -> None:
        """Put a member back that the turn, or one of its calls, had."""
        if extra.dialect != NAME:
            self._notes.foreign(f"{self._field}.{extra.kind}", extra)
            return
        match = _PATH.fullmatch(extra.kind)
        if match is None:
            wire[extra.kind] = extra.raw
            return
        calls = wire.get("tool_calls")
        place, path = int(match[2]), match[3]
        if match[1] != "tool_calls" or not isinstance(calls, list) or place >= len(calls):
            self._notes.dropped(f"{self._field}.{extra.kind}", "The call that it belonged to is gone.")
            return
        call = calls[place]
        if path.startswith("function."):
            call, path = call["function"], path.removeprefix("function.")
        call[path] = extra.raw

    def _part(self, part: Part, turn: _Turn) -> None:
        match part:
            case Text():
                self._text(part, turn)
            case ToolCall():
                self._call(part, turn)
            case Image():
                self._image(part, turn)
            case Reasoning():
                self._thought(part, turn)
            case Refusal():
                self._notes.changed(f"{self._field}.refusal", "A refusal is sent as plain text.")
                self._text(Text(part.text), turn)
            case File():
                self._file(part, turn)
            case Audio():
                self._spoken(part, turn)
            case ToolResult():
                self._notes.dropped(f"{self._field}.tool", "A result stands in a message of the tool here.")
            case Opaque():
                self._notes.foreign(f"{self._field}.{part.kind}", part)

    def _order(self, turn: _Turn, rank: int) -> None:
        if rank < turn.last:
            self._notes.moved(f"{self._field}.order", "A turn here has its thought, its text, its images, its calls.")
        turn.last = max(rank, turn.last)

    def _cache(self, cache: object) -> None:
        if cache is not None:
            self._notes.dropped(f"{self._field}.cache", "The dialect has no cache marks.")

    def _text(self, text: Text, turn: _Turn) -> None:
        self._cache(text.cache)
        if text.citations:
            self._notes.dropped(f"{self._field}.citations", "The dialect has no citations.")
        if text.text:
            self._order(turn, 1)
            turn.words.append(text.text)

    def _call(self, call: ToolCall, turn: _Turn) -> None:
        if call.item_id:
            self._notes.moved(f"{self._field}.item_id", "A tool call has one id here, and it stays.")
        self._cache(call.cache)
        self._order(turn, 3)
        self._names[call.id] = call.name
        function: dict[str, object] = {"name": call.name, "arguments": arguments_out(call, self._notes, self._field)}
        if self._origin is None:
            function = {"index": len(turn.calls), **function}
        turn.calls.append({"id": call.id, "function": function})

    def _image(self, image: Image, turn: _Turn) -> None:
        self._cache(image.cache)
        match = _DATA_URL.fullmatch(image.url) if image.url.startswith("data:") else None
        data, kind = (match[2], match[1]) if match else (image.data, image.media_type)
        if not data:
            self._notes.dropped(f"{self._field}.image", "A picture is sent along here: neither address nor id will do.")
            return
        if match:
            self._notes.moved(f"{self._field}.image", "A picture in an address is sent as the data that it holds.")
        if kind != media_type(data):
            self._notes.changed(f"{self._field}.media_type", "The model sees itself what kind of picture it gets.")
        if image.detail:
            self._notes.dropped(f"{self._field}.detail", "The dialect has no levels of detail.")
        self._order(turn, 2)
        turn.images.append(data)

    def _thought(self, thought: Reasoning, turn: _Turn) -> None:
        """Plain thoughts have a place; what was signed by another model is not for this one."""
        signed = thought.signature or thought.encrypted
        if signed and self._origin is not None and is_anothers(thought, self._origin):
            self._notes.dropped(f"{self._field}.reasoning", "Another model signed these thoughts.")
            return
        if signed:
            self._notes.dropped(f"{self._field}.reasoning.signature", "Thoughts are neither signed nor hidden here.")
        if thought.summary:
            self._notes.changed(f"{self._field}.reasoning", "Thoughts have no numbered parts here.")
        if thought.id:
            self._notes.moved(f"{self._field}.reasoning", "Thoughts are known by their place here, not by an id.")
        text = thought.text or "\n\n".join(thought.summary)
        if text:
            self._order(turn, 0)
            turn.thoughts.append(text)
        elif not signed:
            self._notes.dropped(f"{self._field}.reasoning", "A thought without words says nothing here.")

    def _file(self, file: File, turn: _Turn) -> None:
        text = file.text
        if not text and file.data and (file.media_type.startswith("text/") or file.media_type == "application/json"):
            try:
                text = binascii.a2b_base64(file.data).decode()
            except ValueError:
                text = ""
        if not text:
            self._notes.dropped(f"{self._field}.file", "The dialect takes text and pictures, no other files.")
            return
        self._notes.changed(f"{self._field}.file", "A text file is sent as the plain text that it holds.")
        title = f"{file.name}\n" if file.name else ""
        self._order(turn, 1)
        turn.words.append(title + text)

    def _spoken(self, audio: Audio, turn: _Turn) -> None:
        if not audio.transcript:
            self._notes.dropped(f"{self._field}.audio", "The dialect has no sound.")
            return
        self._notes.changed(f"{self._field}.audio", "The dialect has no sound: the transcript was sent.")
        self._text(Text(audio.transcript), turn)
