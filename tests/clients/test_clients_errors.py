"""Failures reach each client as its library's own exceptions, with words that help."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from meshwright.sim import Say
from tests.clients.desk import DIALECTS, PAIRS, PROVIDER, Desk
from tests.clients.speakers import SPEAKERS, Speaker

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS)
clients = pytest.mark.parametrize("client", DIALECTS)
streamed = pytest.mark.parametrize("streamed", [False, True])
Json = dict[str, Any]


def _refused(speaker: Speaker, desk: Desk, model: str, streamed: bool = False, **more: Any) -> Any:
    """The exception that asking raises."""
    words = {**speaker.words(model, desk.say(Say(text="never"))), **more}
    if streamed:
        words["stream"] = True
    with speaker.open(desk.gateway.url) as asking, pytest.raises(speaker.errors.APIStatusError) as caught:
        speaker.create(asking)(**words)
    return caught.value


@pairs
@streamed
def test_a_refused_key_of_ours_is_no_fault_of_the_callers_key(desk: Desk, client: str, upstream: str, streamed: bool):
    speaker = SPEAKERS[client]
    error = _refused(speaker, desk, f"{PROVIDER[upstream]}_denied/m", streamed)
    assert isinstance(error, speaker.errors.InternalServerError)
    assert error.status_code == 502
    assert "Incorrect API key provided" in str(error)
    assert "sk-mistyped" not in str(error)


@pairs
@streamed
def test_a_rate_limit_is_told_with_the_time_to_wait(desk: Desk, client: str, upstream: str, streamed: bool):
    speaker = SPEAKERS[client]
    error = _refused(speaker, desk, desk.model(upstream, "status_429"), streamed)
    assert isinstance(error, speaker.errors.RateLimitError)
    assert error.response.headers["retry-after"] == "1"
    assert "Rate limit reached" in str(error)


@pairs
@pytest.mark.parametrize(
    ("fault", "kind", "status", "words"),
    [
        ("status_400", "BadRequestError", 400, "Invalid value"),
        ("context_length", "BadRequestError", 400, "maximum"),
        ("status_404", "NotFoundError", 404, "does not exist"),
        ("status_500", "InternalServerError", 500, "error while processing"),
        ("status_529", "InternalServerError", 529, "Overloaded"),
        ("html_page", "InternalServerError", 502, ""),
        ("reset_before_head", "InternalServerError", 502, ""),
        ("malformed_json", "InternalServerError", 502, ""),
    ],
)
def test_what_the_provider_says_reaches_the_client_as_its_own_exception(
    desk: Desk, client: str, upstream: str, fault: str, kind: str, status: int, words: str
):
    speaker = SPEAKERS[client]
    error = _refused(speaker, desk, desk.model(upstream, fault))
    assert isinstance(error, getattr(speaker.errors, kind))
    assert error.status_code == status
    assert words in str(error)
    assert error.response.headers["x-mesh-decision"].startswith("dec_")


@clients
@streamed
def test_an_unknown_model_is_not_found(desk: Desk, client: str, streamed: bool):
    speaker = SPEAKERS[client]
    error = _refused(speaker, desk, "no-such-model", streamed)
    assert isinstance(error, speaker.errors.NotFoundError)
    assert "no-such-model" in str(error)


@pytest.mark.parametrize(
    ("client", "given", "field"),
    [
        ("openai_chat", {"temperature": "hot"}, "temperature"),
        ("openai_chat", {"n": 0}, "n"),
        ("openai_chat", {"messages": []}, "messages"),
        ("openai_chat", {"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ("openai_chat", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
        ("openai_chat", {"tools": [{"type": "function"}]}, "tools[0]"),
        ("openai_responses", {"temperature": "hot"}, "temperature"),
        ("openai_responses", {"max_output_tokens": 0}, "max_output_tokens"),
        ("openai_responses", {"input": 7}, "input"),
        ("openai_responses", {"input": [{"role": "wizard", "content": "x"}]}, "input[0].role"),
        ("openai_responses", {"tools": [{"type": "function"}]}, "tools[0]"),
        ("anthropic_messages", {"extra_body": {"temperature": "hot"}}, "temperature"),
        ("anthropic_messages", {"max_tokens": -1}, "max_tokens"),
        ("anthropic_messages", {"messages": []}, "messages"),
        ("anthropic_messages", {"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ("anthropic_messages", {"tools": [{"name": "x"}]}, "tools[0]"),
    ],
)
def test_a_wrong_field_is_named(desk: Desk, client: str, given: Json, field: str):
    speaker = SPEAKERS[client]
    error = _refused(speaker, desk, desk.model(client), **given)
    assert isinstance(error, speaker.errors.BadRequestError)
    assert field in str(error)
    if client != "anthropic_messages":
        assert error.param is not None
        assert error.param.startswith(field)


@pytest.mark.parametrize(
    ("client", "upstream", "given", "field"),
    [
        ("openai_chat", "anthropic_messages", {"seed": 7, "max_completion_tokens": 9}, "seed"),
        ("openai_chat", "openai_responses", {"stop": ["END"]}, "stop"),
        ("openai_responses", "anthropic_messages", {"truncation": "auto", "max_output_tokens": 99}, "truncation"),
        ("openai_responses", "openai_chat", {"truncation": "auto"}, "truncation"),
        ("anthropic_messages", "openai_chat", {"extra_body": {"top_k": 5}}, "top_k"),
        ("anthropic_messages", "openai_responses", {"stop_sequences": ["END"]}, "stop"),
    ],
)
@streamed
def test_strictness_refuses_what_cannot_be_carried_and_names_it(
    desk: Desk, client: str, upstream: str, given: Json, field: str, streamed: bool
):
    speaker = SPEAKERS[client]
    strict = {"extra_headers": {"x-mesh-strict": "true"}}
    error = _refused(speaker, desk, desk.model(upstream), streamed, **given, **strict)
    assert isinstance(error, speaker.errors.BadRequestError)
    assert field in str(error)
    headers, told = speaker.head(desk.gateway.url, desk.model(upstream), desk.say(Say(text="lenient")), **given)
    assert told.text == "lenient"
    assert f"{field} dropped" in headers["x-mesh-adapted"]


@pairs
def test_strictness_lets_pass_what_can_be_carried(desk: Desk, client: str, upstream: str):
    limit = {"openai_chat": "max_completion_tokens", "openai_responses": "max_output_tokens"}
    more: Json = {limit.get(client, "max_tokens"): 50, "extra_body": {"temperature": 0.5}}
    more["extra_headers"] = {"x-mesh-strict": "true"}
    speaker = SPEAKERS[client]
    words = {**speaker.words(desk.model(upstream), desk.say(Say(text="carried")), "Be brief."), **more}
    with speaker.open(desk.gateway.url) as asking:
        assert speaker.told(speaker.create(asking)(**words)).text == "carried"


@clients
def test_the_clients_own_retries_get_through(desk: Desk, client: str):
    """A library that retries by itself is served at its second try."""
    speaker = SPEAKERS[client]
    prompt = desk.say(Say(text="at last"))
    model = desk.model(client, "status_500")
    with speaker.open(desk.gateway.url, max_retries=1) as asking, pytest.raises(speaker.errors.InternalServerError):
        speaker.create(asking)(**speaker.words(model, prompt))
    assert len(desk.seen(client, prompt)) == 2


def test_strictness_refuses_a_whole_answer_that_cannot_be_said(desk: Desk):
    """What it cost is on the trace all the same."""
    speaker, strict = SPEAKERS["anthropic_messages"], {"extra_headers": {"x-mesh-strict": "true"}}
    words = speaker.words(desk.model("openai_chat"), desk.say(Say(refusal="I will not.")))
    with speaker.open(desk.gateway.url) as asking, pytest.raises(speaker.errors.BadRequestError) as caught:
        speaker.create(asking)(**words, **strict)
    assert "choices.refusal" in str(caught.value)
    trace = desk.trace(caught.value.response.headers["x-mesh-decision"])
    assert trace["outcome"] == "not_carried"
    assert trace["usage"]["output"] > 0


def test_a_strict_stream_says_at_its_end_what_was_lost(desk: Desk):
    words = SPEAKERS["anthropic_messages"].words(desk.model("openai_chat"), desk.say(Say(refusal="I will not.")))
    for strict in ("true", "false"):
        head = {"x-api-key": "any", "x-mesh-strict": strict, "anthropic-version": "2023-06-01"}
        body = json.dumps({**words, "stream": True}).encode()
        with urlopen(Request(f"{desk.gateway.url}/v1/messages", body, head)) as answer:
            told = answer.read().decode()
        assert told.rstrip().endswith("}")
        assert (": x-mesh-adapted: choices.refusal changed" in told) is (strict == "true")
