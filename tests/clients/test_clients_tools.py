"""Tool calls, their results and the choice of tools, through each client, to upstreams of each dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshwright.sim import Calling, Say
from meshwright.sim.upstream import ends_with_results
from meshwright.types.content import Message, Text, ToolCall, ToolResult
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from tests.clients.desk import DIALECTS, PAIRS, Desk
from tests.clients.speakers import SPEAKERS

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS)
Json = dict[str, Any]


def _tool(name: str) -> Json:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    }
    return {"name": name, "description": f"Tells {name}.", "parameters": parameters}


TOOLS = [_tool("weather"), _tool("tides")]
ARGUMENTS = ('{"city": "Zürich \\"HB\\"", "days": 3}', '{"city":"Bäle\\n2","days":0}')
CALLS = Say(text="Let me look.", calls=(Calling("weather", ARGUMENTS[0]), Calling("tides", ARGUMENTS[1])))
FORCED = {
    "openai_chat": {"type": "function", "function": {"name": "tides"}},
    "openai_responses": {"type": "function", "name": "tides"},
    "anthropic_messages": {"type": "tool", "name": "tides"},
}
REQUIRED = {"openai_chat": "required", "openai_responses": "required", "anthropic_messages": {"type": "any"}}
AUTO = {"openai_chat": "auto", "openai_responses": "auto", "anthropic_messages": {"type": "auto"}}
NONE = {"openai_chat": "none", "openai_responses": "none", "anthropic_messages": {"type": "none"}}


def _check(calls: list[tuple[str, str, Any]]) -> None:
    assert [name for _, name, _ in calls] == ["weather", "tides"]
    assert [arguments for _, _, arguments in calls] == [json.loads(one) for one in ARGUMENTS]
    assert len({id for id, _, _ in calls}) == 2
    assert all(id for id, _, _ in calls)


@pairs
def test_parallel_calls_arrive_with_ids_and_exact_arguments(desk: Desk, client: str, upstream: str):
    told = SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), desk.say(CALLS), tools=TOOLS)
    _check(told.calls)
    assert told.text == "Let me look."
    assert told.finish in ("tool_calls", "completed", "tool_use")
    if client != "anthropic_messages" and upstream != "anthropic_messages":
        raw = told.raw
        texts = (
            [call.function.arguments for call in raw.choices[0].message.tool_calls]
            if client == "openai_chat"
            else [item.arguments for item in raw.output if item.type == "function_call"]
        )
        assert texts == list(ARGUMENTS)


@pairs
def test_streamed_calls_are_put_together(desk: Desk, client: str, upstream: str):
    told = SPEAKERS[client].assemble(desk.gateway.url, desk.model(upstream), desk.say(CALLS), tools=TOOLS)
    _check(told.calls)
    assert told.text == "Let me look."
    assert told.finish in ("tool_calls", "completed", "tool_use")


@pairs
def test_a_call_without_arguments_is_an_empty_object(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(calls=(Calling("weather", "{}"),)))
    asked: Json = {"tools": TOOLS}
    assert SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), prompt, **asked).calls[0][1:] == ("weather", {})
    streamed = SPEAKERS[client].assemble(desk.gateway.url, desk.model(upstream), prompt, **asked)
    assert streamed.calls[0][1:] == ("weather", {})


def _answering(request: Request) -> Say:
    """Calls first; once the results are there, repeats them."""
    if not ends_with_results(request):
        return CALLS
    results = [part for part in request.messages[-1].parts if isinstance(part, ToolResult)]
    return Say(text=" and ".join(part.text for one in results for part in one.parts if isinstance(part, Text)))


def _next(client: str, words: Json, raw: Any, results: list[str]) -> Json:
    """The next turn as each library's documentation writes it: the answer's own objects, then the results."""
    if client == "openai_chat":
        message = raw.choices[0].message
        told = [
            {"role": "tool", "tool_call_id": call.id, "content": text}
            for call, text in zip(message.tool_calls, results, strict=True)
        ]
        return {**words, "messages": [*words["messages"], message, *told]}
    if client == "openai_responses":
        calls = [item for item in raw.output if item.type == "function_call"]
        told = [
            {"type": "function_call_output", "call_id": call.call_id, "output": text}
            for call, text in zip(calls, results, strict=True)
        ]
        return {**words, "input": [{"role": "user", "content": words["input"]}, *raw.output, *told]}
    calls = [block for block in raw.content if block.type == "tool_use"]
    told = [
        {"type": "tool_result", "tool_use_id": call.id, "content": text}
        for call, text in zip(calls, results, strict=True)
    ]
    turns = [{"role": "assistant", "content": raw.content}, {"role": "user", "content": told}]
    return {**words, "messages": [*words["messages"], *turns]}


def _received(upstream: str, body: Json) -> tuple[list[tuple[str, str, Any]], list[tuple[str, Any]]]:
    """The calls and results in the upstream's own words: ([(id, name, arguments)], [(id, content)])."""
    if upstream == "openai_chat":
        calls = [call for message in body["messages"] for call in message.get("tool_calls") or ()]
        results = [message for message in body["messages"] if message["role"] == "tool"]
        return (
            [(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls],
            [(message["tool_call_id"], message["content"]) for message in results],
        )
    if upstream == "openai_responses":
        calls = [item for item in body["input"] if item.get("type") == "function_call"]
        results = [item for item in body["input"] if item.get("type") == "function_call_output"]
        return (
            [(c["call_id"], c["name"], json.loads(c["arguments"])) for c in calls],
            [(item["call_id"], item["output"]) for item in results],
        )
    turns = [turn for turn in body["messages"] if isinstance(turn["content"], list)]
    blocks = [(turn["role"], block) for turn in turns for block in turn["content"]]
    calls = [block for role, block in blocks if block["type"] == "tool_use" and role == "assistant"]
    results = [block for role, block in blocks if block["type"] == "tool_result" and role == "user"]
    return (
        [(c["id"], c["name"], c["input"]) for c in calls],
        [(block["tool_use_id"], block["content"]) for block in results],
    )


@pairs
@pytest.mark.parametrize("streamed", [False, True])
def test_a_round_trip_of_tools_ends_with_the_answer(desk: Desk, client: str, upstream: str, streamed: bool):
    speaker = SPEAKERS[client]
    prompt = desk.say(_answering)
    words = speaker.words(desk.model(upstream), prompt, "Use the tools.", TOOLS)
    results = ["rain, 12 °C", "high at 3"]
    with speaker.open(desk.gateway.url) as asking:

        def ask(said: Json) -> Any:
            if not streamed:
                return speaker.create(asking)(**said)
            with speaker.gather(asking, **said) as stream:
                return speaker.final(stream)

        first = ask(words)
        last = speaker.told(ask(_next(client, words, first, results)))
    assert last.text == "rain, 12 °C and high at 3"
    ids = [id for id, _, _ in speaker.told(first).calls]
    calls, told = _received(upstream, desk.sent(upstream, prompt))
    assert [id for id, _, _ in calls] == ids
    assert [call[1:] for call in calls] == [
        ("weather", json.loads(ARGUMENTS[0])),
        ("tides", json.loads(ARGUMENTS[1])),
    ]
    assert told == list(zip(ids, results, strict=True))


@pairs
def test_tools_arrive_with_their_schemas(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(text="no need"))
    SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), prompt, tools=TOOLS)
    sent = desk.sent(upstream, prompt)["tools"]
    if upstream == "openai_chat":
        sent = [tool["function"] for tool in sent]
    schema = "input_schema" if upstream == "anthropic_messages" else "parameters"
    assert [(t["name"], t["description"], t[schema]) for t in sent] == [
        (t["name"], t["description"], t["parameters"]) for t in TOOLS
    ]


@pairs
@pytest.mark.parametrize("forms", [FORCED, REQUIRED, AUTO, NONE], ids=["forced", "required", "auto", "none"])
def test_the_choice_of_tools_arrives_in_the_upstreams_words(desk: Desk, client: str, upstream: str, forms: Json):
    prompt = desk.say(Say(text="chosen"))
    SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), prompt, tools=TOOLS, tool_choice=forms[client])
    assert desk.sent(upstream, prompt)["tool_choice"] == forms[upstream]


@pairs
def test_one_call_at_a_time_is_asked_for_in_the_upstreams_words(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(text="one"))
    asked: Json = {"parallel_tool_calls": False}
    if client == "anthropic_messages":
        asked = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), prompt, tools=TOOLS, **asked)
    sent = desk.sent(upstream, prompt)
    if upstream == "anthropic_messages":
        assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    else:
        assert sent["parallel_tool_calls"] is False


@pytest.mark.parametrize("upstream", DIALECTS)
def test_a_failed_tool_is_told_or_noted(desk: Desk, upstream: str):
    prompt = desk.say(Say(text="sorry"))
    turns = [
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "down", "is_error": True},
            {"type": "text", "text": "What now?"},
        ]},
    ]  # fmt: skip
    speaker = SPEAKERS["anthropic_messages"]  # the only clients that can say it
    with speaker.open(desk.gateway.url) as asking:
        words = {**speaker.words(desk.model(upstream), prompt, "", TOOLS), "messages": turns}
        headers = speaker.raw(asking)(**words).headers
    request = desk.seen(upstream, prompt)[-1].request
    assert request is not None
    assert [message.role for message in request.messages] == ["user", "assistant", "tool", "user"]
    (result,) = request.messages[2].parts
    assert isinstance(result, ToolResult)
    assert result.is_error or "messages" in headers["x-mesh-adapted"]


@pytest.mark.parametrize("client", ["openai_chat", "openai_responses"])
@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses"])
def test_a_custom_tool_takes_free_text(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(calls=(Calling("shell", "ls -la | wc"),)))
    tool: Json = {"name": "shell", "description": "Runs."}
    tool = {"type": "custom", "custom": tool} if client == "openai_chat" else {"type": "custom", **tool}
    speaker = SPEAKERS[client]
    with speaker.open(desk.gateway.url) as asking:
        words = {**speaker.words(desk.model(upstream), prompt), "tools": [tool]}
        answer = speaker.create(asking)(**words)
        events = list(speaker.create(asking)(**words, stream=True))
    if client == "openai_chat":
        (call,) = answer.choices[0].message.tool_calls
        assert (call.type, call.custom.name, call.custom.input) == ("custom", "shell", "ls -la | wc")
    else:
        (item,) = answer.output
        assert (item.type, item.name, item.input) == ("custom_tool_call", "shell", "ls -la | wc")
        assert "".join(one.delta for one in events if one.type == "response.custom_tool_call_input.delta") == item.input


@pairs
def test_words_around_calls_keep_their_order_where_the_client_can_show_it(desk: Desk, client: str, upstream: str):
    parts = (
        Text("First "),
        ToolCall(id="call_1", name="weather", arguments=ARGUMENTS[0]),
        ToolCall(id="call_2", name="tides", arguments=ARGUMENTS[1]),
    )
    response = Response(
        id="msg_1",
        model="m",
        choices=(Choice(message=Message("assistant", parts), finish="tool_calls"),),
        usage=Usage(input=1, output=1),
    )
    prompt = desk.say(Say(response=response))
    for told in (
        SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), prompt, tools=TOOLS),
        SPEAKERS[client].assemble(desk.gateway.url, desk.model(upstream), prompt, tools=TOOLS),
    ):
        _check(told.calls)
        assert [id for id, _, _ in told.calls] == ["call_1", "call_2"]
        if client == "openai_responses":
            assert [item.type for item in told.raw.output] == ["message", "function_call", "function_call"]
        elif client == "anthropic_messages":
            assert [block.type for block in told.raw.content] == ["text", "tool_use", "tool_use"]
