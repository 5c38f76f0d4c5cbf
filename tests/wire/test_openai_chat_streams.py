"""Chat Completions streams, as servers send them and as clients read them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletionChunk

from meshwright.types.content import Audio, Citation, Image, Opaque, Reasoning, Refusal, Text, ToolCall
from meshwright.types.errors import StreamCut, UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import (
    Began,
    CitationDelta,
    Delta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    PartEnded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold
from meshwright.wire.openai_chat import DIALECT
from tests.wire.strategies import raw

TARGET = Target("m", "o/m")
ASKED = Request(model="m", stream=True, stream_usage=True)
UNASKED = Request(model="m", stream=True)
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}


def chunk(*deltas: dict[str, Any], **fields: Any) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    return b"data: " + msgspec.json.encode({**HEAD, "choices": choices, **fields}) + b"\n\n"


def finish(reason: str, **fields: Any) -> bytes:
    return chunk(choices=[{"index": 0, "delta": {}, "finish_reason": reason}], **fields)


DONE = b"data: [DONE]\n\n"
USAGE = chunk(usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
SHORT = chunk({"role": "assistant", "content": ""}) + chunk({"content": "Hi"}) + finish("stop") + USAGE + DONE


def deltas(stream: bytes) -> tuple[Delta, ...]:
    return DIALECT.stream_decoder(TARGET).feed(stream)


def parts(stream: bytes) -> tuple[object, ...]:
    return fold(deltas(stream)).choices[0].message.parts


def test_a_short_stream_is_its_deltas() -> None:
    assert deltas(SHORT) == (
        Began(id="chatcmpl-1", model="m", created=7),
        TextDelta(text="Hi", part=0),
        Finished(finish="stop"),
        UsageDelta(Usage(input=3, output=4)),
        Ended(),
    )


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\r", b"\n\n"])
def test_any_line_ends_comments_and_keep_alives_are_fine(end: bytes) -> None:
    stream = b": ping" + end + SHORT.replace(b"\n\n", end) + b":" + end
    assert fold(deltas(stream)) == fold(deltas(SHORT))
    one_by_one = DIALECT.stream_decoder(TARGET)
    found = [delta for byte in stream for delta in one_by_one.feed(bytes([byte]))]
    assert fold(found) == fold(deltas(SHORT))


def test_an_end_mark_without_a_blank_line_is_an_end() -> None:
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(ASKED)
    stream = SHORT.removesuffix(b"\n\n")
    assert decoder.feed(stream)[-1] == Ended()
    assert decoder.ended
    assert tap.feed(stream) == stream
    assert tap.ended


def test_words_thoughts_and_calls_are_parts_in_order_of_appearance() -> None:
    stream = (
        chunk({"reasoning": "h"})
        + chunk({"reasoning_content": "m"})
        + chunk({"content": "a"})
        + chunk(
            {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]}
        )
        + chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]})
        + chunk({"tool_calls": [{"index": 1, "id": "c2", "type": "custom", "custom": {"name": "g", "input": "in"}}]})
        + chunk({"content": "b"})
        + chunk({"refusal": "no"})
        + finish("tool_calls")
        + DONE
    )
    assert parts(stream) == (
        Reasoning(text="hm"),
        Text("a"),
        ToolCall(id="c1", name="f", arguments="{}"),
        ToolCall(id="c2", name="g", arguments="in", kind="custom"),
        Text("b"),
        Refusal("no"),
    )


@pytest.mark.parametrize(
    "pieces",
    [
        # Every call is number 0 and whole (Gemini's compatible API).
        [
            {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "1"}},
            {"index": 0, "id": "b", "type": "function", "function": {"name": "g", "arguments": "2"}},
        ],
        # No numbers at all.
        [
            {"id": "a", "function": {"name": "f", "arguments": "1"}},
            {"id": "b", "function": {"name": "g", "arguments": "2"}},
        ],
        # The id again with every piece.
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}},
            {"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}},
            {"index": 1, "id": "b", "function": {"arguments": "2"}},
        ],
        # Pieces of both, interleaved.
        [
            {"index": 0, "id": "a", "function": {"name": "f"}},
            {"index": 1, "id": "b", "function": {"name": "g"}},
            {"index": 0, "function": {"arguments": "1"}},
            {"index": 1, "function": {"arguments": "2"}},
        ],
    ],
)
def test_parallel_calls_are_told_apart_however_they_are_numbered(pieces: list[dict[str, Any]]) -> None:
    stream = b"".join(chunk({"tool_calls": [piece]}) for piece in pieces)
    expected = (ToolCall(id="a", name="f", arguments="1"), ToolCall(id="b", name="g", arguments="2"))
    assert parts(stream) == expected
    assert parts(chunk({"tool_calls": pieces})) == expected


def test_calls_without_ids_get_the_ids_of_the_whole_answer() -> None:
    stream = chunk({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}) + finish("stop")
    body = {**HEAD, "choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}]}
    whole = DIALECT.decode_response(msgspec.json.encode(body), TARGET)
    assert parts(stream) == whole.choices[0].message.parts
    assert fold(deltas(stream)).choices[0].finish == "tool_calls"


def test_sounds_pictures_and_citations_stream_too() -> None:
    page = {"url": "https://example.org", "title": "T", "start_index": 0, "end_index": 1}
    stream = (
        chunk({"content": "x"})
        + chunk({"annotations": [{"type": "url_citation", "url_citation": page}]})
        + chunk({"images": [{"index": 0, "type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]})
        + chunk({"audio": {"id": "s", "data": "YQ=="}})
        + chunk({"audio": {"data": "Yg==", "transcript": "ab"}})
        + chunk({"audio": {"expires_at": 9}})
    )
    assert parts(stream) == (
        Text("x", citations=(Citation(kind="url", url="https://example.org", title="T", start=0, end=1),)),
        Image(data="AAAA", media_type="image/png"),
        Audio(id="s", data="YWI=", transcript="ab", expires_at=9),
    )


def test_mistral_streams_its_thoughts_in_a_list() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    stream = (
        chunk({"content": [thought]})
        + chunk({"content": "x"})
        + chunk({"content": [{"type": "reference", "ids": [1]}]})
    )
    assert parts(stream) == (
        Reasoning(text="hm"),
        Text("x"),
        Opaque("openai_chat", "reference", raw({"type": "reference", "ids": [1]})),
    )


def test_azures_first_chunk_is_not_the_beginning() -> None:
    first = b'data: {"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[1]}\n\n'
    found = deltas(first + SHORT)
    assert found[:2] == (
        Began(id="chatcmpl-1", model="m", created=7),
        OpaqueDelta(value=Opaque("openai_chat", "prompt_filter_results", raw([1]))),
    )


def test_members_that_only_the_provider_knows_come_through() -> None:
    stream = (
        chunk({"content": "a", "reasoning_details": [1]}, system_fingerprint="fp")
        + chunk({"reasoning_details": [2]}, system_fingerprint="fp", obfuscation="zzz")
        + finish("stop")
    )
    found = fold(deltas(stream))
    assert found.extra == (Opaque("openai_chat", "system_fingerprint", raw("fp")),)
    assert found.choices[0].message.extra == (Opaque("openai_chat", "reasoning_details", raw([1, 2])),)


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error":{"message":"overloaded","type":"server_error","code":"busy"}}\n\n',
        b'data: {"error":{"code":"busy","message":"overloaded"},"choices":[{"delta":{},"finish_reason":"error"}]}\n\n',
        b'data: {"object":"error","message":"overloaded","code":"busy"}\n\n',
        b'event: error\ndata: {"message":"overloaded","code":"busy"}\n\n',
        b'data: [{"error":{"message":"overloaded","status":"X","type":"busy"}}]\n\n',
        b'data: {"error":"overloaded"}\n\n',
    ],
)
def test_an_error_in_the_stream_fails_it_whatever_its_shape(error: bytes) -> None:
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(ASKED)
    stream = chunk({"content": "a"}) + error
    last = decoder.feed(stream)[-1]
    assert isinstance(last, Failed)
    assert last.message == "overloaded"
    assert decoder.ended
    assert tap.feed(stream) == stream
    assert tap.failed == "overloaded"


@pytest.mark.parametrize(
    "bad", [b"data: {\n\n", b"data: 3\n\n", b'data: {"choices":3}\n\n', b'data: {"usage":[1]}\n\n']
)
def test_an_event_that_is_no_chunk_is_a_protocol_error(bad: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        deltas(bad)


def test_a_stream_without_its_end_mark_has_not_ended() -> None:
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(ASKED)
    cut = SHORT.removesuffix(DONE)
    decoder.feed(cut)
    tap.feed(cut)
    assert (decoder.ended, tap.ended) == (False, False)


def _chunks(stream: bytes) -> list[ChatCompletionChunk]:
    bodies = [event.removeprefix(b"data: ") for event in stream.split(b"\n\n") if event]
    return [ChatCompletionChunk.model_validate_json(body) for body in bodies if body != b"[DONE]"]


def test_what_a_client_gets_is_valid_by_the_official_types() -> None:
    encoder = DIALECT.stream_encoder(ASKED)
    stream = encoder.feed(
        (
            Began(id="msg", model="claude", created=5, usage=Usage(input=3)),
            ReasoningDelta(part=0, text="hm"),
            ReasoningDelta(part=0, signature="s"),
            PartEnded(0),
            TextDelta(text="One ", part=1),
            TextDelta(text="two", part=2),
            CitationDelta(citation=Citation(kind="url", url="https://example.org", title="T", start=0, end=3), part=2),
            ToolCallDelta(part=3, id="c1", name="f"),
            ToolCallDelta(part=3, arguments="{}"),
            ToolCallDelta(part=4, id="c2", name="g", arguments="{}"),
            Finished(finish="tool_calls"),
            UsageDelta(Usage(input=3, output=9)),
            Ended(),
        )
    )
    assert stream.endswith(DONE)
    found = _chunks(stream)
    words = "".join(one.choices[0].delta.content or "" for one in found if one.choices)
    assert words == "One two"
    assert found[0].choices[0].delta.role == "assistant"
    calls = [call for one in found if one.choices for call in one.choices[0].delta.tool_calls or ()]
    assert [(call.index, call.id) for call in calls] == [(0, "c1"), (0, None), (1, "c2")]
    assert b'"start_index":4' in stream
    assert b'{"reasoning_content":"hm"}' in stream
    assert [one.choices[0].finish_reason for one in found if one.choices][-1] == "tool_calls"
    assert found[-1].usage is not None
    assert found[-1].usage.total_tokens == 12
    assert [(one.field, one.action) for one in encoder.adaptations] == [("choices", "dropped"), ("choices", "changed")]


def test_usage_is_told_only_to_a_client_that_asked() -> None:
    told = (Began(id="a"), TextDelta(text="x", part=0), Finished(finish="stop"), UsageDelta(Usage(input=1)), Ended())
    assert b"usage" not in DIALECT.stream_encoder(UNASKED).feed(told)
    assert b'"usage"' in DIALECT.stream_encoder(ASKED).feed(told)


def test_a_tap_takes_only_the_usage_out_that_was_not_asked_for() -> None:
    for size in (1, 7, len(SHORT)):
        pieces = [SHORT[start : start + size] for start in range(0, len(SHORT), size)]
        asked, unasked = DIALECT.tap(ASKED), DIALECT.tap(UNASKED)
        assert b"".join(map(asked.feed, pieces)) == SHORT
        assert b"".join(map(unasked.feed, pieces)) == SHORT.replace(USAGE, b"")
        for tap in (asked, unasked):
            assert (tap.usage, tap.finish, tap.ended) == (Usage(input=3, output=4), "stop", True)
            assert (tap.id, tap.model, tap.failed) == ("chatcmpl-1", "m", "")


def test_a_tap_leaves_usage_that_comes_with_the_last_words() -> None:
    stream = chunk({"content": "x"}) + finish("stop", usage={"prompt_tokens": 1, "completion_tokens": 1}) + DONE
    tap = DIALECT.tap(UNASKED)
    assert tap.feed(stream) == stream
    assert tap.usage == Usage(input=1, output=1)


def test_words_that_look_like_members_do_not_fool_the_tap() -> None:
    stream = chunk({"content": '{"usage":{"prompt_tokens":9},"finish_reason":"length","error":1}'}) + DONE
    tap = DIALECT.tap(UNASKED)
    assert tap.feed(chunk({"content": ""}) + stream) == chunk({"content": ""}) + stream
    assert (tap.usage, tap.finish, tap.failed) == (None, None, "")


def test_an_error_ends_a_stream_without_an_end_mark() -> None:
    encoder = DIALECT.stream_encoder(ASKED)
    encoder.feed((Began(id="a"), TextDelta(text="x", part=0)))
    last = encoder.fail(StreamCut("The provider hung up."))
    assert json.loads(last.removeprefix(b"data: "))["error"]["message"] == "The provider hung up."
    assert encoder.feed((Ended(),)) == b""


def test_a_client_that_asked_with_functions_gets_a_function_call() -> None:
    request = DIALECT.decode_request(
        b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}],"functions":[{"name":"f"}]}'
    )
    stream = DIALECT.stream_encoder(request).feed(
        (
            ToolCallDelta(part=0, id="c", name="f", arguments="{"),
            ToolCallDelta(part=0, arguments="}"),
            Finished(finish="tool_calls"),
        )
    )
    assert b'{"function_call":{"name":"f","arguments":"{"}}' in stream
    assert b'{"function_call":{"arguments":"}"}}' in stream
    assert b'"finish_reason":"function_call"' in stream
