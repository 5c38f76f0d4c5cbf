"""Each ecosystem's own client works with only its base address changed, whatever the model's provider speaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meshwright.sim import Calling, Say
from meshwright.types.usage import Usage
from tests.clients.desk import NATIVE, PROVIDER, Desk
from tests.clients.natives import NATIVES

UPSTREAMS = {"openai_chat": PROVIDER["openai_chat"], "anthropic_messages": PROVIDER["anthropic_messages"], **NATIVE}
WORDS = "The tide turns at noon, and nobody minds."
WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOLS = [WEATHER, {**WEATHER, "name": "tides"}]
clients = pytest.mark.parametrize("client", list(NATIVE))
pairs = pytest.mark.parametrize(
    ("client", "upstream"),
    [
        (client, upstream)
        for client in NATIVE
        for upstream in dict.fromkeys(("openai_chat", "anthropic_messages", client))
    ],
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("natives"), UPSTREAMS) as running:
        yield running


@pairs
def test_a_plain_answer_arrives_whole_with_its_usage(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(text=WORDS, usage=Usage(input=70, output=12)))
    told = NATIVES[client].ask(desk.gateway.url, desk.model(upstream), prompt, system="Be brief.")
    assert (told.text, told.input, told.output) == (WORDS, 70, 12)
    (seen,) = desk.seen(upstream, prompt)
    assert seen.request is not None
    assert seen.request.model == "m"
    assert not seen.request.stream
    assert [(m.role, m.text) for m in seen.request.messages] == [("system", "Be brief."), ("user", prompt)]
    trace = desk.latest()
    assert (trace["dialect"], trace["attempts"][0]["usage"]) == (client, {"input": 70, "output": 12})


@pairs
def test_a_stream_brings_the_words_in_pieces(desk: Desk, client: str, upstream: str):
    pieces = NATIVES[client].stream(desk.gateway.url, desk.model(upstream), desk.say(Say(text=WORDS)))
    assert "".join(pieces) == WORDS
    assert len(pieces) > 3 or (client == "gemini" != upstream)  # what comes at once is told at once there


@pairs
def test_parallel_tool_calls_arrive_with_their_arguments(desk: Desk, client: str, upstream: str):
    calls = (Calling("weather", '{"city": "Lyon"}'), Calling("tides", '{"city": "Brest"}'))
    prompt = desk.say(Say(calls=calls))
    told = NATIVES[client].ask(desk.gateway.url, desk.model(upstream), prompt, tools=TOOLS)
    assert told.calls == [("weather", {"city": "Lyon"}), ("tides", {"city": "Brest"})]
    request = desk.seen(upstream, prompt)[-1].request
    assert request is not None
    assert [tool.name for tool in request.tools] == ["weather", "tides"]


@pairs
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("status_400", 400, "Invalid value"),
        ("status_429", 429, "Rate limit reached"),
        ("status_500", 500, "error while processing"),
        ("reset_before_head", 502, ""),
    ],
)
def test_failures_are_the_clients_own_exceptions(
    desk: Desk, client: str, upstream: str, fault: str, status: int, words: str
):
    speaker = NATIVES[client]
    with pytest.raises(speaker.error) as caught:
        speaker.ask(desk.gateway.url, desk.model(upstream, fault), desk.say(Say(text="never")))
    assert speaker.status(caught.value) == status
    assert words in str(caught.value)


@pairs
def test_a_stream_that_breaks_off_never_looks_complete(desk: Desk, client: str, upstream: str):
    speaker = NATIVES[client]
    with pytest.raises(Exception) as caught:  # each client has its own kind, checked below
        speaker.stream(desk.gateway.url, desk.model(upstream, "reset_mid"), desk.say(Say(text=WORDS)))
    assert "connection" in str(caught.value).lower() or "broke" in str(caught.value).lower(), caught.value


@clients
def test_an_unknown_model_is_not_found(desk: Desk, client: str):
    speaker = NATIVES[client]
    with pytest.raises(speaker.error) as caught:
        speaker.ask(desk.gateway.url, "no-such-model", "Hello.")
    assert speaker.status(caught.value) == 404
    assert "no-such-model" in str(caught.value)
