"""The JSON of the Completions API.

Source: https://platform.openai.com/docs/api-reference/completions/object and .../completions/create; vLLM's
`stop_reason` (https://docs.vllm.ai/en/latest/serving/openai_compatible_server), the stop sequence that ended the text.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from meshwright.types.response import Finish, TokenProbability
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import NOTHING

NAME = "openai_completions"
Count = Annotated[int, Meta(ge=0)]

FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "content_filter", "error": "error"}
"""What each `finish_reason` means; any other is "unknown" and kept verbatim beside it."""
_REASONS: dict[Finish, str] = {"length": "length", "context": "length", "content_filter": "content_filter"}
_REASONS |= {"refusal": "content_filter", "error": "error"}
_EXACT = (*FINISHES.values(), None)


class Probabilities(msgspec.Struct, frozen=True):
    """Lists of one length. The first token of an echoed prompt has no probability."""

    tokens: list[str] = []
    token_logprobs: list[float | None] = []
    top_logprobs: list[dict[str, float] | None] | None = None


class ChoiceIn(msgspec.Struct, frozen=True):
    """A choice of an answer, or a piece of one."""

    text: str | None = None
    index: int | None = None
    finish_reason: str | None = None
    logprobs: Probabilities | None = None
    stop_reason: Raw = NOTHING
    text_offset: Raw = NOTHING


CHOICE: msgspec.json.Decoder[ChoiceIn] = msgspec.json.Decoder(ChoiceIn)
KNOWN_OF_CHOICE = frozenset(ChoiceIn.__struct_encode_fields__) - {"text_offset"}


def finish_in(reason: str | None) -> Finish | None:
    """Why the text ended; None: it has not, or it does not say."""
    return FINISHES.get(reason, "unknown") if reason else None


def reason_out(finish: Finish | None, notes: Notes) -> str | None:
    """The word for why the text ended."""
    if finish is None:
        return None
    if finish not in _EXACT:
        notes.changed("choices.finish", "A completion ends by itself, at its limit or by a filter.")
    return _REASONS.get(finish, "stop")


def probabilities_in(read: Probabilities | None) -> tuple[TokenProbability, ...]:
    """The tokens with a probability."""
    if read is None:
        return ()
    tops = read.top_logprobs or [None] * len(read.tokens)
    return tuple(
        TokenProbability(
            token=token,
            logprob=logprob,
            top=tuple(TokenProbability(token=other, logprob=its) for other, its in (top or {}).items()),
        )
        for token, logprob, top in zip(read.tokens, read.token_logprobs, tops, strict=False)
        if logprob is not None
    )


def probabilities_out(tokens: tuple[TokenProbability, ...], offset: int, notes: Notes) -> dict[str, object]:
    """The same as lists. `offset` is where the first token begins, in characters of the whole text."""
    offsets = []
    for one in tokens:
        offsets.append(offset)
        offset += len(one.token)
        for token in (one, *one.top):
            if token.bytes is not None and bytes(token.bytes) != token.token.encode("utf-8", "surrogatepass"):
                notes.dropped("choices.logprobs", "The bytes of a token that is part of a letter have no place here.")
        if len({top.token for top in one.top}) < len(one.top):
            notes.changed("choices.logprobs", "Two tokens that look alike are one here.")
    return {
        "tokens": [one.token for one in tokens],
        "token_logprobs": [one.logprob for one in tokens],
        "top_logprobs": [{top.token: top.logprob for top in one.top} for one in tokens]
        if any(one.top for one in tokens)
        else None,
        "text_offset": offsets,
    }
