"""What Claude models stopped or started to take, by the version in their name.

One provider serves models of several generations, so this is no quirk of a provider. A name without a version (another
vendor's model behind this API, a preview) gets everything as it was asked for. The same models have the same rules on
every cloud that serves them.

Source: https://platform.claude.com/docs/en/about-claude/models/migration-guide,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking and .../mid-conversation-system-messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from meshwright.types.request import Request
from meshwright.wire.notes import Notes

SAMPLING = ("temperature", "top_p", "top_k")
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)")


class Generation(msgspec.Struct, frozen=True):
    """What a model takes.

    `sampling`: temperature, top_p and top_k. `both`: temperature and top_p beside each other. `budget`: thinking by a
    budget in tokens. `adaptive`: thinking by effort. `asked`: it does not think unless told to. `prefill`: it goes on
    from a last turn of the assistant. `system_turns`: the role `system` within `messages`, where the provider takes it
    too. `strict`: the rules that the API puts on what may be combined are known to hold (it is a Claude model).
    """

    sampling: bool = True
    both: bool = True
    budget: bool = True
    adaptive: bool = True
    asked: bool = False
    prefill: bool = True
    system_turns: bool = False
    strict: bool = False


@lru_cache(maxsize=1024)
def generation(model: str) -> Generation:
    """What the model of this name takes (`claude-opus-4-6`, `anthropic/claude-3.5-sonnet`, `claude-opus-5@x`)."""
    match = _VERSION.search(model.lower())
    if match is None:
        return Generation(strict="claude" in model.lower())
    version = (int(match[1]), int(match[2] or 0))
    return Generation(
        sampling=version < (4, 7),
        both=version < (4, 1),
        budget=version < (4, 7),
        adaptive=version >= (4, 6),
        asked=version < (5, 0),
        prefill=version < (4, 6),
        system_turns=version >= (4, 8),
        strict=True,
    )


def sampled(request: Request, takes: Generation, thinking: Mapping[str, object] | None, notes: Notes) -> Request:
    """The request with the temperature, top_p and top_k that the model takes beside this `thinking`."""
    thinks = takes.strict and (thinking or {}).get("type") in ("enabled", "adaptive")
    changes: dict[str, float | None] = {}
    for name in SAMPLING:
        value = getattr(request, name)
        if value is None:
            continue
        if not takes.sampling:
            notes.dropped(name, "This model does not take it.")
            changes[name] = None
        elif thinks and not (name == "top_p" and value >= 0.95) and not (name == "temperature" and value == 1):
            notes.dropped(name, "It cannot be set where the model thinks.")
            changes[name] = None
        elif takes.strict and name == "temperature" and value > 1:
            notes.changed(name, "The greatest temperature here is 1.")
            changes[name] = 1
    left = msgspec.structs.replace(request, **changes) if changes else request
    if not takes.both and left.temperature is not None and left.top_p is not None:
        notes.dropped("top_p", "This model takes a temperature or a top_p, not both.")
        left = msgspec.structs.replace(left, top_p=None)
    return left
