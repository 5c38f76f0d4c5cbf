"""A Request into the body for a provider.

Source: https://ai.google.dev/api/generate-content. The model and whether to stream are in the path (`address.path`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from meshwright.types.request import Request
from meshwright.wire.dialect import Encoded, Target
from meshwright.wire.faithful import rewritten
from meshwright.wire.gemini.generation import generation_out
from meshwright.wire.gemini.models import takes
from meshwright.wire.gemini.shapes import NAME
from meshwright.wire.gemini.tools import CALLING, choice_out, tools_out
from meshwright.wire.gemini.turns_out import Turns
from meshwright.wire.limits import within
from meshwright.wire.notes import Notes

_NESTS = ("generationConfig", "toolConfig")
_TIERS = {"standard": "standard", "flex": "flex", "priority": "priority", "unspecified": "unspecified"}
_NEAR_TIERS = {"default": "standard", "standard_only": "standard"}

# Fields without a place here: the value that says no more than the default does, and why others are left out.
_UNKNOWN: tuple[tuple[str, tuple[object, ...], str], ...] = (
    ("logit_bias", (None,), "The dialect has no token biases."),
    ("verbosity", ("",), "The dialect has no verbosity."),
    ("user", ("",), "The dialect does not say whose request it is."),
    ("metadata", (None,), "The dialect takes no metadata."),
    ("cache", (None,), "What is cached is not marked here."),
    ("cache_key", ("",), "The dialect has no cache keys."),
    ("store", (None, False), "The dialect stores no answers."),
    ("previous_response_id", ("",), "The dialect keeps no conversations."),
)


def encode_request(request: Request, target: Target) -> Encoded:
    """The body for `address.path`: the client's own bytes where they are of this dialect and nothing has changed."""
    if request.source is not None and request.source.dialect == NAME:
        # The path names the model; a body that names another would contradict it.
        changes = {"model": None} if "model" in request.source.fields else {}
        return Encoded(rewritten(request.source, changes))
    notes = Notes()
    body = request_body(request, target, notes)
    return Encoded(msgspec.json.encode(body), tuple(notes.found))


def request_body(request: Request, target: Target, notes: Notes) -> dict[str, Any]:
    """The body built from the values; every loss goes to `notes`."""
    model = takes(target.model)
    request = within(request, target, notes)
    turns = Turns(target, model, notes)
    turns.add(request.messages)
    body: dict[str, Any] = {"contents": turns.contents}
    if turns.system:
        body["systemInstruction"] = {"parts": turns.system, **turns.system_extra}
    tools = tools_out(request, notes)
    if tools:
        body["tools"] = tools
    choice = choice_out(request, tools, notes)
    if choice is not None:
        body["toolConfig"] = {"functionCallingConfig": choice}
    generation = generation_out(request, model, notes)
    if generation:
        body["generationConfig"] = generation
    _tier(body, request.service_tier, notes)
    for field, harmless, reason in _UNKNOWN:
        if getattr(request, field) not in harmless:
            notes.dropped(field, reason)
    _extra(body, request, notes)
    return body


def _tier(body: dict[str, Any], tier: str, notes: Notes) -> None:
    if tier in _TIERS:
        body["serviceTier"] = tier
    elif tier in _NEAR_TIERS:
        notes.changed("service_tier", "The default tier is called standard here.")
        body["serviceTier"] = _NEAR_TIERS[tier]
    elif tier:
        notes.dropped("service_tier", f"There is no tier {tier[:40]} here.")


def _extra(body: dict[str, Any], request: Request, notes: Notes) -> None:
    """Put back the members that `types` has no place for, nested ones into the object that they came from."""
    for extra in request.extra:
        if extra.dialect != NAME:
            notes.foreign(extra.kind, extra)
            continue
        *place, name = extra.kind.split(".")
        if not place or place[0] not in _NESTS:
            body[extra.kind] = extra.raw
            continue
        if extra.kind.startswith(CALLING) and not any(isinstance(tool, dict) for tool in body.get("tools", ())):
            notes.dropped(extra.kind, "There is no function to choose.")
            continue
        parent: Any = body
        for step in place:
            parent = parent.setdefault(step, {}) if isinstance(parent, dict) else None
        if isinstance(parent, dict):
            parent[name] = extra.raw
        else:
            notes.dropped(extra.kind, "The member that it belonged to has changed.")
