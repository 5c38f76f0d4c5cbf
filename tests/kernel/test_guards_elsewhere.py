"""Guards on calls that are no chats: what is passed on as it is, and vectors."""

from __future__ import annotations

import json

from meshwright.kernel.arrival import Failure
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.tables import (
    BuiltinSettings,
    Config,
    GuardSettings,
    ProviderSettings,
    RuleSettings,
)  # fmt: skip
from meshwright.kernel.forward.call import forward
from meshwright.kernel.forward.target import Parcel
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.published import Published
from meshwright.net.choose import OneTransport
from meshwright.sim import Sim, Upstream
from meshwright.types.errors import Blocked
from meshwright.types.principal import LOCAL
from tests.kernel.house import Memory


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


def _parcel(body: dict[str, object]) -> Parcel:
    data = json.dumps(body).encode()
    return Parcel(method="POST", path="/moderations", principal=LOCAL, kind="application/json", body=data)
