"""Every text of a request and of an answer, one walk for reading them and one for putting others in their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

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
from meshwright.types.guard import Place
from meshwright.types.request import Request, ToolSpec
from meshwright.types.response import Choice, Response

LEAST_NUMBER = 10**5
"""Whole numbers in JSON from which on they are read as text: cards and telephones travel as numbers too."""
_PLACES: dict[str, Place] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


class Spot(msgspec.Struct, frozen=True):
    """One text and where it stands. Spots with the same `run` (not 0) follow one another as one speech.

    `before` is the name that it is the value of.
    """

    text: str
    place: Place
    message: int | None = None
    run: int = 0
    before: str = ""


Change = Callable[[Spot], str]
S = TypeVar("S", bound=msgspec.Struct)


def of_request(request: Request, change: Change) -> Request:
    """The request with each of its texts as `change` has it; the same one when none was changed."""
    walk = _Walk(change)
    tools = _each(request.tools, walk.tool)
    messages = _each(request.messages, walk.message)
    changes: dict[str, Any] = {
        "tools": tools,
        "messages": messages,
        "user": walk.text(request.user, "user", "user"),
        "metadata": walk.raw(request.metadata, "user"),
        "extra": _each(request.extra, lambda one: walk.opaque(one, "user")),
    }
    return _changed(request, changes, source=None)


def of_response(response: Response, change: Change) -> Response:
    """The same for an answer."""
    walk = _Walk(change)
    choices = _each(response.choices, walk.choice)
    return _changed(response, {"choices": choices}, source=None)


def in_json(text: str, change: Callable[[str, str], str]) -> str:
    """JSON with its strings (and long numbers) changed: `change` gets each and its name. What is no JSON is a text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return change(text, "")
    new = _in_value(value, "", change)
    return text if new is value else msgspec.json.encode(new).decode()


def _in_value(value: Any, name: str, change: Callable[[str, str], str]) -> Any:
    if isinstance(value, str):
        new = change(value, name) if value else value
        return value if new == value else new
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        if abs(value) < LEAST_NUMBER:
            return value
        said = str(value)
        new = change(said, name)
        return value if new == said else new
    if isinstance(value, list):
        items = [_in_value(item, name, change) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    pairs = {_in_value(key, "", change): _in_value(inner, key, change) for key, inner in value.items()}
    same = all(a is b and value[a] is pairs[b] for a, b in zip(value, pairs, strict=False)) and len(pairs) == len(value)
    return value if same else pairs


def _each(items: tuple[S, ...], change: Callable[[S], S]) -> tuple[S, ...]:
    new = tuple(map(change, items))
    return items if all(a is b for a, b in zip(new, items, strict=True)) else new


def _changed(struct: S, changes: dict[str, Any], **besides: Any) -> S:
    real = {name: value for name, value in changes.items() if value is not getattr(struct, name)}
    return msgspec.structs.replace(struct, **real, **besides) if real else struct


class _Walk:
    """One walk over all texts, always in the same order."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._run = 0
        self._role = ""
        self._message: int | None = None
        self._count = 0

    def text(self, text: str, place: Place, before: str = "", run: int = 0) -> str:
        if not text:
            return text
        new = self._change(Spot(text, place, self._message, run, before))
        return text if new == text else new

    def json(self, text: str, place: Place) -> str:
        return in_json(text, lambda value, name: self.text(value, place, name)) if text else text

    def raw(self, raw: msgspec.Raw | None, place: Place) -> msgspec.Raw | None:
        if not raw:
            return raw
        text = bytes(raw).decode(errors="replace")
        new = self.json(text, place)
        return raw if new is text else msgspec.Raw(new.encode())

    def opaque(self, part: Opaque, place: Place) -> Opaque:
        return _changed(part, {"raw": self.raw(part.raw, place)})

    def tool(self, tool: ToolSpec) -> ToolSpec:
        return _changed(
            tool,
            {"description": self.text(tool.description, "system"), "schema": self.raw(tool.schema, "system")},
        )

    def message(self, message: Message) -> Message:
        self._message, self._count = self._count, self._count + 1
        if message.role != self._role or message.role == "tool":
            self._role, self._run = message.role, self._run + 1
        place = _PLACES[message.role]
        changes = {
            "parts": _each(message.parts, lambda part: self.part(part, place)),
            "name": self.text(message.name, place, "name"),
            "extra": _each(message.extra, lambda one: self.opaque(one, place)),
        }
        self._message = None
        return _changed(message, changes)

    def choice(self, choice: Choice) -> Choice:
        self._run += 1
        message = choice.message
        parts = _each(message.parts, lambda part: self.part(part, "answer"))
        new = _changed(message, {"parts": parts})
        # Probabilities belong to the words that were there before.
        return _changed(choice, {"message": new}, logprobs=None, refusal_logprobs=None)

    def part(self, part: Part, place: Place) -> Part:
        match part:
            case Text(text=text):
                return _changed(part, {"text": self.text(text, place, run=self._run)})
            case Refusal(text=text):
                return _changed(part, {"text": self.text(text, place)})
            case Image(url=url):
                return part if url.startswith("data:") else _changed(part, {"url": self.text(url, place)})
            case Audio(transcript=transcript):
                return _changed(part, {"transcript": self.text(transcript, place)})
            case File():
                names = ("text", "context", "name")
                return _changed(part, {name: self.text(getattr(part, name), place) for name in names})
            case Reasoning(signature="", encrypted=""):
                summary = tuple(self.text(one, place) for one in part.summary)
                same = all(a is b for a, b in zip(summary, part.summary, strict=True))
                return _changed(
                    part,
                    {"text": self.text(part.text, place), "summary": part.summary if same else summary},
                )
            case Reasoning():
                return part  # signed by its model: changed, it would be refused
            case ToolCall(arguments=arguments):
                read = self.json if part.kind == "function" else self.text
                return _changed(part, {"arguments": read(arguments, place)})
            case ToolResult():
                self._run += 1
                return _changed(part, {"parts": self._inner(part.parts)})
            case Opaque():
                return self.opaque(part, place)

    def _inner(self, parts: Sequence[Any]) -> Any:
        return _each(tuple(parts), lambda part: self.part(part, "tool"))
