"""Requests of the Messages API as clients write them."""

from __future__ import annotations

from typing import Any

import msgspec
import pydantic
import pytest
from anthropic.types import message_create_params

from meshwright.types.content import (
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.errors import InvalidRequest, TooLarge
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice
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


def test_a_plain_question_is_one_user_message() -> None:
    request = decode(system="Be brief.", stop_sequences=["END"], temperature=0.5, top_k=5, metadata={"user_id": "u1"})
    assert request.messages == (Message("system", (Text("Be brief."),)), Message("user", (Text("Hi"),)))
    assert (request.model, request.max_tokens, request.stop) == ("auto", 64, ("END",))
    assert (request.temperature, request.top_k, request.user) == (0.5, 5, "u1")


def test_every_usual_block_has_a_part() -> None:
    content = [
        {"type": "text", "text": "See", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
            "title": "Report",
            "context": "2025",
            "citations": {"enabled": True},
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
    ]
    request = decode(messages=[{"role": "user", "content": content}])
    assert request.messages[0].parts == (
        Text("See", cache="1h"),
        Image(data="iVBORw0K", media_type="image/png"),
        Image(url="https://x/y.png"),
        Image(file_id="file_1"),
        File(data="JVBERi0=", media_type="application/pdf", name="Report", context="2025", cite=True),
        File(text="words", media_type="text/plain"),
    )


def test_a_tool_loop_keeps_arguments_byte_for_byte_and_splits_results_from_words() -> None:
    body = (
        b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Weather?"},'
        b'{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s1"},'
        b'{"type":"redacted_thinking","data":"zz"},{"type":"text","text":"Looking."},'
        b'{"type":"tool_use","id":"t1","name":"get","input":{ "city" : "Rome" }},'
        b'{"type":"tool_use","id":"t2","name":"get","input":{}}]},'
        b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"sunny"},'
        b'{"type":"tool_result","tool_use_id":"t2","is_error":true,"content":[{"type":"text","text":"no"}]},'
        b'{"type":"text","text":"Well?"}]}]}'
    )
    request = DIALECT.decode_request(body)
    assert request.messages[1:] == (
        Message(
            "assistant",
            (
                Reasoning(text="hm", signature="s1"),
                Reasoning(encrypted="zz"),
                Text("Looking."),
                ToolCall(id="t1", name="get", arguments='{ "city" : "Rome" }'),
                ToolCall(id="t2", name="get", arguments="{}"),
            ),
        ),
        Message(
            "tool",
            (
                ToolResult(call_id="t1", parts=(Text("sunny"),)),
                ToolResult(call_id="t2", parts=(Text("no"),), is_error=True),
            ),
        ),
        Message("user", (Text("Well?"),)),
    )
    body_again, encoded = sent(bare(request))
    assert [turn["role"] for turn in body_again["messages"]] == ["user", "assistant", "user"]
    assert b'{ "city" : "Rome" }' in encoded.body
    assert encoded.adaptations == ()


def test_what_types_cannot_hold_survives_verbatim() -> None:
    search = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "x": 1}]}
    call = {
        "type": "tool_use",
        "id": "t1",
        "name": "f",
        "input": {},
        "caller": {"type": "code_execution", "tool_id": "c"},
    }
    picture = {"type": "image", "source": {"type": "url", "url": "https://x"}, "transformations": {"a": 1}}
    inner = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "a", "new": 1}]}
    messages = [
        {"role": "user", "content": [picture], "clear_at": "later"},
        {"role": "assistant", "content": [search, call]},
        {"role": "user", "content": [inner]},
    ]
    request = decode(messages=messages, container="c1", thinking={"type": "between_tools"}, output_config={"x": 1})
    assert isinstance(request.messages[1].parts[0], Opaque)
    assert isinstance(request.messages[1].parts[1], ToolCall)
    body, encoded = sent(bare(request))
    assert body["messages"] == messages
    assert (body["container"], body["thinking"], body["output_config"]) == ("c1", {"type": "between_tools"}, {"x": 1})
    assert encoded.adaptations == ()


def test_an_answer_that_the_client_library_dumped_can_be_sent_back() -> None:
    content = [
        {"type": "text", "text": "ok", "citations": None},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
    ]
    request = decode(messages=[*ASKED["messages"], {"role": "assistant", "content": content}])
    assert request.messages[1] == Message("assistant", (Text("ok"), ToolCall(id="t", name="f", arguments='{"a":1}')))


def test_tools_and_choices_are_understood() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    tools = [
        {
            "name": "f",
            "description": "d",
            "input_schema": schema,
            "strict": True,
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "custom", "name": "g", "input_schema": schema, "defer_loading": True},
        {"type": "web_search_20260209", "name": "web_search", "max_uses": 2},
    ]
    request = decode(tools=tools, tool_choice={"type": "any", "disable_parallel_tool_use": True})
    first, second, third = request.tools
    assert (first.name, first.description, first.strict, first.cache) == ("f", "d", True, "5m")
    assert [extra.kind for extra in second.extra] == ["defer_loading"]
    assert (third.kind, third.name) == ("hosted", "web_search_20260209")
    assert (request.tool_choice, request.parallel_tools) == (ToolChoice("required"), False)
    body, _ = sent(bare(request))
    tools[1].pop("type")
    assert body["tools"] == tools
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_thinking_and_formats_are_understood() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    form = {"type": "json_schema", "schema": schema}
    request = decode(
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        output_config={"effort": "low", "format": form},
    )
    assert request.reasoning == ReasoningControl(effort="low", budget=2048, mode="on", hidden=True)
    assert request.output == OutputFormat(kind="schema", schema=msgspec.Raw(msgspec.json.encode(schema)))
    assert decode(output_format=form).output == request.output
    assert decode(thinking={"type": "adaptive"}).reasoning == ReasoningControl(mode="adaptive")
    assert decode(thinking={"type": "disabled"}).reasoning == ReasoningControl(mode="off")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
            "messages[0].content[0].tool_use_id",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": 3}]}
                ]
            },
            "messages[0].content[0].input",
        ),
        ({"system": 5}, "system"),
        ({"system": [{"type": "text"}]}, "system[0].text"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_tokens": None}, "max_tokens"),
        ({"model": 5}, "model"),
        ({"tools": [{"name": "f", "input_schema": []}]}, "tools[0].input_schema"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
        ({"cache_control": 5}, "cache_control"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_wrong_field_is_named(members: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(**members)
    assert caught.value.field == field
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b'{"model":"\xff"}', b"\x00", b'{"model": NaN}'])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(body)


def test_a_body_that_nests_too_deeply_is_refused() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises((TooLarge, InvalidRequest)):
        DIALECT.decode_request(b'{"model":"m","max_tokens":1,"messages":' + deep + b"}")


def test_null_members_are_as_good_as_none() -> None:
    request = decode(
        system=None, tools=None, tool_choice=None, thinking=None, metadata={"user_id": None}, stop_sequences=None,
        output_config=None, cache_control=None, stream=None, temperature=None, service_tier=None, container=None,
    )  # fmt: skip
    assert bare(request) == bare(decode())


def test_unknown_members_keep_their_bytes_on_the_way_through() -> None:
    body = b'{"zeta": { "a" :1.50 },"model":"auto","max_tokens":8,"messages":[ {"role":"user","content":"Hi"} ]}'
    encoded = DIALECT.encode_request(DIALECT.decode_request(body), Target("claude-sonnet-4-5", "a/c"))
    assert b'{"zeta":{ "a" :1.50 },"model":"claude-sonnet-4-5"' in encoded.body
    assert b'[ {"role":"user","content":"Hi"} ]' in encoded.body
