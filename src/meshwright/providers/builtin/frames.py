"""What parent and child say to each other over a pipe: a length, then JSON."""

from __future__ import annotations

from typing import Literal

import msgspec

HEAD = 4
"""Bytes of the length before each frame, most significant first."""

MAX_FRAME = 32 * 1024 * 1024


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text to search: its title, and the spans (start, end; in characters) that count; all of it without any."""

    title: str
    text: str
    spans: tuple[tuple[int, int], ...] = ()


class Quote(msgspec.Struct, frozen=True):
    """A sentence of a document: `documents[document].text[start:end] == text`. `number` counts sentences from 1."""

    document: int
    number: int
    start: int
    end: int
    text: str
    score: float


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question, the documents it is about, and the seconds that may be spent on it.

    `job` "embed" wants the vectors of `texts`, "rank" a score for each of them.
    """

    text: str
    seconds: float
    documents: tuple[Document, ...] = ()
    job: Literal["", "embed", "rank"] = ""
    texts: tuple[str, ...] = ()


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of it. `searched` is the number of sentences that were looked at. `last`: the child ends after this.

    `kind` is "ready" after the start, "missing" when a package is not installed, "answer", "declined" with the reason
    as its text, "large" when there is too much to search, "slow" when the seconds were used up, or "failed" when an
    error of ours came up.
    """

    kind: Literal["ready", "missing", "answer", "declined", "large", "slow", "failed"]
    text: str = ""
    quotes: tuple[Quote, ...] = ()
    searched: int = 0
    last: bool = False
    vectors: tuple[tuple[float, ...], ...] = ()
    scores: tuple[float, ...] = ()


def pack(frame: Ask | Told) -> bytes:
    """A frame with its length."""
    body = msgspec.json.encode(frame)
    return len(body).to_bytes(HEAD, "big") + body


ask_decoder = msgspec.json.Decoder(Ask)
told_decoder = msgspec.json.Decoder(Told)
