"""Hard filters: a model that does not pass is never contacted, not even as a fallback. Each says why."""

from __future__ import annotations

from meshwright.routing.policy import Policy, Signal
from meshwright.types.decision import Features
from meshwright.types.model import Model


def rejection(model: Model, features: Features, policy: Policy, signal: Signal) -> str:
    """Why the model cannot serve this request under this policy; "" when it can."""
    return (
        _place(model, policy)
        or _window(model, features)
        or _abilities(model, features, policy)
        or (signal.resting if not policy.named else "")
    )


def _place(model: Model, policy: Policy) -> str:
    if policy.regions and not set(policy.regions) & set(model.regions):
        known = ", ".join(model.regions) or "not known"
        return f"region {' or '.join(policy.regions)} required; its region is {known}"
    if policy.privacy and model.privacy not in policy.privacy:
        return f"privacy {' or '.join(policy.privacy)} required; its privacy is {model.privacy}"
    return ""


def _window(model: Model, features: Features) -> str:
    if model.window is None:
        return ""
    wanted = features.input_tokens + min(features.max_tokens or 0, model.max_output or features.max_tokens or 0)
    if wanted > model.window:
        return f"about {wanted} tokens wanted, its window is {model.window}"
    return ""


def _abilities(model: Model, features: Features, policy: Policy) -> str:
    for need in features.needs:
        if _can(model, need) is False:
            return f"it has no {need}"
    for need in policy.require:
        if _can(model, need) is not True:
            return f"{need} required; {'it has none' if _can(model, need) is False else 'not known of it'}"
    return ""


def _can(model: Model, ability: str) -> bool | None:
    known = model.abilities.get(ability)
    if known is None and ability == "json" and model.abilities.get("structured_output"):
        return True
    return known


def unknown_needs(model: Model, features: Features) -> tuple[str, ...]:
    """What the request needs and nobody says whether the model can."""
    return tuple(need for need in features.needs if _can(model, need) is None)
