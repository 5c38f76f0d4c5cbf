"""From a request to a Decision: what is seen of it, and what follows from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from meshwright.providers.builtin.meaning import loaded
from meshwright.routing.choose import choose
from meshwright.routing.features import features, question
from meshwright.routing.filters import roomy
from meshwright.routing.likeness import meant
from meshwright.routing.lots import conversation
from meshwright.routing.policy import Policy, Signal
from meshwright.routing.quality.gains import Gains
from meshwright.routing.quality.knowledge import Knowledge, shipped
from meshwright.routing.strategies import STRATEGIES
from meshwright.routing.tool_loop import tool_loop
from meshwright.types.decision import Decision, Features
from meshwright.types.model import Model
from meshwright.types.request import Request

LEAST_CACHED = 1_024
"""Tokens below which providers cache nothing."""


def route(
    request: Request,
    policy: Policy,
    models: Sequence[Model],
    signals: Mapping[str, Signal],
    *,
    asked: str,
    snapshot: int,
    knowledge: Knowledge | None = None,
    gains: Gains | None = None,
    warm: Callable[[str], Mapping[str, int]] | None = None,
    found: tuple[str, ...] = (),
    counted: Mapping[str, int] | None = None,
) -> Decision:
    """The decision. Pure: equal arguments give equal decisions. Raises NoCandidate with every rejection.

    Raises ContextTooLong when every model was rejected for its window. `models` are those of the policy's pool;
    `knowledge` is what was learned of models, None the weights that come with the package; `gains` what was learned
    here on top of that, None when nothing is to be; `warm` says which prompt caches hold how much of a conversation
    (see `lots.conversation`); `found` are the rules of guards that found something in the request; `counted` its tokens
    by tokenizers that counted them.
    """
    seen = see(request, policy, models, knowledge, gains, warm)
    if found:
        seen = msgspec.structs.replace(seen, found=found)
    if counted:
        seen = msgspec.structs.replace(seen, counted=counted)
    return choose(seen, policy, models, signals, asked=asked, snapshot=snapshot)


def see(
    request: Request,
    policy: Policy,
    models: Sequence[Model],
    knowledge: Knowledge | None = None,
    gains: Gains | None = None,
    warm: Callable[[str], Mapping[str, int]] | None = None,
) -> Features:
    """What the policy, and those of its steps, want to know of the request; nothing else is looked at."""
    wants = _wants(policy)
    if wants.tasks:  # so does whatever goes by cost
        seen = features(request, True)
    else:
        seen = features(request, False, matters=lambda most: _near(policy, models, most, request.max_tokens))
        if wants.little:
            return seen
    more: dict[str, object] = {}
    every, learned, lots = wants.every, wants.learned, wants.lots
    warmth = warm if seen.input_tokens >= LEAST_CACHED and len(models) > 1 and wants.tasks else None
    if warmth is not None or lots or (learned and gains is not None):
        more["conversation"] = digest = conversation(request)
        if warmth is not None and (held := warmth(digest)):
            more["warm"] = held
    if wants.loop or (learned and gains is not None and request.tools):
        more["loop"] = tool_loop(request.messages)
    if learned:
        asked = question(request.messages)
        more["expected"] = (knowledge or shipped()).expect(asked)
        if gains is not None:
            more["sketch"], more["gained"] = gains.look(asked)
    if lots and gains is not None and gains.left:
        names = {one.name.removeprefix("route/") for one in every}
        more["purse"] = {name: left for name, left in gains.left.items() if name in names}
    if len(every) == 1:
        return msgspec.structs.replace(seen, **more) if more else seen
    if wants.examples:
        asked = question(request.messages)
        more["alike"] = {
            step.name: meant(asked, examples)
            for one in every
            for step, examples in zip(one.steps, one.examples, strict=False)
            if examples
        }
        more["by_words"] = not loaded()
    return msgspec.structs.replace(seen, **more)


def unseen(seen: Features, policy: Policy) -> str:
    """What the policy wants to know that was not looked at when `seen` was made for another policy; "" when nothing."""
    wants = _wants(policy)
    if wants.tasks and not seen.tasks:
        return "the kind of task was not looked at"
    if wants.lots and not seen.conversation:
        return "no lots were drawn, and the conversation was not kept"
    if wants.examples:
        return "the other policy compares with examples, and prompts are not kept"
    return ""


def length_counts(policy: Policy, models: Sequence[Model], most: int, max_tokens: int | None) -> bool:
    """Whether anything depends on how long a request of at most so many tokens is."""
    return _wants(policy).tasks or _near(policy, models, most, max_tokens)


def _near(policy: Policy, models: Sequence[Model], most: int, max_tokens: int | None) -> bool:
    """Whether a bound is near, so that a better estimate than a rough one could change anything."""
    for model in models:
        if not roomy(model, most, max_tokens, policy.named):
            return True
        if len(model.prices) > 1 and model.prices[-1].above < most:  # the price goes by the length
            return True
    return False


class _Wants(msgspec.Struct, frozen=True, eq=False):
    """What a policy, or one of those of its steps, wants to know of a request. `every` are all of them.

    `little`: none of this, or no more than the task.
    """

    every: tuple[Policy, ...]
    tasks: bool
    learned: bool
    lots: bool
    loop: bool
    examples: bool
    little: bool


@lru_cache(maxsize=4096)
def _wants(policy: Policy) -> _Wants:
    """The same for each of its requests."""
    every = policy.every()
    strategies = [STRATEGIES[one.strategy] for one in every]
    learned, loop = any(one.learned for one in strategies), any(one.loop for one in strategies)
    lots = any(map(_draws_lots, every))
    return _Wants(
        every,
        tasks=any(map(_goes_by_task, every)),
        learned=learned,
        lots=lots,
        loop=loop,
        examples=any(one.examples for one in strategies),
        little=len(every) == 1 and not (learned or loop or lots),
    )


def _draws_lots(policy: Policy) -> bool:
    """Whether something is left to chance."""
    return STRATEGIES[policy.strategy].lots or bool(policy.options.get("explore"))


def _goes_by_task(policy: Policy) -> bool:
    # Bounds on quality and cost ask for the task too: skills and lengths of answers go by task.
    return STRATEGIES[policy.strategy].tasks or policy.floor > 0 or policy.max_cost is not None
