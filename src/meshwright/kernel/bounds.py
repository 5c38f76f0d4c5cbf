"""What a caller may use, as bounds of every plan and of every address: the key's, its team's and its user's.

They bind wherever the bounds of a route do (`Policy.within`): when it is decided, and again at each fallback.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from meshwright.kernel.snapshot import Deployment, Snapshot
from meshwright.routing.filters import rejection
from meshwright.routing.policy import UNSEEN, Policy
from meshwright.types.decision import Features
from meshwright.types.errors import PermissionDenied, PriceUnknown
from meshwright.types.principal import Bounds, Principal

CALLER = "the key's bounds"
_NOTHING = Features(task="", sure=0.0, tasks={}, input_tokens=0)


@lru_cache(maxsize=4096)
def bounded(policy: Policy, bounds: tuple[Bounds, ...]) -> Policy:
    """The policy, and all below it, with the caller's bounds around: the same one for each of his requests."""
    return _around(policy, _policies(bounds)) if bounds else policy


def _around(policy: Policy, bounds: tuple[Policy, ...]) -> Policy:
    return msgspec.structs.replace(
        policy,
        within=(*policy.within, *bounds),
        steps=tuple(_around(step, bounds) for step in policy.steps),
        by=_around(policy.by, bounds) if policy.by is not None else None,
    )


@lru_cache(maxsize=1024)
def _policies(bounds: tuple[Bounds, ...]) -> tuple[Policy, ...]:
    # `named`: what depends on how sure a caller is of his model is not for these bounds to judge.
    return tuple(
        Policy(
            name=CALLER,
            strategy="fixed",
            pool=(),
            regions=one.regions,
            models=one.models,
            providers=one.providers,
            priced=one.priced,
            named=True,
        )
        for one in bounds
        if one.regions or one.models or one.providers or one.priced
    )


def check_asked(bounds: tuple[Bounds, ...], asked: str, named: bool) -> None:
    """Refuse a name that the caller may not ask for. `named`: it means models and not a route.

    Raises PermissionDenied.
    """
    for one in bounds:
        if not one.routes:
            continue
        if named and one.models:
            continue  # which models is looked at where they are chosen
        if named or not any(fnmatchcase(asked, pattern) or asked == f"route/{pattern}" for pattern in one.routes):
            raise PermissionDenied(
                f'This key may not ask for "{asked[:200]}".', field="model", fix=f"Ask for {', '.join(one.routes[:5])}."
            )


def check_path(principal: Principal, path: str) -> None:
    """Refuse an endpoint that the caller may not use. Raises PermissionDenied."""
    for one in principal.bounds:
        if one.endpoints and not any(fnmatchcase(path, pattern) for pattern in one.endpoints):
            raise PermissionDenied(
                f'The key "{principal.name}" may not use {path[:200]}.',
                fix=f"It may use {', '.join(one.endpoints[:5])}.",
            )


def check_deployment(principal: Principal, deployment: Deployment, *, costs: bool = True) -> None:
    """Refuse a model, or a provider, to which the caller's request may not be passed on.

    `costs` False: what is asked of it costs nothing. Raises PermissionDenied, PriceUnknown.
    """
    for policy in _policies(principal.bounds):
        if policy.priced and not costs:
            policy = msgspec.structs.replace(policy, priced=False)
        if reason := rejection(deployment.model, _NOTHING, policy, UNSEEN):
            name = deployment.model.name
            if policy.priced:
                raise PriceUnknown(f"{name} cannot be asked: {reason}.", fix=PRICE_FIX)
            raise PermissionDenied(f"This key may not use {name}: {reason}.", fix="Name another model or provider.")


PRICE_FIX = "State its price in [models] of mesh.toml, set budgets.unpriced there, or ask a model with a known price."


def offers(snapshot: Snapshot, principal: Principal, name: str) -> bool:
    """Whether a model or a route of that name is one that the caller may ask for."""
    policy = snapshot.names.get(name)
    try:
        check_asked(principal.bounds, name, policy is None or policy.named)
        if policy is None or policy.named:
            deployment = snapshot.deployment(name)
            if deployment is not None:
                check_deployment(principal, deployment)
    except PermissionDenied:
        return False
    return True
