"""Each fault does on the wire what its sentence says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import msgspec
import pytest
import uvloop

from meshwright.sim import FAULTS, Fault, Rule, Say, Sim, Upstream
from meshwright.types.errors import ConfigError
from meshwright.wire import CODECS
from meshwright.wire.sse import events
from tests.sim.raw import Wire, ask

DIALECTS: dict[str, dict[str, object]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "tell me of the sea"}]},
    "openai_responses": {"model": "m", "input": "tell me of the sea"},
    "anthropic_messages": {
        "model": "m",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "tell me of the sea"}],
    },
}
MARKS = {
    "openai_chat": b"data: [DONE]",
    "anthropic_messages": b"message_stop",
    "openai_responses": b"response.completed",
}


def question(dialect: str, *, stream: bool) -> bytes:
    return msgspec.json.encode({**DIALECTS[dialect], "stream": stream})


async def met(name: str, dialect: str, *, stream: bool, silence: float | None = None, **fields) -> tuple[Wire, Wire]:
    """What a client meets with a fault, and without it."""
    upstreams = [
        Upstream(name="up", dialect=dialect, faults=(Fault(name, **fields),)),
        Upstream(name="fine", dialect=dialect, script=(Rule(say=Say(text="up heard 5 words: tell me of the sea")),)),
    ]
    path = CODECS[dialect].path
    async with Sim(upstreams) as sim:
        body = question(dialect, stream=stream)
        spoiled = await ask(sim.url("up") + path, body, silence=silence)
        (seen,) = sim.seen("up")
        assert seen.fault == name
        assert (await seen.over()).sent == len(spoiled.data)
        return spoiled, await ask(sim.url("fine") + path, body)


STATUSES = {
    "status_400": 400, "status_401": 401, "status_403": 403, "status_404": 404, "status_408": 408, "status_429": 429,
    "insufficient_quota": 429, "status_500": 500, "status_502": 502, "status_503": 503, "status_504": 504,
    "status_529": 529, "context_length": 400, "content_filter": 400,
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", STATUSES)
async def test_a_status_comes_with_the_dialects_own_error_body(name: str, dialect: str):
    wire, _ = await met(name, dialect, stream=True)
    assert (wire.status, wire.end, wire.complete) == (STATUSES[name], "fin", True)
    error = CODECS[dialect].decode_error(wire.status, wire.body, None)
    assert error.upstream_status == STATUSES[name]
    assert msgspec.json.decode(wire.body)["error"]["message"] == error.message
    if name == "context_length":
        words = "prompt is too long" if dialect == "anthropic_messages" else "maximum context length"
        assert words in error.message


async def test_a_rate_limit_says_how_long_to_wait():
    wire, _ = await met("status_429", "openai_chat", stream=False)
    assert b"\r\nretry-after: 1\r\n" in wire.head + b"\r\n"
    wire, _ = await met("status_429", "openai_chat", stream=False, retry_after=2.5)
    assert b"\r\nretry-after: 2.5\r\n" in wire.head + b"\r\n"


def ends(body: bytes, mark: bytes) -> bool:
    """Whether the last event (or the body, if it is no stream) holds the mark that ends it."""
    last = re.split(rb"\r?\n\r?\n", body.rstrip())[-1]
    return last.endswith(mark) if mark == b"}" else mark in last


def nothing_came(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.data == b""


def half_came(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.status == 200
    assert masked(fine.body).startswith(masked(wire.body)[:200])
    assert 0 < len(wire.body) < len(fine.body)
    assert not wire.complete


def broken_framing(wire: Wire, fine: Wire, end: bytes) -> None:
    half_came(wire, fine, end)
    if b"chunked" in wire.head:
        assert wire.data.endswith(b"zz\r\nnot a chunk\r\n")


def all_came(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    assert shape(wire.body) == shape(fine.body)
    assert ends(wire.body, end)


def no_end(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete or b"chunked" not in fine.head
    assert not ends(wire.body, end)
    if b"chunked" in wire.head:
        assert wire.body.endswith(b"\n\n")


def cut_at_the_end(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.status == 200
    assert len(wire.body) < len(fine.body)
    assert not ends(wire.body, end)
    assert not wire.complete


def cut_event(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    assert len(wire.body) < len(fine.body)
    assert not wire.body.endswith(b"\n\n")


def error_told(wire: Wire, fine: Wire, end: bytes) -> None:
    assert (wire.status, wire.complete) == (200, True)
    assert b"overloaded" in wire.body.split(b"\n\n")[-2 if b"chunked" in wire.head else -1]
    assert not ends(wire.body, end) or end == b"}"


def broken_json(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    datas = [data for _, data in events(wire.body) if data != b"[DONE]"] if b"chunked" in wire.head else [wire.body]
    broken = []
    for data in datas:
        try:
            msgspec.json.decode(data)
        except msgspec.DecodeError:
            broken.append(data)
    assert len(broken) == 1


def extra_event(wire: Wire, fine: Wire, end: bytes) -> None:
    if b"chunked" not in wire.head:
        all_came(wire, fine, end)
        return
    all_there = [data for _, data in events(wire.body) if not data.endswith(b":")]
    assert shape(b"".join(b"data: " + data + b"\n\n" for data in all_there)) == shape(fine.body)
    assert len(all_there) + 1 == len(events(wire.body))
    broken_json(wire, fine, end)


def bad_event(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    assert (b"data: <<<\n\n" in wire.body) == (b"chunked" in wire.head)


def bad_utf8(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    with pytest.raises(UnicodeDecodeError):
        wire.body.decode()


def plain_text(wire: Wire, fine: Wire, end: bytes) -> None:
    all_came(wire, fine, end)
    assert b"content-type: text/plain" in wire.head


def a_page(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    assert b"content-type: text/html" in wire.head
    assert wire.body.startswith(b"<!DOCTYPE html>")


def empty(wire: Wire, fine: Wire, end: bytes) -> None:
    assert (wire.status, wire.body, wire.complete) == (200, b"", True)


def huge(wire: Wire, fine: Wire, end: bytes) -> None:
    assert (wire.status, wire.complete) == (200, True)
    assert len(wire.body) > 3_000_000


def elsewhere(wire: Wire, fine: Wire, end: bytes) -> None:
    assert (wire.status, wire.body) == (302, b"")
    assert b"location: http://169.254.169.254/" in wire.head


def twice(wire: Wire, fine: Wire, end: bytes) -> None:
    if b"chunked" in wire.head:
        told = events(wire.body)
        assert told[::2] == told[1::2]
        assert [masked(data) for _, data in told[::2]] == [masked(data) for _, data in events(fine.body)]


def disordered(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    assert (shape(wire.body) != shape(fine.body)) == (b"chunked" in wire.head)
    assert len(wire.body) == len(fine.body)


def commented(wire: Wire, fine: Wire, end: bytes) -> None:
    all_came(wire, fine, end)
    assert b"chunked" not in wire.head or wire.body.startswith(b": still working\n\n")


def carriage_returns(wire: Wire, fine: Wire, end: bytes) -> None:
    assert wire.complete
    assert shape(wire.body.replace(b"\r\n", b"\n")) == shape(fine.body)
    assert b"chunked" not in wire.head or wire.body.endswith(b"\r\n\r\n")


def masked(body: bytes) -> bytes:
    """Without what differs from call to call."""
    return re.sub(rb"[0-9a-f]{24,}", b"ID", body)


def shape(body: bytes) -> list[str]:
    """The events' words, without ids, or the length of a body that is no stream."""
    found = [str(len(body))] if not body.lstrip().startswith((b"data", b"event", b":")) else []
    for _, data in events(body):
        if data == b"[DONE]":
            found.append("end")
            continue
        found.append(masked(data).decode())
    return found


Check = Callable[[Wire, Wire, bytes], None]
BEHAVIOUR: dict[str, tuple[str, Check, dict]] = {
    "reset_before_head": ("rst", nothing_came, {}),
    "close_before_head": ("fin", nothing_came, {}),
    "reset_mid": ("rst", half_came, {}),
    "cut_mid": ("fin", half_came, {}),
    "stall_before_head": ("fin", all_came, {"seconds": 0.01}),
    "stall_after_head": ("fin", all_came, {"seconds": 0.01}),
    "stall_mid": ("fin", all_came, {"seconds": 0.01}),
    "stall_cut": ("fin", half_came, {"seconds": 0.01}),
    "slow_head": ("fin", all_came, {"seconds": 0.0}),
    "slow_stream": ("fin", all_came, {"seconds": 0.001}),
    "dribble": ("fin", all_came, {}),
    "truncated": ("fin", cut_event, {}),
    "no_end_mark": ("fin", no_end, {}),
    "cut_end": ("fin", cut_at_the_end, {}),
    "error_event": ("fin", error_told, {}),
    "malformed_json": ("fin", broken_json, {}),
    "broken_event": ("fin", extra_event, {}),
    "malformed_event": ("fin", bad_event, {}),
    "malformed_chunk": ("fin", broken_framing, {}),
    "invalid_utf8": ("fin", bad_utf8, {}),
    "wrong_content_type": ("fin", plain_text, {}),
    "html_page": ("fin", a_page, {}),
    "html_ok": ("fin", a_page, {}),
    "empty_body": ("fin", empty, {}),
    "huge_body": ("fin", huge, {"size": 3_000_000}),
    "redirect": ("fin", elsewhere, {}),
    "close_connection": ("fin", all_came, {}),
    "duplicate_events": ("fin", twice, {}),
    "disordered_events": ("fin", disordered, {}),
    "comments": ("fin", commented, {}),
    "crlf": ("fin", carriage_returns, {}),
}


def test_every_fault_is_tested_and_has_a_sentence():
    assert set(BEHAVIOUR) | set(STATUSES) == set(FAULTS)
    assert all(spoiler.sentence.endswith(".") for spoiler in FAULTS.values())


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", BEHAVIOUR)
async def test_a_fault_does_on_the_wire_what_it_says(name: str, dialect: str, stream: bool):
    end, check, fields = BEHAVIOUR[name]
    wire, fine = await met(name, dialect, stream=stream, **fields)
    assert wire.end == end
    check(wire, fine, MARKS[dialect] if stream else b"}")


@pytest.mark.parametrize(
    ("name", "came"),
    [("stall_before_head", b""), ("stall_after_head", b"HTTP/1.1 200 OK"), ("stall_mid", b"HTTP/1.1 200 OK")],
)
async def test_a_stall_lasts_until_the_client_goes(name: str, came: bytes):
    async with Sim([Upstream(name="up", faults=(name,))]) as sim:
        wire = await ask(sim.url("up") + "/chat/completions", question("openai_chat", stream=True), silence=0.2)
        assert wire.end == "open"
        assert wire.data[:15] == came
        seen = await sim.seen("up")[0].over()
        assert seen.cancelled
        assert seen.sent == len(wire.data)


async def test_a_connection_ends_without_a_word_after_so_many_answers():
    body = question("openai_chat", stream=False)
    async with Sim([Upstream(name="up", close_after=1), Upstream(name="bad", faults=("close_connection",))]) as sim:
        for name in ("up", "bad"):
            wire = await ask(sim.url(name) + "/chat/completions", body, keep=True)
            assert wire.end == "fin"
            assert wire.complete
            assert b"connection: close" not in wire.head


async def test_a_fault_is_chosen_by_header_model_name_call_count_or_chance():
    body = question("openai_chat", stream=False)
    named = body.replace(b'"m"', b'"m+fault:status_503"')
    upstreams = [
        Upstream(name="any", models=("m",)),
        Upstream(name="third", faults=(Fault("status_500", every=3),)),
        Upstream(name="second", faults=(Fault("status_500", calls=(2,)), Fault("status_503", calls=(3,)))),
        Upstream(name="chance", faults=(Fault("status_500", probability=0.5),), seed=5),
        Upstream(name="ruled", script=(Rule(text="sea", fault="status_500"),)),
    ]
    async with Sim(upstreams) as sim:

        async def statuses(name: str, count: int, body: bytes = body, **more) -> list[int]:
            return [(await ask(sim.url(name) + "/chat/completions", body, **more)).status for _ in range(count)]

        assert await statuses("any", 1, headers=(("X-Sim-Fault", "status_529"),)) == [529]
        assert await statuses("any", 1, named) == [503]
        request = sim.seen("any")[-1].request
        assert request is not None
        assert request.model == "m"
        assert await statuses("any", 1, headers=(("x-sim-fault", "nonsense"),)) == [400]
        assert await statuses("third", 6) == [200, 200, 500, 200, 200, 500]
        assert await statuses("second", 4) == [200, 500, 503, 200]
        assert await statuses("ruled", 1) == [500]
        assert set(await statuses("chance", 20)) == {200, 500}


def test_a_fault_or_dialect_that_does_not_exist_is_refused():
    for wrong in (Upstream(name="a", faults=("nonsense",)), Upstream(name="a", dialect="nonsense")):
        with pytest.raises(ConfigError):
            Sim([wrong])
    with pytest.raises(ConfigError):
        Sim([Upstream(name="a"), Upstream(name="a")])


async def test_a_client_that_leaves_in_mid_stream_is_seen():
    async with Sim([Upstream(name="up", tokens_per_second=20)]) as sim:
        wire = await ask(sim.url("up") + "/chat/completions", question("openai_chat", stream=True), silence=0.02)
        assert wire.end == "open"
        seen = await (await sim.asked("up")).over()
        assert seen.cancelled
        assert seen.request is not None
        assert seen.request.stream


async def test_bytes_that_are_not_http_are_refused_and_the_next_client_is_served():
    async with Sim([Upstream(name="up")]) as sim:
        port = int(sim.url("up").split(":")[2].split("/")[0])
        for nonsense in (b"hello\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()
        chunked = b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        body = question("openai_chat", stream=False)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


@pytest.mark.parametrize("name", ["reset_before_head", "reset_mid", "cut_mid", "slow_stream", "huge_body"])
def test_a_fault_is_the_same_on_uvloop(name: str):
    end, check, fields = BEHAVIOUR[name]
    wire, fine = uvloop.run(met(name, "openai_chat", stream=True, **fields))
    assert wire.end == end
    check(wire, fine, MARKS["openai_chat"])


async def test_a_stream_breaks_after_as_many_tokens_as_are_said():
    wire, _ = await met("cut_mid", "openai_chat", stream=True, after=2)
    words = [data for _, data in events(wire.body) if b'"content":"' in data]
    assert [word in b"".join(words) for word in (b"up", b"heard", b"words")] == [True, True, False]


async def test_a_fault_that_lasts_a_while_is_over_then():
    upstream = Upstream(name="up", faults=(Fault("status_503", until=0.2),))
    async with Sim([upstream]) as sim:
        body = question("openai_chat", stream=False)
        assert (await ask(sim.url("up") + "/chat/completions", body)).status == 503
        await asyncio.sleep(0.25)
        assert (await ask(sim.url("up") + "/chat/completions", body)).status == 200
