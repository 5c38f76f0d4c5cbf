"""What Chat Completions can carry, as strategies: towards a provider with every quirk that adds a member."""

from __future__ import annotations

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
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, SpokenOutput, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from tests.wire.strategies import (
    EFFORTS,
    addresses,
    arguments,
    base64s,
    counts,
    extras,
    ids,
    maybe_words,
    names,
    probabilities,
    raw,
    schemas,
    ttls,
    words,
)
from tests.wire.strategies_schemas import kept_schemas

GENEROUS = Target(
    "model-of-theirs",
    "somebody/model",
    quirks=frozenset(("cache_control", "reasoning_object", "top_k", "file_url")),
)
OWN = st.just("openai_chat")

texts = st.builds(Text, words, ttls)
pictures = st.one_of(
    st.builds(Image, url=addresses, detail=st.sampled_from(["", "low"]), cache=ttls),
    st.builds(Image, data=base64s, media_type=st.sampled_from(["image/png", "image/webp"]), cache=ttls),
)
documents = st.one_of(
    st.builds(File, data=base64s, media_type=st.sampled_from(["", "application/pdf"]), name=names, cache=ttls),
    st.builds(File, url=addresses, name=maybe_words),
    st.builds(File, file_id=ids),
)
sounds = st.builds(Audio, data=base64s, format=st.sampled_from(["wav", "mp3"]))
strange = st.builds(
    lambda kind, value: Opaque("openai_chat", kind, raw({"type": kind, "value": value})),
    names.map(lambda name: f"x_{name}"),
    words,
)
calls = st.builds(
    ToolCall, id=ids, name=names, arguments=arguments, kind=st.sampled_from(["function", "function", "custom"])
)


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """Instructions, then the user and the assistant in turn; the results of all calls follow each assistant turn."""
    instruction = st.builds(
        Message,
        st.sampled_from(["system", "developer"]),
        st.lists(texts, max_size=2).map(tuple),
        extra=extras(OWN, 1),
    )
    found = draw(st.lists(instruction, max_size=2))
    for _ in range(draw(st.integers(1, 2))):
        spoken = st.lists(st.one_of(texts, pictures, sounds, documents, strange), max_size=3).map(tuple)
        found.append(Message("user", draw(spoken), draw(st.just("") | names), "", draw(extras(OWN, 1))))
        if draw(st.booleans()):
            asked = draw(st.lists(calls, max_size=2, unique_by=lambda call: call.id))
            found.append(Message("assistant", draw(said(asked)), extra=draw(extras(OWN, 1))))
            if asked:
                found.append(Message("tool", tuple(draw(answered(call)) for call in asked)))
    return tuple(found)


@st.composite
def said(draw: st.DrawFn, asked: list[ToolCall]) -> tuple[Part, ...]:
    """An assistant's parts in the order of the dialect."""
    parts: list[Part] = draw(st.lists(st.builds(Reasoning, text=words), max_size=1))
    parts += draw(st.lists(texts, max_size=2))
    parts += draw(st.lists(st.builds(Refusal, words), max_size=1))
    parts += asked
    parts += draw(st.lists(st.builds(Audio, id=ids), max_size=1))
    return tuple(parts)


def answered(call: ToolCall) -> st.SearchStrategy[ToolResult]:
    """The answer to a call."""
    parts = st.lists(st.one_of(texts, strange), max_size=2).map(tuple)
    return st.builds(ToolResult, call_id=st.just(call.id), parts=parts, kind=st.just(call.kind))


tools = st.one_of(
    st.builds(
        ToolSpec,
        name=names,
        description=maybe_words,
        schema=st.none() | schemas,
        strict=st.none() | st.just(False),  # strict schemas are narrowed: see test_strictness
        cache=ttls,
        extra=extras(OWN, 1),
    ),
    st.builds(
        ToolSpec,
        name=names,
        description=maybe_words,
        kind=st.just("custom"),
        grammar=st.none() | st.just(raw({"type": "text"})),
    ),
    strange.map(lambda one: ToolSpec(name=one.kind, kind="hosted", hosted=one)),
)


def _choosing(request: Request) -> Request:
    """Without a choice among no tools."""
    return request if request.tools else msgspec.structs.replace(request, tool_choice=None, parallel_tools=None)


def carried_requests() -> st.SearchStrategy[Request]:
    """Requests that go out and come back as they were."""
    maybe = st.none
    return st.builds(
        Request,
        model=st.just(GENEROUS.model),
        messages=turns(),
        stream=st.booleans(),
        max_tokens=maybe() | st.integers(1, 4096),
        temperature=maybe() | st.sampled_from([0.0, 0.5, 1.0]),
        top_p=maybe() | st.sampled_from([0.25, 1.0]),
        top_k=maybe() | st.integers(1, 50),
        n=maybe() | st.integers(1, 3),
        stop=st.lists(words, max_size=2).map(tuple),
        seed=maybe() | st.integers(0, 99),
        frequency_penalty=maybe() | st.sampled_from([0.5, -0.5]),
        presence_penalty=maybe() | st.sampled_from([0.5, -0.5]),
        logit_bias=maybe() | st.just(raw({"50256": -100})),
        logprobs=st.booleans(),
        top_logprobs=maybe() | st.integers(0, 5),
        tools=st.lists(tools, max_size=2, unique_by=lambda tool: tool.name).map(tuple),
        tool_choice=maybe()
        | st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"]))
        | st.builds(ToolChoice, st.just("tool"), st.tuples(names))
        | st.builds(ToolChoice, st.sampled_from(["auto", "required"]), st.tuples(names, names)),
        parallel_tools=maybe() | st.booleans(),
        output=maybe()
        | st.builds(OutputFormat, kind=st.sampled_from(["text", "json"]))
        | st.builds(
            OutputFormat,
            kind=st.just("schema"),
            name=names,
            description=maybe_words,
            schema=st.none() | kept_schemas,
            strict=st.none() | st.booleans(),
        ),
        reasoning=maybe()
        | st.builds(ReasoningControl, effort=st.sampled_from(EFFORTS), hidden=st.booleans())
        | st.builds(ReasoningControl, budget=st.integers(1, 9999), mode=st.sampled_from(["on", "off"]))
        | st.builds(ReasoningControl, summary=st.just("auto")),
        modalities=st.sampled_from([(), ("text",), ("text", "audio")]),
        speech=maybe() | st.builds(SpokenOutput, st.just(raw("alloy")), st.just("wav")),
        verbosity=st.sampled_from(["", "low"]),
        user=st.just("") | names,
        metadata=maybe() | st.dictionaries(names, names, max_size=2).map(raw),
        cache=ttls,
        cache_key=st.just("") | names,
        service_tier=st.sampled_from(["", "flex"]),
        store=maybe() | st.booleans(),
        extra=extras(OWN),
    ).map(_choosing)


cited = st.builds(
    Citation,
    kind=st.just("url"),
    url=addresses,
    title=maybe_words,
    quote=maybe_words,
    start=st.integers(0, 3),
    end=st.integers(4, 9),
)


@st.composite
def carried_choices(draw: st.DrawFn) -> Choice:
    """One choice in the dialect's order, with a finish that fits it."""
    parts: list[Part] = draw(st.lists(st.builds(Reasoning, text=words), max_size=1))
    parts += draw(st.lists(st.builds(Text, words, citations=st.lists(cited, max_size=2).map(tuple)), max_size=1))
    parts += draw(st.lists(st.builds(Refusal, words), max_size=1))
    parts += draw(st.lists(st.builds(Image, data=base64s, media_type=st.just("image/png")), max_size=1))
    asked = draw(st.lists(calls, max_size=2, unique_by=lambda call: call.id))
    parts += asked
    parts += draw(
        st.lists(st.builds(Audio, id=ids, data=base64s, transcript=maybe_words, expires_at=counts), max_size=1)
    )
    finishes = ["tool_calls", "length"] if asked else ["stop", "length", "content_filter", "error"]
    extra = draw(extras(OWN, 1)) + tuple(
        msgspec.structs.replace(one, kind=f"choice.{one.kind}") for one in draw(extras(OWN, 1))
    )
    told = st.none() | st.lists(probabilities, min_size=1, max_size=2).map(tuple)
    return Choice(
        message=Message("assistant", tuple(parts), extra=tuple(sorted(extra, key=lambda one: one.kind))),
        finish=draw(st.sampled_from(finishes)),
        stop=draw(st.just("") | words),
        logprobs=draw(told),
        refusal_logprobs=draw(told) if any(isinstance(part, Refusal) for part in parts) else None,
    )


def carried_responses() -> st.SearchStrategy[Response]:
    """Answers that go out and come back as they were."""
    usages = st.builds(
        Usage,
        input=counts,
        cache_read=counts,
        cache_write=counts,
        audio_input=counts,
        output=counts,
        reasoning=counts,
        audio_output=counts,
        cost_nano=st.none() | st.integers(0, 10**9),
    )
    return st.builds(
        Response,
        id=ids,
        model=names,
        created=counts,
        choices=st.lists(carried_choices(), min_size=1, max_size=2).map(
            lambda found: tuple(msgspec.structs.replace(one, index=place) for place, one in enumerate(found))
        ),
        usage=st.none() | usages,
        service_tier=st.sampled_from(["", "flex"]),
        extra=extras(OWN),
    )
