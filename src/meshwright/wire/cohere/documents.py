"""Documents that an answer may cite, and the results of tools that are documents, both ways.

Source: https://docs.cohere.com/docs/retrieval-augmented-generation-rag. A document is an object of its members, or the
text alone. One with a text (and a title, a context) is a text file here; any other is a file of JSON. The documents of
a request are files at the beginning of the user's last message.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import File, Message, Opaque
from meshwright.wire.cohere.shapes import NAME, Paper
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import is_object, is_string, present

Aside = tuple[str, Raw]
"""A member that `types` has no place for: its path within the message, and its bytes."""

JSON = "application/json"
_CONTENT = re.compile(r"content\[(\d+)\]")
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


class _Words(msgspec.Struct, forbid_unknown_fields=True):
    """The members of a document of text."""

    text: str
    title: str = ""
    context: str = ""


_WORDS: msgspec.json.Decoder[_Words] = msgspec.json.Decoder(_Words)


def document_in(raw: Raw, cite: bool) -> tuple[File, list[Aside]]:
    """A document and its other members. Raises ValidationError."""
    if is_string(raw):
        return File(text=_STRING.decode(raw), media_type="text/plain", cite=cite), []
    members = _MEMBERS.decode(raw)
    if "data" not in members:
        raise msgspec.ValidationError("Object missing required field `data`")
    asides = [(f"document.{name}", value) for name, value in members.items() if name != "data" and present(value)]
    return file_in(members["data"], cite), asides


def file_in(data: Raw, cite: bool) -> File:
    """What a document says. Raises ValidationError when it is neither an object nor a text."""
    if is_string(data):
        return File(text=_STRING.decode(data), media_type="text/plain", cite=cite)
    if not is_object(data):
        raise msgspec.ValidationError("Expected `object` - at `$.data`")
    try:
        words = _WORDS.decode(data)
    except msgspec.ValidationError:
        return File(text=bytes(data).decode(), media_type=JSON, cite=cite)
    return File(text=words.text, name=words.title, context=words.context, media_type="text/plain", cite=cite)


def paper_text(paper: Paper) -> str:
    """A tool's document as the words that any model can read: its JSON, or the text that it is."""
    return _STRING.decode(paper.data) if is_string(paper.data) else bytes(paper.data).decode()


def documents_in(messages: list[Message], documents: Sequence[tuple[File, list[Aside]]]) -> bool:
    """Put files before the user's last message; False when there is none."""
    place = next((n for n in reversed(range(len(messages))) if messages[n].role == "user"), None)
    if place is None:
        return False
    message, count = messages[place], len(documents)
    shifted = [
        Opaque(one.dialect, _CONTENT.sub(lambda m: f"content[{int(m[1]) + count}]", one.kind, count=1), one.raw)
        for one in message.extra
    ]
    mine = [
        Opaque(NAME, f"content[{n}].{path}", raw) for n, (_, asides) in enumerate(documents) for path, raw in asides
    ]
    parts = (*(file for file, _ in documents), *message.parts)
    messages[place] = msgspec.structs.replace(message, parts=parts, extra=(*mine, *shifted))
    return True


def document_out(file: File, notes: Notes) -> dict[str, Any] | None:
    """A file as a document; None for one that has no text, or whose text stands elsewhere."""
    text = file.text
    if not text and file.data and (file.media_type.startswith("text/") or file.media_type == JSON):
        try:
            text = binascii.a2b_base64(file.data).decode()
        except ValueError:
            text = ""
        notes.changed("messages.file", "A text file is sent as the plain text that it holds.")
    if not text:
        notes.dropped("messages.file", "A document here is text that is sent along.")
        return None
    if file.cache is not None:
        notes.dropped("messages.cache", "The dialect has no cache marks.")
    if file.url or file.file_id or (file.text and file.data):
        notes.dropped("messages.file", "Of a document only the text is sent.")
    if file.media_type == JSON and not file.name and not file.context:
        try:
            _MEMBERS.decode(text)
        except (msgspec.DecodeError, RecursionError):
            pass  # JSON of another kind is sent as words
        else:
            return {"data": Raw(text.encode())}
    if file.media_type != "text/plain":
        notes.changed("messages.media_type", "Every document here is plain text, or an object.")
    data = {"text": text, "title": file.name, "context": file.context}
    return {"data": {name: value for name, value in data.items() if value}}
