"""Chat Completions requests: what clients send, what providers get, and what is wrong with a bad one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter

from meshwright.types.content import (
    Audio,
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
from meshwright.types.request import (
    OutputFormat,
    ReasoningControl,
    Request,
    ToolChoice,
    ToolSpec,
)
from meshwright.wire.dialect import Target
from meshwright.wire.openai_chat import DIALECT
from tests.wire.strategies import raw

TARGET = Target("gpt-theirs", "openai/gpt-theirs")
USER = {"role": "user", "content": "hello"}


def decoded(**fields: Any) -> Request:
    return DIALECT.decode_request(msgspec.json.encode({"model": "m", "messages": [USER], **fields}))


def sent(request: Request, *quirks: str) -> dict[str, Any]:
    target = Target(TARGET.model, TARGET.origin, quirks=frozenset(quirks))
    body: dict[str, Any] = json.loads(DIALECT.encode_request(request, target).body)
    return body


def changed(request: Request, **fields: Any) -> Request:
    return msgspec.structs.replace(request, source=None, **fields)


def notes(request: Request, *quirks: str) -> set[tuple[str, str]]:
    target = Target(TARGET.model, TARGET.origin, quirks=frozenset(quirks))
    return {(one.field, one.action) for one in DIALECT.encode_request(request, target).adaptations}


CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {**CITY, "required": [*CITY["properties"]], "additionalProperties": False},
        "strict": True,
    },
}
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": [{"type": "text", "text": "Answer in French."}]},
    {
        "role": "user",
        "name": "ana",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "https://example.org/cat.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Two cities.",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Lyon"}'}},
            {"id": "c2", "type": "custom", "custom": {"name": "note", "input": "free text"}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "12 degrees"},
    {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "noted"}]},
]


def test_every_kind_of_turn_is_read() -> None:
    system, developer, user, assistant, tool = decoded(messages=TURNS).messages
    assert (system, developer) == (
        Message("system", (Text("Be brief."),)),
        Message("developer", (Text("Answer in French."),)),
    )
    assert user == Message(
        "user",
        (
            Text("What is this?"),
            Image(url="https://example.org/cat.png", detail="low"),
            Image(data="iVBORw0KGgo=", media_type="image/png"),
            Audio(data="AAAA", format="wav"),
            File(data="JVBERi0=", media_type="application/pdf", name="a.pdf"),
        ),
        "ana",
    )
    assert assistant.parts == (
        Reasoning(text="Two cities."),
        ToolCall(id="c1", name="weather", arguments='{"city":"Lyon"}'),
        ToolCall(id="c2", name="note", arguments="free text", kind="custom"),
    )
    assert tool.parts == (
        ToolResult(call_id="c1", parts=(Text("12 degrees"),)),
        ToolResult(call_id="c2", parts=(Text("noted"),), kind="custom"),
    )


def test_what_is_sent_is_valid_by_the_official_types() -> None:
    request = decoded(
        messages=TURNS,
        tools=[WEATHER, {"type": "custom", "custom": {"name": "note"}}],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        response_format={"type": "json_schema", "json_schema": {"name": "out", "schema": CITY, "strict": True}},
        reasoning_effort="low",
        stop=["a", "b"],
        seed=7,
        n=2,
        logprobs=True,
        top_logprobs=3,
        metadata={"a": "b"},
        prompt_cache_key="k",
    )
    assert request.output == OutputFormat(kind="schema", name="out", schema=raw(CITY), strict=True)
    assert (request.reasoning, request.seed, request.n) == (ReasoningControl(effort="low"), 7, 2)
    body = sent(changed(request), "no_reasoning_input")
    TypeAdapter(CompletionCreateParamsNonStreaming).validate_python(body, strict=False)
    streamed = sent(changed(request, stream=True), "no_reasoning_input")
    assert streamed["stream_options"] == {"include_usage": True}
    TypeAdapter(CompletionCreateParamsStreaming).validate_python(streamed, strict=False)


def test_an_unchanged_request_goes_out_as_its_own_bytes() -> None:
    body = b'{"n" : 1,"zeta":{"b":1, "a":[1,  2]},"model":"m","messages":[{"role":"user","content":"h\\u00e9"}]}'
    out = DIALECT.encode_request(DIALECT.decode_request(body), TARGET)
    assert (
        out.body
        == b'{"n":1,"zeta":{"b":1, "a":[1,  2]},"model":"gpt-theirs","messages":[{"role":"user","content":"h\\u00e9"}]}'
    )
    assert out.adaptations == ()


def test_a_stream_is_told_to_report_its_usage_and_keeps_its_other_options() -> None:
    request = decoded(stream=True, stream_options={"include_obfuscation": False})
    assert request.stream_usage is False
    assert request.extra == (Opaque("openai_chat", "stream_options", raw({"include_obfuscation": False})),)
    assert sent(request)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert sent(changed(request))["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in sent(request, "no_stream_options")
    assert decoded(stream=True, stream_options={"include_usage": True}).stream_usage is True
    assert decoded(stream=True, stream_options=None).stream_usage is False


def test_functions_from_before_tools_are_tools() -> None:
    request = decoded(
        messages=[
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
            {"role": "function", "name": "weather", "content": "sun"},
        ],
        functions=[{"name": "weather", "parameters": CITY}],
        function_call={"name": "weather"},
    )
    assert request.tools == (ToolSpec(name="weather", schema=raw(CITY)),)
    assert request.tool_choice == ToolChoice("tool", ("weather",))
    call, result = request.messages[1].parts[0], request.messages[2].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert result.call_id == call.id != ""
    assert notes(changed(request)) == set()


def test_nulls_strings_and_old_names_are_taken_as_clients_send_them() -> None:
    request = decoded(
        messages=[
            {"role": "user", "content": ["plain", {"type": "image_url", "image_url": "https://example.org/a.png"}]},
            {"role": "assistant", "content": "", "tool_calls": None, "refusal": None, "audio": None},
        ],
        tools=None,
        tool_choice="any",
        stop="x",
        max_tokens=5,
        temperature=None,
        foo=None,
        n=None,
    )
    assert request.messages[0].parts == (Text("plain"), Image(url="https://example.org/a.png"))
    assert request.messages[1].parts == ()
    assert (request.tools, request.tool_choice) == ((), ToolChoice("required"))
    assert (request.stop, request.max_tokens, request.extra) == (("x",), 5, ())


def test_unknown_members_keep_their_place_when_the_request_was_changed() -> None:
    request = decoded(
        messages=[
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "a", "x_part": 1},
                    {"type": "video_url", "video_url": {"url": "u"}},
                ],
                "tool_calls": [
                    {"id": "1", "type": "function", "x_call": {"s": 1}, "function": {"name": "f", "arguments": "{}"}}
                ],
                "x_turn": [1],
            },
            {"role": "tool", "tool_call_id": "1", "content": "r", "x/y": 1},
        ],
        tools=[{"type": "web_search", "size": 3}, {**WEATHER, "x_tool": 1}],
        x_top={"deep": [1, {"er": None}]},
    )
    body = sent(changed(request))
    turn, result = body["messages"]
    assert turn["x_turn"] == [1]
    assert turn["content"] == [
        {"type": "text", "text": "a", "x_part": 1},
        {"type": "video_url", "video_url": {"url": "u"}},
    ]
    assert turn["tool_calls"][0]["x_call"] == {"s": 1}
    assert result["x/y"] == 1
    assert body["tools"] == [{"type": "web_search", "size": 3}, {**WEATHER, "x_tool": 1}]
    assert body["x_top"] == {"deep": [1, {"er": None}]}
    assert notes(changed(request)) == set()


@pytest.mark.parametrize(
    ("quirk", "fields", "member", "expected"),
    [
        ("max_tokens", {"max_completion_tokens": 9}, "max_tokens", 9),
        ("max_tokens", {"max_completion_tokens": 9}, "max_completion_tokens", None),
        ("no_developer_role", {"messages": [{"role": "developer", "content": "x"}]}, "messages", "system"),
        ("top_k", {"top_k": 4}, "top_k", 4),
        ("reasoning_object", {"reasoning": {"max_tokens": 99}}, "reasoning", {"max_tokens": 99}),
        ("cache_control", {"cache_control": {"type": "ephemeral"}}, "cache_control", {"type": "ephemeral"}),
    ],
)
@pytest.mark.parametrize("unchanged", [True, False])
def test_a_quirk_of_the_provider_is_met(
    quirk: str, fields: dict[str, Any], member: str, expected: object, unchanged: bool
) -> None:
    request = decoded(**fields)
    body = sent(request if unchanged else changed(request), quirk)
    value = body.get(member)
    assert (value[0]["role"] if isinstance(value, list) else value) == expected


def test_cache_marks_go_only_to_a_provider_that_takes_them() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    request = decoded(
        messages=[{"role": "user", "content": [{"type": "text", "text": "long", "cache_control": mark}]}],
        tools=[{**WEATHER, "cache_control": {"type": "ephemeral"}}],
    )
    assert request.messages[0].parts == (Text("long", "1h"),)
    assert request.tools[0].cache == "5m"
    body = sent(changed(request), "cache_control")
    assert body["messages"][0]["content"][0]["cache_control"] == mark
    for one in (request, changed(request)):
        assert "cache_control" not in json.dumps(sent(one))
        assert notes(one) == {("messages", "dropped"), ("tools", "dropped")}


def test_thoughts_go_back_unless_the_provider_refuses_them() -> None:
    request = decoded(messages=[USER, {"role": "assistant", "content": "a", "reasoning": "because"}])
    assert sent(changed(request))["messages"][1]["reasoning_content"] == "because"
    for one in (request, changed(request)):
        assert "because" not in json.dumps(sent(one, "no_reasoning_input"))
        assert ("messages", "dropped") in notes(one, "no_reasoning_input")


def test_a_budget_becomes_an_effort_and_says_so() -> None:
    request = Request(model="m", reasoning=ReasoningControl(budget=4000, summary="auto"))
    assert sent(request)["reasoning_effort"] == "medium"
    assert notes(request) == {("reasoning", "changed"), ("reasoning", "dropped")}
    off = Request(model="m", reasoning=ReasoningControl(mode="off"))
    assert sent(off)["reasoning_effort"] == "none"
    assert notes(off) == {("reasoning", "moved")}


def test_a_picture_in_a_tools_answer_follows_as_the_users() -> None:
    result = ToolResult(call_id="c", parts=(Text("see"), Image(url="https://example.org/a.png")))
    request = Request(model="m", messages=(Message("tool", (result, ToolResult(call_id="d"))),))
    body = sent(request)
    assert [turn["role"] for turn in body["messages"]] == ["tool", "tool", "user"]
    assert body["messages"][2]["content"][1]["image_url"] == {"url": "https://example.org/a.png"}
    assert notes(request) == {("messages", "moved")}


def test_signed_reasoning_of_another_dialect_is_dropped_by_name() -> None:
    thought = Reasoning(text="plain", signature="abc", origin="anthropic/claude")
    request = Request(model="m", messages=(Message("assistant", (thought, Text("x"))),))
    assert sent(request)["messages"][0]["reasoning_content"] == "plain"
    assert notes(request) == {("messages", "dropped")}


def test_parameters_of_another_dialect_are_dropped_by_name() -> None:
    request = Request(
        model="m",
        top_k=3,
        previous_response_id="resp_1",
        extra=(Opaque("anthropic_messages", "container", raw("c")),),
        tools=(ToolSpec(name="bash", kind="hosted", hosted=Opaque("anthropic_messages", "bash", raw({}))),),
    )
    assert notes(request) == {
        ("top_k", "dropped"),
        ("previous_response_id", "dropped"),
        ("container", "dropped"),
        ("tools", "dropped"),
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [USER, {"role": "user", "content": 3}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "tool", "tool_call_id": "", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"arguments": "{}"}}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"n": 0}, "n"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_completion_tokens"),
        ({"stop": [1]}, "stop[0]"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": 3}}]}, "tools[0].function.parameters"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": "json"}, "response_format"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"reasoning_effort": "low", "reasoning": {"effort": "high"}}, "reasoning_effort"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(**fields)
    assert caught.value.field == field
    assert caught.value.message


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', b'{"x":"\xc3("}'],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.decode_request(body)


def test_a_body_that_nests_without_end_is_refused() -> None:
    body = b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises((TooLarge, InvalidRequest)):
        DIALECT.decode_request(body)


def test_a_type_that_looks_like_our_own_mark_is_only_a_type() -> None:
    part = {"type": "opaque", "number": 0}
    request = decoded(messages=[{"role": "user", "content": [part, {"type": "new", "x": 1}]}])
    assert request.messages[0].parts == (
        Opaque("openai_chat", "opaque", raw(part)),
        Opaque("openai_chat", "new", raw({"type": "new", "x": 1})),
    )
