"""Parts into content blocks.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html, ..._ToolUseBlock.html and
..._ToolResultBlock.html for what ids look like and what a result may hold.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Mapping, Sequence

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
from meshwright.wire.bedrock_converse.blocks_in import GUARDED, JSON_MARK, Aside
from meshwright.wire.bedrock_converse.citations import citation_out, cited_out
from meshwright.wire.bedrock_converse.media import DocumentNames, audio_out, document_out, image_out
from meshwright.wire.bedrock_converse.shapes import NAME
from meshwright.wire.functions import FREE_TEXT
from meshwright.wire.notes import Notes
from meshwright.wire.sealing import takes_back

Wire = dict[str, object] | Raw

NOT_BASE64 = "Hidden thoughts are bytes in base64 here."
"""Why those of others stay behind."""

_NOT_AN_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_LONGEST_ID = 64
_PATH = re.compile(r"content\[(\d+)\]\.(.+)")
_OBJECT: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_ANY: msgspec.json.Decoder[Raw] = msgspec.json.Decoder(Raw)
_GONE = "The block that it belonged to has changed."


class Writer:
    """Writes the parts of one translation. `origin` is who will read them; None: a client, who takes any thoughts."""

    __slots__ = ("_documents", "_field", "_notes", "_origin")

    def __init__(self, notes: Notes, origin: str | None) -> None:
        self._notes = notes
        self._origin = origin
        self._field = "choices" if origin is None else "messages"
        self._documents = DocumentNames()

    def blocks(self, message: Message) -> list[Wire]:
        """The message's blocks, each followed by its cache mark, with members that were put aside back in theirs."""
        asides = self._asides(message) if message.extra else {}
        found: list[Wire] = []
        for index, part in enumerate(message.parts):
            aside = asides.get(index, ())
            block = self._block(part, message.role, aside)
            cache: Ttl | None = getattr(part, "cache", None)
            if block is None:
                if cache:
                    self._notes.dropped(f"{self._field}.cache", "What is left out cannot carry a cache mark.")
                continue
            found.append(block)
            if cache:
                found.append(cache_point(cache))
        return found

    def _asides(self, message: Message) -> Mapping[int, list[Aside]]:
        found: dict[int, list[Aside]] = {}
        for extra in message.extra:
            match = _PATH.fullmatch(extra.kind)
            if extra.dialect != NAME:
                self._notes.foreign(f"{self._field}.{extra.kind}", extra)
            elif match and int(match[1]) < len(message.parts):
                found.setdefault(int(match[1]), []).append((match[2], extra.raw))
            elif match or self._origin is None:
                self._notes.dropped(f"{self._field}.{extra.kind}", _GONE)
        return found

    def _block(self, part: Part, role: str, asides: Sequence[Aside]) -> Wire | None:
        block: Wire | None
        match part:
            case Text():
                return self._text(part, role, asides)
            case ToolResult():
                return self._tool_result(part, asides)
            case ToolCall():
                block = self._tool_use(part)
            case Image():
                block = image_out(part, self._field, self._notes)
            case File():
                block = document_out(part, self._documents, self._field, self._notes)
            case Audio():
                block = self._spoken(part)
            case Reasoning():
                block = self._thinking(part, role)
            case Refusal():
                self._notes.changed(f"{self._field}.refusal", "A refusal is sent as plain text.")
                block = self._text(Text(part.text), role, ())
            case Opaque():
                block = part.raw if part.dialect == NAME else None
                if block is None:
                    self._notes.foreign(f"{self._field}.{part.kind}", part)
        self._put_back(block, asides)
        return block

    def _put_back(self, block: Wire | None, asides: Sequence[Aside]) -> None:
        for path, raw in asides:
            kind, _, name = path.partition(".")
            inner = block.get(kind) if isinstance(block, dict) else None
            if isinstance(inner, dict) and name:
                inner[name] = raw
            else:
                self._notes.dropped(f"{self._field}.{path}", _GONE)

    def _text(self, text: Text, role: str, asides: Sequence[Aside]) -> Wire | None:
        """A text block; None for an empty one, which the API refuses and which says nothing."""
        guard = next((raw for path, raw in asides if path == GUARDED), None)
        for path, _ in asides:
            if path != GUARDED:
                self._notes.dropped(f"{self._field}.{path}", _GONE)
        if not text.text and not text.citations:
            return None
        if not text.text.strip() and self._origin is not None:
            self._notes.dropped(f"{self._field}.blank", "Text of white space alone is refused here.")
            return None
        if text.citations and role != "assistant":
            self._notes.dropped(f"{self._field}.citations", "Only the words of an answer are cited here.")
        elif text.citations:
            return cited_out(text.text, [citation_out(one, self._notes, self._field) for one in text.citations])
        if guard is not None:
            qualifiers = {} if bytes(guard) == b"[]" else {"qualifiers": guard}
            return {GUARDED: {"text": {"text": text.text, **qualifiers}}}
        return {"text": text.text}

    def _tool_use(self, call: ToolCall) -> Wire:
        if call.item_id:
            self._notes.moved(f"{self._field}.item_id", "A tool call has one id here, and it stays.")
        return {"toolUse": {"toolUseId": self.id(call.id), "name": call.name, "input": self._input(call)}}

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

    def _tool_result(self, result: ToolResult, asides: Sequence[Aside]) -> Wire:
        if result.kind == "custom":
            self._notes.changed(f"{self._field}.custom", FREE_TEXT)
        content: list[Wire] = []
        of_parts: dict[int, list[Aside]] = {}
        own_asides: list[Aside] = []
        for path, raw in asides:
            match = _PATH.fullmatch(path)
            if match and int(match[1]) < len(result.parts):
                of_parts.setdefault(int(match[1]), []).append((match[2], raw))
            else:
                own_asides.append((path, raw))
        for index, part in enumerate(result.parts):
            if getattr(part, "cache", None):
                self._notes.dropped(f"{self._field}.cache", "A cache mark stands after a whole result here.")
            block = self._inner(part, of_parts.get(index, ()))
            if block is not None:
                content.append(block)
        answer: dict[str, object] = {"toolUseId": self.id(result.call_id), "content": content}
        if result.is_error:
            answer["status"] = "error"
        block = {"toolResult": answer}
        self._put_back(block, own_asides)
        return block

    def _inner(self, part: Part, asides: Sequence[Aside]) -> Wire | None:
        """One block of a result. A result of JSON came as text with a mark beside it."""
        if isinstance(part, Text) and (JSON_MARK, Raw(b"null")) in asides:
            try:
                return {"json": Raw(bytes(_ANY.decode(part.text)))}
            except (msgspec.DecodeError, RecursionError):
                asides = ()  # its words have been changed: they are plain text now
        return self._block(part, "tool", asides)

    def id(self, id: str) -> str:
        """The id of a call, or one that the API takes and that only this id becomes."""
        if id and len(id) <= _LONGEST_ID and not _NOT_AN_ID.search(id):
            return id
        self._notes.changed(f"{self._field}.id", "Ids of tool calls are up to 64 letters, digits, _, ., : and - here.")
        return f"{_NOT_AN_ID.sub('_', id)[: _LONGEST_ID - 9]}_{zlib.crc32(id.encode()):08x}"

    def _thinking(self, thought: Reasoning, role: str) -> Wire | None:
        """A reasoning block. The API takes back only what it signed itself, and only in the assistant's turns."""
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
            if ours and not text and not thought.signature and is_base64(thought.encrypted):
                return {"reasoningContent": {"redactedContent": thought.encrypted}}
            self._notes.dropped(f"{self._field}.reasoning.encrypted", "Hidden thoughts of another dialect stay behind.")
            if not thought.signature and (not text or not to_client):
                return None
        said = {"text": text, "signature": thought.signature} if thought.signature else {"text": text}
        return {"reasoningContent": {"reasoningText": said}}

    def _spoken(self, audio: Audio) -> Wire | None:
        block = audio_out(audio, self._field, self._notes)
        if block is not None:
            return block
        if not audio.transcript.strip():
            self._notes.dropped(f"{self._field}.audio", "A sound is its bytes and their format here.")
            return None
        self._notes.changed(
            f"{self._field}.audio", "A sound is its bytes and their format here: the transcript was sent."
        )
        return {"text": audio.transcript}


def is_base64(text: str) -> bool:
    """Whether the API could read it as bytes."""
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return False
    return bool(text)


def cache_point(cache: Ttl) -> dict[str, object]:
    """The block that ends a cached prefix; five minutes is what it means when it does not say."""
    return {"cachePoint": {"type": "default"} if cache == "5m" else {"type": "default", "ttl": cache}}
