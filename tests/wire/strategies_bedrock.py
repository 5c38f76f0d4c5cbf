"""Hypothesis strategies of what the Converse dialect can carry."""

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
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire.bedrock_converse.media import DOCUMENTS
from tests.wire.strategies_anthropic import base64s, names, objects, opaques, raw, raws, schemas, ttls, words
from tests.wire.strategies_schemas import kept_schemas

NAME = "bedrock_converse"
solid = words.filter(str.strip)
maybe = st.just("") | solid
pictures = st.sampled_from(["image/png", "image/jpeg", "image/gif", "image/webp"])
places = names.map("s3://bucket/".__add__)
own_blocks = st.builds(
    lambda kind, value: Opaque(NAME, kind, raw({kind: value})),
    st.sampled_from(["video", "searchResult", "toolAddition", "x_new"]),
    objects,
)
citations = st.builds(
    Citation,
    kind=st.just("document"),
    quote=maybe,
    title=maybe,
    document=st.integers(0, 9),
    source_start=st.integers(0, 99),
    source_end=st.integers(0, 99),
    unit=st.sampled_from(["char", "page", "block"]),
) | st.builds(Citation, kind=st.just("url"), quote=maybe, title=maybe, url=maybe)
texts = st.builds(Text, solid, ttls)
said = texts | st.builds(Text, solid, ttls, st.lists(citations, min_size=1, max_size=2).map(tuple))
images = st.builds(Image, data=base64s, media_type=pictures, cache=ttls) | st.builds(
    Image, url=places, media_type=pictures, cache=ttls
)
_about = {"name": names.filter(lambda name: "_" not in name), "context": maybe, "cite": st.booleans(), "cache": ttls}
formats = st.sampled_from(list(DOCUMENTS.values()))
files = (
    st.builds(File, data=base64s, media_type=formats, **_about)
    | st.builds(File, text=solid, media_type=st.just("") | formats, **_about)
    | st.builds(File, url=places, media_type=st.just("") | formats, **_about)
)
sounds = st.builds(Audio, data=base64s, format=st.sampled_from(["wav", "mp3"]))
tool_calls = st.builds(
    lambda call_id, name, arguments, cache: ToolCall(
        id=call_id, name=name, arguments=msgspec.json.encode(arguments).decode(), cache=cache
    ),
    names,
    names,
    objects,
    ttls,
)
bare_images = st.builds(Image, data=base64s, media_type=pictures)
tool_results = st.builds(
    ToolResult,
    call_id=names,
    parts=st.lists(st.builds(Text, solid) | bare_images | own_blocks, max_size=3).map(tuple),
    is_error=st.booleans(),
    cache=ttls,
)
thoughts = st.builds(Reasoning, text=words, signature=names) | st.builds(Reasoning, encrypted=base64s)


def _aside(message: Message, value: msgspec.Raw) -> Message:
    """The message with a member of its first call that `types` has no place for."""
    for index, part in enumerate(message.parts):
        if isinstance(part, ToolCall):
            return msgspec.structs.replace(message, extra=(Opaque(NAME, f"content[{index}].toolUse.x_new", value),))
    return message


def _guarded(message: Message, value: msgspec.Raw) -> Message:
    for index, part in enumerate(message.parts):
        if isinstance(part, Text):
            return msgspec.structs.replace(message, extra=(Opaque(NAME, f"content[{index}].guardContent", value),))
    return message


def _of(role, parts):
    return st.lists(parts, min_size=1, max_size=3).map(lambda some: Message(role, tuple(some)))


qualifiers = st.sampled_from([raw([]), raw(["grounding_source"])])
user_messages = _of("user", texts | images | files | sounds | own_blocks)
user_messages |= st.builds(_guarded, user_messages, qualifiers)
assistant_messages = _of("assistant", said | tool_calls | thoughts | own_blocks)
assistant_messages |= st.builds(_aside, assistant_messages, raws)
tool_messages = st.lists(tool_results, min_size=1, max_size=3).map(lambda some: Message("tool", tuple(some)))
system_messages = _of("system", texts)


def _sorted(first: list[Message], rest: list[Message]) -> tuple[Message, ...]:
    """Turns alternate; results follow the assistant's turn, in one message, and each document has its own name."""
    kept: list[Message] = []
    given: set[str] = set()
    for message in rest:
        before = kept[-1].role if kept else ""
        if message.role == before or (message.role == "tool" and before == "user"):
            continue
        parts = []
        for part in message.parts:
            if isinstance(part, File):
                part = msgspec.structs.replace(part, name=f"{part.name}-{len(given)}")
                given.add(part.name)
            parts.append(part)
        kept.append(msgspec.structs.replace(message, parts=tuple(parts)))
    return (*first, *kept)


conversations = st.builds(
    _sorted,
    st.lists(system_messages, max_size=1),
    st.lists(user_messages | assistant_messages | tool_messages, min_size=1, max_size=5),
)
tools = st.builds(
    ToolSpec,
    name=names,
    description=st.just("") | words,
    schema=schemas,
    strict=st.none() | st.just(False),  # strict schemas are narrowed: see test_strictness
    cache=ttls,
    extra=st.lists(opaques(NAME, st.just("x_new")), max_size=1).map(tuple),
) | st.builds(
    lambda name: ToolSpec(
        name="systemTool", kind="hosted", hosted=Opaque(NAME, "systemTool", raw({"systemTool": name}))
    ),
    st.fixed_dictionaries({"name": names}),
)
choices = st.sampled_from([ToolChoice("auto"), ToolChoice("required")]) | st.builds(
    lambda name: ToolChoice("tool", (name,)), names
)
efforts = st.sampled_from([None, "low", "medium", "high", "xhigh", "max"])
# For a model that thinks by a budget and by an effort.
controls = (
    st.builds(ReasoningControl, effort=efforts.filter(bool))
    | st.builds(ReasoningControl, effort=efforts, mode=st.just("off"))
    | st.builds(
        ReasoningControl, effort=efforts, mode=st.just("on"), budget=st.integers(1024, 9000), hidden=st.booleans()
    )
    | st.builds(ReasoningControl, effort=efforts, mode=st.just("adaptive"), summary=st.sampled_from(["", "auto"]))
)
EXTRAS = [
    "additionalModelRequestFields.anthropic_beta", "additionalModelResponseFieldPaths", "guardrailConfig",
    "inferenceConfig.x_new", "outputConfig.x_new", "performanceConfig", "promptVariables", "x_new",
]  # fmt: skip
labels = st.dictionaries(names, names, min_size=1, max_size=3).map(raw)


def _whole(request: Request) -> Request:
    """Without what a Claude model refuses together and a choice among no tools, with tools where there are calls."""
    called = any(message.role == "tool" for message in request.messages) or any(
        isinstance(part, ToolCall) for message in request.messages for part in message.parts
    )
    if called and not request.tools:
        request = msgspec.structs.replace(request, tools=(ToolSpec(name="t", schema=raw({"type": "object"})),))
    changes: dict[str, Any] = {}
    forced = request.tool_choice is not None and request.tool_choice.mode != "auto"
    if not request.tools:
        changes["tool_choice"] = None
    elif forced and request.reasoning is not None and request.reasoning.budget is not None:
        changes["reasoning"] = None
    if request.reasoning is not None and request.reasoning.mode in ("on", "adaptive"):
        changes |= {"temperature": None, "top_p": None, "top_k": None}
    elif request.temperature is not None:
        changes["top_p"] = None
    return msgspec.structs.replace(request, **changes)


carried = st.builds(
    Request,
    model=st.just(""),
    messages=conversations.filter(lambda some: any(one.role != "system" for one in some)),
    max_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.floats(0, 1),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 99),
    stop=st.lists(words, max_size=2).map(tuple),
    tools=st.lists(tools, max_size=3).map(tuple),
    tool_choice=st.none() | choices,
    output=st.none()
    | st.builds(OutputFormat, kind=st.just("schema"), schema=kept_schemas, name=st.just("") | names, description=maybe),
    reasoning=st.none() | controls,
    metadata=st.none() | labels,
    service_tier=st.sampled_from(["", "priority", "default", "flex", "reserved"]),
    extra=st.lists(opaques(NAME, st.sampled_from(EXTRAS)), max_size=3, unique_by=lambda one: one.kind).map(tuple),
).map(_whole)

counts = st.integers(0, 10**6)
usages = st.builds(Usage, input=counts, cache_read=counts, cache_write=counts, cache_write_1h=counts, output=counts)
answer_parts = (
    st.builds(Text, solid)
    | st.builds(Text, solid, st.none(), st.lists(citations, min_size=1, max_size=2).map(tuple))
    | tool_calls.map(lambda call: msgspec.structs.replace(call, cache=None))
    | st.builds(Reasoning, text=words, signature=st.just("") | names)
    | st.builds(Reasoning, encrypted=base64s)
    | bare_images
)


def _ended(parts: list[Any], finish: Any) -> Any:
    """An answer that calls a tool has not ended its turn."""
    return "tool_calls" if finish == "stop" and any(isinstance(part, ToolCall) for part in parts) else finish


answers = st.builds(
    lambda parts, finish, usage, tier, extra: Response(
        model="m",
        choices=(Choice(message=Message("assistant", tuple(parts)), finish=_ended(parts, finish)),),
        usage=usage,
        service_tier=tier,
        extra=tuple(extra),
    ),
    st.lists(answer_parts, max_size=4),
    st.none() | st.sampled_from(["stop", "length", "tool_calls", "content_filter", "error", "context"]),
    usages,
    st.sampled_from(["", "priority", "default"]),
    st.lists(
        opaques(
            NAME, st.sampled_from(["additionalModelResponseFields", "trace", "performanceConfig", "metrics", "x_new"])
        ),
        max_size=2,
        unique_by=lambda one: one.kind,
    ),
)
