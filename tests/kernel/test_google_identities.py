"""Google's files and the machine's own account give the token that Google's own library gets for them."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.auth import aws, identity_pool, impersonated_credentials
from google.auth.compute_engine import _metadata
from google.auth.transport.requests import Request
from google.oauth2 import credentials

from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.config.read import read_config
from meshwright.kernel.identity import machine
from meshwright.net.choose import OneTransport
from meshwright.net.proof import AwsKeys
from meshwright.net.transport import Call, Endpoint
from meshwright.types.errors import UpstreamError
from tests.kernel.asking import ask, said, serving
from tests.kernel.cloud import Answer, Came, Cloud
from tests.kernel.token_door import GEMINI

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmVk"
NAMED = "/v1/projects/-/serviceAccounts/robot@p.iam.gserviceaccount.com:generateAccessToken"
USER = {"type": "authorized_user", "client_id": "id", "client_secret": "s3cret", "refresh_token": "r3fresh"}
EXTERNAL = {
    "type": "external_account",
    "audience": AUDIENCE,
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": "{url}/token",
    "credential_source": {"file": "{home}/subject"},
}
AS_JSON = {"type": "json", "subject_token_field_name": "id_token"}


class Google:
    """Gives tokens to whoever asks as Google wants it, and says in each of them how it was asked for."""

    def __init__(self) -> None:
        self.instead: dict[str, Answer] = {}

    def __call__(self, came: Came) -> Answer:
        path, _, query = came.path.partition("?")
        if (told := self.instead.get(path)) is not None:
            return told
        if path == "/token":
            kind = came.form["grant_type"].rpartition(":")[2]
            return self._token(f"{kind}-token")
        if path == NAMED:
            assert came.headers["authorization"].startswith("Bearer ")
            asked = json.loads(came.body)
            end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=int(asked["lifetime"].rstrip("s")))
            told_end = end.strftime("%Y-%m-%dT%H:%M:%SZ")
            return Answer(json.dumps({"accessToken": "robot-token", "expireTime": told_end}).encode())
        if path == "/subject":
            assert came.headers["metadata"] == "true"
            return Answer(json.dumps({"id_token": JWT}).encode())
        if path == "/computeMetadata/v1/instance/service-accounts/default/token":
            assert came.headers["metadata-flavor"] == "Google"
            assert query == "scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
            return self._token("machine-token")
        return Answer(b"{}", 404)

    def _token(self, token: str) -> Answer:
        issued = "urn:ietf:params:oauth:token-type:access_token"
        told = {"access_token": token, "expires_in": 3599, "token_type": "Bearer", "issued_token_type": issued}
        return Answer(json.dumps(told).encode())


FILES: dict[str, dict[str, Any]] = {
    "a log-in of gcloud": USER | {"token_uri": "{url}/token"},
    "a token in a file": EXTERNAL,
    "a token in a file of JSON": EXTERNAL | {"credential_source": {"file": "{home}/subject.json", "format": AS_JSON}},
    "a token at an address": EXTERNAL
    | {"credential_source": {"url": "{url}/subject", "headers": {"Metadata": "true"}, "format": AS_JSON}},
    "a client that shows who it is": EXTERNAL | {"client_id": "me", "client_secret": "s3cret"},
    "a workforce": EXTERNAL | {
        "audience": "//iam.googleapis.com/locations/global/workforcePools/p/providers/q",
        "workforce_pool_user_project": "p9"},
    "an account in whose name it acts": EXTERNAL | {
        "service_account_impersonation_url": "{url}" + NAMED,
        "service_account_impersonation": {"token_lifetime_seconds": 1200}},
    "a log-in in a robot's name": {
        "type": "impersonated_service_account", "delegates": ["between@p.iam.gserviceaccount.com"],
        "service_account_impersonation_url": "{url}" + NAMED,
        "source_credentials": USER | {"token_uri": "{url}/token"}},
}  # fmt: skip


def laid(home: Path, url: str, file: Mapping[str, Any]) -> dict[str, str]:
    """The file in a home, and the variables with it."""
    (home / "subject").write_text(JWT)
    (home / "subject.json").write_text(json.dumps({"id_token": JWT}))
    text = json.dumps(file).replace("{home}", str(home)).replace("{url}", url)
    (home / "who.json").write_text(text)
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(home / "who.json"), "GOOGLE_CLOUD_LOCATION": "global",
            "GOOGLE_CLOUD_PROJECT": "p", "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip


def part(environment: Mapping[str, str], url: str = "") -> ProviderPart | str:
    """Vertex as it would be served, with its token endpoint there, or why it is not."""
    toml = f'[providers.google-vertex]\ntoken_url = "{url}/token"\n' if url else "[providers.google-vertex]\n"
    parts, refused = provider_parts(read_config(toml), environment, (), builtin=False)
    return next((one for one in parts if one.row.name == "google-vertex"), None) or refused["google-vertex"]


async def token(environment: Mapping[str, str], url: str = "") -> str:
    """The token that calls would be sent with. Raises UpstreamError."""
    found = part(environment, url)
    assert isinstance(found, ProviderPart), found
    identity = found.credential.identity
    assert identity is not None
    assert not isinstance(identity, AwsKeys)
    assert not any(secret in repr(identity) for secret in ("s3cret", "r3fresh"))
    transport = OneTransport()
    try:
        obtained = await identity.obtain(transport, time.time())
    finally:
        await transport.close()
    assert 0 < obtained.seconds <= 3600
    return dict(obtained.shown.headers(Call(Endpoint("http://x/")), 0.0))["authorization"].removeprefix("Bearer ")


def told(came: list[Came]) -> list[tuple[str, str, dict[str, str], Any, str | None]]:
    """What came, without what Google's library adds for its own statistics."""
    return [
        (
            one.method,
            one.path.partition("?")[0],
            one.form if one.path == "/token" else {},
            {name: value for name, value in json.loads(one.body).items() if value} if one.path == NAMED else None,
            one.headers.get("authorization"),
        )
        for one in came
    ]


def googles(file: str) -> str:
    """The token that Google's own library gets; each kind by its own door, since others ask Google for the project."""
    info = json.loads(Path(file).read_text())
    found: Any
    if info["type"] == "external_account":
        found = identity_pool.Credentials.from_info(info, scopes=[SCOPE])
    elif info["type"] == "authorized_user":
        found = _user(info)
    else:
        found = impersonated_credentials.Credentials(
            source_credentials=_user(info["source_credentials"]),
            target_principal="robot@p.iam.gserviceaccount.com",
            target_scopes=[SCOPE],
            delegates=info["delegates"],
            iam_endpoint_override=info["service_account_impersonation_url"],
        )
    found.refresh(Request())
    return str(found.token)


def _user(info: Mapping[str, str]) -> Any:
    names = ("refresh_token", "token_uri", "client_id", "client_secret")
    return credentials.Credentials(None, **{name: info[name] for name in names})


@pytest.mark.parametrize("case", FILES)
async def test_the_token_is_asked_for_as_googles_own_library_does(case: str, tmp_path: Path):
    async with Cloud(Google()) as cloud:
        environment = laid(tmp_path, cloud.url, FILES[case])
        ours = await token(environment, cloud.url)
        asked = told(cloud.came)
        cloud.came.clear()

        assert ours == await asyncio.to_thread(googles, environment["GOOGLE_APPLICATION_CREDENTIALS"])
    wanted = told(cloud.came)
    for form in (form for _, _, form, _, _ in (*asked, *wanted)):
        if "options" in form:  # JSON of JSON: blanks mean nothing
            form["options"] = json.loads(unquote(form["options"]))
    assert asked == wanted


async def test_an_identity_at_aws_is_shown_as_a_signed_question_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_SESSION_TOKEN": "t",
        "AWS_REGION": "eu-west-1",
    }
    place = {"environment_id": "aws1", "regional_cred_verification_url":
             "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"}  # fmt: skip
    async with Cloud(Google()) as cloud:
        environment = laid(tmp_path, cloud.url, EXTERNAL | {"credential_source": place})
        assert await token(environment | keys, cloud.url) == "token-exchange-token"
        for name, value in keys.items():
            monkeypatch.setenv(name, value)

        def theirs() -> None:
            info = json.loads((tmp_path / "who.json").read_text())
            aws.Credentials.from_info(info, scopes=[SCOPE]).refresh(Request())

        await asyncio.to_thread(theirs)
    ours, googles_own = (json.loads(unquote(one.form["subject_token"])) for one in cloud.came)
    assert (ours["url"], ours["method"]) == (googles_own["url"], googles_own["method"])
    said, wanted = ({one["key"].lower(): one["value"] for one in told["headers"]} for told in (ours, googles_own))
    assert said.keys() == wanted.keys()
    assert said["x-goog-cloud-target-resource"] == wanted["x-goog-cloud-target-resource"] == AUDIENCE
    # Google's library leaves the audience out of what is signed, and its page recommends to sign it.
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource," in said["authorization"]
    request = AWSRequest(method="POST", url=ours["url"], data=b"", headers={"x-goog-cloud-target-resource": AUDIENCE})
    at = dt.datetime.strptime(said["x-amz-date"], "%Y%m%dT%H%M%SZ")  # noqa: DTZ007  # what botocore works with
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_: at)
    auth.SigV4Auth(Credentials("AKIA", "s3cret", "t"), "sts", "eu-west-1").add_auth(request)
    assert said["authorization"] == request.headers["Authorization"]


async def test_the_machines_own_account_is_asked_as_googles_own_library_does(monkeypatch: pytest.MonkeyPatch):
    async with Cloud(Google()) as cloud:
        host = cloud.url.removeprefix("http://")
        here = {"GCE_METADATA_HOST": host, "GOOGLE_CLOUD_LOCATION": "global", "GOOGLE_CLOUD_PROJECT": "p"}
        assert await token(here) == "machine-token"
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
        theirs, _ = await asyncio.to_thread(_metadata.get_service_account_token, Request(), scopes=[SCOPE])
    assert theirs == "machine-token"
    ours, googles_own = cloud.came
    assert (ours.method, ours.path, ours.headers["metadata-flavor"]) == (
        googles_own.method,
        googles_own.path,
        googles_own.headers["metadata-flavor"],
    )


async def test_a_models_calls_carry_the_token_of_the_machines_own_account():
    google = Google()

    def vertex(came: Came) -> Answer:
        if not came.path.startswith("/models"):
            return google(came)
        assert came.headers["authorization"] == "Bearer machine-token"
        return Answer(json.dumps(GEMINI).encode())

    async with Cloud(vertex) as cloud:
        toml = f'[providers.google-vertex-gemini]\nbase_url = "{cloud.url}"\nmodels = ["m"]\n'
        here = {"GCE_METADATA_HOST": cloud.url.removeprefix("http://"), "GOOGLE_CLOUD_LOCATION": "global"}
        async with serving(toml, here) as (kernel, _):
            assert "pong" in await said(await ask(kernel, "google-vertex-gemini/m"))
            assert "pong" in await said(await ask(kernel, "google-vertex-gemini/m"))
    assert [one.path.rpartition("/")[2].partition("?")[0] for one in cloud.came] == [
        "token",
        *["m:generateContent"] * 2,
    ]


def test_the_machine_is_asked_only_where_it_can_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "PLACE", tmp_path)
    here = {"HOME": str(tmp_path), "GOOGLE_CLOUD_LOCATION": "global", "GOOGLE_CLOUD_PROJECT": "p"}
    assert "GCE_METADATA_HOST=metadata.google.internal" in str(part(here))
    assert isinstance(part(here | {"K_SERVICE": "mine"}), ProviderPart)
    (tmp_path / "product_name").write_text("Google Compute Engine\n")
    found = part(here)
    assert isinstance(found, ProviderPart)
    assert found.key_from == "the machine's service account"
    assert isinstance(part(here | {"NO_GCE_CHECK": "true"}), str)
    assert "no host on this network" in str(part(here | {"GCE_METADATA_HOST": "evil.example"}))


WRONG: dict[str, dict[str, Any]] = {
    "outside googleapis.com": EXTERNAL | {"token_url": "https://sts.evil.example/v1/token"},
    "names a token address outside": EXTERNAL
    | {"token_url": "https://sts.googleapis.com/v1/token", "service_account_impersonation_url": "http://127.0.0.1/x"},
    "neither https:// nor on this network": EXTERNAL | {"credential_source": {"url": "http://evil.example/token"}},
    "from a program": EXTERNAL | {"credential_source": {"executable": {"command": "rm"}}},
    "an identity at AWS: no key": EXTERNAL | {"credential_source": {"environment_id": "aws1"}},
    "no whole external_account": EXTERNAL | {"credential_source": {}},
    "headers in its credential_source": EXTERNAL
    | {"token_url": "", "credential_source": {"url": "https://x/", "headers": {"a": "b\r\nc: d"}}},
    "from one service account to another": {
        "type": "impersonated_service_account", "source_credentials": {"type": "impersonated_service_account"}},
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(words: str, tmp_path: Path):
    found = part(laid(tmp_path, "https://sts.googleapis.com", WRONG[words]))
    assert isinstance(found, str)
    assert words in found
    assert str(tmp_path / "who.json") in found
    assert "evil" not in found


REFUSED: dict[str, tuple[str, dict[str, Any], str, Answer | None, str]] = {
    "a subject that is gone": (
        "", EXTERNAL | {"credential_source": {"file": "{home}/gone"}}, "/token", None, "gone cannot be read"),
    "a subject of another form": (
        "", EXTERNAL | {"credential_source": {"file": "{home}/subject", "format": AS_JSON}}, "/token", None,
        "'id_token'"),
    "an exchange that is refused": (
        "", EXTERNAL, "/token", Answer(b'{"error": "invalid_grant", "error_description": "The audience"}', 400),
        "invalid_grant: The audience"),
    "a robot in whose name nobody may act": (
        "", FILES["an account in whose name it acts"], NAMED,
        Answer(b'{"error": {"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"}}', 403),
        "PERMISSION_DENIED: Permission denied); it needs the role"),
    "a robot's token that is none": (
        "", FILES["an account in whose name it acts"], NAMED,
        Answer(b'{"accessToken": "a\\r\\nb: c", "expireTime": "2099-01-01T00:00:00.123456789Z"}'), "no bearer token"),
    "a robot's token that has run out": (
        "", FILES["an account in whose name it acts"], NAMED,
        Answer(b'{"accessToken": "a", "expireTime": "2019-01-01T00:00:00Z"}'), "run out"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_a_token_that_cannot_be_had_is_an_error_that_says_why(case: str, tmp_path: Path):
    _, file, path, answer, words = REFUSED[case]
    google_cloud = Google()
    if answer is not None:
        google_cloud.instead[path] = answer
    async with Cloud(google_cloud) as cloud:
        with pytest.raises(UpstreamError, match=re.escape(words)) as caught:
            await token(laid(tmp_path, cloud.url, file), cloud.url)
    assert JWT not in str(caught.value)


async def test_nobody_at_the_metadata_address_is_told_with_all_that_was_looked_for():
    here = {"GCE_METADATA_HOST": "127.0.0.1:9", "GOOGLE_CLOUD_LOCATION": "global", "GOOGLE_CLOUD_PROJECT": "p"}
    with pytest.raises(UpstreamError, match=r"gcloud auth application-default login; .* does not answer"):
        await token(here)
