"""Parts into content blocks.

Source: https://platform.claude.com/docs/en/api/messages/create (content blocks), .../build-with-claude/vision and
.../build-with-claude/pdf-support for what kinds of data are taken.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from meshwright.types.content import (
    Audio,
    File,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Ttl,
)
from meshwright.wire.anthropic_messages.citations import citation_out
from meshwright.wire.anthropic_messages.shapes import NAME
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.notes import Notes
from meshwright.wire.pictures import kind_stated
from meshwright.wire.sealing import takes_back

Wire = dict[str, object] | Raw

_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_NOT_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)
_PATH = re.compile(r"content\[(\d+)\]\.(.+)")
_PDF = "JVBERi"


class Writer:
    """Writes the parts of one translation. `origin` is who will read them; None: a client, who takes any thoughts."""

    __slots__ = ("_field", "_notes", "_origin")

    def __init__(self, notes: Notes, origin: str | None) -> None:
        self._notes = notes
        self._origin = origin
        self._field = "choices" if origin is None else "messages"

    def blocks(self, message: Message) -> list[Wire]:
        """The message's blocks, with the members that it kept aside put back into theirs."""
        asides = self._asides(message) if message.extra else {}
        found: list[Wire] = []
        for index, part in enumerate(message.parts):
            block = self._block(part, message.role)
            if block is None:
                continue
            for path, raw in asides.get(index, ()):
                if not _put(block, path, raw):
                    self._notes.dropped(f"{self._field}.{path}", "The block that it belonged to has changed.")
            found.append(block)
        return found

    def _asides(self, message: Message) -> Mapping[int, list[tuple[str, Raw]]]:
        found: dict[int, list[tuple[str, Raw]]] = {}
        for extra in message.extra:
            match = _PATH.fullmatch(extra.kind)
            if extra.dialect == NAME and match and int(match[1]) < len(message.parts):
                found.setdefault(int(match[1]), []).append((match[2], extra.raw))
            elif extra.dialect != NAME:
                self._notes.foreign(f"{self._field}.{extra.kind}", extra)
            elif match or self._origin is None:
                self._notes.dropped(f"{self._field}.{extra.kind}", "The block that it belonged to has changed.")
        return found

    def _block(self, part: Part, role: str) -> Wire | None:
        match part:
            case Text():
                return self._text(part)
            case ToolCall():
                return self._tool_use(part)
            case ToolResult():
                return self._tool_result(part)
            case Image():
                return self._image(part)
            case File():
                return self._document(part)
            case Reasoning():
                return self._thinking(part, role)
            case Refusal():
                self._notes.changed(f"{self._field}.refusal", "A refusal is sent as plain text.")
                return self._text(Text(part.text))
            case Audio():
                return self._spoken(part)
            case Opaque():
                if part.dialect == NAME:
                    return part.raw
                self._notes.foreign(f"{self._field}.{part.kind}", part)
        return None

    def _text(self, text: Text) -> Wire | None:
        """A text block; None for an empty one, which the API refuses and which says nothing."""
        if not text.text and not text.citations:
            if text.cache:
                self._notes.dropped(f"{self._field}.cache", "An empty text cannot carry a cache mark.")
            return None
        block: dict[str, object] = {"type": "text", "text": text.text}
        if text.citations:
            to_client = self._origin is None
            cited = [citation_out(one, self._notes, self._field, to_client=to_client) for one in text.citations]
            if any(one is not None for one in cited):
                block["citations"] = [one for one in cited if one is not None]
        return marked(block, text.cache)

    def _tool_use(self, call: ToolCall) -> Wire:
        if call.item_id:
            self._notes.moved(f"{self._field}.item_id", "A tool call has one id here, and it stays.")
        return marked(
            {"type": "tool_use", "id": self._id(call.id), "name": call.name, "input": self._input(call)}, call.cache
        )

    def _input(self, call: ToolCall) -> object:
        if call.kind == "custom":
            self._notes.changed(f"{self._field}.custom", FREE_TEXT)
            return {"input": call.arguments}
        if not call.arguments.strip():
            return {}
        try:
            _OBJECT.decode(call.arguments)
        except (msgspec.DecodeError, RecursionError):
            self._notes.changed(f"{self._field}.arguments", "Arguments are a JSON object here: they were put into one.")
            return {"arguments": call.arguments}
        return Raw(call.arguments.encode())

    def _tool_result(self, result: ToolResult) -> Wire:
        if result.kind == "custom":
            self._notes.changed(f"{self._field}.custom", FREE_TEXT)
        block: dict[str, object] = {"type": "tool_result", "tool_use_id": self._id(result.call_id)}
        inner = [one for one in (self._block(part, "tool") for part in result.parts) if one is not None]
        if inner:
            block["content"] = shortened(inner)
        if result.is_error:
            block["is_error"] = True
        return marked(block, result.cache)

    def _id(self, id: str) -> str:
        """The id, or one of the API's alphabet that only this id becomes."""
        if id and not _NOT_AN_ID.search(id):
            return id
        self._notes.changed(f"{self._field}.id", "Ids of tool calls are letters, digits, _ and - here.")
        return f"{_NOT_AN_ID.sub('_', id)}_{zlib.crc32(id.encode()):08x}"

    def _image(self, image: Image) -> Wire | None:
        if image.detail not in ("", "auto"):
            self._notes.dropped(f"{self._field}.detail", "The dialect has one resolution of images.")
        data, media_type = _inline(image.url) or (image.data, image.media_type)
        if media_type and not data:
            self._notes.dropped(f"{self._field}.media_type", "Only data that is sent along names its media type.")
        source: dict[str, object]
        if data:
            kind = kind_stated(media_type, data, self._field, self._notes)
            if not kind:
                self._notes.dropped(f"{self._field}.image", "An image must name its media type.")
                return None
            source = {"type": "base64", "media_type": kind, "data": data}
        elif image.file_id:
            source = {"type": "file", "file_id": image.file_id}
        else:
            source = {"type": "url", "url": image.url}
        return marked({"type": "image", "source": source}, image.cache)

    def _document(self, file: File) -> Wire | None:
        source = self._document_source(file)
        if source is None:
            self._notes.dropped(f"{self._field}.file", "Documents are PDF or plain text here.")
            return None
        block: dict[str, object] = {"type": "document", "source": source}
        if file.name:
            block["title"] = file.name
        if file.context:
            block["context"] = file.context
        if file.cite:
            block["citations"] = {"enabled": True}
        return marked(block, file.cache)

    def _document_source(self, file: File) -> dict[str, object] | None:
        data, media_type = _inline(file.url) or (file.data, file.media_type)
        if file.text:
            if media_type not in ("", "text/plain"):
                self._notes.changed(f"{self._field}.media_type", "Every text document is text/plain here.")
            return {"type": "text", "media_type": "text/plain", "data": file.text}
        if not data:
            if media_type:
                self._notes.dropped(f"{self._field}.media_type", "Only data that is sent along names its media type.")
            if file.file_id:
                return {"type": "file", "file_id": file.file_id}
            return {"type": "url", "url": file.url} if file.url else None
        if media_type == "application/pdf" or (not media_type and data.startswith(_PDF)):
            return {"type": "base64", "media_type": "application/pdf", "data": data}
        if not media_type.startswith("text/") and media_type != "application/json":
            return None
        try:
            text = binascii.a2b_base64(data).decode()
        except ValueError:
            return None
        self._notes.changed(f"{self._field}.file", "A text file is sent as the plain text that it holds.")
        return {"type": "text", "media_type": "text/plain", "data": text}

    def _thinking(self, thought: Reasoning, role: str) -> Wire | None:
        """A thinking block. The API takes back only what it signed itself, and only in the assistant's turns."""
        to_client = self._origin is None
        if thought.summary:
            self._notes.changed(f"{self._field}.reasoning", "Thoughts have no numbered parts here.")
        if thought.id:
            self._notes.moved(f"{self._field}.reasoning", "Thoughts are known by their place here, not by an id.")
        ours = not (thought.id or thought.summary) and (to_client or takes_back(thought, self._origin or "", NAME))
        if not to_client and not (role == "assistant" and ours and (thought.signature or thought.encrypted)):
            self._notes.dropped(f"{self._field}.reasoning", "Only thoughts that the same model signed are taken back.")
            return None
        text = thought.text or "\n\n".join(thought.summary)
        if thought.encrypted:
            if ours and not text and not thought.signature:
                return {"type": "redacted_thinking", "data": thought.encrypted}
            self._notes.dropped(f"{self._field}.reasoning.encrypted", "Hidden thoughts of another dialect stay behind.")
            if not thought.signature and (not text or not to_client):
                return None
        return {"type": "thinking", "thinking": text, "signature": thought.signature}

    def _spoken(self, audio: Audio) -> Wire | None:
        if not audio.transcript:
            self._notes.dropped(f"{self._field}.audio", "The dialect has no sound.")
            return None
        self._notes.changed(f"{self._field}.audio", "The dialect has no sound: the transcript was sent.")
        return self._text(Text(audio.transcript))


def marked(block: dict[str, object], cache: Ttl | None) -> dict[str, object]:
    """The block with its cache mark, if it has one."""
    if cache is not None:
        block["cache_control"] = mark(cache)
    return block


def mark(cache: Ttl) -> dict[str, object]:
    """`cache_control`; five minutes is what it means when it does not say."""
    return {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": cache}


def shortened(blocks: list[Wire]) -> str | list[Wire]:
    """The text alone where there is nothing but one plain text: what most clients send, and easier to read."""
    only = blocks[0] if len(blocks) == 1 else None
    if isinstance(only, dict) and len(only) == 2 and isinstance(text := only.get("text"), str):
        return text
    return blocks


def _inline(url: str) -> tuple[str, str] | None:
    """(data, media type) of a base64 data URL."""
    match = _DATA_URL.fullmatch(url) if url.startswith("data:") else None
    return (match[2], match[1]) if match else None


def _put(block: Wire, path: str, raw: Raw) -> bool:
    """Put a member back at `caller` or `content[2].caller`; False when its place is gone."""
    if isinstance(block, Raw):
        return False
    match = _PATH.fullmatch(path)
    if match is None:
        block[path] = raw
        return True
    inner = block.get("content")
    if isinstance(inner, str) and match[1] == "0":
        inner = block["content"] = [{"type": "text", "text": inner}]
    if not isinstance(inner, list) or int(match[1]) >= len(inner):
        return False
    return _put(inner[int(match[1])], match[2], raw)
