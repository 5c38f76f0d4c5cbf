"""What both transports make of sound answers, and how they keep their connections."""

from __future__ import annotations

import asyncio

import pytest

from meshwright.net.transport import Call, Endpoint, Transport
from meshwright.types.errors import UpstreamProtocol
from tests.net.scripted import Peer, answering, chunked, once, plain, served

LIMIT = 1_000_000


async def test_a_request_arrives_as_it_was_given(transport: Transport) -> None:
    async with served(answering(plain(b"ok"))) as server:
        endpoint = Endpoint(server.url, headers=(("authorization", "Bearer k"), ("content-type", "application/json")))
        answer = await transport.send(Call(endpoint, b'{"a":1}', headers=(("x-request-id", "7"),)))
        assert (answer.status, await answer.read(LIMIT)) == (200, b"ok")
    request = server.requests[0]
    assert request.line == "POST /v1/things?a=b%20c HTTP/1.1"
    assert request.body == b'{"a":1}'
    assert sorted((name.lower(), value) for name, value in request.headers) == [
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
        ("authorization", "Bearer k"),
        ("content-length", "7"),
        ("content-type", "application/json"),
        ("host", f"127.0.0.1:{server.port}"),
        ("user-agent", "meshwright"),
        ("x-request-id", "7"),
    ]


async def test_a_header_of_the_call_replaces_the_endpoints(transport: Transport) -> None:
    async with served(answering(plain(b""))) as server:
        endpoint = Endpoint(server.url, headers=(("x-tenant", "a"), ("accept", "text/event-stream")))
        answer = await transport.send(Call(endpoint, b"{}", headers=(("X-Tenant", "b"),)))
        await answer.read(LIMIT)
    assert server.requests[0].header("x-tenant") == "b"
    assert server.requests[0].header("accept") == "text/event-stream"


async def test_a_get_without_a_body_says_no_length_and_a_post_says_zero(transport: Transport) -> None:
    async with served(answering(plain(b"[]"))) as server:
        for method in ("GET", "POST"):
            answer = await transport.send(server.call(b"", method=method))
            assert await answer.read(LIMIT) == b"[]"
    assert [request.header("content-length") for request in server.requests] == [None, "0"]


async def test_one_connection_serves_many_calls(transport: Transport) -> None:
    async with served(answering(plain(b"ok"))) as server:
        for _ in range(20):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"ok"
        assert server.connections == 1


async def test_an_answer_in_chunks_leaves_the_connection_for_the_next_call(transport: Transport) -> None:
    async with served(answering(chunked(b"one", b"two", trailer=b"X-Sum: 1\r\n"))) as server:
        for _ in range(5):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"onetwo"
            assert "x-sum" not in answer.headers
        assert server.connections == 1


async def test_a_second_call_never_rides_behind_an_unfinished_one(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await peer.reader.read(1)
        await peer.send(b"b")
        await peer.gone()

    async with served(script) as server:
        answers = await asyncio.gather(*(transport.send(server.call()) for _ in range(3)))
        assert [await answer.read(LIMIT) for answer in answers] == [b"ab"] * 3
        assert server.connections == 3
        await transport.close()


async def test_header_names_are_lower_case_and_the_last_value_counts(transport: Transport) -> None:
    fields = ("X-Thing: one", "x-thing:  two \t", "Set-Cookie: a=b", "X-Latin: caf\xe9")
    async with served(answering(plain(b"", *fields))) as server:
        answer = await transport.send(server.call())
        await answer.read(LIMIT)
    assert dict(answer.headers) == {"content-length": "0", "x-thing": "two", "x-latin": "caf\xe9"}


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_a_body_ends_with_its_head(transport: Transport, status: str) -> None:
    pieces = f"HTTP/1.1 {status}\r\nX-A: b\r\n\r\n".encode()
    async with served(answering(pieces)) as server:
        for _ in range(2):
            answer = await transport.send(server.call())
            assert (answer.status, await answer.next(), await answer.read(LIMIT)) == (int(status[:3]), b"", b"")
        assert server.connections == 1


async def test_the_answer_to_head_has_no_body_whatever_its_length_says(transport: Transport) -> None:
    async with served(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")) as server:
        for _ in range(2):
            answer = await transport.send(server.call(b"", method="HEAD"))
            assert answer.headers["content-length"] == "500"
            assert await answer.next() == b""


async def test_heads_of_progress_are_skipped(transport: Transport) -> None:
    progress = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with served(answering(progress, plain(b"ok"))) as server:
        for _ in range(2):
            answer = await transport.send(server.call())
            assert (answer.status, await answer.read(LIMIT)) == (200, b"ok")
            assert "link" not in answer.headers
        assert server.connections == 1


async def test_a_body_may_end_with_the_connection(transport: Transport) -> None:
    async with served(once(b"HTTP/1.1 200 OK\r\n\r\n", b"one", b"two")) as server:
        for _ in range(2):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"onetwo"
        assert server.connections == 2


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK\r\nConnection: close"])
async def test_a_connection_that_the_server_ends_is_not_used_again(transport: Transport, head: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head + b"\r\nContent-Length: 2\r\n\r\nok")
        await peer.gone()

    async with served(script) as server:
        for _ in range(2):
            answer = await transport.send(server.call())
            assert await answer.read(LIMIT) == b"ok"
        assert server.connections == 2


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_is_an_answer_and_is_not_followed(transport: Transport, status: str) -> None:
    async with served(answering(plain(b"moved", "Location: http://127.0.0.1:1/secret", status=status))) as server:
        answer = await transport.send(server.call())
        assert (answer.status, answer.headers["location"]) == (int(status[:3]), "http://127.0.0.1:1/secret")
        assert await answer.read(LIMIT) == b"moved"
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["400 Bad Request", "429 Too Many Requests", "503 Service Unavailable"])
async def test_an_error_status_is_an_answer_with_a_body(transport: Transport, status: str) -> None:
    async with served(answering(plain(b'{"error":1}', "Retry-After: 3", status=status))) as server:
        answer = await transport.send(server.call())
        assert (answer.status, answer.headers["retry-after"]) == (int(status[:3]), "3")
        assert await answer.read(LIMIT) == b'{"error":1}'


async def test_what_arrived_together_is_handed_out_together(transport: Transport) -> None:
    async with served(answering(chunked(*(b"data: %d\n\n" % number for number in range(50))))) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"".join(b"data: %d\n\n" % number for number in range(50))
        assert await answer.next() == b""
        assert await answer.next() == b""


async def test_a_stream_is_handed_out_as_it_comes(transport: Transport) -> None:
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for word in (b"one", b"two", b"end"):
            await go_on.wait()
            go_on.clear()
            await peer.send(b"3\r\n" + word + b"\r\n")
        await peer.send(b"0\r\n\r\n")
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call())
        for word in (b"one", b"two", b"end"):
            go_on.set()
            assert await answer.next() == word
        assert await answer.next() == b""
        await transport.close()


async def test_reading_the_rest_gives_what_next_did_not(transport: Transport) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
        await more.wait()
        await peer.send(b"two")

    async with served(script) as server:
        answer = await transport.send(server.call())
        assert await answer.next() == b"one"
        more.set()
        assert await answer.read(LIMIT) == b"two"


async def test_an_answer_over_the_limit_is_refused_and_its_connection_closed(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n" * 5)
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call())
        with pytest.raises(UpstreamProtocol, match="longer than 20 bytes"):
            await answer.read(20)
        await server.hung_up()


async def test_an_announced_length_over_the_limit_is_refused_before_it_comes(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx")
        await peer.gone()

    async with served(script) as server:
        answer = await transport.send(server.call())
        with pytest.raises(UpstreamProtocol, match="longer than 20 bytes"):
            await answer.read(20)
        await server.hung_up()


async def test_an_answer_just_at_the_limit_is_read(transport: Transport) -> None:
    async with served(answering(plain(b"x" * 20))) as server:
        answer = await transport.send(server.call())
        assert await answer.read(20) == b"x" * 20
