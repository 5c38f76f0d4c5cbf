"""Fetching what a user names: only what is public, however it is written and wherever it redirects."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from meshwright.net.guarded import Fetched, fetch
from meshwright.types.errors import (
    Blocked,
    ConnectFailed,
    InvalidRequest,
    StreamCut,
    TooLarge,
    UpstreamProtocol,
    UpstreamTimeout,
)
from tests.net.scripted import Peer, Script, Server, answering, chunked, once, plain, served


async def get(server: Server, path: str = "/", **options: Any) -> Fetched:
    """Fetch from a test's server, which is allowed."""
    url = f"{server.scheme}://127.0.0.1:{server.port}{path}"
    return await fetch(url, **{"limit_bytes": 1000, "deadline": 5.0, "allow": {("127.0.0.1", server.port)}, **options})


def by_path(**answers: bytes) -> Script:
    """A script that answers each path with its own bytes."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(answers[request.line.split()[1].strip("/") or "start"])

    return script


def moved(location: str, status: str = "302 Found") -> bytes:
    return plain(b"", f"Location: {location}", status=status)


async def test_an_allowed_address_is_fetched() -> None:
    async with served(answering(plain(b"\x89PNG", "Content-Type: image/png"))) as server:
        got = await get(server, "/picture")
    assert (got.status, got.body, got.headers["content-type"]) == (200, b"\x89PNG", "image/png")
    assert got.url == f"http://127.0.0.1:{server.port}/picture"
    assert server.requests[0].line == "GET /picture HTTP/1.1"
    assert server.requests[0].header("accept-encoding") == "identity"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "0",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
async def test_an_address_that_is_not_public_is_blocked(host: str) -> None:
    async with served(answering(plain(b"secret"))) as server:
        with pytest.raises((Blocked, ConnectFailed)):
            await fetch(f"http://{host}:{server.port}/", limit_bytes=100, deadline=5.0)
        assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0.0.0.0"])
async def test_however_loopback_is_written_it_is_blocked_and_not_merely_unreachable(host: str) -> None:
    with pytest.raises(Blocked):
        await fetch(f"http://{host}/", limit_bytes=100, deadline=5.0)


Names = Callable[[Callable[[str], list[tuple[str, int]]]], None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Puts a function in the place of the name service: from a name under `.example` to addresses with their ports."""

    def install(answers: Callable[[str], list[tuple[str, int]]]) -> None:
        loop = asyncio.get_running_loop()
        system = loop.getaddrinfo

        async def resolve(host: str, port: int, **options: Any) -> list[Any]:
            if not host.endswith(".example"):
                return await system(host, port, **options)
            found = answers(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in found]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)

    return install


async def test_a_name_with_one_private_address_among_public_ones_is_blocked(names: Names) -> None:
    names(lambda _: [("93.184.216.34", 80), ("127.0.0.1", 80)])
    with pytest.raises(Blocked):
        await fetch("http://both.example/", limit_bytes=100, deadline=5.0)


async def test_a_name_that_changes_its_address_is_called_at_the_one_that_was_checked(names: Names) -> None:
    asked: list[str] = []

    async with served(answering(plain(b"first"))) as first:

        def answers(host: str) -> list[tuple[str, int]]:
            asked.append(host)
            return [("127.0.0.1", first.port)] if len(asked) == 1 else [("127.0.0.2", first.port)]

        names(answers)
        url = f"http://turning.example:{first.port}/"
        got = await fetch(url, limit_bytes=100, deadline=5.0, allow={("turning.example", first.port)})
        assert got.body == b"first"
        assert asked == ["turning.example"]
        assert first.requests[0].header("host") == f"turning.example:{first.port}"


@pytest.mark.parametrize("port", [22, 25, 111, 445, 631])
async def test_a_port_that_is_not_the_webs_is_blocked(port: int) -> None:
    with pytest.raises(Blocked):
        await fetch(f"http://93.184.216.34:{port}/", limit_bytes=100, deadline=5.0)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://x/", "http://a:b@127.0.0.1/", "http://a\r\nb/", "nonsense"]
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        await fetch(url, limit_bytes=100, deadline=5.0)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Again", "308 For good"])
async def test_a_redirect_is_followed_to_an_allowed_address(status: str) -> None:
    async with served(by_path(start=moved("/there", status), there=plain(b"found"))) as server:
        got = await get(server)
    assert (got.status, got.body, got.url.rpartition("/")[2]) == (200, b"found", "there")


async def test_a_redirect_to_a_private_address_is_blocked() -> None:
    async with served(answering(plain(b"secret"))) as secret:
        for location in (f"http://127.0.0.1:{secret.port}/", f"//localhost:{secret.port}/", "http://169.254.169.254/"):
            async with served(answering(moved(location))) as server:
                with pytest.raises(Blocked):
                    await get(server)
        assert secret.connections == 0


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://u:p@127.0.0.1/", "http://[::1/"])
async def test_a_redirect_to_no_web_address_is_refused(location: str) -> None:
    async with served(answering(moved(location))) as server:
        with pytest.raises(InvalidRequest):
            await get(server)


async def test_three_redirects_are_followed_and_no_more() -> None:
    answers = {"start": moved("/1"), "1": moved("/2"), "2": moved("/3"), "3": plain(b"there")}
    async with served(by_path(**answers)) as server:
        assert (await get(server)).body == b"there"
    async with served(by_path(**answers | {"3": moved("/4"), "4": plain(b"too far")})) as server:
        with pytest.raises(UpstreamProtocol):
            await get(server)
        assert len(server.requests) == 4


async def test_a_redirect_out_of_encryption_is_blocked() -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with served(answering(plain(b"secret"))) as plain_server:
        location = f"http://127.0.0.1:{plain_server.port}/"
        async with served(answering(moved(location)), tls=tls) as server:
            allow = {("127.0.0.1", server.port), ("127.0.0.1", plain_server.port)}
            with pytest.raises(Blocked):
                await get(server, tls=trust, allow=allow)
        assert plain_server.connections == 0


async def test_a_stranger_is_not_trusted() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with served(answering(plain(b"ok")), tls=tls) as server:
        with pytest.raises(ConnectFailed):
            await get(server)


@pytest.mark.parametrize("answer", [plain(b"x" * 2000), chunked(*[b"x" * 100] * 20)], ids=["length", "chunks"])
async def test_what_is_too_large_is_not_kept(answer: bytes) -> None:
    async with served(answering(answer)) as server:
        with pytest.raises(TooLarge):
            await get(server)
        assert len((await get(server, limit_bytes=2000)).body) == 2000


async def test_an_error_status_is_an_answer() -> None:
    async with served(answering(plain(b"gone", status="404 Not Found"))) as server:
        got = await get(server)
    assert (got.status, got.body) == (404, b"gone")


async def test_a_server_that_takes_too_long_is_left() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await peer.gone()

    async with served(script) as server:
        with pytest.raises(UpstreamTimeout):
            await get(server, deadline=0.1)
        await server.hung_up()


async def test_a_body_that_is_cut_is_no_body() -> None:
    async with served(once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")) as server:
        with pytest.raises(StreamCut):
            await get(server)


async def test_rubbish_is_refused() -> None:
    async with served(once(b"SSH-2.0-OpenSSH\r\n\r\n")) as server:
        with pytest.raises(UpstreamProtocol):
            await get(server)


async def test_an_encoded_body_is_refused_rather_than_passed_on() -> None:
    async with served(answering(plain(b"\x1f\x8b", "Content-Encoding: gzip"))) as server:
        with pytest.raises(UpstreamProtocol):
            await get(server)
