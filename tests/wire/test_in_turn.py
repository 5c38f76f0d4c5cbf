"""One open block at a time, whatever order a provider's pieces come in."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.types.content import Text, ToolCall
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Began, Delta, Ended, Finished, PartEnded, TextDelta, ToolCallDelta, UsageDelta
from meshwright.types.usage import Usage
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold
from meshwright.wire.in_turn import InTurn
from meshwright.wire.sse import events
from tests.wire.matrix import ONE_PROMPT

ONE_BLOCK = ("anthropic_messages", "bedrock_converse", "cohere")
REQUEST = Request(model="m", stream=True)
TARGET = Target("m", "p/m")
CALLS = {1: ("call_1", '{"city":"Lyon"}'), 2: ("call_2", '{"city":"Oslo"}'), 3: ("call_3", "{}")}


def mixed(order: list[int]) -> list[Delta]:
    """Three calls cut into single characters, taken from call after call in this order, none with an end mark."""
    left = {part: list(arguments) for part, (_, arguments) in CALLS.items()}
    found: list[Delta] = [Began(id="a", model="m"), TextDelta(text="Both:", part=0)]
    found += [ToolCallDelta(part=part, id=id, name="weather") for part, (id, _) in CALLS.items()]
    for part in order:
        if left[part]:
            found.append(ToolCallDelta(part=part, arguments=left[part].pop(0)))
    for part, letters in left.items():
        found += [ToolCallDelta(part=part, arguments=letter) for letter in letters]
    return [*found, Finished(finish="tool_calls"), UsageDelta(Usage(input=1, output=1)), Ended()]


@given(st.lists(st.sampled_from(sorted(CALLS)), max_size=40))
def test_calls_that_come_mixed_have_their_turns(order: list[int]) -> None:
    whole = [ToolCall(id=id, name="weather", arguments=arguments) for id, arguments in CALLS.values()]
    assert fold(mixed(order)).choices[0].message.parts == (Text("Both:"), *whole)
    for name in ONE_BLOCK:
        encoder, decoder = CODECS[name].stream_encoder(REQUEST), CODECS[name].stream_decoder(TARGET)
        sent = b"".join(encoder.feed((delta,)) for delta in mixed(order))
        read = [delta for delta in decoder.feed(sent) if isinstance(delta, TextDelta | ToolCallDelta)]
        parts = [part for part, _ in itertools.groupby(delta.part for delta in read)]
        assert parts == sorted(set(parts)), "a part came back after another had begun"
        assert fold(read).choices[0].message.parts == (Text("Both:"), *whole)
        assert encoder.adaptations == []


def test_every_piece_of_a_messages_stream_belongs_to_the_block_that_is_open() -> None:
    order = [1, 2, 3] * 20
    encoder = CODECS["anthropic_messages"].stream_encoder(REQUEST)
    opened: int | None = None
    for _, data in events(encoder.feed(mixed(order))):
        event = msgspec.json.decode(data)
        match event["type"]:
            case "content_block_start":
                assert opened is None
                opened = event["index"]
            case "content_block_delta":
                assert event["index"] == opened
            case "content_block_stop":
                assert event["index"] == opened
                opened = None
    assert opened is None


def test_a_complete_call_does_not_keep_the_next_waiting() -> None:
    turns = InTurn()
    turns.feed([ToolCallDelta(part=0, id="a", name="f", arguments='{"x":1}')])
    second = ToolCallDelta(part=1, id="b", name="f", arguments='{"y"')
    assert turns.feed([second]) == [PartEnded(0), second]


def test_an_incomplete_call_keeps_the_next_waiting_until_its_end() -> None:
    turns = InTurn()
    turns.feed([ToolCallDelta(part=0, id="a", name="f", arguments='{"x":')])
    second = ToolCallDelta(part=1, id="b", name="f", arguments='{"y":2}')
    assert turns.feed([second]) == []
    last = ToolCallDelta(part=0, arguments="1}")
    assert turns.feed([last]) == [last, PartEnded(0), second]


def test_a_text_that_goes_on_after_a_call_stands_in_a_block_of_its_own_and_the_trace_says_so() -> None:
    deltas: list[Delta] = [
        Began(id="a", model="m"),
        TextDelta(text="Before.", part=0),
        ToolCallDelta(part=1, id="call_1", name="f", arguments="{}"),
        TextDelta(text="After.", part=0),
        Finished(finish="tool_calls"),
        UsageDelta(Usage(input=1, output=1)),
        Ended(),
    ]
    for name in ONE_BLOCK:
        encoder = CODECS[name].stream_encoder(REQUEST)
        read = fold(CODECS[name].stream_decoder(TARGET).feed(encoder.feed(deltas)))
        words = [part.text for part in read.choices[0].message.parts if isinstance(part, Text)]
        assert words == ["Before.", "After."]
        assert [(one.field, one.action) for one in encoder.adaptations] == [("choices", "changed")]


def test_a_call_that_goes_on_after_its_end_is_a_protocol_error() -> None:
    turns = InTurn()
    turns.feed([ToolCallDelta(part=0, id="a", name="f", arguments="{}"), TextDelta(text="x", part=1)])
    assert turns.feed([ToolCallDelta(part=0, arguments=" ")]) == []
    with pytest.raises(UpstreamProtocol):
        turns.feed([ToolCallDelta(part=0, arguments="{}")])


@pytest.mark.parametrize("name", [name for name in CODECS if name != ONE_PROMPT])
def test_arguments_on_several_lines_do_not_break_a_stream_of_lines(name: str) -> None:
    arguments = '{\n"city": "Lyon\\nand more"\r\n}'
    deltas: list[Delta] = [
        Began(id="a", model="m"),
        ToolCallDelta(part=0, id="call_1", name="weather", arguments=arguments),
        Finished(finish="tool_calls"),
        UsageDelta(Usage(input=1, output=1)),
        Ended(),
    ]
    encoder = CODECS[name].stream_encoder(REQUEST)
    read = fold(CODECS[name].stream_decoder(TARGET).feed(encoder.feed(deltas)))
    (call,) = read.choices[0].message.parts
    assert isinstance(call, ToolCall)
    assert msgspec.json.decode(call.arguments) == {"city": "Lyon\nand more"}
