"""Requests and answers in the forms that Ollama's documentation shows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import File, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.errors import InvalidRequest, LimitReached, UpstreamProtocol
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Ended, Failed, Response
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold
from meshwright.wire.ollama import DIALECT

TARGET = Target("llama3.2", "p/m")
ASKED = Request(model="m", stream=True)
SCHEMA = msgspec.Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}')
BODY: dict[str, Any] = {
    "model": "qwen3",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather in Oslo and Rome? And this?", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "Two calls.",
            "tool_calls": [
                {"function": {"name": "weather", "arguments": {"city": "Oslo"}}},
                {"function": {"index": 1, "name": "weather", "arguments": {"city": "Rome"}}},
            ],
        },
        {"role": "tool", "tool_name": "weather", "content": "3"},
        {"role": "tool", "tool_name": "weather", "content": "21"},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "description": "It.", "parameters": SCHEMA}}],
    "format": {"type": "object"},
    "options": {"temperature": 0.5, "num_predict": 9, "num_ctx": 4096, "stop": "END", "seed": 7, "repeat_penalty": 1.1},
    "think": "high",
    "keep_alive": "5m",
    "logprobs": True,
    "top_logprobs": 2,
}


def decoded(**changes: Any) -> Request:
    return DIALECT.decode_request(msgspec.json.encode({**BODY, **changes}))


def answered(**members: Any) -> bytes:
    message = {"role": "assistant", "content": "Hi"}
    return msgspec.json.encode({"model": "m", "created_at": "2023-11-14T22:13:20Z", "message": message, **members})


def test_every_member_has_its_place() -> None:
    request = decoded()
    assert request.stream
    assert (request.temperature, request.max_tokens, request.stop, request.seed) == (0.5, 9, ("END",), 7)
    assert (request.output, request.reasoning) == (
        OutputFormat(kind="schema", schema=msgspec.Raw(b'{"type":"object"}')),
        ReasoningControl(effort="high"),
    )
    assert (request.logprobs, request.top_logprobs) == (True, 2)
    assert request.tools == (ToolSpec(name="weather", description="It.", schema=SCHEMA),)
    assert [(one.kind, bytes(one.raw)) for one in request.extra] == [
        ("keep_alive", b'"5m"'),
        ("options.num_ctx", b"4096"),
        ("options.repeat_penalty", b"1.1"),
    ]
    assert request.messages[1].parts[1] == Image(data="iVBORw0KGgo=", media_type="image/png")


def test_calls_without_ids_get_the_same_ones_each_time_and_results_find_them() -> None:
    first, second = decoded().messages, decoded().messages
    assert first == second
    assert first[2].parts[0] == Reasoning(text="Two calls.")
    calls = [part for part in first[2].parts if isinstance(part, ToolCall)]
    assert len({call.id for call in calls}) == 2
    assert first[3] == Message(
        "tool",
        (ToolResult(call_id=calls[0].id, parts=(Text("3"),)), ToolResult(call_id=calls[1].id, parts=(Text("21"),))),
    )
    sent = msgspec.json.decode(DIALECT.encode_request(Request(model="m", messages=first), TARGET).body)
    assert [turn.get("tool_name") for turn in sent["messages"]] == [None, None, None, "weather", "weather"]
    assert [turn.get("tool_call_id") for turn in sent["messages"][3:]] == [call.id for call in calls]


def test_a_stream_is_what_one_gets_who_does_not_say() -> None:
    assert decoded().stream
    assert decoded(stream=True).stream
    assert not decoded(stream=False).stream


def test_an_unchanged_request_keeps_its_bytes() -> None:
    body = b'{"model": "auto", "messages":[{"role":"user","content":"a"}], "x":  {"y": 1}}'
    sent = DIALECT.encode_request(DIALECT.decode_request(body), TARGET)
    assert sent.adaptations == ()
    assert sent.body == b'{"model":"llama3.2","messages":[{"role":"user","content":"a"}],"x":{"y": 1}}'


def test_no_limit_is_no_limit() -> None:
    request = decoded(options={"num_predict": -1})
    assert request.max_tokens is None
    assert request.extra[-1].kind == "options.num_predict"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "x", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "images": "a"}]}, "messages[0].images"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 5}}]}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": [{"x": 1}]}]}, "messages[0].tool_calls[0].function"),
        ({"options": {"temperature": -1}}, "options.temperature"),
        ({"options": {"top_p": 2}}, "options.top_p"),
        ({"options": 5}, "options"),
        ({"think": 5}, "think"),
        ({"format": 5}, "format"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"model": None}, "model"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**changes)
    assert caught.value.field == field


def test_what_has_no_place_is_named() -> None:
    request = Request(
        model="m",
        messages=(
            Message("developer", (Text("a"),)),
            Message("user", (Image(url="https://x/y.png"), File(text="words", name="n.txt"))),
            Message("assistant", (Reasoning(text="t", signature="s", origin="q/m"), Text("b", cache="5m"))),
        ),
        tools=(ToolSpec(name="f"), ToolSpec(name="g")),
        tool_choice=ToolChoice("tool", ("g",)),
        reasoning=ReasoningControl(effort="max"),
        n=2,
    )
    encoded = DIALECT.encode_request(request, TARGET)
    sent = msgspec.json.decode(encoded.body)
    assert sent["messages"] == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "n.txt\nwords"},
        {"role": "assistant", "content": "b"},
    ]
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["g"]
    assert {one.field: one.action for one in encoded.adaptations} == {
        "messages.role": "moved",
        "messages.image": "dropped",
        "messages.file": "changed",
        "messages.reasoning": "dropped",
        "messages.cache": "dropped",
        "tool_choice": "dropped",
        "tools": "changed",
        "reasoning": "changed",
        "n": "dropped",
    }


def test_an_answer_has_its_counts_its_time_and_its_tokens() -> None:
    body = answered(
        done=True,
        done_reason="length",
        total_duration=5,
        prompt_eval_count=26,
        eval_count=9,
        logprobs=[{"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Ho", "logprob": -1}]}],
    )
    answer = DIALECT.decode_response(body, TARGET)
    assert (answer.text, answer.created, answer.usage) == ("Hi", 1700000000, Usage(input=26, output=9))
    assert answer.choices[0].finish == "length"
    assert answer.extra == (Opaque("ollama", "total_duration", msgspec.Raw(b"5")),)
    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs[0].top[0].token == "Ho"
    assert DIALECT.encode_response(answer, ASKED).body == body


def test_a_call_ends_the_answer_whatever_it_is_told_as() -> None:
    call = {"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}
    message = {"role": "assistant", "content": "", "tool_calls": [call]}
    answer = DIALECT.decode_response(answered(message=message, done=True, done_reason="stop"), TARGET)
    assert answer.choices[0].finish == "tool_calls"
    assert answer.choices[0].message.parts == (ToolCall(id="c1", name="f", arguments='{"a":1}'),)


def test_a_reason_of_its_own_comes_back() -> None:
    answer = DIALECT.decode_response(answered(done=True, done_reason="load"), TARGET)
    assert answer.choices[0].finish == "unknown"
    again = DIALECT.encode_response(msgspec.structs.replace(answer, source=None), ASKED)
    assert msgspec.json.decode(again.body)["done_reason"] == "load"


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"error":"no"}', b'{"message":5}', b'{"message":{"role":7}}', b"\xff"]
)
def test_what_is_no_answer_is_a_broken_promise(body: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        DIALECT.decode_response(body, TARGET)


def test_a_line_tells_an_error_and_a_stream_without_its_last_line_was_cut() -> None:
    begun = answered(done=False) + b"\n"
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(ASKED)
    assert decoder.feed(begun)
    assert tap.feed(begun + b'{"error"') == begun
    assert not decoder.ended
    assert not tap.ended
    assert decoder.feed(b'{"error":"it broke"}\n') == (Failed("it broke"),)
    assert tap.feed(b':"it broke"}\n') == b'{"error":"it broke"}\n'
    assert (decoder.ended, tap.ended, tap.failed) == (True, True, "it broke")


def test_the_last_line_may_lack_its_end() -> None:
    body = answered(done=True, done_reason="stop")
    for size in (1, 9, len(body)):
        decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(ASKED)
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        deltas = [delta for piece in pieces for delta in decoder.feed(piece)]
        assert deltas[-1] == Ended()
        assert b"".join(map(tap.feed, pieces)) == body
        assert tap.finish == "stop"
        assert fold(deltas).text == "Hi"


def test_pieces_of_parallel_calls_are_sent_as_whole_calls() -> None:
    chat = Response(
        model="m",
        choices=(
            Choice(message=Message("assistant", (ToolCall(id="a", name="f", arguments='{"x"'),)), finish="tool_calls"),
        ),
    )
    encoded = DIALECT.encode_response(chat, ASKED)
    assert msgspec.json.decode(encoded.body)["message"]["tool_calls"][0]["function"]["arguments"] == {
        "arguments": '{"x"'
    }
    assert [one.field for one in encoded.adaptations] == ["choices.arguments"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":"model \'x\' not found"}', "model 'x' not found"),
        (b'{"error":{"message":"no","code":"c"}}', "no"),
        (b"<html><body>Bad  gateway</body></html>", "Bad gateway"),
        (b"", "The provider answered with status 404 and no words."),
    ],
)
def test_errors_are_read_whatever_their_form(body: bytes, words: str) -> None:
    assert DIALECT.decode_error(404, body, None).message == words


def test_an_error_is_told_with_its_fix() -> None:
    told = msgspec.json.decode(DIALECT.encode_error(LimitReached("Too many.", fix="Wait.")))
    assert told == {"error": "Too many. Wait.", "code": "rate_limit_exceeded", "fix": "Wait."}


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("2023-08-04T08:52:19.385406455-07:00", 1691164339),
        ("2024-02-29T23:59:59Z", 1709251199),
        ("1970-01-01T00:00:00Z", 0),
        ("yesterday", 0),
    ],
)
def test_the_time_of_an_answer_is_read_and_told(told: str, seconds: int) -> None:
    answer = DIALECT.decode_response(answered(done=True, done_reason="stop", created_at=told), TARGET)
    assert answer.created == seconds
    again = DIALECT.encode_response(msgspec.structs.replace(answer, source=None), ASKED)
    assert DIALECT.decode_response(again.body, TARGET).created == seconds
