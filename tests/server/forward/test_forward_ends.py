"""How an answer that is passed on ends: well, broken, with an error, or nowhere that it should not go."""

from __future__ import annotations

import pytest

from tests.gateway import Gateway
from tests.server.forward.asking import KEY, SECRET, asked, trace
from tests.server.raw import Wire
from tests.server.upstream import answer, chunked, json_answer


def test_a_stream_passes_as_it_comes_and_its_usage_is_heard(gateway: Gateway, upstreams):
    events = [
        b'event: x\r\ndata: {"a" :1}\r\n\r\n',
        b'data: {"type": "done", "us',
        b'age": {"input_tokens": 3, "output_tokens": 4}}\n\n',
    ]
    upstreams[0].answer = chunked(events, "content-type: text/event-stream")
    body = b'{"model": "vec", "stream": true}'
    found = asked(gateway, "POST /v1/images/generations", body, "content-type: application/json")
    assert found.body == b"".join(events)
    assert found.headers["content-type"] == "text/event-stream"
    kept = trace(gateway, found)
    assert (kept["stream"], kept["usage"], kept["cost"]) == (True, {"input": 3, "output": 4}, 7000)


def test_a_stream_that_breaks_says_so_and_never_ends_well(gateway: Gateway, upstreams):
    upstreams[1].answer = chunked([b'data: {"a": 1}\n\n'], "content-type: text/event-stream", end=False)
    found = asked(gateway, "GET /v1/responses/resp_1?stream=true")
    assert found.body.startswith(b'data: {"a": 1}\n\n')
    assert b"upstream_stream_cut" in found.body
    assert trace(gateway, found)["outcome"] == "upstream_stream_cut"


def test_a_file_that_breaks_off_does_not_look_whole(gateway: Gateway, upstreams):
    upstreams[1].answer = answer(b"x" * 2_000_000, "content-type: application/octet-stream", length=3_000_000)
    with Wire(gateway.url) as wire:
        wire.send(
            f"GET /v1/files/f/content HTTP/1.1\r\nhost: {wire.name}\r\nauthorization: Bearer {KEY}\r\n\r\n".encode()
        )
        found = wire.read()
        assert found is not None
        assert found.headers["content-length"] == "3000000"
        assert len(found.body) < 3_000_000
        assert wire.closed()
    assert trace(gateway, found)["outcome"] == "upstream_stream_cut"


def test_sound_of_unknown_length_that_breaks_off_is_told_by_its_trace(gateway: Gateway, upstreams):
    upstreams[1].answer = chunked([b"x" * 70_000], "content-type: audio/mpeg", end=False)
    found = asked(gateway, "POST /v1/audio/speech", b"{}", "content-type: application/json")
    assert found.body == b"x" * 70_000
    assert trace(gateway, found)["outcome"] == "upstream_stream_cut"


def test_when_the_client_leaves_the_provider_is_stopped(gateway: Gateway, upstreams):
    upstreams[1].answer = chunked([b"data: 1\n\n"], "content-type: text/event-stream", end=False)
    upstreams[1].hangs = True
    with Wire(gateway.url) as wire:
        wire.send(f"GET /v1/videos HTTP/1.1\r\nhost: {wire.name}\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
        assert b"200 OK" in wire.more()
    assert upstreams[1].gone.wait(40)


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "429 Too Many Requests", "503 Unavailable"])
def test_the_providers_errors_arrive_as_they_are(gateway: Gateway, upstreams, status: str):
    upstreams[1].answer = json_answer(b'{"error" : {"message":"no"}}', "retry-after: 7", status=status)
    found = asked(gateway, "POST /v1/vector_stores", b"{}", "content-type: application/json")
    assert found.status == int(status[:3])
    assert found.body == b'{"error" : {"message":"no"}}'
    assert found.headers["retry-after"] == "7"
    kept = trace(gateway, found)
    assert (kept["outcome"], kept["status"], kept["cost"]) == ("upstream_error", int(status[:3]), 0)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "302 Found", "307 Temporary Redirect"])
def test_what_is_between_us_and_the_provider_is_a_502(gateway: Gateway, upstreams, status: str):
    upstreams[0].answer = json_answer(b'{"error": {"message": "bad key"}}', "location: http://x.test/", status=status)
    found = asked(gateway, "GET /v1/files", b"", "x-mesh-provider: first")
    assert found.status == 502
    assert SECRET not in found.body.decode()
    assert trace(gateway, found)["status"] == 502


@pytest.mark.parametrize(
    ("path", "scheme"),
    [("/v1/files/../../x", ""), ("/v1/files/%2e%2e/%2E./x", ""), ("/v1/files/..%2f..%2fx", ""), ("/v1/files//x", ""),
     ("/v1/files/a%5C..%5Cb", ""), ("/v1/files/a%0d%0ax:y", ""), ("/v1/files/%00", ""), ("/v1/files/./x", ""),
     ("/v1/files/..;/x", ""), ("/v1/files/a%2f..", "")],
)  # fmt: skip
def test_no_path_leads_out_of_the_providers_address(gateway: Gateway, upstreams, path: str, scheme: str):
    found = asked(gateway, f"GET {path}")
    assert found.status == 400
    assert upstreams[0].got == upstreams[1].got == []


def test_what_looks_like_an_address_is_a_segment(gateway: Gateway, upstreams):
    port = upstreams[1].port
    asked(gateway, "GET /v1/files/http:%2F%2fevil.test")
    asked(gateway, "GET /v1/files/@evil.test")
    asked(gateway, "GET /v1/files/a%252e%252e%3Fq%23f")
    asked(gateway, "GET /v1/files/%C3%A9?x=//evil.test/..")
    assert [got.line.split(" ")[1] for got in upstreams[1].got] == [
        "/v1/files/@evil.test", "/v1/files/a%252e%252e%3Fq%23f", "/v1/files/%C3%A9?x=//evil.test/.."
    ]  # fmt: skip
    assert {got.headers["host"] for got in upstreams[1].got} == {f"127.0.0.1:{port}"}


def test_an_absolute_request_line_is_not_followed(gateway: Gateway, upstreams):
    found = asked(gateway, "GET http://evil.test/v1/files")
    assert found.status in (200, 400)
    for got in upstreams[1].got:
        assert got.line == "GET /v1/files HTTP/1.1"
        assert got.headers["host"] == f"127.0.0.1:{upstreams[1].port}"
