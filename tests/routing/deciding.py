"""Models, requests and decisions in a line each."""

from __future__ import annotations

import msgspec

from meshwright.routing.policy import Policy, Signal
from meshwright.routing.route import route
from meshwright.types.content import Message, Part, Text
from meshwright.types.decision import Decision
from meshwright.types.model import Model, Price
from meshwright.types.request import Request

DOLLAR = 1_000_000_000


def model(name: str, **facts: object) -> Model:
    return msgspec.structs.replace(Model(name=name, provider=name.partition("/")[0], upstream=name), **facts)


def priced(name: str, dollars: float, skill: float = 0.7, **facts: object) -> Model:
    """A model at that many dollars per million tokens, in and out."""
    price = Price(input=int(dollars * DOLLAR), output=int(dollars * DOLLAR))
    return model(name, prices=(price,), skills={"*": skill}, **facts)


def ask(*parts: str | Part, **options: object) -> Request:
    given = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return msgspec.structs.replace(Request(model="auto", messages=(Message("user", given),)), **options)


def decide(
    request: Request, *models: Model, signals: dict[str, Signal] | None = None, strategy: str = "task", **bounds: object
) -> Decision:
    pool = tuple(one.name for one in models)
    policy = msgspec.structs.replace(Policy(name="auto", strategy=strategy, pool=pool), **bounds)
    return route(request, policy, models, signals or {}, asked="auto", snapshot=1)


HELLO = ask("Who painted The Starry Night?")
