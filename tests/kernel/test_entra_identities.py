"""Azure takes a workload's token and the machine's own identity, asked for as Microsoft's pages say."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.config.read import read_config
from meshwright.kernel.identity import machine
from meshwright.net.choose import OneTransport
from meshwright.net.proof import AwsKeys
from meshwright.net.transport import Call, Endpoint
from meshwright.types.errors import UpstreamError
from tests.kernel.asking import ask, said, serving
from tests.kernel.cloud import Answer, Came, Cloud
from tests.kernel.token_door import CHAT

RESOURCE = "https://cognitiveservices.azure.com"
JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmVk"
HEADER = "app's-header"
WORKLOAD = {
    "AZURE_TENANT_ID": "contoso.example",
    "AZURE_CLIENT_ID": "app",
    "AZURE_FEDERATED_TOKEN_FILE": "{home}/robot",
    "AZURE_AUTHORITY_HOST": "{url}/",
}
APP = {"IDENTITY_ENDPOINT": "{url}/msi/token", "IDENTITY_HEADER": HEADER}
MACHINE = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "{url}"}


class Entra:
    """Microsoft's token endpoint, an app's and a machine's."""

    def __init__(self) -> None:
        self.instead: Answer | None = None

    def __call__(self, came: Came) -> Answer:
        path, _, query = came.path.partition("?")
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if self.instead is not None:
            return self.instead
        if path == "/contoso.example/oauth2/v2.0/token":
            assert came.form["scope"] == f"{RESOURCE}/.default"
            assert came.form["client_id"] == "app"
            if came.form.get("client_secret") == "s3cret":
                return _token("principal", expires_in=3599)
            assert came.form["grant_type"] == "client_credentials"
            assert came.form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            assert came.form["client_assertion"] == JWT
            return _token("workload", expires_in=3599)
        who = asked.pop("client_id", "own")
        if path == "/msi/token":
            assert came.headers["x-identity-header"] == HEADER
            assert asked == {"api-version": "2019-08-01", "resource": RESOURCE}
            return _token(f"app-{who}", expires_on=str(int(time.time()) + 3000))
        assert path == "/metadata/identity/oauth2/token"
        assert came.headers["metadata"] == "true"
        assert asked == {"api-version": "2018-02-01", "resource": RESOURCE}
        return _token(f"machine-{who}", expires_in="3599", expires_on=str(int(time.time()) + 3599))


def _token(token: str, **more: object) -> Answer:
    return Answer(json.dumps({"access_token": token, "token_type": "Bearer", "resource": RESOURCE, **more}).encode())


def part(environment: Mapping[str, str]) -> ProviderPart | str:
    """Azure as it would be served, or why it is not."""
    parts, refused = provider_parts(read_config("[providers.azure]\n"), environment, (), builtin=False)
    return next((one for one in parts if one.row.name == "azure"), None) or refused["azure"]


async def token(environment: Mapping[str, str], home: Path, url: str) -> tuple[str, str]:
    """Where the identity was found, and the token that calls would be sent with. Raises UpstreamError."""
    (home / "robot").write_text(JWT + "\n")
    told = {name: value.format(home=home, url=url) for name, value in environment.items()}
    found = part({"AZURE_RESOURCE_NAME": "mine", **told})
    assert isinstance(found, ProviderPart), found
    identity = found.credential.identity
    assert identity is not None
    assert not isinstance(identity, AwsKeys)
    assert not any(secret in repr(identity) for secret in ("s3cret", HEADER))
    transport = OneTransport()
    try:
        obtained = await identity.obtain(transport, time.time())
    finally:
        await transport.close()
    assert 2900 < obtained.seconds <= 3600
    shown = dict(obtained.shown.headers(Call(Endpoint("http://x/")), 0.0))["authorization"]
    return found.key_from, shown.removeprefix("Bearer ")


CHAIN: dict[str, tuple[dict[str, str], str, str]] = {
    "a secret before all else": (
        WORKLOAD | APP | {"AZURE_CLIENT_SECRET": "s3cret"},
        "a service principal",
        "principal",
    ),
    "a workload before the app": (WORKLOAD | APP, "a workload identity", "workload"),
    "the app before the machine": (APP | MACHINE, "the app's managed identity", "app-own"),
    "one of an app's identities": (APP | {"AZURE_CLIENT_ID": "second"}, "the app's managed identity", "app-second"),
    "the machine": (MACHINE, "the machine's managed identity", "machine-own"),
    "one of a machine's identities": (
        MACHINE | {"AZURE_CLIENT_ID": "x"},
        "the machine's managed identity",
        "machine-x",
    ),
}


@pytest.mark.parametrize("case", CHAIN)
async def test_the_first_identity_that_is_there_is_asked_for(case: str, tmp_path: Path):
    environment, where, whose = CHAIN[case]
    async with Cloud(Entra()) as cloud:
        found, shown = await token(environment, tmp_path, cloud.url)
    assert where in found
    assert shown == whose


# What azure-identity 1.27.0 asks for https://cognitiveservices.azure.com/.default with the same variables, without what
# its own statistics add (recorded 2026-11-30 from ManagedIdentityCredential on loopback; `second` is its client_id).
RECORDED = {
    "the machine": ("/metadata/identity/oauth2/token", "2018-02-01", None, "metadata", "true"),
    "one of a machine's identities": ("/metadata/identity/oauth2/token", "2018-02-01", "x", "metadata", "true"),
    "the app before the machine": ("/msi/token", "2019-08-01", None, "x-identity-header", HEADER),
    "one of an app's identities": ("/msi/token", "2019-08-01", "second", "x-identity-header", HEADER),
}


@pytest.mark.parametrize("case", RECORDED)
async def test_managed_identities_are_asked_for_as_azures_own_library_does(case: str, tmp_path: Path):
    path, version, client, header, value = RECORDED[case]
    async with Cloud(Entra()) as cloud:
        await token(CHAIN[case][0], tmp_path, cloud.url)
    came = cloud.came[0]
    asked = {name: values[0] for name, values in parse_qs(came.path.partition("?")[2]).items()}
    assert (came.method, came.path.partition("?")[0], came.headers[header]) == ("GET", path, value)
    assert asked == {"api-version": version, "resource": RESOURCE} | ({"client_id": client} if client else {})


async def test_a_models_calls_carry_the_managed_identitys_token():
    entra = Entra()

    def azure(came: Came) -> Answer:
        if not came.path.startswith("/chat/completions"):
            return entra(came)
        assert came.headers["authorization"] == "Bearer app-own"
        return Answer(json.dumps(CHAT).encode())

    async with Cloud(azure) as cloud:
        toml = f'[providers.azure]\nbase_url = "{cloud.url}"\nmodels = ["m"]\n'
        here = {name: value.format(url=cloud.url) for name, value in APP.items()}
        async with serving(toml, here) as (kernel, _):
            assert "pong" in await said(await ask(kernel, "azure/m"))
            assert "pong" in await said(await ask(kernel, "azure/m"))
    assert [one.path.partition("?")[0] for one in cloud.came] == ["/msi/token", *["/chat/completions"] * 2]


def test_the_machine_is_asked_only_where_it_can_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "PLACE", tmp_path)
    here = {"AZURE_RESOURCE_NAME": "mine"}
    assert "AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential" in str(part(here))
    assert isinstance(part(here | {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"}), ProviderPart)
    (tmp_path / "chassis_asset_tag").write_text("7783-7084-3265-9085-8269-3286-77\n")
    assert isinstance(part(here), ProviderPart)
    assert isinstance(part(here | {"AZURE_TOKEN_CREDENTIALS": "dev"}), str)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (WORKLOAD | {"AZURE_AUTHORITY_HOST": "http://evil.example"}, "AZURE_AUTHORITY_HOST is no https"),
        (WORKLOAD | {"AZURE_TENANT_ID": "../x?"}, "no tenant"),
        (APP | {"IDENTITY_ENDPOINT": "http://evil.example/"}, "IDENTITY_ENDPOINT is no address"),
        (APP | {"IDENTITY_HEADER": "a\r\nb: c"}, "IDENTITY_HEADER no header"),
        (APP | {"IDENTITY_SERVER_THUMBPRINT": "x"}, "Service Fabric"),
        ({"IDENTITY_ENDPOINT": "http://x", "IMDS_ENDPOINT": "http://x"}, "Azure Arc"),
        ({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://evil.example"}, "AZURE_POD_IDENTITY_AUTHORITY_HOST"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_is_asked(environment: dict[str, str], words: str):
    told = part({"AZURE_RESOURCE_NAME": "mine", **environment})
    assert isinstance(told, str)
    assert words in told


@pytest.mark.parametrize(
    ("environment", "answer", "words"),
    [
        (MACHINE, Answer(b'{"error": "invalid_request", "error_description": "Identity not found"}', 400),
         "invalid_request: Identity not found"),
        (MACHINE, Answer(b'{"access_token": "t", "expires_on": "1"}'), "no bearer token"),
        (MACHINE, Answer(b'{"access_token": "t", "expires_on": "soon"}'), "no token answer"),
        (WORKLOAD | {"AZURE_FEDERATED_TOKEN_FILE": "/nowhere"}, None, "AZURE_FEDERATED_TOKEN_FILE cannot be read"),
        (WORKLOAD, Answer(b'{"error": "invalid_client", "error_description": "AADSTS700213: no record"}', 401),
         "AADSTS700213: no record"),
        (WORKLOAD, Answer('{"error": "invalid_client", "error_description": "Schlüssel"}'.encode("latin-1"), 401),
         "invalid_client: Schl\ufffdssel"),
        ({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"}, None, "set AZURE_API_KEY"),
    ],
)  # fmt: skip
async def test_a_token_that_cannot_be_had_is_an_error_that_says_why(
    environment: dict[str, str], answer: Answer | None, words: str, tmp_path: Path
):
    entra = Entra()
    entra.instead = answer
    async with Cloud(entra) as cloud:
        with pytest.raises(UpstreamError, match=re.escape(words)) as told:
            await token(environment, tmp_path, cloud.url)
    assert JWT not in str(told.value)
