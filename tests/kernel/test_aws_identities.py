"""The AWS identity is the one that AWS's own library takes from the same files and variables, and it stays fresh."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from meshwright.kernel.build.providers import ProviderPart
from meshwright.kernel.identity import machine
from meshwright.types.errors import UpstreamError
from tests.kernel.aws_cloud import PASS, REGION, ROBOT, ROLE, SECRET, Aws, log_in
from tests.kernel.aws_house import AGENT, ENV, LEGACY, OWN, SESSION, SSO, WEB, botocores, keys, laid, part
from tests.kernel.cloud import Answer, Cloud

BASE = OWN.replace("default", "base").replace("AKIAFILE", "AKIABASE")
CONFIG_KEYS = "[default]\naws_access_key_id = AKIACONFIG\naws_secret_access_key = x\n"
PROCESS = f'credential_process = "{sys.executable}" "{{home}}/writer.py" --and "a word"\n'
NEAR = f"[profile near]\nrole_arn = {ROLE}\nsource_profile = base\n"
FAR = f"[profile far]\nrole_arn = {ROLE}\nsource_profile = near\n{NEAR}"

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
    "has no secret key": ({}, "[default]\naws_access_key_id = x\n", ""),
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
    "login_session, which is not read here": ({}, "", "[default]\nlogin_session = arn:aws:iam::1:user/me\n"),
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
