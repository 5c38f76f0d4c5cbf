"""Requests of other dialects as the Messages API wants them."""

from __future__ import annotations

from typing import Any

import msgspec
import pydantic
from anthropic.types import message_create_params

from meshwright.types.content import (
    Citation,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.dialect import Encoded, Target

TARGET = Target("m", "p/m")
ASKED: dict[str, Any] = {"model": "auto", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
PARAMS: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(
    pydantic.with_config(pydantic.ConfigDict(extra="forbid"))(message_create_params.MessageCreateParamsNonStreaming)
)


def decode(**members: Any) -> Request:
    return DIALECT.decode_request(msgspec.json.encode({**ASKED, **members}))


def bare(request: Request, **changes: Any) -> Request:
    return msgspec.structs.replace(request, source=None, **changes)


def sent(request: Request, target: Target = TARGET) -> tuple[dict[str, Any], Encoded]:
    encoded = DIALECT.encode_request(request, target)
    return msgspec.json.decode(encoded.body), encoded


def fields(encoded: Encoded) -> dict[str, str]:
    return {note.field: note.action for note in encoded.adaptations}


def test_what_another_dialect_asks_is_sent_in_the_shape_that_the_official_client_types_name() -> None:
    request = Request(
        model="m",
        messages=(
            Message("system", (Text("Be kind.", cache="5m"),)),
            Message("user", (Text("Look"), Image(data="iVBORw0K", media_type="image/png"))),
            Message("assistant", (Text("Calling"), ToolCall(id="t1", name="f", arguments='{"a":1}'))),
            Message("tool", (ToolResult(call_id="t1", parts=(Text("1"), Image(url="https://x"))),)),
            Message(
                "user", (File(text="words", name="n", cite=True), File(data="JVBERi0=", media_type="application/pdf"))
            ),
            Message("assistant", (Text("It says", citations=(CITED,)),)),
            Message("user", (Text("Go on"),)),
        ),
        max_tokens=20_000,
        stop=("END",),
        tools=(ToolSpec(name="f", description="d", schema=msgspec.Raw(b'{"type":"object","properties":{}}')),),
        tool_choice=ToolChoice("auto"),
        parallel_tools=False,
        output=OutputFormat(kind="schema", schema=msgspec.Raw(b'{"type":"object","additionalProperties":false}')),
        reasoning=ReasoningControl(effort="high", mode="adaptive"),
        user="u",
        cache="1h",
        service_tier="auto",
    )
    body, encoded = sent(request)
    assert encoded.adaptations == ()
    checked = PARAMS.validate_python(body)
    for turn in checked["messages"]:
        if not isinstance(turn["content"], str):
            assert list(turn["content"])
    assert body["system"] == [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]
    assert body["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


CITED = Citation(kind="document", quote="words", title="n", document=0, source_start=0, source_end=5)


def test_instructions_in_mid_conversation_become_marked_text_of_the_user() -> None:
    request = Request(
        model="m",
        max_tokens=9,
        messages=(
            Message("system", (Text("One."),)),
            Message("developer", (Text("Two."),)),
            Message("user", (Text("Hi"),)),
            Message("system", (Text("Three."),)),
            Message("assistant", (Text("Yes?"),)),
        ),
    )
    body, encoded = sent(request)
    assert [block["text"] for block in body["system"]] == ["One.", "Two."]
    assert body["messages"][1] == {"role": "user", "content": "<system>\nThree.\n</system>"}
    assert fields(encoded) == {"messages.role": "changed", "messages.system": "moved"}


def test_a_model_that_knows_instructions_in_mid_conversation_gets_them_as_such() -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Well"},
    ]
    request = bare(decode(messages=messages))
    assert request.messages[1] == Message("system", (Text("Be brief."),))
    body, encoded = sent(request, Target("claude-opus-4-8", "p/m", quirks=frozenset({"system_turns"})))
    assert body["messages"] == messages
    assert encoded.adaptations == ()
    body, encoded = sent(request, Target("claude-opus-4-8", "p/m"))
    assert body["messages"][1]["role"] == "user"
    assert fields(encoded) == {"messages.role": "changed"}


def test_results_stand_before_words_in_the_turn_after_the_call() -> None:
    request = Request(
        model="m",
        max_tokens=9,
        messages=(
            Message("user", (Text("Hi"),)),
            Message("assistant", (ToolCall(id="t", name="f"),)),
            Message("user", (Text("Hurry"),)),
            Message("tool", (ToolResult(call_id="t", parts=(Text("1"),)),)),
        ),
    )
    body, encoded = sent(request)
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "text"]
    assert body["messages"][1]["content"][0]["input"] == {}
    assert fields(encoded) == {"messages": "moved"}


def test_empty_words_are_left_out_without_a_note() -> None:
    request = Request(
        model="m",
        max_tokens=9,
        messages=(
            Message("system", (Text(""),)),
            Message("user", (Text("Hi"), Text(""))),
            Message("assistant", (Text(""),)),
            Message("assistant", ()),
            Message("user", (Text("So?"),)),
        ),
    )
    body, encoded = sent(request)
    assert body["messages"] == [{"role": "user", "content": "Hi"}, {"role": "user", "content": "So?"}]
    assert "system" not in body
    assert encoded.adaptations == ()


def test_a_request_of_instructions_alone_sends_them_as_the_users() -> None:
    body, encoded = sent(Request(model="m", max_tokens=9, messages=(Message("system", (Text("Sing."),)),)))
    assert body["messages"] == [{"role": "user", "content": "Sing."}]
    assert "system" not in body
    assert fields(encoded) == {"messages": "changed"}


def test_a_limit_is_stated_and_noted_when_the_caller_has_none() -> None:
    request = bare(decode(), max_tokens=None)
    assert sent(request, Target("m", "p/m", max_output=777))[0]["max_tokens"] == 777
    body, encoded = sent(request)
    assert body["max_tokens"] == 4096
    assert fields(encoded) == {"max_tokens": "changed"}


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    body, encoded = sent(bare(decode(system="Be kind."), output=OutputFormat(kind="json")))
    assert [block["text"][:8] for block in body["system"]] == ["Be kind.", "Answer w"]
    assert fields(encoded)["output"] == "changed"


def test_parameters_without_a_place_are_named() -> None:
    request = bare(
        decode(), seed=1, n=2, logprobs=True, frequency_penalty=0.5, verbosity="low", store=True, cache_key="k",
        metadata=msgspec.Raw(b"{}"), service_tier="flex", stop=(" ",), previous_response_id="r",
        extra=(Opaque("openai_chat", "prediction", msgspec.Raw(b"{}")),),
    )  # fmt: skip
    body, encoded = sent(request)
    assert body == {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
    assert set(fields(encoded)) == {
        "seed", "n", "logprobs", "frequency_penalty", "verbosity", "store", "cache_key", "metadata", "service_tier",
        "stop", "previous_response_id", "prediction",
    }  # fmt: skip
    assert set(fields(encoded).values()) == {"dropped"}


def test_defaults_of_other_dialects_are_left_out_without_a_note() -> None:
    request = bare(decode(), n=1, frequency_penalty=0.0, modalities=("text",), store=False, output=OutputFormat())
    assert sent(request)[1].adaptations == ()


def test_ids_and_arguments_that_the_api_refuses_are_made_fit() -> None:
    messages = (
        Message("user", (Text("Hi"),)),
        Message("assistant", (ToolCall(id="functions.f:0", name="f", arguments='{"a":'),)),
        Message("tool", (ToolResult(call_id="functions.f:0", parts=(Text("1"),)),)),
    )
    body, encoded = sent(Request(model="m", max_tokens=9, messages=messages))
    (call,), (result,) = body["messages"][1]["content"], body["messages"][2]["content"]
    assert call["id"] == result["tool_use_id"]
    assert set(call["id"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
    assert call["input"] == {"arguments": '{"a":'}
    assert fields(encoded) == {"messages.id": "changed", "messages.arguments": "changed"}


def test_a_free_text_tool_takes_an_object() -> None:
    request = bare(
        decode(),
        tools=(ToolSpec(name="run", kind="custom"),),
        messages=(
            Message("user", (Text("Hi"),)),
            Message("assistant", (ToolCall(id="t", name="run", arguments="ls -l", kind="custom"),)),
            Message("tool", (ToolResult(call_id="t", kind="custom", parts=(Text("."),)),)),
        ),
    )
    body, encoded = sent(request)
    assert body["messages"][1]["content"][0]["input"] == {"input": "ls -l"}
    assert body["tools"][0]["input_schema"]["required"] == ["input"]
    assert fields(encoded) == {"messages.custom": "changed", "tools.custom": "changed"}


def test_only_thoughts_of_the_same_deployment_are_sent_back() -> None:
    thoughts = (
        Reasoning(text="a", signature="s"),
        Reasoning(text="b", signature="s", origin="p/m"),
        Reasoning(text="c", signature="s", origin="other/m"),
        Reasoning(text="d"),
        Reasoning(encrypted="e", id="rs_1"),
    )
    request = bare(decode(), messages=(Message("user", (Text("Hi"),)), Message("assistant", (*thoughts, Text("x")))))
    body, encoded = sent(request)
    assert [block.get("thinking", block.get("text")) for block in body["messages"][1]["content"]] == ["a", "b", "x"]
    assert "messages.reasoning" in fields(encoded)


def test_refusals_sounds_and_foreign_parts_are_named() -> None:
    request = bare(
        decode(),
        messages=(
            Message("user", (Text("Hi"), Opaque("openai_chat", "x", msgspec.Raw(b"{}"))), name="Ann"),
            Message("assistant", (Refusal("No."),)),
        ),
    )
    body, encoded = sent(request)
    assert body["messages"][1] == {"role": "assistant", "content": "No."}
    assert fields(encoded) == {"messages.name": "dropped", "messages.x": "dropped", "messages.refusal": "changed"}


def test_text_files_are_sent_as_text_and_unknown_ones_are_named() -> None:
    files = (
        File(data="d29yZHM=", media_type="text/markdown"),
        File(url="data:application/pdf;base64,JVBERi0="),
        File(data="AAAA", media_type="application/zip"),
    )
    body, encoded = sent(bare(decode(), messages=(Message("user", files),)))
    assert [block["source"]["type"] for block in body["messages"][0]["content"]] == ["text", "base64"]
    assert body["messages"][0]["content"][0]["source"]["data"] == "words"
    assert "messages.file" in fields(encoded)


def test_only_the_allowed_tools_are_sent() -> None:
    tools = (ToolSpec(name="a"), ToolSpec(name="b"))
    body, encoded = sent(bare(decode(), tools=tools, tool_choice=ToolChoice("required", ("b",))))
    assert [tool["name"] for tool in body["tools"]] == ["b"]
    assert body["tool_choice"] == {"type": "any"}
    assert fields(encoded) == {"tool_choice": "changed", "tools": "changed"}
