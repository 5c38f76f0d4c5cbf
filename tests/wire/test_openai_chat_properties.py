"""Chat Completions: what it can carry comes back as it was, what it cannot is named, and no bytes break it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from meshwright.types.content import Opaque
from meshwright.types.errors import InvalidRequest, TooLarge, UpstreamError, UpstreamProtocol
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import Response, TextDelta
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.openai_chat import DIALECT
from tests.wire.strategies import changed_fields, json_values, requests, responses, splits
from tests.wire.strategies_chat import GENEROUS, carried_requests, carried_responses

PLAIN = Target("model-of-theirs", "somebody/model")
ASKED = Request(model="m", stream=True, stream_usage=True)


def _named(adaptations: Iterable[Adaptation]) -> set[str]:
    return {one.field.split("[")[0] for one in adaptations}


@given(carried_requests())
def test_a_request_that_it_can_carry_comes_back_as_it_was(request: Request) -> None:
    encoded = DIALECT.encode_request(request, GENEROUS)
    assert encoded.adaptations == ()
    again = DIALECT.decode_request(encoded.body)
    assert changed_fields(request, again, ignore=("stream_usage",)) == set()


@given(requests(), st.booleans())
def test_whatever_a_request_loses_is_named(request: Request, generous: bool) -> None:
    target = GENEROUS if generous else PLAIN
    encoded = DIALECT.encode_request(request, target)
    again = DIALECT.decode_request(encoded.body)
    if request.output is not None and request.output.kind == "schema" and not request.output.name:
        nameless = msgspec.structs.replace(request.output, name="answer")  # the API wants one
        request = msgspec.structs.replace(request, output=nameless)
    lost = changed_fields(request, again, ignore=("stream_usage", "model", "extra"))
    lost |= {one.kind for one in request.extra if one not in again.extra}
    assert lost <= _named(encoded.adaptations)


@given(carried_responses())
def test_an_answer_that_it_can_carry_comes_back_as_it_was(response: Response) -> None:
    encoded = DIALECT.encode_response(response, ASKED)
    assert encoded.adaptations == ()
    assert changed_fields(response, DIALECT.decode_response(encoded.body, PLAIN)) == set()


@given(responses())
def test_whatever_an_answer_loses_is_named(response: Response) -> None:
    encoded = DIALECT.encode_response(response, ASKED)
    again = DIALECT.decode_response(encoded.body, PLAIN)
    lost = changed_fields(response, again, ignore=("extra",))
    lost |= {one.kind for one in response.extra if one not in again.extra}
    assert lost <= _named(encoded.adaptations)


# A piece of text without a word says nothing; streams begin with one.
_EMPTY = [TextDelta(text="", part=part, choice=choice) for part in range(4) for choice in range(2)]


def _ordered(response: Response) -> Response:
    """Members of a stream come in the order in which they were told; of a whole answer, by name."""

    def by_kind(extra: tuple[Opaque, ...]) -> tuple[Opaque, ...]:
        return tuple(sorted(extra, key=lambda one: one.kind))

    replace = msgspec.structs.replace
    choices = (
        replace(choice, message=replace(choice.message, extra=by_kind(choice.message.extra)))
        for choice in response.choices
    )
    return replace(response, choices=tuple(choices), extra=by_kind(response.extra), source=None)


@given(carried_responses(), st.lists(st.integers(0), max_size=6))
def test_a_stream_comes_back_as_it_was_however_its_bytes_are_split(response: Response, cuts: list[int]) -> None:
    encoder = DIALECT.stream_encoder(ASKED)
    stream = b"".join(encoder.feed((delta,)) for delta in unfold(response))
    assert encoder.adaptations == []
    decoder = DIALECT.stream_decoder(PLAIN)
    deltas = [delta for piece in splits(stream, cuts) for delta in decoder.feed(piece)]
    assert decoder.ended
    assert _ordered(fold(deltas)) == _ordered(response)


@given(responses())
def test_whatever_a_stream_loses_is_named(response: Response) -> None:
    before = fold(delta for delta in unfold(response) if delta not in _EMPTY)
    encoder = DIALECT.stream_encoder(ASKED)
    again = fold(DIALECT.stream_decoder(PLAIN).feed(encoder.feed(unfold(response))))
    lost = changed_fields(_ordered(before), _ordered(again), ignore=("extra",))
    lost |= {one.kind for one in before.extra if one not in again.extra}
    assert lost <= _named(encoder.adaptations)


@given(carried_responses(), st.lists(st.integers(0), max_size=6))
def test_a_tap_lets_the_same_bytes_through_however_they_are_split(response: Response, cuts: list[int]) -> None:
    stream = DIALECT.stream_encoder(ASKED).feed(unfold(response))
    tap = DIALECT.tap(ASKED)
    assert b"".join(map(tap.feed, splits(stream, cuts))) == stream
    assert (tap.ended, tap.failed, tap.usage, tap.id, tap.model) == (
        True,
        "",
        response.usage,
        response.id,
        response.model,
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_named_mistake(body: bytes) -> None:
    try:
        DIALECT.decode_request(body)
    except (InvalidRequest, TooLarge):
        pass


_MEMBERS = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "tool_calls",
        "tools",
        "tool_choice",
        "function",
        "name",
        "stream_options",
        "response_format",
        "reasoning",
        "messages",
        "model",
        "stop",
        "n",
        "audio",
        "image_url",
        "url",
        "opaque",
        "number",
    ]
)
_WORDS = st.sampled_from(["user", "assistant", "tool", "text", "image_url", "function", "opaque", "custom", "thinking"])
_SHAPES = st.recursive(
    json_values | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(_MEMBERS, _SHAPES), st.lists(st.dictionaries(_MEMBERS, _SHAPES, max_size=5), max_size=3))
@example({}, [{"role": "user", "content": [{"type": "opaque", "number": 3}]}])
@example({"tools": [{"type": "opaque", "number": 0}]}, [{"role": "user", "content": "x"}])
def test_any_json_is_a_request_or_a_named_mistake(fields: dict[str, object], turns: list[dict[str, object]]) -> None:
    body = msgspec.json.encode({"model": "m", "messages": turns, **fields})
    try:
        request = DIALECT.decode_request(body)
    except (InvalidRequest, TooLarge):
        return
    DIALECT.encode_request(request, PLAIN)
    DIALECT.encode_request(msgspec.structs.replace(request, source=None), PLAIN)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_protocol_error(body: bytes) -> None:
    try:
        DIALECT.decode_response(body, PLAIN)
    except UpstreamError:
        pass


_ANSWERS = st.sampled_from(
    [
        "choices",
        "message",
        "delta",
        "content",
        "tool_calls",
        "index",
        "function",
        "usage",
        "error",
        "logprobs",
        "x",
        "reasoning",
        "annotations",
        "audio",
        "images",
        "type",
        "finish_reason",
        "id",
        "name",
        "prompt_tokens",
    ]
)
_ANSWER_SHAPES = st.recursive(
    json_values | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANSWERS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_ANSWERS, _ANSWER_SHAPES))
@example({"choices": [{"delta": {"tool_calls": [{"x": 1}, {"x": 2}], "content": ["a", {"type": "new"}]}}]})
def test_any_json_is_an_answer_or_chunk_or_a_protocol_error(value: dict[str, object]) -> None:
    body = msgspec.json.encode(value)
    try:
        DIALECT.encode_response(msgspec.structs.replace(DIALECT.decode_response(body, PLAIN), source=None), ASKED)
    except UpstreamError:
        pass
    try:
        deltas = DIALECT.stream_decoder(PLAIN).feed(b"data: " + body + b"\n\n")
        DIALECT.stream_encoder(ASKED).feed(deltas)
    except UpstreamProtocol:
        pass


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"data: ", b"\n\n", b"\r\n", b"[DONE]", b'{"choices":[{']), max_size=8
    )
)
def test_any_bytes_are_a_stream_or_a_protocol_error(pieces: list[bytes]) -> None:
    decoder, tap = DIALECT.stream_decoder(PLAIN), DIALECT.tap(ASKED)
    try:
        for piece in pieces:
            decoder.feed(piece)
    except UpstreamProtocol:
        pass
    try:
        for piece in pieces:
            tap.feed(piece)
    except UpstreamProtocol:
        pass


@given(st.dictionaries(st.text("xyz", min_size=1), json_values), json_values)
def test_unknown_members_of_an_unchanged_request_keep_their_bytes(members: dict[str, object], inner: object) -> None:
    turn = {"role": "user", "content": "hello", "x_inner": inner}
    body = msgspec.json.encode({**members, "model": "m", "messages": [turn], "temperature": 1})
    sent = DIALECT.encode_request(DIALECT.decode_request(body), PLAIN).body
    assert sent == body.replace(b'"model":"m"', b'"model":"model-of-theirs"')
