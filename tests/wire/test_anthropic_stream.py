"""Streams of the Messages API: read, written, and listened to."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from anthropic._streaming import SSEDecoder
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from meshwright.types.content import Citation, Message, Opaque, Reasoning, Text, ToolCall
from meshwright.types.errors import StreamCut, UpstreamError, UpstreamProtocol
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
    Response,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from tests.wire.strategies_anthropic import answers, any_answers, json_values, meaning

TARGET = Target("m", "p/m")
REQUEST = Request(model="auto", stream=True)
EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


def line(**event: Any) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


def begin(**message: Any) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], **message}
    head.setdefault("usage", {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1})
    return line(type="message_start", message=head)


def start(index: int, **block: Any) -> bytes:
    return line(type="content_block_start", index=index, content_block=block)


def piece(index: int, **delta: Any) -> bytes:
    return line(type="content_block_delta", index=index, delta=delta)


def stop(index: int) -> bytes:
    return line(type="content_block_stop", index=index)


def close(reason: str | None = "end_turn", **usage: int) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return line(type="message_delta", delta=delta, usage=usage or {"output_tokens": 20})


END = line(type="message_stop")
CITED = {
    "type": "char_location", "cited_text": "q", "document_index": 0, "document_title": None, "start_char_index": 1,
    "end_char_index": 2,
}  # fmt: skip
STREAM = (
    begin()
    + line(type="ping")
    + start(0, type="thinking", thinking="", signature="")
    + piece(0, type="thinking_delta", thinking="hm")
    + piece(0, type="signature_delta", signature="sig")
    + stop(0)
    + start(1, type="redacted_thinking", data="zz")
    + stop(1)
    + start(2, type="text", text="")
    + piece(2, type="text_delta", text="Hel")
    + piece(2, type="text_delta", text="lo")
    + piece(2, type="citations_delta", citation=CITED)
    + stop(2)
    + start(3, type="tool_use", id="t1", name="get", input={})
    + piece(3, type="input_json_delta", partial_json="")
    + piece(3, type="input_json_delta", partial_json='{"a"')
    + piece(3, type="input_json_delta", partial_json=": 1}")
    + stop(3)
    + start(4, type="tool_use", id="t2", name="now", input={}, caller={"type": "direct"})
    + stop(4)
    + start(5, type="server_tool_use", id="s1", name="web_search", input={})
    + piece(5, type="input_json_delta", partial_json='{"query":"x"}')
    + stop(5)
    + start(6, type="web_search_tool_result", tool_use_id="s1", content=[{"x": 1}])
    + stop(6)
    + close("tool_use", input_tokens=11, output_tokens=30)
    + END
)


def decoded(*pieces: bytes) -> list[Delta]:
    decoder = DIALECT.stream_decoder(TARGET)
    return [delta for data in pieces for delta in decoder.feed(data)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(marks)]


def in_order(response: Response) -> Response:
    """With its extra members in one order: a stream tells them in another than a whole answer."""
    return msgspec.structs.replace(response, extra=tuple(sorted(response.extra, key=lambda one: one.kind)))


def written(deltas: Any, request: Request = REQUEST) -> tuple[bytes, dict[str, str]]:
    encoder = DIALECT.stream_encoder(request)
    data = encoder.feed(deltas)
    return data, {note.field: note.action for note in encoder.adaptations}


def test_every_usual_event_has_its_delta() -> None:
    assert decoded(STREAM) == [
        Began(id="msg_1", model="claude-x", usage=Usage(input=9, cache_read=4, output=1)),
        ReasoningDelta(part=0, text="hm"),
        ReasoningDelta(part=0, signature="sig"),
        PartEnded(0),
        ReasoningDelta(part=1, encrypted="zz"),
        PartEnded(1),
        TextDelta(part=2, text="Hel"),
        TextDelta(part=2, text="lo"),
        CitationDelta(part=2, citation=Citation(kind="document", quote="q", document=0, source_start=1, source_end=2)),
        PartEnded(2),
        ToolCallDelta(part=3, id="t1", name="get"),
        ToolCallDelta(part=3, arguments='{"a"'),
        ToolCallDelta(part=3, arguments=": 1}"),
        PartEnded(3),
        ToolCallDelta(part=4, id="t2", name="now"),
        ToolCallDelta(part=4, arguments="{}"),
        PartEnded(4),
        OpaqueDelta(
            part=5,
            value=Opaque(
                "anthropic_messages",
                "server_tool_use",
                msgspec.Raw(b'{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"x"}}'),
            ),
        ),
        PartEnded(5),
        OpaqueDelta(
            part=6,
            value=Opaque(
                "anthropic_messages",
                "web_search_tool_result",
                msgspec.Raw(b'{"type":"web_search_tool_result","tool_use_id":"s1","content":[{"x":1}]}'),
            ),
        ),
        PartEnded(6),
        UsageDelta(Usage(input=11, cache_read=4, output=30)),
        Finished(finish="tool_calls"),
        Ended(),
    ]


@slow
@given(st.lists(st.integers(0, len(STREAM)), max_size=8), st.sampled_from([b"\n", b"\r\n"]))
def test_a_stream_may_be_cut_anywhere(places: list[int], newline: bytes) -> None:
    data = STREAM.replace(b"\n", newline)
    pieces = cut(data, places)
    assert fold(decoded(*pieces)) == fold(decoded(STREAM))
    tap = DIALECT.tap(REQUEST)
    assert b"".join(map(tap.feed, pieces)) == data
    assert (tap.id, tap.model, tap.finish, tap.ended, tap.failed) == ("msg_1", "claude-x", "tool_calls", True, "")
    assert tap.usage == Usage(input=11, cache_read=4, output=30)


def test_a_stream_folds_to_what_the_whole_answer_says() -> None:
    response = fold(decoded(STREAM), "p/m")
    assert response.choices[0].message.parts[:3] == (
        Reasoning(text="hm", signature="sig", origin="p/m"),
        Reasoning(encrypted="zz", origin="p/m"),
        Text(
            "Hello",
            citations=(Citation(kind="document", quote="q", document=0, source_start=1, source_end=2),),
        ),
    )
    assert response.choices[0].message.parts[3:5] == (
        ToolCall(id="t1", name="get", arguments='{"a": 1}'),
        ToolCall(id="t2", name="now", arguments="{}"),
    )


def test_comments_names_and_blank_events_do_not_matter() -> None:
    bare = b"".join(part for part in STREAM.splitlines(keepends=True) if not part.startswith(b"event:"))
    noisy = b": keep-alive\n\n" + bare.replace(b"data: ", b": x\nid: 5\ndata:") + b"\n\n"
    assert fold(decoded(noisy)) == fold(decoded(STREAM))


def test_an_event_may_be_named_on_its_line_only() -> None:
    unnamed = STREAM.replace(b'"type":"message_stop"', b'"x":1').replace(b'{"type":"ping"}', b"{}")
    assert decoded(unnamed)[-1] == Ended()


def test_an_error_in_the_stream_fails_it() -> None:
    error = line(type="error", error={"type": "overloaded_error", "message": "Overloaded"})
    decoder = DIALECT.stream_decoder(TARGET)
    assert decoder.feed(begin() + error)[-1] == Failed("Overloaded", kind="overloaded_error")
    assert decoder.ended
    tap = DIALECT.tap(REQUEST)
    assert tap.feed(begin() + error) == begin() + error
    assert (tap.failed, tap.ended) == ("Overloaded", True)


def test_a_stream_without_its_end_mark_was_cut() -> None:
    decoder, tap = DIALECT.stream_decoder(TARGET), DIALECT.tap(REQUEST)
    decoder.feed(STREAM.removesuffix(END))
    assert tap.feed(STREAM.removesuffix(END) + END[:-1]) == STREAM.removesuffix(END)
    assert not decoder.ended
    assert not tap.ended


def test_what_types_cannot_hold_of_a_stream_goes_through_the_same_dialect() -> None:
    called = {"type": "code_execution", "tool_id": "c"}
    data = (
        begin(container={"id": "c1", "expires_at": "2026-01-01T00:00:00Z"})
        + start(0, type="tool_use", id="t", name="f", input={}, caller=called)
        + stop(0)
        + start(1, type="compaction", content=None)
        + piece(1, type="compaction_delta", content="short")
        + stop(1)
        + line(type="x_new", y=1)
        + line(
            type="message_delta",
            delta={"stop_reason": "compaction", "stop_sequence": None},
            usage={"output_tokens": 5, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}},
            context_management={"applied_edits": []},
        )
        + END
    )
    again, noted = written(decoded(data))
    assert noted == {}
    assert in_order(fold(decoded(again))) == in_order(fold(decoded(data)))
    events = [msgspec.json.decode(part[6:]) for part in again.splitlines() if part.startswith(b"data: ")]
    kinds = {event["type"]: event for event in events}
    assert events[1]["content_block"]["caller"] == called
    assert kinds["x_new"] == {"type": "x_new", "y": 1}
    assert kinds["message_delta"]["delta"]["stop_reason"] == "compaction"
    assert kinds["message_delta"]["delta"]["container"]["id"] == "c1"
    assert kinds["message_delta"]["context_management"] == {"applied_edits": []}
    assert kinds["message_delta"]["usage"]["server_tool_use"]["web_search_requests"] == 1
    assert {"type": "compaction", "content": "short"} in [event.get("content_block") for event in events]


def test_members_beside_a_words_event_are_kept_apart_and_named() -> None:
    data = (
        begin()
        + start(0, type="text")
        + line(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "a", "p": 1}, q=2)
        + piece(0, type="future_delta", z=1)
        + stop(0)
        + close()
        + END
    )
    response = fold(decoded(data))
    assert response.text == "a"
    assert [extra.kind for extra in response.extra] == ["event.content_block_delta", "delta.q", "delta.p"]
    _, noted = written(decoded(data))
    assert noted == {"delta.q": "dropped", "delta.p": "dropped"}


@pytest.mark.parametrize(
    "data",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"data: \xff\n\n",
        b'data: {"type":"message_start"}\n\n',
        piece(0, type="text_delta", text="x"),
        start(0, type="text", text=5),
        begin(usage={"input_tokens": "9"}),
    ],
)
def test_what_is_no_stream_of_the_dialect_is_a_broken_promise(data: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        decoded(data)


@slow
@given(st.binary(max_size=60) | st.builds(lambda value: b"data: " + msgspec.json.encode(value) + b"\n\n", json_values))
@example(b'data: {"type":"error"}\n\n')
def test_any_bytes_are_a_stream_or_a_broken_promise(data: bytes) -> None:
    for listener in (DIALECT.stream_decoder(TARGET), DIALECT.tap(REQUEST)):
        try:
            listener.feed(data)
        except UpstreamProtocol:
            continue


def read_by_the_official_client(data: bytes) -> Any:
    snapshot: Any = None
    pieces: dict[int, bytes] = {}
    for event in SSEDecoder().iter_bytes(iter([data])):
        said = EVENTS.validate_json(event.data)
        assert said.type == event.event
        snapshot = accumulate_event(event=said, current_snapshot=snapshot, json_bufs=pieces)
    return snapshot


@slow
@given(answers)
def test_an_answer_that_the_dialect_can_carry_streams_without_a_note(response: Response) -> None:
    data, noted = written(unfold(response))
    assert noted == {}
    assume(response.choices[0].message.parts or response.choices[0].finish)
    assert in_order(fold(decoded(data), "p/m")) == in_order(response)


@slow
@given(answers)
def test_streams_are_what_the_official_client_reads(response: Response) -> None:
    (choice,) = response.choices
    parts = tuple(part for part in choice.message.parts if not isinstance(part, Opaque))
    choice = msgspec.structs.replace(choice, message=Message("assistant", parts))
    plain = msgspec.structs.replace(response, choices=(choice,), extra=(), service_tier="standard")
    message = read_by_the_official_client(written(unfold(plain))[0])
    assert [block.type for block in message.content] == [block_type(part) for part in parts]
    for block, part in zip(message.content, parts, strict=True):
        match part:
            case Text():
                assert block.text == part.text
                assert len(block.citations or ()) == len(part.citations)
            case ToolCall():
                assert block.input == msgspec.json.decode(part.arguments)
            case Reasoning():
                assert (part.text or part.encrypted) == (block.thinking if part.text else block.data)
    assert response.usage is not None
    assert message.usage.output_tokens == response.usage.total_output
    assert message.usage.input_tokens == response.usage.input


def block_type(part: Any) -> str:
    if isinstance(part, Reasoning):
        return "redacted_thinking" if part.encrypted else "thinking"
    return "text" if isinstance(part, Text) else "tool_use"


@slow
@given(any_answers)
def test_whatever_is_lost_of_a_stream_is_named(response: Response) -> None:
    data, noted = written(unfold(response))
    named = {field.partition(".")[0] for field in noted}
    before, after = fold(unfold(response)), fold(decoded(data))
    if before.choices and meaning(after) != meaning(before):
        assert "choices" in named
    if after.usage != before.usage:
        assert "usage" in named
    assert {extra.kind.partition(".")[0] for extra in before.extra} <= named
    assert all(msgspec.json.decode(part[6:]) for part in data.splitlines() if part.startswith(b"data: "))
    assert DIALECT.tap(REQUEST).feed(data) == data


def test_a_stream_of_another_dialect_tells_its_usage_at_the_end() -> None:
    deltas: list[Delta] = [
        Began(id="chatcmpl-1", model="gpt"),
        TextDelta(part=0, text="Hi"),
        ToolCallDelta(part=1, id="c1", name="f", arguments='{"a":'),
        ToolCallDelta(part=1, arguments="1}"),
        Finished(finish="tool_calls"),
        UsageDelta(Usage(input=5, cache_read=2, output=3)),
        Ended(),
    ]
    data, noted = written(deltas)
    assert noted == {}
    message = read_by_the_official_client(data)
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 5, 3)
    assert message.content[1].input == {"a": 1}
    encoder = DIALECT.stream_encoder(REQUEST)
    assert b"".join(encoder.feed([delta]) for delta in deltas) == data


def test_thoughts_free_text_and_refusals_of_another_dialect_are_changed_and_named() -> None:
    deltas: list[Delta] = [
        ReasoningDelta(part=0, id="rs_1", summary=0, text="One"),
        ReasoningDelta(part=0, summary=1, text="Two"),
        ReasoningDelta(part=0, encrypted="blob"),
        ToolCallDelta(part=1, id="c1", name="run", kind="custom"),
        ToolCallDelta(part=1, arguments='say "', kind="custom"),
        ToolCallDelta(part=1, arguments='hi"\n', kind="custom"),
        TextDelta(part=2, text="No.", refusal=True),
        TextDelta(part=0, choice=1, text="other"),
        Finished(finish="stop"),
        Ended(),
    ]
    data, noted = written(deltas)
    message = read_by_the_official_client(data)
    assert message.content[0].thinking == "One\n\nTwo"
    assert message.content[1].input == {"input": 'say "hi"\n'}
    assert (message.content[2].text, message.model) == ("No.", "auto")
    assert noted == {
        "choices.reasoning": "changed", "choices.reasoning.encrypted": "dropped", "choices.custom": "changed",
        "choices.refusal": "changed", "choices": "dropped", "usage": "changed",
    }  # fmt: skip


def test_a_failure_after_the_beginning_is_told_in_the_stream() -> None:
    encoder = DIALECT.stream_encoder(REQUEST)
    data = encoder.feed([Began(id="a"), TextDelta(part=0, text="Hi")])
    data += encoder.fail(StreamCut("The provider hung up."))
    assert encoder.feed([TextDelta(part=0, text="more"), Ended()]) == b""
    with pytest.raises(UpstreamError, match="The provider hung up"):
        fold(decoded(data))
    failed, _ = written([Began(id="a"), Failed("Overloaded", kind="overloaded_error"), Ended()])
    assert decoded(failed)[-1] == Failed("Overloaded", kind="overloaded_error")
