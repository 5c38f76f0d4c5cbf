"""Bedrock is called with signatures that AWS's own client would make; where its keys are looked for."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from botocore import auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from meshwright.kernel.build.providers import provider_parts
from meshwright.kernel.config.tables import Config, ProviderSettings
from meshwright.kernel.identity import machine
from meshwright.kernel.identity.aws_keys import Signing
from meshwright.net.choose import OneTransport
from meshwright.net.proof import AwsKeys
from meshwright.types.content import Message, Text
from meshwright.types.errors import UpstreamStatus
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.wire import CODECS
from meshwright.wire.fold import unfold
from tests.kernel.asking import ask, said, serving
from tests.kernel.cloud import Answer, Came, Cloud

ACCESS, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AQoDYXdzEPT//="
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "eu-west-1"}
MODEL = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc"
CONVERSE = CODECS["bedrock_converse"]
RESPONSE = Response(model="m", choices=(Choice(message=Message("assistant", (Text("pong"),)), finish="stop"),))
"""What the pretend Bedrock says."""


def mantle(came: Came) -> Answer:
    """The address with OpenAI's shape, which has a service of its own."""
    if came.headers.get("authorization", "") != signature(came, "bedrock-mantle"):
        return Answer(b'{"error": {"message": "The request signature we calculated does not match."}}', 403)
    return Answer(CODECS["openai_responses"].encode_response(RESPONSE, Request(model="m", messages=())).body)


def bedrock(came: Came) -> Answer:
    """Bedrock: takes nothing but what AWS's client would have signed, with these keys and at that time."""
    given = came.headers.get("authorization", "")
    if given != f"Bearer {SECRET}" and given != signature(came):
        return Answer(b'{"message": "The request signature we calculated does not match."}', 403)
    request = Request(model="m", messages=(), stream=came.path.endswith("-stream"))
    if request.stream:
        encoder = CONVERSE.stream_encoder(request)
        return Answer(encoder.feed(unfold(RESPONSE)), kind=CONVERSE.event_stream)
    return Answer(CONVERSE.encode_response(RESPONSE, request).body)


def signature(came: Came, service: str = "bedrock") -> str:
    """The authorization that AWS's own client makes of what came."""
    url = f"http://{came.headers['host']}{came.path}"
    said = {name: came.headers[name] for name in ("content-type", "accept", "accept-encoding") if name in came.headers}
    signed = came.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    request = AWSRequest(
        method=came.method,
        url=url,
        headers={name: value for name, value in said.items() if name in signed},
        data=came.body,
    )
    at = dt.datetime.strptime(came.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")  # noqa: DTZ007  # what botocore works with
    assert abs(at - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=5)
    known = auth.get_current_datetime
    auth.get_current_datetime = lambda *_: at
    try:
        SigV4Auth(Credentials(ACCESS, SECRET, TOKEN if "x-amz-security-token" in signed else None), service,
                  "eu-west-1").add_auth(request)  # fmt: skip
    finally:
        auth.get_current_datetime = known
    return str(request.headers["Authorization"])


def toml(url: str) -> str:
    """Bedrock at that address."""
    return f'[providers.amazon-bedrock]\nbase_url = "{url}"\nmodels = ["{MODEL}"]\n'


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("token", ["", TOKEN])
async def test_bedrock_takes_the_signature_of_every_call(stream: bool, token: str):
    async with Cloud(bedrock) as cloud, serving(toml(cloud.url), KEYS | {"AWS_SESSION_TOKEN": token}) as (kernel, _):
        told = await said(await ask(kernel, f"amazon-bedrock/{MODEL}", stream=stream))
    assert "pong" in told
    assert cloud.came[0].path.startswith("/model/arn%3Aaws%3Abedrock")


async def test_the_address_with_openais_shape_is_signed_for_its_own_service():
    async with Cloud(mantle) as cloud:
        toml = f'[providers.bedrock-mantle]\nbase_url = "{cloud.url}"\nmodels = ["m"]\n'
        async with serving(toml, KEYS | {"AWS_SESSION_TOKEN": TOKEN}) as (kernel, _):
            assert "pong" in await said(await ask(kernel, "bedrock-mantle/m"))
    assert "/eu-west-1/bedrock-mantle/aws4_request" in cloud.came[0].headers["authorization"]


async def test_a_wrong_key_is_refused_by_bedrock_and_told_as_ours():
    wrong = KEYS | {"AWS_SECRET_ACCESS_KEY": "another"}
    async with Cloud(bedrock) as cloud, serving(toml(cloud.url), wrong) as (kernel, _):
        with pytest.raises(UpstreamStatus, match="does not match") as told:
            await said(await ask(kernel, f"amazon-bedrock/{MODEL}"))
    assert (told.value.status, told.value.code) == (502, "upstream_auth")


async def test_a_key_of_bedrocks_own_goes_as_it_is():
    environment = {"AWS_BEARER_TOKEN_BEDROCK": SECRET, "AWS_REGION": "eu-west-1"}
    async with Cloud(bedrock) as cloud, serving(toml(cloud.url), environment) as (kernel, _):
        assert "pong" in await said(await ask(kernel, f"amazon-bedrock/{MODEL}"))
    assert cloud.came[0].headers["authorization"] == f"Bearer {SECRET}"


def found(environment: dict[str, str], configured: bool = True) -> AwsKeys | str:
    """The identity that Bedrock is called with, or why there is none."""
    config = Config(providers={"amazon-bedrock": ProviderSettings()} if configured else {})
    parts, refused = provider_parts(config, environment, (), builtin=False)
    for part in parts:
        if part.row.name == "amazon-bedrock":
            identity = part.credential.identity
            assert SECRET not in repr(part.credential) + repr(identity)
            if isinstance(identity, Signing):
                return asyncio.run(identity.source.keys(OneTransport(), 0.0)).keys
            assert isinstance(identity, AwsKeys)
            return identity
    return refused["amazon-bedrock"]


def test_keys_that_open_all_of_aws_are_used_only_when_bedrock_is_configured():
    assert found(KEYS, configured=False) == "no key: set AWS_BEARER_TOKEN_BEDROCK"
    assert found(KEYS) == AwsKeys(access_key=ACCESS, secret_key=SECRET, region="eu-west-1")


def test_a_profile_of_awss_own_files_is_read(tmp_path: Path):
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(f"[work]\naws_access_key_id = {ACCESS}\naws_secret_access_key={SECRET}\n")
    (folder / "config").write_text(
        "[profile work]\nregion = us-west-2\n[profile sso]\nsso_session = x\nsso_account_id = 1\n"
    )
    home = {"HOME": str(tmp_path)}
    keys = found(home | {"AWS_PROFILE": "work"})
    assert keys == AwsKeys(access_key=ACCESS, secret_key=SECRET, region="us-west-2")
    assert "the profile default in" in str(found(home))
    assert "sso_session x" in str(found(home | {"AWS_PROFILE": "sso", "AWS_REGION": "r"}))
    (folder / "credentials").write_text(f"[work\naws_secret_access_key={SECRET}\n")
    assert SECRET not in str(found(home | {"AWS_PROFILE": "work"}))


@pytest.mark.parametrize("missing", KEYS)
def test_what_is_missing_is_named(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "PLACE", tmp_path)  # wherever these tests run, it is nobody's machine
    told = found({name: value for name, value in KEYS.items() if name != missing})
    assert isinstance(told, str)
    assert missing in told


def test_a_path_in_a_home_that_nobody_knows_is_a_file_that_is_not_there():
    environment = KEYS | {"AWS_CONFIG_FILE": "~nobody-of-that-name/config"}
    assert found(environment) == AwsKeys(access_key=ACCESS, secret_key=SECRET, region="eu-west-1")
    for name in ("openai", "google-vertex"):
        config = Config(providers={name: ProviderSettings(key_file="~nobody-of-that-name/key")})
        _, refused = provider_parts(config, {}, (), builtin=False)
        assert "~nobody-of-that-name/key" in refused[name]
