"""However an answer is cut into segments on its way, the same answer comes out: both transports."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshwright.net.lean import LeanTransport
from meshwright.net.pooled import AiohttpTransport
from meshwright.net.transport import Transport
from tests.net.scripted import Peer, chunked, plain, served

LIMIT = 1_000_000


@pytest.mark.parametrize(
    "stream",
    [
        plain(b"hello world", "X-A: b"),
        chunked(b"data: 1\n\n", b"", b"data: 22\n\n", trailer=b"X-T: v\r\n").replace(b"0\r\n\r\n", b"", 1),
        b"HTTP/1.1 100 Continue\r\n\r\n" + chunked(b"one", b"two"),
    ],
    ids=["length", "chunks", "interim"],
)
async def test_an_answer_may_be_split_at_any_byte(transport: Transport, stream: bytes) -> None:
    cut = 0

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(stream[:cut], stream[cut:])

    async with served(script) as server:
        bodies = set()
        for cut in range(1, len(stream)):  # noqa: B007  (the script reads it)
            answer = await transport.send(server.call())
            bodies.add((answer.status, await answer.read(LIMIT)))
        assert len(bodies) == 1
        assert server.connections == 1


def _cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})
    return [stream[begin:end] for begin, end in itertools.pairwise(places)]


BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


@given(
    chunks=BODIES,
    framing=st.sampled_from(["length", "chunks", "close"]),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_split_of_any_answer_gives_the_same(
    kind: type[LeanTransport] | type[AiohttpTransport], chunks: list[bytes], framing: str, cuts: list[int]
) -> None:
    body = b"".join(chunks)
    if framing == "length":
        stream = plain(body)
    elif framing == "chunks":
        stream = chunked(*chunks)
    else:
        stream = b"HTTP/1.1 200 OK\r\n\r\n" + body

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*_cut(stream, cuts))
        if framing != "close":
            await peer.request()
            await peer.send(plain(b"next"))

    transport = kind()
    async with served(script) as server:
        answer = await transport.send(server.call())
        assert (answer.status, await answer.read(LIMIT)) == (200, body)
        if framing != "close":
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"next"
            assert server.connections == 1
        await transport.close()
        await asyncio.sleep(0)


@pytest.fixture(params=[LeanTransport, AiohttpTransport])
def kind(request: pytest.FixtureRequest) -> type[LeanTransport] | type[AiohttpTransport]:
    """Which transport: each example makes its own."""
    found: type[LeanTransport] | type[AiohttpTransport] = request.param
    return found
