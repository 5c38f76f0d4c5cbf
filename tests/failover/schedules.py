"""A gateway in memory through a schedule of faults, and what must hold afterwards whatever happened."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import NamedTuple

from meshwright.kernel.arrival import Arrival, Failure, Reply, Streaming, Whole
from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.read import read_config
from meshwright.kernel.decide import again
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.plans.rescue import AGAIN
from meshwright.kernel.published import Published
from meshwright.resilience.budget import Budget
from meshwright.types.decision import Trace
from meshwright.types.errors import MeshError
from meshwright.types.principal import Principal
from meshwright.wire import CODECS
from meshwright.wire.sse import UNSOUND
from tests.failover.clocked import run
from tests.failover.weather import TEXT, Weather
from tests.kernel.house import Memory

CHAT = CODECS["openai_chat"]
SECONDS = 120.0
REQUESTS = 40
ALLOWED, FORBIDDEN = ("a", "b", "c"), "forbidden"
PROVIDER = """
[providers.{name}]
base_url = "http://{name}:1/v1"
dialect = "openai_chat"
auth = "none"
models = ["m"]
privacy = "{privacy}"
quirks = [{quirks}]
between_bytes_seconds = 6
first_byte_seconds = 20
"""
PRICE = '[[models."{name}/m".price]]\ninput = 1\noutput = 2\n'


class Came(NamedTuple):
    """What one caller got. `left`: he went away before the end."""

    question: int
    reply: Reply
    body: bytes
    left: bool
    until: float


class Course(NamedTuple):
    """All that happened."""

    kernel: Kernel
    weather: Weather
    came: list[Came]
    traces: dict[int, list[Trace]]
    most_extra: list[tuple[int, int]]


class Watched(Budget):
    """A budget that remembers what was taken, and what the bound was then."""

    def __init__(self) -> None:
        super().__init__()
        self.most_extra: list[tuple[int, int]] = []

    def take(self) -> bool:
        """The same."""
        taken = super().take()
        if taken:
            self.most_extra.append((self.extra, self.most))
        return taken


def toml(random: Random) -> str:
    """A configuration: the same for the same chances."""
    lines = ["[builtin]\nenabled = false\n[discovery]\nkeys = false\nengines = false\n[failure]"]
    lines.append(f"retries = {random.randint(0, 2)}\nfirst_token_seconds = {random.choice((3, 8))}")
    lines.append(f'on_break = "{random.choice(("error", "continue", "continue", "restart"))}"')
    lines.append(f"hedge = {str(random.random() < 0.5).lower()}\nrequest_seconds = {random.choice((10, 30, 60))}")
    lines.append(
        f"queue_seconds = 4\nqueue = {random.choice((2, 20))}\nadaptive = {str(random.random() < 0.5).lower()}"
    )
    for name in (*ALLOWED, FORBIDDEN):
        privacy = "may_train" if name == FORBIDDEN else "no_training"
        quirks = '"prefill"' if name == "b" else ""
        lines.append(PROVIDER.format(name=name, privacy=privacy, quirks=quirks))
        if name == "a" and random.random() < 0.3:
            lines.append("concurrency = 2")
        if name == "c" and random.random() < 0.5:
            lines.append('on_leave = "finish"')
    lines += [PRICE.format(name=name) for name in (*ALLOWED, FORBIDDEN)]
    pool = '["a/m", "b/m", "forbidden/m", "c/m"]'
    balance = str(random.random() < 0.3).lower()
    lines.append(
        f'[routes.it]\nstrategy = "fixed"\npool = {pool}\nprivacy = ["no_training"]\nattempts = 4\nbalance = {balance}'
    )
    return "\n".join(lines)


def course(seed: int) -> Course:
    """One schedule, from its seed."""
    return run(_course(seed))


async def _course(seed: int) -> Course:
    random = Random(seed)
    weather = Weather(seed, (*ALLOWED, FORBIDDEN), SECONDS)
    published = Published(version=1, config=read_config(toml(random)), open=True)
    journal, loop = Memory(), asyncio.get_running_loop()
    kernel = Kernel(build(published, {}, weather, None), journal, clock=loop.time)
    kernel.signals.draw = random.random
    kernel.signals.adopt(kernel.snapshot.health)
    budget = kernel.signals.turns.budget = Watched()
    came = await asyncio.gather(*(_caller(kernel, Random(f"{seed}/{number}"), number) for number in range(REQUESTS)))
    await kernel.aside.close(1000)
    traces: dict[int, list[Trace]] = {}
    for trace in journal.ended:
        traces.setdefault(int(trace.principal.removeprefix("caller-")), []).append(trace)
    return Course(kernel, weather, list(came), traces, budget.most_extra)


async def _caller(kernel: Kernel, random: Random, number: int) -> Came:
    await asyncio.sleep(random.uniform(0, SECONDS))
    stream = random.random() < 0.7
    body = {"model": "route/it", "messages": [{"role": "user", "content": f"question {number}"}], "stream": stream}
    arrival = Arrival(
        request=CHAT.decode_request(json.dumps(body).encode()),
        dialect=CHAT,
        principal=Principal(id=f"caller-{number}"),
        path="/",
        seconds=random.choice((None, 5.0)),
    )
    loop = asyncio.get_running_loop()
    until = loop.time() + (arrival.seconds or 1e9)
    patience = random.choice((None, None, None, random.uniform(0, 8)))
    received = bytearray()
    task = asyncio.create_task(_received(kernel, arrival, received))
    await asyncio.wait([task], timeout=patience)
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
        return Came(number, Failure(MeshError("he left"), ""), bytes(received), True, until)
    return Came(number, task.result(), bytes(received), False, until)


async def _received(kernel: Kernel, arrival: Arrival, received: bytearray) -> Reply:
    reply = await handle(kernel, arrival)
    if isinstance(reply, Streaming):
        try:
            while piece := await reply.flow.next():
                received += piece
        finally:
            reply.flow.abort()
    elif isinstance(reply, Whole):
        received += reply.body
    return reply


def said(body: bytes) -> str:
    """The words of a stream."""
    words = ""
    for line in body.split(b"\n"):
        if line.startswith(b"data: {") and line.endswith(b"}"):
            found = json.loads(line[6:])
            words += "".join(choice["delta"].get("content") or "" for choice in found.get("choices") or ())
    return words


def check(done: Course) -> None:
    """Everything that must hold. Raises AssertionError."""
    signals = done.kernel.signals
    assert (signals.turns.budget.active, signals.turns.budget.extra) == (0, 0), "requests are still counted"
    for name in ALLOWED:
        assert signals.standing(f"{name}/m").concurrency.running == 0, f"a call to {name} never ended"
        assert not signals.doors.waiting(f"{name}/m")
    assert done.weather.open == 0, "an answer was neither read to its end nor closed"
    assert all(extra <= most for extra, most in done.most_extra), "more second attempts than the budget allows"
    assert all(call.provider != FORBIDDEN for call in done.weather.calls), "an ineligible model was contacted"
    for came in done.came:
        (trace,) = done.traces[came.question]  # settled, and once
        calls = [call for call in done.weather.calls if call.question == came.question]
        assert len(trace.attempts) == len(calls), "an attempt was made that is not on the trace"
        for call in calls:
            assert call.at <= came.until, "an attempt began after the request's own time"
            assert call.total <= came.until - call.at + 1e-6, "an attempt may take longer than the request"
        costs = [attempt.cost for attempt in trace.attempts if attempt.cost is not None]
        if trace.cost is not None:
            assert trace.cost == sum(costs), "settled is not the sum of the attempts"
            assert not any(attempt.unpriced for attempt in trace.attempts)
        if trace.decision is not None:
            assert again(done.kernel.snapshot, trace.decision).plan == trace.decision.plan, "a replay goes elsewhere"
        _check_told(came, trace)


def _check_told(came: Came, trace: Trace) -> None:
    """The caller was told the truth."""
    if came.left or isinstance(came.reply, Failure):
        assert came.left or trace.outcome != "ok"
        return
    ok = [attempt for attempt in trace.attempts if attempt.outcome == "ok"]
    if isinstance(came.reply, Whole):
        assert came.reply.response.text == TEXT
        assert len(ok) == 1
        return
    assert came.body.count(b'"role": "assistant"') + came.body.count(b'"role":"assistant"') == 1, "two streams began"
    if b"data: [DONE]" in came.body:
        words = said(came.body)
        assert words.split(AGAIN)[-1] == TEXT, f"a clean end of what is not the answer: {words!r}"
        assert (AGAIN in words) == any(note.kind == "restarted" for note in trace.notes)
        unsound = [attempt for attempt in trace.attempts if attempt.error == UNSOUND]  # all came, and a bit too much
        assert len(ok) + len(unsound) == 1, "more than one stream was committed"
    else:
        assert b'"error"' in came.body, "a stream that ended without a word"
        assert trace.outcome != "ok"
