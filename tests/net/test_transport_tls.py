"""Encrypted connections: own authorities, wrong names, and proxies in between."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

import msgspec
import pytest
import trustme

from meshwright.net.choose import OneTransport
from meshwright.net.lean import LeanTransport
from meshwright.net.pooled import AiohttpTransport
from meshwright.net.transport import Call, Endpoint, Transport
from meshwright.types.errors import ConnectFailed, InvalidRequest, UpstreamTimeout
from tests.net.scripted import PATIENT, Peer, Script, answering, chunked, once, plain, served

LIMIT = 10_000_000


class Authority(msgspec.Struct, frozen=True):
    """A certificate authority of one test: its PEM file, and contexts of servers that it vouches for."""

    ca: trustme.CA
    file: str

    def server(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """The context of a server whose certificate says `name`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name).configure_cert(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A new authority."""
    made = Authority(trustme.CA(), str(tmp_path / "ca.pem"))
    made.ca.cert_pem.write_to_path(made.file)
    return made


async def test_an_own_authority_is_trusted(transport: Transport, authority: Authority) -> None:
    async with served(answering(chunked(b"one", b"two")), tls=authority.server()) as server:
        for _ in range(3):
            answer = await transport.send(server.call(ca_file=authority.file))
            assert await answer.read(LIMIT) == b"onetwo"
        assert server.connections == 1
        await transport.close()


async def test_large_bodies_go_through_tls(transport: Transport, authority: Authority) -> None:
    async def script(peer: Peer) -> None:
        request = await peer.request()
        await peer.send(plain(request.body))
        await peer.gone()

    async with served(script, tls=authority.server()) as server:
        body = b"0123456789" * 500_000
        answer = await transport.send(server.call(body, ca_file=authority.file))
        assert await answer.read(LIMIT) == body
        await transport.close()


async def test_a_body_that_ends_with_the_connection_ends_through_tls_too(
    transport: Transport, authority: Authority
) -> None:
    async with served(once(b"HTTP/1.1 200 OK\r\n\r\n", b"one", b"two"), tls=authority.server()) as server:
        answer = await transport.send(server.call(ca_file=authority.file))
        assert await answer.read(LIMIT) == b"onetwo"


async def test_abort_hangs_up_through_tls(transport: Transport, authority: Authority) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await peer.gone()

    async with served(script, tls=authority.server()) as server:
        answer = await transport.send(server.call(ca_file=authority.file))
        assert await answer.next() == b"one"
        answer.abort()
        await server.hung_up()


async def test_a_stranger_is_not_trusted(transport: Transport, authority: Authority) -> None:
    async with served(answering(plain(b"ok")), tls=authority.server()) as server:
        with pytest.raises(ConnectFailed):
            await transport.send(server.call())
        assert server.requests == []


async def test_a_certificate_for_another_name_is_refused(transport: Transport, authority: Authority) -> None:
    async with served(answering(plain(b"ok")), tls=authority.server("other.example")) as server:
        with pytest.raises(ConnectFailed):
            await transport.send(server.call(ca_file=authority.file))
        assert server.requests == []


async def test_trust_in_one_file_does_not_reach_calls_without_it(transport: Transport, authority: Authority) -> None:
    async with served(answering(plain(b"ok")), tls=authority.server()) as server:
        assert await (await transport.send(server.call(ca_file=authority.file))).read(LIMIT) == b"ok"
        with pytest.raises(ConnectFailed):
            await transport.send(server.call())
        await transport.close()


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_a_ca_file_that_cannot_be_used_is_named(
    transport: Transport, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConnectFailed, match=r"authority\.pem"):
        await transport.send(Call(Endpoint("https://127.0.0.1:1/", ca_file=str(path))))


async def test_tls_to_a_server_that_speaks_none_is_a_failed_connection(transport: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.gone()

    async with served(script) as server:
        with pytest.raises(ConnectFailed):
            await transport.send(Call(Endpoint(server.url.replace("http:", "https:"))))


def tunnel(seen: list[str]) -> Script:
    """A proxy: CONNECT opens a tunnel; any other request is answered in the origin's place."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            seen.append(request.line)
            if not request.line.startswith("CONNECT "):
                await peer.send(plain(b"by proxy"))
                continue
            host, _, port = request.line.split()[1].rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            try:
                await asyncio.gather(_copy(peer.reader, writer), _copy(reader, peer.writer))
            finally:
                writer.transport.abort()
            return

    return script


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture(params=[AiohttpTransport, OneTransport])
async def proxied(request: pytest.FixtureRequest) -> Transport:
    """A transport that goes through proxies."""
    made: Transport = request.param()
    return made


async def test_an_encrypted_call_goes_through_a_tunnel(proxied: Transport, authority: Authority) -> None:
    seen: list[str] = []
    async with served(answering(plain(b"ok")), tls=authority.server()) as server, served(tunnel(seen)) as proxy:
        for _ in range(2):
            call = server.call(ca_file=authority.file, proxy=f"http://127.0.0.1:{proxy.port}")
            answer = await proxied.send(call)
            assert await answer.read(LIMIT) == b"ok"
        assert seen == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]
        assert server.connections == 1
        await proxied.close()


async def test_a_certificate_is_checked_through_a_tunnel_too(proxied: Transport, authority: Authority) -> None:
    tls = authority.server("other.example")
    async with served(answering(plain(b"ok")), tls=tls) as server, served(tunnel([])) as proxy:
        with pytest.raises(ConnectFailed):
            await proxied.send(server.call(ca_file=authority.file, proxy=f"http://127.0.0.1:{proxy.port}"))
        assert server.requests == []
        await proxied.close()


async def test_a_plain_call_names_the_whole_address_to_the_proxy(proxied: Transport) -> None:
    seen: list[str] = []
    async with served(tunnel(seen)) as proxy:
        call = Call(Endpoint("http://models.example/v1", proxy=f"http://127.0.0.1:{proxy.port}"))
        assert await (await proxied.send(call)).read(LIMIT) == b"by proxy"
        assert seen == ["POST http://models.example/v1 HTTP/1.1"]
        await proxied.close()


async def test_a_proxy_that_says_no_is_a_failed_connection(proxied: Transport) -> None:
    async with served(once(plain(b"no", status="403 Forbidden"))) as proxy:
        call = Call(Endpoint("https://models.example/v1", proxy=f"http://127.0.0.1:{proxy.port}"))
        with pytest.raises(ConnectFailed):
            await proxied.send(call)
        await proxied.close()


async def test_a_proxy_that_keeps_silent_is_no_connection_in_time(proxied: Transport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with served(script) as proxy:
        endpoint = Endpoint("https://models.example/v1", proxy=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(UpstreamTimeout) as failure:
            await proxied.send(Call(endpoint, deadlines=msgspec.structs.replace(PATIENT, connect=0.5)))
        assert failure.value.phase == "connect"
        await proxy.hung_up()
        await proxied.close()


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "https://127.0.0.1:1", "127.0.0.1:1"])
async def test_only_an_http_address_is_a_proxy(proxied: Transport, proxy: str) -> None:
    with pytest.raises(InvalidRequest):
        await proxied.send(Call(Endpoint("http://127.0.0.1:1/", proxy=proxy)))
    await proxied.close()


async def test_the_lean_transport_refuses_a_proxy_rather_than_go_around_it(lean: LeanTransport) -> None:
    async with served(answering(plain(b"ok"))) as server:
        with pytest.raises(InvalidRequest):
            await lean.send(server.call(proxy="http://127.0.0.1:1"))
        assert server.connections == 0


async def test_one_transport_is_lean_where_no_proxy_is_named() -> None:
    transport = OneTransport()
    async with served(answering(plain(b"ok"))) as server:
        answer = await transport.send(server.call())
        assert await answer.read(LIMIT) == b"ok"
        assert type(answer).__name__ == "LeanAnswer"
        await transport.close()
    transport = OneTransport("aiohttp")
    async with served(answering(plain(b"ok"))) as server:
        answer = await transport.send(server.call())
        assert await answer.read(LIMIT) == b"ok"
        assert type(answer).__name__ == "PooledAnswer"
        await transport.close()
    with pytest.raises(InvalidRequest):
        await OneTransport("lean").send(Call(Endpoint("http://127.0.0.1:1/", proxy="http://127.0.0.1:2")))
