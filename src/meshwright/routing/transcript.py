"""A conversation and an answer as plain words, for a model that judges or advises."""

from __future__ import annotations

from collections.abc import Sequence

from meshwright.types.content import Audio, File, Image, Message, Part, Refusal, Text, ToolCall, ToolResult
from meshwright.types.response import Response

MOST = 24_000
"""Characters of a conversation: about 6,000 tokens. The system prompt and the latest turns are kept."""
MOST_OF_ONE = 8_000
"""Characters of a single message or answer."""


def transcript(messages: Sequence[Message]) -> str:
    """The conversation in words, each message under its speaker; what is cut out says so."""
    told = [f"[{message.role}]\n{shortened(words(message.parts))}" for message in messages]
    kept: list[str] = []
    left = MOST
    for text in reversed(told):
        if len(text) > left:
            kept.append("[…]")
            break
        kept.append(text)
        left -= len(text)
    return "\n\n".join(reversed(kept))


def answer(response: Response) -> str:
    """An answer in words: its text, and the tools that it calls."""
    return shortened(words(response.choices[0].message.parts)) if response.choices else ""


def words(parts: Sequence[Part]) -> str:
    """Parts in words; what is not words is named."""
    return "\n".join(text for part in parts if (text := _words(part)))


def shortened(text: str, most: int = MOST_OF_ONE) -> str:
    """The beginning and the end, when it is too long."""
    return text if len(text) <= most else f"{text[: most // 2]}\n[…]\n{text[-most // 2 :]}"


def _words(part: Part) -> str:
    match part:
        case Text(text=text) | Refusal(text=text):
            return text
        case ToolCall(name=name, arguments=arguments):
            return f"(calls {name} with {arguments})"
        case ToolResult(parts=parts, is_error=is_error):
            return f"({'failed' if is_error else 'result'}: {words(parts)})"
        case Image():
            return "(a picture)"
        case Audio(transcript=spoken):
            return f"(sound: {spoken})" if spoken else "(sound)"
        case File(text=text, name=name):
            return text or f"(a file {name})"
        case _:
            return ""
