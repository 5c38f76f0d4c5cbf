"""Why an answer ended, both ways.

Source: https://ai.google.dev/api/generate-content (FinishReason, BlockReason). An answer that calls a function ends
with STOP like any other; words that mean the same in `types` are kept beside the meaning.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.response import Finish
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.notes import Notes
from meshwright.wire.verbatim import raw_of

WORD = "choice.finishReason"
"""The kind of the verbatim word."""

FINISHES: dict[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "pause",
    "OTHER": "unknown",
    **dict.fromkeys(
        (
            "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
            "MODEL_ARMOR", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "PUP_LIMITED_DISABLED",
        ),
        "content_filter",
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE", "NO_IMAGE", "IMAGE_OTHER",
        ),
        "error",
    ),
}  # fmt: skip
"""What each word means; any other is "unknown"."""

_WORDS: dict[Finish, str] = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "context": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "error": "MALFORMED_RESPONSE",
    "pause": "CONTINUATION",
    "unknown": "OTHER",
}
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def finish_in(word: str, called: bool) -> tuple[Finish, Opaque | None]:
    """(what it means, the word itself where the meaning does not tell it). `called`: the answer calls a tool."""
    finish = FINISHES.get(word, "unknown")
    kept = None if _WORDS[finish] == word else Opaque(NAME, WORD, raw_of(word))
    return ("tool_calls" if called and finish == "stop" else finish), kept


def finish_out(finish: Finish, called: bool, extra: Sequence[Opaque], notes: Notes) -> str:
    """The API's word; the verbatim one among `extra` while the answer still ends for that reason."""
    kept = next((_word(one.raw) for one in extra if one.dialect == NAME and one.kind == WORD), None)
    if kept is not None:
        if finish_in(kept, called)[0] == finish:
            return kept
        notes.dropped("choices.finish", "The answer now ends for another reason.")
    word = _WORDS[finish]
    if finish_in(word, called)[0] != finish:
        notes.changed("choices.finish", f"The nearest word for why the answer ended is {word} here.")
    return word


def _word(raw: Raw) -> str | None:
    try:
        return _STRING.decode(raw)
    except msgspec.ValidationError:
        return None
