"""A quote is given without asking anybody, and says what is wrong with what cannot be quoted."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import pytest

from meshwright.kernel.config.tables import GuardSettings, RouteSettings, RuleSettings
from meshwright.server.endpoints.quote import answer
from meshwright.server.gate import Gate
from meshwright.server.http import Asked
from meshwright.types.errors import Blocked
from tests.gateway import Gateway
from tests.kernel.house import house


def test_a_prompt_is_quoted_for_every_candidate_and_for_the_plan(plain: Gateway):
    status, _, body = plain.call("/v1/quote", {"prompt": "What is 17 times 23?", "max_tokens": 20})
    told = json.loads(body)
    assert (status, told["object"], told["route"]) == (200, "quote", "auto")
    assert told["models"][0] == "builtin/solve"
    assert told["cost_usd"] == {"value": "0.00", "low": "0.00", "high": "0.00"}
    assert told["candidates"][0]["tokens"]["high"] <= 20
    assert told["coverage"]["nominal"] == 0.9


def test_a_request_of_any_dialect_is_quoted(plain: Gateway):
    request = {"model": "builtin/echo", "max_tokens": 7, "messages": [{"role": "user", "content": "Hello"}]}
    status, _, body = plain.call("/v1/quote", {"dialect": "anthropic_messages", "request": request})
    assert status == 200
    assert json.loads(body)["models"] == ["builtin/echo"]


def test_what_is_too_dear_for_a_max_cost_is_no_candidate(plain: Gateway):
    body = {"prompt": "What is 17 times 23?"}
    assert plain.call("/v1/quote", body, {"x-mesh-max-cost": "0.01"})[0] == 200
    status, _, said = plain.call("/v1/quote", body, {"x-mesh-max-cost": "cheap"})
    assert (status, b"amount of dollars" in said) == (400, True)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 400, "nothing to quote"),
        ({"prompt": "x", "model": "no/such"}, 404, "no/such"),
        ({"prompt": "x", "colour": "red"}, 400, "colour"),
        ({"request": {"messages": 3}}, 400, "messages"),
        ({"request": {}, "dialect": "esperanto"}, 400, "esperanto"),
        ({"prompt": "x", "max_tokens": 0}, 400, "max_tokens"),
    ],
)
def test_what_cannot_be_quoted_is_refused_with_the_reason(plain: Gateway, body: object, status: int, told: str):
    got, _, said = plain.call("/v1/quote", body)
    assert (got, told in said.decode()) == (status, True), said


async def test_what_a_guard_would_refuse_is_not_quoted():
    guards = GuardSettings(on=("pii",), rules={"pii": RuleSettings(action="block")})
    async with house({}, RouteSettings(strategy="fixed", pool=("small/m",)), guards=guards) as at:
        gate = cast(Gate, SimpleNamespace(kernel=at.kernel))
        for prompt, refused in (("What is 17 times 23?", False), ("Write to ann@example.com", True)):
            body = json.dumps({"model": "route/it", "prompt": prompt}).encode()
            asked = Asked(method="POST", path="/v1/quote", query="", header=lambda _: None, body=body)
            if refused:
                with pytest.raises(Blocked):
                    await answer(gate, asked)
            else:
                assert (await answer(gate, asked)).status == 200
