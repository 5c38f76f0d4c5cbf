"""Images, documents and sounds, both ways.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html, ..._DocumentBlock.html and
..._AudioBlock.html. Bytes are base64 in JSON; an object in S3 is an address "s3://bucket/key"; no other address is
taken. Every document has a name, which one request may give only once.
"""

from __future__ import annotations

import re

import msgspec

from meshwright.types.content import Audio, File, Image
from meshwright.wire.bedrock_converse.shapes import AudioBlock, DocumentBlock, ImageBlock, Source
from meshwright.wire.notes import Notes
from meshwright.wire.pictures import kind_stated

PICTURES = ("png", "jpeg", "gif", "webp")
DOCUMENTS = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
"""The media type of each format."""

SOUNDS = frozenset(
    {
        "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm",
    }
)  # fmt: skip
_FORMATS = {media_type: name for name, media_type in DOCUMENTS.items()}
_PDF = "JVBERi"
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)
_NO_ADDRESS = "The API takes bytes or an object in S3, no other address."
_UNNAMED = "document"
_NEVER_IN_NAMES = re.compile(r"[^A-Za-z0-9\s()\[\]-]+")
_SPACES = re.compile(r"\s\s+")
_LONGEST_NAME = 200


def image_in(block: ImageBlock) -> Image | None:
    """The image, or None when nothing of ours can hold it."""
    source = block.source
    if block.format not in PICTURES or source.text is not None or (source.data is None) == (source.s3_location is None):
        return None
    media_type = f"image/{block.format}"
    if source.s3_location is not None:
        return Image(url=source.s3_location.uri, media_type=media_type) if _in_s3(source.s3_location.uri) else None
    return Image(data=source.data, media_type=media_type) if source.data else None


def audio_in(block: AudioBlock) -> Audio | None:
    """The sound, or None when nothing of ours can hold it."""
    source = block.source
    if not source.data or source.s3_location is not None or source.text is not None or block.format not in SOUNDS:
        return None
    return Audio(data=source.data, format=block.format)


def document_in(block: DocumentBlock) -> File | None:
    """The document, or None when nothing of ours can hold it."""
    source = block.source
    place = source.s3_location.uri if source.s3_location is not None else ""
    given = [one for one in (source.data, source.text, place) if one]
    if len(given) != 1 or (block.format is not None and block.format not in DOCUMENTS) or (place and not _in_s3(place)):
        return None
    return File(
        data=source.data or "",
        text=source.text or "",
        url=place,
        media_type=DOCUMENTS[block.format] if block.format else "",
        name=block.name,
        context=block.context or "",
        cite=block.citations is not None and block.citations.enabled,
    )


def image_out(image: Image, field: str, notes: Notes) -> dict[str, object] | None:
    """An image block; None (and a note) when the API cannot take it."""
    if image.detail not in ("", "auto"):
        notes.dropped(f"{field}.detail", "The dialect has one resolution of images.")
    data, media_type = inline(image.url) or (image.data, image.media_type)
    stated = kind_stated(media_type, data, field, notes)
    kind = stated.removeprefix("image/") if stated.startswith("image/") else ""
    if not data and not _in_s3(image.url):
        notes.dropped(f"{field}.image", _NO_ADDRESS)
        return None
    if kind not in PICTURES:
        notes.dropped(f"{field}.image", f"An image is one of {', '.join(PICTURES)} here, and says which.")
        return None
    source = {"bytes": data} if data else {"s3Location": {"uri": image.url}}
    if not media_type:
        notes.changed(f"{field}.media_type", "An image must name its format: its first bytes tell it.")
    return {"image": {"format": kind, "source": source}}


def audio_out(audio: Audio, field: str, notes: Notes) -> dict[str, object] | None:
    """A sound block, None when there is no sound that the API takes."""
    if not audio.data or audio.format not in SOUNDS:
        return None
    if audio.id or audio.transcript or audio.expires_at is not None:
        notes.dropped(f"{field}.audio", "A sound has no id and no transcript here.")
    return {"audio": {"format": audio.format, "source": {"bytes": audio.data}}}


class DocumentNames:
    """Gives each document of a request a name of its own that the API accepts."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, file: File, field: str, notes: Notes) -> str:
        """The file's name, or one near to it."""
        wanted = _SPACES.sub(" ", _NEVER_IN_NAMES.sub("-", file.name)).strip()[:_LONGEST_NAME] or _UNNAMED
        name, count = wanted, 1
        while name in self._given:
            count += 1
            name = f"{wanted[: _LONGEST_NAME - 12]} ({count})"
        self._given.add(name)
        if name != file.name:
            notes.changed(
                f"{field}.name", "A document has a name of its own here: letters, digits, blanks, -, () and []."
            )
        return name


def document_out(file: File, names: DocumentNames, field: str, notes: Notes) -> dict[str, object] | None:
    """A document block; None (and a note) when the API cannot take it."""
    data, media_type = inline(file.url) or (file.data, file.media_type)
    media_type = media_type.partition(";")[0]
    kind = _FORMATS.get(media_type, "")
    source: dict[str, object]
    if file.text:
        source = {"text": file.text}
        if media_type and not kind:
            notes.dropped(f"{field}.media_type", "The dialect has no such format of documents.")
    elif data:
        if not kind and (media_type or not data.startswith(_PDF)):
            notes.dropped(f"{field}.file", f"A document is one of {', '.join(DOCUMENTS)} here, and says which.")
            return None
        if not kind:
            notes.changed(f"{field}.media_type", "A document must name its format: its first bytes tell it.")
            kind = "pdf"
        source = {"bytes": data}
    elif _in_s3(file.url):
        source = {"s3Location": {"uri": file.url}}
        if media_type and not kind:
            notes.dropped(f"{field}.media_type", "The dialect has no such format of documents.")
    else:
        notes.dropped(f"{field}.file", _NO_ADDRESS)
        return None
    if file.file_id:
        notes.dropped(f"{field}.file_id", _NO_ADDRESS)
    document: dict[str, object] = {"format": kind} if kind else {}
    document |= {"name": names.of(file, field, notes), "source": source}
    if file.context:
        document["context"] = file.context
    if file.cite:
        document["citations"] = {"enabled": True}
    return {"document": document}


def inline(url: str) -> tuple[str, str] | None:
    """(data, media type) of a base64 data URL."""
    match = _DATA_URL.fullmatch(url) if url.startswith("data:") else None
    return (match[2], match[1]) if match else None


def known_source(raw: msgspec.Raw) -> bool:
    """Whether it is a source with nothing unknown in it. Raises ValidationError when it is no object."""
    return _MEMBERS.decode(raw).keys() <= _SOURCES and _is_place(raw)


def _is_place(raw: msgspec.Raw) -> bool:
    try:
        _SOURCE.decode(raw)
    except msgspec.ValidationError:
        return False
    return True


def _in_s3(url: str) -> bool:
    return url.startswith("s3://")


_MEMBERS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SOURCE: msgspec.json.Decoder[Source] = msgspec.json.Decoder(Source)
_SOURCES = frozenset(Source.__struct_encode_fields__)
