"""Hypothesis strategies for the values that every dialect translates.

`requests()` and `responses()` make any value that the types allow (within reason: whole messages, numbers in range);
what one dialect can carry is narrower and is drawn in the tests of that dialect. No value has a source.
"""

from __future__ import annotations

import itertools
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

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
FINISHES = ("stop", "length", "tool_calls", "content_filter", "refusal", "pause", "context", "error", "unknown")


def raw(value: object) -> msgspec.Raw:
    """A value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))


words = st.text(min_size=1, max_size=12)
maybe_words = st.text(max_size=12)
names = st.text("abcdefgh_", min_size=1, max_size=8)
ids = st.text("abc123", min_size=4, max_size=8)
counts = st.integers(0, 10_000)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
json_objects = st.dictionaries(names, json_values, max_size=3)
raws = json_values.filter(lambda value: value is not None).map(raw)
raw_objects = json_objects.map(raw)
schemas = st.sampled_from(
    [
        raw({"type": "object", "properties": {}}),
        raw({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    ]
)
arguments = json_objects.map(lambda value: msgspec.json.encode(value).decode())
base64s = st.sampled_from(["aGVsbG8=", "iVBORw0KGgo=", "AAAA", "/9j/4AAQ"])
ttls = st.sampled_from([None, None, None, "5m", "1h"])
addresses = st.sampled_from(["https://example.org/a", "https://example.org/b?c=d"])
dialects = st.sampled_from(["openai_chat", "openai_responses", "anthropic_messages", "elsewhere"])


def opaques(dialect: st.SearchStrategy[str] = dialects) -> st.SearchStrategy[Opaque]:
    """A member or part of a dialect."""
    return st.builds(Opaque, dialect, names.map(lambda name: f"x_{name}"), raws)


def opaque_parts(dialect: st.SearchStrategy[str] = dialects) -> st.SearchStrategy[Opaque]:
    """A part of a dialect: an object that says its type."""
    kinds = names.map(lambda name: f"x_{name}")
    return st.builds(lambda own, kind, value: Opaque(own, kind, raw({"type": kind, "x": value})), dialect, kinds, words)


def extras(dialect: st.SearchStrategy[str] = dialects, most: int = 2) -> st.SearchStrategy[tuple[Opaque, ...]]:
    """Several of them with different names, in the order of their names."""
    some = st.lists(opaques(dialect), max_size=most, unique_by=lambda one: one.kind)
    return some.map(lambda found: tuple(sorted(found, key=lambda one: one.kind)))


citations = st.builds(
    Citation,
    kind=st.sampled_from(["url", "file", "document"]),
    quote=maybe_words,
    title=maybe_words,
    url=st.just("") | addresses,
    file_id=st.just("") | ids,
    document=st.none() | st.integers(0, 3),
    start=st.none() | st.integers(0, 3),
    end=st.none() | st.integers(4, 9),
)
images = st.one_of(
    st.builds(Image, url=addresses, detail=st.sampled_from(["", "low"]), cache=ttls),
    st.builds(Image, data=base64s, media_type=st.sampled_from(["image/png", "image/jpeg"]), cache=ttls),
    st.builds(Image, file_id=ids),
)
files = st.one_of(
    st.builds(File, data=base64s, media_type=st.just("application/pdf"), name=names, cache=ttls),
    st.builds(File, text=words, name=maybe_words, context=maybe_words, cite=st.booleans()),
    st.builds(File, url=addresses),
    st.builds(File, file_id=ids, name=maybe_words),
)
reasonings = st.builds(
    Reasoning,
    text=maybe_words,
    summary=st.lists(words, max_size=2).map(tuple),
    signature=st.just("") | ids,
    encrypted=st.just("") | ids,
    id=st.just("") | ids,
    origin=st.just("") | st.just("elsewhere/model"),
)
calls = st.builds(
    ToolCall,
    id=ids,
    name=names,
    arguments=arguments,
    kind=st.sampled_from(["function", "function", "custom"]),
    item_id=st.just("") | ids,
    cache=ttls,
)
results = st.builds(
    ToolResult,
    call_id=ids,
    parts=st.lists(st.one_of(st.builds(Text, words, ttls), images, files), max_size=2).map(tuple),
    is_error=st.booleans(),
    kind=st.sampled_from(["function", "function", "custom"]),
    cache=ttls,
)
texts = st.builds(Text, maybe_words, ttls, st.lists(citations, max_size=1).map(tuple))
sounds = st.one_of(
    st.builds(Audio, data=base64s, format=st.sampled_from(["wav", "mp3"])),
    st.builds(Audio, id=ids, transcript=maybe_words),
)
refusals = st.builds(Refusal, words)


def messages() -> st.SearchStrategy[tuple[Message, ...]]:
    """A conversation of any turns."""
    instruction = st.builds(
        Message, st.sampled_from(["system", "developer"]), st.lists(texts, min_size=1, max_size=2).map(tuple)
    )
    user = st.builds(
        Message,
        st.just("user"),
        st.lists(st.one_of(texts, images, sounds, files, opaque_parts()), min_size=1, max_size=3).map(tuple),
        name=st.just("") | names,
        extra=extras(most=1),
    )
    assistant = st.builds(
        Message,
        st.just("assistant"),
        st.lists(st.one_of(texts, reasonings, calls, refusals, opaque_parts()), min_size=1, max_size=4).map(tuple),
        id=st.just("") | ids,
        extra=extras(most=1),
    )
    tool = st.builds(Message, st.just("tool"), st.lists(results, min_size=1, max_size=2).map(tuple))
    return st.lists(st.one_of(instruction, user, assistant, tool), min_size=1, max_size=4).map(tuple)


tools = st.one_of(
    st.builds(
        ToolSpec,
        name=names,
        description=maybe_words,
        schema=st.none() | schemas,
        strict=st.none() | st.just(False),  # strict schemas are narrowed: see test_strictness
        cache=ttls,
        extra=extras(most=1),
    ),
    st.builds(
        ToolSpec,
        name=names,
        kind=st.just("custom"),
        grammar=st.none() | st.just(raw({"type": "grammar", "syntax": "regex", "definition": "a+"})),
    ),
    opaque_parts().map(lambda hosted: ToolSpec(name=hosted.kind, kind="hosted", hosted=hosted)),
)
controls = st.builds(
    ReasoningControl,
    effort=st.none() | st.sampled_from(EFFORTS),
    budget=st.none() | st.integers(1024, 32000),
    summary=st.sampled_from(["", "auto"]),
    mode=st.sampled_from(["", "", "off", "on", "adaptive"]),
    hidden=st.booleans(),
).filter(lambda control: control != ReasoningControl())
formats = st.one_of(
    st.builds(OutputFormat, kind=st.sampled_from(["text", "json"])),
    st.builds(
        OutputFormat,
        kind=st.just("schema"),
        name=st.just("") | names,
        description=maybe_words,
        schema=schemas,
        strict=st.none() | st.booleans(),
    ),
)


def requests() -> st.SearchStrategy[Request]:
    """Any request."""
    maybe = st.none
    return st.builds(
        Request,
        model=names,
        messages=messages(),
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
        output=maybe() | formats,
        reasoning=maybe() | controls,
        modalities=st.sampled_from([(), ("text",), ("text", "audio")]),
        speech=maybe() | st.builds(SpokenOutput, st.just(raw("alloy")), st.just("wav")),
        verbosity=st.sampled_from(["", "low"]),
        user=st.just("") | names,
        metadata=maybe() | st.dictionaries(names, names, max_size=2).map(raw),
        cache=ttls,
        cache_key=st.just("") | names,
        service_tier=st.sampled_from(["", "flex"]),
        store=maybe() | st.booleans(),
        previous_response_id=st.just("") | ids,
        extra=extras(),
    )


usages = st.builds(
    Usage,
    input=counts,
    cache_read=counts,
    cache_write=counts,
    cache_write_1h=st.just(0) | counts,
    audio_input=st.just(0) | counts,
    output=counts,
    reasoning=st.just(0) | counts,
    audio_output=st.just(0) | counts,
    requests=st.just(0) | st.integers(1, 3),
    estimated=st.booleans(),
    cost_nano=st.none() | st.integers(0, 10**9),
)
probabilities = st.builds(
    TokenProbability,
    token=words,
    logprob=st.sampled_from([-0.5, -2.0]),
    bytes=st.none() | st.just((104, 105)),
    top=st.lists(st.builds(TokenProbability, token=words, logprob=st.just(-1.0)), max_size=2).map(tuple),
)


def _finished(choice: Choice) -> Choice:
    """An answer that calls a tool and was not broken off is finished by that."""
    called = any(isinstance(part, ToolCall) for part in choice.message.parts)
    return msgspec.structs.replace(choice, finish="tool_calls") if called and choice.finish == "stop" else choice


def responses() -> st.SearchStrategy[Response]:
    """Any answer of an assistant."""
    message = st.builds(
        Message,
        st.just("assistant"),
        st.lists(st.one_of(texts, reasonings, calls, refusals, images, opaque_parts()), max_size=4).map(tuple),
        id=st.just("") | ids,
        extra=extras(most=1),
    )
    choice = st.builds(
        Choice,
        message=message,
        finish=st.none() | st.sampled_from(FINISHES),
        stop=st.just("") | words,
        logprobs=st.none() | st.lists(probabilities, min_size=1, max_size=2).map(tuple),
    )
    return st.builds(
        Response,
        id=ids,
        model=names,
        created=counts,
        choices=st.lists(choice.map(_finished), min_size=1, max_size=2).map(
            lambda found: tuple(msgspec.structs.replace(one, index=place) for place, one in enumerate(found))
        ),
        usage=st.none() | usages,
        service_tier=st.sampled_from(["", "flex"]),
        extra=extras(),
    )


def changed_fields(before: msgspec.Struct, after: msgspec.Struct, ignore: tuple[str, ...] = ()) -> set[str]:
    """The top-level members in which two values of one type differ."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in before.__struct_fields__)
    changed = {name for name, one, other in pairs if one != other and name not in ("source", *ignore)}
    # An answer in the Responses dialect must name a tier: the usual one, where its maker named none.
    if isinstance(after, Response) and (before.service_tier, after.service_tier) == ("", "default"):  # type: ignore[attr-defined]  # two of one type
        changed.discard("service_tier")
    return changed


def splits(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes in pieces, cut at these places (modulo the length)."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    edges = [0, *places, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]
