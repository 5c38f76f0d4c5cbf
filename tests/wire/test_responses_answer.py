"""Answers and errors of the Responses API: what providers send and what is made of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import Audio, Image, Message, Opaque, Text
from meshwright.types.errors import InvalidRequest, UpstreamProtocol, UpstreamStatus
from meshwright.types.response import Choice, Finish, Response
from meshwright.wire.openai_responses import DIALECT
from tests.wire.recorded_responses import ANSWER, MESSAGE, READ
from tests.wire.strategies import raw
from tests.wire.strategies_responses import ASKED, THEIRS

replace = msgspec.structs.replace


def decode(**members: Any) -> Response:
    return DIALECT.decode_response(msgspec.json.encode({**ANSWER, **members}), THEIRS)


def test_a_whole_answer_is_read():
    response = decode()
    assert replace(response, source=None) == READ
    again = DIALECT.encode_response(response, ASKED)
    assert again.body == msgspec.json.encode(ANSWER)


def test_a_changed_answer_is_written_anew_with_all_that_it_had():
    encoded = DIALECT.encode_response(READ, ASKED)
    assert encoded.adaptations == ()
    body = msgspec.json.decode(encoded.body)
    assert body["output"] == ANSWER["output"]
    assert body["usage"] == ANSWER["usage"]
    assert body["billing"] == ANSWER["billing"]


@pytest.mark.parametrize(
    ("members", "finish"),
    [
        ({}, "tool_calls"),
        ({"output": [MESSAGE]}, "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "unknown"),
        ({"status": "cancelled"}, "unknown"),
        ({"status": "queued", "output": []}, None),
        ({"status": "in_progress", "output": []}, None),
    ],
)
def test_the_status_tells_how_the_answer_ended_and_comes_back(members: dict[str, Any], finish: Finish | None):
    response = decode(**members)
    assert response.choices[0].finish == finish
    again = DIALECT.encode_response(replace(response, source=None), ASKED)
    assert again.adaptations == ()
    body = msgspec.json.decode(again.body)
    assert body["status"] == members.get("status", "completed")
    assert body["incomplete_details"] == members.get("incomplete_details")


def test_an_answer_that_says_that_it_failed_is_an_error():
    failed = {"code": "rate_limit_exceeded", "message": "Slow down."}
    with pytest.raises(UpstreamStatus) as caught:
        decode(status="failed", error=failed, output=[])
    assert (caught.value.message, caught.value.upstream_status, caught.value.code) == (
        "Slow down.", 429, "rate_limit_exceeded",
    )  # fmt: skip
    assert caught.value.retryable


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"{}", b'{"output":7}', b'{"output":[{"type":"message"}]}'])
def test_an_answer_of_another_shape_is_a_broken_promise(body: bytes):
    with pytest.raises(UpstreamProtocol):
        DIALECT.decode_response(body, THEIRS)


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (Choice(message=Message("assistant", (Text("a"),)), finish="pause"), "choices.finish"),
        (Choice(message=Message("assistant", (Text("a"),)), finish="refusal"), "choices.finish"),
        (Choice(message=Message("assistant", (Text("a"),)), finish="context"), "choices.finish"),
        (Choice(message=Message("assistant", (Text("a"),)), finish="stop", stop="END"), "choices.stop"),
        (Choice(message=Message("assistant", (Image(data="AAAA"),)), finish="stop"), "choices.image"),
        (Choice(message=Message("assistant", (Audio(transcript="a"),)), finish="stop"), "choices.audio"),
        (Choice(message=Message("assistant", (Opaque("elsewhere", "x", raw({})),)), finish="stop"), "choices.x"),
    ],
)
def test_what_an_answer_cannot_say_here_is_named(choice: Choice, field: str):
    encoded = DIALECT.encode_response(Response(id="r", choices=(choice,)), ASKED)
    assert [one.field for one in encoded.adaptations] == [field]


def test_only_the_first_of_several_answers_is_sent():
    choices = tuple(
        Choice(message=Message("assistant", (Text(text),)), index=at, finish="stop") for at, text in enumerate("ab")
    )
    encoded = DIALECT.encode_response(Response(id="r", choices=choices), ASKED)
    assert [one.field for one in encoded.adaptations] == ["choices.n"]
    assert msgspec.json.decode(encoded.body)["output"][0]["content"][0]["text"] == "a"


@pytest.mark.parametrize(
    ("status", "body", "message", "code"),
    [
        (429, b'{"error":{"message":"Slow down.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}',
         "Slow down.", "rate_limit_exceeded"),
        (400, b'{"error":{"message":"Too long.","code":"context_length_exceeded"}}', "Too long.",
         "context_length_exceeded"),
        (401, b'{"error":{"message":"Bad key.","code":"invalid_api_key"}}', "Bad key.", "upstream_auth"),
        (400, b'[{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT"}}]', "Bad.", "upstream_error"),
        (422, b'{"detail":[{"loc":["body"],"msg":"x"}]}', '[{"loc":["body"],"msg":"x"}]', "upstream_error"),
        (500, b'{"error":"broken"}', "broken", "upstream_error"),
        (502, b"<html><head><title>502 Bad\n Gateway</title></head><body>x</body></html>", "502 Bad Gateway",
         "upstream_error"),
        (503, b"<p>Come <b>later</b></p><script>x()</script>", "Come later", "upstream_error"),
        (503, b"overloaded", "overloaded", "upstream_error"),
        (500, b"", "The provider answered with status 500 and no explanation.", "upstream_error"),
        (500, b"\xff\xfe", "\ufffd\ufffd", "upstream_error"),
        (500, b'"just words"', "just words", "upstream_error"),
    ],
)  # fmt: skip
def test_an_error_is_read_whatever_its_shape(status: int, body: bytes, message: str, code: str):
    error = DIALECT.decode_error(status, body, 3.0)
    assert (error.message, error.code, error.upstream_status, error.retry_after) == (message, code, status, 3.0)


def test_an_error_of_any_length_is_bounded():
    error = DIALECT.decode_error(500, b"x" * 1_000_000, None)
    assert len(error.message) == 2_000
    assert len(error.body) == 2_000


def test_an_error_is_written_with_its_field_and_its_fix():
    error = InvalidRequest("No.", field="input[0]", fix="Do this.")
    body = msgspec.json.decode(DIALECT.encode_error(error))
    assert body["error"].pop("message") == "input[0]: No. Do this."  # clients show the message, not `param`
    assert body == {"error": {"type": "invalid_request_error", "param": "input[0]", "code": "invalid_request"}}
