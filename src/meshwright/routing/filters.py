"""Hard filters: a model that does not pass is never contacted, not even as a fallback. Each says why."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

from meshwright.routing.policy import Policy, Signal
from meshwright.routing.reading import read
from meshwright.types.decision import Features
from meshwright.types.model import Model

WINDOW = "its window is"
"""Words of a rejection for length."""
ONLY = "it is not one of the"
"""Words of a rejection for what the caller may use."""
UNPRICED = "its price is not known"
UNSERVED = "no model that is served is called so"
ROUGH = 1.5
"""How far a token count may be off."""


def rejection(model: Model, features: Features, policy: Policy, signal: Signal) -> str:
    """Why the model cannot serve this request under this policy; "" when it can."""
    # Most routes set no bounds, and there are hundreds of candidates.
    bounds = policy.regions or policy.privacy or policy.licences or policy.min_window is not None
    caller = policy.models or policy.providers or policy.priced
    return (
        (_caller(model, policy) if caller else "")
        or ((_place(model, policy.regions, policy.privacy) or _card(model, policy)) if bounds else "")
        or (_found(model, features, policy) if features.found else "")
        or _window(model, features, policy.named)
        or (_abilities(model, features, policy) if features.needs or policy.require else "")
        or (signal.resting if not policy.named else "")
    )


def _caller(model: Model, policy: Policy) -> str:
    if policy.providers and model.provider not in policy.providers:
        return f"{ONLY} providers {', '.join(policy.providers[:5])}"
    if policy.models and not matches(model.name, policy.models):
        return f"{ONLY} models {', '.join(policy.models[:5])}"
    if policy.priced and (not model.prices or model.prices[0].input is None):
        return f"{UNPRICED}, and there is a budget"
    return ""


@lru_cache(maxsize=65_536)
def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a model's full name, or the part after its provider's, is one of these; `*` stands for anything."""
    bare = name.partition("/")[2]
    return any(fnmatchcase(name, pattern) or fnmatchcase(bare, pattern) for pattern in patterns)


def _found(model: Model, features: Features, policy: Policy) -> str:
    for when in policy.when:
        if when.found in features.found and (reason := _place(model, when.regions, when.privacy)):
            return f'{reason} (the guard "{when.found}" found something)'
    return ""


def _place(model: Model, regions: tuple[str, ...], privacy: tuple[str, ...]) -> str:
    if regions:
        outside = [region for region in model.regions if region not in regions]
        required = f"region {' or '.join(regions)} required"
        if not model.regions:
            return f"{required}; its region is not known"
        # It may answer from any of its regions, so each of them must be allowed.
        if outside:
            return f"{required}; it may answer from {' or '.join(outside)}"
    if privacy and model.privacy not in privacy:
        known = "not known" if model.privacy == "unknown" else model.privacy
        return f"privacy {' or '.join(privacy)} required; its privacy is {known}"
    return ""


def _card(model: Model, policy: Policy) -> str:
    if policy.licences and model.licence not in policy.licences:
        wanted = f"licence {' or '.join(policy.licences)} required"
        return f"{wanted}; its licence is {model.licence or 'not known'}"
    if policy.min_window is not None and (model.window is None or model.window < policy.min_window):
        known = "not known" if model.window is None else f"{model.window:,}"
        return f"min_window is {policy.min_window:,}, its context window is {known}"
    return ""


def roomy(model: Model, most: int, max_tokens: int | None, named: bool) -> bool:
    """Whether a request of at most so many tokens fits into the model's window, however many it is."""
    return model.window is None or most + _answer(model, max_tokens) <= _room(model.window, named)


def _room(window: int, named: bool) -> float:
    # Who named the model knows his prompt better than an estimate that may be off by a third.
    return window * ROUGH if named else window


def _answer(model: Model, max_tokens: int | None) -> int:
    wanted = max_tokens or 0
    return min(wanted, model.max_output or wanted)


def _window(model: Model, features: Features, named: bool) -> str:
    if model.window is None:
        return ""
    answer = _answer(model, features.max_tokens)
    length = read(model, features)
    wanted = length + answer
    if wanted <= _room(model.window, named):
        return ""
    parts = f" ({length:,} in, {answer:,} out)" if answer else ""
    return f"about {wanted:,} tokens wanted{parts}, {WINDOW} {model.window:,}"


def _abilities(model: Model, features: Features, policy: Policy) -> str:
    for need in features.needs:
        if _can(model, need) is False:
            return f"the request needs {need}, which it does not have"
    for need in policy.require:
        if _can(model, need) is not True:
            return f"{need} required; {'it does not have it' if _can(model, need) is False else 'not known of it'}"
    return ""


def _can(model: Model, ability: str) -> bool | None:
    known = model.abilities.get(ability)
    if known is None and ability == "json" and model.abilities.get("structured_output"):
        return True
    return known


def unknown_needs(model: Model, features: Features) -> tuple[str, ...]:
    """What the request needs and nobody says whether the model can."""
    return tuple([need for need in features.needs if _can(model, need) is None]) if features.needs else ()
