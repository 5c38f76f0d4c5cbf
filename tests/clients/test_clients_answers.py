"""Plain answers and streams, through each client, from upstreams of each dialect."""

from __future__ import annotations

from typing import Any

import pytest

from meshwright.sim import Say
from meshwright.types.usage import Usage
from tests.clients.desk import PAIRS, Desk
from tests.clients.speakers import SPEAKERS

WORDS = 'Grüße, 世界! \U0001f600 A "quoted" line\nand another.'
COUNTED = Usage(input=70, cache_read=30, output=8, reasoning=4)
pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS)


@pairs
def test_a_plain_answer_arrives_whole_with_its_usage(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(text=WORDS, usage=COUNTED))
    headers, told = SPEAKERS[client].head(desk.gateway.url, desk.model(upstream), prompt, system="Be brief.")
    assert told.text == WORDS
    assert told.finish in ("stop", "completed", "end_turn")
    assert (told.input, told.output, told.cached, told.reasoning) == (100, 12, 30, 4)
    assert headers["x-mesh-model"] == desk.model(upstream)
    (seen,) = desk.seen(upstream, prompt)
    assert seen.request is not None
    assert seen.request.model == "m"
    assert [(m.role, m.text) for m in seen.request.messages] == [("system", "Be brief."), ("user", prompt)]
    trace = desk.trace(headers["x-mesh-decision"])
    assert trace["attempts"][0]["usage"] == {"input": 70, "cache_read": 30, "output": 8, "reasoning": 4}


@pairs
async def test_the_async_client_gets_the_same_answer(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=WORDS, usage=COUNTED))
    async with speaker.open_async(desk.gateway.url) as asking:
        told = speaker.told(await speaker.create(asking)(**speaker.words(desk.model(upstream), prompt)))
    assert (told.text, told.input, told.output) == (WORDS, 100, 12)


@pairs
def test_a_stream_brings_the_words_in_pieces(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=WORDS))
    with speaker.open(desk.gateway.url) as asking:
        events = list(speaker.create(asking)(**speaker.words(desk.model(upstream), prompt), stream=True))
    pieces = [piece for event in events if (piece := speaker.piece(event))]
    assert "".join(pieces) == WORDS
    assert len(pieces) > 3
    if client == "openai_chat":  # it did not ask for the usage
        assert all(event.usage is None and event.choices for event in events)


@pairs
async def test_the_async_client_streams_the_same_words(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=WORDS))
    async with speaker.open_async(desk.gateway.url) as asking:
        stream = await speaker.create(asking)(**speaker.words(desk.model(upstream), prompt), stream=True)
        assert "".join([speaker.piece(event) async for event in stream]) == WORDS


@pairs
def test_the_streams_accumulator_puts_the_answer_together(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(text=WORDS, usage=COUNTED))
    told = SPEAKERS[client].assemble(desk.gateway.url, desk.model(upstream), prompt)
    assert told.text == WORDS
    assert told.finish in ("stop", "completed", "end_turn")
    assert (told.input, told.output, told.cached, told.reasoning) == (100, 12, 30, 4)


@pairs
async def test_the_async_accumulator_does_too(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text=WORDS, usage=COUNTED))
    async with (
        speaker.open_async(desk.gateway.url) as asking,
        speaker.gather(asking, **speaker.words(desk.model(upstream), prompt)) as stream,
    ):
        told = speaker.told(await speaker.final(stream))
    assert (told.text, told.input, told.output) == (WORDS, 100, 12)


@pairs
@pytest.mark.parametrize("oddity", ["dribble", "crlf", "comments", "wrong_content_type", "close_connection"])
def test_odd_but_correct_streams_are_read(desk: Desk, client: str, upstream: str, oddity: str):
    prompt = desk.say(Say(text=WORDS, usage=COUNTED))
    told = SPEAKERS[client].assemble(desk.gateway.url, desk.model(upstream, oddity), prompt)
    assert (told.text, told.input, told.output) == (WORDS, 100, 12)


@pairs
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_at_its_limit_says_so(desk: Desk, client: str, upstream: str, streamed: bool):
    speaker = SPEAKERS[client]
    name = {"openai_chat": "max_completion_tokens", "openai_responses": "max_output_tokens"}.get(client, "max_tokens")
    prompt = desk.say(lambda request: Say(text=f"{request.max_tokens}", finish="length"))
    words = {**speaker.words(desk.model(upstream), prompt), name: 20}
    with speaker.open(desk.gateway.url) as asking:
        if not streamed:
            told = speaker.told(speaker.create(asking)(**words))
        else:
            told = _assembled(speaker, asking, words)
    assert told.finish in ("length", "max_output_tokens", "max_tokens")
    assert told.text == "20"


def _assembled(speaker: Any, asking: Any, words: dict[str, Any]) -> Any:
    """openai's accumulators refuse an answer that is cut, so the last event is read by hand."""
    if speaker.name == "openai_chat":
        events = list(speaker.create(asking)(**words, stream=True))
        finish = [event.choices[0].finish_reason for event in events if event.choices][-1]
        return _Cut("".join(map(speaker.piece, events)), finish)
    if speaker.name == "openai_responses":
        return speaker.told(list(speaker.create(asking)(**words, stream=True))[-1].response)
    with speaker.gather(asking, **words) as stream:
        return speaker.told(speaker.final(stream))


class _Cut:
    def __init__(self, text: str, finish: str) -> None:
        self.text = text
        self.finish = finish


@pairs
def test_a_refusal_is_told_as_one(desk: Desk, client: str, upstream: str):
    prompt = desk.say(Say(refusal="I will not do that."))
    told = SPEAKERS[client].ask(desk.gateway.url, desk.model(upstream), prompt)
    answer = told.raw
    if upstream == "anthropic_messages":  # it refuses by its stop reason, and says why in plain text
        assert told.text == "I will not do that."
        assert told.finish in ("content_filter", "refusal")
    elif client == "openai_chat":
        assert answer.choices[0].message.refusal == "I will not do that."
    elif client == "openai_responses":
        assert answer.output[0].content[0].refusal == "I will not do that."
    else:
        assert told.text == "I will not do that."


@pytest.mark.parametrize(("client", "upstream"), [pair for pair in PAIRS if pair[0] != "openai_responses"])
def test_a_stop_sequence_reaches_who_can_stop(desk: Desk, client: str, upstream: str):
    speaker = SPEAKERS[client]
    name = "stop" if client == "openai_chat" else "stop_sequences"
    prompt = desk.say(lambda request: Say(text="one", stop="END" if request.stop == ("END",) else ""))
    headers, told = speaker.head(desk.gateway.url, desk.model(upstream), prompt, **{name: ["END"]})
    assert told.text == "one"
    if upstream == "openai_responses":
        assert "stop dropped" in headers["x-mesh-adapted"]
    elif client == upstream == "anthropic_messages":
        assert (told.raw.stop_reason, told.raw.stop_sequence) == ("stop_sequence", "END")
    else:
        request = desk.seen(upstream, prompt)[-1].request
        assert request is not None
        assert request.stop == ("END",)


@pytest.mark.parametrize("upstream", ["openai_chat", "openai_responses"])
def test_logprobs_arrive_token_by_token(desk: Desk, upstream: str):
    prompt = desk.say(Say(text="yes or no"))
    told = SPEAKERS["openai_chat"].ask(desk.gateway.url, desk.model(upstream), prompt, logprobs=True, top_logprobs=2)
    content = told.raw.choices[0].logprobs.content
    assert "".join(one.token for one in content) == "yes or no"
    assert all(one.logprob < 0 and len(one.top_logprobs) == 2 for one in content)


def test_logprobs_of_a_provider_without_them_are_dropped_visibly(desk: Desk):
    prompt = desk.say(Say(text="yes"))
    headers, told = SPEAKERS["openai_chat"].head(
        desk.gateway.url, desk.model("anthropic_messages"), prompt, logprobs=True
    )
    assert told.raw.choices[0].logprobs is None
    assert "logprobs dropped" in headers["x-mesh-adapted"]


def test_several_answers_arrive_from_who_gives_several(desk: Desk):
    prompt = desk.say(Say(text="one of them"))
    told = SPEAKERS["openai_chat"].ask(desk.gateway.url, desk.model("openai_chat"), prompt, n=3)
    assert [choice.message.content for choice in told.raw.choices] == ["one of them"] * 3
    assert [choice.index for choice in told.raw.choices] == [0, 1, 2]
    with SPEAKERS["openai_chat"].open(desk.gateway.url) as client:
        words = SPEAKERS["openai_chat"].words(desk.model("openai_chat"), prompt)
        with client.chat.completions.stream(**words, n=3) as stream:
            final = stream.get_final_completion()
    assert [choice.message.content for choice in final.choices] == ["one of them"] * 3


@pytest.mark.parametrize("upstream", ["openai_responses", "anthropic_messages"])
def test_several_answers_from_who_gives_one_are_dropped_visibly(desk: Desk, upstream: str):
    prompt = desk.say(Say(text="the only one"))
    headers, told = SPEAKERS["openai_chat"].head(desk.gateway.url, desk.model(upstream), prompt, n=3)
    assert len(told.raw.choices) == 1
    assert "n dropped" in headers["x-mesh-adapted"]
