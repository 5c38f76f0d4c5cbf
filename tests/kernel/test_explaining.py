"""`mesh explain` tells the tree of a plan and what happened on it in words."""

from __future__ import annotations

import pytest

from meshwright.cli.explaining import tell_trace
from meshwright.kernel.config.tables import RouteSettings
from meshwright.sim import Say
from tests.kernel.house import BAD, GOOD, house


async def test_a_cascade_of_a_split_and_a_panel_is_told_to_a_person(capsys: pytest.CaptureFixture[str]):
    shared = RouteSettings(strategy="split", weights={"small/m": 1})
    panel = RouteSettings(strategy="panel", steps=("middle/m", "large/m"))
    route = RouteSettings(strategy="cascade", steps=("route/shared", "route/panel"), options={"threshold": 0.5})
    says = {"small": Say(text=BAD), "middle": Say(text=GOOD), "large": Say(text=GOOD)}
    async with house(says, route, shared=shared, panel=panel) as at:
        await at.ask()
        tell_trace(at.trace)
    told = capsys.readouterr().out
    for words in (
        "cascade  (asked: route/it, strategy: cascade)",
        "1. first\n     1. small/m",
        "2. panel\n     1. middle/m\n     2. large/m\n     (join vote, least 1)",
        "(threshold 0.5, stream hold)",
        "route/shared: the lot of this conversation fell on small/m, which takes 1 of the traffic (chance 1)",
        "small/m (held)",
        "gate small/m: ",
        "a sum in it is wrong",
        "vote middle/m: 2 of 2 say the same",
    ):
        assert words in told
