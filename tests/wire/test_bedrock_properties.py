"""What the Converse dialect carries comes back as it was; what it cannot carry is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meshwright.types.content import Message, Opaque, Reasoning, Refusal, Text, ToolCall
from meshwright.types.errors import InvalidRequest, TooLarge, UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Finished, Response
from meshwright.types.usage import Usage
from meshwright.wire.bedrock_converse import DIALECT
from meshwright.wire.bedrock_converse.address import with_model
from meshwright.wire.bedrock_converse.eventstream import event
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from tests.wire.alike import said as said_turns
from tests.wire.alike import unlike
from tests.wire.strategies import requests, splits
from tests.wire.strategies_anthropic import json_values, objects
from tests.wire.strategies_anthropic_any import any_answers, anything
from tests.wire.strategies_bedrock import answers, carried

# It thinks by a budget and by an effort, and takes top_k.
TARGET = Target("eu.anthropic.claude-opus-4-6-v1:0", "p/m")
MODELS = [TARGET.model, "anthropic.claude-3-5-sonnet-20241022-v2:0", "anthropic.claude-opus-5", "amazon.nova-pro-v1:0"]
ASKED = Request(model="m")
slow = settings(
    suppress_health_check=list(HealthCheck), deadline=None, max_examples=50, phases=[Phase.generate, Phase.shrink]
)


def bare(value: Any) -> Any:
    """Without its bytes, and with its extra members in one order."""
    extra = tuple(sorted(value.extra, key=lambda one: one.kind))
    return msgspec.structs.replace(value, source=None, extra=extra)


@slow
@given(carried)
def test_what_the_dialect_can_carry_comes_back_without_a_note(request: Request) -> None:
    encoded = DIALECT.encode_request(request, TARGET)
    assert encoded.adaptations == ()
    assert bare(DIALECT.decode_request(encoded.body)) == bare(request)


@slow
@given(carried)
def test_an_unchanged_request_goes_out_with_its_own_bytes(request: Request) -> None:
    body = DIALECT.encode_request(request, TARGET).body
    again = DIALECT.encode_request(with_model(DIALECT.decode_request(body), "m", stream=True), TARGET)
    assert (again.body, again.adaptations) == (body, ())


@slow
@given(anything | requests(), st.sampled_from(MODELS))
def test_whatever_is_lost_is_named(request: Request, model: str) -> None:
    encoded = DIALECT.encode_request(request, Target(model, "p/m"))
    named = {note.field.partition(".")[0] for note in encoded.adaptations}
    try:
        back = DIALECT.decode_request(encoded.body)
    except InvalidRequest:
        assert "messages" in named or not said_turns(request)
        return
    back = with_model(back, request.model, request.stream)
    assert differing(request, back) <= named
    assert {extra.kind.partition(".")[0] for extra in request.extra} <= named
    assert all(note.reason.endswith(".") for note in encoded.adaptations)


def differing(before: Request, after: Request) -> set[str]:
    """The fields in which they differ, beyond two ways to say the same."""
    if before.output is not None and before.output.strict:  # a schema is always kept to here
        before = msgspec.structs.replace(before, output=msgspec.structs.replace(before.output, strict=None))
    try:
        return unlike(before, after)
    except msgspec.DecodeError:  # arguments that are no JSON, which are put into an object
        return {"messages"}


@slow
@given(st.binary(max_size=80))
def test_any_bytes_are_a_request_or_a_clear_refusal(body: bytes) -> None:
    with pytest.raises((InvalidRequest, TooLarge)):
        DIALECT.decode_request(body)


kinds = st.sampled_from(
    [
        "text", "image", "document", "audio", "toolUse", "toolResult", "reasoningContent", "cachePoint", "guardContent",
        "citationsContent", "video", "__type",
    ]
)  # fmt: skip
inner = st.dictionaries(
    st.sampled_from(["text", "format", "source", "name", "toolUseId", "input", "content", "type", "citations", "json"]),
    json_values | st.fixed_dictionaries({"bytes": st.just("AAAA")}) | st.just("png"),
    max_size=4,
)
blocks = st.lists(st.dictionaries(kinds, json_values | inner, max_size=2), max_size=3)
turns = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "x"]) | json_values},
    optional={"content": json_values | blocks, "x": json_values},
)
wild: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"messages": json_values | st.lists(turns, min_size=1, max_size=3)},
    optional={
        "system": json_values | blocks,
        "toolConfig": json_values
        | st.fixed_dictionaries(
            {"tools": json_values | st.lists(st.dictionaries(st.sampled_from(["toolSpec", "x"]), json_values | inner))},
            optional={"toolChoice": json_values | st.just({"auto": {}})},
        ),
        **dict.fromkeys(
            [
                "inferenceConfig", "outputConfig", "additionalModelRequestFields", "requestMetadata", "serviceTier",
                "x",
            ],
            json_values | objects,
        ),
    },
)  # fmt: skip


@slow
@given(wild)
def test_any_json_is_a_request_or_a_clear_refusal(body: Any) -> None:
    try:
        request = DIALECT.decode_request(msgspec.json.encode(body))
    except (InvalidRequest, TooLarge):
        return
    DIALECT.encode_request(bare(request), TARGET)


@slow
@given(answers)
def test_an_answer_comes_back_without_a_note(answer: Response) -> None:
    encoded = DIALECT.encode_response(answer, ASKED)
    assert encoded.adaptations == ()
    assert bare(anonymous(DIALECT.decode_response(encoded.body, Target("m", "p/m")))) == bare(answer)


@slow
@given(answers)
def test_an_unchanged_answer_goes_out_with_its_own_bytes(answer: Response) -> None:
    body = DIALECT.encode_response(answer, ASKED).body
    again = DIALECT.encode_response(DIALECT.decode_response(body, TARGET), ASKED)
    assert (again.body, again.adaptations) == (body, ())


def anonymous(response: Response) -> Response:
    """Without who signed a thought."""
    found = []
    for choice in response.choices:
        parts = (
            msgspec.structs.replace(part, origin="") if isinstance(part, Reasoning) else part
            for part in choice.message.parts
        )
        message = msgspec.structs.replace(choice.message, parts=tuple(parts))
        found.append(msgspec.structs.replace(choice, message=message))
    return msgspec.structs.replace(response, choices=tuple(found))


def said(response: Response) -> list[Choice]:
    """The choices without words that say nothing; no answer is an empty one."""
    found = []
    for choice in anonymous(response).choices or (Choice(message=Message("assistant")),):
        parts = []
        for part in choice.message.parts:
            if part in (Text(""), Refusal("")):
                continue
            if isinstance(part, ToolCall) and not part.arguments.strip():
                part = msgspec.structs.replace(part, arguments="{}")
            parts.append(part)
        message = msgspec.structs.replace(choice.message, parts=tuple(parts))
        found.append(msgspec.structs.replace(choice, message=message))
    return found


@slow
@given(any_answers)
def test_whatever_an_answer_loses_is_named(answer: Response) -> None:
    encoded = DIALECT.encode_response(answer, ASKED)
    back = DIALECT.decode_response(encoded.body, Target("m", "p/m"))
    named = {note.field.partition(".")[0] for note in encoded.adaptations}
    if said(answer) != said(back):
        assert "choices" in named
    if (answer.usage or Usage()) != back.usage or answer.usage is None:
        assert "usage" in named
    assert back.service_tier == answer.service_tier
    assert {extra.kind.partition(".")[0] for extra in answer.extra} <= named


@slow
@given(answers.filter(lambda one: one.choices[0].finish is not None), st.lists(st.integers(0, 10**6), max_size=6))
def test_a_stream_folds_to_the_answer_however_it_is_cut(answer: Response, cuts: list[int]) -> None:
    encoder, decoder = DIALECT.stream_encoder(ASKED), DIALECT.stream_decoder(Target("m", "p/m"))
    wire = encoder.feed(unfold(answer))
    assert encoder.adaptations == []
    deltas = [delta for piece in splits(wire, cuts) for delta in decoder.feed(piece)]
    assert decoder.ended
    expected = answer
    if answer.service_tier:  # a stream tells it at the end, where deltas have no place for it
        tier = Opaque(
            "bedrock_converse", "serviceTier", msgspec.Raw(msgspec.json.encode({"type": answer.service_tier}))
        )
        expected = msgspec.structs.replace(answer, service_tier="", extra=(*answer.extra, tier))
    assert bare(anonymous(fold(deltas))) == bare(expected)


@slow
@given(answers, st.lists(st.integers(0, 10**6), max_size=6))
def test_the_tap_passes_every_byte_and_hears_the_end(answer: Response, cuts: list[int]) -> None:
    wire = DIALECT.stream_encoder(ASKED).feed(unfold(answer))
    tap = DIALECT.tap(ASKED)
    assert b"".join(tap.feed(piece) for piece in splits(wire, cuts)) == wire
    assert (tap.ended, tap.failed, tap.usage) == (True, "", answer.usage)
    assert tap.finish == answer.choices[0].finish


@slow
@given(any_answers)
def test_whatever_a_stream_loses_is_named(answer: Response) -> None:
    encoder = DIALECT.stream_encoder(ASKED)
    back = fold(DIALECT.stream_decoder(Target("m", "p/m")).feed(encoder.feed(unfold(answer))))
    named = {note.field.partition(".")[0] for note in encoder.adaptations}
    if said(fold(unfold(answer))) != said(back):
        assert "choices" in named
    assert {extra.kind.partition(".")[0] for extra in answer.extra} <= named


events = st.sampled_from(
    ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "x"]
)
members = st.dictionaries(
    st.sampled_from(["contentBlockIndex", "delta", "start", "stopReason", "usage", "metrics", "p"]),
    json_values
    | st.dictionaries(
        st.sampled_from(["text", "toolUse", "toolResult", "reasoningContent", "citation", "image"]),
        json_values | st.dictionaries(st.sampled_from(["toolUseId", "name", "input", "text", "type"]), json_values),
        max_size=2,
    ),
    max_size=3,
)


@slow
@given(st.lists(st.tuples(events, members.map(msgspec.json.encode) | st.binary(max_size=9)), max_size=6))
def test_any_events_are_a_stream_or_refused(some: list[tuple[str, bytes]]) -> None:
    wire = b"".join(event(name, payload) for name, payload in some)
    try:
        fold(DIALECT.stream_decoder(TARGET).feed(wire))
    except UpstreamProtocol:
        pass  # a clear refusal is the other good end
    try:
        assert DIALECT.tap(ASKED).feed(wire) == wire
    except UpstreamProtocol:
        pass  # a clear refusal is the other good end


@slow
@given(st.integers(100, 599), st.binary(max_size=200) | json_values.map(msgspec.json.encode))
def test_any_error_body_is_told(status: int, body: bytes) -> None:
    error = DIALECT.decode_error(status, body, None)
    assert error.upstream_status == status
    assert 0 < len(error.message) <= 2_000


def test_a_call_is_no_end_of_a_turn_whatever_the_model_says() -> None:
    call = {"toolUse": {"toolUseId": "c", "name": "t", "input": {}}}
    body = {"output": {"message": {"role": "assistant", "content": [call]}}, "stopReason": "end_turn"}
    whole = DIALECT.decode_response(msgspec.json.encode(body), TARGET)
    assert whole.choices[0].finish == "tool_calls"
    told: list[tuple[str, Any]] = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "c", "name": "t"}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
    ]
    wire = b"".join(event(name, msgspec.json.encode(payload)) for name, payload in told)
    deltas = DIALECT.stream_decoder(TARGET).feed(wire)
    assert [delta.finish for delta in deltas if isinstance(delta, Finished)] == ["tool_calls"]
    words = {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn"}
    assert DIALECT.decode_response(msgspec.json.encode(words), TARGET).choices[0].finish == "stop"
