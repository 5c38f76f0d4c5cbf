"""Writes answers as an OpenAI-compatible provider does: a chat completion, its chunks, or an error.

Shapes: OpenAI API reference, "The chat completion object", "The chat completion chunk object" and `stream_options`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from meshwright.providers.builtin.chat import Chat, Context
from meshwright.providers.builtin.frames import Quote
from meshwright.types.errors import MeshError

CHARACTERS_PER_TOKEN = 4
"""What a token is taken to be, since nothing here is tokenized: counts of tokens are estimates."""

SURE = 0.5
"""The score under which a quote is told with a doubt."""

_PIECE = re.compile(r"\S+\s*|\s+")
Json = dict[str, Any]


class Reply(msgspec.Struct, frozen=True):
    """What a model answers: its words and the citations for them, as annotations of the message."""

    text: str
    annotations: tuple[Json, ...] = ()


def quoted(context: Context, quotes: Sequence[Quote], searched: int) -> Reply:
    """The quotes with their sources, or the sentence that there is no answer."""
    unread = f"\n\nNot read: {', '.join(context.unread)}." if context.unread else ""
    if not quotes:
        where = ", ".join(dict.fromkeys(document.title for document in context.documents))
        return Reply(f"I found no answer to this in the supplied context ({searched} sentences of {where}).{unread}")
    lead = "" if quotes[0].score >= SURE else "This is the closest that I found; it may not answer the question.\n\n"
    lines, sources, annotations, at = [], [], [], len(lead)
    for number, quote in enumerate(quotes, 1):
        title = context.documents[quote.document].title
        shown = " ".join(quote.text.split())
        lines.append(f"“{shown}” [{number}]")
        sources.append(f"[{number}] {title}, sentence {quote.number}, characters {quote.start}-{quote.end}")
        citation = {
            "filename": title,
            "document": quote.document,
            "sentence": quote.number,
            "quote": quote.text,
            "source_start": quote.start,
            "source_end": quote.end,
            "start_index": at + 1,
            "end_index": at + 1 + len(shown),
            "score": quote.score,
        }
        annotations.append({"type": "file_citation", "file_citation": citation})
        at += len(lines[-1]) + 1
    return Reply(lead + "\n".join(lines) + "\n\n" + "\n".join(sources) + unread, tuple(annotations))


def _shortened(chat: Chat, reply: Reply) -> tuple[Reply, str]:
    """The reply cut at a stop sequence or at its most tokens, and why it ended. Citations of what is cut off go too."""
    text, finish = reply.text, "stop"
    for stop in [chat.stop] if isinstance(chat.stop, str) else chat.stop or []:
        if stop:
            text = text.split(stop, 1)[0]
    most = chat.most_tokens
    if most is not None and len(text) > most * CHARACTERS_PER_TOKEN:
        text, finish = text[: most * CHARACTERS_PER_TOKEN], "length"
    kept = tuple(each for each in reply.annotations if each["file_citation"]["end_index"] <= len(text))
    return Reply(text, kept), finish


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


def _usage(chat: Chat, reply: Reply) -> Json:
    files = sum(len(file.file_data or "") * 3 // 4 for message in chat.messages for file in message.files)
    read = _tokens(sum(len(message.text) for message in chat.messages) + files)
    written = _tokens(len(reply.text))
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def completion(chat: Chat, reply: Reply, *, id: str, created: int) -> bytes:
    """A whole answer. `created` is in seconds since 1970."""
    reply, finish = _shortened(chat, reply)
    message: Json = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.annotations:
        message["annotations"] = reply.annotations
    return msgspec.json.encode({
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": chat.name,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(chat, reply),
    })  # fmt: skip


def chunks(chat: Chat, reply: Reply, *, id: str, created: int) -> Iterator[bytes]:
    """The same as server-sent events: the role, a few words at a time, the citations, the finish, the usage, [DONE]."""
    reply, finish = _shortened(chat, reply)
    told = chat.stream_options is not None and chat.stream_options.include_usage

    def event(delta: Json | None, finish: str | None = None) -> bytes:
        chunk: Json = {"id": id, "object": "chat.completion.chunk", "created": created, "model": chat.name}
        if delta is None:
            chunk |= {"choices": [], "usage": _usage(chat, reply)}
        else:
            chunk["choices"] = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
            if told:
                chunk["usage"] = None
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    yield event({"role": "assistant", "content": ""})
    for piece in _pieces(reply.text):
        yield event({"content": piece})
    if reply.annotations:
        yield event({"annotations": reply.annotations})
    yield event({}, finish)
    if told:
        yield event(None)
    yield b"data: [DONE]\n\n"


def _pieces(text: str, size: int = 24) -> Iterator[str]:
    """Whole words, a few at a time; together they are the text."""
    kept = ""
    for match in _PIECE.finditer(text):
        kept += match[0]
        if len(kept) >= size:
            yield kept
            kept = ""
    if kept:
        yield kept


def error_body(error: MeshError) -> bytes:
    """An error as OpenAI writes it."""
    kinds = {400: "invalid_request_error", 404: "invalid_request_error", 413: "invalid_request_error"}
    kind = kinds.get(error.status, error.code)
    return msgspec.json.encode(
        {"error": {"message": str(error), "type": kind, "param": error.field, "code": error.code}}
    )
