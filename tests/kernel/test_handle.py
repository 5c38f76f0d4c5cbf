"""The one path: what is on the trace when things go wrong, and which snapshot a request is bound to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from meshwright.kernel.arrival import Arrival, Failure, Reply, Streaming, Whole
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.tables import BuiltinSettings, Config, ProviderSettings, RouteSettings
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.published import Published
from meshwright.net.transport import Answer, Call
from meshwright.types.decision import Trace
from meshwright.types.errors import Overloaded, StoreError
from meshwright.types.principal import LOCAL, Principal
from meshwright.wire import CODECS

CHAT = CODECS["openai_chat"]
ANSWER = json.dumps(
    {"id": "x", "object": "chat.completion", "created": 1, "model": "m",
     "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
     "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
).encode()  # fmt: skip
CHUNK = b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'  # noqa: E501
PIECES = [CHUNK % (b'{"content":"yes"}', b"null"), CHUNK % (b"{}", b'"stop"') + b"data: [DONE]\n\n"]


class Said:
    """An answer of prepared pieces."""

    def __init__(self, pieces: list[bytes], kind: str) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {"content-type": kind}
        self.pieces = list(pieces)
        self.aborted = False

    async def read(self, limit: int) -> bytes:
        """All of it."""
        whole, self.pieces = b"".join(self.pieces), []
        return whole

    async def next(self) -> bytes:
        """The next piece."""
        return self.pieces.pop(0) if self.pieces else b""

    def abort(self) -> None:
        """Remember it."""
        self.aborted = True

    def release(self) -> None:
        """Nothing to keep."""


class Calls:
    """A transport that answers when it is let, or raises."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure
        self.let = asyncio.Event()
        self.let.set()
        self.called = asyncio.Event()
        self.answers: list[Said] = []

    async def send(self, call: Call) -> Answer:
        """Wait, then answer."""
        self.called.set()
        await self.let.wait()
        if self.failure is not None:
            raise self.failure
        stream = b'"stream":true' in call.body.replace(b" ", b"")
        self.answers.append(Said(PIECES if stream else [ANSWER], "text/event-stream" if stream else "application/json"))
        return self.answers[-1]

    async def close(self) -> None:
        """Nothing is open."""


class Memory:
    """A journal that keeps what it is given, or has no room."""

    postponed = ""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[Trace] = []
        self.full = False

    def hold(self, id: str, model: str, charges: Mapping[str, int]) -> None:
        """Nothing to keep."""

    def begin(self, id: str, at: float, principal: str) -> None:
        """Keep it."""
        self._check()
        self.begun.append(id)

    def record(self, trace: Trace) -> None:
        """Keep it."""
        self._check()
        self.ended.append(trace)

    def _check(self) -> None:
        if self.full:
            raise StoreError("The journal is full.")


def kernel_of(calls: Calls, journal: Memory, version: int = 1, pool: tuple[str, ...] = ("a/m", "b/m")) -> Kernel:
    """A kernel with two providers that `calls` speaks for."""
    row = ProviderSettings(base_url="http://127.0.0.1:1/v1", auth="none", models=("m",), quirks=())
    config = Config(
        builtin=BuiltinSettings(enabled=False),
        providers={"a": row, "b": row},
        routes={"two": RouteSettings(strategy="fixed", pool=pool)},
    )
    return Kernel(build(Published(version=version, config=config, open=True), {}, calls, None), journal)


async def ask(kernel: Kernel, model: str = "route/two", principal: Principal = LOCAL, **more: Any) -> Reply:
    """One chat request."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "?"}], **more}).encode()
    return await handle(
        kernel,
        Arrival(request=CHAT.decode_request(body), dialect=CHAT, principal=principal, path="/v1/chat/completions"),
    )


async def test_a_request_keeps_the_snapshot_that_it_began_with():
    calls, journal = Calls(), Memory()
    kernel = kernel_of(calls, journal)
    calls.let.clear()
    task = asyncio.ensure_future(ask(kernel))
    await calls.called.wait()
    kernel.snapshot = kernel_of(Calls(), journal, version=2, pool=("b/m",)).snapshot
    calls.let.set()
    reply = await task
    assert isinstance(reply, Whole)
    assert reply.receipt.model == "a/m"
    assert journal.ended[0].decision is not None
    assert journal.ended[0].decision.snapshot == 1
    reply = await ask(kernel)
    assert isinstance(reply, Whole)
    assert reply.receipt.model == "b/m"


async def test_a_failure_of_our_own_is_on_the_trace_as_what_it_is():
    journal = Memory()
    with pytest.raises(ZeroDivisionError):
        await ask(kernel_of(Calls(ZeroDivisionError("by us")), journal))
    (trace,) = journal.ended
    assert (trace.status, trace.outcome) == (500, "internal_error")
    assert "ZeroDivisionError: by us" in trace.error
    assert [attempt.outcome for attempt in trace.attempts] == ["internal_error"]
    assert trace.cost is None


async def test_a_client_that_left_is_on_the_trace_as_what_it_is():
    calls, journal = Calls(), Memory()
    kernel = kernel_of(calls, journal)
    calls.let.clear()
    task = asyncio.ensure_future(ask(kernel))
    await calls.called.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (journal.ended[0].status, journal.ended[0].outcome) == (499, "cancelled")
    assert "client left" in journal.ended[0].error


async def test_nothing_is_asked_when_it_cannot_be_journaled():
    calls, journal = Calls(), Memory()
    journal.full = True
    with pytest.raises(StoreError):
        await ask(kernel_of(calls, journal))
    assert not calls.called.is_set()


async def test_a_stream_that_cannot_be_journaled_ends_with_an_error():
    calls, journal = Calls(), Memory()
    reply = await ask(kernel_of(calls, journal), stream=True)
    assert isinstance(reply, Streaming)
    assert b"yes" in await reply.flow.next()
    journal.full = True
    with pytest.raises(StoreError) as caught:
        await reply.flow.next()
    last = reply.flow.cut(caught.value)
    assert b"store_error" in last
    assert b"[DONE]" not in last
    assert calls.answers[0].aborted


async def test_a_stream_that_we_break_off_is_settled_once_and_says_so():
    calls, journal = Calls(), Memory()
    reply = await ask(kernel_of(calls, journal), stream=True)
    assert isinstance(reply, Streaming)
    await reply.flow.next()
    assert b"stopping" in reply.flow.cut(Overloaded("It is stopping."))
    reply.flow.abort()
    assert [trace.outcome for trace in journal.ended] == ["cancelled"]
    assert calls.answers[0].aborted


async def test_a_stream_that_is_over_cannot_be_broken_off():
    journal = Memory()
    reply = await ask(kernel_of(Calls(), journal), stream=True)
    assert isinstance(reply, Streaming)
    while await reply.flow.next():
        pass
    assert reply.flow.cut(Overloaded("It is stopping.")) == b""
    assert [trace.outcome for trace in journal.ended] == ["ok"]


async def test_a_key_without_the_scope_is_refused_and_journaled():
    calls, journal = Calls(), Memory()
    reply = await ask(kernel_of(calls, journal), principal=Principal(id="x", name="x", scopes=("admin",)))
    assert isinstance(reply, Failure)
    assert reply.error.status == 403
    assert [trace.outcome for trace in journal.ended] == ["permission_denied"]
    assert not calls.called.is_set()


@pytest.mark.parametrize("name", ["a/" + "m" * 1_000_000, "n" * 1_000_000, "a/\x00", "a/m\r\nx: y", "a/", "/", ""])
async def test_names_that_no_model_has_are_unknown_and_not_repeated_at_length(name: str):
    journal = Memory()
    kernel = kernel_of(Calls(), journal)
    request = CHAT.decode_request(b'{"model":"x","messages":[{"role":"user","content":"?"}]}')
    reply = await handle(
        kernel,
        Arrival(request=request, dialect=CHAT, principal=LOCAL, path="/v1/chat/completions", route=name or "\x00"),
    )
    assert isinstance(reply, Failure)
    assert reply.error.status == 404
    assert len(str(reply.error)) < 700
