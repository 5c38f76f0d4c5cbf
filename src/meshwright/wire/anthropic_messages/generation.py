"""What Claude models stopped or started to take, by the version in their name.

One provider serves models of several generations, so this is no quirk of a provider. A name without a version (another
vendor's model behind this API, a preview) gets everything as it was asked for.

Source: https://platform.claude.com/docs/en/about-claude/models/migration-guide,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking and .../mid-conversation-system-messages.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)")


class Generation(msgspec.Struct, frozen=True):
    """What a model takes.

    `sampling`: temperature, top_p and top_k. `budget`: thinking by a budget in tokens. `adaptive`: thinking by effort.
    `asked`: it does not think unless told to. `prefill`: it goes on from a last turn of the assistant. `system_turns`:
    the role `system` within `messages`, where the provider takes it too. `strict`: the rules that the API puts on what
    may be combined are known to hold (it is a Claude model).
    """

    sampling: bool = True
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
        budget=version < (4, 7),
        adaptive=version >= (4, 6),
        asked=version < (5, 0),
        prefill=version < (4, 6),
        system_turns=version >= (4, 8),
        strict=True,
    )
