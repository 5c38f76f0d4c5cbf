"""What a message is made of: text, images, audio, files, reasoning, tool calls and their results."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["system", "developer", "user", "assistant", "tool"]
Ttl = Literal["5m", "1h"]


class Opaque(msgspec.Struct, frozen=True, tag="opaque"):
    """JSON that only one dialect understands, kept verbatim for that dialect and visibly dropped for any other."""

    dialect: str
    kind: str
    raw: msgspec.Raw


class Citation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a statement comes from. Offsets count characters: `start`/`end` in the answer, `source_*` in the source."""

    kind: Literal["url", "file", "document"]
    quote: str = ""
    title: str = ""
    url: str = ""
    file_id: str = ""
    document: int | None = None
    start: int | None = None
    end: int | None = None
    source_start: int | None = None
    source_end: int | None = None
    unit: Literal["char", "page", "block"] = "char"
    raw: Opaque | None = None


class Text(msgspec.Struct, frozen=True, omit_defaults=True, tag="text"):
    """Words. `cache` marks the end of a prefix that the provider should cache, for that long."""

    text: str
    cache: Ttl | None = None
    citations: tuple[Citation, ...] = ()


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The model declines, in its own words."""

    text: str


class Image(msgspec.Struct, frozen=True, omit_defaults=True, tag="image", kw_only=True):
    """A picture by address, by base64 `data` with its media type, or by a provider's file id: exactly one of them."""

    url: str = ""
    data: str = ""
    file_id: str = ""
    media_type: str = ""
    detail: str = ""
    cache: Ttl | None = None


class Audio(msgspec.Struct, frozen=True, omit_defaults=True, tag="audio", kw_only=True):
    """Sound: base64 `data` in `format` (wav, mp3, ...), or the `id` of an earlier spoken answer; its transcript."""

    data: str = ""
    format: str = ""
    id: str = ""
    transcript: str = ""
    expires_at: int | None = None


class File(msgspec.Struct, frozen=True, omit_defaults=True, tag="file", kw_only=True):
    """A document: base64 `data`, plain `text`, a `url` or a provider's `file_id`; `cite` wants citations."""

    data: str = ""
    text: str = ""
    url: str = ""
    file_id: str = ""
    media_type: str = ""
    name: str = ""
    context: str = ""
    cite: bool = False
    cache: Ttl | None = None


class Reasoning(msgspec.Struct, frozen=True, omit_defaults=True, tag="reasoning", kw_only=True):
    """What the model thought. `signature` or `encrypted` binds it to the deployment named by `origin`: no other takes
    it.

    `text` is the visible thought, `summary` its provider-made digest, `encrypted` an opaque blob ("redacted thinking",
    "encrypted content"). `origin` is "" when it is not known who made it.
    """

    text: str = ""
    summary: tuple[str, ...] = ()
    signature: str = ""
    encrypted: str = ""
    id: str = ""
    origin: str = ""


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True, tag="tool_call", kw_only=True):
    """The model asks for a tool. `arguments` is its JSON text, byte for byte as the model wrote it.

    `kind` "custom" is a tool that takes free text instead of JSON. `item_id` is the Responses API's id of the item.
    """

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    item_id: str = ""
    cache: Ttl | None = None


class ToolResult(msgspec.Struct, frozen=True, omit_defaults=True, tag="tool_result", kw_only=True):
    """What a tool answered, as parts; `is_error` says that it failed."""

    call_id: str
    parts: tuple[Text | Image | File | Opaque, ...] = ()
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    cache: Ttl | None = None


Part = Text | Refusal | Image | Audio | File | Reasoning | ToolCall | ToolResult | Opaque


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn. Tool results are parts of a `tool` message, whichever role a dialect files them under.

    `name` is the speaker's name where a dialect has one; `id` the provider's id of the turn. `extra` holds members of a
    dialect that have no place here, verbatim.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    name: str = ""
    id: str = ""
    extra: tuple[Opaque, ...] = ()

    @property
    def text(self) -> str:
        """All words of the message, joined by newlines."""
        return "\n".join([part.text for part in self.parts if isinstance(part, Text)])
