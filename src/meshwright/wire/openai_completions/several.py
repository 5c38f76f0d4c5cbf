"""Several prompts in one request: a request for each, and one answer of theirs.

Source: https://platform.openai.com/docs/api-reference/completions/create, `prompt`. The choices are numbered through:
those of the first prompt come first.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.errors import InvalidRequest
from meshwright.wire.openai_completions.request import texts_in
from meshwright.wire.openai_completions.shape import NAME
from meshwright.wire.reading import client_source
from meshwright.wire.verbatim import NOTHING, present, raw_of

MOST = 128
"""Prompts of one request."""

_CHOICES: msgspec.json.Decoder[list[dict[str, Raw]]] = msgspec.json.Decoder(list[dict[str, Raw]])
_COUNTS: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])
_FIELDS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


def one_by_one(body: bytes) -> list[bytes]:
    """A body for each prompt; the body itself when there is one, or a stream. Raises InvalidRequest."""
    fields = client_source(NAME, body).fields
    raw = fields.get("prompt", NOTHING)
    if bytes(memoryview(raw)[:1]) != b"[" or bytes(fields.get("stream", NOTHING)) == b"true":
        return [body]
    texts = texts_in(raw)
    if len(texts) > MOST:
        raise InvalidRequest(
            f"There are {len(texts)} prompts, and {MOST} are the most.", field="prompt", fix="Use /v1/batches."
        )
    return [msgspec.json.encode({**fields, "prompt": raw_of(text)}) for text in texts]


def joined(bodies: Sequence[bytes]) -> bytes:
    """One answer of several."""
    whole = _FIELDS.decode(bodies[0])
    choices: list[dict[str, Raw]] = []
    usage: dict[str, object] = {}
    for body in bodies:
        fields = _FIELDS.decode(body)
        start = len(choices)
        for place, choice in enumerate(_CHOICES.decode(fields["choices"])):
            choices.append({**choice, "index": raw_of(start + place)})
        if present(fields.get("usage")):
            _add(usage, _COUNTS.decode(fields["usage"]))
    whole["choices"] = raw_of(choices)
    if usage:
        whole["usage"] = raw_of(usage)
    return msgspec.json.encode(whole)


def _add(usage: dict[str, object], more: dict[str, object]) -> None:
    """Counts of a kind, summed; details are counts of their own."""
    for name, value in more.items():
        before = usage.get(name)
        if isinstance(value, dict):
            inner = dict(before) if isinstance(before, dict) else {}
            _add(inner, value)
            usage[name] = inner
        elif isinstance(value, int | float):
            usage[name] = value + (before if isinstance(before, int | float) else 0)
