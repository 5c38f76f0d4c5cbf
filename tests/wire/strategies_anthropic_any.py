"""Hypothesis strategies of everything that `types` can say, for a dialect that cannot carry all of it."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from meshwright.types.content import (
    Audio,
    Citation,
    File,
    Image,
    Message,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, SpokenOutput, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response, TokenProbability
from meshwright.types.usage import Usage
from tests.wire.strategies_anthropic import (
    base64s,
    names,
    objects,
    opaques,
    own_blocks,
    raw,
    raws,
    schemas,
    tools,
    ttls,
)

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
