"""A picture, a document and a sound in the place of those that LangChain's suites fetch from the web."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from typing import Any, NamedTuple


class Fetched(NamedTuple):
    """What the suites read of an answer."""

    content: bytes


def get(url: str, **_: Any) -> Fetched:
    """The sample whose kind the address ends with."""
    return Fetched({".png": png, ".pdf": pdf, ".wav": wav}[url[-4:]]())


def png() -> bytes:
    """One grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def pdf() -> bytes:
    """One empty page."""
    return (
        b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )


def wav() -> bytes:
    """A hundredth of a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\x00\x00" * 80)
    return file.getvalue()
