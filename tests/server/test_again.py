"""Asking again: by a key, or at the same time, one answer is made and all get it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from meshwright.server.again import Making, Reading
from meshwright.server.gate import Gate
from meshwright.server.http import Asked, Flowing
from meshwright.sim import Fault, Rule, Say, Upstream
from meshwright.types.errors import MeshError, StoreError
from tests.gateway import Gateway
from tests.server.pretend import Pretend

CHAT = "/v1/chat/completions"
TWO = ["one", "two"]
Answer = tuple[int, dict[str, str], bytes]


class Asking:
    """A gateway before a slow provider, and how often that one was asked."""

    def __init__(self, gateway: Gateway, pretend: Pretend) -> None:
        self.gateway, self.pretend = gateway, pretend

    def ask(self, key: str = "", model: str = "slow/m", text: str = "hi", **more: Any) -> Answer:
        """One chat call."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.gateway.call(CHAT, body, {"idempotency-key": key} if key else None)

    def asked(self, text: str, name: str = "slow") -> int:
        """How often the provider was asked that."""
        return sum(1 for seen in self.pretend.sim.seen(name) if f'"{text}"'.encode() in seen.body)


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The same for all tests: each asks something of its own."""
    slow = Upstream(name="slow", latency=0.3, script=(Rule(text="count", say=Say(text="a b c d e f")),))
    broken = Upstream(name="broken", faults=(Fault("status_500", calls=(1,)), Fault("cut_mid", calls=(2,))))
    with Pretend([slow, broken]) as pretend:
        toml = "[failure]\nretries = 0\n" + pretend.toml("slow") + pretend.toml("broken")
        toml += '[routes.merge]\nstrategy = "fixed"\npool = ["slow/m"]\ncoalesce = true\n'
        with Gateway(tmp_path_factory.mktemp("again"), toml) as gateway:
            yield Asking(gateway, pretend)


def test_the_same_key_gets_the_same_answer_and_the_provider_is_asked_once(at: Asking):
    first, second = at.ask("k1", text="key one"), at.ask("k1", text="key one")
    assert (first[0], second[0]) == (200, 200)
    assert first[2] == second[2]
    assert "idempotent-replayed" not in first[1]
    assert second[1]["idempotent-replayed"] == "true"
    assert second[1]["x-mesh-decision"] == first[1]["x-mesh-decision"]
    assert at.asked("key one") == 1


def test_the_same_key_with_another_request_is_refused(at: Asking):
    assert at.ask("k2", text="this")[0] == 200
    status, _, body = at.ask("k2", text="that")
    assert status == 422
    assert json.loads(body)["error"]["code"] == "idempotency_key_reused"
    assert at.asked("that") == 0


def test_a_request_that_is_under_way_is_joined(at: Asking):
    with ThreadPoolExecutor(4) as threads:
        came = list(threads.map(lambda _: at.ask("k3", text="join me"), range(4)))
    assert [status for status, _, _ in came] == [200] * 4
    assert len({body for _, _, body in came}) == 1
    assert at.asked("join me") == 1


def test_a_stream_is_given_again_event_by_event(at: Asking):
    first, second = (at.ask("k4", text="count to six", stream=True) for _ in TWO)
    assert first[2] == second[2]
    assert second[2].endswith(b"data: [DONE]\n\n")
    assert at.asked("count to six") == 1


def test_a_failure_is_not_remembered(at: Asking):
    assert at.ask("k5", model="broken/m", text="fails")[0] == 500
    cut = at.ask("k5", model="broken/m", text="fails", stream=True)
    assert b'"error"' in cut[2]
    again = at.ask("k5", model="broken/m", text="fails", stream=True)
    assert again[2].endswith(b"data: [DONE]\n\n")


def test_identical_requests_at_once_are_one_where_the_route_says_so(at: Asking):
    with ThreadPoolExecutor(4) as threads:
        came = list(threads.map(lambda _: at.ask(model="route/merge", text="all the same"), range(4)))
    assert len({body for _, _, body in came}) == 1
    assert at.asked("all the same") == 1
    assert at.ask(model="route/merge", text="all the same")[0] == 200
    assert at.asked("all the same") == 2, "later ones are asked anew"


def test_identical_requests_elsewhere_are_each_asked(at: Asking):
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: at.ask(text="each alone"), TWO))
    assert at.asked("each alone") == 2


def test_a_key_that_is_too_long_is_refused(at: Asking):
    status, _, body = at.ask("k" * 300)
    assert status == 400
    assert "255" in json.loads(body)["error"]["message"]


def test_a_timeout_that_is_no_number_is_refused_and_a_short_one_holds(at: Asking):
    body = {"model": "slow/m", "messages": [{"role": "user", "content": "quick"}]}
    status, _, told = at.gateway.call(CHAT, body, {"x-mesh-timeout": "soon"})
    assert (status, json.loads(told)["error"]["param"]) == (400, "x-mesh-timeout")
    status, _, told = at.gateway.call(CHAT, body, {"x-mesh-timeout": "0.1"})
    assert status == 504
    assert b"900" not in told
    assert b" 0.01 s " in at.gateway.call(CHAT, body, {"x-mesh-timeout": "0.01"})[2]


class Unaccounted:
    """A stream whose end cannot be accounted for."""

    def __init__(self) -> None:
        self.pieces = [b"one "]

    async def next(self) -> bytes:
        """The next piece, then no room in the journal."""
        if not self.pieces:
            raise StoreError("The journal is full.")
        return self.pieces.pop()

    def abort(self) -> None:
        """Nothing is open."""

    def cut(self, error: MeshError) -> bytes:
        """The error in the client's dialect."""
        return error.message.encode()


async def test_who_has_joined_an_answer_that_cannot_be_accounted_for_is_told_so():
    making = Making(keep=True)

    async def answer(_gate: Gate, _asked: Asked) -> Flowing:
        return Flowing(200, [], Unaccounted())

    with pytest.raises(StoreError):
        await making.make(cast(Gate, None), cast(Asked, None), answer)
    reader = Reading(making)
    assert await reader.next() == b"one "
    with pytest.raises(StoreError) as told:
        await reader.next()
    assert reader.cut(told.value) == b"The journal is full."
