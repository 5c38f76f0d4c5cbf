"""Hypothesis strategies for generateContent: what the dialect can carry."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from meshwright.types.content import (
    Audio,
    Citation,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, SpokenOutput, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response, TokenProbability
from meshwright.types.usage import Usage
from tests.wire.strategies import base64s, json_objects, names, raw, raws, schemas

NAME = "gemini"
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ids = st.text("abc123", min_size=4, max_size=8)
maybe = st.just("")
texts = st.builds(Text, words)
signatures = base64s
own_parts = st.builds(
    lambda kind, value: Opaque(NAME, kind, raw({kind: value})),
    st.sampled_from(["executableCode", "codeExecutionResult", "toolCall", "xNew"]),
    json_objects,
)
images = st.builds(Image, data=base64s, media_type=st.sampled_from(["image/png", "image/jpeg"])) | st.builds(
    Image, url=words.map("https://x/".__add__), media_type=st.just("image/webp")
)
files = st.builds(
    File, data=base64s, media_type=st.sampled_from(["application/pdf", "video/mp4"]), name=maybe | names
) | st.builds(File, url=words.map("gs://x/".__add__), media_type=st.just("application/pdf"), name=maybe | names)
sounds = st.builds(Audio, data=base64s, format=st.sampled_from(["wav", "mp3", "pcm16"]))
calls = st.builds(
    lambda call, name, arguments: ToolCall(id=call, name=name, arguments=msgspec.json.encode(arguments).decode()),
    ids,
    names,
    json_objects,
)
results = st.builds(
    lambda call, said, media, failed: ToolResult(call_id=call, parts=(*said, *media), is_error=failed),
    ids,
    st.tuples(st.builds(Text, words | json_objects.map(lambda value: msgspec.json.encode(value).decode()))),
    st.lists(images | files, max_size=2),
    st.booleans(),
)
thoughts = st.builds(Reasoning, text=words, signature=maybe | signatures)
signed = st.builds(lambda signature, part: [Reasoning(signature=signature), part], signatures, texts | calls | images)


def asides(message: Message, path: str, value: msgspec.Raw) -> Message:
    """The message with a member of one of its parts that `types` has no place for."""
    for index, part in enumerate(message.parts):
        if isinstance(part, Text | ToolCall | Image):
            return msgspec.structs.replace(message, extra=(Opaque(NAME, f"parts[{index}].{path}", value),))
    return message


def messages_of(role: Any, parts: st.SearchStrategy[list[Part]]) -> st.SearchStrategy[Message]:
    plain = st.lists(parts, min_size=1, max_size=3).map(
        lambda some: Message(role, tuple(part for group in some for part in group))
    )
    return plain | st.builds(asides, plain, st.sampled_from(["partMetadata", "videoMetadata"]), raws)


def alone(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Part]]:
    return parts.map(lambda part: [part])


user_messages = messages_of("user", alone(texts | images | files | sounds | own_parts))
assistant_messages = messages_of("assistant", alone(texts | calls | thoughts | own_parts) | signed)
tool_messages = st.lists(results, min_size=1, max_size=2).map(lambda some: Message("tool", tuple(some)))
system_messages = messages_of("system", alone(texts))


def _answered(lead: list[Message], turns: list[Message]) -> tuple[Message, ...]:
    """Results follow the turn of the assistant whose calls they answer, one message of them."""
    kept: list[Message] = []
    for turn in turns:
        if turn.role != "tool":
            kept.append(turn)
            continue
        if not kept or kept[-1].role != "assistant":
            continue
        asked = {part.id: part for part in kept[-1].parts if isinstance(part, ToolCall)}
        pairs = zip(asked.values(), turn.parts, strict=False)
        found = tuple(msgspec.structs.replace(one, call_id=call.id) for call, one in pairs)
        if found:
            kept.append(Message("tool", found))
    return (*lead, *(kept or [Message("user", (Text("a"),))]))


conversations = st.builds(
    _answered,
    st.lists(system_messages, max_size=1),
    st.lists(user_messages | assistant_messages | tool_messages, min_size=1, max_size=5),
)
tools = st.builds(
    ToolSpec,
    name=names,
    description=maybe | words,
    schema=st.none() | schemas,
    extra=st.lists(st.builds(Opaque, st.just(NAME), st.sampled_from(["response", "behavior"]), raws), max_size=1).map(
        tuple
    ),
) | st.builds(
    lambda kind, value: ToolSpec(name=kind, kind="hosted", hosted=Opaque(NAME, kind, raw({kind: value}))),
    st.sampled_from(["googleSearch", "codeExecution", "xNew"]),
    json_objects,
)
choices = st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]) | st.builds(
    ToolChoice, st.sampled_from(["auto", "required"]), st.tuples(names, names)
)
choices = choices | st.builds(ToolChoice, st.just("tool"), st.tuples(names))
_shown: dict[str, Any] = {"summary": st.sampled_from(["", "auto"])}
controls = (
    st.builds(ReasoningControl, effort=st.sampled_from(["minimal", "low", "medium", "high", "xhigh"]), **_shown)
    | st.builds(ReasoningControl, mode=st.just("on"), budget=st.integers(1, 32_000), **_shown)
    | st.builds(ReasoningControl, mode=st.sampled_from(["off", "adaptive"]), hidden=st.booleans())
)
formats = st.sampled_from([OutputFormat(), OutputFormat(kind="json")]) | st.builds(
    OutputFormat, kind=st.just("schema"), schema=schemas
)
extras = st.lists(
    st.builds(
        Opaque,
        st.just(NAME),
        st.sampled_from(
            [
                "safetySettings", "cachedContent", "labels", "xNew", "generationConfig.mediaResolution",
                "generationConfig.thinkingConfig.xNew", "toolConfig.retrievalConfig",
            ]
        ),
        raws,
    ),
    max_size=3,
    unique_by=lambda one: one.kind,
).map(tuple)  # fmt: skip


def _whole(request: Request) -> Request:
    """Without what means nothing: a choice among no functions."""
    if not any(tool.kind == "function" for tool in request.tools):
        return msgspec.structs.replace(request, tool_choice=None)
    return request


carried = st.builds(
    Request,
    model=st.just(""),
    messages=conversations,
    max_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(0, 99),
    n=st.none() | st.integers(1, 8),
    stop=st.lists(words, max_size=2).map(tuple),
    seed=st.none() | st.integers(-9, 9),
    frequency_penalty=st.none() | st.floats(-2, 2),
    presence_penalty=st.none() | st.floats(-2, 2),
    logprobs=st.booleans(),
    top_logprobs=st.none() | st.integers(0, 9),
    tools=st.lists(tools, max_size=3).map(tuple),
    tool_choice=st.none() | choices,
    output=st.none() | formats,
    reasoning=st.none() | controls,
    modalities=st.sampled_from([(), ("text",), ("text", "image"), ("audio",)]),
    speech=st.none() | st.builds(lambda voice: SpokenOutput(raw(voice), "pcm16"), names),
    service_tier=st.sampled_from(["", "flex", "standard", "priority"]),
    extra=extras,
).map(_whole)

usages = st.builds(
    Usage,
    input=st.integers(0, 9999),
    cache_read=st.integers(0, 9999),
    audio_input=st.just(0) | st.integers(0, 99),
    output=st.integers(0, 9999),
    reasoning=st.integers(0, 9999),
    audio_output=st.just(0) | st.integers(0, 99),
)
pages = st.builds(
    lambda url, title, start: Citation(kind="url", url=url, title=title, start=start, end=None),
    words,
    maybe | words,
    st.none() | st.just(0),
) | st.builds(lambda url: Citation(kind="url", url=url, title="T", start=0, end=1), words)
answer_texts = st.builds(lambda text, cited: Text(text, citations=tuple(cited)), words, st.lists(pages, max_size=2))
answer_parts = (
    alone(answer_texts | calls | own_parts | images)
    | alone(st.builds(Reasoning, text=words))
    | alone(st.builds(Reasoning, text=words, signature=signatures, origin=st.just("p/m")))
    | st.builds(
        lambda signature, part: [Reasoning(signature=signature, origin="p/m"), part], signatures, answer_texts | calls
    )
)
probabilities = st.builds(
    TokenProbability,
    token=words,
    logprob=st.sampled_from([-0.5, -2.0]),
    top=st.lists(st.builds(TokenProbability, token=words, logprob=st.just(-1.0)), max_size=2).map(tuple),
)
finishes = st.sampled_from(["stop", "length", "content_filter", "error", "pause", "unknown"])


def _apart(parts: list[Part]) -> tuple[Part, ...]:
    """Texts and thoughts of one kind in a row are one in a stream: something stands between them."""
    found: list[Part] = []
    for part in parts:
        if found and type(found[-1]) is type(part) and isinstance(part, Text | Reasoning):
            found.append(Opaque(NAME, "executableCode", raw({"executableCode": {"code": "1"}})))
        found.append(part)
    return tuple(found)


def _answer(parts: list[list[Part]], finish: Any, logprobs: Any, extra: Any, index: int) -> Choice:
    whole = _apart([part for group in parts for part in group])
    called = any(isinstance(part, ToolCall) for part in whole)
    return Choice(
        message=Message("assistant", whole, extra=tuple(extra)),
        index=index,
        finish="tool_calls" if called and finish == "stop" else finish,
        logprobs=logprobs,
    )


candidates = st.builds(
    _answer,
    st.lists(answer_parts, min_size=1, max_size=4),
    finishes,
    st.none() | st.lists(probabilities, min_size=1, max_size=2).map(tuple),
    st.lists(
        st.builds(Opaque, st.just(NAME), st.sampled_from(["choice.safetyRatings", "choice.avgLogprobs"]), raws),
        max_size=2,
        unique_by=lambda one: one.kind,
    ),
    st.just(0),
)
answers = st.builds(
    lambda name, created, choices, usage, extra: Response(
        id=name,
        model="m",
        created=created,
        choices=tuple(msgspec.structs.replace(one, index=place) for place, one in enumerate(choices)),
        usage=usage,
        extra=tuple(sorted(extra, key=lambda one: one.kind)),
    ),
    ids,
    st.just(0) | st.integers(1, 4_000_000_000),
    st.lists(candidates, min_size=1, max_size=2),
    usages,
    st.lists(
        st.builds(Opaque, st.just(NAME), st.sampled_from(["modelStatus", "usageMetadata.trafficType"]), raws),
        max_size=2,
        unique_by=lambda one: one.kind,
    ),
)
