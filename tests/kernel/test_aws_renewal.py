"""Keys of AWS that run out are renewed ahead of their end, and calls do not wait."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from meshwright.kernel.build.providers import ProviderPart
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
from tests.kernel.aws_cloud import Aws, log_in
from tests.kernel.aws_house import AGENT, OWN, SESSION, SSO, WEB, botocores, keys, laid, part
from tests.kernel.cloud import Answer, Came, Cloud

PONG = Response(model="m", choices=(Choice(message=Message("assistant", (Text("pong"),)), finish="stop"),))


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


async def test_a_log_in_at_its_end_is_made_anew_as_awss_own_library_does_and_found_by_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with Cloud(Aws()) as cloud:
        environment = laid(tmp_path, cloud.url, {}, "", f"[default]\n{SSO}{SESSION}")
        asked = []
        for library in (False, True):
            cloud.answer, cloud.came = Aws(), []
            file = log_in(tmp_path, "us", 60, renewable=True)
            if library:
                await asyncio.to_thread(botocores, environment, monkeypatch)
            else:
                assert (await keys(environment))[0] == "ASIASSO1"
            asked.append(
                [(one.path.partition("?")[0], one.headers.get("x-amz-sso_bearer_token")) for one in cloud.came]
            )
            kept = json.loads(file.read_text())
            assert (kept["accessToken"], kept["refreshToken"]) == ("logged-in-again", "r3fresh-2")
            assert kept["clientSecret"] == "s3cret"
        await keys(environment)
        assert [one.path for one in cloud.came].count("/token") == 1
    assert asked[0] == asked[1] == [("/token", None), ("/federation/credentials", "logged-in-again")]


async def test_a_log_in_that_cannot_be_made_anew_serves_to_its_end(tmp_path: Path):
    aws = Aws()
    aws.instead["/token"] = Answer(b'{"error": "invalid_grant"}', 400)
    async with Cloud(aws) as cloud:
        environment = laid(tmp_path, cloud.url, {}, "", f"[default]\n{SSO}{SESSION}")
        log_in(tmp_path, "us", 60, renewable=True)
        assert (await keys(environment))[0] == "ASIASSO1"
        log_in(tmp_path, "us", -1, renewable=True)
        with pytest.raises(UpstreamError, match="aws sso login --profile default"):
            await keys(environment)


async def test_a_log_in_that_cannot_be_written_down_is_used_all_the_same(tmp_path: Path):
    async with Cloud(Aws()) as cloud:
        environment = laid(tmp_path, cloud.url, {}, "", f"[default]\n{SSO}{SESSION}")
        file = log_in(tmp_path, "us", 60, renewable=True)
        # As on a disk that is for reading only: neither writing nor taking away succeeds.
        file.with_name(f".{file.name}.{os.getpid()}").mkdir()
        assert (await keys(environment))[0] == "ASIASSO1"
        assert cloud.came[-1].headers["x-amz-sso_bearer_token"] == "logged-in-again"


async def test_a_log_in_whose_end_is_no_time_is_not_taken(tmp_path: Path):
    aws = Aws()
    aws.instead["/token"] = Answer(b'{"accessToken": "logged-in-again", "expiresIn": 999999999999999}')
    async with Cloud(aws) as cloud:
        environment = laid(tmp_path, cloud.url, {}, "", f"[default]\n{SSO}{SESSION}")
        log_in(tmp_path, "us", 60, renewable=True)
        assert (await keys(environment))[0] == "ASIASSO1"
        assert cloud.came[-1].headers["x-amz-sso_bearer_token"] == "logged-in"


async def test_keys_that_another_tool_replaces_in_the_file_are_used_without_a_restart(tmp_path: Path):
    clock, transport = Clock(), OneTransport()
    found = part(laid(tmp_path, "http://127.0.0.1:9", {}, OWN))
    assert isinstance(found, ProviderPart)
    token = Tokens(transport, clock).of(found.credential.identity)  # type: ignore[arg-type]  # a source
    call = Call(Endpoint("https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse"), b"{}")
    await token.ready()
    assert token.left() is None, "nobody says when keys of a file end"
    (tmp_path / ".aws" / "credentials").write_text(OWN.replace("AKIAFILE", "AKIANEXT"))
    assert "AKIAFILE/" in dict(token.headers(call, time.time()))["authorization"]
    clock.now = 601.0
    assert token.due()
    await token.ask()
    assert "AKIANEXT/" in dict(token.headers(call, time.time()))["authorization"]
    (tmp_path / ".aws" / "credentials").write_text("")
    clock.now = 1300.0
    await token.ask()
    assert "AKIANEXT/" in dict(token.headers(call, time.time()))["authorization"]
    clock.now = 1600.0
    with pytest.raises(UpstreamError, match="gave no whole pair of keys"):
        await token.ready()
    await transport.close()
