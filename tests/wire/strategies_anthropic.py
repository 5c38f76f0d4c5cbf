"""Hypothesis strategies for the Messages dialect: what it can carry, and everything that `types` can say."""

from __future__ import annotations

import base64
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
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, SpokenOutput, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response, TokenProbability
from meshwright.types.usage import Usage

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
    strict=st.none() | st.booleans(),
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
    output=st.none() | st.builds(OutputFormat, kind=st.just("schema"), schema=schemas),
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

foreign = opaques("openai_chat", st.sampled_from(["prediction", "web_search_options", "x"]))
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
any_citations = st.builds(
    Citation,
    kind=st.sampled_from(["url", "file", "document"]),
    quote=any_text,
    title=any_text,
    url=any_text,
    file_id=any_text,
    document=st.none() | st.integers(0, 9),
    start=st.none() | st.integers(0, 9),
    end=st.none() | st.integers(0, 9),
    source_start=st.none() | st.integers(0, 9),
    source_end=st.none() | st.integers(0, 9),
    unit=st.sampled_from(["char", "page", "block"]),
    raw=st.none() | foreign,
)
any_inner = (
    st.builds(Text, any_text, ttls, st.lists(any_citations, max_size=1).map(tuple))
    | st.builds(Image, url=any_text, data=base64s | st.just(""), media_type=any_text, detail=any_text, cache=ttls)
    | st.builds(File, data=base64s | st.just(""), text=any_text, url=any_text, media_type=any_text, name=any_text)
    | foreign
    | own_blocks
)
any_parts = (
    any_inner
    | st.builds(Refusal, any_text)
    | st.builds(Audio, data=base64s, format=any_text, transcript=any_text)
    | st.builds(
        Reasoning,
        text=any_text,
        summary=st.lists(any_text, max_size=2).map(tuple),
        signature=any_text,
        encrypted=any_text,
        id=any_text,
        origin=st.sampled_from(["", "p/m", "other/m"]),
    )
    | st.builds(
        ToolCall,
        id=any_text,
        name=names,
        arguments=any_text,
        kind=st.sampled_from(["function", "custom"]),
        item_id=any_text,
        cache=ttls,
    )
)
any_results = st.builds(
    ToolResult,
    call_id=any_text,
    parts=st.lists(any_inner, max_size=2).map(tuple),
    is_error=st.booleans(),
    kind=st.sampled_from(["function", "custom"]),
)
any_messages = st.builds(
    Message,
    st.sampled_from(["system", "developer", "user", "assistant"]),
    st.lists(any_parts, max_size=3).map(tuple),
    any_text,
    any_text,
    st.lists(foreign, max_size=1).map(tuple),
) | st.builds(Message, st.just("tool"), st.lists(any_results, min_size=1, max_size=2).map(tuple))
any_tools = (
    st.builds(
        ToolSpec,
        name=names,
        description=any_text,
        schema=st.none() | st.builds(raw, objects),
        kind=st.sampled_from(["function", "custom"]),
        grammar=st.none() | raws,
        extra=st.lists(foreign, max_size=1).map(tuple),
    )
    | st.builds(ToolSpec, name=names, kind=st.just("hosted"), hosted=foreign)
    | tools
)
anything = st.builds(
    Request,
    model=st.just("m"),
    messages=st.lists(any_messages, max_size=4).map(tuple),
    stream=st.booleans(),
    max_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    n=st.none() | st.integers(1, 3),
    stop=st.lists(any_text, max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 9),
    frequency_penalty=st.none() | st.floats(-2, 2),
    presence_penalty=st.none() | st.floats(-2, 2),
    logit_bias=st.none() | raws,
    logprobs=st.booleans(),
    top_logprobs=st.none() | st.integers(0, 9),
    tools=st.lists(any_tools, max_size=3).map(tuple),
    tool_choice=st.none()
    | st.builds(
        ToolChoice,
        st.sampled_from(["auto", "none", "required", "tool"]),
        st.lists(names, max_size=2).map(tuple),
    ),
    parallel_tools=st.none() | st.booleans(),
    output=st.none()
    | st.builds(
        OutputFormat,
        kind=st.sampled_from(["text", "json", "schema"]),
        name=any_text,
        description=any_text,
        schema=schemas,
        strict=st.none() | st.booleans(),
    ),
    reasoning=st.none()
    | st.builds(
        ReasoningControl,
        effort=st.sampled_from([None, "none", "minimal", "low", "high", "max"]),
        budget=st.none() | st.integers(1, 9000),
        summary=any_text,
        mode=st.sampled_from(["", "off", "on", "adaptive"]),
        hidden=st.booleans(),
    ),
    modalities=st.sampled_from([(), ("text",), ("text", "audio")]),
    speech=st.none() | st.builds(SpokenOutput, raws, any_text),
    verbosity=st.sampled_from(["", "low"]),
    user=any_text,
    metadata=st.none() | raws,
    cache=ttls,
    cache_key=any_text,
    service_tier=st.sampled_from(["", "auto", "default", "flex"]),
    store=st.none() | st.booleans(),
    previous_response_id=any_text,
    extra=st.lists(foreign, max_size=2).map(tuple),
)

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
any_answers = st.builds(
    Response,
    id=any_text,
    model=st.just("m"),
    created=st.integers(0, 9),
    choices=st.lists(
        st.builds(
            Choice,
            message=st.builds(
                Message,
                st.just("assistant"),
                st.lists(any_parts, max_size=3).map(tuple),
                any_text,
                any_text,
                st.lists(foreign, max_size=1).map(tuple),
            ),
            finish=st.none() | st.sampled_from(["stop", "length", "content_filter", "error", "unknown"]),
            stop=any_text,
            logprobs=st.none() | st.just((TokenProbability(token="a", logprob=-1.0),)),
        ),
        max_size=2,
    ).map(lambda some: tuple(msgspec.structs.replace(choice, index=i) for i, choice in enumerate(some))),
    usage=st.none() | st.builds(Usage, input=st.integers(0, 9), audio_output=st.integers(0, 9), cost_nano=st.none()),
    service_tier=any_text,
    extra=st.lists(foreign, max_size=1).map(tuple),
)


def meaning(response: Response) -> list[Choice]:
    """Without words that say nothing and without who signed a thought; no answer is an empty one."""
    found = []
    for choice in response.choices or (Choice(message=Message("assistant")),):
        parts = (part for part in choice.message.parts if part != Text(""))
        known = (msgspec.structs.replace(p, origin="") if isinstance(p, Reasoning) else p for p in parts)
        calls = (
            msgspec.structs.replace(p, arguments="{}") if isinstance(p, ToolCall) and not p.arguments.strip() else p
            for p in known
        )
        message = msgspec.structs.replace(choice.message, parts=tuple(calls))
        found.append(msgspec.structs.replace(choice, message=message))
    return found
