"""Whatever is sent as a body: a clear error in the client's dialect, and the same healthy process afterwards."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.gateway import Gateway
from tests.server.raw import Told, Wire, ask, post

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
COUNT = "/v1/messages/count_tokens"
HI = [{"role": "user", "content": "hi"}]
GOOD: dict[str, dict[str, Any]] = {
    CHAT: {"model": "builtin/echo", "messages": HI},
    RESPONSES: {"model": "builtin/echo", "input": "hi"},
    MESSAGES: {"model": "builtin/echo", "max_tokens": 50, "messages": HI},
    COUNT: {"model": "builtin/echo", "messages": HI},
}
paths = pytest.mark.parametrize("path", GOOD)
asking = pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])


def with_raw(path: str, member: str, raw: bytes) -> bytes:
    """A good body with one member whose value is exactly those bytes."""
    return json.dumps({**GOOD[path], member: "\x01"}).encode().replace(rb'"\u0001"', raw)


def message(told: Told | None, path: str, status: int) -> str:
    """The error's message, after checking that everything about it has its dialect's shape."""
    assert told is not None
    assert told.status == status, told
    assert told.headers["content-type"] == "application/json"
    body = told.json()
    if path in (MESSAGES, COUNT):
        assert body["type"] == "error"
    assert isinstance(body["error"]["type"], str)
    said = body["error"]["message"]
    assert isinstance(said, str)
    assert 10 < len(said) < 700
    return said


BROKEN = {
    "nothing": b"",
    "white space": b" \r\n\t ",
    "half": b'{"model": "builtin/ec',
    "number": b"1",
    "text": b'"model"',
    "list": b"[]",
    "null": b"null",
    "empty object": b"{}",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"model":"a"}'.encode("utf-16"),
    "two objects": b"{}{}",
    "NUL behind": b"{}\x00",
    "lists without end": b"[" * 100_000,
    "form": b"model=auto&messages=hi",
    "HTML": b"<html></html>",
    "comments": b'{"model": "auto" /* hm */}',
    "single quotes": b"{'model': 'auto'}",
    "random": bytes(range(256)),
}


@paths
@pytest.mark.parametrize("case", BROKEN)
def test_what_is_not_a_request_is_refused_with_words(plain: Gateway, path: str, case: str):
    message(post(plain.url, path, BROKEN[case]), path, 400)


@paths
@pytest.mark.parametrize("wrong", [b"0", b"-1.5", b"true", b"null", b'""', b'"x"', b"[]", b"[0]", b"{}", b'{"a":[]}'])
def test_members_of_the_wrong_type_are_refused_or_harmless(plain: Gateway, path: str, wrong: bytes):
    members = [
        "model", "messages", "input", "max_tokens", "max_completion_tokens", "max_output_tokens", "temperature",
        "stream", "stop", "stop_sequences", "tools", "tool_choice", "response_format", "text", "system", "instructions",
        "metadata", "seed", "n", "logprobs", "stream_options", "thinking", "reasoning", "reasoning_effort",
    ]  # fmt: skip
    with Wire(plain.url) as wire:
        for member in members:
            wire.post(path, with_raw(path, member, wrong))
            told = wire.read()
            assert told is not None
            assert told.status in (200, 400, 404, 422, 503), (member, told)
            if told.status in (400, 404):
                message(told, path, told.status)


@asking
@pytest.mark.parametrize("part", ["0", '"x"', "null", "{}", "[]", '{"role":0}', '{"role":"user","content":{}}',
                                  '{"role":"user","content":[0]}', '{"role":"tool"}'])  # fmt: skip
def test_messages_of_the_wrong_shape_are_refused_with_their_place(plain: Gateway, path: str, part: str):
    member = "input" if path == RESPONSES else "messages"
    told = post(plain.url, path, with_raw(path, member, f"[{part}]".encode()))
    assert member in message(told, path, 400)


@asking
@pytest.mark.parametrize("kind", ["nonsense", "image_url", "document"])
def test_content_that_the_model_cannot_read_is_no_fault_of_the_gateway(plain: Gateway, path: str, kind: str):
    member = "input" if path == RESPONSES else "messages"
    told = post(plain.url, path, with_raw(path, member, b'[{"role":"user","content":[{"type":"%s"}]}]' % kind.encode()))
    assert told is not None
    message(told, path, 422 if told.status == 422 else 400)


@paths
@pytest.mark.parametrize("raw", [b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf5\x80\x80\x80"'])
def test_text_that_is_not_utf8_is_refused_where_it_stands(plain: Gateway, path: str, raw: bytes):
    for member in ("model", "an_unknown_member"):
        assert "UTF-8 at byte" in message(post(plain.url, path, with_raw(path, member, raw)), path, 400)


@paths
@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"01", b"+1", b".5", b"0x1", b"1_0"])
def test_numbers_that_json_does_not_have_are_refused(plain: Gateway, path: str, raw: bytes):
    message(post(plain.url, path, with_raw(path, "temperature", raw)), path, 400)


@asking
@pytest.mark.parametrize("digits", [19, 20, 400, 100_000])
def test_numbers_larger_than_anything_do_not_fell_it(plain: Gateway, path: str, digits: int):
    for member in ("max_tokens", "max_completion_tokens", "max_output_tokens", "seed", "temperature", "n"):
        told = post(plain.url, path, with_raw(path, member, b"9" * digits))
        assert told is not None
        assert told.status in (200, 400, 503), (member, told)


@paths
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_without_end_is_refused(plain: Gateway, path: str, opening: bytes):
    closing = (b"]" if opening == b"[" else b"}") * 100_000
    told = post(plain.url, path, with_raw(path, "an_unknown_member", opening * 100_000 + b"0" + closing))
    assert "nests too deeply" in message(told, path, 413)


@asking
def test_of_repeated_members_the_last_is_what_is_checked_and_done(plain: Gateway, path: str):
    body = json.dumps(GOOD[path]).encode()
    told = post(plain.url, path, body.replace(b'"model"', b'"model": "nobody/knows", "model"', 1))
    assert told is not None
    assert told.headers["x-mesh-model"] == "builtin/echo"
    told = post(plain.url, path, body[:-1] + b', "model": "nobody/knows"}')
    assert "nobody/knows" in message(told, path, 404)


@asking
@pytest.mark.parametrize(
    "name", ["nobody/knows", "", " ", "\x00", "a\r\nx-evil: 1", "\u202e", "é", "../../etc/passwd", "{{7*7}}",
             "a" * 1_000_000, "openai/" + "a" * 1_000_000, "openai/a\r\nb", "route/none", "builtin/", "/", "auto:none"],
    ids=lambda name: repr(name[:20]),
)  # fmt: skip
def test_models_that_nobody_knows_are_named_in_the_error(plain: Gateway, path: str, name: str):
    told = post(plain.url, path, json.dumps({**GOOD[path], "model": name}).encode())
    assert told is not None
    message(told, path, 400 if told.status == 400 and not name else 404)
    assert "x-evil" not in told.headers


@paths
def test_a_compressed_body_is_refused_by_its_header(plain: Gateway, path: str):
    body = gzip.compress(json.dumps(GOOD[path]).encode())
    assert "content coding 'gzip'" in message(post(plain.url, path, body, "content-encoding: gzip"), path, 400)
    told = post(plain.url, path, json.dumps(GOOD[path]).encode(), "content-encoding: identity")
    assert told is not None
    assert told.status == 200


@paths
def test_eighty_megabytes_are_refused_before_they_are_read(plain: Gateway, path: str):
    body = b"x" * 80_000_000
    assert "65536 KiB" in message(post(plain.url, path, body), path, 413)
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{len(body):x}\r\n".encode()
    assert "max_body_mb" in message(ask(plain.url, head + body + b"\r\n0\r\n\r\n"), path, 413)


def test_a_client_that_asks_first_is_told_before_it_sends(plain: Gateway):
    head = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: "
    with Wire(plain.url) as wire:
        wire.send(f"{head}80000000\r\n\r\n".encode())
        message(wire.read(), CHAT, 413)
    body = json.dumps(GOOD[CHAT]).encode()
    with Wire(plain.url) as wire:
        wire.send(f"{head}{len(body)}\r\n\r\n".encode())
        told = wire.read()
        assert told is not None
        assert told.status == 100
        wire.send(body)
        told = wire.read()
        assert told is not None
        assert told.status == 200


@paths
def test_a_body_that_is_shorter_than_its_length_is_never_taken_for_whole(plain: Gateway, path: str):
    body = json.dumps(GOOD[path]).encode()
    with Wire(plain.url) as wire:
        wire.send(f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body) + 1}\r\n\r\n".encode() + body)
        wire.half_close()
        assert "before its content-length" in message(wire.read(), path, 400)


def test_a_body_that_is_longer_than_its_length_ends_the_connection(plain: Gateway):
    body = json.dumps(GOOD[CHAT]).encode()
    with Wire(plain.url) as wire:
        wire.send(f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body * 2)
        first, second = wire.read(), wire.read()
        assert first is not None
        assert first.status == 200
        assert second is None or second.status == 400


@pytest.mark.parametrize("length", ["-1", "0x10", "1e3", "9" * 30, "5, 6", "5\r\ncontent-length: 6", "+5", ""])
def test_lengths_that_are_no_numbers_are_refused(plain: Gateway, length: str):
    told = ask(plain.url, f"POST {CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{{}}".encode())
    assert told is not None
    assert told.status == 400


@pytest.mark.parametrize("chunks", ["zz\r\n", "-1\r\n{}\r\n0\r\n\r\n", "2\r\n{}0\r\n\r\n", "f" * 20 + "\r\n{}\r\n"])
def test_chunks_that_are_none_are_refused(plain: Gateway, chunks: str):
    told = ask(plain.url, f"POST {CHAT} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}".encode())
    assert told is not None
    assert told.status in (400, 403)


def test_a_connection_cut_in_mid_body_leaves_nothing_behind(plain: Gateway):
    for _ in range(20):
        with Wire(plain.url) as wire:
            wire.send(f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{{".encode())
    assert plain.chat("1 + 1")[0] == 200
    assert "mesh_requests_under_way 1\n" in plain.call("/metrics")[2].decode()


@pytest.mark.parametrize(
    "path",
    ["/v1/responses/input_tokens", "/v1/route", "/v1/feedback", "/admin/v1/leases/x/free", "/v1/embeddings",
     "/v1/images/generations", "/v1/conversations", "/v1/rerank", "/v1/batches", "/v1/completions", "/v1/quote",
     "/v2/embed"],
)  # fmt: skip
@pytest.mark.parametrize("raw", [b'"\xff\xfe"', b"[" * 100_000, b'"\xed\xa0\x80"'])
@pytest.mark.parametrize("member", ["model", "an_unknown_member", "id", "metadata"])
def test_no_endpoint_falls_over_a_body_that_cannot_be_read(plain: Gateway, path: str, raw: bytes, member: str):
    told = post(plain.url, path, b'{"%s":%s}' % (member.encode(), raw))
    assert told is not None
    assert told.status < 500, told
