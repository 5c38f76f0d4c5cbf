"""Streams of the Messages API as its clients read them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from anthropic._streaming import SSEDecoder
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from hypothesis import HealthCheck, assume, given, settings
from pydantic import TypeAdapter

from meshwright.types.content import Message, Opaque, Reasoning, Text, ToolCall
from meshwright.types.errors import StreamCut, UpstreamError
from meshwright.types.response import (
    Began,
    Delta,
    Ended,
    Failed,
    Finished,
    ReasoningDelta,
    Response,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.fold import fold, unfold
from tests.wire.anthropic_stream import (
    REQUEST,
    decoded,
    in_order,
    written,
)
from tests.wire.strategies_anthropic import answers
from tests.wire.strategies_anthropic_any import any_answers, meaning

EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


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
