"""What the router sees of a request, gathered in one pass."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from meshwright.catalog.media.measure import alike, of_audio, of_file, of_image
from meshwright.catalog.media.rules import tokens as media_tokens
from meshwright.catalog.tokens import DEFAULT, tokens
from meshwright.providers.builtin.computable import looks_computable
from meshwright.routing.classify import classify
from meshwright.routing.lengths import wished
from meshwright.types.content import Audio, File, Image, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from meshwright.types.decision import Features, Medium
from meshwright.types.request import Request

BYTES_PER_TOKEN = 4
"""Of UTF-8, so that Chinese, three bytes to a character, comes out near one token for each."""
TEXT_SHARE = 0.75
"""Bytes of text per character of base64, for text files."""
PACKED_SHARE = 0.05
"""The same for office and other packed files: most of them is fonts, pictures and structure."""
MOST_OF_A_MEDIUM = 50_000
"""Tokens: a picture at gpt-4o-mini is the dearest of all, 48,169."""
COMPUTABLE_UP_TO = 2_000
"""Characters; what is longer is no plain computation."""


def features(
    request: Request, tasks: bool, tokenizer: str = DEFAULT, matters: Callable[[int], bool] | None = None
) -> Features:
    """One pass over the messages. `tasks` False leaves the task out: strategies that do not ask for it pay nothing.

    `input_tokens` is an estimate without the model's tokenizer, see `catalog.tokens`; `tokenizer` is its family.
    `matters` is asked whether anything depends on it, given what it cannot be above, for no tokenizer makes more tokens
    than there are bytes; where nothing does it is `rough`, and costs nothing. None: it is always estimated.
    """
    rest = turns = 0
    words: list[str] = []
    attachments: dict[str, None] = {}
    media: list[Medium] = []
    for message in request.messages:
        turns += message.role == "user"
        for part in message.parts:
            rest += _size(part, attachments, words, media)
    seeing = media_tokens("", media) if media else 0
    rest += seeing * BYTES_PER_TOKEN + _declared(request)
    size = rest + sum(map(_bytes, words))
    kinds = tuple(attachments)
    asked = question(request.messages)
    around = 4 * len(request.messages) + 3
    rough = matters is not None and not matters(size + around + MOST_OF_A_MEDIUM * len(media))
    seen = Features(
        task="",
        sure=0.0,
        tasks={},
        input_tokens=around + (size // BYTES_PER_TOKEN if rough else _tokens(rest, words, tokenizer)),
        turns=turns,
        characters=size,
        code="```" in asked,
        needs=_needs(request, kinds),
        attachments=kinds,
        max_tokens=request.max_tokens,
        max_cost=request.max_cost,
        rough=rough,
        media=alike(media) if media else (),
        media_tokens=seeing,
    )
    if not tasks:
        return seen
    computable = looks_computable(asked) if len(asked) <= COMPUTABLE_UP_TO else 0.0
    found = classify(asked, size - _bytes(asked) + len(asked), _kinds_of_task(kinds), computable)
    likeliest = next(iter(found), "")
    wish = wished(request, asked)
    return msgspec.structs.replace(
        seen,
        task=likeliest,
        sure=found.get(likeliest, 0.0),
        tasks=found,
        computable=computable,
        asked_for=wish.asked_for,
        wordy=wish.wordy,
        answers=wish.answers,
        effort=wish.effort,
        budget=wish.budget,
    )


def _tokens(rest: int, words: list[str], tokenizer: str) -> int:
    """What was read as words by what they are made of; the rest (pictures, schemas, files) by its size."""
    return tokens("\n".join(words), tokenizer) + rest // BYTES_PER_TOKEN


def _declared(request: Request) -> int:
    """Bytes of the tools, and of the form of the answer."""
    size = 0
    for tool in request.tools:
        size += len(tool.name) + len(tool.description) + _raw(tool.schema) + _raw(tool.grammar)
    return size + (_raw(request.output.schema) if request.output is not None else 0)


def _bytes(text: str) -> int:
    # Asking is free, and plain ASCII is the usual case.
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _raw(raw: msgspec.Raw | None) -> int:
    return memoryview(raw).nbytes if raw else 0


def _size(part: Part, attachments: dict[str, None], words: list[str], media: list[Medium]) -> int:
    """A part's size in bytes of text besides its words, and a note of what kind of attachment it is.

    Media are measured apart.
    """
    match part:
        case Text(text=text) | Refusal(text=text):
            words.append(text)
            return 0
        case Image():
            attachments["image"] = None
            media.append(of_image(part))
            return 0
        case File(text=text):
            # Plain text can be sent to any model as words; the rest needs one that reads files.
            attachments["text" if text else "file"] = None
            if not text and (medium := of_file(part)) is not None:
                media.append(medium)
                return 0
            return _bytes(text) + packed(part)
        case Audio(data=data, transcript=transcript):
            if data:
                attachments["audio"] = None
                media.append(of_audio(part))
            return _bytes(transcript)
        case Reasoning(text=text, encrypted=encrypted):
            return _bytes(text) + len(encrypted)
        case ToolCall(name=name, arguments=arguments):
            words += (name, arguments)
            return 0
        case ToolResult(parts=parts):
            return sum(_size(inner, attachments, words, media) for inner in parts)
        case _:
            return _raw(part.raw)


def packed(part: File) -> int:
    """Bytes of text that stand for a file's data, which is not looked into."""
    return int(len(part.data) * (TEXT_SHARE if part.media_type.startswith("text/") else PACKED_SHARE))


def _kinds_of_task(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """To the classifier a document is a document, however it travels."""
    return tuple(dict.fromkeys("file" if kind == "text" else kind for kind in kinds))


def question(messages: tuple[Message, ...]) -> str:
    """The last words of the user. The results of tools come as messages of his too, and are not what he asked."""
    for message in reversed(messages):
        if message.role == "user" and not _RESULTS.issuperset(map(type, message.parts)):
            return message.text
    return ""


def _needs(request: Request, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Abilities without which the request cannot be served."""
    needs = [ability for kind, ability in _ATTACHED if kind in kinds] if kinds else []
    if request.tools and not (request.tool_choice and request.tool_choice.mode == "none"):
        needs.append("tools")
    if request.output is not None and request.output.kind != "text":
        needs.append("structured_output" if request.output.kind == "schema" else "json")
    if "audio" in request.modalities:
        needs.append("audio_output")
    if request.logprobs:
        needs.append("logprobs")
    return tuple(needs)


_RESULTS = frozenset([ToolResult])
_ATTACHED = (("image", "vision"), ("audio", "audio_input"), ("file", "files"))
