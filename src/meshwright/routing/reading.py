"""How many tokens a model reads, by its own tokenizer or by the estimate; and the texts that are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from meshwright.catalog.media.measure import kind_of
from meshwright.catalog.media.rules import most as media_most
from meshwright.catalog.media.rules import tokens as media_tokens
from meshwright.routing.features import packed
from meshwright.types.content import Audio, File, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from meshwright.types.decision import Features
from meshwright.types.model import Model
from meshwright.types.request import Request


def read(model: Model, features: Features) -> int:
    """Tokens of the request as this model reads it."""
    found = features.counted.get(model.tokenizer) if features.counted else None
    if found is None:
        found = features.input_tokens - features.media_tokens
        if model.reading != 1.0:
            found = round(found * model.reading)
    return found + media_tokens(model.upstream, features.media) if features.media else found


def most_media(model: Model, features: Features) -> int:
    """Tokens that the media of the request may be at most at this model."""
    return media_most(model.upstream, features.media) if features.media else 0


def texts(request: Request) -> list[str]:
    """Every text of a request that a tokenizer sees. Tools and schemas are counted as the JSON that they are."""
    found = [text for message in request.messages for text in _spoken(message.parts)]
    found += [message.name for message in request.messages if message.name]
    for tool in request.tools:
        found += (tool.name, tool.description, _json(tool.schema), _json(tool.grammar))
    if request.output is not None:
        found.append(_json(request.output.schema))
    return [text for text in found if text]


def unread(request: Request) -> int:
    """Bytes of text that stand for what no tokenizer sees: files' data, sealed thoughts, parts of one dialect alone."""
    return sum(_unread(part) for message in request.messages for part in message.parts)


def _unread(part: Part) -> int:
    match part:
        case File():
            return packed(part) if not part.text and not kind_of(part) else 0
        case Reasoning(encrypted=encrypted):
            return len(encrypted)
        case ToolResult(parts=inner):
            return sum(map(_unread, inner))
        case Opaque(raw=raw):
            return memoryview(raw).nbytes
        case _:
            return 0


def _spoken(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text) | Reasoning(text=text) | File(text=text):
                yield text
            case Audio(transcript=text):
                yield text
            case ToolCall(name=name, arguments=arguments):
                yield name
                yield arguments
            case ToolResult(parts=inner):
                yield from _spoken(inner)


def _json(raw: msgspec.Raw | None) -> str:
    return bytes(raw).decode(errors="replace") if raw else ""
