"""What the router sees of a request, gathered in one pass."""

from __future__ import annotations

from meshwright.providers.builtin.computable import looks_computable
from meshwright.routing.classify import classify
from meshwright.types.content import Audio, File, Image, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from meshwright.types.decision import Features
from meshwright.types.request import Request

CHARACTERS_PER_TOKEN = 4
IMAGE_TOKENS = 1_000
"""A picture's rough size; providers count between 85 and some thousands."""
FILE_CHARACTERS_PER_BASE64 = 0.75


def features(request: Request, tasks: bool) -> Features:
    """One pass over the messages. `tasks` False leaves the task out: strategies that do not ask for it pay nothing."""
    characters = turns = 0
    attachments: dict[str, None] = {}
    for message in request.messages:
        turns += message.role == "user"
        for part in message.parts:
            characters += _size(part, attachments)
    for tool in request.tools:
        characters += len(tool.name) + len(tool.description) + (len(bytes(tool.schema)) if tool.schema else 0)
    question = _question(request.messages)
    computable = looks_computable(question) if tasks and len(question) <= 2_000 else 0.0
    found = classify(question, characters, tuple(attachments), computable) if tasks else {}
    likeliest = next(iter(found), "")
    return Features(
        task=likeliest,
        sure=found.get(likeliest, 0.0),
        tasks=found,
        input_tokens=characters // CHARACTERS_PER_TOKEN + 4 * len(request.messages) + 3,
        turns=turns,
        characters=characters,
        code="```" in question,
        needs=_needs(request, attachments),
        attachments=tuple(attachments),
        max_tokens=request.max_tokens,
        computable=computable,
    )


def _size(part: Part, attachments: dict[str, None]) -> int:
    """A part's size in characters of text, and a note of what kind of attachment it is."""
    match part:
        case Text(text=text) | Refusal(text=text):
            return len(text)
        case Image():
            attachments["image"] = None
            return IMAGE_TOKENS * CHARACTERS_PER_TOKEN
        case File(data=data, text=text):
            attachments["file"] = None
            return len(text) + int(len(data) * FILE_CHARACTERS_PER_BASE64)
        case Audio(data=data, transcript=transcript):
            if data:
                attachments["audio"] = None
            return len(transcript) + len(data) // 50
        case Reasoning(text=text, encrypted=encrypted):
            return len(text) + len(encrypted)
        case ToolCall(name=name, arguments=arguments):
            return len(name) + len(arguments)
        case ToolResult(parts=parts):
            return sum(_size(inner, attachments) for inner in parts)
        case _:
            return len(bytes(part.raw))


def _question(messages: tuple[Message, ...]) -> str:
    """The words of the last user message."""
    for message in reversed(messages):
        if message.role == "user":
            return message.text
    return ""


def _needs(request: Request, attachments: dict[str, None]) -> tuple[str, ...]:
    """Abilities without which the request cannot be served."""
    needs = [ability for kind, ability in _ATTACHED if kind in attachments]
    if request.tools and not (request.tool_choice and request.tool_choice.mode == "none"):
        needs.append("tools")
    if request.output is not None and request.output.kind != "text":
        needs.append("structured_output" if request.output.kind == "schema" else "json")
    if "audio" in request.modalities:
        needs.append("audio_output")
    if request.logprobs:
        needs.append("logprobs")
    return tuple(needs)


_ATTACHED = (("image", "vision"), ("audio", "audio_input"), ("file", "files"))
