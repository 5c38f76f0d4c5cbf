"""Whatever is sent as a request line or as headers: refused with a status, and the same healthy process afterwards."""

from __future__ import annotations

import json
import os
import time

import pytest

from tests.gateway import Gateway
from tests.server.raw import Told, Wire, ask, post

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
BODY = json.dumps({"model": "builtin/echo", "messages": [{"role": "user", "content": "hi"}]}).encode()


def told(plain: Gateway, data: bytes) -> Told:
    """The first answer to those bytes."""
    found = ask(plain.url, data)
    assert found is not None
    return found


def get(path: bytes, *more: bytes, method: bytes = b"GET") -> bytes:
    """A request without a body."""
    return b"\r\n".join((method + b" " + path + b" HTTP/1.1", b"host: localhost", *more, b"", b""))


@pytest.mark.parametrize(
    "headers",
    [(b"x: " + b"a" * 300_000,), (b"a: b",) * 10_000, tuple(b"x%d: y" % n for n in range(200)), (b"x: a\x00b",),
     (b"x: a\r\n folded",), (b"no colon",), (b": no name",), (b"sp ace: x",), (b"host : localhost",)],
    ids=["long", "many", "different", "NUL", "folded", "no colon", "no name", "space", "space before colon"],
)  # fmt: skip
def test_heads_that_no_client_sends_are_refused(plain: Gateway, headers: tuple[bytes, ...]):
    assert told(plain, get(b"/healthz", *headers)).status in (400, 431)


@pytest.mark.parametrize(
    "data",
    [bytes(range(256)) + b"\r\n\r\n", bytes.fromhex("16030100c8010000c40303") + bytes(190), b"GET / HTTP/9.9\r\n\r\n",
     b"GET\r\n\r\n", b"GET / a b HTTP/1.1\r\n\r\n", b"\x00" * 10_000, b"GET /healthz\r\n\r\n", b"\r\n" * 5_000],
    ids=["bytes", "TLS", "version", "one word", "five words", "NULs", "HTTP/0.9", "empty lines"],
)  # fmt: skip
def test_what_is_not_http_is_refused_or_hung_up_on(plain: Gateway, data: bytes):
    with Wire(plain.url, seconds=5) as wire:
        wire.send(data)
        wire.half_close()
        found = wire.read()
        assert found is None or found.status == 400


def test_http_2_without_tls_is_not_spoken(plain: Gateway):
    with Wire(plain.url, seconds=5) as wire:
        wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        assert wire.more() == b"" or wire.read() is None


@pytest.mark.parametrize(
    ("path", "status"),
    [(b"/" + b"a" * 100_000, 414), (b"/" + b"a" * 10_000, 404), (b"/%00", 404), (b"/%ff%fe", 404), (b"/\xff", 400),
     (b"/..", 404), (b"//v1/models", 404), (b"/v1/models/", 404), (b"/v1/models/..", 404), (b"/v1/models/%zz", 404),
     (b"/v1/models/%0d%0ax-evil:%201", 404), (b"*", 404), (b"/v1/decisions/../../etc/passwd", 404),
     (b"/v1/decisions/..%2f..%2fmesh.db", 404), (b"/v1/decisions/%00", 404), (b"/v1/decisions/%ff", 404),
     (b"/v1/decisions/" + b"a" * 10_000, 404), (b"/v1/decisions/dec_%27%20or%201=1--", 404),
     (b"/v1/decisions?limit=0", 400), (b"/v1/decisions?limit=-1", 400), (b"/v1/decisions?limit=99999999999", 400),
     (b"/v1/decisions?limit=%ff", 400), (b"/v1/decisions?limit=1&limit=x", 400), (b"/v1/decisions?limit=%d9%a1", 400),
     (b"/healthz?" + b"a=b&" * 10_000, 200), (b"/healthz?%00=%ff", 200), (b"/HEALTHZ", 404), (b"/healthz/", 404)],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else str(value),
)  # fmt: skip
def test_odd_paths_are_looked_up_and_nothing_else(plain: Gateway, path: bytes, status: int):
    found = told(plain, get(path))
    assert found.status == status
    assert "x-evil" not in found.headers
    if status == 404:
        assert len(found.body) < 1500
        assert found.json()["error"]["message"]


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT", b"post", b"A" * 900])
@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/messages", "POST"), (CHAT, "POST, GET, HEAD"), ("/healthz", "GET, HEAD")]
)
def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(
    plain: Gateway, method: bytes, path: str, allowed: str
):
    found = told(plain, get(path.encode(), b"content-length: 0", method=method))
    assert found.status == 405
    assert found.headers["allow"] == allowed
    assert ("type" in found.json()) == (path == MESSAGES)


def test_a_head_is_a_get_without_its_body(plain: Gateway):
    with Wire(plain.url) as wire:
        for path, status in (("/healthz", 200), ("/v1/models", 200), ("/nothing", 404), (MESSAGES, 405)):
            wire.send(get(path.encode(), method=b"HEAD"))
            found = wire.read(bodiless=True)
            assert found is not None
            assert found.status == status
            assert int(found.headers["content-length"]) > 0


def test_no_web_page_is_given_leave(plain: Gateway):
    found = told(
        plain,
        get(CHAT.encode(), b"origin: https://evil.example", b"access-control-request-method: POST", method=b"OPTIONS"),
    )
    assert found.status == 405
    assert not [name for name in found.headers if name.startswith("access-control")]


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost.evil.example", "x:", "a\xe9"])
def test_pages_of_other_sites_are_refused(plain: Gateway, origin: str):
    for path in (CHAT, MESSAGES):
        found = post(plain.url, path, BODY, f"origin: {origin}")
        assert found is not None
        assert found.status in (400, 403)
    assert told(plain, get(b"/v1/decisions", f"origin: {origin}".encode("latin-1"))).status in (400, 403)


@pytest.mark.parametrize("host", [b"evil.example", b"127.0.0.1.evil.example", b"evil.example:8400", b"[::2]", b"\xe9"])
@pytest.mark.parametrize("path", [b"/v1/models", b"/v1/decisions", b"/metrics"])
def test_other_names_for_this_address_are_refused(plain: Gateway, host: bytes, path: bytes):
    assert told(plain, b"GET %s HTTP/1.1\r\nhost: %s\r\n\r\n" % (path, host)).status in (400, 403)


def test_the_status_page_hides_decisions_from_other_names(plain: Gateway):
    decision = plain.chat("What is 1 + 2?")[1]["x-mesh-decision"]
    assert decision.encode() in told(plain, get(b"/")).body
    for more in (b"origin: https://evil.example",):
        assert decision.encode() not in told(plain, get(b"/", more)).body
    found = told(plain, b"GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n")
    assert decision.encode() not in found.body


def test_the_status_page_runs_nothing_and_fits_into_no_frame(plain: Gateway):
    found = told(plain, get(b"/"))
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["x-frame-options"] == "DENY"
    assert found.headers["referrer-policy"] == "no-referrer"
    assert found.headers["cache-control"] == "no-store"
    assert b"<script" not in found.body


def test_what_was_asked_cannot_write_html(plain: Gateway):
    plain.chat("1 + 1", model="<script>alert(1)</script>")
    plain.call(CHAT, BODY, {"x-mesh-route": "<img src=x onerror=alert(1)>"})
    page = told(plain, get(b"/")).body
    assert b"<script" not in page
    assert b"<img" not in page


@pytest.mark.parametrize("path", [CHAT, MESSAGES, "/v1/responses"])
@pytest.mark.parametrize(
    ("route", "status"), [("nobody/knows", 404), ("x" * 5_000, 404), ("caf\xe9", 400), ("auto", 200), ("route/x", 404)]
)
def test_a_wrong_route_in_the_header_is_never_ignored(plain: Gateway, path: str, route: str, status: int):
    body = json.dumps({**json.loads(BODY), "max_tokens": 10, "input": "hi"}).encode()
    found = post(plain.url, path, body, f"x-mesh-route: {route}")
    assert found is not None
    assert found.status == status
    if status == 400:
        assert "x-mesh-route" in found.json()["error"]["message"]


def test_http_1_0_is_answered_and_closed(plain: Gateway):
    with Wire(plain.url) as wire:
        wire.send(f"POST {CHAT} HTTP/1.0\r\ncontent-length: {len(BODY)}\r\n\r\n".encode() + BODY)
        found = wire.read()
        assert found is not None
        assert found.status == 200
        assert wire.closed()


def test_a_stream_over_http_1_0_has_no_chunks(plain: Gateway):
    body = BODY[:-1] + b',"stream":true}'
    with Wire(plain.url) as wire:
        wire.send(f"POST {CHAT} HTTP/1.0\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        whole = b""
        while piece := wire.more():
            whole += piece
    head, _, events = whole.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert events.startswith(b"data: {")
    assert events.endswith(b"data: [DONE]\n\n")


def test_pipelined_requests_are_answered_in_their_order(plain: Gateway):
    with Wire(plain.url) as wire:
        for model in ("builtin/echo", "nobody/knows", "builtin/echo"):
            wire.post(CHAT, BODY.replace(b"builtin/echo", model.encode()))
        wire.send(get(b"/healthz"))
        assert [found.status for _ in range(4) if (found := wire.read())] == [200, 404, 200, 200]


def test_a_length_beside_chunks_does_not_smuggle_a_request(plain: Gateway):
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    with Wire(plain.url) as wire:
        wire.send(
            f"POST {CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n".encode()
            + chunked
            + get(b"/healthz")
        )
        first, second = wire.read(), wire.read()
        assert first is not None
        assert first.status in (200, 400, 403)
        assert second is None or second.json() == {"status": "ok"}


def test_clients_that_send_their_head_slowly_are_in_nobodys_way(plain: Gateway):
    slow = [Wire(plain.url) for _ in range(100)]
    for wire in slow:
        wire.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: loc")
    assert plain.chat("1 + 1")[0] == 200
    for wire in slow:
        wire.socket.close()


def test_a_body_that_does_not_come_is_given_up(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("slow")
    with Gateway(folder, "[server]\nbody_seconds = 0.3\n") as gateway, Wire(gateway.url) as wire:
        wire.send(f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{{".encode())
        found = wire.read()
        assert found is not None
        assert found.status == 400
        assert "body_seconds" in found.json()["error"]["message"]
        assert gateway.chat("1 + 1")[0] == 200


def test_random_bytes_never_end_the_process(plain: Gateway):
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        with Wire(plain.url, seconds=5) as wire:
            wire.send(b"POST " + os.urandom(300) + b"\r\n" + os.urandom(300) + b"\r\n\r\n" + os.urandom(300))
            wire.half_close()
            wire.read()
