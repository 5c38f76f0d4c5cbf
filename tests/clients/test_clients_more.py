"""What else the official clients do: lists of models, beta paths, tools made from models, tasks that are cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from meshwright.sim import Calling, Say
from meshwright.sim.upstream import ends_with_results
from meshwright.types.content import Text, ToolResult
from meshwright.types.request import Request
from meshwright.types.response import Finish
from tests.clients.desk import DIALECTS, PAIRS, Desk
from tests.clients.speakers import SPEAKERS

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS)
upstreams = pytest.mark.parametrize("upstream", DIALECTS)
Json = dict[str, Any]


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    days: int


def test_models_are_listed_by_both_libraries(desk: Desk):
    with SPEAKERS["openai_chat"].open(desk.gateway.url) as client:
        assert {"chat/m", "anth/m", "auto"} <= {model.id for model in client.models.list()}
    with SPEAKERS["anthropic_messages"].open(desk.gateway.url) as client:
        assert {"chat/m", "anth/m"} <= {model.id for model in client.models.list(limit=1000)}


@upstreams
def test_a_function_made_from_a_model_gets_parsed_arguments(desk: Desk, upstream: str):
    prompt = desk.say(Say(calls=(Calling("Weather", '{"city": "Bern", "days": 2}'),)))
    with SPEAKERS["openai_chat"].open(desk.gateway.url) as client:
        words = SPEAKERS["openai_chat"].words(desk.model(upstream), prompt)
        tools = [openai.pydantic_function_tool(Weather)]
        answer = client.chat.completions.parse(**words, tools=tools)
        assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == Weather(city="Bern", days=2)
        with client.chat.completions.stream(**words, tools=tools) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.parsed_arguments == Weather(city="Bern", days=2)
    assert "tool_calls.function.arguments.done" in kinds
    request = desk.seen(upstream, prompt)[-1].request
    assert request is not None
    assert [(tool.name, tool.strict) for tool in request.tools] == [("Weather", True)]


@upstreams
def test_the_responses_accumulator_tells_each_call_as_it_is_made(desk: Desk, upstream: str):
    prompt = desk.say(Say(calls=(Calling("Weather", '{"city": "Bern", "days": 2}'),)))
    with SPEAKERS["openai_responses"].open(desk.gateway.url) as client:
        words = SPEAKERS["openai_responses"].words(desk.model(upstream), prompt)
        tools = [openai.pydantic_function_tool(Weather)["function"] | {"type": "function"}]
        with client.responses.stream(**words, tools=tools) as stream:
            snapshots = [event.snapshot for event in stream if event.type == "response.function_call_arguments.delta"]
    assert snapshots[-1] == '{"city": "Bern", "days": 2}'
    assert len(snapshots) > 2


@upstreams
def test_anthropics_tool_runner_runs_the_tools(desk: Desk, upstream: str):
    """It asks at the beta path and wants the provider to hold the conversation, until it is told that it cannot."""

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """Tells the weather.

        Args:
            city: Where.
        """
        return f"{city}: rain"

    def answering(request: Request) -> Say:
        if not ends_with_results(request):
            return Say(text="Looking.", calls=(Calling("weather", '{"city": "Bern"}'),))
        result = request.messages[-1].parts[0]
        assert isinstance(result, ToolResult)
        return Say(text="".join(part.text for part in result.parts if isinstance(part, Text)))

    prompt = desk.say(answering)
    with SPEAKERS["anthropic_messages"].open(desk.gateway.url) as client:
        words = SPEAKERS["anthropic_messages"].words(desk.model(upstream), prompt)
        final = client.beta.messages.tool_runner(**words, tools=[weather]).until_done()
    assert final.content[-1].text == "Bern: rain"
    assert len(desk.seen(upstream, prompt)) == 2
    assert "thread" not in desk.sent(upstream, prompt)


@pytest.mark.parametrize(
    ("client", "upstream", "given", "field"),
    [
        ("openai_responses", "openai_chat", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("openai_responses", "anthropic_messages", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("openai_responses", "openai_chat", {"conversation": "conv_1"}, "conversation"),
        ("openai_responses", "anthropic_messages", {"prompt": {"id": "pmpt_1"}}, "prompt"),
        ("anthropic_messages", "openai_chat", {"extra_body": {"thread": {"type": "create"}}}, "thread"),
        ("anthropic_messages", "anthropic_messages", {"extra_body": {"thread": {"type": "create"}}}, "thread"),
    ],
)
def test_a_conversation_that_is_held_elsewhere_is_refused_rather_than_forgotten(
    desk: Desk, client: str, upstream: str, given: Json, field: str
):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text="What conversation?"))
    with speaker.open(desk.gateway.url) as asking, pytest.raises(speaker.errors.BadRequestError, match=field):
        speaker.create(asking)(**speaker.words(desk.model(upstream), prompt), **given)
    assert not desk.seen(upstream, prompt)


def test_a_conversation_that_its_own_provider_holds_goes_on(desk: Desk):
    prompt = desk.say(Say(text="I remember."))
    told = SPEAKERS["openai_responses"].ask(
        desk.gateway.url, desk.model("openai_responses"), prompt, previous_response_id="resp_1"
    )
    assert told.text == "I remember."
    assert desk.sent("openai_responses", prompt)["previous_response_id"] == "resp_1"


ALLOWED = {
    "openai_chat": {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "tides"}}]},
    },
    "openai_responses": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "tides"}]},
}


@pytest.mark.parametrize("client", ["openai_chat", "openai_responses"])
@upstreams
def test_allowed_tools_stay_allowed(desk: Desk, client: str, upstream: str):
    tools = [
        {"name": name, "description": "", "parameters": {"type": "object", "properties": {}}}
        for name in ("weather", "tides")
    ]
    prompt = desk.say(Say(text="allowed"))
    headers, _ = SPEAKERS[client].head(
        desk.gateway.url, desk.model(upstream), prompt, tools=tools, tool_choice=ALLOWED[client]
    )
    sent = desk.sent(upstream, prompt)
    if upstream == "anthropic_messages":
        assert [tool["name"] for tool in sent["tools"]] == ["tides"]
        assert sent["tool_choice"] == {"type": "any"}
        assert "tool_choice changed" in headers["x-mesh-adapted"]
    else:
        assert len(sent["tools"]) == 2
        assert sent["tool_choice"] == ALLOWED[upstream]


@pairs
@pytest.mark.parametrize(
    ("finish", "words"),
    [
        ("content_filter", {"content_filter", "refusal"}),
        ("context", {"length", "max_output_tokens", "model_context_window_exceeded"}),
        ("refusal", {"content_filter", "refusal"}),
        ("pause", {"stop", "completed", "pause_turn"}),
    ],
)
def test_why_an_answer_ended_is_told_in_the_clients_words(
    desk: Desk, client: str, upstream: str, finish: Finish, words: set[str]
):
    if upstream != "anthropic_messages" and finish != "content_filter":
        finish, words = "length", {"length", "max_output_tokens", "max_tokens"}  # what the upstream has a word for
    prompt = desk.say(Say(text="Half of it", finish=finish))
    speaker = SPEAKERS[client]
    told = speaker.ask(desk.gateway.url, desk.model(upstream), prompt)
    assert told.finish in words
    assert told.text == "Half of it"


@pytest.mark.parametrize("upstream", DIALECTS)
def test_instructions_of_all_kinds_reach_the_model_in_order(desk: Desk, upstream: str):
    prompt = desk.say(Say(text="understood"))
    messages = [
        {"role": "system", "content": "Rule one."},
        {"role": "developer", "content": "Rule two."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hi."},
        {"role": "system", "content": "Rule three."},
        {"role": "user", "content": prompt},
    ]
    with SPEAKERS["openai_chat"].open(desk.gateway.url) as client:
        client.chat.completions.create(model=desk.model(upstream), messages=messages)
    request = desk.seen(upstream, prompt)[-1].request
    assert request is not None
    words = " | ".join(message.text for message in request.messages)
    places = [words.index(one) for one in ("Rule one.", "Rule two.", "Hello.", "Hi.", "Rule three.", prompt)]
    assert places == sorted(places)


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_cancelled_task_stops_the_upstream(desk: Desk, client: str, streamed: bool):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text="never"))
    async with speaker.open_async(desk.gateway.url) as asking:
        words = speaker.words(desk.model(client, "stall_before_head"), prompt)
        task = asyncio.ensure_future(speaker.create(asking)(**words, stream=streamed))
        seen = await desk.asked(client, prompt)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await asyncio.to_thread(desk.over, seen)).cancelled


@pairs
def test_many_streams_at_once_do_not_mix(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    prompts = [desk.say(Say(text=" ".join([f"stream-{number}"] * 20))) for number in range(12)]

    async def one(asking: Any, prompt: str) -> str:
        stream = await speaker.create(asking)(**speaker.words(desk.model(upstream), prompt), stream=True)
        return "".join([speaker.piece(event) async for event in stream])

    async def all_of_them() -> list[str]:
        async with speaker.open_async(desk.gateway.url) as asking:
            return list(await asyncio.gather(*(one(asking, prompt) for prompt in prompts)))

    assert asyncio.run(all_of_them()) == [" ".join([f"stream-{number}"] * 20) for number in range(12)]


@pytest.mark.parametrize("client", DIALECTS)
def test_the_raw_stream_names_its_decision_before_its_first_word(desk: Desk, client: str):
    prompt = desk.say(Say(text="words"))
    speaker = SPEAKERS[client]
    with speaker.open(desk.gateway.url) as asking:
        answer = speaker.raw(asking)(**speaker.words(desk.model(client), prompt), stream=True)
        assert answer.headers["x-mesh-decision"].startswith("dec_")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "".join(map(speaker.piece, answer.parse())) == "words"
