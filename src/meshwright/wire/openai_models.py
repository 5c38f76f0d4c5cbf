"""What OpenAI's models refuse, by their names: whoever comes from another dialect cannot know it.

The o series and GPT-5 take no sampling parameters but their defaults; later ones take them where they do not reason.
How much to reason has other words in each generation, and none at all in models that do not reason. A name that is not
OpenAI's gets everything as it was asked for.

Source: https://platform.openai.com/docs/guides/reasoning, .../guides/latest-model (parameter compatibility), and the
API's own refusals ("Unsupported value: 'minimal' is not supported with the 'gpt-5.1' model").
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from meshwright.wire.notes import Notes

_ORDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_OLD = ("low", "medium", "high")
_O_SERIES = re.compile(r"o\d+(?:$|-)")
_GPT = re.compile(r"(?:chat)?gpt-(\d)(?:\.(\d+))?(?:o|$|-)")
_DEFAULTS: dict[str, tuple[object, ...]] = {
    "temperature": (1,),
    "top_p": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": (),
    "logprobs": (),
    "top_logprobs": (),
    "include": (),
}
"""Parameters that a model refuses while it reasons, but for these values; `include` asks Responses for `logprobs`."""


class Takes(msgspec.Struct, frozen=True):
    """`efforts`: how much it can be told to reason; None: unknown, (): it does not reason.

    `sampling`: "always", "unless": where it is not told to reason, "never".
    """

    efforts: tuple[str, ...] | None = None
    sampling: str = "always"


@lru_cache(maxsize=1024)
def takes(model: str) -> Takes:
    """What the model of this name takes (`gpt-5-mini`, `openai/o3`)."""
    name = model.lower().rpartition("/")[2]
    if _O_SERIES.match(name):
        return Takes(_OLD, "never")
    found = _GPT.match(name)
    if found is None:
        return Takes()
    version = (int(found[1]), int(found[2] or 0))
    if version < (5, 0) or "-chat" in name:
        return Takes(())
    if "-codex" in name or "-pro" in name:
        return Takes(None, "never")
    if version == (5, 0):
        return Takes(("minimal", *_OLD), "never")
    return Takes(("none", *_OLD) if version == (5, 1) else ("none", *_OLD, "xhigh"), "unless")


def fitted(body: dict[str, Any], model: str, notes: Notes) -> None:
    """Take out of the body, of Chat Completions or of Responses, what this model refuses."""
    able = takes(model)
    if able.efforts is not None:
        if "reasoning_effort" in body:
            _fit_effort(body, "reasoning_effort", able.efforts, notes)
        elif "reasoning" in body:
            _fit_effort(body["reasoning"], "effort", able.efforts, notes)
            if not able.efforts:
                del body["reasoning"]
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort") or "none"
    if able.sampling == "always" or (able.sampling == "unless" and effort == "none"):
        return
    for name, harmless in _DEFAULTS.items():
        if name in body and body[name] not in harmless:
            del body[name]
            field = "logprobs" if name == "include" else name
            notes.dropped(field, "This model does not take it while it reasons.")


def _fit_effort(place: dict[str, Any], member: str, efforts: tuple[str, ...], notes: Notes) -> None:
    asked = place.get(member)
    if efforts and (asked is None or asked in efforts):
        return
    if not efforts:
        place.pop(member, None)
        if asked == "none":
            notes.moved("reasoning", "This model never reasons: nothing is said of it.")
        else:
            notes.dropped("reasoning", "This model does not reason.")
        return
    least = max(_ORDER.index(asked), 1)  # "none" is more than less: it is said only when it was asked for
    place[member] = next((one for one in efforts if _ORDER.index(one) >= least), efforts[-1])
    notes.changed("reasoning", f"This model has no effort {asked}: {place[member]} was sent.")
