"""A kernel with one configuration, and requests to it, without a server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from meshwright.kernel.arrival import Arrival, Failure, Reply, Streaming, Whole
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.read import read_config
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.published import Published
from meshwright.net.choose import OneTransport
from meshwright.net.tokens import Tokens
from meshwright.types.decision import Trace
from meshwright.types.principal import LOCAL
from meshwright.wire import CODECS


class Kept:
    """A journal in memory."""

    postponed = ""

    def __init__(self) -> None:
        self.traces: list[Trace] = []

    def hold(self, id: str, model: str, charges: Mapping[str, int]) -> None:
        """Nothing to keep."""

    def begin(self, id: str, at: float, principal: str) -> None:
        """Nothing to keep."""

    def record(self, trace: Trace) -> None:
        """Keep it."""
        self.traces.append(trace)


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def serving(
    toml: str, environment: Mapping[str, str], clock: Callable[[], float] = monotonic
) -> AsyncIterator[tuple[Kernel, Tokens]]:
    """A kernel that serves what the configuration says, and nothing else; `clock` is that of its tokens."""
    transport = OneTransport()
    tokens = Tokens(transport, clock)
    config = read_config("[builtin]\nenabled = false\n[discovery]\nkeys = false\n" + toml)
    try:
        published = Published(version=1, config=config, open=True)
        yield Kernel(build(published, environment, transport, None, tokens), Kept()), tokens
    finally:
        tokens.close()
        await transport.close()


async def ask(kernel: Kernel, model: str, dialect: str = "openai_chat", **more: Any) -> Reply:
    """One question in a dialect whose body has `messages`."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, **more}
    codec = CODECS[dialect]
    request = codec.decode_request(json.dumps(body).encode())
    return await handle(kernel, Arrival(request=request, dialect=codec, principal=LOCAL, path="/"))


async def said(reply: Reply) -> str:
    """All bytes of an answer. Raises what went wrong."""
    if isinstance(reply, Failure):
        raise reply.error
    if isinstance(reply, Whole):
        return reply.body.decode()
    assert isinstance(reply, Streaming)
    told = b""
    while piece := await reply.flow.next():
        told += piece
    return told.decode()
