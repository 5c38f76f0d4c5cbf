"""A part of a message as a medium of some size: told by its header, or assumed and marked as that.

Nothing is fetched: what is given by its address, or by a provider's id, is taken for something usual. About 5 µs for a
picture; a PDF is searched at both ends, a millisecond, and ten for one that is made to be searched for long.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from meshwright.catalog.media import document, film, picture, sound
from meshwright.types.content import Audio, File, Image
from meshwright.types.decision import Medium

SQUARE = 1_024
"""Pixels of each side of a picture of unknown size."""
PAGES = 10
"""Of a document that is given by its address."""
PAGE_BYTES = 50_000
"""Of a page, where a document is here and does not tell how many it has."""
SECONDS = 60.0
"""Of a sound or a film that is given by its address."""
SOUND_BYTES = {"wav": sound.PCM16, "flac": 2 * 16_000}
"""Of a second, where a sound does not tell its length."""
OTHER_SOUND_BYTES = 16_000
"""128 kbit/s."""
FILM_BYTES = 250_000
"""The same for films: 2 Mbit/s."""
_PDF = "JVBERi"
"""%PDF- in base64."""
_TYPES = {"image/": "picture", "audio/": "sound", "video/": "film", "application/pdf": "document"}
"""By what the media type of a file begins with."""


def of_image(part: Image) -> Medium:
    """A picture."""
    told = picture.size(part.data) if part.data else None
    width, height = told or (SQUARE, SQUARE)
    return Medium(kind="picture", width=width, height=height, detail=part.detail, assumed=told is None)


def of_audio(part: Audio) -> Medium:
    """A sound."""
    told = sound.seconds(part.data, part.format)
    length = told if told is not None else _bytes(part.data) / SOUND_BYTES.get(part.format, OTHER_SOUND_BYTES)
    return Medium(kind="sound", seconds=round(length, 2), assumed=told is None)


def kind_of(part: File) -> str:
    """Which kind of medium a file is, without a look at how large; "" where it is something else."""
    told = next((kind for start, kind in _TYPES.items() if part.media_type.startswith(start)), "")
    if told or part.data:
        return told or ("document" if part.data.startswith(_PDF) else "")
    return "document" if part.url or part.file_id else ""


def of_file(part: File) -> Medium | None:
    """A document, a picture, a sound or a film in a file; None where it is something else."""
    data = part.data
    match kind_of(part):
        case "picture":
            return of_image(Image(data=data, url=part.url, file_id=part.file_id))
        case "sound" if data:
            return of_audio(Audio(data=data))
        case "sound":
            return Medium(kind="sound", seconds=SECONDS, assumed=True)
        case "film":
            told = film.seconds(data) if data else None
            length = told if told is not None else _bytes(data) / FILM_BYTES if data else SECONDS
            return Medium(kind="film", seconds=round(length, 2), assumed=told is None)
        case "document":
            count = document.pages(data) if data else None
            pages = count if count is not None else -(-_bytes(data) // PAGE_BYTES) if data else PAGES
            return Medium(kind="document", pages=max(1, pages), assumed=count is None)
        case _:
            return None


def alike(media: Iterable[Medium]) -> tuple[Medium, ...]:
    """The same with equal ones put together."""
    counts: dict[Medium, int] = {}
    for one in media:
        counts[one] = counts.get(one, 0) + 1
    return tuple(msgspec.structs.replace(one, count=count) if count > 1 else one for one, count in counts.items())


def assumptions(media: Iterable[Medium]) -> tuple[str, ...]:
    """What was assumed, in words."""
    return tuple(f"{_many(one)} taken for {_size(one)}, for nobody tells the size" for one in media if one.assumed)


def told(one: Medium) -> str:
    """What was seen of it, in words."""
    return f"{_many(one)} of {_size(one)}{' (assumed)' if one.assumed else ''}"


def _many(one: Medium) -> str:
    return f"{one.count} {one.kind}s" if one.count > 1 else f"a {one.kind}"


def _size(one: Medium) -> str:
    each = " each" if one.count > 1 else ""
    match one.kind:
        case "picture":
            return f"{one.width:,} x {one.height:,} pixels{each}"
        case "document":
            return f"{one.pages:,} page{'s' * (one.pages > 1)}{each}"
        case _:
            return f"{one.seconds:,.0f} seconds{each}"


def _bytes(data: str) -> int:
    return len(data) * 3 // 4
