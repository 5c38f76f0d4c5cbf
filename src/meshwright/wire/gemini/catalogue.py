"""What Gemini's clients ask about models: their list, one of them, and how many tokens a request would read.

Source: https://ai.google.dev/api/models and https://ai.google.dev/api/tokens. Limits that nobody knows are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Request
from meshwright.wire.gemini.request_in import decode_request
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.spelling import respelled
from meshwright.wire.reading import client_source
from meshwright.wire.verbatim import raw_of

METHODS = ("generateContent", "streamGenerateContent", "countTokens")
_COUNTED = frozenset({"contents", "generateContentRequest"})


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A model as its clients see it; limits in tokens, None when they are not known."""

    name: str
    window: int | None = None
    max_output: int | None = None
    thinks: bool | None = None


def model_object(card: Card) -> dict[str, object]:
    """One model."""
    found: dict[str, object] = {
        "name": f"models/{card.name}",
        "baseModelId": card.name,
        "version": "",
        "displayName": card.name,
        "supportedGenerationMethods": METHODS,
    }
    if card.window is not None:
        found["inputTokenLimit"] = card.window
    if card.max_output is not None:
        found["outputTokenLimit"] = card.max_output
    if card.thinks is not None:
        found["thinking"] = card.thinks
    return found


def encode_list(cards: Sequence[Card], next_page: str = "") -> bytes:
    """A page of the list; `next_page` is the token of the next one, "" when there is none."""
    more = {"nextPageToken": next_page} if next_page else {}
    return msgspec.json.encode({"models": [model_object(card) for card in cards], **more})


def encode_models(names: Sequence[str]) -> bytes:
    """The list of models of these names."""
    return encode_list([Card(name=name) for name in names])


def decode_count_request(body: bytes) -> Request:
    """A request whose tokens are to be counted: `contents` alone or a whole request. Raises InvalidRequest."""
    source = client_source(NAME, body)
    try:
        found = respelled(source.fields, _COUNTED)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{error}.") from None
    whole = found.get("generateContentRequest")
    if whole is not None:
        return decode_request(bytes(whole))
    return decode_request(bytes(raw_of({name: raw for name, raw in found.items() if name == "contents"})))


def encode_count(tokens: int) -> bytes:
    """The answer of countTokens."""
    return msgspec.json.encode({"totalTokens": tokens})
