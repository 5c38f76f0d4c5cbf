"""What Ollama's chat carries comes back as it was; what it cannot carry is named; any bytes are read or refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshwright.types.content import Opaque
from meshwright.types.errors import InvalidRequest, TooLarge, UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Response
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.ollama import DIALECT
from tests.wire.alike import unlike
from tests.wire.strategies import json_values, raw, requests, splits
from tests.wire.strategies_ollama import carried_requests, carried_responses
from tests.wire.test_across_dialects import named

TARGET = Target("m", "p/m")
STREAMED = Request(model="m", stream=True, stream_usage=True)
slow = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)


def bare(value: Any) -> Any:
    """Without its bytes, and with its extra members in one order, those of turns too."""

    def ordered(message: Any) -> Any:
        return msgspec.structs.replace(message, extra=tuple(sorted(message.extra, key=lambda one: one.kind)))

    changes: dict[str, Any] = {"source": None, "extra": tuple(sorted(value.extra, key=lambda one: one.kind))}
    if isinstance(value, Request):
        changes["messages"] = tuple(map(ordered, value.messages))
    else:
        changes["choices"] = tuple(msgspec.structs.replace(one, message=ordered(one.message)) for one in value.choices)
    return msgspec.structs.replace(value, **changes)


@slow
@given(carried_requests)
def test_a_request_that_the_dialect_can_carry_comes_back_without_a_note(request: Request) -> None:
    encoded = DIALECT.encode_request(request, TARGET)
    assert encoded.adaptations == ()
    again = DIALECT.decode_request(encoded.body)
    assert bare(again) == bare(request)
    assert DIALECT.encode_request(again, TARGET).body == encoded.body


@slow
@given(carried_responses)
def test_an_answer_that_the_dialect_can_carry_comes_back_without_a_note(response: Response) -> None:
    encoded = DIALECT.encode_response(response, STREAMED)
    assert encoded.adaptations == ()
    again = DIALECT.decode_response(encoded.body, TARGET)
    assert bare(again) == bare(response)
    assert DIALECT.encode_response(again, STREAMED).body == encoded.body


@slow
@given(carried_responses, st.lists(st.integers(0, 10_000), max_size=6))
def test_a_stream_folds_to_its_answer_however_it_is_cut(response: Response, cuts: list[int]) -> None:
    encoder = DIALECT.stream_encoder(STREAMED)
    data = encoder.feed(unfold(response))
    assert encoder.adaptations == []
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(STREAMED)
    pieces = splits(data, cuts)
    deltas = [delta for piece in pieces for delta in decoder.feed(piece)]
    assert decoder.ended
    assert bare(fold(deltas)) == bare(response)
    assert b"".join(map(tap.feed, pieces)) == data
    assert (tap.ended, tap.failed, tap.model) == (True, "", response.model)
    assert (tap.finish, tap.usage) == (response.choices[0].finish, response.usage)


@slow
@given(requests())
def test_whatever_a_request_loses_is_named(request: Request) -> None:
    encoded = DIALECT.encode_request(request, TARGET)
    read = DIALECT.decode_request(encoded.body)
    output = request.output
    if output is not None and output.strict:  # a schema is always kept to here
        request = msgspec.structs.replace(request, output=msgspec.structs.replace(output, strict=None))
    assert unlike(request, read) <= named(encoded.adaptations)
    assert {one.kind for one in request.extra} <= {one.field for one in encoded.adaptations}
    assert all(one.reason.endswith(".") for one in encoded.adaptations)


@slow
@given(st.binary(max_size=60) | json_values.map(msgspec.json.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises((InvalidRequest, TooLarge)):
        DIALECT.decode_request(body)
    for read in (DIALECT.stream_decoder(TARGET).feed, DIALECT.tap(STREAMED).feed):
        try:
            read(body + b"\n")
        except UpstreamProtocol:
            continue
    try:
        DIALECT.decode_response(body, TARGET)
    except UpstreamProtocol:
        assert DIALECT.decode_error(500, body, None).status == 500


call = st.fixed_dictionaries(
    {"function": json_values | st.fixed_dictionaries({"name": st.just("f")}, optional={"arguments": json_values})},
    optional={"id": json_values, "type": json_values, "x": json_values},
)
turn = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system"]) | json_values},
    optional={
        "content": json_values,
        "thinking": json_values,
        "images": json_values | st.just(["AAAA"]),
        "tool_calls": json_values | st.lists(call | json_values, max_size=2),
        "tool_name": json_values,
        "tool_call_id": json_values,
        "x": json_values,
    },
)
wild = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": json_values | st.lists(turn, max_size=3)},
    optional=dict.fromkeys(
        ["stream", "tools", "format", "think", "options", "logprobs", "top_logprobs", "keep_alive"], json_values
    ),
)


@slow
@given(wild)
def test_any_json_is_a_request_that_nothing_of_is_lost_or_a_refusal(body: Any) -> None:
    try:
        request = DIALECT.decode_request(msgspec.json.encode(body))
    except InvalidRequest:
        return
    encoded = DIALECT.encode_request(msgspec.structs.replace(request, source=None), TARGET)
    assert encoded.adaptations == ()
    assert bare(DIALECT.decode_request(encoded.body)) == bare(request)


@slow
@given(turn, json_values)
def test_any_json_is_an_answer_or_a_broken_promise(message: Any, value: Any) -> None:
    body = msgspec.json.encode({"model": "m", "message": message, "done": True, "x": value})
    try:
        answer = DIALECT.decode_response(body, TARGET)
    except UpstreamProtocol:
        return
    assert (Opaque("ollama", "x", raw(value)) in answer.extra) == (value is not None)
