"""What a cloud wants in place of a key is found, asked for as it wants it, and never sent to a stranger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meshwright.kernel.arrival import Failure
from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.config.check import check
from meshwright.kernel.config.read import read_config
from meshwright.kernel.forward.call import forward
from meshwright.kernel.forward.target import Parcel
from meshwright.kernel.questions.embed import embed
from meshwright.types.errors import ConfigError, UpstreamError
from meshwright.types.principal import LOCAL
from tests.kernel.asking import ask, said, serving
from tests.kernel.cloud import Cloud
from tests.kernel.token_door import ACCOUNT, CHAT, CLAUDE, ENTRA, GEMINI, USER, Door, table


@pytest.mark.parametrize(
    ("more", "base", "path"),
    [
        ("", "/openai/v1", "/openai/v1/chat/completions"),
        ('api_version = "2024-10-21"', "", "/openai/deployments/m/chat/completions?api-version=2024-10-21"),
        ('api_version = "1"', "/openai/v1", "/openai/deployments/m/chat/completions?api-version=1"),
    ],
)
async def test_azure_takes_a_token_of_entra_on_both_of_its_addresses(more: str, base: str, path: str):
    async with Cloud(Door(CHAT)) as cloud:
        toml = table("azure", cloud.url, more).replace(f'base_url = "{cloud.url}"', f'base_url = "{cloud.url}{base}"')
        async with serving(toml, ENTRA) as (kernel, _):
            assert "pong" in await said(await ask(kernel, "azure/m"))
            assert "pong" in await said(await ask(kernel, "azure/m"))
    assert [one.path for one in cloud.came] == ["/token", path, path]


async def test_what_is_passed_on_has_no_place_among_azures_older_addresses():
    parcel = Parcel(method="GET", path="/files", principal=LOCAL, provider="azure")
    async with Cloud(Door(CHAT)) as cloud:
        async with serving(table("azure", cloud.url, 'api_version = "1"'), ENTRA) as (kernel, _):
            told = await forward(kernel, parcel)
        assert isinstance(told, Failure)
        assert "Leave api_version out" in str(told.error)
        async with serving(table("azure", cloud.url), ENTRA) as (kernel, _):
            passed = await forward(kernel, parcel)
        assert not isinstance(passed, Failure)
    assert [one.path for one in cloud.came] == ["/token", "/files"]


async def test_azure_with_a_key_asks_for_no_token():
    door = Door(CHAT)
    async with Cloud(door) as cloud, serving(table("azure", cloud.url), ENTRA | {"AZURE_API_KEY": "k"}) as (kernel, _):
        with pytest.raises(UpstreamError, match="who are you"):
            await said(await ask(kernel, "azure/m"))
    assert [one.headers.get("api-key") for one in cloud.came] == ["k"]


@pytest.mark.parametrize("credentials", [ACCOUNT, USER], ids=["service account", "gcloud's log-in"])
async def test_vertex_takes_google_identities_in_geminis_own_dialect(credentials: dict[str, str], tmp_path: Path):
    file = tmp_path / "who.json"
    file.write_text(json.dumps(credentials))
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_LOCATION": "europe-west4"}
    async with Cloud(Door(GEMINI)) as cloud:
        toml = table("google-vertex-gemini", cloud.url + "/publishers/google")
        toml = toml.replace("/publishers/google/token", "/token")
        async with serving(toml, environment) as (kernel, _):
            assert "pong" in await said(await ask(kernel, "google-vertex-gemini/m"))
    assert [one.path for one in cloud.came] == ["/token", "/publishers/google/models/m:generateContent"]
    assert cloud.came[1].headers.get("x-goog-user-project") == credentials.get("quota_project_id")


async def test_vectors_are_asked_for_with_a_token_too(tmp_path: Path):
    file = tmp_path / "who.json"
    file.write_text(json.dumps(USER))
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_LOCATION": "europe-west4"}
    body = json.dumps({"model": "google-vertex-gemini/m", "input": "hi"}).encode()
    parcel = Parcel(method="POST", path="/embeddings", principal=LOCAL, kind="application/json", body=body)
    door = Door({"embeddings": [{"values": [0.5]}]})
    async with Cloud(door) as cloud, serving(table("google-vertex-gemini", cloud.url), environment) as (kernel, _):
        told = await embed(kernel, parcel)
    assert not isinstance(told, Failure), told.error
    assert [one.headers.get("authorization") for one in cloud.came] == [None, "Bearer token-1"]


@pytest.mark.parametrize("dialect", ["anthropic_messages", "openai_chat"])
async def test_claude_on_vertex_is_named_in_the_path_and_not_in_the_body(dialect: str):
    environment = {"GOOGLE_VERTEX_ACCESS_TOKEN": "token-0"}
    async with (
        Cloud(Door(CLAUDE)) as cloud,
        serving(table("google-vertex-anthropic", cloud.url), environment) as (
            kernel,
            _,
        ),
    ):
        assert "pong" in await said(await ask(kernel, "google-vertex-anthropic/m", dialect))
        await ask(kernel, "google-vertex-anthropic/claude-x@1", dialect, stream=True)
    whole, streamed = (json.loads(one.body) for one in cloud.came)
    assert [one.path for one in cloud.came] == ["/models/m:rawPredict", "/models/claude-x@1:streamRawPredict"]
    assert "model" not in whole | streamed
    assert whole["anthropic_version"] == streamed["anthropic_version"] == "vertex-2023-10-16"
    assert (whole.get("stream"), streamed["stream"]) == (None, True)


def part(name: str, environment: dict[str, str], toml: str = "") -> ProviderPart | str:
    """The provider as it would be served, or why it is not."""
    parts, refused = provider_parts(read_config(f"[providers.{name}]\n{toml}"), environment, (), builtin=False)
    return next((one for one in parts if one.row.name == name), None) or refused[name]


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "https://aiplatform.googleapis.com/"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com/"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com/"),
    ],
)
async def test_vertex_has_a_host_for_each_kind_of_location(location: str, host: str):
    environment = {"GOOGLE_VERTEX_ACCESS_TOKEN": "t", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": location}
    async with serving('[providers.google-vertex-anthropic]\nmodels = ["m"]', environment) as (kernel, _):
        url = kernel.snapshot.deployments["google-vertex-anthropic/m"].at(stream=False).url
    assert url == f"{host}v1/projects/p/locations/{location}/publishers/anthropic/models/m:rawPredict"


@pytest.mark.parametrize(
    "uri",
    ["https://evil.example/token", "http://oauth2.googleapis.com/token", "https://googleapis.com.evil.example/",
     "https://evilgoogleapis.com/", "https://a@oauth2.googleapis.com/token", "https://oauth2.googleapis.com:1/token"],
)  # fmt: skip
def test_a_file_cannot_lead_the_secret_to_a_strangers_address(uri: str, tmp_path: Path):
    file = tmp_path / "who.json"
    file.write_text(json.dumps(ACCOUNT | {"token_uri": uri}))
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_LOCATION": "global"}
    told = part("google-vertex", environment)
    assert isinstance(told, str)
    assert "token_url" in told
    assert "evil" not in told
    assert isinstance(part("google-vertex", environment, 'token_url = "https://sts.example/token"'), ProviderPart)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no file of Google credentials"),
        ('{"type": 3}', "no file of Google credentials"),
        ('{"type": "external_account"}', "external_account"),
        ('{"type": "service_account"}', "service_account"),
        ("x" * 1_100_000, "larger"),
    ],
)
def test_a_file_that_is_no_credential_is_named_with_its_fault(text: str, words: str, tmp_path: Path):
    file = tmp_path / "who.json"
    file.write_text(text)
    told = part("google-vertex", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    assert isinstance(told, str)
    assert words in told
    assert str(file) in told


def test_what_is_missing_is_named():
    assert "AZURE_TENANT_ID" in str(part("azure", {}))
    assert "gcloud auth application-default login" in str(part("google-vertex", {}))
    assert "no tenant" in str(part("azure", ENTRA | {"AZURE_TENANT_ID": "../x?"}))


@pytest.mark.parametrize("line", ['token_url = "http://sts.example/token"', 'token_url = "ftp://x"'])
def test_a_token_address_is_encrypted_or_on_this_network(line: str):
    text = f"[providers.azure]\n{line}\n"
    with pytest.raises(ConfigError, match="token_url"):
        check(read_config(text), text, "mesh.toml", {})
