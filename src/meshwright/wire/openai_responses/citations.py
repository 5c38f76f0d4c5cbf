"""Annotations of output text and token probabilities, both ways.

Source: https://platform.openai.com/docs/api-reference/responses/object (output_text: annotations, logprobs).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Citation, Opaque
from meshwright.types.response import TokenProbability
from meshwright.wire.notes import Notes
from meshwright.wire.openai_responses.members import NAME, STRING, WHOLE, Members

Json = dict[str, object]
LEAST = -9999.0
"""What the API writes for the logarithm of a probability of nothing; JSON has no minus infinity."""


class _Token(msgspec.Struct):
    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple[_Token, ...] | None = None


PROBABILITIES: msgspec.json.Decoder[tuple[_Token, ...]] = msgspec.json.Decoder(tuple[_Token, ...])


def citation_in(raw: Raw, path: str) -> Citation:
    """One annotation; members that have no place in a Citation keep the whole of it in its `raw`."""
    members = Members(raw, path)
    kind = members.need("type", STRING)
    if kind == "url_citation":
        citation = Citation(
            kind="url",
            url=members.text("url"),
            title=members.text("title"),
            start=members.take("start_index", WHOLE),
            end=members.take("end_index", WHOLE),
        )
    elif kind in ("file_citation", "container_file_citation", "file_path"):
        citation = Citation(
            kind="file",
            file_id=members.text("file_id"),
            title=members.text("filename"),
            start=members.take("index" if kind != "container_file_citation" else "start_index", WHOLE),
            end=members.take("end_index", WHOLE),
        )
    else:
        return Citation(kind="document", raw=Opaque(NAME, kind, raw))
    if members.rest() or kind in ("container_file_citation", "file_path"):
        return msgspec.structs.replace(citation, raw=Opaque(NAME, kind, raw))
    return citation


def citation_out(citation: Citation, length: int, field: str, notes: Notes) -> Json | Raw | None:
    """The annotation of a text of `length` characters; None when there is none for such a source (noted as `field`)."""
    if citation.raw is not None and citation.raw.dialect == NAME:
        return citation.raw.raw
    if citation.kind == "document":
        notes.dropped(field, "An annotation names an address or a file, not one of the request's documents.")
        return None
    unusual = citation.quote or citation.unit != "char" or citation.document is not None or citation.raw is not None
    if unusual or citation.source_start is not None or citation.source_end is not None:
        notes.dropped(field, "An annotation has no quote and no place in its source.")
    if citation.kind == "url":
        if citation.start is None or citation.end is None or citation.file_id:
            notes.changed(field, "An annotation of an address says where it stands; the whole text was named.")
        return {
            "type": "url_citation",
            "url": citation.url,
            "title": citation.title,
            "start_index": citation.start or 0,
            "end_index": length if citation.end is None else citation.end,
        }
    if citation.start is None or citation.end is not None or citation.url:
        notes.changed(field, "An annotation of a file says where it stands by one number.")
    return {
        "type": "file_citation",
        "file_id": citation.file_id,
        "filename": citation.title,
        "index": citation.start or 0,
    }


def probabilities_in(tokens: Sequence[_Token] | None) -> tuple[TokenProbability, ...]:
    """Probabilities as ours; no bytes and an empty list of bytes are the same."""
    return tuple(
        TokenProbability(
            token=one.token,
            logprob=one.logprob,
            bytes=one.bytes or None,
            top=probabilities_in(one.top_logprobs),
        )
        for one in tokens or ()
    )


def probabilities_out(tokens: Sequence[TokenProbability]) -> list[Json]:
    """And back: every token has its bytes (maybe none) and its rivals (maybe none)."""
    return [{**_token_out(one), "top_logprobs": [_token_out(top) for top in one.top]} for one in tokens]


def _token_out(one: TokenProbability) -> Json:
    return {"token": one.token, "logprob": max(one.logprob, LEAST), "bytes": one.bytes or ()}
