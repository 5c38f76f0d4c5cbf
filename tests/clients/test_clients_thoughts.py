"""Thinking: asked for, shown, and given back on the next turn to whoever signed it, and to nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshwright.sim import Say
from meshwright.types.content import Message, Reasoning, Text
from meshwright.types.response import Choice, Response
from meshwright.types.usage import Usage
from tests.clients.desk import PAIRS, Desk
from tests.clients.speakers import SPEAKERS, Speaker

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS)
streamed = pytest.mark.parametrize("streamed", [False, True])
Json = dict[str, Any]
SIGNATURE = "EqQBCkYIBxgCKkBz+/abcDEF0123456789==" * 3
SEALED = "gAAAAABo+sealed/thought==" * 4
THOUGHT = 'Seven, then "eight"… 世界.'


def _answer(upstream: str, sealed_only: bool = False) -> Say:
    """A thought as each provider gives it, and a word."""
    summary = () if sealed_only else (THOUGHT,)
    thought = {
        "openai_chat": Reasoning(text=THOUGHT),
        "openai_responses": Reasoning(summary=summary, encrypted=SEALED, id="rs_0123456789abcdef"),
        "anthropic_messages": Reasoning(text=THOUGHT, signature=SIGNATURE),
    }[upstream]
    message = Message("assistant", (thought, Text("It is 15.")))
    return Say(
        response=Response(
            id="id_1",
            model="m",
            choices=(Choice(message=message, finish="stop"),),
            usage=Usage(input=5, output=3, reasoning=9),
        )
    )


def _thought(client: str, raw: Any) -> str:
    """The thought where the client's library shows it."""
    match client:
        case "openai_chat":
            return str(raw.choices[0].message.reasoning_content)
        case "openai_responses":
            item = next(item for item in raw.output if item.type == "reasoning")
            return "".join(part.text for part in (*item.summary, *(item.content or ())))
    return "".join(block.thinking for block in raw.content if block.type == "thinking")


def _asked(client: str) -> Json:
    """How each dialect asks for thinking."""
    match client:
        case "openai_chat":
            return {"reasoning_effort": "high"}
        case "openai_responses":
            return {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    return {"thinking": {"type": "enabled", "budget_tokens": 20_000}, "max_tokens": 30_000}


def _answered(speaker: Speaker, asking: Any, words: Json, streamed: bool) -> Any:
    if not streamed:
        return speaker.create(asking)(**words)
    with speaker.gather(asking, **words) as stream:
        return speaker.final(stream)


def _next(client: str, words: Json, raw: Any) -> Json:
    """The next turn, with the answer's own objects."""
    more = {"role": "user", "content": "Are you sure?"}
    match client:
        case "openai_chat":
            return {**words, "messages": [*words["messages"], raw.choices[0].message, more]}
        case "openai_responses":
            return {**words, "input": [{"role": "user", "content": words["input"]}, *raw.output, more]}
    return {**words, "messages": [*words["messages"], {"role": "assistant", "content": raw.content}, more]}


@pairs
@streamed
def test_the_thought_is_shown_and_counted(desk: Desk, client: str, upstream: str, streamed: bool):
    speaker = SPEAKERS[client]
    prompt = desk.say(_answer(upstream))
    with speaker.open(desk.gateway.url) as asking:
        words = {**speaker.words(desk.model(upstream), prompt), **_asked(client)}
        told = speaker.told(_answered(speaker, asking, words, streamed))
    assert _thought(client, told.raw) == THOUGHT
    assert told.text == "It is 15."
    assert (told.reasoning, told.output) == (9, 12)


@pairs
def test_the_wish_to_think_arrives_in_the_upstreams_words(desk: Desk, client: str, upstream: str):
    prompt = desk.say(_answer(upstream))
    speaker = SPEAKERS[client]
    with speaker.open(desk.gateway.url) as asking:
        answer = speaker.raw(asking)(**{**speaker.words(desk.model(upstream), prompt), **_asked(client)})
    sent = desk.sent(upstream, prompt)
    if upstream == "openai_chat":
        assert sent["reasoning_effort"] == "high"
    elif upstream == "openai_responses":
        assert sent["reasoning"]["effort"] == "high"
    elif client == "anthropic_messages":
        assert sent["thinking"] == {"type": "enabled", "budget_tokens": 20_000}
    else:
        assert sent["output_config"]["effort"] == "high"
    if client == "anthropic_messages" and upstream != client:
        assert "reasoning changed" in answer.headers["x-mesh-adapted"]


@pytest.mark.parametrize("dialect", ["openai_responses", "anthropic_messages"])
@streamed
def test_a_signed_thought_returns_to_its_maker_byte_for_byte(desk: Desk, dialect: str, streamed: bool):
    speaker = SPEAKERS[dialect]
    # The pretend provider tells a thought's id after its summary, so a streamed one has none.
    prompt = desk.say(_answer(dialect, sealed_only=streamed))
    with speaker.open(desk.gateway.url) as asking:
        words = {**speaker.words(desk.model(dialect), prompt), **_asked(dialect)}
        first = _answered(speaker, asking, words, streamed)
        answer = speaker.raw(asking)(**_next(dialect, words, first))
    sent = desk.sent(dialect, prompt)
    if dialect == "anthropic_messages":
        (block,) = [one for one in sent["messages"][1]["content"] if one["type"] == "thinking"]
        assert (block["thinking"], block["signature"]) == (THOUGHT, SIGNATURE)
    else:
        (item,) = [one for one in sent["input"] if one.get("type") == "reasoning"]
        assert (item["encrypted_content"], item["id"]) == (SEALED, "rs_0123456789abcdef")
        assert [one["text"] for one in item["summary"]] == ([] if streamed else [THOUGHT])
    assert "x-mesh-adapted" not in answer.headers


@pytest.mark.parametrize(
    ("dialect", "upstream"), [pair for pair in PAIRS if pair[0] != pair[1] and pair[0] != "openai_chat"]
)
def test_a_signed_thought_does_not_go_to_another_dialect_and_that_is_told(desk: Desk, dialect: str, upstream: str):
    speaker = SPEAKERS[dialect]
    prompt = desk.say(_answer(dialect))
    with speaker.open(desk.gateway.url) as asking:
        words = {**speaker.words(desk.model(dialect), prompt), **_asked(dialect)}
        first = speaker.create(asking)(**words)
        second = {**_next(dialect, words, first), "model": desk.model(upstream)}
        answer = speaker.raw(asking)(**second)
        with pytest.raises(speaker.errors.BadRequestError):
            speaker.create(asking)(**second, extra_headers={"x-mesh-strict": "true"})
    body = json.dumps(desk.sent(upstream, prompt))
    assert SIGNATURE not in body
    assert SEALED not in body
    assert "messages" in answer.headers["x-mesh-adapted"]
    assert "dropped" in answer.headers["x-mesh-adapted"]


@pairs
def test_a_translated_thought_can_be_given_back_by_any_client(desk: Desk, client: str, upstream: str):
    """What was shown to a client of one dialect comes back from it; it must never break the next turn."""
    speaker = SPEAKERS[client]
    prompt = desk.say(_answer(upstream))
    with speaker.open(desk.gateway.url) as asking:
        words = {**speaker.words(desk.model(upstream), prompt), **_asked(client)}
        first = speaker.create(asking)(**words)
        told = speaker.told(speaker.create(asking)(**_next(client, words, first)))
    assert told.text == "It is 15."
    request = desk.seen(upstream, prompt)[-1].request
    assert request is not None
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert request.messages[1].text == "It is 15."


def test_hidden_thoughts_stay_hidden_and_return(desk: Desk):
    blocks = (Reasoning(encrypted=SEALED), Text("Done."))
    response = Response(
        id="msg_1", model="m", choices=(Choice(message=Message("assistant", blocks), finish="stop"),), usage=Usage()
    )
    prompt = desk.say(Say(response=response))
    speaker = SPEAKERS["anthropic_messages"]
    with speaker.open(desk.gateway.url) as asking:
        words = speaker.words(desk.model("anthropic_messages"), prompt)
        with speaker.gather(asking, **words) as stream:
            first = speaker.final(stream)
        assert [(block.type, getattr(block, "data", None)) for block in first.content] == [
            ("redacted_thinking", SEALED),
            ("text", None),
        ]
        speaker.create(asking)(**_next("anthropic_messages", words, first))
    sent = desk.sent("anthropic_messages", prompt)
    assert sent["messages"][1]["content"][0] == {"type": "redacted_thinking", "data": SEALED}
