"""Hypothesis strategies of what Ollama's chat can carry."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from meshwright.types.content import Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolSpec
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from tests.wire.strategies import arguments, counts, names, probabilities, raws, schemas, words

NAME = "ollama"
PICTURES = [("iVBORw0KGgo=", "image/png"), ("/9j/4AAQ", "image/jpeg"), ("AAAA", "application/octet-stream")]
images = st.sampled_from(PICTURES).map(lambda one: Image(data=one[0], media_type=one[1]))
texts = st.builds(Text, words)
thoughts = st.builds(Reasoning, text=words)


def extras(*kinds: str) -> st.SearchStrategy[tuple[Opaque, ...]]:
    """Members of these names that types have no place for."""
    some = st.dictionaries(st.sampled_from(kinds), raws, max_size=2)
    return some.map(lambda found: tuple(Opaque(NAME, kind, found[kind]) for kind in sorted(found)))


def maybe(one: st.SearchStrategy[Any], most: int = 1) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=most).map(tuple)


calls = st.lists(st.tuples(names, arguments), max_size=3)
kept = extras("x_new", "y_new")
asked = st.builds(
    lambda text, seen, extra: Message("user", text + seen, extra=extra), maybe(texts), maybe(images), kept
)
told = st.builds(lambda text: Message("system", text), maybe(texts))


def _answer(first: int, thought: Any, text: Any, made: Any, extra: Any) -> Message:
    called = tuple(ToolCall(id=f"call_{first}_{n}", name=name, arguments=said) for n, (name, said) in enumerate(made))
    if called:
        extra = (*extra, Opaque(NAME, "tool_calls[0].function.x", msgspec.Raw(b"1")))
    return Message("assistant", thought + text + called, extra=extra)


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation in which every call has its result."""
    found = list(draw(maybe(told)))
    for number in range(draw(st.integers(1, 3))):
        found.append(draw(asked))
        answer = _answer(number, draw(maybe(thoughts)), draw(maybe(texts)), draw(calls), draw(kept))
        found.append(answer)
        ids = [part.id for part in answer.parts if isinstance(part, ToolCall)]
        if ids:
            results = tuple(ToolResult(call_id=one, parts=draw(maybe(texts)) + draw(maybe(images))) for one in ids)
            found.append(Message("tool", results))
    return tuple(found)


tools = st.builds(
    ToolSpec, name=names, description=st.just("") | words, schema=schemas, extra=extras("function.strict", "x")
)
controls = st.sampled_from([ReasoningControl(mode="on"), ReasoningControl(mode="off")]) | st.builds(
    ReasoningControl, effort=st.sampled_from(["low", "medium", "high"])
)
number = st.none() | st.integers(1, 99)
share = st.none() | st.sampled_from([0.0, 0.25, 1.0])
carried_requests = st.builds(
    Request,
    model=st.just("m"),
    messages=turns(),
    stream=st.booleans(),
    max_tokens=number,
    temperature=share,
    top_p=share,
    top_k=number,
    seed=number,
    presence_penalty=share,
    frequency_penalty=share,
    stop=maybe(words, 2),
    logprobs=st.booleans(),
    top_logprobs=number,
    tools=maybe(tools, 2),
    output=st.none()
    | st.just(OutputFormat(kind="json"))
    | st.builds(OutputFormat, kind=st.just("schema"), schema=schemas),
    reasoning=st.none() | controls,
    extra=extras("keep_alive", "options.num_ctx", "options.repeat_penalty", "shift"),
).map(lambda one: msgspec.structs.replace(one, stream_usage=one.stream))


def _whole(thought: Any, text: Any, seen: Any, made: Any, finish: Any, logprobs: Any, extra: Any) -> Choice:
    called = tuple(ToolCall(id=f"call_{n}", name=name, arguments=said) for n, (name, said) in enumerate(made))
    if called and finish == "stop":
        finish = "tool_calls"
    return Choice(
        message=Message("assistant", thought + text + seen + called, extra=extra), finish=finish, logprobs=logprobs
    )


choices = st.builds(
    _whole,
    maybe(thoughts),
    maybe(texts),
    maybe(images),
    calls,
    st.sampled_from(["stop", "length"]),
    st.none() | st.lists(probabilities, min_size=1, max_size=2).map(tuple),
    kept,
)
carried_responses = st.builds(
    Response,
    model=names,
    created=st.integers(1, 2**31),
    choices=choices.map(lambda one: (one,)),
    usage=st.none() | st.builds(Usage, input=counts, output=counts),
    extra=extras("total_duration", "load_duration", "x_more"),
)
