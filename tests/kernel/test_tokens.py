"""A token is kept fresh beside the requests, and what is no token is refused."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.read import read_config
from meshwright.kernel.published import Published
from meshwright.net.choose import OneTransport
from meshwright.net.grants import Grant
from meshwright.net.tokens import Token, Tokens
from meshwright.net.transport import Call, Endpoint
from meshwright.types.errors import UpstreamError
from tests.kernel.asking import Clock, ask, said, serving
from tests.kernel.cloud import Answer, Cloud
from tests.kernel.token_door import ACCOUNT, CHAT, ENTRA, GEMINI, Door, table


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
