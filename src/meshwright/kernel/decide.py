"""From the name that the client asked for to the router's decision."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

import msgspec

from meshwright.kernel.bounds import bounded, check_asked
from meshwright.kernel.snapshot import Snapshot
from meshwright.routing.choose import choose
from meshwright.routing.policy import Policy, Signal
from meshwright.routing.route import route
from meshwright.types.decision import Decision
from meshwright.types.errors import UnknownModel
from meshwright.types.model import Model
from meshwright.types.principal import Bounds
from meshwright.types.request import Request

LONGEST_NAME = 300


def decide(
    snapshot: Snapshot,
    signals: Mapping[str, Signal],
    request: Request,
    override: str = "",
    warm: Callable[[str], Mapping[str, int]] | None = None,
    found: tuple[str, ...] = (),
    bounds: tuple[Bounds, ...] = (),
    counted: Mapping[str, int] | None = None,
) -> Decision:
    """The decision for this request of a caller with these bounds: pure, but for what `warm` says.

    That (of the conversation, what prompt caches hold) is kept among the decision's features, and so are `found`, the
    rules of guards that found something in the request, and `counted`, its tokens by tokenizers. Raises UnknownModel,
    NoCandidate, PermissionDenied.
    """
    asked = override or request.model
    policy, models = meant(snapshot, asked)
    if bounds:
        check_asked(bounds, asked, policy.named)
        policy = bounded(policy, bounds)
    decision = route(
        request,
        policy,
        models,
        signals,
        asked=asked,
        snapshot=snapshot.version,
        knowledge=snapshot.knowledge,
        gains=snapshot.gains,
        warm=warm,
        found=found,
        counted=counted,
    )
    return msgspec.structs.replace(decision, bounds=bounds) if bounds else decision


def again(snapshot: Snapshot, decision: Decision, override: str = "") -> Decision:
    """The decision once more, from what it keeps: with the snapshot that it was made by, the same byte for byte.

    With another snapshot it is what that one would have chosen. Raises UnknownModel, NoCandidate, and ValueError when
    the decision keeps no features.
    """
    if decision.features is None:
        raise ValueError("the decision keeps no features")
    asked = override or decision.asked
    policy, models = meant(snapshot, asked)
    policy = bounded(policy, decision.bounds)
    return choose(decision.features, policy, models, decision.signals, asked=asked, snapshot=snapshot.version)


def meant(snapshot: Snapshot, asked: str) -> tuple[Policy, list[Model]]:
    """The policy that a name means, and the models of its pool. Raises UnknownModel."""
    policy = snapshot.names.get(asked)
    if policy is None:
        return _unlisted(snapshot, asked)
    return policy, [snapshot.deployments[name].model for name in policy.pool]


def _unlisted(snapshot: Snapshot, asked: str) -> tuple[Policy, list[Model]]:
    if len(asked) > LONGEST_NAME:
        raise UnknownModel(
            f'"{asked[:LONGEST_NAME]}…" is longer than the name of any model.',
            field="model",
            fix='Ask for "auto", or for one that `mesh models` lists.',
        )
    deployment = snapshot.deployment(asked)
    if deployment is not None:
        policy = Policy(
            name=asked,
            strategy="fixed",
            pool=(asked,),
            named=True,
            when=snapshot.guards.when,
            failing=snapshot.failing,
        )
        return policy, [deployment.model]
    provider, _, _ = asked.partition("/")
    if reason := snapshot.refused.get(provider):
        raise UnknownModel(
            f'"{asked}" cannot be served: {reason}.', field="model", fix="`mesh doctor` shows how to set it up."
        )
    near = difflib.get_close_matches(asked, snapshot.names, 3, 0.5)
    fix = f"Did you mean {' or '.join(near)}?" if near else 'Ask for "auto", or for one that `mesh models` lists.'
    raise UnknownModel(f'There is no model or route "{asked}" here.', field="model", fix=fix)
