"""What the features of the translation matrix are made of, and how one is put down and looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from meshwright.types.content import (
    File,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import Request, ToolSpec
from meshwright.types.response import Choice, Finish, Response
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from tests.wire.matrix import THEIRS, Feature, Kind

PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
WAV = "UklGRiQAAABXQVZF"
SIGNED = "c2lnbmF0dXJl"
ELSEWHERE = Target("model", "another/model", max_output=100_000)
SCHEMA = msgspec.Raw(
    b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}'
)
WEATHER = ToolSpec(name="weather", description="The weather of a city.", schema=SCHEMA)
CLOCK = ToolSpec(name="clock", description="The time in a city.", schema=SCHEMA)
HELLO = Message("user", (Text("Hello"),))
CALLS = (
    ToolCall(id="call_1", name="weather", arguments='{"city":"Lyon"}'),
    ToolCall(id="call_2", name="weather", arguments='{"city":"Oslo"}'),
)
FEATURES: list[Feature] = []


def asked(title: str, field: str, seen: Callable[[Request], Any] | None = None, /, **given: Any) -> None:
    """A feature of a request: a member that must arrive as it is, or what `seen` makes of the request."""
    words = {"messages": (HELLO,), "max_tokens": 2000, **given}
    target, implied = words.pop("target", THEIRS), words.pop("implied", frozenset())
    look = seen or (lambda request: getattr(request, field))
    FEATURES.append(
        Feature(title, "request", Request(model="model", **words), look, tuple(field.split()), target, implied)
    )


def turned(
    title: str, seen: Callable[[Request], Any], *messages: Message, field: str = "messages", **given: Any
) -> None:
    """A feature of the conversation."""
    asked(title, field, seen, messages=messages, **given)


def parts(kind: type, *names: str) -> Callable[[Request], list[tuple[Any, ...]]]:
    """These members of all parts of a kind."""

    def look(request: Request) -> list[tuple[Any, ...]]:
        found = [part for message in request.messages for part in message.parts if isinstance(part, kind)]
        return [tuple(getattr(part, name) for name in names) for part in found]

    return look


def plain(raw: msgspec.Raw | None) -> Any:
    return None if raw is None else msgspec.json.decode(raw)


def answered(
    title: str, field: str, seen: Callable[[Response], Any], *said: Part, streamed: bool = True, **given: Any
) -> None:
    """A feature of an answer, whole and (unless it is not) as a stream."""
    choice = {name: given.pop(name) for name in ("finish", "stop", "logprobs") if name in given}
    choices = given.pop("choices", None) or (
        Choice(message=Message("assistant", said or (Text("Hello"),)), **{"finish": "stop", **choice}),
    )
    words: dict[str, Any] = {"id": "a", "model": "model", "created": 1, "usage": Usage(input=3, output=2), **given}
    value = Response(choices=choices, **words)
    kinds: tuple[Kind, ...] = ("answer", "stream") if streamed else ("answer",)
    FEATURES.extend(Feature(title, kind, value, seen, tuple(field.split())) for kind in kinds)


def of_answer(kind: type, *names: str) -> Callable[[Response], list[tuple[Any, ...]]]:
    """The same of an answer's first choice."""

    def look(answer: Response) -> list[tuple[Any, ...]]:
        found = [part for choice in answer.choices[:1] for part in choice.message.parts if isinstance(part, kind)]
        return [tuple(getattr(part, name) for name in names) for part in found]

    return look


def arguments(calls: Callable[[Any], list[tuple[Any, ...]]]) -> Callable[[Any], list[tuple[Any, ...]]]:
    """Calls with their arguments as values."""
    return lambda value: [(id, name, plain(msgspec.Raw(words.encode()))) for id, name, words in calls(value)]


def thoughts(answer: Response) -> list[str]:
    return [text or "\n\n".join(summary) for text, summary in of_answer(Reasoning, "text", "summary")(answer)]


def roles(request: Request) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in request.messages]


def results(request: Request) -> list[Any]:
    return [
        (call_id, [(type(one).__name__, getattr(one, "text", "")) for one in inner], failed)
        for call_id, inner, failed in parts(ToolResult, "call_id", "parts", "is_error")(request)
    ]


def tools(request: Request) -> list[Any]:
    return [(tool.name, tool.description, plain(tool.schema)) for tool in request.tools]


def choice(request: Request) -> Any:
    return request.tool_choice and (request.tool_choice.mode, request.tool_choice.names)


def output(request: Request) -> Any:
    form = request.output
    return form and (form.kind, plain(form.schema))


def documents(request: Request) -> list[Any]:
    return [one[:2] for one in parts(File, "data", "url")(request)]


def marks(request: Request) -> list[Any]:
    return [message.text for message in request.messages for part in message.parts if getattr(part, "cache", None)]


def counts(answer: Response) -> Any:
    usage = answer.usage
    return usage and (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning)


def finish(answer: Response) -> Finish | None:
    return answer.choices[0].finish


def called(*result: ToolResult) -> tuple[Message, ...]:
    return (HELLO, Message("assistant", CALLS[: len(result)]), Message("tool", result))
