"""Each ecosystem's own client works with only its base address changed, whatever the model's provider speaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from meshwright.kernel.config.tables import ServerSettings
from meshwright.kernel.snapshot import Snapshot
from meshwright.server.auth import authenticate
from meshwright.sim import Calling, Say
from meshwright.types.errors import Unauthenticated
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


def _contents(prompt: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}


@pytest.mark.parametrize("upstream", ["gemini", "openai_chat"])
@pytest.mark.parametrize("root", ["/v1", "/v1beta"])
def test_a_gemini_stream_without_events_is_one_json_list(desk: Desk, upstream: str, root: str):
    path = f"{root}/models/{desk.model(upstream)}:streamGenerateContent"
    status, headers, body = desk.gateway.call(path, _contents(desk.say(Say(text=WORDS))))
    assert (status, headers["content-type"]) == (200, "application/json")
    chunks = json.loads(body)
    parts = [part for chunk in chunks for part in chunk.get("candidates", [{}])[0].get("content", {}).get("parts", ())]
    assert "".join(part["text"] for part in parts) == WORDS
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_gemini_list_that_breaks_off_ends_with_the_error(desk: Desk):
    path = f"/v1beta/models/{desk.model('openai_chat', 'cut_mid')}:streamGenerateContent"
    _, _, body = desk.gateway.call(path, _contents(desk.say(Say(text=WORDS))))
    assert json.loads(body)[-1]["error"]["status"] == "UNAVAILABLE"


def test_geminis_own_bytes_pass_through_whole(desk: Desk):
    prompt = desk.say(Say(text=WORDS))
    asked = {"somethingNew": {"kept": [1.0]}, **_contents(prompt)}
    status, _, _ = desk.gateway.call(f"/v1beta/models/{desk.model('gemini')}:generateContent", asked)
    assert status == 200
    assert desk.sent("gemini", prompt) == asked


def test_a_slash_in_a_model_may_be_percent_encoded(desk: Desk):
    model = desk.model("openai_chat").replace("/", "%2F")
    body = _contents(desk.say(Say(text=WORDS)))
    status, headers, _ = desk.gateway.call(f"/v1beta/models/{model}:generateContent?key=any", body)
    assert (status, headers["x-mesh-model"]) == (200, desk.model("openai_chat"))


def test_gemini_clients_list_models_and_count_tokens(desk: Desk):
    model = desk.model("gemini")
    with NATIVES["gemini"].client(desk.gateway.url) as client:
        names = [one.name for one in client.models.list(config={"page_size": 7})]
        assert client.models.get(model=model).name == f"models/{model}"
        assert client.models.count_tokens(model=model, contents="Say it " * 40).total_tokens > 20
    assert f"models/{model}" in names
    assert len(names) == len(set(names)) > 7


def test_other_paths_are_refused_in_the_words_of_their_dialect(desk: Desk):
    status, _, body = desk.gateway.call("/v1beta/cachedContents", {})
    assert (status, json.loads(body)["error"]["status"]) == (404, "NOT_FOUND")
    status, _, body = desk.gateway.call("/api/create", {"model": "x"})
    assert status == 404
    assert "no files of models" in json.loads(body)["error"]


@pytest.mark.parametrize("upstream", ["ollama", "openai_chat"])
def test_ollama_generates_from_one_prompt(desk: Desk, upstream: str):
    prompt = desk.say(Say(text=WORDS))
    with NATIVES["ollama"].client(desk.gateway.url) as client:
        answer = client.generate(model=desk.model(upstream), prompt=prompt, system="Be brief.")
        pieces = [one.response for one in client.generate(model=desk.model(upstream), prompt=prompt, stream=True)]
    assert answer.response == "".join(pieces) == WORDS
    if upstream == "ollama":  # its own call, in its own bytes
        assert desk.seen(upstream, prompt)[0].path == "/api/generate"


def test_ollama_clients_ask_about_models(desk: Desk):
    model = desk.model("openai_chat")
    with NATIVES["ollama"].client(desk.gateway.url) as client:
        assert model in [one.model for one in client.list().models]
        assert client.show(model).capabilities == ["completion"]
        assert client.ps().models == []
        assert client.pull(model).status == "success"
        assert [one.status for one in client.pull(model, stream=True)][-1] == "success"
        with pytest.raises(NATIVES["ollama"].error, match="cannot fetch models"):
            client.pull("nobody-serves-this")


@pytest.mark.parametrize(
    ("header", "query"),
    [({"x-goog-api-key": "mesh-wrong"}, ""), ({}, "?key=mesh-wrong"), ({"authorization": "Bearer mesh-wrong"}, "")],
)
def test_a_mistyped_key_of_ours_is_refused_wherever_it_stands(desk: Desk, header: dict[str, str], query: str):
    status, _, body = desk.gateway.call(f"/v1beta/models{query}", headers=header)
    assert (status, json.loads(body)["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_an_aws_signature_is_no_key_where_keys_are_asked_for():
    closed = Snapshot(version=1, deployments={}, names={}, holders={}, open=False)
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261129/us-east-1/bedrock/aws4_request"}
    with pytest.raises(Unauthenticated) as caught:
        authenticate(closed, ServerSettings(), headers.get)
    assert "AWS_BEARER_TOKEN_BEDROCK" in (caught.value.fix or "")
