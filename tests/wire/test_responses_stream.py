"""Streams of the Responses API: what providers send, what clients get, and what the tap hears."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import Opaque, Reasoning
from meshwright.types.errors import UpstreamError, UpstreamProtocol
from meshwright.types.response import (
    AudioDelta,
    Began,
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
from meshwright.wire.fold import fold
from meshwright.wire.openai_responses import DIALECT
from tests.wire.recorded_responses import (
    ANSWER,
    BEGAN,
    CALL,
    COMPLETED,
    MESSAGE,
    READ,
    REASONING,
    SEARCH,
    recorded,
    stream,
)
from tests.wire.strategies import raw
from tests.wire.strategies_responses import ASKED, THEIRS

replace = msgspec.structs.replace


def read(data: bytes) -> tuple[Delta, ...]:
    decoder = DIALECT.stream_decoder(THEIRS)
    deltas = decoder.feed(data)
    assert decoder.ended
    return deltas


def test_a_recorded_stream_adds_up_to_the_whole_answer():
    folded = fold(read(recorded()), "somebody/model")
    events = tuple(one for one in folded.extra if one.kind.startswith("event."))
    assert [one.kind for one in events] == ["event.response.web_search_call.searching"]
    (choice,) = READ.choices
    # Deltas have no place for a message's id.
    told = replace(READ, choices=(replace(choice, message=replace(choice.message, id="")),))
    assert replace(folded, extra=tuple(one for one in folded.extra if one not in events)) == told


@pytest.mark.parametrize("size", [1, 3, 7, 64, 1000])
def test_a_stream_reads_the_same_however_it_is_cut(size: int):
    data = recorded()
    for crlf in (data, data.replace(b"\n", b"\r\n"), data.replace(b"event: ", b": ping\n\nevent: ")):
        decoder = DIALECT.stream_decoder(THEIRS)
        deltas = [delta for at in range(0, len(crlf), size) for delta in decoder.feed(crlf[at : at + size])]
        assert tuple(deltas) == read(data)


def test_a_stream_goes_out_again_with_everything_that_came_in():
    encoder = DIALECT.stream_encoder(ASKED)
    again = encoder.feed(read(recorded()))
    assert encoder.adaptations == []
    assert b"response.web_search_call.searching" in again
    first, second = (fold(read(data), "somebody/model") for data in (recorded(), again))
    # The events of hosted tools have the numbers of the stream that they are in.
    assert [one.kind for one in first.extra] == [one.kind for one in second.extra]
    assert replace(first, extra=()) == replace(second, extra=())


def test_a_provider_that_streams_only_whole_items_is_understood():
    items = [
        {"type": "response.output_item.done", "output_index": at, "item": item}
        for at, item in enumerate((REASONING, SEARCH, MESSAGE, CALL))
    ]
    whole = fold(read(stream(BEGAN, *items, COMPLETED)), "somebody/model")
    assert whole.choices[0].message.parts == READ.choices[0].message.parts
    assert fold(read(stream(BEGAN, COMPLETED)), "somebody/model") == whole
    assert fold(read(stream(COMPLETED)), "somebody/model") == whole


def test_an_answer_at_the_end_of_a_stream_that_repeats_nothing_is_understood():
    message = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}
    folded = fold(read(stream(BEGAN, message, {"type": "response.completed", "response": {**ANSWER, "output": []}})))
    assert (folded.text, folded.choices[0].finish) == ("Hi", "stop")


def test_a_stream_of_data_without_event_names_is_understood():
    data = b"".join(b"data: " + line + b"\n\n" for line in (msgspec.json.encode(BEGAN), msgspec.json.encode(COMPLETED)))
    assert fold(read(data)).text == "Sunny."


@pytest.mark.parametrize(
    ("event", "message", "code"),
    [
        ({"type": "error", "code": "server_error", "message": "Boom."}, "Boom.", "server_error"),
        ({"type": "error", "error": {"type": "server_error", "message": "Boom."}}, "Boom.", ""),
        ({"error": {"message": "Boom.", "code": "x"}}, "Boom.", "x"),
        ({"type": "response.failed",
          "response": {**ANSWER, "status": "failed", "error": {"code": "server_error", "message": "Boom."}}},
         "Boom.", "server_error"),
    ],
)  # fmt: skip
def test_an_error_inside_a_stream_ends_it_as_failed(event: dict[str, Any], message: str, code: str):
    data = stream(BEGAN) + b"data: " + msgspec.json.encode(event) + b"\n\n"
    *_, failed = read(data)
    assert isinstance(failed, Failed)
    assert (failed.message, failed.code.replace("upstream_error", "")) == (message, code)
    tap = DIALECT.tap(ASKED)
    assert tap.feed(data) == data
    assert (tap.failed, tap.ended, tap.finish) == (message, True, None)
    with pytest.raises(UpstreamError):
        fold(read(data))


@pytest.mark.parametrize("data", [b"data: nonsense\n\n", b'data: {"type":"response.completed"}\n\n', b"data: []\n\n"])
def test_an_event_that_breaks_the_promise_is_an_error(data: bytes):
    with pytest.raises(UpstreamProtocol):
        DIALECT.stream_decoder(THEIRS).feed(data)


def test_a_stream_without_its_end_has_not_ended():
    decoder, tap = DIALECT.stream_decoder(THEIRS), DIALECT.tap(ASKED)
    cut = recorded().partition(b"event: response.completed")[0]
    decoder.feed(cut)
    assert tap.feed(cut) == cut
    assert not decoder.ended
    assert not tap.ended
    assert (tap.id, tap.model, tap.usage) == ("resp_1", "model-1", None)


def test_the_tap_hears_the_end_of_a_stream():
    tap = DIALECT.tap(ASKED)
    data = recorded()
    assert b"".join(tap.feed(data[at : at + 100]) for at in range(0, len(data), 100)) == data
    assert (tap.id, tap.model, tap.finish, tap.usage, tap.failed) == ("resp_1", "model-1", "tool_calls", READ.usage, "")


def test_words_that_talk_of_the_protocol_do_not_deceive_the_tap():
    words = '{"type":"response.completed","response":{}} "error"'
    data = stream(
        {"type": "response.output_text.delta", "delta": words}, {"type": "response.output_text.delta", "delta": "error"}
    )
    tap = DIALECT.tap(ASKED)
    assert tap.feed(data) == data
    assert not tap.ended
    assert tap.failed == ""


def events(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in data.decode().removesuffix("\n\n").split("\n\n"):
        event = msgspec.json.decode(block.split("data: ")[1])
        found.append((event["type"].removeprefix("response."), event))
    return found


def test_tools_called_side_by_side_are_items_side_by_side():
    deltas = (
        Began(id="r", model="m"),
        ToolCallDelta(part=0, id="a", name="f"),
        ToolCallDelta(part=1, id="b", name="g"),
        ToolCallDelta(part=0, arguments="{}"),
        ToolCallDelta(part=1, arguments="[]"),
        Finished(finish="tool_calls"),
        Ended(),
    )
    out = DIALECT.stream_encoder(ASKED).feed(deltas)
    done = [event["item"] for kind, event in events(out) if kind == "output_item.done"]
    assert [(item["call_id"], item["arguments"]) for item in done] == [("a", "{}"), ("b", "[]")]
    assert len({item["id"] for item in done}) == 2


def test_an_empty_beginning_is_no_message_but_an_empty_part_is():
    empty = (Began(id="r"), TextDelta(text="", part=0))
    call = (ToolCallDelta(part=1, id="a", name="f", arguments="{}"), Finished(finish="tool_calls"), Ended())
    kinds = [
        event["item"]["type"]
        for kind, event in events(DIALECT.stream_encoder(ASKED).feed((*empty, *call)))
        if kind == "output_item.done"
    ]
    assert kinds == ["function_call"]
    kinds = [
        event["item"]["type"]
        for kind, event in events(DIALECT.stream_encoder(ASKED).feed((*empty, PartEnded(0), *call)))
        if kind == "output_item.done"
    ]
    assert kinds == ["message", "function_call"]


def test_words_after_a_call_are_a_new_message():
    deltas = (
        TextDelta(text="I look", part=0),
        ToolCallDelta(part=1, id="a", name="f", arguments="{}"),
        TextDelta(text=" again", part=0),
        Finished(finish="tool_calls"),
        Ended(),
    )
    done = [
        event["item"]["type"]
        for kind, event in events(DIALECT.stream_encoder(ASKED).feed(deltas))
        if kind == "output_item.done"
    ]
    assert sorted(done) == ["function_call", "message", "message"]
    assert fold(read(DIALECT.stream_encoder(ASKED).feed(deltas))).choices[0].message.text == "I look\n again"


def test_the_signature_of_a_thought_that_streams_by_is_sealed_at_its_end():
    deltas = (
        ReasoningDelta(part=0, text="Hm."),
        ReasoningDelta(part=0, signature="sig"),
        PartEnded(0),
        TextDelta(text="Yes.", part=1),
        Finished(finish="stop"),
        Ended(),
    )
    encoder = DIALECT.stream_encoder(ASKED)
    (item, *_) = [event["item"] for kind, event in events(encoder.feed(deltas)) if kind == "output_item.done"]
    assert [one.field for one in encoder.adaptations] == ["choices.reasoning"]
    body = msgspec.json.encode({"model": "m", "input": [item]})
    assert DIALECT.decode_request(body).messages[0].parts == (Reasoning(text="Hm.", signature="sig"),)


def test_sound_is_told_in_words_and_other_answers_not_at_all():
    encoder = DIALECT.stream_encoder(ASKED)
    out = encoder.feed(
        (
            AudioDelta(part=0, id="a", data="AAAA", transcript="Hello"),
            TextDelta(text="x", part=0, choice=1),
            OpaqueDelta(value=Opaque("elsewhere", "x", raw({})), part=1),
            Finished(finish="stop"),
            UsageDelta(Usage(input=1)),
            Ended(),
        )
    )
    assert fold(read(out)).text == "Hello"
    assert {one.field for one in encoder.adaptations} == {"choices.audio", "choices.n", "choices.x"}


def test_json_with_line_breaks_does_not_break_a_stream():
    body = b'{"model":"m","input":"hi","metadata":{\n"a":\r\n"b"\n},"tools":[{"type":"x_new",\n"y":1}]}'
    asked = DIALECT.decode_request(body)
    out = DIALECT.stream_encoder(asked).feed((Began(id="r"), Finished(finish="stop"), Ended()))
    assert all(event["response"]["metadata"] == {"a": "b"} for _, event in events(out))
