"""Chat Completions answers, whole, as OpenAI and the compatible servers write them; and errors."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion

from meshwright.types.content import Audio, Citation, Image, Message, Opaque, Reasoning, Refusal, Text, ToolCall
from meshwright.types.errors import InvalidRequest, Overloaded, UpstreamProtocol, UpstreamStatus
from meshwright.types.request import Request
from meshwright.types.response import Choice, Finish, Response, TokenProbability
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.openai_chat import DIALECT
from tests.wire.strategies import raw

TARGET = Target("m", "o/m")
ASKED = Request(model="m")


def answer(message: dict[str, Any], **fields: Any) -> Response:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m", "choices": [choice], **fields}
    return DIALECT.decode_response(msgspec.json.encode(body), TARGET)


def parts(message: dict[str, Any]) -> tuple[object, ...]:
    return answer(message).choices[0].message.parts


def shown(response: Response, request: Request = ASKED) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(DIALECT.encode_response(response, request).body)
    ChatCompletion.model_validate(body)
    return body


def test_words_thoughts_calls_and_sound_are_read() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    found = parts(
        {
            "content": "see",
            "reasoning_content": "hm",
            "refusal": "no",
            "tool_calls": [call],
            "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
            "audio": {"id": "s", "data": "AAAA", "transcript": "t", "expires_at": 9},
        }
    )
    assert found == (
        Reasoning(text="hm"),
        Text("see"),
        Refusal("no"),
        Image(data="AAAA", media_type="image/png"),
        ToolCall(id="c", name="f", arguments="{}"),
        Audio(id="s", data="AAAA", transcript="t", expires_at=9),
    )


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning": "hm", "content": "x"},
        {"reasoning": "hm", "reasoning_content": "hm", "content": "x"},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "x"},
            ]
        },
    ],
)
def test_thoughts_are_found_wherever_a_server_puts_them(message: dict[str, Any]) -> None:
    assert parts(message) == (Reasoning(text="hm"), Text("x"))


def test_citations_of_pages_belong_to_their_words() -> None:
    page = {"url": "https://example.org", "title": "T", "start_index": 1, "end_index": 3}
    found = answer(
        {
            "content": "abc",
            "annotations": [
                {"type": "url_citation", "url_citation": page},
                {"type": "file", "file": {"hash": "h"}},
            ],
        }
    ).choices[0]
    text = found.message.parts[0]
    assert isinstance(text, Text)
    assert text.citations == (Citation(kind="url", url="https://example.org", title="T", start=1, end=3),)
    assert found.message.extra == (
        Opaque("openai_chat", "annotations", raw([{"type": "file", "file": {"hash": "h"}}])),
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, Usage(input=10, output=5)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10, "cache_write_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 4},
            },
            Usage(input=25, cache_read=60, audio_input=10, cache_write=5, output=26, reasoning=20, audio_output=4),
        ),
        # DeepSeek
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "prompt_cache_hit_tokens": 8},
            Usage(input=1, cache_read=8, output=1),
        ),
        # xAI counts reasoning beside the completion.
        (
            {
                "prompt_tokens": 3,
                "completion_tokens": 2,
                "total_tokens": 12,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(input=3, output=2, reasoning=7),
        ),
        # OpenRouter
        ({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.00012}, Usage(input=1, output=1, cost_nano=120_000)),
        # Counts as some servers write them.
        ({"prompt_tokens": 5.0, "completion_tokens": "7", "total_tokens": 12.0}, Usage(input=5, output=7)),
        # No count at all: it stays below nothing, so that whoever prices it sees that, and nothing is made of it.
        ({"prompt_tokens": -5, "completion_tokens": -7}, Usage(input=-5, output=-7)),
        ({"prompt_tokens": 1, "completion_tokens": 1, "cost": 1e308}, Usage(input=1, output=1, cost_nano=10**21)),
        # A count that contradicts its total does not become negative.
        ({"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}, Usage(cache_read=4)),
    ],
)
def test_token_counts_fall_into_buckets_that_do_not_overlap(usage: dict[str, Any], expected: Usage) -> None:
    assert answer({"content": "x"}, usage=usage).usage == expected


def test_details_of_the_usage_without_a_bucket_are_kept() -> None:
    details = {"accepted_prediction_tokens": 3, "rejected_prediction_tokens": 0}
    usage = {"prompt_tokens": 1, "completion_tokens": 5, "completion_tokens_details": details, "queue_time": 0.5}
    found = answer({"content": "x"}, usage=usage)
    assert [one.kind for one in found.extra] == [
        "usage/completion_tokens_details/accepted_prediction_tokens",
        "usage/queue_time",
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("function_call", "tool_calls"),
        ("eos", "stop"),
    ],
)
def test_a_finish_is_read_in_our_words(reason: str, expected: Finish) -> None:
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": reason}]}
    assert DIALECT.decode_response(msgspec.json.encode(body), TARGET).choices[0].finish == expected


def test_an_unknown_finish_is_unknown_and_goes_back_as_it_came() -> None:
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "tired"}]}
    found = DIALECT.decode_response(msgspec.json.encode(body), TARGET)
    assert found.choices[0].finish == "unknown"
    again = json.loads(DIALECT.encode_response(Response(choices=found.choices), ASKED).body)
    assert again["choices"][0]["finish_reason"] == "tired"


def test_calls_without_an_id_get_one_and_finish_the_answer() -> None:
    body = {
        "id": "chatcmpl-9",
        "choices": [
            {"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, "finish_reason": "stop"}
        ],
    }
    choice = DIALECT.decode_response(msgspec.json.encode(body), TARGET).choices[0]
    assert choice.message.parts == (ToolCall(id="call_9_0_0", name="f", arguments='{"a":1}'),)
    assert choice.finish == "tool_calls"


def test_an_unchanged_answer_goes_out_as_its_own_bytes() -> None:
    body = b'{"id": "x", "zeta":  [1, 2], "choices": [{"message": {"role":"assistant","content":"a"}, "q": 1}]}'
    assert DIALECT.encode_response(DIALECT.decode_response(body, TARGET), ASKED).body == body


def test_members_that_only_the_provider_knows_survive_a_change() -> None:
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "system_fingerprint": "fp",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "a", "reasoning_details": [{"a": 1}]},
                "finish_reason": "stop",
                "native_finish_reason": "end",
                "stop_reason": "###",
            }
        ],
    }
    found = DIALECT.decode_response(msgspec.json.encode(body), TARGET)
    again = shown(Response(id="x", model="m", created=1, choices=found.choices, extra=found.extra))
    assert again["system_fingerprint"] == "fp"
    choice = again["choices"][0]
    assert choice["message"]["reasoning_details"] == [{"a": 1}]
    assert (choice["native_finish_reason"], choice["stop_reason"]) == ("end", "###")
    assert found.choices[0].stop == "###"


def test_an_answer_of_another_dialect_is_valid_by_the_official_types() -> None:
    message = Message(
        "assistant",
        (
            Reasoning(text="hm", signature="s", origin="anthropic/claude"),
            Text("One ", citations=(Citation(kind="url", url="https://example.org", title="T", start=0, end=3),)),
            Text("two", citations=(Citation(kind="url", url="https://example.org/2", title="U", start=0, end=3),)),
            ToolCall(id="c1", name="f", arguments="{}"),
            ToolCall(id="c2", name="g", arguments="in", kind="custom"),
            Audio(id="s", data="AAAA", transcript="t", expires_at=4),
        ),
    )
    told = (TokenProbability(token="One", logprob=-0.1, bytes=(79,), top=(TokenProbability(token="A", logprob=-2.0),)),)
    response = Response(
        id="msg_1",
        model="claude",
        created=5,
        choices=(Choice(message=message, finish="tool_calls", logprobs=told),),
        usage=Usage(input=3, cache_read=2, cache_write=1, output=4, reasoning=6),
    )
    encoded = DIALECT.encode_response(response, ASKED)
    body = ChatCompletion.model_validate_json(encoded.body)
    choice = body.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("One two", "tool_calls")
    assert json.loads(encoded.body)["choices"][0]["message"]["reasoning_content"] == "hm"
    assert choice.message.annotations is not None
    assert [(one.url_citation.start_index, one.url_citation.end_index) for one in choice.message.annotations] == [
        (0, 3),
        (4, 7),
    ]
    assert body.usage is not None
    assert (body.usage.prompt_tokens, body.usage.completion_tokens, body.usage.total_tokens) == (6, 10, 16)
    assert {one.field for one in encoded.adaptations} == {"choices"}


def test_a_client_that_asked_with_functions_gets_a_function_call() -> None:
    request = DIALECT.decode_request(
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"functions":[{"name":"f"}]}'
    )
    message = Message("assistant", (ToolCall(id="c1", name="f", arguments="{}"),))
    body = shown(Response(choices=(Choice(message=message, finish="tool_calls"),)), request)
    choice = body["choices"][0]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert choice["finish_reason"] == "function_call"
    assert "tool_calls" not in choice["message"]


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"<html>", b'{"choices": 3}', b'{"id": "x"}', b'{"choices":[{}]}']
)
def test_an_answer_that_is_none_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        DIALECT.decode_response(body, TARGET)


def test_an_error_with_status_200_is_an_error() -> None:
    with pytest.raises(UpstreamStatus, match="no credits") as caught:
        DIALECT.decode_response(b'{"error":{"message":"no credits","code":429}}', TARGET)
    assert caught.value.upstream_status == 429


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (
            b'{"error":{"message":"too long","type":"t","code":"context_length_exceeded"}}',
            "too long",
            "context_length_exceeded",
        ),
        (b'{"error":{"message":"m","type":"overloaded","code":null}}', "m", "overloaded"),
        (b'[{"error":{"code":400,"message":"bad","status":"INVALID"}}]', "bad", "upstream_error"),
        (b'{"error":"model not loaded"}', "model not loaded", "upstream_error"),
        (b'{"object":"error","message":"mistral says","type":"x"}', "mistral says", "x"),
        (b'{"detail":"Not here"}', "Not here", "upstream_error"),
        (b'{"detail":[{"loc":["body"],"msg":"missing"}]}', '[{"loc":["body"],"msg":"missing"}]', "upstream_error"),
        (
            b"<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>",
            "502 Bad Gateway",
            "upstream_error",
        ),
        (b"<p>Down &amp; out</p>", "Down & out", "upstream_error"),
        (b"plain words", "plain words", "upstream_error"),
        (b"", "The provider answered with status 500 and no explanation.", "upstream_error"),
        (b"{broken", "{broken", "upstream_error"),
    ],
)
def test_a_providers_error_is_read_whatever_its_shape(body: bytes, message: str, code: str) -> None:
    error = DIALECT.decode_error(500, body, 3.0)
    assert (error.message, error.code, error.retry_after, error.status) == (message, code, 3.0, 500)


def test_a_providers_long_words_are_cut_and_its_refusal_of_our_key_is_not_the_callers() -> None:
    error = DIALECT.decode_error(401, b'{"error":{"message":"' + b"x" * 9999 + b'","code":"invalid_api_key"}}', None)
    assert len(error.message) == 2000
    assert (error.code, error.status) == ("upstream_auth", 502)


def test_our_errors_have_the_shape_of_the_dialect() -> None:
    error = InvalidRequest("It is wrong.", field="seed", fix="Make it right.")
    assert json.loads(DIALECT.encode_error(error)) == {
        "error": {
            "message": "seed: It is wrong. Make it right.",
            "type": "invalid_request_error",
            "param": "seed",
            "code": "invalid_request",
        }
    }
    assert json.loads(DIALECT.encode_error(Overloaded("full")))["error"]["type"] == "server_error"
