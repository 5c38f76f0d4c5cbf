"""Messages of the wire into messages of `types`.

Source: https://docs.ollama.com/capabilities/tool-calling. A turn has one thought, one text, its images and its calls,
and they are read in this order. A call may have no id and a result only the tool's name, or not even that: ids are then
made from what is said, so that the same conversation always has the same.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Raw

from meshwright.types.content import Image, Message, Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from meshwright.wire.ollama.shapes import NAME, Call, Function, Turn
from meshwright.wire.pictures import kind_seen
from meshwright.wire.verbatim import below, is_object, is_string, present, raw_of

Aside = tuple[str, Raw]
"""A member that `types` has no place for: its path within the message, and its bytes."""

_TURN: msgspec.json.Decoder[Turn] = msgspec.json.Decoder(Turn)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_LIST: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def media_type(data: str) -> str:
    """What kind of picture base64 data begins like; bytes of no kind when it is none that we know."""
    return kind_seen(data) or "application/octet-stream"


def made_id(seed: str, number: int, name: str, arguments: str) -> str:
    """An id for a call that has none: the same for the same call at the same place."""
    said = "\0".join((seed, str(number), name, arguments)).encode(errors="surrogatepass")
    return f"call_{hashlib.blake2b(said, digest_size=6).hexdigest()}"


def read_turn(raw: Raw) -> tuple[Turn, list[Aside]]:
    """A message, and its members that have no place. Raises ValidationError with the path in the message."""
    try:
        return _TURN.decode(raw), []
    except msgspec.ValidationError:
        members = {name: value for name, value in _MEMBERS.decode(raw).items() if present(value)}
    asides = [(name, value) for name, value in members.items() if name not in Turn.__struct_fields__]
    for name, _ in asides:
        del members[name]
    if "tool_calls" in members:
        try:
            calls = [_known_call(call, f"tool_calls[{n}]", asides) for n, call in enumerate(_list(members))]
        except msgspec.ValidationError as error:
            raise below(error, "tool_calls") from None
        members["tool_calls"] = Raw(msgspec.json.encode(calls))
    return _TURN.decode(msgspec.json.encode(members)), asides


def _list(members: dict[str, Raw]) -> list[Raw]:
    return _LIST.decode(members["tool_calls"])


def _known_call(raw: Raw, path: str, asides: list[Aside]) -> dict[str, object]:
    """A call's members that a strict shape takes; the others are put aside."""
    try:
        members = _MEMBERS.decode(raw)
        inner = _MEMBERS.decode(members["function"]) if "function" in members else {}
    except msgspec.ValidationError as error:
        raise below(error, path.removeprefix("tool_calls")) from None
    known: dict[str, object] = {}
    for name, value in members.items():
        if name in ("function", "id"):
            known[name] = value
        elif present(value) and not (name == "type" and bytes(value) == b'"function"'):
            asides.append((f"{path}.{name}", value))
    if inner:
        known["function"] = {name: value for name, value in inner.items() if name in Function.__struct_fields__}
        asides += [
            (f"{path}.function.{name}", value)
            for name, value in inner.items()
            if name not in Function.__struct_fields__ and present(value)
        ]
    return known


def parts_in(turn: Turn, seed: str, first: int, asides: list[Aside]) -> list[Part]:
    """The parts of a turn that is no result. `first` is the number of its first call. Raises ValidationError."""
    parts: list[Part] = []
    if turn.thinking:
        parts.append(Reasoning(text=turn.thinking))
    if turn.content:
        parts.append(Text(turn.content))
    parts += map(image_in, turn.images or ())
    for place, call in enumerate(turn.tool_calls or ()):
        parts.append(call_in(call, seed, first + place, place))
        if call.function.index not in (None, first + place, place):
            asides.append((f"tool_calls[{place}].function.index", raw_of(call.function.index)))
    return parts


def image_in(said: str) -> Image:
    """A picture: base64, or a data URL, which some clients send instead."""
    if said.startswith("data:"):
        head, _, data = said.partition(",")
        return Image(data=data, media_type=head.removeprefix("data:").partition(";")[0])
    return Image(data=said, media_type=media_type(said))


def call_in(call: Call, seed: str, number: int, place: int) -> ToolCall:
    """A call with its id, or one that is made from `seed`, its number and what it says. Raises ValidationError."""
    raw = call.function.arguments
    if not present(raw):
        arguments = "{}"
    elif is_object(raw):
        arguments = bytes(raw).decode()
    elif is_string(raw):
        arguments = _STRING.decode(raw)
    else:
        raise msgspec.ValidationError(f"Expected `object` - at `$.tool_calls[{place}].function.arguments`")
    name = call.function.name
    return ToolCall(id=call.id or made_id(seed, number, name, arguments), name=name, arguments=arguments)


class Conversation:
    """Messages in the making: results that follow each other are one message, and each finds its call."""

    __slots__ = ("_calls", "_names", "_open", "messages")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._names: dict[str, str] = {}
        """The tool of each call that was made so far."""
        self._open: list[str] = []
        """Calls without a result."""
        self._calls = 0

    def add(self, raw: Raw) -> None:
        """Take the next message in. Raises ValidationError with the path in the message."""
        turn, asides = read_turn(raw)
        if turn.role is None:
            raise msgspec.ValidationError("Object missing required field `role`")
        if turn.role == "tool":
            self._result(turn, asides)
            return
        parts = parts_in(turn, "", self._calls, asides)
        for part in parts:
            if isinstance(part, ToolCall):
                self._names[part.id] = part.name
                self._open.append(part.id)
                self._calls += 1
        for name, value in (("tool_name", turn.tool_name), ("tool_call_id", turn.tool_call_id)):
            if value is not None:
                asides.append((name, raw_of(value)))
        self.messages.append(Message(turn.role, tuple(parts), extra=tuple(Opaque(NAME, *aside) for aside in asides)))

    def _result(self, turn: Turn, asides: list[Aside]) -> None:
        call_id = turn.tool_call_id or self._matching(turn.tool_name)
        if call_id in self._open:
            self._open.remove(call_id)
        if turn.tool_name and self._names.get(call_id) != turn.tool_name:
            asides.append(("tool_name", raw_of(turn.tool_name)))
        if turn.thinking:
            asides.append(("thinking", raw_of(turn.thinking)))
        if turn.tool_calls:
            asides.append(("tool_calls", raw_of(turn.tool_calls)))
        parts = ((Text(turn.content),) if turn.content else ()) + tuple(map(image_in, turn.images or ()))
        result = ToolResult(call_id=call_id, parts=parts)
        before = self.messages[-1] if self.messages and self.messages[-1].role == "tool" else Message("tool")
        place = len(before.parts)
        extra = tuple(Opaque(NAME, f"content[{place}].{path}", value) for path, value in asides)
        if place:
            self.messages.pop()
        self.messages.append(Message("tool", (*before.parts, result), extra=before.extra + extra))

    def _matching(self, name: str | None) -> str:
        """The first call without a result, of that tool if it is named."""
        for call_id in self._open:
            if name is None or self._names[call_id] == name:
                return call_id
        return made_id("result", len(self.messages), name or "", "")
