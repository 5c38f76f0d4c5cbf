"""Requests of the Responses API: what clients send, what providers get, and what a mistake is called."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Response
from meshwright.wire.dialect import Target
from meshwright.wire.openai_responses import DIALECT
from tests.wire.strategies import raw
from tests.wire.strategies_responses import THEIRS

NAME = DIALECT.name
replace = msgspec.structs.replace

CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def decode(input: Any = "hi", **members: Any) -> Request:
    return DIALECT.decode_request(msgspec.json.encode({"model": "m", "input": input, **members}))


def sent(request: Request, target: Target = THEIRS) -> dict[str, Any]:
    """The body that is written anew for a provider, of which nothing may be lost."""
    encoded = DIALECT.encode_request(replace(request, source=None), target)
    assert encoded.adaptations == ()
    return msgspec.json.decode(encoded.body, type=dict[str, Any])


def lost(request: Request) -> set[str]:
    encoded = DIALECT.encode_request(replace(request, source=None), THEIRS)
    return {one.field for one in encoded.adaptations}


def asked(*parts: Part, **members: Any) -> Request:
    return Request(model="m", messages=(Message("user", parts or (Text("hi"),)),), **members)


def test_a_string_is_the_users_message():
    request = decode("hi")
    assert request.messages == (Message("user", (Text("hi"),)),)
    assert sent(request) == {"model": "model-of-theirs", "input": [{"role": "user", "content": "hi"}]}


def test_instructions_are_a_leading_system_message_and_go_out_as_instructions():
    request = decode("hi", instructions="Be brief.")
    assert request.messages[0].role == "system"
    assert request.messages[0].text == "Be brief."
    assert sent(request)["instructions"] == "Be brief."
    assert sent(decode([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}])) == {
        "model": "model-of-theirs",
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
    }


def test_instructions_that_somebody_changed_are_still_sent():
    request = decode("hi", instructions="My key is 123.")
    first = replace(request.messages[0], parts=(Text("My key is"), Text("[key].")))
    encoded = DIALECT.encode_request(replace(request, messages=(first, *request.messages[1:]), source=None), THEIRS)
    body = msgspec.json.decode(encoded.body)
    assert [item["role"] for item in body["input"]] == ["system", "user"]
    assert [(one.field, one.action) for one in encoded.adaptations] == [("messages", "moved")]


def test_what_the_model_made_in_a_row_is_one_turn():
    items: list[dict[str, Any]] = [
        {"role": "user", "content": "hi"},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "e",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "b", "name": "g", "input": "x"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
    ]
    user, assistant, tool = decode(items).messages
    assert user.role == "user"
    assert assistant.parts[:4] == (
        Reasoning(summary=("Hm.",), encrypted="e", id="rs_1"),
        Text("I look."),
        ToolCall(id="a", name="f", arguments="{}", item_id="fc_1"),
        ToolCall(id="b", name="g", arguments="x", kind="custom", item_id="ctc_1"),
    )
    assert isinstance(assistant.parts[4], Opaque)
    assert (assistant.id, [one.kind for one in assistant.extra]) == ("msg_1", ["phase"])
    assert tool.parts[:2] == (
        ToolResult(call_id="a", parts=(Text("1"),)),
        ToolResult(call_id="b", parts=(Text("2"),), kind="custom"),
    )
    again = sent(decode(items))["input"]
    del items[2]["content"][0]["logprobs"]
    del items[3]["status"]
    items[7]["output"] = "2"
    assert again == items


def test_messages_that_follow_one_another_stay_apart():
    items = [{"role": "assistant", "content": "one"}, {"role": "assistant", "content": "two"}]
    assert [message.text for message in decode(items).messages] == ["one", "two"]
    assert sent(decode(items))["input"] == items


def test_messages_between_calls_stay_in_their_turn_with_their_own_members():
    items = [
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {
            "type": "message",
            "id": "msg_1",
            "phase": "commentary",
            "role": "assistant",
            "content": [],
            "status": "completed",
        },
        {
            "type": "message",
            "id": "msg_2",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "And", "annotations": []}],
            "status": "completed",
        },
        {"type": "function_call", "call_id": "b", "name": "f", "arguments": "{}"},
    ]
    (turn,) = decode(items).messages
    assert [type(part).__name__ for part in turn.parts] == ["ToolCall", "Text", "ToolCall"]
    assert sent(decode(items))["input"] == items


def test_unknown_members_come_back_into_what_they_came_from_and_nothing_else():
    items = [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "input_image", "file_id": "file_1", "x": 1},
            ],
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}", "namespace": "crm", "caller": {}},
        {
            "type": "function_call_output",
            "call_id": "a",
            "output": [{"type": "input_text", "text": "r", "y": 2}],
            "z": 3,
        },
    ]
    request = decode(items)
    assert sent(request)["input"] == items
    user = request.messages[0]
    changed = replace(request, messages=(replace(user, parts=user.parts[1:]), *request.messages[1:]))
    assert lost(changed) == {"messages.part.0", "messages.part.1"}


def test_every_kind_of_item_goes_through_in_its_place():
    kinds = [
        "item_reference", "file_search_call", "computer_call", "computer_call_output", "tool_search_call", "compaction",
        "image_generation_call", "code_interpreter_call", "local_shell_call", "local_shell_call_output", "shell_call",
        "shell_call_output", "apply_patch_call", "apply_patch_call_output", "mcp_list_tools", "mcp_approval_request",
        "mcp_approval_response", "mcp_call", "program", "program_output", "additional_tools", "from_the_future",
    ]  # fmt: skip
    items = [{"type": kind, "id": f"{kind}_1"} for kind in kinds]
    assert sent(decode(items))["input"] == items
    assert sent(decode([{"id": "msg_1"}]))["input"] == [{"id": "msg_1"}]


def test_content_is_read_whatever_form_it_has():
    content = [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://example.org/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "input_hologram", "x": 1},
    ]
    request = decode([{"role": "user", "content": content}])
    assert request.messages[0].parts[:6] == (
        Text("a"),
        Image(data="AAAA", media_type="image/png", detail="low"),
        Image(url="https://example.org/a.png"),
        File(data="AAAA", media_type="application/pdf", name="a.pdf"),
        File(url="https://example.org/a.pdf"),
        Audio(data="AAAA", format="wav"),
    )
    assert sent(request)["input"][0]["content"] == content


def test_every_setting_goes_through():
    settings = {
        "stream": True,
        "max_output_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.5,
        "top_logprobs": 3,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "tools": [
            {"type": "function", "name": "f", "description": "d", "parameters": CLOSED, "strict": True},
            {"type": "custom", "name": "g", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}},
            {"type": "mcp", "server_label": "s", "server_url": "https://example.org"},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "g"}]},
        "parallel_tool_calls": False,
        "text": {"format": {"type": "json_schema", "name": "a", "schema": CLOSED, "strict": True}, "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "auto", "context": "auto"},
        "metadata": {"a": "b"},
        "user": "u",
        "store": False,
        "previous_response_id": "resp_0",
        "prompt_cache_key": "k",
        "service_tier": "flex",
        "truncation": "auto",
        "background": True,
        "conversation": {"id": "conv_1"},
        "prompt": {"id": "pmpt_1"},
        "safety_identifier": "s",
        "stream_options": {"include_obfuscation": False},
        "max_tool_calls": 3,
        "x_new": [1],
    }
    request = decode("hi", **settings)
    assert request.logprobs
    assert request.tool_choice == ToolChoice("required", ("g",))
    assert request.reasoning == ReasoningControl(effort="high", summary="auto")
    assert request.output == OutputFormat(kind="schema", name="a", schema=raw(CLOSED), strict=True)
    assert sent(request) == {"model": "model-of-theirs", "input": [{"role": "user", "content": "hi"}], **settings}


@pytest.mark.parametrize(
    "choice",
    [
        "auto",
        "none",
        "required",
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "g"},
        {"type": "web_search_preview"},
        {"type": "mcp", "server_label": "s", "name": "n"},
        {"type": "apply_patch"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "mcp", "server_label": "s"}]},
        {"type": "allowed_tools", "mode": "auto", "tools": []},
    ],
)
def test_every_tool_choice_goes_through(choice: Any):
    tools = [{"type": "function", "name": "f", "parameters": {}, "strict": False}, {"type": "custom", "name": "g"}]
    assert sent(decode("hi", tools=tools, tool_choice=choice))["tool_choice"] == choice


def test_a_function_that_says_nothing_of_strictness_is_sent_as_not_strict():
    # Left out, this API would make every argument of another dialect's tool mandatory.
    tool = ToolSpec(name="f", schema=raw({"type": "object"}))
    assert sent(asked(tools=(tool,)))["tools"] == [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
    ]


def test_a_grammar_of_chat_completions_is_flat_here():
    nested = raw({"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}})
    (tool,) = sent(asked(tools=(ToolSpec(name="g", kind="custom", grammar=nested),)))["tools"]
    assert tool["format"] == {"type": "grammar", "syntax": "lark", "definition": "start: A"}


def test_an_unchanged_request_keeps_its_bytes_but_for_the_model():
    body = b'{ "input": [ {"role":"user", "content":"h\\u0069", "x": 1.50} ],"model":"m", "y" : {"b":1, "a":2} }'
    out = DIALECT.encode_request(DIALECT.decode_request(body), THEIRS)
    assert out.body == (
        b'{"input":[ {"role":"user", "content":"h\\u0069", "x": 1.50} ],"model":"model-of-theirs","y":{"b":1, "a":2}}'
    )
    assert out.adaptations == ()


def test_thoughts_go_back_only_to_who_made_them():
    def items(*thoughts: Reasoning) -> tuple[list[dict[str, Any]], set[str]]:
        message = Message(
            "assistant", (*thoughts, Text("Yes."), ToolCall(id="a", name="f", item_id="fc_1")), id="msg_1"
        )
        encoded = DIALECT.encode_request(Request(model="m", messages=(message,)), THEIRS)
        return msgspec.json.decode(encoded.body)["input"], {one.field for one in encoded.adaptations}

    kept, named = items(Reasoning(encrypted="e", origin="somebody/model"))
    assert (kept[0]["type"], kept[1]["id"], kept[2]["id"], named) == ("reasoning", "msg_1", "fc_1", set())
    for foreign in (
        Reasoning(encrypted="e", origin="another/model"),
        Reasoning(text="Hm.", signature="s"),
        Reasoning(text="Hm."),
    ):
        kept, named = items(foreign)
        # The message's id would call for the thought that belongs to it.
        assert [item.get("id") for item in kept] == [None, None]
        assert named == {"messages.reasoning", "messages.id"}


def test_what_we_sealed_for_a_client_comes_back_as_it_was():
    signed = Reasoning(text="Hm.", signature="s", encrypted="e", origin="another/model")
    choice = Choice(message=Message("assistant", (signed, Text("Yes."))), finish="stop")
    answer = DIALECT.encode_response(Response(id="r", model="m", choices=(choice,)), asked())
    assert {one.field for one in answer.adaptations} == {"choices.reasoning"}
    output = msgspec.json.decode(answer.body)["output"]
    request = decode([*output, {"role": "user", "content": "And?"}])
    assert request.messages[0] == Message("assistant", (signed, Text("Yes.")))
    # Nothing of it is for a provider: neither the seal nor the ids that we made up.
    assert request.source is None
    body = DIALECT.encode_request(request, THEIRS).body
    assert b"mesh" not in body


@pytest.mark.parametrize("text", ["mesh-1.", "mesh-1.%%%", "mesh-1.e30", "mesh-1.W10="])
def test_a_seal_that_is_none_of_ours_is_left_alone(text: str):
    (message,) = decode([{"type": "reasoning", "summary": [], "encrypted_content": text}]).messages
    assert message.parts == (Reasoning(encrypted=text),)


def test_null_says_nothing():
    members = dict.fromkeys(
        ["instructions", "tools", "tool_choice", "text", "reasoning", "include", "metadata", "stream", "store", "user",
         "temperature", "max_output_tokens", "previous_response_id", "truncation", "x_new"]
    )  # fmt: skip
    assert replace(decode("hi", **members), source=None) == replace(decode("hi"), source=None)


def test_a_conversation_kept_elsewhere_needs_no_input():
    assert decode(None, previous_response_id="resp_1").messages == ()
    assert decode([], conversation="conv_1").messages == ()
    assert decode(None, prompt={"id": "pmpt_1"}).messages == ()
