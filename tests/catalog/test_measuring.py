"""Sizes and lengths are read from headers; headers that lie, are cut short or are no headers tell nothing."""

from __future__ import annotations

import math
import struct
import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.catalog.media import document, film, picture, sound
from meshwright.catalog.media.window import Window


def packed(data: bytes) -> str:
    return b64encode(data).decode()


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0) + b"rest"


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + before + frame + b"\xff\xda\x00\x08" + bytes(100)


def segment(marker: int, size: int) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", size + 2) + bytes(size)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 100) + b"WEBP" + kind + struct.pack("<I", len(body)) + body + bytes(20)


LOSSLESS = b"\x2f" + struct.pack("<I", 639 | 479 << 14)
LOSSY = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 640, 480)
EXTENDED = bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
PICTURES = {
    "png": png(640, 480),
    "gif": b"GIF89a" + struct.pack("<HH", 640, 480) + bytes(20),
    "jpeg": jpeg(640, 480),
    "jpeg with a preview in a profile": jpeg(640, 480, segment(0xE1, 60_000) + segment(0xE2, 65_000) + b"\xff\xff"),
    "webp": webp(b"VP8 ", LOSSY),
    "webp without loss": webp(b"VP8L", LOSSLESS),
    "webp with more": webp(b"VP8X", EXTENDED),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_tells_its_size(kind: str):
    assert picture.size(packed(PICTURES[kind])) == (640, 480)


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_that_is_cut_short_tells_nothing_or_the_truth(kind: str):
    whole = PICTURES[kind]
    for size in range(min(len(whole), 200)):
        assert picture.size(packed(whole[:size])) in (None, (640, 480))


LIES = {
    "nothing": b"",
    "no picture": b"hello world",
    "no width": png(0, 480),
    "larger than life": png(2**31 - 1, 2**31 - 1),
    "a longer side": png(65_536, 10),
    "a segment without end": b"\xff\xd8" + b"\xff\xe1\x00\x00" * 50,
    "segments without number": b"\xff\xd8" + segment(0xE1, 1) * 5_000,
    "a scan before a frame": b"\xff\xd8\xff\xda\x00\x08" + jpeg(640, 480),
    "fillers": b"\xff\xd8" + b"\xff" * 100_000,
    "only its name": b"RIFF\x00\x00\x00\x00WEBP",
}


@pytest.mark.parametrize("kind", LIES)
def test_headers_that_lie_tell_nothing(kind: str):
    assert picture.size(packed(LIES[kind])) is None


@given(st.text(max_size=400))
def test_what_is_no_base64_tells_nothing_and_raises_nothing(text: str):
    for look in (picture.size, sound.seconds, film.seconds, document.pages):
        look(text)
        look(packed(b"\xff\xd8")[:3] + text)


@given(st.binary(max_size=600), st.sampled_from([b"", b"RIFF", b"ID3", b"\xff\xfb", b"fLaC", b"%PDF-1.7", b"\xff\xd8"]))
def test_any_bytes_are_looked_at_without_harm(data: bytes, head: bytes):
    text = packed(head + data)
    for look in (picture.size, sound.seconds, film.seconds, document.pages):
        found = look(text)
        assert found is None or found


@given(st.binary(min_size=1, max_size=300), st.integers(0, 320), st.integers(0, 320))
def test_a_window_shows_the_bytes_of_its_place(data: bytes, start: int, size: int):
    window = Window(packed(data))
    assert window.size == len(data)
    assert window.at(start, size) == data[start : start + size]


def wave(rate: int, size: int, told: int | None = None, before: bytes = b"") -> bytes:
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate // 2, rate, 2, 16)
    told = size if told is None else told
    return b"RIFF\x00\x00\x00\x00WAVE" + before + head + struct.pack("<4sI", b"data", told) + bytes(size)


def test_a_wave_tells_its_length_and_one_that_lies_lasts_as_long_as_its_bytes():
    assert sound.seconds(packed(wave(16_000, 48_000))) == 3
    assert sound.seconds(packed(wave(16_000, 48_000, told=2**32 - 1))) == 3
    assert sound.seconds(packed(wave(16_000, 16_000, before=struct.pack("<4sI", b"LIST", 10) + bytes(10)))) == 1
    assert sound.seconds(packed(wave(0, 16_000))) is None


def test_an_mp3_goes_by_its_number_of_frames_or_by_the_rate_of_the_first():
    frame = bytes((0xFF, 0xFB, 0x90, 0xC0))  # MPEG-1 layer III, 128 kbit/s, 44,100 Hz, mono
    body = frame + bytes(16_000 * 2 - 4)
    assert sound.seconds(packed(body)) == pytest.approx(2.0)
    tag = bytes(17) + b"Xing" + struct.pack(">II", 1, 383)
    assert sound.seconds(packed(frame + tag + bytes(16_000 * 10))) == pytest.approx(383 * 1152 / 44_100)
    id3 = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)
    assert sound.seconds(packed(id3 + body)) == pytest.approx(2.0)
    lie = bytes(17) + b"Xing" + struct.pack(">II", 1, 2**32 - 1)
    assert sound.seconds(packed(frame + lie + bytes(1000))) is None


def test_a_flac_and_bare_samples_tell_their_length():
    info = (44_100 << 44 | 1 << 41 | 15 << 36 | 88_200).to_bytes(8, "big")
    assert sound.seconds(packed(b"fLaC\x00\x00\x00\x22" + bytes(10) + info + bytes(40_000))) == 2
    assert sound.seconds(packed(bytes(96_000)), "pcm16") == 2


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def test_a_film_tells_its_length_wherever_its_head_stands():
    mvhd = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, 12_500) + bytes(80))
    moov = box(b"moov", mvhd + box(b"trak", bytes(50)))
    start = box(b"ftyp", b"isom" + bytes(8))
    assert film.seconds(packed(start + moov + box(b"mdat", bytes(5000)))) == 12.5
    assert film.seconds(packed(start + box(b"mdat", bytes(5000)) + moov)) == 12.5
    assert film.seconds(packed(start + box(b"mdat", bytes(5000)))) is None
    forever = box(b"moov", box(b"mvhd", bytes(12) + struct.pack(">II", 1, 2**32 - 1)))
    assert film.seconds(packed(start + forever)) is None
    assert film.seconds(packed(start + struct.pack(">I4s", 1, b"free") + bytes(8) * 3)) is None


def pdf(tree: bytes, more: int = 3_000) -> bytes:
    return b"%PDF-1.7\n1 0 obj\n" + tree + b"\nendobj\n" + bytes(more) + b"\ntrailer\n%%EOF"


def test_a_pdf_tells_its_pages_in_each_of_the_places_where_it_may():
    assert document.pages(packed(pdf(b"<< /Type /Pages /Kids [3 0 R] /Count 12 >>"))) == 12
    nested = b"<</Count 4/Type/Pages/Kids[]>> <</Type/Pages/Parent 1 0 R/Count 2>>"
    assert document.pages(packed(pdf(nested))) == 4
    assert document.pages(packed(b"%PDF-1.4\n<< /Linearized 1 /L 90000 /H [ 1 2 ] /N 7 /T 3 >>" + bytes(9_000))) == 7
    inner = zlib.compress(b"2 0 3 70 << /Type /Catalog >> << /Type /Pages /Count 9 /Kids [] >>")
    stream = b"<< /Type /ObjStm /N 2 /First 8 /Length 60 /Filter /FlateDecode >>\nstream\n" + inner + b"\nendstream"
    assert document.pages(packed(pdf(stream))) == 9
    assert document.pages(packed(pdf(b"<< /Type /Page >> << /Type /Page /Parent 1 0 R >>"))) == 2


def test_a_pdf_that_does_not_tell_or_lies_has_an_unknown_number_of_pages():
    assert document.pages(packed(pdf(b"<< >>"))) is None
    assert document.pages(packed(pdf(b"<< /Type /Pages /Count 99999 >>"))) is None
    assert document.pages(packed(pdf(b"<< /Type /Pages /Count 0 >>"))) is None
    assert document.pages(packed(b"no document /Type /Pages /Count 3")) is None
    bomb = zlib.compress(b" " * 30_000_000 + b"/Type /Pages /Count 9")
    stream = b"<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + bomb
    assert document.pages(packed(pdf(stream))) is None


def test_a_large_pdf_is_looked_at_from_both_ends_only():
    large = pdf(b"<< >>", 4_000_000) + b"<< /Type /Pages /Count 31 >>"
    assert document.pages(packed(large)) == 31
    hidden = bytes(2_000_000)
    assert document.pages(packed(b"%PDF-1.7" + hidden + b"<< /Type /Pages /Count 31 >>" + hidden)) is None


def test_what_is_told_is_a_number_that_can_be_reckoned_with():
    for data in (*PICTURES.values(), wave(16_000, 10), pdf(b"<< /Type /Pages /Count 1 >>")):
        found = sound.seconds(packed(data))
        assert found is None or math.isfinite(found)


CROWD = b"<<" + b"/Type /Pagesx" * 60 + b"/Count 7 " * 110 + b"/Type /Pagesx" * 60 + b">>"
CROWDED = b"<</Type /ObjStm>>stream\n" + zlib.compress(CROWD * 64) + b"\nendstream\n"


@pytest.mark.parametrize(
    "body",
    [
        b"/Type /Pages " * 60_000,
        b"/Count 1 " * 90_000,
        b"/Type /ObjStm " * 60_000,
        b"/Type" + b" " * 800_000,
        CROWD * 400,
        CROWDED * 20,
    ],
    ids=["nodes", "counts", "streams", "blanks", "crowds", "crowded streams"],
)
def test_a_pdf_that_is_made_to_be_searched_for_long_is_searched_briefly(body: bytes):
    assert document.pages(packed(b"%PDF-1.7\n" + body)) is None
