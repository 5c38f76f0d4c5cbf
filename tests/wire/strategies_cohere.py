"""Hypothesis strategies of what Cohere's chat can carry."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from meshwright.types.content import Citation, File, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response, TokenProbability
from meshwright.types.usage import Usage
from tests.wire.strategies import addresses, arguments, base64s, counts, ids, names, raw, raws, schemas, words

NAME = "cohere"
NULL = msgspec.Raw(b"null")


def extras(*kinds: str) -> st.SearchStrategy[tuple[Opaque, ...]]:
    """Members of these names that types have no place for."""
    some = st.dictionaries(st.sampled_from(kinds), raws, max_size=2)
    return some.map(lambda found: tuple(Opaque(NAME, kind, found[kind]) for kind in sorted(found)))


def maybe(one: st.SearchStrategy[Any], most: int = 1) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=most).map(tuple)


kept = extras("x_new", "y_new")
citations = st.builds(
    lambda start, title, quote, name: Citation(
        kind="document", start=start, end=start + 1, title=title, quote=quote, **name
    ),
    st.integers(0, 3),
    st.just("") | words,
    st.just("") | words,
    st.builds(lambda n: {"document": n}, st.integers(0, 9)) | st.builds(lambda n: {"file_id": n}, ids),
) | st.builds(lambda url: Citation(kind="url", start=0, end=2, url=url), addresses)
plain = st.builds(Text, words)
texts = st.builds(lambda text, cited: Text(text, citations=cited), words, maybe(citations))
thoughts = st.builds(Reasoning, text=words)
images = st.builds(Image, url=addresses, detail=st.sampled_from(["", "low"])) | st.builds(
    Image, data=base64s, media_type=st.just("image/png")
)
blocks = words.map(lambda one: Opaque(NAME, "x_block", raw({"type": "x_block", "x": one})))
files = st.builds(
    File, text=words, name=st.just("") | words, context=st.just("") | words, media_type=st.just("text/plain"),
    cite=st.just(True),
)  # fmt: skip
objects = words.map(
    lambda one: File(text=msgspec.json.encode({"y": one}).decode(), media_type="application/json", cite=True)
)
calls = st.builds(ToolCall, id=ids, name=names, arguments=arguments)


def _answer(plan: Any, said: Any, called: Any, extra: Any) -> Message:
    if plan:
        extra = (Opaque(NAME, "content[0].tool_plan", NULL), *extra)
    if called:
        extra = (*extra, Opaque(NAME, "tool_calls[0].function.x", msgspec.Raw(b"1")))
    if len(plan) < len(plan + said) and isinstance(said[0], Text):
        extra = (*extra, Opaque(NAME, f"content[{len(plan)}].z", msgspec.Raw(b'"z"')))
    return Message("assistant", plan + said + called, extra=extra)


answers = st.builds(_answer, maybe(thoughts), maybe(texts | thoughts | blocks, 3), maybe(calls, 2), kept)
asked = st.builds(lambda said, extra: Message("user", said, extra=extra), maybe(plain | images | blocks, 3), kept)
told = st.builds(lambda text: Message("system", text), maybe(plain, 2))


@st.composite
def results(draw: st.DrawFn) -> Message:
    """Results, some of them documents, some of these with an id."""
    parts, extra = [], []
    for number in range(draw(st.integers(1, 2))):
        inner: list[Any] = []
        for place in range(draw(st.integers(0, 2))):
            inner.append(draw(plain))
            if draw(st.booleans()):
                path = f"content[{number}].content[{place}].document"
                extra.append(Opaque(NAME, path, NULL))
                if draw(st.booleans()):
                    extra.append(Opaque(NAME, f"{path}.id", raw(draw(ids))))
        parts.append(ToolResult(call_id=draw(ids), parts=tuple(inner)))
    return Message("tool", tuple(parts), extra=tuple(extra))


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation; documents stand before the user's last message."""
    found = list(draw(maybe(told)))
    for _ in range(draw(st.integers(1, 3))):
        found += [draw(asked), draw(answers), *draw(maybe(results()))]
    documents = draw(maybe(files | objects, 2))
    if documents:
        found.append(Message("user", documents + draw(maybe(plain))))
    return tuple(found)


tools = st.builds(
    ToolSpec,
    name=names,
    description=st.just("") | words,
    schema=schemas,
    extra=extras("function.y", "x"),
)
controls = st.just(ReasoningControl(mode="off")) | st.builds(
    ReasoningControl, mode=st.just("on"), budget=st.none() | st.integers(1, 9000)
)
number = st.none() | st.integers(1, 99)
share = st.none() | st.sampled_from([0.25, 0.5])


def _request(request: Request, strict: bool | None) -> Request:
    specs = tuple(msgspec.structs.replace(tool, strict=strict) for tool in request.tools)
    choice = request.tool_choice if specs else None
    return msgspec.structs.replace(request, tools=specs, tool_choice=choice, stream_usage=request.stream)


carried_requests = st.builds(
    _request,
    st.builds(
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
        tools=maybe(tools, 2),
        tool_choice=st.sampled_from([None, ToolChoice("required"), ToolChoice("none")]),
        output=st.sampled_from([None, OutputFormat(kind="text"), OutputFormat(kind="json")])
        | st.builds(OutputFormat, kind=st.just("schema"), schema=schemas),
        reasoning=st.none() | controls,
        extra=extras("safety_mode", "priority", "x_more"),
    ),
    st.sampled_from([None, True, False]),
)


def _whole(message: Message, finish: Any, logprobs: Any) -> Choice:
    called = any(isinstance(part, ToolCall) for part in message.parts)
    return Choice(message=message, finish="tool_calls" if called and finish == "stop" else finish, logprobs=logprobs)


probabilities = st.builds(TokenProbability, token=words, logprob=st.sampled_from([-0.5, -2.0]))
carried_responses = st.builds(
    Response,
    id=ids,
    model=names,
    choices=st.builds(
        _whole,
        answers,
        st.sampled_from(["stop", "length", "error"]),
        st.none() | st.lists(probabilities, min_size=1, max_size=2).map(tuple),
    ).map(lambda one: (one,)),
    usage=st.none() | st.builds(Usage, input=counts, cache_read=counts, output=counts),
    extra=extras("usage.x", "x_more"),
)
