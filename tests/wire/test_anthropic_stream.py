"""Streams of the Messages API: read, written, and listened to."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from meshwright.types.content import Citation, Opaque, Reasoning, Text, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.response import (
    Began,
    CitationDelta,
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
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.fold import fold
from tests.wire.anthropic_stream import (
    END,
    REQUEST,
    STREAM,
    TARGET,
    begin,
    close,
    cut,
    decoded,
    in_order,
    line,
    piece,
    start,
    stop,
    written,
)
from tests.wire.strategies_anthropic import json_values

slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


def test_every_usual_event_has_its_delta() -> None:
    assert decoded(STREAM) == [
        Began(id="msg_1", model="claude-x", usage=Usage(input=9, cache_read=4, output=1)),
        ReasoningDelta(part=0, text="hm"),
        ReasoningDelta(part=0, signature="sig", origin="p/m"),
        PartEnded(0),
        ReasoningDelta(part=1, encrypted="zz", origin="p/m"),
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
