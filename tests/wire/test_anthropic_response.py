"""Answers of the Messages API, its errors, and its token counts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from anthropic.types import Message as SdkMessage
from anthropic.types import MessageTokensCount
from anthropic.types.shared import ErrorResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshwright.types.content import Citation, Message, Opaque, Reasoning, Text, ToolCall
from meshwright.types.errors import InvalidRequest, LimitReached, Overloaded, Unauthenticated, UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.anthropic_messages.counting import (
    decode_count,
    decode_count_request,
    encode_count,
    encode_count_request,
)
from meshwright.wire.dialect import Target
from tests.wire.strategies_anthropic import answers, json_values
from tests.wire.strategies_anthropic_any import any_answers, meaning

TARGET = Target("m", "p/m")
REQUEST = Request(model="auto")
slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "Looking.", "citations": None},
        {"type": "tool_use", "id": "t1", "name": "get", "input": {"a": 1}, "caller": {"type": "direct"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "container": None,
    "usage": {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 15},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "service_tier": "standard",
        "inference_geo": None,
    },
}


def bare(response: Response) -> Response:
    return msgspec.structs.replace(response, source=None)


def read(**changes: Any) -> Response:
    return DIALECT.decode_response(msgspec.json.encode({**ANSWER, **changes}), TARGET)


def test_an_answer_is_read_into_parts_and_disjoint_counts() -> None:
    response = read()
    (choice,) = response.choices
    assert choice.message.parts == (
        Reasoning(text="hm", signature="sig", origin="p/m"),
        Text("Looking."),
        ToolCall(id="t1", name="get", arguments='{"a":1}'),
    )
    assert choice.message.extra == ()
    assert choice.finish == "tool_calls"
    assert response.usage == Usage(input=10, cache_read=100, cache_write=20, cache_write_1h=10, output=35, reasoning=15)
    assert [extra.kind for extra in response.extra] == ["usage.server_tool_use"]
    assert (response.id, response.model, response.service_tier) == ("msg_1", "claude-x", "standard")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"), ("pause_turn", "pause"),
        ("refusal", "refusal"), ("model_context_window_exceeded", "context"), ("compaction", "unknown"), (None, None),
    ],
)  # fmt: skip
def test_every_reason_to_stop_goes_both_ways(reason: str | None, finish: str | None) -> None:
    response = read(stop_reason=reason)
    assert response.choices[0].finish == finish
    encoded = DIALECT.encode_response(bare(response), REQUEST)
    assert msgspec.json.decode(encoded.body)["stop_reason"] == reason
    assert encoded.adaptations == ()


def test_a_stop_sequence_is_told() -> None:
    response = read(stop_reason="stop_sequence", stop_sequence="END")
    assert (response.choices[0].finish, response.choices[0].stop) == ("stop", "END")
    body = msgspec.json.decode(DIALECT.encode_response(bare(response), REQUEST).body)
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "END")


def test_an_unchanged_answer_keeps_its_bytes() -> None:
    body = b'{ "id":"m", "zeta":1.50, "content":[] ,"stop_reason":"end_turn"}'
    assert DIALECT.encode_response(DIALECT.decode_response(body, TARGET), REQUEST).body == body


def test_what_types_cannot_hold_of_an_answer_survives() -> None:
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"x": 1}]}
    called = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "code", "tool_id": "c"}}
    response = read(content=[found, called], container={"id": "c", "expires_at": "2026-01-01T00:00:00Z"})
    body = msgspec.json.decode(DIALECT.encode_response(bare(response), REQUEST).body)
    assert body["content"] == [found, called]
    assert body["container"]["id"] == "c"
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 2, "web_fetch_requests": 0}


@slow
@given(answers)
def test_an_answer_that_the_dialect_can_carry_comes_back_without_a_note(response: Response) -> None:
    encoded = DIALECT.encode_response(response, REQUEST)
    assert encoded.adaptations == ()
    assert bare(DIALECT.decode_response(encoded.body, TARGET)) == response


@slow
@given(answers)
def test_answers_have_the_shape_that_the_official_client_names(response: Response) -> None:
    parts = tuple(part for part in response.choices[0].message.parts if not isinstance(part, Opaque))
    tier = response.service_tier or "standard"
    choice = msgspec.structs.replace(response.choices[0], message=Message("assistant", parts))
    plain = msgspec.structs.replace(response, choices=(choice,), extra=(), service_tier=tier)
    message = SdkMessage.model_validate_json(DIALECT.encode_response(plain, REQUEST).body)
    assert message.id == response.id
    assert len(message.content) == len(parts)


@slow
@given(any_answers)
def test_whatever_is_lost_of_an_answer_is_named(response: Response) -> None:
    encoded = DIALECT.encode_response(response, REQUEST)
    back = DIALECT.decode_response(encoded.body, TARGET)
    named = {note.field.partition(".")[0] for note in encoded.adaptations}
    if meaning(back) != meaning(response):
        assert "choices" in named
    if (response.usage or Usage()) != back.usage or response.usage is None:
        assert "usage" in named
    assert {extra.kind.partition(".")[0] for extra in response.extra} <= named
    assert (back.id, back.service_tier) == (response.id, response.service_tier)


def test_an_answer_of_another_dialect_is_told_as_well_as_it_can_be() -> None:
    response = Response(
        id="chatcmpl-1",
        created=5,
        choices=(
            Choice(
                message=Message(
                    "assistant",
                    (
                        Reasoning(summary=("First.", "Then."), id="rs_1", encrypted="blob"),
                        Text("See", citations=(Citation(kind="url", url="https://x", title="X", start=0, end=3),)),
                    ),
                ),
                finish="content_filter",
            ),
        ),
    )
    encoded = DIALECT.encode_response(response, REQUEST)
    message: Any = SdkMessage.model_validate_json(encoded.body)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == "First.\n\nThen."
    assert message.content[1].citations[0].url == "https://x"
    assert (message.stop_reason, message.model) == ("refusal", "auto")
    assert {note.field for note in encoded.adaptations} == {
        "choices.reasoning", "choices.reasoning.encrypted", "choices.citations", "choices.citations.start",
        "choices.finish", "usage",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"<html>", b'{"content":[{"type":"text"}]}', b'{"content":[5]}', b'{"content":"x"}']
)
def test_an_answer_that_is_none_is_a_broken_promise(body: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        DIALECT.decode_response(body, TARGET)


def test_an_error_with_a_good_status_is_no_answer() -> None:
    with pytest.raises(UpstreamProtocol, match="Overloaded"):
        DIALECT.decode_response(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', TARGET)


@slow
@given(st.binary(max_size=60) | json_values.map(msgspec.json.encode))
def test_any_bytes_are_an_answer_or_a_broken_promise(body: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        DIALECT.decode_response(body, TARGET)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("Expected `int`.", field="max_tokens", fix="Send a number."), "invalid_request_error"),
        (Unauthenticated("No key.", fix="Send x-api-key."), "authentication_error"),
        (LimitReached("Too many requests.", retry_after=3), "rate_limit_error"),
        (Overloaded("Draining."), "overloaded_error"),
    ],
)
def test_our_errors_have_the_dialects_shape(error: Any, kind: str) -> None:
    body = DIALECT.encode_error(error)
    said = msgspec.json.decode(body)["error"]
    assert msgspec.json.decode(body)["type"] == "error"
    assert said["type"] == kind
    assert error.message in said["message"]
    assert said["details"]["error_code"] == error.code
    assert ErrorResponse.model_validate_json(body).error.type == kind
    if error.field:
        assert said["param"] == error.field
        assert error.fix in said["message"]


@pytest.mark.parametrize(
    ("body", "words", "code"),
    [
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            "Overloaded",
            "overloaded_error",
        ),
        (b'{"error":"nope"}', "nope", "upstream_error"),
        (b'{"message":"gone","code":"E1"}', "gone", "E1"),
        (b'{"detail":"bad"}', "bad", "upstream_error"),
        (b'{"error":null}', '{"error":null}', "upstream_error"),
        (b"<html><style>p{}</style><h1>502</h1>\n<p>Bad gateway</p></html>", "502 Bad gateway", "upstream_error"),
        (b"busy \xff", "busy \ufffd", "upstream_error"),
        (b"", "The provider answered with status 529 and no words.", "upstream_error"),
    ],
)
def test_a_providers_error_is_read_whatever_its_shape(body: bytes, words: str, code: str) -> None:
    error = DIALECT.decode_error(529, body, 2.0)
    assert (error.message, error.code, error.retry_after, error.retryable) == (words, code, 2.0, True)


def test_a_providers_words_are_bounded_and_its_refusal_of_our_key_is_ours() -> None:
    assert len(DIALECT.decode_error(500, b"x" * 100_000, None).message) == 2_000
    error = DIALECT.decode_error(
        401, b'{"type":"error","error":{"type":"authentication_error","message":"bad key"}}', None
    )
    assert (error.status, error.code) == (502, "upstream_auth")


def test_counting_asks_without_what_matters_only_while_answering() -> None:
    body = b'{"model":"auto","system":"Be kind.","messages":[{"role":"user","content":"Hi"}],"zeta":1}'
    request = decode_count_request(body)
    assert request.max_tokens is None
    assert encode_count_request(request, TARGET).body == body.replace(b"auto", b"m")
    whole = DIALECT.decode_request(body[:-1] + b',"max_tokens":5,"stream":true,"temperature":1}')
    assert encode_count_request(whole, TARGET).body == body.replace(b"auto", b"m")
    built = encode_count_request(msgspec.structs.replace(whole, source=None, extra=()), TARGET)
    assert msgspec.json.decode(built.body).keys() == {"model", "messages", "system"}
    assert built.adaptations == ()


def test_a_count_goes_both_ways() -> None:
    assert decode_count(b'{"input_tokens": 14}') == 14
    assert MessageTokensCount.model_validate_json(encode_count(14)).input_tokens == 14
    with pytest.raises(UpstreamProtocol):
        decode_count(b'{"tokens": 14}')


@pytest.mark.parametrize(
    "words",
    [
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    ],
)
def test_a_400_about_our_money_is_not_the_callers_mistake_and_another_provider_may_do(words: str) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": words}, "request_id": "req_1"}
    error = DIALECT.decode_error(400, msgspec.json.encode(body), None)
    assert (error.upstream_status, error.status, error.code) == (402, 502, "credit_balance_too_low")
    assert error.retryable


SAMPLED = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {
        "input_tokens": 23, "output_tokens": 10,
        "iterations": [
            {"type": "compaction", "input_tokens": 180, "output_tokens": 35, "cache_read_input_tokens": 7},
            {"type": "message", "input_tokens": 23, "output_tokens": 10},
            {"type": "advisor_message", "model": "other", "input_tokens": 2, "output_tokens": 1},
        ],
    },
}  # fmt: skip


def test_what_a_compaction_and_an_advisor_used_is_counted_once() -> None:
    body = msgspec.json.encode(SAMPLED)
    answer = DIALECT.decode_response(body, TARGET)
    assert answer.usage == Usage(input=205, cache_read=7, output=46)
    anew = DIALECT.encode_response(msgspec.structs.replace(answer, source=None), REQUEST)
    assert anew.adaptations == ()
    assert msgspec.json.decode(anew.body)["usage"]["input_tokens"] == 23
    assert DIALECT.decode_response(anew.body, TARGET).usage == answer.usage


def test_iterations_that_do_not_fit_the_counts_are_left_out_by_name() -> None:
    answer = DIALECT.decode_response(msgspec.json.encode(SAMPLED), TARGET)
    changed = msgspec.structs.replace(answer, source=None, usage=Usage(input=5, output=5))
    encoded = DIALECT.encode_response(changed, REQUEST)
    assert [one.field for one in encoded.adaptations] == ["usage.iterations"]
    assert DIALECT.decode_response(encoded.body, TARGET).usage == changed.usage
