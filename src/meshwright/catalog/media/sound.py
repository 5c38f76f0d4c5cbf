"""How long a sound is, in seconds, by its header.

Sources: RIFF/WAVE (Microsoft and IBM, 1991) for `fmt ` and `data`, FLAC (RFC 9639) section 8.2, and for MP3 the frame
header of ISO/IEC 11172-3 section 2.4.1.3, with the number of frames in the Xing or Info tag that encoders put into the
first one. Without that tag the rate of the first frame is taken for all.
"""

from __future__ import annotations

from meshwright.catalog.media.window import Window

PCM16 = 48_000
"""Bytes of a second of what dialects call pcm16: samples of two bytes, 24,000 a second."""
SLOWEST = 1_000
"""Bytes of a second below which no rate is believed: 8 kbit/s."""
MOST_CHUNKS = 100

# kbit/s of layer III by the four bits of the header: MPEG-1, and MPEG-2 and 2.5.
_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_SAMPLES = (44_100, 48_000, 32_000)


def seconds(data: str, form: str = "") -> float | None:
    """Its length; `form` names what has no header of its own. Never longer than its bytes can last."""
    window = Window(data)
    if form in ("pcm16", "pcm"):
        return window.size / PCM16
    head = window.at(0, 12)
    found = None
    if head.startswith((b"RIFF", b"RF64")) and head[8:] == b"WAVE":
        found = _wave(window)
    elif head.startswith(b"fLaC"):
        found = _flac(window)
    elif head.startswith(b"ID3") or head[:1] == b"\xff":
        found = _mpeg(window)
    if found is None or not 0 < found <= window.size / SLOWEST + 1:
        return None
    return found


def _wave(window: Window) -> float | None:
    place, rate = 12, 0
    for _ in range(MOST_CHUNKS):
        name, size = window.at(place, 4), window.number(place + 4, 4, "little")
        if size < 0:
            return None
        if name == b"fmt ":
            rate = window.number(place + 16, 4, "little")
        elif name == b"data":
            # What is written while it is recorded does not know its own length.
            return min(size, window.size - place - 8) / rate if rate > 0 else None
        place += 8 + size + size % 2
    return None


def _flac(window: Window) -> float | None:
    found = window.at(18, 8)
    if len(found) < 8:
        return None
    bits = int.from_bytes(found, "big")
    rate, samples = bits >> 44, bits & (1 << 36) - 1
    return samples / rate if rate and samples else None


def _mpeg(window: Window) -> float | None:
    start = 0
    if window.at(0, 3) == b"ID3":
        parts = window.at(6, 4)
        if len(parts) < 4:
            return None
        # Seven bits to a byte; the tag's own head is not counted.
        start = 10 + sum((byte & 0x7F) << 7 * (3 - at) for at, byte in enumerate(parts))
    head = window.at(start, 4)
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # the eleven bits of a frame, and layer III
        return None
    version, rate_at, samples_at = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate_at in (0, 15) or samples_at == 3:
        return None
    first = version == 3
    rate = _RATES[0 if first else 1][rate_at] * 1000
    samples = _SAMPLES[samples_at] // (1 if first else 2 if version == 2 else 4)
    mono = head[3] >> 6 == 3
    tag = start + 4 + ((17 if mono else 32) if first else (9 if mono else 17))
    if window.at(tag, 4) in (b"Xing", b"Info") and window.number(tag + 4, 4) & 1:
        frames = window.number(tag + 8, 4)
        return frames * (1152 if first else 576) / samples if frames > 0 else None
    return (window.size - start) * 8 / rate
