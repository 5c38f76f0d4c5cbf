"""Tools whose names or kinds a provider does not have: their clients hear of them as they know them."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from meshwright.sim import Calling, Say
from meshwright.types.content import ToolCall
from meshwright.types.request import Request
from tests.clients.desk import PAIRS, Desk
from tests.clients.speakers import SPEAKERS

LONG = "mcp__plugin_chrome-devtools-mcp_chrome-devtools__get_console_message"
PATCH = '*** Begin Patch\n+print("h\u00e9llo")\n*** End Patch'
Json = dict[str, Any]


def _call_all(request: Request) -> Say:
    """Calls every tool by the name under which it came."""
    return Say(calls=tuple(Calling(tool.name, json.dumps({"input": PATCH})) for tool in request.tools))


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_name_that_the_provider_refuses_comes_back_as_the_clients_own(desk: Desk, client: str, upstream: str):
    schema = {"type": "object", "properties": {"input": {"type": "string"}}}
    tools = [{"name": name, "description": "x", "parameters": schema} for name in (LONG, "fs.read", "plain")]
    for ask in (SPEAKERS[client].ask, SPEAKERS[client].assemble):
        told = ask(desk.gateway.url, desk.model(upstream), desk.say(_call_all), tools=tools)
        assert [name for _, name, _ in told.calls] == [LONG, "fs.read", "plain"]


@pytest.mark.parametrize("upstream", ["anthropic_messages", "openai_chat"])
def test_a_tool_that_takes_text_is_called_with_text_through_responses(desk: Desk, upstream: str):
    tool: Any = {"type": "custom", "name": "apply_patch", "description": "Applies a patch."}
    with openai.OpenAI(base_url=f"{desk.gateway.url}/v1", api_key="any", max_retries=0) as client:
        prompt = desk.say(lambda request: _call_all(request) if upstream == "anthropic_messages" else _texts(request))
        whole = client.responses.create(model=desk.model(upstream), input=prompt, tools=[tool])
        with client.responses.stream(model=desk.model(upstream), input=prompt, tools=[tool]) as stream:
            events = [event.type for event in stream]
            streamed = stream.get_final_response()
        for answer in (whole, streamed):
            (call,) = [item for item in answer.output if item.type == "custom_tool_call"]
            assert (call.name, call.input) == ("apply_patch", PATCH)
        assert "response.custom_tool_call_input.done" in events
        words = desk.say(Say(text="Good."), "And now?")
        again = client.responses.create(
            model=desk.model(upstream),
            previous_response_id=whole.id,
            input=[
                {"type": "custom_tool_call_output", "call_id": _id(whole), "output": "Done."},
                {"role": "user", "content": words},
            ],
            tools=[tool],
        )
    assert again.output_text == "Good."
    seen = desk.seen(upstream, words)[-1].request
    assert seen is not None
    (made,) = [part for message in seen.messages for part in message.parts if isinstance(part, ToolCall)]
    assert PATCH in (made.arguments if made.kind == "custom" else json.loads(made.arguments)["input"])


def _texts(request: Request) -> Say:
    return Say(calls=tuple(Calling(tool.name, PATCH) for tool in request.tools))


def _id(answer: Any) -> str:
    return next(str(item.call_id) for item in answer.output if item.type == "custom_tool_call")
