"""From a request to a Decision: what is seen of it, and what follows from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from meshwright.routing.choose import choose
from meshwright.routing.features import features, question
from meshwright.routing.likeness import likeness
from meshwright.routing.lots import conversation
from meshwright.routing.policy import Policy, Signal
from meshwright.routing.strategies import STRATEGIES
from meshwright.routing.tool_loop import tool_loop
from meshwright.types.decision import Decision, Features
from meshwright.types.model import Model
from meshwright.types.request import Request


def route(
    request: Request,
    policy: Policy,
    models: Sequence[Model],
    signals: Mapping[str, Signal],
    *,
    asked: str,
    snapshot: int,
) -> Decision:
    """The decision. Pure: equal arguments give equal decisions. Raises NoCandidate with every rejection.

    Raises ContextTooLong when every model was rejected for its window. `models` are those of the policy's pool.
    """
    return choose(see(request, policy), policy, models, signals, asked=asked, snapshot=snapshot)


def see(request: Request, policy: Policy) -> Features:
    """What the policy, and those of its steps, want to know of the request; nothing else is looked at."""
    every = list(_all(policy))
    strategies = [STRATEGIES[one.strategy] for one in every]
    # Bounds on quality and cost ask for the task too: skills and lengths of answers go by task.
    tasks = any(strategy.tasks for strategy in strategies) or any(
        one.floor > 0 or one.max_cost is not None for one in every
    )
    seen = features(request, tasks)
    if len(every) == 1:
        return seen
    more: dict[str, object] = {}
    if any(strategy.lots for strategy in strategies):
        more["conversation"] = conversation(request)
    if any(strategy.loop for strategy in strategies):
        more["loop"] = tool_loop(request.messages)
    if any(strategy.examples for strategy in strategies):
        asked = question(request.messages)
        more["alike"] = {
            step.name: likeness(asked, examples)
            for one in every
            for step, examples in zip(one.steps, one.examples, strict=False)
            if examples
        }
    return msgspec.structs.replace(seen, **more)


def _all(policy: Policy) -> Sequence[Policy]:
    """The policy and all below it."""
    below = (*policy.steps, *((policy.by,) if policy.by is not None else ()))
    return [policy, *(inner for step in below for inner in _all(step))]
