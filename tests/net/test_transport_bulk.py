"""Many calls at once and large bodies, in both transports: nothing is lost, and nobody's memory pays for it."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec
import pytest

from meshwright.net.lean_link import WAITING_BYTES
from meshwright.net.transport import Transport
from tests.net.scripted import PATIENT, Peer, answering, plain, served

LIMIT = 100_000_000
FIVE_MB = bytes(range(256)) * 20_480


async def test_a_thousand_calls_at_once(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(plain(b"you said " + request.body))

    async with served(script) as server:

        async def one(number: int) -> bytes:
            answer = await transport.send(server.call(b"%d" % number))
            return await answer.read(LIMIT)

        answers = await asyncio.gather(*map(one, range(1000)))
        assert answers == [b"you said %d" % number for number in range(1000)]
        assert server.connections <= 1000
        before = server.connections
        await asyncio.gather(*map(one, range(100)))
        assert server.connections == before
        await transport.close()


async def test_five_megabytes_go_both_ways(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(plain(request.body))

    async with served(script) as server:
        for _ in range(2):
            answer = await transport.send(server.call(FIVE_MB))
            body = await answer.read(LIMIT)
            assert hashlib.sha256(body).digest() == hashlib.sha256(FIVE_MB).digest()
        assert server.connections == 1
        names = {name.lower() for name, _ in server.requests[0].headers}
        assert names == {"host", "accept", "accept-encoding", "user-agent", "content-length"}


async def test_a_server_that_reads_slowly_gets_the_whole_request(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        assert b"content-length: %d" % len(FIVE_MB) in head.lower()
        digest, left = hashlib.sha256(), len(FIVE_MB)
        while left:
            piece = await peer.reader.read(min(left, 50_000))
            digest.update(piece)
            left -= len(piece)
            await asyncio.sleep(0)
        await peer.send(plain(digest.hexdigest().encode()))
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call(FIVE_MB))
        assert await answer.read(LIMIT) == hashlib.sha256(FIVE_MB).hexdigest().encode()
        await transport.close()


async def test_a_server_waits_while_nobody_reads_its_answer(transport: Transport) -> None:
    sent = 0
    size = 40_000_000

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            await peer.send(b"x" * 100_000)
            sent += 100_000
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call())
        before = -1
        while before != sent:  # until the server gets no further
            before = sent
            await asyncio.sleep(0.05)
        # What the system's own buffers hold comes on top of what waits in ours.
        assert sent < 20 * WAITING_BYTES < size
        received = 0
        while piece := await answer.next():
            received += len(piece)
        assert received == size
        await transport.close()


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 300_000])
async def test_bodies_of_every_size_arrive_whole(transport: Transport, size: int) -> None:
    async with served(answering(plain(b"ok"))) as server:
        body = FIVE_MB[:size]
        answer = await transport.send(server.call(body))
        assert await answer.read(LIMIT) == b"ok"
        assert server.requests[0].body == body


async def test_an_answer_that_comes_before_the_request_is_out_is_read(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(plain(b"too large", "Connection: close", status="413 Payload Too Large"))
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call(FIVE_MB * 4))
        assert (answer.status, await answer.read(LIMIT)) == (413, b"too large")
        await transport.close()


async def test_a_connection_whose_request_is_not_out_yet_serves_no_other_call(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        if b"content-length: 2\r\n" in head.lower():
            await peer.reader.readexactly(2)
        await peer.send(plain(b"early"))
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call(FIVE_MB * 4))
        assert await answer.read(LIMIT) == b"early"
        answer = await transport.send(server.call(b"{}"))
        assert await answer.read(LIMIT) == b"early"
        assert server.connections == 2
        await transport.close()


async def test_a_request_that_is_still_going_out_is_not_yet_waited_for(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        left = size
        while left:
            left -= len(await peer.reader.read(min(left, 131_072)))
            if left > 16_000_000:  # until then more than twice the deadline; the rest fits into the system's buffers
                await asyncio.sleep(0.008)
        await peer.send(plain(b"ok"))
        await peer.gone()

    body = FIVE_MB * 8
    size = len(body)
    async with served(script, limit=65_536) as server:
        answer = await transport.send(server.call(body, deadlines=msgspec.structs.replace(PATIENT, first_byte=0.6)))
        assert await answer.read(LIMIT) == b"ok"
        await transport.close()
