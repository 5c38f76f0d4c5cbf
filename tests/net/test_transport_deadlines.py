"""Every phase of a call has its own deadline, in both transports, and the connection is closed when one passes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import msgspec
import pytest

from meshwright.net.transport import Call, Deadlines, Endpoint, Transport
from meshwright.types.errors import UpstreamTimeout
from tests.net.scripted import PATIENT, Peer, Script, answering, plain, served

LIMIT = 10_000_000
SHORT = 0.08
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def patient(**seconds: float) -> Deadlines:
    """Deadlines that are long but for those given."""
    return msgspec.structs.replace(PATIENT, **seconds)


def saying(*pieces: bytes) -> Script:
    """A script that answers with the pieces and then says nothing more."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)
        await peer.gone()

    return script


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """The port of a socket that listens but has no room: a connection to it neither succeeds nor fails."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    waiting = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listening.getsockname())
        waiting.append(filler)
    yield listening.getsockname()[1]
    for filler in (*waiting, listening):
        filler.close()


async def test_no_connection_in_time(transport: Transport, full_backlog: int) -> None:
    call = Call(Endpoint(f"http://127.0.0.1:{full_backlog}/"), deadlines=patient(connect=SHORT))
    with pytest.raises(UpstreamTimeout) as failure:
        await transport.send(call)
    assert failure.value.phase == "connect"


async def test_no_handshake_in_time(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()  # a server that takes the connection and never answers the hello

    async with served(script) as server:
        url = server.url.replace("http:", "https:")
        while not server.connections:  # on a busy machine the time can be over before a connection is there
            with pytest.raises(UpstreamTimeout) as failure:
                await transport.send(Call(Endpoint(url), deadlines=patient(connect=SHORT)))
            assert failure.value.phase == "connect"
        await server.hung_up()


async def test_no_connection_within_the_whole_call(transport: Transport, full_backlog: int) -> None:
    call = Call(Endpoint(f"http://127.0.0.1:{full_backlog}/"), deadlines=patient(total=SHORT))
    with pytest.raises(UpstreamTimeout) as failure:
        await transport.send(call)
    assert failure.value.phase == "total"


async def test_no_first_byte_in_time(transport: Transport) -> None:
    async with served(saying()) as server:
        with pytest.raises(UpstreamTimeout) as failure:
            await transport.send(server.call(deadlines=patient(first_byte=SHORT)))
        assert failure.value.phase == "first_byte"
        await server.hung_up()


async def test_no_first_byte_in_time_on_a_kept_connection(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"ok"))
        await peer.request()
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call())
        await answer.read(LIMIT)
        with pytest.raises(UpstreamTimeout) as failure:
            await transport.send(server.call(deadlines=patient(first_byte=SHORT)))
        assert failure.value.phase == "first_byte"
        await server.hung_up()
        assert server.connections == 1


async def test_silence_between_two_bytes(transport: Transport) -> None:
    async with served(saying(CHUNKED, b"3\r\none\r\n")) as server:
        answer = await transport.send(server.call(deadlines=patient(between_bytes=SHORT)))
        assert await answer.next() == b"one"
        with pytest.raises(UpstreamTimeout) as failure:
            await answer.next()
        assert failure.value.phase == "between_bytes"
        await server.hung_up()
        with pytest.raises(UpstreamTimeout):
            await answer.next()


async def test_reading_a_whole_body_is_under_the_same_deadline(transport: Transport) -> None:
    async with served(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")) as server:
        answer = await transport.send(server.call(deadlines=patient(between_bytes=SHORT)))
        with pytest.raises(UpstreamTimeout) as failure:
            await answer.read(LIMIT)
        assert failure.value.phase == "between_bytes"


async def dripping(peer: Peer) -> None:
    """A script that says a little often, for ever."""
    await peer.request()
    await peer.send(CHUNKED)
    while True:
        await peer.send(b"3\r\none\r\n")
        await asyncio.sleep(0.01)


async def test_bytes_that_drip_keep_a_call_alive(transport: Transport) -> None:
    async with served(dripping) as server:
        answer = await transport.send(server.call(deadlines=patient(between_bytes=0.2, first_byte=0.2)))
        received = b""
        while len(received) < 90:  # 0.3 s and more: longer than either deadline
            received += await answer.next()
        answer.abort()


async def test_bytes_that_drip_do_not_outlive_the_whole_call(transport: Transport) -> None:
    async with served(dripping) as server:
        answer = await transport.send(server.call(deadlines=patient(total=0.15)))
        with pytest.raises(UpstreamTimeout) as failure:
            await answer.read(LIMIT)
        assert failure.value.phase == "total"


async def test_a_deadline_of_one_call_does_not_reach_into_the_next(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if request.body == b"slow":
                await asyncio.sleep(0.2)
            await peer.send(plain(b"ok"))

    async with served(script) as server:
        for body, seconds in ((b"quick", 0.1), (b"slow", 5.0), (b"quick", 0.1), (b"slow", 5.0)):
            deadlines = Deadlines(connect=5.0, first_byte=seconds, between_bytes=seconds, total=2 * seconds)
            answer = await transport.send(server.call(body, deadlines=deadlines))
            assert await answer.read(LIMIT) == b"ok"
        assert server.connections == 1


async def test_a_reader_who_takes_its_time_is_no_silence_of_the_provider(transport: Transport) -> None:
    body = b"x" * 8_000_000  # more than both ends buffer: the provider has to wait for the reader

    async with served(answering(plain(body))) as server:
        answer = await transport.send(server.call(deadlines=patient(between_bytes=0.1)))
        received = len(await answer.next())
        await asyncio.sleep(0.3)
        received += len(await answer.read(LIMIT))
        assert received == len(body)
