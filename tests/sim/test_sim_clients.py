"""The official clients against pretend providers: plain, streaming, tools, structured output, reasoning, errors."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from meshwright.sim import Calling, Rule, Say, Sim, Upstream
from meshwright.wire import CODECS

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
CHAT_TOOLS = [{"type": "function", "function": {"name": name, "parameters": WEATHER}} for name in ("weather", "tides")]
MESSAGES_TOOLS = [{"name": name, "input_schema": WEATHER} for name in ("weather", "tides")]


class Place(BaseModel):
    name: str
    people: int
    rivers: list[str]


@pytest.fixture
async def chat():
    script = (
        Rule(text="think", say=Say(reasoning="Let me see.", text="Seen.")),
        Rule(text="refuse", say=Say(refusal="I will not.")),
    )
    async with (
        Sim([Upstream(name="up", key="sk-right", models=("m", "n"), script=script)]) as sim,
        openai.AsyncOpenAI(base_url=sim.url("up"), api_key="sk-right", max_retries=0) as client,
    ):
        yield sim, client


@pytest.fixture
async def messages():
    script = (Rule(text="think", say=Say(reasoning="Let me see.", text="Seen.")),)
    async with (
        Sim([Upstream(name="up", dialect="anthropic_messages", key="sk-right", script=script)]) as sim,
        anthropic.AsyncAnthropic(
            base_url=sim.url("up").removesuffix("/v1"), api_key="sk-right", max_retries=0
        ) as client,
    ):
        yield sim, client


def said(text: str) -> list:
    return [{"role": "user", "content": text}]


async def test_chat_plain_and_models(chat):
    sim, client = chat
    answer = await client.chat.completions.create(model="m", messages=said("hello big world"))
    assert answer.choices[0].message.content == "up heard 3 words: hello big world"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert [row.id async for row in await client.models.list()] == ["m", "n"]
    first, second = sim.seen("up")
    assert (first.method, first.path, first.number, second.number) == ("POST", "/v1/chat/completions", 1, 0)
    assert json.loads(first.body)["messages"] == said("hello big world")
    assert first.request.model == "m"
    assert first.header("authorization") == "Bearer sk-right"
    assert not first.cancelled


async def test_chat_streams_word_by_word_and_honours_limits(chat):
    _, client = chat
    stream = await client.chat.completions.create(
        model="m", messages=said("one two three"), stream=True, stream_options={"include_usage": True}, logprobs=True
    )
    chunks = [chunk async for chunk in stream]
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert words == ["up", " heard", " 3", " words:", " one", " two", " three"]
    told = [chunk.choices[0].logprobs.content for chunk in chunks if chunk.choices and chunk.choices[0].logprobs]
    assert [one.token for list_ in told for one in list_] == words
    assert chunks[-1].usage.completion_tokens == 7
    cut = await client.chat.completions.create(model="m", messages=said("one two three"), max_tokens=2)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("up heard", "length")
    stopped = await client.chat.completions.create(model="m", messages=said("one two"), stop=" words", n=2)
    assert [choice.message.content for choice in stopped.choices] == ["up heard 2"] * 2


async def test_chat_calls_tools_in_parallel_whole_and_streamed(chat):
    _, client = chat
    asked = {"model": "m", "messages": said("Use weather and tides."), "tools": CHAT_TOOLS}
    whole = (await client.chat.completions.create(**asked)).choices[0]
    assert whole.finish_reason == "tool_calls"
    assert [call.function.name for call in whole.message.tool_calls] == ["weather", "tides"]
    assert json.loads(whole.message.tool_calls[0].function.arguments) == {"city": "text", "unit": "C"}
    async with client.chat.completions.stream(**asked) as stream:
        final = (await stream.get_final_completion()).choices[0]
    assert [call.function.arguments for call in final.message.tool_calls] == [
        call.function.arguments for call in whole.message.tool_calls
    ]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name}: fine"}
        for call in whole.message.tool_calls
    ]
    turn = whole.message.model_dump(exclude_none=True)
    after = await client.chat.completions.create(**asked | {"messages": [*asked["messages"], turn, *results]})
    assert "tides: fine" in after.choices[0].message.content
    forced = await client.chat.completions.create(
        model="m",
        messages=said("hello"),
        tools=CHAT_TOOLS,
        tool_choice={"type": "function", "function": {"name": "tides"}},
    )
    assert [call.function.name for call in forced.choices[0].message.tool_calls] == ["tides"]


async def test_chat_structured_output_refusal_and_reasoning(chat):
    _, client = chat
    parsed = await client.chat.completions.parse(model="m", messages=said("a place"), response_format=Place)
    assert parsed.choices[0].message.parsed == Place(name="text", people=1, rivers=["text"])
    refused = await client.chat.completions.create(model="m", messages=said("refuse"))
    assert refused.choices[0].message.refusal == "I will not."
    thought = await client.chat.completions.create(model="m", messages=said("think"))
    assert thought.choices[0].message.model_extra["reasoning_content"] == "Let me see."


async def test_chat_errors_are_the_clients_own(chat):
    sim, client = chat
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="sk-wrong").chat.completions.create(model="m", messages=said("x"))
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model="other", messages=said("x"))
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="m", messages="x")
    for fault, kind in (("status_429", openai.RateLimitError), ("status_500", openai.InternalServerError)):
        with pytest.raises(kind):
            await client.chat.completions.create(model="m", messages=said("x"), extra_headers={"x-sim-fault": fault})
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model="m", input="x")
    assert [seen.status for seen in sim.seen("up")] == [401, 404, 400, 429, 500, 404]


async def test_messages_plain_stream_and_count(messages):
    sim, client = messages
    asked = {"model": "m", "max_tokens": 50, "messages": said("hello big world")}
    answer = await client.messages.create(**asked)
    assert answer.content[0].text == "up heard 3 words: hello big world"
    async with client.messages.stream(**asked) as stream:
        words = [word async for word in stream.text_stream]
        final = await stream.get_final_message()
    assert words == ["up", " heard", " 3", " words:", " hello", " big", " world"]
    assert (final.usage.input_tokens, final.usage.output_tokens) == (answer.usage.input_tokens, 7)
    assert (await client.messages.count_tokens(model="m", messages=said("hello"))).input_tokens > 0
    stopped = await client.messages.create(**asked, stop_sequences=[" big"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " big")
    first = sim.seen("up")[0]
    assert "sk-right" in (first.header("x-api-key"), first.header("authorization").removeprefix("Bearer "))
    assert first.header("anthropic-version")


async def test_messages_tools_reasoning_and_structured_output(messages):
    _, client = messages
    asked = {"model": "m", "max_tokens": 50, "messages": said("Use weather and tides."), "tools": MESSAGES_TOOLS}
    whole = await client.messages.create(**asked)
    assert whole.stop_reason == "tool_use"
    assert [(call.name, call.input) for call in whole.content] == [
        (name, {"city": "text", "unit": "C"}) for name in ("weather", "tides")
    ]
    async with client.messages.stream(**asked) as stream:
        final = await stream.get_final_message()
    assert [(call.name, call.input) for call in final.content] == [(call.name, call.input) for call in whole.content]
    one = await client.messages.create(**asked, tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert len(one.content) == 1
    async with client.messages.stream(model="m", max_tokens=50, messages=said("think")) as stream:
        thought, text = (await stream.get_final_message()).content
    assert (thought.thinking, text.text) == ("Let me see.", "Seen.")
    assert len(thought.signature) == 64
    parsed = await client.messages.parse(model="m", max_tokens=50, messages=said("a place"), output_format=Place)
    assert parsed.parsed_output == Place(name="text", people=1, rivers=["text"])


async def test_messages_errors_are_the_clients_own(messages):
    _, client = messages
    asked = {"model": "m", "max_tokens": 50, "messages": said("x")}
    with pytest.raises(anthropic.AuthenticationError):
        await client.with_options(api_key="sk-wrong").messages.create(**asked)
    with pytest.raises(anthropic.RateLimitError):
        await client.messages.create(**asked, extra_headers={"x-sim-fault": "status_429"})
    with pytest.raises(anthropic.InternalServerError):
        await client.messages.create(**asked, extra_headers={"x-sim-fault": "status_529"})
    with pytest.raises(anthropic.APIStatusError):
        async with client.messages.stream(**asked, extra_headers={"x-sim-fault": "error_event"}) as stream:
            await stream.get_final_message()


async def test_a_script_answers_by_its_first_fitting_rule():
    script = (
        Rule(calls=(2,), say=Say(text="second")),
        Rule(model="g.*", text="(?i)hello", say=Say(text="greeting")),
        Rule(tools=True, results=False, say=Say(calls=(Calling("weather", '{"city":"Oslo","unit":"C"}', "call_1"),))),
        Rule(results=True, say=Say(tokens=("a", "b", "c"), finish="length")),
        Rule(text="echo", write=lambda request: Say(text=f"{len(request.messages)} turns")),
    )
    async with (
        Sim([Upstream(name="up", script=script)]) as sim,
        openai.AsyncOpenAI(base_url=sim.url("up"), api_key="k", max_retries=0) as client,
    ):
        create: Any = client.chat.completions.create
        assert (await create(model="gpt", messages=said("Hello"))).choices[0].message.content == "greeting"
        assert (await create(model="gpt", messages=said("Hello"))).choices[0].message.content == "second"
        called = (await create(model="x", messages=said("y"), tools=CHAT_TOOLS)).choices[0].message
        assert called.tool_calls[0].id == "call_1"
        result = {"role": "tool", "tool_call_id": "call_1", "content": "cold"}
        history = [*said("y"), called.model_dump(exclude_none=True), result]
        stream = await create(model="x", messages=history, tools=CHAT_TOOLS, stream=True)
        chunks = [chunk.choices[0] async for chunk in stream]
        assert [one.delta.content for one in chunks if one.delta.content] == ["a", "b", "c"]
        assert chunks[-1].finish_reason == "length"
        assert (await create(model="x", messages=said("echo"))).choices[0].message.content == "1 turns"


async def test_every_dialect_that_there_is_can_be_served():
    upstreams = [Upstream(name=name.replace("_", "-"), dialect=name) for name in CODECS]
    async with Sim(upstreams) as sim:
        assert len({sim.url(one.name) for one in upstreams}) == len(CODECS)
        if "openai_responses" in CODECS:
            async with openai.AsyncOpenAI(base_url=sim.url("openai-responses"), api_key="k", max_retries=0) as client:
                answer = await client.responses.create(model="m", input="hello big world")
                assert answer.output_text == "openai-responses heard 3 words: hello big world"
                stream = await client.responses.create(model="m", input="hello big world", stream=True)
                kinds = [event.type async for event in stream]
                assert kinds[-1] == "response.completed"
                assert kinds.count("response.output_text.delta") == 7
