"""How calls are given up, and what becomes of connections that end: both transports."""

from __future__ import annotations

import asyncio

import pytest

from meshwright.net.lean import LeanTransport
from meshwright.net.transport import Answer, Transport
from meshwright.types.errors import ConnectFailed, StreamCut, UpstreamError
from tests.net.scripted import Peer, answering, chunked, plain, served

LIMIT = 1_000_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def endless(peer: Peer) -> None:
    """A script that begins a stream and waits for the hang-up."""
    await peer.request()
    await peer.send(CHUNKED, b"3\r\none\r\n")
    await peer.gone()


async def silent(peer: Peer) -> None:
    """A script that never answers."""
    await peer.request()
    await peer.gone()


async def test_abort_hangs_up_at_once(transport: Transport) -> None:
    async with served(endless) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        answer.abort()
        await server.hung_up()
        answer.abort()
        with pytest.raises(StreamCut):
            await answer.next()


async def test_abort_before_reading_anything_hangs_up(transport: Transport) -> None:
    async with served(endless) as server:
        (await transport.send(server.call())).abort()
        await server.hung_up()


async def test_abort_after_the_end_keeps_the_connection(transport: Transport) -> None:
    async with served(answering(chunked(b"one"))) as server:
        for _ in range(3):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"one"
            answer.abort()
            assert await answer.next() == b""
        assert server.connections == 1


async def test_abort_of_a_body_that_ends_with_the_connection_is_not_its_end(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\none")
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        answer.abort()
        with pytest.raises(StreamCut):
            await answer.next()


async def test_cancelling_a_send_hangs_up(transport: Transport) -> None:
    async with served(silent) as server:
        sending = asyncio.ensure_future(transport.send(server.call()))
        await server.asked()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await server.hung_up()


async def test_cancelling_a_send_that_still_connects_leaves_nothing_behind(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with served(script) as server:
        sending = asyncio.ensure_future(transport.send(server.call()))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.sleep(0.02)  # the server may just be accepting
        if server.connections:
            await server.hung_up()


async def test_cancelling_next_hangs_up(transport: Transport) -> None:
    async with served(endless) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        reading = asyncio.ensure_future(answer.next())
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await server.hung_up()


async def test_cancelling_read_hangs_up(transport: Transport) -> None:
    async with served(endless) as server:
        answer = await transport.send(server.call())
        reading = asyncio.ensure_future(answer.read(LIMIT))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await server.hung_up()


async def test_aborting_while_another_task_reads_wakes_it(transport: Transport) -> None:
    async with served(endless) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        reading = asyncio.ensure_future(answer.next())
        await asyncio.sleep(0.01)
        answer.abort()
        with pytest.raises(StreamCut):
            await reading
        await server.hung_up()


async def test_cancelling_a_call_whose_answer_has_just_come_leaves_the_next_one_alone(lean: LeanTransport) -> None:
    async with served(answering(plain(b"ok"))) as server:
        await (await lean.send(server.call())).read(LIMIT)
        (pool,) = lean._pools.values()
        for _ in range(20):
            first = asyncio.ensure_future(lean.send(server.call()))
            await asyncio.sleep(0)
            while not pool:  # noqa: ASYNC110  (the turn matters: its connection is free, its task has not run yet)
                await asyncio.sleep(0)
            first.cancel()
            answer = await lean.send(server.call())  # takes the connection that `first` still believes to be its own
            assert await answer.read(LIMIT) == b"ok"
            await asyncio.wait([first])
        assert server.connections == 1


async def test_a_connection_that_the_server_closed_while_idle_is_replaced(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"ok"))  # it says keep-alive, and closes nevertheless

    async with served(script) as server:
        for _ in range(3):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"ok"
            await asyncio.sleep(0.01)
        assert server.connections == 3


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_connection_that_dies_as_the_request_goes_out_is_replaced_once(transport: Transport, how: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"ok"))
        await peer.request()
        if how == "reset":
            peer.reset()

    async with served(script) as server:
        for _ in range(2):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"ok"
        assert server.connections == 2
        assert len(server.requests) == 3


async def test_a_fresh_connection_that_dies_is_not_tried_again(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if server.connections == 1:
            await peer.send(plain(b"ok"))
            await peer.request()

    async with served(script) as server:
        await (await transport.send(server.call())).read(LIMIT)
        with pytest.raises(ConnectFailed):
            await transport.send(server.call())
        assert (server.connections, len(server.requests)) == (2, 3)


async def test_a_connection_that_dies_within_an_answer_is_not_tried_again(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"ok"))
        await peer.request()
        await peer.send(b"HTTP/1.1 2")

    async with served(script) as server:
        await (await transport.send(server.call())).read(LIMIT)
        with pytest.raises(UpstreamError):
            await transport.send(server.call())
        assert server.connections == 1


async def test_a_released_answer_that_ends_soon_keeps_its_connection(transport: Transport) -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(CHUNKED, b"3\r\none\r\n")
            await go_on.wait()
            await peer.send(b"3\r\ntwo\r\n", b"0\r\n\r\n")

    async with served(script) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        answer.release()
        answer.release()
        go_on.set()
        await asyncio.sleep(0.05)
        answer = await transport.send(server.call())
        assert await answer.read(LIMIT) == b"onetwo"
        answer.release()
        assert server.connections == 1


async def test_a_released_answer_that_goes_on_is_closed(transport: Transport) -> None:
    async with served(endless) as server:
        answer = await transport.send(server.call())
        answer.release()
        await server.hung_up()


async def test_closing_the_transport_ends_every_call(transport: Transport) -> None:
    async with served(endless) as streaming, served(silent) as waiting:
        answer = await transport.send(streaming.call())
        assert await answer.next() == b"one"
        reading = asyncio.ensure_future(answer.next())
        sending = asyncio.ensure_future(transport.send(waiting.call()))
        await waiting.asked()
        await transport.close()
        for task in (reading, sending):
            with pytest.raises(UpstreamError):
                await task
        await streaming.hung_up()
        await waiting.hung_up()
        with pytest.raises(ConnectFailed):
            await transport.send(waiting.call())


async def test_closing_the_transport_is_no_regular_end_of_a_body(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\none")
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        reading = asyncio.ensure_future(answer.next())
        await asyncio.sleep(0.01)
        await transport.close()
        with pytest.raises(UpstreamError):
            await reading
        await server.hung_up()


async def test_an_idle_connection_is_let_go_in_time() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"ok"))
        await peer.gone()

    transport = LeanTransport(idle_seconds=0.05)
    async with served(script) as server:
        answer: Answer = await transport.send(server.call())
        assert await answer.read(LIMIT) == b"ok"
        # The timer of a call also serves the idle time after it: it looks again only when that call's deadlines allow.
        await asyncio.sleep(0.06)
        answer = await transport.send(server.call())
        assert await answer.read(LIMIT) == b"ok"
        assert server.connections == 2
        await transport.close()
