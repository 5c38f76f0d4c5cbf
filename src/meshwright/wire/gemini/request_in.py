"""The body of a client's request into a Request.

Source: https://ai.google.dev/api/generate-content. Model and method are in the path: `address.with_model` adds them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from meshwright.types.content import Message, Opaque
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Request
from meshwright.wire.gemini.generation import generation_in
from meshwright.wire.gemini.shapes import KNOWN, NAME, REQUESTED
from meshwright.wire.gemini.spelling import listed, respelled
from meshwright.wire.gemini.tools import choice_in, tools_in
from meshwright.wire.gemini.turns_in import Turns, plain_turns, system_in
from meshwright.wire.reading import client_source, explain
from meshwright.wire.verbatim import below, is_string, raw_of

_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_A_TURN = "Send at least one turn of the user."
T = TypeVar("T")


def decode_request(body: bytes) -> Request:
    """The request of models/{model}:generateContent, whose path says the model and whether to stream.

    Raises InvalidRequest that names the field, TooLarge if it nests too deeply.
    """
    source = client_source(NAME, body)
    try:
        found = respelled(source.fields, KNOWN)
        extra = [Opaque(NAME, name, raw) for name, raw in found.items() if name not in REQUESTED]
        options = _options(found, extra)
        messages = _messages(found)
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None
    except RecursionError:
        # Some thousand levels that the scanner passed over and a reader of the value does not.
        raise InvalidRequest("The body nests too deeply.", fix="Flatten the value that nests so deeply.") from None
    return Request(messages=messages, extra=tuple(extra), source=source, **options)


def _messages(found: dict[str, Raw]) -> tuple[Message, ...]:
    if "contents" not in found:
        raise InvalidRequest("Object missing required field `contents`.", field="contents", fix=_A_TURN)
    system = _at("systemInstruction", system_in, found["systemInstruction"]) if "systemInstruction" in found else None
    lead = () if system is None else (system,)
    plain = plain_turns(found["contents"])
    if plain:
        return (*lead, *plain)
    contents = _at("contents", _turns, found["contents"])
    if not contents:
        raise InvalidRequest("There is no turn.", field="contents", fix=_A_TURN)
    turns = Turns()
    for index, raw in enumerate(contents):
        turns.add(index, raw)
    return (*lead, *turns.messages)


def _turns(raw: Raw) -> list[Raw]:
    """The turns; one text alone is what the user says."""
    if is_string(raw):
        return [raw_of({"parts": [{"text": _STRING.decode(raw)}]})]
    return [raw_of({"parts": [{"text": _STRING.decode(one)}]}) if is_string(one) else one for one in listed(raw)]


def _options(found: dict[str, Raw], extra: list[Opaque]) -> dict[str, Any]:
    """Members that say how to answer, as arguments of Request. Raises msgspec.ValidationError."""
    options: dict[str, Any] = {"model": ""}
    if "model" in found:
        options["model"] = _at("model", _STRING.decode, found["model"]).removeprefix("models/")
    if "generationConfig" in found:
        options |= _at("generationConfig", lambda raw: generation_in(raw, extra), found["generationConfig"])
    if "tools" in found:
        try:
            options["tools"] = tools_in(found["tools"])
        except msgspec.ValidationError as error:
            # The index stands in the path of an error within a tool already.
            raise error if "`$.tools" in str(error) else below(error, "tools") from None
    if "toolConfig" in found:
        options["tool_choice"] = _at("toolConfig", lambda raw: choice_in(raw, extra), found["toolConfig"])
    if "serviceTier" in found:
        options["service_tier"] = _at("serviceTier", _STRING.decode, found["serviceTier"])
    return options


def _at(path: str, read: Callable[[Raw], T], raw: Raw) -> T:
    """`read(raw)`, whose error is told with the path of what it reads."""
    try:
        return read(raw)
    except msgspec.ValidationError as error:
        raise below(error, path) from None
