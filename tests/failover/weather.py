"""Providers in memory whose health changes over time, by a schedule that is drawn from a seed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from meshwright.net.transport import Answer, Call
from meshwright.types.errors import ConnectFailed, StreamCut, UpstreamTimeout

WORDS = [f"w{number}" for number in range(12)]
TEXT = " ".join(WORDS)
FAULTS = (
    "well", "well", "well", "slow", "refuse", "hang", "late_first", "cut", "stall", "status_429", "status_429_wait",
    "status_500", "status_503", "status_401", "quota", "status_400", "garbage", "error_event", "no_end", "flaky",
)  # fmt: skip
_ID = re.compile(rb"question (\d+)")


class Made(NamedTuple):
    """One call that reached a provider, with the time that its deadlines leave it."""

    provider: str
    question: int
    at: float
    total: float
    stream: bool


class Weather:
    """A transport to providers named by the host of their address."""

    def __init__(self, seed: int, providers: tuple[str, ...], seconds: float) -> None:
        self._random = Random(seed)
        self.calls: list[Made] = []
        self.open = 0
        self.faults: dict[str, list[tuple[float, str]]] = {}
        for provider in providers:
            at, phases = 0.0, []
            while at < seconds:
                at += self._random.expovariate(1 / 12.0)
                phases.append((1000.0 + at, self._random.choice(FAULTS)))
            self.faults[provider] = phases

    async def close(self) -> None:
        """Nothing is open."""

    async def send(self, call: Call) -> Answer:
        """As the provider feels at this time."""
        loop = asyncio.get_running_loop()
        provider = call.endpoint.url.split("/")[2].partition(":")[0]
        found = _ID.findall(call.body)
        stream = b'"stream":true' in call.body.replace(b" ", b"")
        self.calls.append(Made(provider, int(found[0]), loop.time(), call.deadlines.total, stream))
        fault = next((name for until, name in self.faults[provider] if loop.time() < until), "well")
        if fault == "flaky":
            fault = self._random.choice(("well", "status_500", "cut", "hang"))
        latency = self._random.expovariate(1 / (2.0 if fault == "slow" else 0.2))
        if fault == "refuse":
            await asyncio.sleep(0.001)
            raise ConnectFailed(f"{provider} refuses connections.")
        first = min(call.deadlines.first_byte, call.deadlines.total)
        if fault == "hang" or latency > first:
            await asyncio.sleep(first)
            raise UpstreamTimeout(f"{provider} said nothing for {first:g} s.", "first_byte")
        await asyncio.sleep(latency)
        if fault.startswith("status") or fault == "quota":
            return Spoken(self, _error(fault), 429 if fault == "quota" else int(fault[7:10]), call, "", fault)
        return Spoken(self, _pieces(call.body, stream), 200, call, "stream" if stream else "", fault)

    def gap(self) -> float:
        """Seconds between two words."""
        return self._random.expovariate(1 / 0.05)


class Spoken:
    """An answer on its way, one piece at a time."""

    def __init__(self, weather: Weather, pieces: list[bytes], status: int, call: Call, kind: str, fault: str) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {
            "content-type": "text/event-stream" if kind else "application/json",
            **({"retry-after": "2"} if fault == "status_429_wait" else {}),
        }
        self._weather = weather
        self._pieces = pieces
        self._call = call
        self._fault = fault if kind else ""
        self._whole = not kind
        self._until = asyncio.get_running_loop().time() + call.deadlines.total
        self._given = 0
        self._over = False
        weather.open += 1
        if self._whole and fault in ("cut", "garbage"):
            self._pieces = [b"".join(pieces)[:-20]] if fault == "garbage" else []

    async def read(self, limit: int) -> bytes:
        """All of it."""
        found = b""
        while piece := await self.next():
            found += piece
        self.abort()
        if not found:
            raise StreamCut("The body was cut.")
        return found

    async def next(self) -> bytes:
        """The next piece, after a while."""
        wait = self._weather.gap()
        if self._fault == "late_first" and self._given == 1:
            wait = 40.0
        if self._fault == "stall" and self._given == 5:
            wait = 1e6
        silence = min(self._call.deadlines.between_bytes, self._until - asyncio.get_running_loop().time())
        if wait > silence:
            await asyncio.sleep(max(0.0, silence))
            raise UpstreamTimeout(f"No byte for {silence:g} s.", "between_bytes")
        await asyncio.sleep(wait)
        self._given += 1
        if self._fault == "cut" and self._given == 6:
            raise StreamCut("The connection ended.")
        if self._fault == "garbage" and self._given == 6:
            return b'data: {"choices": [{"del\n\n'
        if self._fault == "error_event" and self._given == 6:
            self._pieces = []
            return b'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n'
        if self._fault == "no_end" and len(self._pieces) == 1:
            self._pieces = []
        return self._pieces.pop(0) if self._pieces else b""

    def abort(self) -> None:
        """Not needed any more."""
        if not self._over:
            self._over = True
            self._weather.open -= 1

    def release(self) -> None:
        """Not needed any more."""
        self.abort()


def _error(fault: str) -> list[bytes]:
    code = {"quota": "insufficient_quota", "status_400": "invalid_value"}.get(fault, "server_error")
    return [json.dumps({"error": {"message": fault, "type": "error", "code": code}}).encode()]


def _pieces(body: bytes, stream: bool) -> list[bytes]:
    """The answer, or the rest of it after the words that the request ends with."""
    messages = json.loads(body)["messages"]
    begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
    rest = TEXT[len(begun) :].split() if TEXT.startswith(begun) else WORDS
    first = " " if begun else ""
    usage = {"prompt_tokens": 10, "completion_tokens": len(rest), "total_tokens": 10 + len(rest)}
    head = {"id": "c", "created": 1, "model": "m"}
    if not stream:
        choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
        return [json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()]
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": (first if not at else " ") + word} for at, word in enumerate(rest)]
    chunks: list[dict[str, object]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**head, "choices": [], "usage": usage})
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]
