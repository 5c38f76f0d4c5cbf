"""What both transports make of answers that are broken, cut or hostile."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from meshwright.net.lean import LeanTransport
from meshwright.net.transport import Call, Endpoint, Transport
from meshwright.types.errors import ConnectFailed, StreamCut, UpstreamProtocol
from tests.net.scripted import Peer, Script, answering, chunked, once, plain, served

LIMIT = 10_000_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def whole(transport: Transport, script: Script) -> bytes:
    """The body of one call to a server that runs `script`."""
    async with served(script) as server:
        answer = await transport.send(server.call())
        return await answer.read(LIMIT)


@pytest.mark.parametrize(
    "head",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b'{"error":"not http"}\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name: x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Nul: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    ],
    ids=lambda head: head.decode("latin-1").strip().replace("\r\n", "|")[:60],
)
async def test_a_head_that_makes_no_sense_is_refused(transport: Transport, head: bytes) -> None:
    async with served(answering(head)) as server:
        with pytest.raises(UpstreamProtocol):
            await transport.send(server.call())


async def test_an_answer_that_is_refused_costs_the_connection(lean: LeanTransport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(plain(b"ab", "Content-Encoding: gzip"))
        await peer.gone()

    async with served(script) as server:
        with pytest.raises(UpstreamProtocol, match="encoded with 'gzip'"):
            await lean.send(server.call())
        await server.hung_up()


async def test_a_coding_that_the_caller_asked_for_comes_as_it_is(transport: Transport) -> None:
    async with served(answering(plain(b"\x1f\x8b", "Content-Encoding: gzip"))) as server:
        answer = await transport.send(server.call(headers=(("accept-encoding", "gzip"),)))
        assert answer.headers["content-encoding"] == "gzip"
        assert await answer.read(LIMIT) == b"\x1f\x8b"


@pytest.mark.parametrize("size", [b"zz", b"-5", b"0x5", b"fffffffffffffffffff", b""])
async def test_a_broken_chunk_size_is_refused_after_what_came_before(transport: Transport, size: bytes) -> None:
    async with served(answering(CHUNKED, b"3\r\none\r\n", size + b"\r\nhello\r\n")) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        with pytest.raises(UpstreamProtocol):
            await answer.next()
        with pytest.raises(UpstreamProtocol):
            await answer.next()


async def test_a_chunk_longer_than_its_size_is_refused(transport: Transport) -> None:
    with pytest.raises(UpstreamProtocol):
        await whole(transport, answering(CHUNKED, b"3\r\nfour\r\n0\r\n\r\n"))


@pytest.mark.parametrize(
    "pieces", [(CHUNKED,), (CHUNKED, b"3\r\none\r\n"), (CHUNKED, b"5\r\non"), (CHUNKED, b"3\r\none\r\n0\r\n")]
)
async def test_chunks_that_end_too_early_are_a_cut(transport: Transport, pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(StreamCut):
        await whole(transport, once(*pieces))


async def test_a_body_shorter_than_its_length_is_a_cut(transport: Transport) -> None:
    async with served(once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"half")) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"half"
        with pytest.raises(StreamCut):
            await answer.next()


@pytest.mark.parametrize(
    "head", [CHUNKED + b"3\r\none\r\n", b"HTTP/1.1 200 OK\r\n\r\none"], ids=["chunked", "until close"]
)
async def test_a_reset_within_the_body_is_a_cut(transport: Transport, head: bytes) -> None:
    seen = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        await seen.wait()
        peer.reset()

    async with served(script) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        seen.set()
        with pytest.raises(StreamCut):
            await answer.next()


async def test_a_server_that_hangs_up_without_an_answer_has_not_been_reached(transport: Transport) -> None:
    async with served(once()) as server:
        with pytest.raises(ConnectFailed):
            await transport.send(server.call())
        assert server.connections == 1


async def test_a_server_that_hangs_up_within_its_head_is_refused(transport: Transport) -> None:
    async with served(once(b"HTTP/1.1 200 OK\r\nContent-Le")) as server:
        with pytest.raises(UpstreamProtocol):
            await transport.send(server.call())


async def test_nobody_listening_is_a_failed_connection(transport: Transport) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ConnectFailed):
        await transport.send(Call(Endpoint(f"http://127.0.0.1:{port}/")))


async def test_a_name_that_does_not_exist_is_a_failed_connection(transport: Transport) -> None:
    calls = (transport.send(Call(Endpoint("http://no-such-host.invalid/"))) for _ in range(3))
    for failure in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(failure, ConnectFailed)


FLOODS = {
    "one long value": [b"X-A: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n"],
    "a long name": [b"X" * 70_000 + b": a\r\nContent-Length: 0\r\n\r\n"],
    "many fields": [b"".join(b"X-%d: a\r\n" % number for number in range(300)) + b"\r\n"],
    "fields without end": [b"X-%d: %b\r\n" % (number, b"a" * 400) for number in range(1000)],
}


def flooding(*pieces: bytes) -> Script:
    """A script that answers with very much and waits for the hang-up."""

    async def script(peer: Peer) -> None:
        await peer.request()
        with contextlib.suppress(ConnectionError):
            await peer.send(*pieces)
        await peer.gone()

    return script


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_of_headers_is_refused(transport: Transport, kind: str) -> None:
    async with served(flooding(b"HTTP/1.1 200 OK\r\n", *FLOODS[kind])) as server:
        with pytest.raises(UpstreamProtocol):
            await transport.send(server.call())
        await server.hung_up()


async def test_hints_without_end_are_refused(lean: LeanTransport) -> None:
    async with served(flooding(*[b"HTTP/1.1 103 Hint\r\nX-A: %b\r\n\r\n" % (b"a" * 400)] * 300)) as server:
        with pytest.raises(UpstreamProtocol):
            await lean.send(server.call())
        await server.hung_up()


async def test_a_trailer_without_end_is_refused(lean: LeanTransport) -> None:
    async with served(flooding(CHUNKED + b"3\r\none\r\n0\r\n", *[b"X-A: %b\r\n" % (b"a" * 400)] * 300)) as server:
        answer = await lean.send(server.call())
        with pytest.raises(UpstreamProtocol):
            await answer.read(LIMIT)
        await server.hung_up()


async def test_an_ordinary_number_of_headers_is_fine(transport: Transport) -> None:
    fields = [f"X-{number}: {'v' * 200}" for number in range(100)]
    async with served(answering(plain(b"ok", *fields))) as server:
        answer = await transport.send(server.call())
        assert (len(answer.headers), await answer.read(LIMIT)) == (101, b"ok")


async def test_bytes_behind_an_answer_spoil_only_the_connection(transport: Transport) -> None:
    async with served(answering(plain(b"one") + plain(b"two"))) as server:
        for _ in range(2):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"one"
        assert server.connections == 2


async def test_half_a_head_behind_an_answer_spoils_the_connection(lean: LeanTransport) -> None:
    async with served(answering(plain(b"one") + b"HTTP/1.1 200 OK\r\nX-Evil: 1\r\n")) as server:
        for _ in range(2):
            answer = await lean.send(server.call())
            assert await answer.read(LIMIT) == b"one"
            assert "x-evil" not in answer.headers
        assert server.connections == 2


async def test_a_server_that_speaks_unasked_loses_the_connection(lean: LeanTransport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"one"))
        await peer.send(b"", plain(b"408", "Connection: close", status="408 Request Timeout"))
        await peer.gone()

    async with served(script) as server:
        answer = await lean.send(server.call())
        assert await answer.read(LIMIT) == b"one"
        await server.hung_up()
        answer = await lean.send(server.call())
        assert (answer.status, await answer.read(LIMIT)) == (200, b"one")
        assert server.connections == 2
