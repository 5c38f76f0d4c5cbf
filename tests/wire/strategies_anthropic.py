"""Hypothesis strategies for the Messages dialect: what it can carry, and everything that `types` can say."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from hypothesis import strategies as st

from meshwright.types.content import (
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
from tests.wire.strategies_schemas import kept_schemas

NAME = "anthropic_messages"
PAGE = "web_search_result_location"

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
ttls = st.sampled_from([None, "5m", "1h"])
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(words, json_values, max_size=3)


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


raws = st.builds(raw, json_values.filter(lambda value: value is not None))
schemas = st.builds(lambda more: raw({"type": "object", "properties": more}), objects)
base64s = st.builds(lambda data: base64.b64encode(data).decode(), st.binary(min_size=1, max_size=9))


def opaques(dialect: str, kinds: st.SearchStrategy[str]) -> st.SearchStrategy[Opaque]:
    return st.builds(Opaque, st.just(dialect), kinds, raws)


own_blocks = st.builds(
    lambda kind, more: Opaque(NAME, kind, raw({"type": kind, **more})),
    st.sampled_from(["server_tool_use", "web_search_tool_result", "search_result", "container_upload", "x_new"]),
    objects.map(lambda more: {name: value for name, value in more.items() if name != "type"}),
)
places: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"document": st.integers(0, 9), "source_start": st.integers(0, 99), "source_end": st.integers(0, 99)}
)
citations = st.builds(
    lambda place, unit, quote, title, file_id: Citation(
        kind="document", unit=unit, quote=quote, title=title, file_id=file_id, **place
    ),
    places,
    st.sampled_from(["char", "page", "block"]),
    words,
    st.just("") | words,
    st.just("") | names,
) | st.builds(
    lambda url, title: Citation(
        kind="url",
        url=url,
        title=title,
        raw=Opaque(
            NAME,
            PAGE,
            raw(
                {
                    "type": "web_search_result_location",
                    "url": url,
                    "title": title,
                    "cited_text": "",
                    "encrypted_index": "e",
                }
            ),
        ),
    ),
    words,
    words,
)
texts = st.builds(Text, words, ttls, st.lists(citations, max_size=2).map(tuple))
images = (
    st.builds(Image, data=base64s, media_type=st.sampled_from(["image/png", "image/jpeg"]), cache=ttls)
    | st.builds(Image, url=words.map("https://x/".__add__), cache=ttls)
    | st.builds(Image, file_id=names, cache=ttls)
)
_about: dict[str, Any] = {
    "name": st.just("") | words,
    "context": st.just("") | words,
    "cite": st.booleans(),
    "cache": ttls,
}
files = (
    st.builds(File, data=base64s, media_type=st.just("application/pdf"), **_about)
    | st.builds(File, text=words, media_type=st.just("text/plain"), **_about)
    | st.builds(File, url=words.map("https://x/".__add__), **_about)
    | st.builds(File, file_id=names, **_about)
)
tool_calls = st.builds(
    lambda call_id, name, arguments, cache: ToolCall(
        id=call_id, name=name, arguments=msgspec.json.encode(arguments).decode(), cache=cache
    ),
    names,
    names,
    objects,
    ttls,
)
tool_results = st.builds(
    ToolResult,
    call_id=names,
    parts=st.lists(texts | images | files | own_blocks, max_size=3).map(tuple),
    is_error=st.booleans(),
    cache=ttls,
)
thoughts = st.builds(Reasoning, text=words, signature=names) | st.builds(Reasoning, encrypted=names)


def asides(message: Message, path: str, value: msgspec.Raw) -> Message:
    """The message with a member of one of its blocks that `types` has no place for."""
    for index, part in enumerate(message.parts):
        if isinstance(part, ToolCall | Text):
            return msgspec.structs.replace(message, extra=(Opaque(NAME, f"content[{index}].{path}", value),))
    return message


def messages_of(role: Any, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    plain = st.lists(parts, min_size=1, max_size=3).map(lambda some: Message(role, tuple(some)))
    return plain | st.builds(asides, plain, st.sampled_from(["caller_", "x_new"]), raws)


user_messages = messages_of("user", texts | images | files | own_blocks)
assistant_messages = messages_of("assistant", texts | tool_calls | thoughts | own_blocks)
tool_messages = st.lists(tool_results, min_size=1, max_size=3).map(lambda some: Message("tool", tuple(some)))
system_messages = messages_of("system", texts)


def _sorted(first: list[Message], rest: list[Message]) -> tuple[Message, ...]:
    """Results follow the assistant's turn, in one message."""
    kept: list[Message] = []
    for message in rest:
        if message.role != "tool" or not kept or kept[-1].role == "assistant":
            kept.append(message)
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
    extra=st.lists(opaques(NAME, st.sampled_from(["defer_loading", "input_examples"])), max_size=1).map(tuple),
) | st.builds(
    lambda kind, more: ToolSpec(name=kind, kind="hosted", hosted=Opaque(NAME, kind, raw({"type": kind, "name": more}))),
    st.sampled_from(["web_search_20260209", "bash_20250124"]),
    words,
)
choices = st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]) | st.builds(
    lambda name: ToolChoice("tool", (name,)), names
)
efforts = st.sampled_from([None, "low", "medium", "high", "xhigh", "max"])
controls = (
    st.builds(ReasoningControl, effort=efforts.filter(bool))
    | st.builds(ReasoningControl, effort=efforts, mode=st.just("off"))
    | st.builds(
        ReasoningControl, effort=efforts, mode=st.just("on"), budget=st.integers(1024, 9000), hidden=st.booleans()
    )
    | st.builds(ReasoningControl, effort=efforts, mode=st.just("adaptive"), summary=st.sampled_from(["", "auto"]))
)


def _whole(request: Request) -> Request:
    """Without what means nothing: a choice among no tools, a stream's usage without a stream."""
    changes: dict[str, Any] = {"stream_usage": request.stream}
    if not request.tools:
        changes |= {"tool_choice": None, "parallel_tools": None}
    elif request.tool_choice is None or request.tool_choice.mode == "none":
        changes["parallel_tools"] = None
    if any(extra.kind == "thinking" for extra in request.extra):
        changes["reasoning"] = None
    return msgspec.structs.replace(request, **changes)


carried = st.builds(
    Request,
    model=st.just("m"),
    messages=conversations,
    stream=st.booleans(),
    max_tokens=st.integers(10_000, 99_999),
    temperature=st.none() | st.floats(0, 1),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(0, 99),
    stop=st.lists(words.filter(str.strip), max_size=2).map(tuple),
    tools=st.lists(tools, max_size=3).map(tuple),
    tool_choice=st.none() | choices,
    parallel_tools=st.none() | st.booleans(),
    output=st.none() | st.builds(OutputFormat, kind=st.just("schema"), schema=kept_schemas),
    reasoning=st.none() | controls,
    user=st.just("") | words,
    cache=ttls,
    service_tier=st.sampled_from(["", "auto", "standard_only"]),
    extra=st.lists(
        opaques(
            NAME,
            st.sampled_from(
                ["container", "mcp_servers", "output_config.task_budget", "metadata.x", "inference_geo"],
            ),
        ),
        max_size=2,
        unique_by=lambda extra: extra.kind,
    ).map(tuple),
).map(_whole)

usages = st.builds(
    Usage,
    input=st.integers(0, 9999),
    cache_read=st.integers(0, 9999),
    cache_write=st.integers(0, 9999),
    cache_write_1h=st.integers(0, 9999),
    output=st.integers(0, 9999),
    reasoning=st.integers(0, 9999),
)
answer_parts = (
    texts.map(lambda text: Text(text.text, citations=text.citations))
    | tool_calls.map(lambda call: msgspec.structs.replace(call, cache=None))
    | st.builds(Reasoning, text=words, signature=names, origin=st.just("p/m"))
    | st.builds(Reasoning, encrypted=names, origin=st.just("p/m"))
    | own_blocks
)
finishes = st.sampled_from([None, "stop", "length", "tool_calls", "refusal", "pause", "context"])
answers = st.builds(
    lambda name, parts, finish, stop, usage, tier, extra: Response(
        id=name,
        model="m",
        choices=(
            Choice(message=Message("assistant", tuple(parts)), finish=finish, stop=stop if finish == "stop" else ""),
        ),
        usage=usage,
        service_tier=tier,
        extra=tuple(extra),
    ),
    names,
    st.lists(answer_parts, max_size=4),
    finishes,
    st.just("") | words,
    usages,
    st.sampled_from(["", "standard", "priority"]),
    st.lists(
        opaques(NAME, st.sampled_from(["container", "context_management", "usage.server_tool_use"])),
        max_size=2,
        unique_by=lambda extra: extra.kind,
    ).map(lambda some: sorted(some, key=lambda extra: (extra.kind.startswith("usage."), extra.kind))),
)
