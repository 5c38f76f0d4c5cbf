"""Tokens are asked for as the clouds want it, kept fresh beside the requests, and never sought at a stranger's."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from google.auth import jwt

from meshwright.kernel.arrival import Failure
from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.check import check
from meshwright.kernel.config.read import read_config
from meshwright.kernel.forward.call import forward
from meshwright.kernel.forward.target import Parcel
from meshwright.kernel.published import Published
from meshwright.kernel.questions.embed import embed
from meshwright.net.choose import OneTransport
from meshwright.net.grants import Grant
from meshwright.net.tokens import Token, Tokens
from meshwright.net.transport import Call, Endpoint
from meshwright.types.errors import ConfigError, UpstreamError
from meshwright.types.principal import LOCAL
from tests.kernel.asking import Clock, ask, said, serving
from tests.kernel.cloud import Answer, Came, Cloud

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
EMAIL = "robot@project.iam.gserviceaccount.com"
ENTRA = {"AZURE_TENANT_ID": "contoso.example", "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "s3cret"}
ACCOUNT = {"type": "service_account", "project_id": "p1", "private_key_id": "k1", "private_key": PEM,
           "client_email": EMAIL, "token_uri": "https://oauth2.googleapis.com/token"}  # fmt: skip
USER = {"type": "authorized_user", "client_id": "id", "client_secret": "s3cret", "refresh_token": "r3fresh",
        "quota_project_id": "p2"}  # fmt: skip
CHAT = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "pong"}}]}  # fmt: skip
CLAUDE = {"id": "x", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
          "content": [{"type": "text", "text": "pong"}], "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
GEMINI = {"candidates": [{"content": {"role": "model", "parts": [{"text": "pong"}]}, "finishReason": "STOP"}]}


class Door:
    """A cloud's token endpoint at /token, and its models everywhere else, for whoever shows the latest token."""

    def __init__(self, answer: dict[str, Any], seconds: float = 3600) -> None:
        self.answer = json.dumps(answer).encode()
        self.seconds = seconds
        self.given = 0
        self.closed: Answer | None = None

    def __call__(self, came: Came) -> Answer:
        if came.path.startswith("/token"):
            if self.closed is not None:
                return self.closed
            self._judge(came)
            self.given += 1
            told = {"access_token": f"token-{self.given}", "expires_in": self.seconds, "token_type": "Bearer"}
            return Answer(json.dumps(told).encode())
        if came.headers.get("authorization") != f"Bearer token-{self.given}":
            return Answer(b'{"error": {"message": "who are you?"}}', 401)
        return Answer(self.answer)

    def _judge(self, came: Came) -> None:
        form = came.form
        assert came.headers["content-type"] == "application/x-www-form-urlencoded"
        if form["grant_type"] == "client_credentials":
            assert (form["client_id"], form["client_secret"]) == ("app", "s3cret")
            assert form["scope"] == "https://cognitiveservices.azure.com/.default"
        elif form["grant_type"] == "refresh_token":
            assert (form["client_id"], form["client_secret"], form["refresh_token"]) == ("id", "s3cret", "r3fresh")
        else:
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            # Google's own library is the judge: the signature, the times, and for whom it is.
            address = f"http://{came.headers['host']}{came.path}"
            claims = jwt.decode(form["assertion"], certs=PUBLIC, audience=address)
            assert (claims["iss"], claims["exp"] - claims["iat"]) == (EMAIL, 3600)
            assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
            assert jwt.decode_header(form["assertion"]) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}


def table(name: str, url: str, more: str = "") -> str:
    """A provider at that address, with its token endpoint there."""
    return f'[providers.{name}]\nbase_url = "{url}"\ntoken_url = "{url}/token"\nmodels = ["m"]\n{more}'


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


def grant(cloud: Cloud) -> Grant:
    """A client of that cloud."""
    return Grant(url=cloud.url + "/token", client_id="app", client_secret="s3cret",
                 scope="https://cognitiveservices.azure.com/.default")  # fmt: skip


def shown(token: Token) -> str:
    """What a call would be sent with now."""
    told = token.headers(Call(Endpoint("http://x/")), time.time())
    return told[0][1].removeprefix("Bearer ") if told else ""


async def test_a_token_is_renewed_ahead_of_its_end_while_requests_use_the_old_one():
    door, clock, transport = Door(CHAT), Clock(), OneTransport()
    async with Cloud(door) as cloud:
        token = Tokens(transport, clock).of(grant(cloud))
        await asyncio.gather(*(token.ready() for _ in range(20)))
        assert (shown(token), door.given) == ("token-1", 1)
        clock.now = 2879.0
        assert not token.due()
        clock.now = 2881.0
        assert token.due()
        await token.ready()
        assert shown(token) == "token-1"
        await token.ask()
        assert shown(token) == "token-2"
        clock.now += 4000
        await token.ready()
        assert shown(token) == "token-3"
    await transport.close()


async def test_while_renewing_fails_the_old_token_serves_to_its_end_and_asking_goes_on():
    door, clock, transport = Door(CHAT), Clock(), OneTransport()
    async with Cloud(door) as cloud:
        token = Tokens(transport, clock).of(grant(cloud))
        await token.ready()
        door.closed = Answer(
            b'{"error": "invalid_client", "error_description": "The secret has expired.\\r\\nTrace: 1"}', 401
        )
        clock.now = 3000.0
        await token.ask()
        await token.ready()
        assert shown(token) == "token-1"
        clock.now = 3601.0
        with pytest.raises(UpstreamError, match="invalid_client: The secret has expired") as told:
            await token.ready()
        assert told.value.code == "upstream_auth"
        asked = len(cloud.came)
        with pytest.raises(UpstreamError):
            await token.ready()
        assert len(cloud.came) == asked, "what has just failed is not asked again in a request's way"
        assert not token.due()
        clock.now += 60
        assert token.due()
        door.closed = None
        await token.ready()
        assert shown(token) == "token-2"
    await transport.close()


async def test_a_token_that_is_refused_is_replaced_but_not_with_every_refusal():
    door, clock, transport = Door(CHAT), Clock(), OneTransport()
    async with Cloud(door) as cloud:
        token = Tokens(transport, clock).of(grant(cloud))
        await token.ready()
        token.refused()
        assert not token.due()
        clock.now = 31.0
        token.refused()
        assert token.due()
    await transport.close()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>"),
        Answer(b'{"access_token": "a b"}'),
        Answer(b'{"access_token": "a\\r\\nx: y"}'),
        Answer(b'{"access_token": ""}'),
        Answer(b'{"access_token": "t", "expires_in": -1}'),
        Answer(b'{"access_token": "t", "expires_in": 1' + b"0" * 400 + b"}"),
        Answer(b'{"access_token": "t", "token_type": "mac"}'),
        Answer(b'{"access_token": ' + b"[" * 60_000),
        Answer(b'{"error": ' + b"[" * 60_000, 400),
        Answer(b'{"access_token": "' + b"t" * 70_000 + b'"}'),
        Answer(b"", 302, headers="location: http://127.0.0.1:1/\r\n"),
    ],
    ids=["page", "blank", "line", "empty", "past", "never", "kind", "deep", "deep error", "huge", "redirect"],
)
async def test_an_answer_that_is_no_token_is_an_error_that_shows_no_secret(answer: Answer):
    door, transport = Door(CHAT), OneTransport()
    door.closed = answer
    async with Cloud(door) as cloud:
        token = Tokens(transport).of(grant(cloud))
        with pytest.raises(UpstreamError) as told:
            await token.ready()
    assert "s3cret" not in str(told.value) + repr(grant(cloud))
    assert len(cloud.came) == 1
    await transport.close()


async def test_a_route_goes_on_to_its_next_model_when_a_provider_has_no_token():
    door = Door(CHAT)
    door.closed = Answer(b'{"error": "invalid_client"}', 401)
    async with Cloud(door) as cloud:
        toml = table("azure", cloud.url) + (
            f'[providers.other]\nbase_url = "{cloud.url}"\nauth = "bearer"\nkey_env = "K"\nmodels = ["m"]\n'
            '[routes.both]\nstrategy = "fixed"\npool = ["azure/m", "other/m"]\n'
        )
        async with serving(toml, ENTRA | {"K": "token-0"}) as (kernel, _):
            assert "pong" in await said(await ask(kernel, "route/both"))
            attempts = kernel.journal.traces[-1].attempts  # type: ignore[attr-defined]  # the journal of these tests
    assert [one.outcome for one in attempts] == ["upstream_auth", "ok"]
    assert "invalid_client" in attempts[0].error


async def test_a_token_is_there_before_the_first_request_and_outlives_a_new_snapshot():
    door, transport = Door(CHAT), OneTransport()
    async with Cloud(door) as cloud:
        tokens = Tokens(transport)
        token = tokens.of(grant(cloud))
        chore = asyncio.create_task(tokens.keep_fresh())
        await asyncio.sleep(0)
        assert not token.due(), "it was asked for before anybody needed it"
        await token.ready()
        assert (shown(token), door.given) == ("token-1", 1)
        tokens.keep([grant(cloud)])
        assert tokens.of(grant(cloud)) is token
        tokens.keep([])
        assert tokens.of(grant(cloud)) is not token
        chore.cancel()
    await transport.close()


async def test_tokens_of_a_providers_other_keys_outlive_a_new_snapshot_too(tmp_path: Path):
    door, transport = Door(GEMINI), OneTransport()
    for name in ("one", "other"):
        (tmp_path / f"{name}.json").write_text(json.dumps(ACCOUNT | {"private_key_id": name, "client_email": name}))
    async with Cloud(door) as cloud:
        one, other = (f'key_file = "{tmp_path}/{name}.json"\n' for name in ("one", "other"))
        more = f"{one}[[providers.google-vertex-gemini.also]]\n{other}"
        config = read_config("[builtin]\nenabled = false\n" + table("google-vertex-gemini", cloud.url, more))
        tokens = Tokens(transport)
        held = []
        for version in (1, 2):
            published = Published(version=version, config=config, open=True)
            build(published, {"GOOGLE_CLOUD_LOCATION": "global"}, transport, None, tokens)
            held.append(set(tokens._tokens.values()))
    await transport.close()
    assert len(held[0]) == 2
    assert held[0] == held[1]
