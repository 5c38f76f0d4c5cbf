"""A kernel before pretend providers, one for each model, in this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from meshwright.kernel.arrival import Arrival, Reply, Streaming, Whole
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.tables import (
    BuiltinSettings,
    Config,
    FailureSettings,
    GuardSettings,
    ModelSettings,
    PriceSettings,
    ProviderSettings,
    RouteSettings,
    TokenizerSettings,
)
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.published import Published
from meshwright.net.choose import OneTransport
from meshwright.sim import Rule, Say, Sim, Upstream
from meshwright.types.decision import Trace
from meshwright.types.principal import LOCAL
from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect

GOOD = "She has 16 - 3 = 13 eggs left and sells them for 13 * 2 = $26.\n#### 26"
BAD = "She has 16 - 3 = 14 eggs, I think it depends"
QUESTION = "She has 16 eggs and eats 3. She sells the rest for $2 each. How much does she make?"
SEES: Mapping[str, dict[str, bool]] = {
    "small": {},
    "middle": {"vision": False},
    "large": {"vision": True},
    "judge": {"vision": True},
}
Says = Mapping[str, Say | Sequence[Rule]]
"""What each model says, or by which rules."""
MODELS = ("small", "middle", "large", "judge")


class Memory:
    """A journal that keeps what it is given."""

    postponed = ""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[Trace] = []

    def hold(self, id: str, model: str, charges: Mapping[str, int]) -> None:
        """Nothing to keep."""

    def begin(self, id: str, at: float, principal: str) -> None:
        """Keep it."""
        self.begun.append(id)

    def record(self, trace: Trace) -> None:
        """Keep it."""
        self.ended.append(trace)


class House:
    """A kernel before one pretend provider per model, and what became of its requests."""

    def __init__(self, kernel: Kernel, journal: Memory, sim: Sim) -> None:
        self.kernel, self.journal, self.sim = kernel, journal, sim

    async def ask(self, question: str = QUESTION, dialect: str = "openai_chat", **more: Any) -> Reply:
        """One request over "route/it"."""
        codec = CODECS[dialect]
        body = {"model": "route/it", "messages": [{"role": "user", "content": question}], **more}
        if dialect == "anthropic_messages":
            body["max_tokens"] = 500
        return await self.handle(codec.decode_request(json.dumps(body).encode()), codec)

    async def handle(self, request: Request, codec: Dialect) -> Reply:
        """One request as it is."""
        return await handle(self.kernel, Arrival(request=request, dialect=codec, principal=LOCAL, path="/"))

    @property
    def trace(self) -> Trace:
        """The trace of the last request."""
        return self.journal.ended[-1]

    def asked(self) -> dict[str, int]:
        """How often each model was asked."""
        return {name: len(seen) for name in MODELS if (seen := self.sim.seen(name))}

    def heard(self, model: str) -> str:
        """All that a model was sent."""
        return "\n".join(seen.body.decode() for seen in self.sim.seen(model))


@asynccontextmanager
async def house(
    says: Says,
    route: RouteSettings,
    dialect: str = "openai_chat",
    patience: float = 30.0,
    guards: GuardSettings | None = None,
    cached: Decimal | None = None,
    tokenizers: TokenizerSettings | None = None,
    **routes: RouteSettings,
) -> AsyncIterator[House]:
    """`patience`: seconds until a silent provider is given up; `cached`: a cached token's share of a price."""
    scripts = {name: (Rule(say=say),) if isinstance(say, Say) else tuple(say) for name, say in says.items()}
    upstreams = [Upstream(name=name, dialect=dialect, script=scripts.get(name, ())) for name in MODELS]
    transport, journal = OneTransport(), Memory()
    async with Sim(upstreams) as sim:
        config = Config(
            builtin=BuiltinSettings(enabled=False),
            failure=FailureSettings(retries=0),
            providers={
                name: ProviderSettings(
                    base_url=sim.url(name), dialect=dialect, auth="none", models=("m",), first_byte_seconds=patience
                )
                for name in MODELS
            },
            models={
                f"{name}/m": ModelSettings(
                    price=(
                        PriceSettings(
                            input=Decimal(at + 1),
                            output=Decimal(at + 1),
                            cache_read=None if cached is None else cached * (at + 1),
                        ),
                    ),
                    skills={"*": 0.5 + at / 10},
                    abilities=SEES[name],
                )
                for at, name in enumerate(MODELS)
            },
            routes={"it": route, **routes},
            guards=guards or GuardSettings(),
            tokenizers=tokenizers or TokenizerSettings(),
        )
        kernel = Kernel(build(Published(version=1, config=config, open=True), {}, transport, None), journal)
        try:
            yield House(kernel, journal, sim)
        finally:
            await kernel.aside.close(5)
            await transport.close()


def text(reply: Reply) -> str:
    assert isinstance(reply, Whole), reply
    return reply.response.text


async def streamed(reply: Reply) -> bytes:
    if isinstance(reply, Whole):
        return reply.body
    assert isinstance(reply, Streaming), reply
    data = b""
    while piece := await reply.flow.next():
        data += piece
    return data
