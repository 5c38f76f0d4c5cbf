"""Guards on calls that are no chats: what is passed on as it is, and vectors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from meshwright.kernel.arrival import Failure
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.tables import (
    BuiltinSettings,
    Config,
    GuardSettings,
    ProviderSettings,
    RuleSettings,
)  # fmt: skip
from meshwright.kernel.forward.call import Passed, forward
from meshwright.kernel.forward.target import Parcel
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.published import Published
from meshwright.net.choose import OneTransport
from meshwright.sim import Sim, Upstream
from meshwright.types.errors import Blocked
from meshwright.types.principal import LOCAL, Principal
from tests.kernel.house import Memory
from tests.server.upstream import Upstream as Answering


async def test_what_is_passed_on_is_gone_over_too():
    transport, journal = OneTransport(), Memory()
    async with Sim([Upstream(name="one")]) as sim:
        config = Config(
            builtin=BuiltinSettings(enabled=False),
            providers={
                "one": ProviderSettings(base_url=sim.url("one"), dialect="openai_chat", auth="none", models=("m",))
            },
            guards=GuardSettings(on=("pii", "secrets"), rules={"pii": RuleSettings(without=("ip",))}),
        )
        kernel = Kernel(build(Published(version=1, config=config, open=True), {}, transport, None), journal)
        try:
            asked = {"model": "one/m", "input": ["I am bob@example.com", "from 86.121.97.248"], "password": 5}
            await forward(kernel, _parcel(asked))
            (seen,) = sim.seen("one")
            assert json.loads(seen.body) == {**asked, "model": "m", "input": ["I am <EMAIL_1>", "from 86.121.97.248"]}
            assert [one.action for one in journal.ended[-1].guards] == ["mask"]
            reply = await forward(kernel, _parcel({"model": "one/m", "password": "hunter2!x"}))
            assert isinstance(reply, Failure)
            assert isinstance(reply.error, Blocked)
            assert len(sim.seen("one")) == 1
        finally:
            await kernel.aside.close(5)
            await transport.close()


@asynccontextmanager
async def passing(
    guards: GuardSettings, answer: bytes = b"{}", kind: str = "application/json"
) -> AsyncIterator[tuple[Kernel, Answering, Memory]]:
    """A kernel before a provider that gives this answer."""
    transport, journal = OneTransport(), Memory()
    with Answering() as provider:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}\r\n\r\n"
        provider.answer = head.encode() + answer
        settings = ProviderSettings(
            base_url=f"http://127.0.0.1:{provider.port}/v1", dialect="openai_chat", auth="none", models=("m",)
        )
        config = Config(builtin=BuiltinSettings(enabled=False), providers={"one": settings}, guards=guards)
        kernel = Kernel(build(Published(version=1, config=config, open=True), {}, transport, None), journal)
        try:
            yield kernel, provider, journal
        finally:
            await kernel.aside.close(5)
            await transport.close()


def topics(**rule: Any) -> GuardSettings:
    return GuardSettings(on=("topics",), rules={"topics": RuleSettings(phrases=("falcon",), **rule)})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b'{"text": "the falcon flies"}', "application/json"),
        (b"the falcon flies", "text/plain; charset=utf-8"),
        (b"1\n00:00 --> 00:01\nthe falcon flies\n", "text/vtt"),
    ],
)
async def test_answers_that_are_passed_on_are_gone_over(answer: bytes, kind: str):
    async with passing(topics(), answer, kind) as (kernel, provider, journal):
        reply = await forward(kernel, _parcel({"model": "one/m", "input": "x"}, "/audio/transcriptions"))
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, Blocked)
        assert len(provider.got) == 1
        trace = journal.ended[-1]
        assert [(one.action, one.place) for one in trace.guards] == [("block", "answer")]
        assert (trace.outcome, len(trace.attempts)) == ("blocked", 1)
    async with passing(topics(action="mask"), answer, kind) as (kernel, _, _):
        reply = await forward(kernel, _parcel({"model": "one/m", "input": "x"}, "/audio/transcriptions"))
        assert isinstance(reply, Passed)
        assert reply.body == answer.replace(b"falcon", b"[phrase]").replace(b'": "', b'":"')
        assert "content-length" not in dict(reply.headers)


@pytest.mark.parametrize("kind", ["audio/mpeg", "image/png", "text/event-stream", "application/octet-stream"])
async def test_what_no_guard_can_read_passes_or_not_as_it_is_set_and_is_told(kind: str):
    async with passing(topics(), b"data: {}\n\n", kind) as (kernel, _, journal):
        reply = await forward(kernel, _parcel({"model": "one/m", "input": "x"}, "/audio/speech"))
        assert isinstance(reply, Passed)
        if not isinstance(reply.body, bytes):
            while await reply.body.next():
                pass
        (verdict,) = journal.ended[-1].guards
        assert (verdict.action, verdict.place) == ("allow", "answer")
        assert kind in verdict.why
    async with passing(topics(unseen="block"), b"data: {}\n\n", kind) as (kernel, _, journal):
        reply = await forward(kernel, _parcel({"model": "one/m", "input": "x"}, "/audio/speech"))
        assert isinstance(reply, Failure)
        assert "lets nothing pass" in reply.error.message
        assert len(journal.ended) == 1
        assert len(journal.ended[0].attempts) == 1


async def test_sound_and_pictures_in_json_are_not_searched():
    answer = b'{"data": [{"b64_json": "falcon falcon"}]}'
    async with passing(topics(), answer) as (kernel, _, _):
        reply = await forward(kernel, _parcel({"model": "one/m", "prompt": "x"}, "/images/generations"))
        assert isinstance(reply, Passed)
        assert reply.body == answer


FORM = (
    b'--mark\r\ncontent-disposition: form-data; name="model"\r\n\r\none/m\r\n'
    b'--mark\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nI am bob@example.com\r\n'
    b'--mark\r\ncontent-disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'
    b"\x00bob@example.com\r\n--mark--\r\n"
)


async def test_the_fields_of_a_form_are_read_and_its_files_are_not():
    kind = "multipart/form-data; boundary=mark"
    form = Parcel(method="POST", path="/audio/transcriptions", principal=LOCAL, kind=kind, body=FORM)
    async with passing(GuardSettings(on=("pii",))) as (kernel, provider, journal):
        assert isinstance(await forward(kernel, form), Passed)
        sent = provider.got[-1].body
        assert b"I am <EMAIL_1>\r\n--mark" in sent
        assert b"\x00bob@example.com\r\n--mark--\r\n" in sent
        assert [one.action for one in journal.ended[-1].guards] == ["mask", "allow"]
    strict = GuardSettings(on=("pii",), rules={"pii": RuleSettings(unseen="block")})
    async with passing(strict) as (kernel, provider, _):
        reply = await forward(kernel, form)
        assert isinstance(reply, Failure)
        assert "a file in a form" in reply.error.message
        assert provider.got == []


async def test_the_rules_of_a_team_hold_for_what_is_passed_on():
    guards = GuardSettings(teams={"red": ("secrets",)})
    async with passing(guards) as (kernel, provider, _):
        body: dict[str, object] = {"model": "one/m", "password": "hunter2!x"}
        assert isinstance(await forward(kernel, _parcel(body)), Passed)
        red = msgspec.structs.replace(_parcel(body), principal=Principal(id="k", team="red"))
        assert isinstance(await forward(kernel, red), Failure)
        assert len(provider.got) == 1


def _parcel(body: dict[str, object], path: str = "/moderations") -> Parcel:
    data = json.dumps(body).encode()
    return Parcel(method="POST", path=path, principal=LOCAL, kind="application/json", body=data)
