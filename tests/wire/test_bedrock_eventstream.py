"""Frames of the binary event stream are those of AWS's own client, however they are cut, and damage is seen."""

from __future__ import annotations

import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from meshwright.types.errors import UpstreamProtocol
from meshwright.wire.bedrock_converse.eventstream import MAX_HEADERS, MAX_PAYLOAD, FrameCutter, event, exception, frame
from tests.wire.strategies import splits

names = st.text(min_size=1, max_size=20).filter(lambda name: len(name.encode()) < 256)
headers = st.dictionaries(names, st.text(max_size=40), max_size=4)
frames = st.lists(st.tuples(headers, st.binary(max_size=80)), max_size=4)
# Every type of header that the specification has: its byte, a value, its encoding.
KINDS = [
    (0, True, b""),
    (1, False, b""),
    (2, -3, struct.pack(">b", -3)),
    (3, 300, struct.pack(">h", 300)),
    (4, 70000, struct.pack(">i", 70000)),
    (5, 2**40, struct.pack(">q", 2**40)),
    (6, b"\x00\x01", b"\x00\x02\x00\x01"),
    (7, "text", b"\x00\x04text"),
    (8, 1700000000000, struct.pack(">q", 1700000000000)),
    (9, b"u" * 16, b"u" * 16),
]


def framed(head: bytes, payload: bytes) -> bytes:
    lengths = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    whole = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def test_the_frame_of_the_documentation_is_read() -> None:
    # https://github.com/awslabs/aws-c-event-stream: a frame of 61 bytes with one header.
    wire = bytes.fromhex(
        "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
        "7b27666f6f273a27626172277d8d9c08b1"
    )
    (found,), whole = FrameCutter().feed(wire)
    assert (found.headers, found.payload, whole) == ({"content-type": "application/json"}, b"{'foo':'bar'}", wire)
    assert frame((("content-type", "application/json"),), b"{'foo':'bar'}") == wire


@given(frames)
def test_the_official_client_reads_our_frames(made: list[tuple[dict[str, str], bytes]]) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(frame(head.items(), payload) for head, payload in made))
    assert [(one.headers, one.payload) for one in buffer] == made


@given(frames, st.lists(st.integers(0, 10**6), max_size=6))
def test_frames_are_the_same_however_they_are_cut(made: list[tuple[dict[str, str], bytes]], cuts: list[int]) -> None:
    wire = b"".join(frame(head.items(), payload) for head, payload in made)
    cutter, found, passed = FrameCutter(), [], b""
    for piece in splits(wire, cuts):
        whole, done = cutter.feed(piece)
        found += whole
        passed += done
    assert [(one.headers, one.payload) for one in found] == made
    assert (passed, cutter.rest) == (wire, b"")


@pytest.mark.parametrize(("kind", "value", "encoded"), KINDS)
def test_headers_of_every_type_are_read_and_text_is_kept(kind: int, value: object, encoded: bytes) -> None:
    head = b"\x01a" + bytes((kind,)) + encoded + b"\x01b\x07\x00\x01x"
    (found,), _ = FrameCutter().feed(framed(head, b"p"))
    assert found.headers == ({"a": value, "b": "x"} if kind == 7 else {"b": "x"})
    buffer = EventStreamBuffer()
    buffer.add_data(framed(head, b"p"))
    assert next(iter(buffer)).headers == {"a": value, "b": "x"}


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_is_seen(place: int, change: int) -> None:
    wire = bytearray(event("contentBlockDelta", b'{"delta":{"text":"a"},"contentBlockIndex":0}'))
    wire[place % len(wire)] ^= change
    with pytest.raises(UpstreamProtocol):
        FrameCutter().feed(bytes(wire))


@pytest.mark.parametrize(
    "head",
    [
        b"\x01a",  # no value
        b"\x01a\x0a",  # no such type
        b"\x01a\x07\x00\x09abc",  # shorter than it says
        b"\x01a\x07\x00\x02\xff\xfe",  # not UTF-8
        b"\x01a\x00\x01a\x01",  # twice
        b"\x00\x00",  # no name
        b"\x01a\x05\x00",  # half a number
    ],
)
def test_malformed_headers_are_refused(head: bytes) -> None:
    with pytest.raises(UpstreamProtocol):
        FrameCutter().feed(framed(head, b""))


@pytest.mark.parametrize(
    ("total", "of_headers"), [(MAX_PAYLOAD + 17, 0), (MAX_HEADERS + 100, MAX_HEADERS + 1), (15, 0), (40, 30)]
)
def test_a_frame_over_the_limits_is_refused_by_its_lengths_alone(total: int, of_headers: int) -> None:
    lengths = struct.pack(">II", total, of_headers)
    with pytest.raises(UpstreamProtocol):
        FrameCutter().feed(lengths + struct.pack(">I", zlib.crc32(lengths)))


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes_are_frames_or_refused(pieces: list[bytes]) -> None:
    cutter = FrameCutter()
    try:
        for piece in pieces:
            cutter.feed(piece)
    except UpstreamProtocol:
        return
    assert len(cutter.rest) < 12


def test_an_exception_says_so_in_its_head() -> None:
    (found,), _ = FrameCutter().feed(exception("throttlingException", b'{"message":"slow down"}'))
    assert (found.kind, found.name) == ("exception", "throttlingException")


def test_a_header_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        frame((("a" * 300, "b"),), b"")
