"""Clients that write the same paths another way are served: Azure's, and those with /v1 left out or given twice."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from google import genai

from meshwright.sim import Rule, Say, Upstream
from tests.gateway import Gateway
from tests.server.pretend import Pretend

HI = [{"role": "user", "content": "hi"}]
KEY = "sk-azure-0123456789abcdef"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Pretend]]:
    """A gateway with keys before one provider."""
    with Pretend([Upstream(name="up", script=(Rule(say=Say(text="good day")),))]) as pretend:
        toml = '[server]\nauth = "keys"\n' + pretend.toml("up", ("m",))
        with Gateway(tmp_path_factory.mktemp("paths"), toml, key=KEY) as gateway:
            yield gateway, pretend


def test_azures_own_client_is_served_by_a_deployment_of_that_name(served: tuple[Gateway, Pretend]) -> None:
    gateway, _ = served
    client = openai.AzureOpenAI(azure_endpoint=gateway.url, api_key=KEY, api_version="2024-10-21", max_retries=0)
    answer = client.chat.completions.create(model="up/m", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].message.content == "good day"
    pieces = client.chat.completions.create(model="up/m", messages=[{"role": "user", "content": "hi"}], stream=True)
    assert "".join(one.choices[0].delta.content or "" for one in pieces if one.choices) == "good day"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "hi"}])
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").chat.completions.create(model="up/m", messages=[])


def test_vertex_ais_own_client_is_served(served: tuple[Gateway, Pretend]) -> None:
    gateway, _ = served
    with genai.Client(vertexai=True, api_key=KEY, http_options={"base_url": gateway.url}) as client:
        assert client.models.generate_content(model="up/m", contents="hi").text == "good day"
        pieces = client.models.generate_content_stream(model="m", contents="hi")
        assert "".join(one.text or "" for one in pieces) == "good day"


@pytest.mark.parametrize(
    "path",
    [
        "/openai/deployments/m/chat/completions?api-version=2024-10-21",
        "/openai/deployments/up%2Fm/chat/completions",
        "/openai/v1/chat/completions",
        "/chat/completions",
        "/v1/v1/chat/completions",
    ],
)
def test_the_model_of_the_path_or_of_the_body_answers(served: tuple[Gateway, Pretend], path: str) -> None:
    gateway, _ = served
    body = {"messages": HI} if "deployments" in path else {"model": "up/m", "messages": HI}
    status, headers, said = gateway.call(path, json.dumps(body).encode())
    assert (status, headers["x-mesh-model"]) == (200, "up/m")
    assert json.loads(said)["choices"][0]["message"]["content"] == "good day"


def test_what_only_azure_knows_does_not_go_to_another_provider(served: tuple[Gateway, Pretend]) -> None:
    gateway, pretend = served
    path = "/openai/deployments/m/audio/speech?api-version=2024-10-21&voice=x"
    gateway.call(path, b'{"input": "hi", "voice": "alloy"}', {"x-mesh-provider": "up"})
    seen = pretend.sim.seen("up")[-1]
    assert "api-version" not in seen.path
    assert json.loads(seen.body)["model"] == "m"


@pytest.mark.parametrize("path", ["/openai/deployments/", "/openai/deployments/m", "/chat", "/v1/v1/v1/models", "/"])
def test_other_unknown_paths_stay_unknown_and_are_told_as_they_came(served: tuple[Gateway, Pretend], path: str) -> None:
    gateway, _ = served
    status, _, said = gateway.call(path, b"{}")
    assert status in (404, 405)
    assert f"{path} " in said.decode() or status == 405


def test_a_body_that_is_no_object_is_refused_as_ever(served: tuple[Gateway, Pretend]) -> None:
    gateway, _ = served
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 5_000):
        assert gateway.call("/openai/deployments/m/chat/completions", body)[0] == 400
