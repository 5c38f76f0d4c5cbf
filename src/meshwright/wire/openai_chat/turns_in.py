"""A client's `messages` as values: tool turns in a row become one message, calls before tools get an id."""

from __future__ import annotations

from operator import itemgetter

import msgspec

from meshwright.types.content import (
    Audio,
    Citation,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.errors import InvalidRequest
from meshwright.wire.openai_chat.parts import citation_in, content_in, image_in
from meshwright.wire.openai_chat.shape import (
    NAME,
    AssistantIn,
    CallIn,
    Content,
    DeveloperIn,
    Elsewhere,
    Function,
    FunctionCallIn,
    FunctionResultIn,
    MessageIn,
    SystemIn,
    ToolIn,
    Turn,
    UserIn,
)
from meshwright.wire.openai_chat.sift import Found, Members

_PLAIN: dict[type, Role] = {SystemIn: "system", DeveloperIn: "developer", UserIn: "user"}


def messages_in(turns: list[Turn], found: Found, unknown: dict[int, Members]) -> tuple[Message, ...]:
    """The messages, in order. `unknown` has the members that were set aside, by the turn's number.

    Raises InvalidRequest when a tool's answer does not say which call it answers.
    """
    messages: list[Message] = []
    results = _Results()
    calls: dict[str, ToolCall] = {}
    for number, turn in enumerate(turns):
        role = _PLAIN.get(type(turn))
        if role is not None:
            if results.parts:
                results.flush(messages)
            extra = opaques(unknown[number]) if number in unknown else ()
            parts = content_in(turn.content, found)
            messages.append(Message(role, parts, turn.name or "", "", extra))
            continue
        members = unknown.get(number, [])
        if isinstance(turn, ToolIn | FunctionResultIn):
            results.add(turn, number, calls, found, members)
        elif isinstance(turn, AssistantIn):
            results.flush(messages)
            parts, more = spoken_in(turn, found, f"call_{number}")
            for part in parts:
                if isinstance(part, ToolCall):
                    calls[part.id] = part
            messages.append(Message("assistant", parts, turn.name or "", "", opaques([*members, *more])))
    results.flush(messages)
    return tuple(messages)


def spoken_in(turn: AssistantIn | MessageIn, found: Found, call_id: str) -> tuple[tuple[Part, ...], Members]:
    """The parts of an assistant's message, in the order thoughts, words, refusal, images, calls, sound.

    `call_id` is the id (followed by a number) of calls that have none. The second value are members that it could not
    place: annotations that are no citations of pages, and citations without words.
    """
    parts: list[Part] = []
    members: Members = []
    thoughts = turn.reasoning_content if turn.reasoning_content is not None else turn.reasoning
    if thoughts:
        parts.append(Reasoning(text=thoughts))
    parts += content_in(turn.content, found)
    if turn.annotations:
        _cite(parts, turn.annotations, members)
    if turn.refusal:
        parts.append(Refusal(turn.refusal))
    for image in turn.images or ():
        parts.append(image_in(image))
    for number, call in enumerate(turn.tool_calls or ()):
        parts.append(call_in(call, found, f"{call_id}_{number}"))
    if turn.function_call is not None:
        parts.append(legacy_call(turn.function_call, call_id))
    if turn.audio is not None:
        said = turn.audio
        parts.append(
            Audio(id=said.id or "", data=said.data or "", transcript=said.transcript or "", expires_at=said.expires_at)
        )
    return tuple(parts), members


def call_in(call: CallIn, found: Found, call_id: str) -> ToolCall | Opaque:
    """One element of `tool_calls`."""
    if isinstance(call, FunctionCallIn):
        return ToolCall(id=call.id or call_id, name=call.function.name, arguments=call.function.arguments or "")
    if isinstance(call, Elsewhere):
        kind, raw = found.opaque[call.number]
        return Opaque(NAME, f"tool_calls/{kind}", raw)
    return ToolCall(id=call.id or call_id, name=call.custom.name, arguments=call.custom.input or "", kind="custom")


def legacy_call(call: Function, call_id: str) -> ToolCall:
    """A `function_call`, which has no id of its own."""
    return ToolCall(id=call_id, name=call.name, arguments=call.arguments or "")


def opaques(members: Members) -> tuple[Opaque, ...]:
    """The unknown members, by path."""
    return tuple(Opaque(NAME, path, raw) for path, raw in sorted(members, key=itemgetter(0))) if members else ()


class _Results:
    """Tool turns in a row, until another turn ends the row."""

    __slots__ = ("extra", "parts")

    def __init__(self) -> None:
        self.parts: list[ToolResult] = []
        self.extra: list[Opaque] = []

    def add(
        self,
        turn: ToolIn | FunctionResultIn,
        number: int,
        calls: dict[str, ToolCall],
        found: Found,
        members: Members,
    ) -> None:
        place = len(self.parts)
        self.extra += [Opaque(NAME, f"{place}/{path}", raw) for path, raw in members]
        if isinstance(turn, FunctionResultIn):
            call_id = next((one.id for one in reversed(calls.values()) if one.name == turn.name), f"call_{turn.name}")
        else:
            call_id = turn.tool_call_id
            if not call_id:
                raise InvalidRequest(
                    "A tool message does not say which call it answers.",
                    field=f"messages[{number}].tool_call_id",
                    fix="Set it to the `id` of the tool call in the assistant message before it.",
                )
        call = calls.get(call_id)
        # The tool's name is known from the call; only another name says something.
        if turn.name and isinstance(turn, ToolIn) and (call is None or call.name != turn.name):
            self.extra.append(Opaque(NAME, f"{place}/name", msgspec.Raw(msgspec.json.encode(turn.name))))
        kind = "function" if call is None else call.kind
        self.parts.append(ToolResult(call_id=call_id, parts=_result_parts(turn.content, number, found), kind=kind))

    def flush(self, messages: list[Message]) -> None:
        if self.parts:
            messages.append(Message("tool", tuple(self.parts), extra=tuple(self.extra)))
            self.parts, self.extra = [], []


def _result_parts(content: Content, number: int, found: Found) -> tuple[Text | Image | File | Opaque, ...]:
    parts: list[Text | Image | File | Opaque] = []
    for place, part in enumerate(content_in(content, found)):
        if not isinstance(part, Text | Image | File | Opaque):
            raise InvalidRequest(
                f"A tool's answer cannot hold {type(part).__name__.lower()}.",
                field=f"messages[{number}].content[{place}].type",
                fix="Send text, images or files.",
            )
        parts.append(part)
    return tuple(parts)


def _cite(parts: list[Part], annotations: list[msgspec.Raw], members: Members) -> None:
    """Give the citations to the text that they point into: offsets count through all of a message's texts."""
    others: list[msgspec.Raw] = []
    cited: dict[int, list[Citation]] = {}
    ends: list[tuple[int, int, int]] = []
    length = 0
    for place, part in enumerate(parts):
        if isinstance(part, Text):
            ends.append((place, length, length + len(part.text)))
            length += len(part.text)
    for raw in annotations:
        citation = citation_in(raw)
        if citation is None or not ends:
            others.append(raw)
            continue
        place, start, _ = next((one for one in ends if citation.end is not None and citation.end <= one[2]), ends[-1])
        cited.setdefault(place, []).append(_shifted(citation, -start))
    for place, citations in cited.items():
        text = parts[place]
        if isinstance(text, Text):
            parts[place] = Text(text.text, text.cache, tuple(citations))
    if others:
        members.append(("annotations", msgspec.Raw(msgspec.json.encode(others))))


def _shifted(citation: Citation, by: int) -> Citation:
    if not by or citation.start is None or citation.end is None:
        return citation
    return msgspec.structs.replace(citation, start=max(0, citation.start + by), end=max(0, citation.end + by))
