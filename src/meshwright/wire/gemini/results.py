"""What a tool answered, both ways.

Source: https://ai.google.dev/api/caching (FunctionResponse): `response` is an object whose `output` or `error` is the
answer; without either the whole object is. `parts` holds pictures and documents.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Audio, File, Image, Opaque, Text, ToolResult
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.gemini.media import Aside, blob_in, file_in, file_out, image_out
from meshwright.wire.gemini.shapes import NAME, FunctionResponse, Media
from meshwright.wire.gemini.spelling import members, usual_spelling
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import below, is_object, is_string, present

INNER = "responsePart"
"""The kind of a verbatim part of a function's response."""


_MEDIA: msgspec.json.Decoder[Media] = msgspec.json.Decoder(Media)
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def result_in(wire: FunctionResponse, asides: list[Aside]) -> ToolResult:
    """The result; the caller finds the call that it answers. Raises msgspec.ValidationError."""
    parts: list[Text | Image | File | Opaque] = []
    is_error = False
    if present(wire.response):
        text, is_error = _said(wire.response)
        if text is not None:
            parts.append(Text(text))
        if msgspec.json.decode(msgspec.json.encode(response_of(text, is_error))) != msgspec.json.decode(wire.response):
            asides.append(("functionResponse.response", wire.response))
    for index, raw in enumerate(wire.parts or ()):
        try:
            parts.append(_inner(raw))
        except msgspec.ValidationError as error:
            raise below(error, f"functionResponse.parts[{index}]") from None
    return ToolResult(call_id=wire.id or "", parts=tuple(parts), is_error=is_error)


def _said(response: Raw) -> tuple[str | None, bool]:
    """(the text, whether it tells of an error) of a response."""
    if not is_object(response):
        raise msgspec.ValidationError("Expected `object` - at `$.functionResponse.response`")
    found = members(response)
    is_error = "error" in found and "output" not in found
    if not found:
        return None, False
    if len(found) == 1 and ("output" in found or is_error):
        (only,) = found.values()
        return (_STRING.decode(only) if is_string(only) else bytes(only).decode()), is_error
    return bytes(response).decode(), is_error


def _inner(raw: Raw) -> Image | File | Opaque:
    aside: list[Aside] = []
    try:
        try:
            media = _MEDIA.decode(raw)
        except msgspec.ValidationError:
            media = _MEDIA.decode(usual_spelling(raw))
    except msgspec.ValidationError:
        members(raw)  # not even an object: the caller's mistake
        return Opaque(NAME, INNER, raw)
    part: Image | Audio | File | None = None
    if media.inline_data is not None and media.file_data is None:
        part = blob_in(media.inline_data, aside, sound=False)
    elif media.file_data is not None and media.inline_data is None:
        part = file_in(media.file_data, aside)
    return Opaque(NAME, INNER, raw) if aside or not isinstance(part, Image | File) else part


def response_of(text: str | None, is_error: bool) -> dict[str, object] | Raw:
    """`response`: an object as it is where the text is one, the text as `output` or `error` otherwise."""
    if is_error:
        return {"error": text or ""}
    if text is None:
        return {}
    if text.startswith("{"):
        try:
            found = _OBJECT.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return {"output": text}
        if found and not found.keys() & {"output", "error"}:
            return Raw(text.encode())
    return {"output": text}


def result_out(result: ToolResult, notes: Notes, field: str, *, inside: bool) -> tuple[dict[str, Any], list[Any]]:
    """(`functionResponse` without name and id, parts that follow it where it cannot hold them `inside`)."""
    if result.kind == "custom":
        notes.changed(f"{field}.custom", FREE_TEXT)
    if result.cache is not None:
        notes.dropped(f"{field}.cache", "What is cached is not marked here.")
    texts = [part for part in result.parts if isinstance(part, Text)]
    if len(texts) > 1:
        notes.changed(f"{field}.tool_result", "The texts of a result are sent as one.")
    if texts and not isinstance(result.parts[0], Text):
        notes.moved(f"{field}.tool_result", "The text of a result stands before its pictures.")
    if any(text.cache is not None for text in texts):
        notes.dropped(f"{field}.cache", "What is cached is not marked here.")
    if any(text.citations for text in texts):
        notes.dropped(f"{field}.citations", "A result has no citations here.")
    said = "\n".join(text.text for text in texts) if texts else None
    found: dict[str, Any] = {"response": response_of(said, result.is_error)}
    media = [wire for part in result.parts if (wire := _media_out(part, notes, field)) is not None]
    if media and inside:
        found["parts"] = media
        return found, []
    if media:
        notes.moved(f"{field}.tool_result", "This model takes the pictures of a result beside it.")
    return found, media


def _media_out(part: object, notes: Notes, field: str) -> dict[str, object] | Raw | None:
    match part:
        case Image():
            return image_out(part, notes, field)
        case File():
            if part.media_type.startswith("audio/"):
                notes.moved(f"{field}.file", "A file that is a sound is one here.")
            return file_out(part, notes, field)
        case Opaque() if part.dialect == NAME and part.kind == INNER:
            return part.raw
        case Opaque() if part.dialect == NAME:
            notes.dropped(f"{field}.{part.kind}", "A result has no such part.")
        case Opaque():
            notes.foreign(f"{field}.{part.kind}", part)
    return None
