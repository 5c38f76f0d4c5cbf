"""Requests that may not be sent: injected headers, framing headers, addresses that are none. Both transports."""

from __future__ import annotations

import pytest

from meshwright.net.transport import Call, Endpoint, Transport
from meshwright.types.errors import InvalidRequest
from tests.net.scripted import answering, plain, served

BAD_VALUES = ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\x00b", "sk-key\n", "\x7f", "caf\xe9", "日本"]
BAD_NAMES = ["x\r\ny", "x y", "x:", "", "x\xe9", "(x)"]
OURS = ["Content-Length", "transfer-encoding", "connection", "upgrade", "expect", "te", "trailer", "keep-alive"]


@pytest.mark.parametrize("value", BAD_VALUES)
@pytest.mark.parametrize("place", ["endpoint", "call"])
async def test_a_header_value_cannot_start_a_header(transport: Transport, value: str, place: str) -> None:
    field = (("x-thing", value),)
    async with served(answering(plain(b""))) as server:
        call = (
            Call(Endpoint(server.url, headers=field))
            if place == "endpoint"
            else Call(Endpoint(server.url), headers=field)
        )
        with pytest.raises(InvalidRequest) as failure:
            await transport.send(call)
        assert "sk-key" not in str(failure.value)
        assert server.connections == 0


@pytest.mark.parametrize("name", BAD_NAMES + OURS)
async def test_a_header_name_is_a_token_and_not_one_of_ours(transport: Transport, name: str) -> None:
    async with served(answering(plain(b""))) as server:
        with pytest.raises(InvalidRequest):
            await transport.send(Call(Endpoint(server.url, headers=((name, "1"),))))
        with pytest.raises(InvalidRequest):
            await transport.send(Call(Endpoint(server.url), headers=((name, "1"),)))
        assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/a\r\nx-evil: 1",
        "http://127.0.0.1:1/a b",
        "http://127.0.0.1:1/\x00",
        "http://127.0.0.1:1\r\n.example/",
        "http://user:secret@127.0.0.1:1/",
        "http:///nowhere",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "/relative",
        "",
    ],
)
async def test_an_address_that_is_none_is_refused(transport: Transport, url: str) -> None:
    with pytest.raises(InvalidRequest):
        await transport.send(Call(Endpoint(url)))


@pytest.mark.parametrize("method", ["", "get", "GET /x HTTP/1.1\r\nx: y", "GET\n"])
async def test_a_method_is_a_word(transport: Transport, method: str) -> None:
    with pytest.raises(InvalidRequest):
        await transport.send(Call(Endpoint("http://127.0.0.1:1/", method=method)))


async def test_an_address_outside_ascii_is_encoded(transport: Transport) -> None:
    async with served(answering(plain(b""))) as server:
        url = server.url.replace("/v1/things?a=b%20c", "/caf\xe9?q=日#part")
        await (await transport.send(Call(Endpoint(url)))).read(10)
    assert server.requests[0].line == "POST /caf%C3%A9?q=%E6%97%A5 HTTP/1.1"
