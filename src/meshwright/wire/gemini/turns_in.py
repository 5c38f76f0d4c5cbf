"""`contents` and `systemInstruction` into messages.

Source: https://ai.google.dev/api/caching (Content: the roles are user and model). A user's turn becomes as many
messages as it has runs of function responses and of everything else; a response without an id answers the first call of
its name that nobody has answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Several
from itertools import groupby

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque, Part, Role, Text, ToolCall, ToolResult
from meshwright.wire.gemini import callids
from meshwright.wire.gemini.media import Aside
from meshwright.wire.gemini.parts_in import Read, Sequence, read_part, usual_part
from meshwright.wire.gemini.shapes import NAME, Content, PlainContent
from meshwright.wire.gemini.spelling import listed, members
from meshwright.wire.verbatim import below, is_string, raw_of

_PLAIN: msgspec.json.Decoder[list[PlainContent]] = msgspec.json.Decoder(list[PlainContent])
_PLAIN_ONE: msgspec.json.Decoder[PlainContent] = msgspec.json.Decoder(PlainContent)
_CONTENT: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_FIELDS = frozenset(Content.__struct_encode_fields__)
_ROLES: dict[str | None, Role] = {None: "user", "": "user", "user": "user", "function": "user", "model": "assistant"}
_NUMBERED = re.compile(r"parts\[(\d+)\]\.(.+)", re.DOTALL)


class Turns:
    """Reads turns in order; it remembers which calls are open, for results that do not say which one they answer."""

    def __init__(self) -> None:
        self._open: list[ToolCall] = []
        self.messages: list[Message] = []

    def add(self, index: int, raw: Raw) -> None:
        """One of `contents`. Raises msgspec.ValidationError (path in the body)."""
        try:
            role, reads, extra = read_content(raw)
            if role not in _ROLES:
                raise msgspec.ValidationError(f"Invalid value {role!r:.40}, one of user, model - at `$.role`")
        except msgspec.ValidationError as error:
            raise below(error, f"contents[{index}]") from None
        sequence = Sequence(reads)
        if _ROLES[role] == "assistant":
            parts = named(sequence.parts, f"turn {index}")
            self._open = [part for part in parts if isinstance(part, ToolCall)]
            self.messages.append(Message("assistant", parts, extra=(*extra, *_extra(sequence.asides, 0, len(parts)))))
        else:
            self._asked(index, sequence, extra)

    def _asked(self, index: int, sequence: Sequence, extra: Several[Opaque]) -> None:
        parts = [
            self._answered(part, sequence, number, index) if isinstance(part, ToolResult) else part
            for number, part in enumerate(sequence.parts)
        ]
        start = 0
        for is_result, run in groupby(parts, lambda part: isinstance(part, ToolResult)):
            some = tuple(run)
            kept = (*extra, *_extra(sequence.asides, start, start + len(some)))
            self.messages.append(Message("tool" if is_result else "user", some, extra=kept))
            start, extra = start + len(some), ()
        if not parts:
            self.messages.append(Message("user", extra=tuple(extra)))

    def _answered(self, result: ToolResult, sequence: Sequence, number: int, index: int) -> ToolResult:
        """The result with the id of its call; its name goes aside when the call does not tell it."""
        name = sequence.names[number]
        if result.call_id:
            call = next((one for one in self._open if one.id == result.call_id), None)
        else:
            call = next((one for one in self._open if one.name == name), None)
            id = call.id if call is not None else callids.made(f"answer {index}", number)
            result = msgspec.structs.replace(result, call_id=id)
        if call is not None:
            self._open.remove(call)
        if call is None or call.name != name:
            sequence.asides.append((f"parts[{number}].functionResponse.name", raw_of(name)))
        return result


def plain_turns(raw: Raw) -> list[Message] | None:
    """The turns where all of them are words alone; None when there is anything else to read, or anything wrong."""
    try:
        turns = _PLAIN.decode(raw)
    except msgspec.ValidationError:
        return None
    return [
        Message("assistant" if turn.role == "model" else "user", tuple([Text(part.text) for part in turn.parts]))
        for turn in turns
    ]


def read_content(raw: Raw) -> tuple[str | None, list[Read], list[Opaque]]:
    """(role, parts, members that a turn usually does not have). Raises msgspec.ValidationError (path in the turn)."""
    try:
        content = _CONTENT.decode(raw)
        reads = [read for part in content.parts or () if (read := usual_part(part)) is not None]
        if len(reads) == len(content.parts or ()):
            return content.role, reads, []
    except msgspec.ValidationError:
        pass  # something unusual or something wrong: the patient path tells which
    return _patiently(raw)


def _patiently(raw: Raw) -> tuple[str | None, list[Read], list[Opaque]]:
    found = members(raw, _FIELDS)
    try:
        role = _STRING.decode(found["role"]) if "role" in found else None
    except msgspec.ValidationError as error:
        raise below(error, "role") from None
    try:
        parts = listed(found["parts"]) if "parts" in found else []
    except msgspec.ValidationError as error:
        raise below(error, "parts") from None
    reads: list[Read] = []
    for index, part in enumerate(parts):
        try:
            reads.append(read_part(part))
        except msgspec.ValidationError as error:
            raise below(error, f"parts[{index}]") from None
    return role, reads, [Opaque(NAME, name, value) for name, value in found.items() if name not in _FIELDS]


def system_in(raw: Raw) -> Message | None:
    """`systemInstruction`: a turn whose role says nothing. Raises msgspec.ValidationError."""
    if is_string(raw):
        text = _STRING.decode(raw)
        return Message("system", (Text(text),)) if text else None
    try:
        found = tuple([Text(part.text) for part in _PLAIN_ONE.decode(raw).parts])
        return Message("system", found) if found else None
    except msgspec.ValidationError:
        pass  # a role of another name, or more than words
    _, reads, extra = read_content(raw)
    sequence = Sequence(reads)
    parts = tuple(sequence.parts)
    kept = (*extra, *_extra(sequence.asides, 0, len(parts)))
    return Message("system", parts, extra=kept) if parts or kept else None


def named(parts: list[Part], seed: str) -> tuple[Part, ...]:
    """The parts, calls without an id with one of ours."""
    number = -1
    for place, part in enumerate(parts):
        if isinstance(part, ToolCall):
            number += 1
            if not part.id:
                parts[place] = msgspec.structs.replace(part, id=callids.made(seed, number))
    return tuple(parts)


def asides_of(sequence: Sequence) -> tuple[Opaque, ...]:
    """The members of an answer's parts that `types` has no place for, as a message's extra."""
    return tuple(Opaque(NAME, path, raw) for path, raw in sequence.asides)


def _extra(asides: list[Aside], start: int, end: int) -> tuple[Opaque, ...]:
    """The asides of the parts of one message, numbered within it."""
    found = []
    for path, raw in asides:
        match = _NUMBERED.fullmatch(path)
        if match and start <= int(match[1]) < end:
            found.append(Opaque(NAME, f"parts[{int(match[1]) - start}].{match[2]}", raw))
    return tuple(found)
