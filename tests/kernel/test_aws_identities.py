"""The AWS identity is the one that AWS's own library takes from the same files and variables, and it stays fresh."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from botocore.credentials import SSOProvider
from botocore.session import Session
from botocore.tokens import SSOTokenProvider

from meshwright.kernel.build.providers import ProviderPart, provider_parts
from meshwright.kernel.config.read import read_config
from meshwright.kernel.identity import machine
from meshwright.net.choose import OneTransport
from meshwright.net.proof import AwsKeys
from meshwright.net.tokens import Tokens
from meshwright.net.transport import Call, Endpoint
from meshwright.types.content import Message, Text
from meshwright.types.errors import UpstreamError
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.wire import CODECS
from tests.kernel.asking import Clock, ask, said, serving
from tests.kernel.aws_cloud import PASS, REGION, ROBOT, ROLE, SECRET, Aws, log_in
from tests.kernel.cloud import Answer, Came, Cloud

WRITER = (
    "import json; print(json.dumps(dict(Version=1, AccessKeyId='AKIAPROCESS', SecretAccessKey='s', SessionToken='t')))"
)
ENV = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "token/env"}
WEB = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/robot", "AWS_ROLE_SESSION_NAME": "mesh"}
AGENT = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/pass"}
OWN = f"[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = {SECRET}\naws_session_token = t/=\n"
BASE = OWN.replace("default", "base").replace("AKIAFILE", "AKIABASE")
CONFIG_KEYS = "[default]\naws_access_key_id = AKIACONFIG\naws_secret_access_key = x\n"
PROCESS = f'credential_process = "{sys.executable}" "{{home}}/writer.py" --and "a word"\n'
SSO = "sso_session = us\nsso_account_id = 123456789012\nsso_role_name = models\n"
SESSION = f"[sso-session us]\nsso_region = {REGION}\nsso_start_url = https://x.awsapps.com/start\n"
LEGACY = SSO.replace("sso_session = us\n", SESSION.partition("\n")[2])
NEAR = f"[profile near]\nrole_arn = {ROLE}\nsource_profile = base\n"
FAR = f"[profile far]\nrole_arn = {ROLE}\nsource_profile = near\n{NEAR}"
PONG = Response(model="m", choices=(Choice(message=Message("assistant", (Text("pong"),)), finish="stop"),))

# What is there: variables, the credentials file, the config file; and whose keys are used.
CHAIN: dict[str, tuple[dict[str, str], str, str, str]] = {
    "the environment before all else": (ENV | WEB | AGENT, OWN, CONFIG_KEYS, "AKIAENV"),
    "a web identity before a profile's keys": (WEB | AGENT, OWN, "", "ASIAWEB"),
    "a profile's role before a web identity": (
        WEB, BASE, f"[default]\nrole_arn = {ROLE}2\nsource_profile = base\nexternal_id = XY\n", "ASIAROLEXY"),
    "a role that a role asks for": (
        {"AWS_PROFILE": "far"}, BASE,
        f"{FAR}role_session_name = me\nduration_seconds = 900\n",
        "ASIAROLE"),
    "a profile that is its own source": (
        {"AWS_PROFILE": "base"}, BASE, f"[profile base]\nrole_arn = {ROLE}\nsource_profile = base\n", "ASIAROLE"),
    "a role by the container": (
        AGENT, "", f"[default]\nrole_arn = {ROLE}\ncredential_source = EcsContainer\n", "ASIAROLE"),
    "a role by the instance": (
        {}, "", f"[default]\nrole_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata\n", "ASIAROLE"),
    "a web identity of a profile": (
        {}, "", f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {{home}}/robot\n", "ASIAWEB"),
    "SSO before a profile's keys": ({}, OWN, f"[default]\n{SSO}{SESSION}", "ASIASSO"),
    "SSO as it was configured once": ({}, "", f"[default]\n{LEGACY}", "ASIASSO"),
    "keys of the credentials file before a process": ({}, OWN, f"[default]\n{PROCESS}", "AKIAFILE"),
    "a process before keys of the config file": ({}, "", CONFIG_KEYS + PROCESS, "AKIAPROCESS"),
    "a process in the credentials file": (AGENT, f"[default]\n{PROCESS}", "", "AKIAPROCESS"),
    "keys of the config file before a container": (AGENT, "", CONFIG_KEYS, "AKIACONFIG"),
    "a quoted profile": ({"AWS_PROFILE": "my own"}, OWN.replace("default", "my own"), "", "AKIAFILE"),
    "a container before the instance": (AGENT, "", "[default]\noutput = json\n", "ASIAAGENT"),
    "a token of a container that is given": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN": PASS}, "", "",
        "ASIAAGENT"),
    "the instance when there is nothing else": ({}, "", "", "ASIAINSTANCE"),
}  # fmt: skip


def laid(
    home: Path, url: str, environment: Mapping[str, str], credentials: str = "", config: str = ""
) -> dict[str, str]:
    """Files in a home, and the variables with it; AWS is at that address."""
    folder = home / ".aws"
    folder.mkdir(exist_ok=True)
    (home / "robot").write_text(ROBOT)
    (home / "pass").write_text(PASS)
    (home / "writer.py").write_text(WRITER)
    for name, text in (("credentials", credentials), ("config", config)):
        (folder / name).write_text(text.replace("{home}", str(home)))
    log_in(home, "us")
    log_in(home, "https://x.awsapps.com/start")
    told = {name: value.format(home=home, url=url) for name, value in environment.items()}
    told |= {"AWS_ENDPOINT_URL_STS": url, "AWS_ENDPOINT_URL_SSO": url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
    return {"HOME": str(home), "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **told}


def part(environment: Mapping[str, str], toml: str = "") -> ProviderPart | str:
    """Bedrock as it would be served, or why it is not."""
    config = read_config(f"[providers.amazon-bedrock]\n{toml}")
    parts, refused = provider_parts(config, environment, (), builtin=False)
    return next((one for one in parts if one.row.name == "amazon-bedrock"), None) or refused["amazon-bedrock"]


async def keys(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """The keys that calls would be signed with: access key, secret key, session token. Raises UpstreamError."""
    found = part(environment)
    assert isinstance(found, ProviderPart), found
    assert found.key_from
    identity = found.credential.identity
    if not isinstance(identity, AwsKeys):
        assert identity is not None
        assert SECRET not in repr(identity)
        transport = OneTransport()
        try:
            obtained = await identity.obtain(transport, time.time())
        finally:
            await transport.close()
        identity = obtained.shown._keys  # type: ignore[attr-defined]  # nothing but its signatures shows them
    assert isinstance(identity, AwsKeys)
    assert identity.region == REGION
    return identity.access_key, identity.secret_key, identity.session_token


def botocores(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """The keys that AWS's own library takes."""
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cache = str(Path(environment["HOME"]) / ".aws" / "sso" / "cache")
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    found = Session().get_credentials().get_frozen_credentials()
    return found.access_key, found.secret_key, found.token or ""


@pytest.mark.parametrize("case", CHAIN)
async def test_the_identity_is_the_one_that_awss_own_library_takes(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    variables, credentials, config, whose = CHAIN[case]
    async with Cloud(Aws()) as cloud:
        environment = laid(tmp_path, cloud.url, variables, credentials, config)
        ours = await keys(environment)
        asked = [(one.method, one.path.partition("?")[0], one.form.get("Action")) for one in cloud.came]
        cloud.came.clear()
        cloud.answer = Aws()
        theirs = await asyncio.to_thread(botocores, environment, monkeypatch)
        wanted = [(one.method, one.path.partition("?")[0], one.form.get("Action")) for one in cloud.came]
    assert ours[0].rstrip("0123456789") == whose
    assert ours == theirs
    assert asked == wanted


WRONG: dict[str, tuple[dict[str, str], str, str]] = {
    "AWS_SECRET_ACCESS_KEY is not set": ({"AWS_ACCESS_KEY_ID": "AKIA"}, "", ""),
    "the profile default has no secret key": ({}, "[default]\naws_access_key_id = x\n", ""),
    "there is no profile lost": ({"AWS_PROFILE": "lost"}, OWN, ""),
    "set AWS_ROLE_ARN": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/robot"}, "", ""),
    "needs one of source_profile and credential_source": ({}, "", f"[default]\nrole_arn = {ROLE}\n"),
    "leads back to itself": (
        {}, "",
        f"[default]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = x\nsource_profile = default\n"),
    "names the source_profile gone": ({}, "", f"[default]\nrole_arn = {ROLE}\nsource_profile = gone\n"),
    "has no keys to ask for it with": (
        {}, "", f"[default]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nregion = x\n"),
    "credential_source is Environment": ({}, "", f"[default]\nrole_arn = {ROLE}\ncredential_source = Moon\n"),
    "aws configure export-credentials --profile default": (
        {}, BASE, f"[default]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = m\n"),
    "lacks sso_start_url": ({}, "", "[default]\nsso_account_id = 1\nsso_region = r\nsso_role_name = n\n"),
    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/keys"}, "", ""),
    "or at a loopback": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost.evil.example/keys"}, "", ""),
    "neither https:// nor": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "file:///etc/passwd"}, "", ""),
    "is not in AWS's format": ({}, f"[default\naws_secret_access_key = {SECRET}\n", ""),
    "holds characters that no key has": (ENV | {"AWS_SESSION_TOKEN": "a\r\nb: c"}, "", ""),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT is no address": (
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://metadata.evil.example"}, "", ""),
    "AWS_ENDPOINT_URL_STS is no https": (WEB | {"AWS_ENDPOINT_URL_STS": "http://sts.evil.example"}, "", ""),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_used_is_named_before_anything_is_asked(words: str, tmp_path: Path):
    variables, credentials, config = WRONG[words]
    environment = laid(tmp_path, "http://127.0.0.1:9", variables, credentials, config)
    environment |= {name: value.format(home=tmp_path) for name, value in variables.items()}
    told = part(environment)
    assert isinstance(told, str)
    assert words in told
    assert SECRET not in told


def test_the_metadata_service_is_asked_only_where_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    here = {"HOME": str(tmp_path), "AWS_REGION": REGION}
    monkeypatch.setattr(machine, "PLACE", tmp_path)
    assert "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://169.254.169.254" in str(part(here))
    assert isinstance(part(here | {"AWS_EC2_METADATA_DISABLED": "false"}), ProviderPart)
    (tmp_path / "sys_vendor").write_text("Amazon EC2\n")
    found = part(here)
    assert isinstance(found, ProviderPart)
    assert found.key_from == "the instance's role"
    assert isinstance(part(here | {"AWS_EC2_METADATA_DISABLED": "true"}), str)
    assert "AWS_REGION" in str(part({"HOME": str(tmp_path)}))


REFUSED: dict[str, tuple[dict[str, str], str, str, Answer | None, str]] = {
    "a role that does not trust": (
        WEB | {"AWS_ROLE_ARN": "arn:aws:iam::1:role/x"}, "", "/", None, "AccessDenied: Not authorized); let the role"),
    "a page": (WEB, "", "/", Answer(b"<html>", 200), "gave no whole pair of keys"),
    "entities": (WEB, "", "/", Answer(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 200), "no whole pair of keys"),
    "a file that is gone": (WEB | {"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/no"}, "", "/", None, "cannot be read"),
    "an agent's refusal": (
        AGENT | {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/robot"}, "", "/", None, "403, AccessDenied: who?"),
    "an agent's keys that have run out": (
        AGENT, "", "/agent",
        Answer(b'{"AccessKeyId": "A", "SecretAccessKey": "b", "Token": "c", "Expiration": "2020-01-01T00:00:00Z"}'),
        "have run out"),
    "an agent's end that is no time": (
        AGENT, "", "/agent", Answer(b'{"AccessKeyId": "A", "SecretAccessKey": "b", "Expiration": "soon"}'), "no time"),
    "an agent's keys of another kind": (AGENT, "", "/agent", Answer(b'{"AccessKeyId": 5}'), "AccessKeyId"),
    "an agent that says too much": (AGENT, "", "/agent", Answer(b" " * 70_000), "65536 bytes"),
    "an agent that sends elsewhere": (AGENT, "", "/agent", Answer(b"", 302, headers="location: http://x/\r\n"), "302"),
    "no instance's role": (
        {}, "", "/latest/meta-data/iam/security-credentials/", Answer(b"", 404), "this instance has no role"),
    "a role's name that leads elsewhere": (
        {}, "", "/latest/meta-data/iam/security-credentials/", Answer(b"../../x"), "this instance has no role"),
    "a role that nobody may take": (
        {}, "", "/latest/meta-data/iam/security-credentials/models",
        Answer(b'{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}'),
        "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role"),
    "metadata behind too many hops": ({}, "", "/latest/api/token", Answer(b"", 403), "a hop too far"),
    "a program that fails": (
        {}, "[default]\ncredential_process = sh -c 'echo s3cret; echo log in first >&2; exit 3'\n", "/", None,
        "failed (3, log in first)"),
    "a program that is not there": ({}, "[default]\ncredential_process = /nowhere\n", "/", None, "FileNotFoundError"),
    "a program of another version": (
        {}, "[default]\ncredential_process = echo '{\"Version\": 2}'\n", "/", None, "Version 1"),
    "a program that says nothing": ({}, "[default]\ncredential_process = true\n", "/", None, "no keys"),
    "a log-in that has run out": ({}, f"[default]\n{LEGACY.replace('x.aws', 'old.aws')}", "/", None,
        "aws sso login --profile default"),
    "a log-in that the portal refuses": (
        {}, f"[default]\n{LEGACY}", "/federation/credentials", Answer(b'{"message": "gone"}', 401), "aws sso login"),
    "a role that the portal does not know": (
        {}, f"[default]\n{LEGACY}", "/federation/credentials", Answer(b"{}", 403), "sso_role_name"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_keys_that_cannot_be_had_are_an_error_that_names_the_fix_and_no_secret(case: str, tmp_path: Path):
    variables, credentials, path, answer, words = REFUSED[case]
    aws = Aws()
    if answer is not None:
        aws.instead[path] = answer
    async with Cloud(aws) as cloud:
        environment = laid(tmp_path, cloud.url, variables, credentials)
        log_in(tmp_path, "https://old.awsapps.com/start", -1)
        with pytest.raises(UpstreamError, match=re.escape(words)) as told:
            await keys(environment)
    assert not any(secret in str(told.value) for secret in (SECRET, ROBOT, PASS, "s3cret", "logged-in"))


async def test_nobody_at_the_metadata_address_is_told_with_all_that_was_looked_for(tmp_path: Path):
    environment = laid(tmp_path, "http://127.0.0.1:9", {})
    with pytest.raises(UpstreamError, match=r"set AWS_BEARER_TOKEN_BEDROCK.*does not answer"):
        await keys(environment)


def bedrock(aws: Aws, seen: list[str]) -> Callable[[Came], Answer]:
    """AWS with a Bedrock that takes the newest keys only, and says when those that it is shown have run out."""

    def answer(came: Came) -> Answer:
        if not came.path.startswith("/model/"):
            return aws(came)
        whose = came.headers["authorization"].partition("Credential=")[2].partition("/")[0]
        seen.append(whose)
        if whose != f"ASIAWEB{aws.given}":
            told = b'{"message": "The security token included in the request is expired"}'
            return Answer(told, 403, headers="x-amzn-errortype: ExpiredTokenException:http://x/\r\n")
        request = Request(model="m", messages=())
        return Answer(CODECS["bedrock_converse"].encode_response(PONG, request).body)

    return answer


async def renewed(tokens: Tokens, aws: Aws, times: int) -> None:
    """Wait until AWS has given keys so many times, and they are in use."""
    chore = asyncio.create_task(tokens.keep_fresh())
    async with asyncio.timeout(30):
        while aws.given < times or any(one.due() for one in tokens._tokens.values()):  # noqa: ASYNC110  # nobody tells it
            await asyncio.sleep(0.01)
        await asyncio.gather(*(one._asking for one in tokens._tokens.values() if one._asking is not None))
    chore.cancel()


async def test_keys_of_a_role_are_renewed_ahead_of_their_end_and_calls_do_not_wait(tmp_path: Path):
    aws, seen = Aws(seconds=3600), list[str]()
    async with Cloud(bedrock(aws, seen)) as cloud:
        environment = laid(tmp_path, cloud.url, WEB)
        toml = f'[providers.amazon-bedrock]\nbase_url = "{cloud.url}"\nmodels = ["m"]\n'
        clock = Clock()
        async with serving(toml, environment, clock) as (kernel, tokens):
            assert "pong" in await said(await ask(kernel, "amazon-bedrock/m"))
            assert "pong" in await said(await ask(kernel, "amazon-bedrock/m"))
            assert seen == ["ASIAWEB1", "ASIAWEB1"]
            clock.now = 3000.0
            await renewed(tokens, aws, 2)
            assert "pong" in await said(await ask(kernel, "amazon-bedrock/m"))
    assert seen[-1] == "ASIAWEB2"


async def test_while_keys_cannot_be_renewed_the_old_ones_serve_and_those_that_aws_refuses_are_replaced(tmp_path: Path):
    aws, seen, clock = Aws(), list[str](), Clock()
    async with Cloud(bedrock(aws, seen)) as cloud:
        toml = f'[providers.amazon-bedrock]\nbase_url = "{cloud.url}"\nmodels = ["m"]\n'
        async with serving(toml, laid(tmp_path, cloud.url, WEB), clock) as (kernel, tokens):
            assert "pong" in await said(await ask(kernel, "amazon-bedrock/m"))
            aws.instead["/"] = Answer(b"", 503)
            clock.now = 3400.0
            assert "pong" in await said(await ask(kernel, "amazon-bedrock/m"))
            del aws.instead["/"]
            aws.given += 1  # somebody revokes them
            with pytest.raises(UpstreamError, match="expired"):
                await said(await ask(kernel, "amazon-bedrock/m"))
            await renewed(tokens, aws, 3)
            assert "pong" in await said(await ask(kernel, "amazon-bedrock/m"))
    assert seen == ["ASIAWEB1", "ASIAWEB1", "ASIAWEB1", "ASIAWEB3"]


async def test_an_instances_keys_at_their_end_go_on_being_used_for_some_minutes(tmp_path: Path):
    transport = OneTransport()
    async with Cloud(Aws(seconds=-5)) as cloud:
        found = part(laid(tmp_path, cloud.url, {}))
        assert isinstance(found, ProviderPart)
        identity = found.credential.identity
        assert identity is not None
        assert not isinstance(identity, AwsKeys)
        obtained = await identity.obtain(transport, time.time())
        assert 500 < obtained.seconds < 700
        call = Call(Endpoint("https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse"), b"{}")
        told = dict(obtained.shown.headers(call, time.time()))
    await transport.close()
    assert told["x-amz-security-token"] == "token/INSTANCE=="


def test_two_snapshots_of_one_configuration_share_their_keys(tmp_path: Path):
    environment = laid(tmp_path, "http://127.0.0.1:9", AGENT)
    first, second = part(environment), part(environment)
    assert isinstance(first, ProviderPart)
    assert isinstance(second, ProviderPart)
    tokens = Tokens(OneTransport())
    one, other = first.credential.identity, second.credential.identity
    assert one is not None
    assert not isinstance(one, AwsKeys)
    assert other is not None
    assert not isinstance(other, AwsKeys)
    assert tokens.of(one) is tokens.of(other)
