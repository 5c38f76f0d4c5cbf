"""Pictures, sounds and documents, both ways.

Source: https://ai.google.dev/api/caching (Blob, FileData), .../gemini-api/docs/file-input-methods (addresses: Cloud
Storage, the Files API, public HTTPS) and .../gemini-api/docs/audio (media types of sound). What a part is follows from
its media type, so an address must come with one.
"""

from __future__ import annotations

import binascii
import re

from msgspec import Raw

from meshwright.types.content import Audio, File, Image
from meshwright.wire.gemini.shapes import Blob, FileData
from meshwright.wire.gemini.spelling import standard_base64
from meshwright.wire.notes import Notes
from meshwright.wire.pictures import kind_seen
from meshwright.wire.verbatim import raw_of

SPOKEN = "audio/L16;codec=pcm;rate=24000"
"""What the API answers in: samples of 16 bits, 24,000 a second, which other dialects call pcm16."""

Aside = tuple[str, Raw]
"""A member that `types` has no place for: its path within the part, and its bytes."""

_FORMATS = {"wav": "audio/wav", "mp3": "audio/mp3", "pcm16": SPOKEN}
_SOUNDS = {mime: name for name, mime in _FORMATS.items()} | {"audio/x-wav": "wav", "audio/mpeg": "mp3"}
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)
_PDF = "JVBERi"
_ENDINGS = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "mp4": "video/mp4",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
}
_AT_AN_ADDRESS = "What stands at an address must name its media type here."


def blob_in(blob: Blob, asides: list[Aside], *, sound: bool = True) -> Image | Audio | File:
    """What base64 bytes are by their media type; `sound` False where `types` has no place for it but as a file."""
    data, mime, name = standard_base64(blob.data), blob.mime_type, blob.display_name or ""
    if mime.startswith("image/"):
        if name:
            asides.append(("inlineData.displayName", raw_of(name)))
        return Image(data=data, media_type=mime)
    if mime.startswith("audio/") and sound:
        if name:
            asides.append(("inlineData.displayName", raw_of(name)))
        return Audio(data=data, format=_SOUNDS.get(mime) or mime.removeprefix("audio/"))
    return File(data=data, media_type=mime, name=name)


def file_in(file: FileData, asides: list[Aside]) -> Image | File:
    """What stands at an address, by its media type."""
    if file.mime_type.startswith("image/"):
        if file.display_name:
            asides.append(("fileData.displayName", raw_of(file.display_name)))
        return Image(url=file.file_uri, media_type=file.mime_type)
    return File(url=file.file_uri, media_type=file.mime_type, name=file.display_name or "")


def sound_type(format: str) -> str:
    """The media type of a format of sound."""
    return _FORMATS.get(format) or f"audio/{format or 'wav'}"


def image_out(image: Image, notes: Notes, field: str) -> dict[str, object] | None:
    """A picture as a part; None when nothing of it can be sent."""
    if image.detail not in ("", "auto"):
        notes.dropped(f"{field}.detail", "How closely to look is said for a whole request here.")
    if image.cache is not None:
        notes.dropped(f"{field}.cache", "What is cached is not marked here.")
    if (image.data, image.url, image.file_id).count("") < 2:
        notes.dropped(f"{field}.image", "A picture comes from one place here.")
    data, mime = _inline(image.url) or (image.data, image.media_type)
    if data:
        mime = mime or _beginning(data)
        if not mime:
            notes.dropped(f"{field}.image", "A picture must name its media type.")
            return None
        if not mime.startswith("image/"):
            notes.changed(f"{field}.media_type", "What its media type does not call a picture is none here.")
        elif not image.media_type and not image.url:
            notes.changed(f"{field}.media_type", "A picture must name its media type: its first bytes told it.")
        return {"inlineData": {"mimeType": mime, "data": data}}
    if not image.url:
        notes.dropped(f"{field}.image", "Another provider's file cannot be read here.")
        return None
    if not mime.startswith("image/"):
        notes.changed(f"{field}.media_type", _AT_AN_ADDRESS)
        guess = mime or _ending(image.url)
        mime = guess if guess.startswith("image/") else "image/jpeg"
    return {"fileData": {"mimeType": mime, "fileUri": image.url}}


def file_out(file: File, notes: Notes, field: str) -> dict[str, object] | None:
    """A document as a part; None when nothing of it can be sent."""
    for name in ("context", "cite", "cache"):
        if getattr(file, name):
            notes.dropped(f"{field}.{name}", "A document has no such mark here.")
    if (file.data, file.url, file.file_id, file.text).count("") < 3:
        notes.dropped(f"{field}.file", "A document comes from one place here.")
    data, mime = _inline(file.url) or (file.data, file.media_type)
    if file.text and not data:
        notes.changed(f"{field}.file", "The text of a document is sent as a text file.")
        data = binascii.b2a_base64(file.text.encode(), newline=False).decode("ascii")
        mime = mime if mime.startswith("text/") else "text/plain"
    if mime.startswith(("image/", "audio/")):
        notes.moved(f"{field}.file", "A file that is a picture or a sound is one here.")
    named: dict[str, object] = {"displayName": file.name} if file.name else {}
    if data:
        if not mime:
            mime = _ending(file.name) or _beginning(data) or "text/plain"
            notes.changed(f"{field}.media_type", "A file must name its media type: a likely one was sent.")
        return {"inlineData": {"mimeType": mime, "data": data, **named}}
    if not file.url:
        notes.dropped(f"{field}.file", "Another provider's file cannot be read here.")
        return None
    if not mime:
        mime = _ending(file.url) or "application/pdf"
        notes.changed(f"{field}.media_type", _AT_AN_ADDRESS)
    return {"fileData": {"mimeType": mime, "fileUri": file.url, **named}}


def audio_out(audio: Audio, notes: Notes, field: str) -> dict[str, object] | None:
    """A sound as a part; its transcript as text where there is nothing else."""
    if audio.id or audio.expires_at is not None:
        notes.dropped(f"{field}.audio.id", "A sound is always sent whole here.")
    if audio.data:
        if audio.transcript:
            notes.dropped(f"{field}.audio.transcript", "A sound has no transcript beside it here.")
        if audio.format not in _FORMATS:
            notes.changed(f"{field}.audio.format", "A sound must name its media type: a likely one was sent.")
        return {"inlineData": {"mimeType": sound_type(audio.format), "data": audio.data}}
    if audio.transcript:
        notes.changed(f"{field}.audio", "The sound is not there: its transcript was sent.")
        return {"text": audio.transcript}
    notes.dropped(f"{field}.audio", "The sound is not there.")
    return None


def _inline(url: str) -> tuple[str, str] | None:
    """(data, media type) of a base64 data URL."""
    match = _DATA_URL.fullmatch(url) if url.startswith("data:") else None
    return (match[2], match[1]) if match else None


def _beginning(data: str) -> str:
    return "application/pdf" if data.startswith(_PDF) else kind_seen(data)


def _ending(name: str) -> str:
    path = name.partition("?")[0].partition("#")[0]
    return _ENDINGS.get(path.rpartition(".")[2].lower(), "")
