"""Parts into wire parts.

Source: https://ai.google.dev/api/caching (Part), https://ai.google.dev/gemini-api/docs/thought-signatures (a signature
goes back on the part that it came on) and .../function-calling (results name their function).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.gemini import callids
from meshwright.wire.gemini.media import Aside, audio_out, file_out, image_out
from meshwright.wire.gemini.parts_in import SIGNED
from meshwright.wire.gemini.results import result_out
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.spelling import is_base64
from meshwright.wire.notes import Notes
from meshwright.wire.sealing import takes_back

Wire = dict[str, Any] | Raw

_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_PATH = re.compile(r"parts\[(\d+)\]\.(.+)", re.DOTALL)
_OTHERS = "Only thoughts that the same model signed are taken back."


class Writer:
    """Writes the parts of one translation. `origin` is who will read them; None: a client, who takes any thoughts.

    `inside`: the model takes pictures within a function's response.
    """

    def __init__(self, notes: Notes, origin: str | None, *, inside: bool = True) -> None:
        self._notes = notes
        self._origin = origin
        self._inside = inside
        self._field = "choices" if origin is None else "messages"
        self._names: dict[str, str] = {}
        self.places: dict[int, int] = {}
        """Where among the wire's parts each part of the last message stands, by its number."""
        self.calls: list[str] = []
        """Ids of the calls of the last turn of the assistant that was written, in order."""

    def parts(self, message: Message) -> list[Wire]:
        """The message's wire parts, with the members that it kept aside put back into theirs."""
        asides = self.asides(message)
        if message.role == "assistant":
            self.calls = [part.id for part in message.parts if isinstance(part, ToolCall)]
        found: list[Wire] = []
        self.places = {}
        signature = ""
        for index, part in enumerate(message.parts):
            if isinstance(part, Reasoning) and (alone := self.alone(part, message.role)) is not None:
                if signature:
                    found.append(unspoken(signature))
                signature = alone or signature
                continue
            wires = self._wires(part, message.role, asides.get(index, ()), bool(signature))
            if not wires:
                continue
            first = wires[0]
            if signature and isinstance(first, dict) and isinstance(part, SIGNED):
                first["thoughtSignature"] = signature
            elif signature:
                found.append(unspoken(signature))
            signature = ""
            self._put(first, asides.get(index, ()))
            self.places[index] = len(found)
            found += wires
        if signature:
            found.append(unspoken(signature))
        return found

    def alone(self, thought: Reasoning, role: str) -> str | None:
        """The signature of a thought that is nothing else; "" when it may not be sent; None when there is more."""
        if not thought.signature or thought.text or thought.summary or thought.encrypted:
            return None
        return self._signature(thought) if self._takes(thought, role) else ""

    def asides(self, message: Message) -> Mapping[int, list[Aside]]:
        """The members kept aside, by the number of their part; whatever has no place any more is noted."""
        found: dict[int, list[Aside]] = {}
        for extra in message.extra:
            match = _PATH.fullmatch(extra.kind)
            if extra.dialect != NAME:
                self._notes.foreign(f"{self._field}.{extra.kind}", extra)
            elif match and int(match[1]) < len(message.parts):
                found.setdefault(int(match[1]), []).append((match[2], extra.raw))
            elif match:
                self._notes.dropped(f"{self._field}.{extra.kind}", "The part that it belonged to has changed.")
        return found

    def _put(self, wire: Wire, asides: list[Aside] | tuple[()]) -> None:
        for path, raw in asides:
            if not put(wire, path, raw):
                self._notes.dropped(f"{self._field}.{path}", "The part that it belonged to has changed.")

    def _wires(self, part: Part, role: str, asides: list[Aside] | tuple[()], signed: bool) -> list[Wire]:
        if isinstance(part, ToolResult):
            return self._result(part, any(path == "functionResponse.name" for path, _ in asides))
        if isinstance(part, Text) and not part.text and not signed and not asides:
            if part.citations or part.cache is not None:
                self._notes.dropped(f"{self._field}.text", "A text without words is not sent.")
            return []  # the API refuses it, and it says nothing
        wire = self.wire(part, role)
        return [] if wire is None else [wire]

    def wire(self, part: Part, role: str) -> Wire | None:
        """One part that is not a result; None when nothing of it can be sent."""
        match part:
            case Text():
                return self._text(part)
            case ToolCall():
                return self._call(part)
            case Reasoning():
                return self._thought(part, role)
            case Image():
                return image_out(part, self._notes, self._field)
            case File():
                return file_out(part, self._notes, self._field)
            case Audio():
                return audio_out(part, self._notes, self._field)
            case Refusal():
                self._notes.changed(f"{self._field}.refusal", "A refusal is sent as plain text.")
                return {"text": part.text} if part.text else None
            case Opaque():
                if part.dialect == NAME:
                    return part.raw
                self._notes.foreign(f"{self._field}.{part.kind}", part)
        return None

    def _text(self, text: Text) -> dict[str, Any]:
        if text.cache is not None:
            self._notes.dropped(f"{self._field}.cache", "What is cached is not marked here.")
        if text.citations and self._origin is not None:
            self._notes.dropped(f"{self._field}.citations", "The API does not take citations back.")
        return {"text": text.text}

    def _call(self, call: ToolCall) -> dict[str, Any]:
        self._names[call.id] = call.name
        if call.item_id:
            self._notes.moved(f"{self._field}.item_id", "A tool call has one id here, and it stays.")
        if call.cache is not None:
            self._notes.dropped(f"{self._field}.cache", "What is cached is not marked here.")
        wire: dict[str, Any] = {"name": call.name, "args": self.arguments(call)}
        if not call.id:
            self._notes.changed(f"{self._field}.id", "A call without an id gets one when it is read.")
        elif not callids.is_made(call.id):
            wire["id"] = call.id
        return {"functionCall": wire}

    def arguments(self, call: ToolCall) -> object:
        """`args`, which is an object."""
        if call.kind == "custom":
            self._notes.changed(f"{self._field}.custom", FREE_TEXT)
            return {"input": call.arguments}
        if not call.arguments.strip():
            return {}
        try:
            _OBJECT.decode(call.arguments)
        except (msgspec.DecodeError, RecursionError):
            self._notes.changed(f"{self._field}.arguments", "Arguments are a JSON object here: they were put into one.")
            return {"arguments": call.arguments}
        return Raw(call.arguments.encode())

    def _result(self, result: ToolResult, told: bool) -> list[Wire]:
        found, after = result_out(result, self._notes, self._field, inside=self._inside)
        name = self._names.get(result.call_id)
        if name is None and not told:
            self._notes.changed(f"{self._field}.name", "A result names its function, but the call is not there.")
        wire: dict[str, Any] = {"name": name or result.call_id or "unknown", **found}
        if not result.call_id:
            self._notes.changed(f"{self._field}.id", "A result without a call gets one when it is read.")
        elif not callids.is_made(result.call_id):
            wire["id"] = result.call_id
        return [{"functionResponse": wire}, *after]

    def _takes(self, thought: Reasoning, role: str) -> bool:
        """Whether the reader takes the thought. The API takes back only its own, and only in the model's turns."""
        if self._origin is None:
            return True
        if role == "assistant" and takes_back(thought, self._origin, NAME):
            return True
        self._notes.dropped(f"{self._field}.reasoning", _OTHERS)
        return False

    def _signature(self, thought: Reasoning) -> str:
        if thought.id:
            self._notes.moved(f"{self._field}.reasoning.id", "Thoughts are known by their place here, not by an id.")
        if thought.signature and not is_base64(thought.signature):
            self._notes.dropped(f"{self._field}.reasoning", "A signature of another form is no use here.")
            return ""
        return thought.signature

    def _thought(self, thought: Reasoning, role: str) -> dict[str, Any] | None:
        if not self._takes(thought, role):
            return None
        if thought.encrypted:
            self._notes.dropped(f"{self._field}.reasoning.encrypted", "Hidden thoughts of another dialect stay behind.")
        if thought.summary:
            self._notes.changed(f"{self._field}.reasoning", "Thoughts have no numbered parts here.")
        text = "\n\n".join((*((thought.text,) if thought.text else ()), *thought.summary))
        signature = self._signature(thought)
        if not text and not signature and (self._origin is not None or thought.encrypted):
            self._notes.dropped(f"{self._field}.reasoning", "There are no words and no signature in it.")
            return None
        wire: dict[str, Any] = {"text": text, "thought": True}
        if signature:
            wire["thoughtSignature"] = signature
        return wire


def unspoken(signature: str) -> dict[str, Any]:
    """A part that only brings a signature."""
    return {"text": "", "thoughtSignature": signature}


def put(wire: Wire, path: str, raw: Raw) -> bool:
    """Put a member back at `partMetadata` or `functionCall.willContinue`; False when its place is gone."""
    if isinstance(wire, Raw):
        return False
    outer, dot, inner = path.partition(".")
    if dot and isinstance(wire.get(outer), dict):
        wire[outer][inner] = raw
    elif dot and outer in ("functionCall", "functionResponse", "inlineData", "fileData"):
        return False
    else:
        wire[path] = raw
    return True
