"""OpenAI's older call for one prompt, by its own client, on models that only chat and on those that have the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from meshwright.sim import Say
from meshwright.types.usage import Usage
from tests.clients.desk import DIALECTS, PROVIDER, Desk
from tests.clients.speakers import SPEAKERS

OLD = "openai_completions"
Json = dict[str, Any]
WORDS = "The tide turns at noon, and nobody minds."
anybody = pytest.mark.parametrize("upstream", [*DIALECTS, OLD])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("completions"), {**PROVIDER, OLD: "old"}) as running:
        yield running


@pytest.fixture
def client(desk: Desk) -> Iterator[openai.OpenAI]:
    with SPEAKERS["openai_chat"].open(desk.gateway.url) as running:
        yield running


@anybody
def test_any_model_completes_a_prompt(desk: Desk, client: openai.OpenAI, upstream: str):
    prompt = desk.say(Say(text=WORDS, usage=Usage(input=9, output=12), stop="END"))
    told = client.completions.create(
        model=desk.model(upstream), prompt=prompt, max_tokens=50, temperature=0.2, stop=["END"]
    )
    (choice,) = told.choices
    assert (told.object, choice.text, choice.finish_reason) == ("text_completion", WORDS, "stop")
    assert told.usage is not None
    assert (told.usage.prompt_tokens, told.usage.completion_tokens, told.usage.total_tokens) == (9, 12, 21)
    request = desk.seen(upstream, prompt)[-1].request
    assert request is not None
    assert [(turn.role, turn.text) for turn in request.messages] == [("user", prompt)]
    assert (request.max_tokens, request.temperature) == (50, 0.2)


@anybody
def test_a_stream_brings_the_text_in_pieces_and_the_usage_to_whom_asked_for_it(
    desk: Desk, client: openai.OpenAI, upstream: str
):
    prompt = desk.say(Say(text=WORDS, usage=Usage(input=9, output=12)))
    pieces = list(client.completions.create(model=desk.model(upstream), prompt=prompt, stream=True))
    assert "".join(piece.choices[0].text for piece in pieces) == WORDS
    assert len(pieces) > 3
    assert pieces[-1].choices[0].finish_reason == "stop"
    assert {piece.usage for piece in pieces} == {None}
    asked = client.completions.create(
        model=desk.model(upstream), prompt=prompt, stream=True, stream_options={"include_usage": True}
    )
    last = list(asked)[-1]
    assert last.usage is not None
    assert (last.choices, last.usage.total_tokens) == ([], 21)


def test_several_prompts_are_several_requests_and_one_answer(desk: Desk, client: openai.OpenAI):
    prompts = [desk.say(Say(text=word, usage=Usage(input=2, output=1))) for word in ("one", "two", "three")]
    told = client.completions.create(model=desk.model("anthropic_messages"), prompt=prompts)
    assert [(choice.index, choice.text) for choice in told.choices] == [(0, "one"), (1, "two"), (2, "three")]
    assert told.usage is not None
    assert (told.usage.prompt_tokens, told.usage.total_tokens) == (6, 9)


def test_an_echo_stands_before_the_text(desk: Desk, client: openai.OpenAI):
    prompt = desk.say(Say(text=WORDS))
    told = client.completions.create(model=desk.model("anthropic_messages"), prompt=prompt, echo=True)
    assert told.choices[0].text == prompt + WORDS
    pieces = client.completions.create(model=desk.model("anthropic_messages"), prompt=prompt, echo=True, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == prompt + WORDS


def test_what_a_chat_cannot_be_told_is_named(desk: Desk, client: openai.OpenAI):
    prompt = desk.say(Say(text=WORDS))
    words: Json = {"model": desk.model("anthropic_messages"), "prompt": prompt, "suffix": " The end.", "best_of": 3}
    words["max_tokens"] = 50
    told = client.completions.with_raw_response.create(**words)
    assert told.headers["x-mesh-adapted"] == "best_of dropped; suffix dropped"
    with pytest.raises(openai.BadRequestError, match="best_of"):
        client.completions.create(**words, extra_headers={"x-mesh-strict": "true"})


@pytest.mark.parametrize(
    ("prompt", "more", "words"),
    [
        ([1212, 318, 257], {}, "Send a text"),
        ([[1212, 318], [257]], {}, "Send a text"),
        ("", {}, "There is no prompt"),
        (["a", "b"], {"stream": True}, "without `stream`"),
        (["a"] * 129, {}, "/v1/batches"),
        ("a", {"max_tokens": 0, "echo": True}, "its own model"),
    ],
)
def test_what_no_other_model_can_do_is_refused_with_a_fix(
    desk: Desk, client: openai.OpenAI, prompt: object, more: dict[str, object], words: str
):
    with pytest.raises(openai.BadRequestError, match=words):
        client.completions.create(model=desk.model("anthropic_messages"), prompt=prompt, **more)  # type: ignore[call-overload]  # on purpose


def test_a_provider_that_has_the_call_gets_it_as_it_is(desk: Desk, client: openai.OpenAI):
    prompt = desk.say(Say(text=WORDS))
    model = desk.model(OLD)
    client.completions.create(model=model, prompt=prompt, suffix=" The end.", best_of=2, extra_body={"own": [1, {}]})
    body = desk.sent(OLD, prompt)
    assert body == {"model": "m", "prompt": prompt, "suffix": " The end.", "best_of": 2, "own": [1, {}]}


def test_a_route_goes_on_to_the_next_model(desk: Desk, client: openai.OpenAI):
    prompt = desk.say(Say(text=WORDS))
    told = client.completions.with_raw_response.create(model="chat_status_500", prompt=prompt)
    assert told.parse().choices[0].text == WORDS
    assert told.headers["x-mesh-model"] == "resp/m"
    trace = desk.trace(told.headers["x-mesh-decision"])
    assert [one["outcome"] for one in trace["attempts"]] == ["server_error", "ok"]


def test_a_chat_client_is_answered_by_a_model_that_only_completes(desk: Desk, client: openai.OpenAI):
    prompt = desk.say(Say(text=WORDS))
    turns: Any = [{"role": "system", "content": "Brief."}, {"role": "user", "content": prompt}]
    told = client.chat.completions.with_raw_response.create(model=desk.model(OLD), messages=turns)
    assert told.parse().choices[0].message.content == WORDS
    assert told.headers["x-mesh-adapted"] == "messages changed"
    assert desk.sent(OLD, prompt)["prompt"] == f"Brief.\n\n{prompt}"
