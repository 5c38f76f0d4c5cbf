"""What the Messages dialect carries comes back as it was; what it cannot carry is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from meshwright.types.content import Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from meshwright.types.errors import InvalidRequest, TooLarge
from meshwright.types.request import ReasoningControl, Request, ToolChoice
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.anthropic_messages.request_in import read_request
from meshwright.wire.dialect import Target
from tests.wire.strategies_anthropic import carried, json_values
from tests.wire.strategies_anthropic_any import anything

TARGET = Target("m", "p/m")
CLAUDES = ["claude-3-5-sonnet-20241022", "claude-opus-4-6", "claude-sonnet-4-8", "claude-opus-5"]
slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


def bare(request: Request) -> Request:
    """Without its bytes, and with its extra members in one order."""
    extra = tuple(sorted(request.extra, key=lambda one: one.kind))
    return msgspec.structs.replace(request, source=None, extra=extra)


@slow
@given(carried)
def test_what_the_dialect_can_carry_comes_back_without_a_note(request: Request) -> None:
    encoded = DIALECT.encode_request(request, TARGET)
    assert encoded.adaptations == ()
    assert bare(DIALECT.decode_request(encoded.body)) == bare(request)


@slow
@given(carried)
def test_an_unchanged_request_goes_out_with_its_own_bytes(request: Request) -> None:
    body = DIALECT.encode_request(request, TARGET).body
    again = DIALECT.encode_request(DIALECT.decode_request(body), TARGET)
    assert again.body == body
    assert again.adaptations == ()


def plain(request: Request) -> dict[str, Any]:
    """A request's fields in a form where equal meanings are equal values."""
    fields = {name: getattr(request, name) for name in Request.__struct_fields__}
    del fields["source"]
    fields["stream_usage"] = fields["stream"]
    fields["messages"] = list(map(_plain_message, joined(request.messages)))
    fields["tools"] = [msgspec.structs.replace(tool, schema=tool.schema or EMPTY) for tool in request.tools]
    if request.n == 1:
        fields["n"] = None
    for name in ("frequency_penalty", "presence_penalty"):
        fields[name] = fields[name] or None
    fields["store"] = fields["store"] or None
    fields["modalities"] = () if request.modalities == ("text",) else request.modalities
    if request.output is not None:
        fields["output"] = msgspec.structs.replace(request.output, strict=request.output.strict is False)
        if request.output.kind == "text":
            fields["output"] = None
    if request.reasoning == ReasoningControl():
        fields["reasoning"] = None
    if request.tool_choice == ToolChoice("auto"):
        fields["tool_choice"] = None
    return fields


EMPTY = msgspec.Raw(b'{"type":"object","properties":{}}')


def joined(messages: tuple[Message, ...]) -> list[Message]:
    """Without messages that say nothing; consecutive tool messages are one."""
    found: list[Message] = []
    for message in messages:
        parts = tuple(part for part in message.parts if part != Text("") and part != Refusal(""))
        if not parts:
            continue
        if message.role == "tool" and found and found[-1].role == "tool":
            found[-1] = msgspec.structs.replace(found[-1], parts=found[-1].parts + parts)
        else:
            found.append(msgspec.structs.replace(message, parts=parts))
    return found


def _plain_message(message: Message) -> Message:
    return msgspec.structs.replace(message, parts=tuple(map(_plain_part, message.parts)))


def _plain_part(part: Any) -> Any:
    if isinstance(part, ToolCall) and not part.arguments.strip():
        return msgspec.structs.replace(part, arguments="{}")
    if isinstance(part, Reasoning):
        return msgspec.structs.replace(part, origin="")
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, parts=tuple(one for one in part.parts if one != Text("")))
    return part


@slow
@given(anything, st.sampled_from(["m", *CLAUDES]))
def test_whatever_is_lost_is_named(request: Request, model: str) -> None:
    encoded = DIALECT.encode_request(request, Target(model, "p/m"))
    back = read_request(encoded.body)
    named = {note.field.partition(".")[0] for note in encoded.adaptations}
    before, after = plain(request), plain(back)
    for field, value in before.items():
        if field == "model":
            continue
        if field == "extra":
            assert {extra.kind.partition(".")[0] for extra in request.extra} <= named
        elif after[field] != value:
            assert field in named, (field, value, after[field])
    assert all(note.reason.endswith(".") for note in encoded.adaptations)


@slow
@given(st.binary(max_size=80))
def test_any_bytes_are_a_request_or_a_clear_refusal(body: bytes) -> None:
    with pytest.raises((InvalidRequest, TooLarge)):
        DIALECT.decode_request(body)


kinds = st.sampled_from(["text", "image", "tool_use", "tool_result", "thinking", "document"])
wild = st.fixed_dictionaries(
    {"model": st.just("m"), "max_tokens": st.just(9) | json_values},
    optional={
        "messages": json_values
        | st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "assistant", "system"]) | json_values},
                optional={
                    "content": json_values
                    | st.lists(
                        st.fixed_dictionaries(
                            {"type": kinds},
                            optional={
                                "text": json_values,
                                "source": json_values | st.fixed_dictionaries({"type": st.just("base64")}),
                                "input": json_values,
                                "content": json_values,
                                "citations": json_values,
                                "cache_control": json_values,
                                "x": json_values,
                            },
                        )
                    ),
                    "x": json_values,
                },
            ),
            max_size=3,
        ),
        **dict.fromkeys(
            [
                "system", "tools", "tool_choice", "thinking", "output_config", "output_format", "metadata",
                "cache_control", "stop_sequences", "temperature", "top_p", "top_k", "stream", "service_tier", "x",
            ],
            json_values,
        ),
    },
)  # fmt: skip


@slow
@given(wild)
@example(
    {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]}
)
def test_any_json_is_a_request_or_a_clear_refusal(body: Any) -> None:
    try:
        request = DIALECT.decode_request(msgspec.json.encode(body))
    except (InvalidRequest, TooLarge):
        return
    again = DIALECT.encode_request(bare(request), TARGET)
    assert bare(read_request(again.body)).model == "m"
