"""What is set aside without a `max_tokens` is the worst, or what answers hardly ever exceed: as the operator says."""

from __future__ import annotations

import msgspec

from meshwright.kernel.config.tables import BudgetSettings, RouteSettings
from meshwright.sim import Say
from meshwright.types.calibration import Bound, Calibration
from meshwright.types.decision import Features
from tests.kernel.house import house

SEEN = Features(task="chat", sure=1.0, tasks={"chat": 1.0}, input_tokens=5)
KNOWN = Calibration(nominal=0.9, tokens={"small/m *": Bound(0.5, 3.0, 60)})


async def test_the_upper_end_of_what_was_learned_is_set_aside_where_that_is_wished_and_known():
    async with house({"small": Say(text="hi")}, RouteSettings(strategy="fixed", pool=("small/m",))) as at:
        kernel = at.kernel
        model, other = (kernel.snapshot.deployments[name].model for name in ("small/m", "large/m"))
        assert kernel.upper(SEEN, model) is None
        likely = msgspec.structs.replace(kernel.snapshot.budgets, reserve="likely")
        kernel.snapshot = msgspec.structs.replace(kernel.snapshot, budgets=likely, calibration=KNOWN)
        assert kernel.upper(SEEN, model) == 180  # three times the 60 tokens of small talk
        assert kernel.upper(SEEN, other) is None
        assert BudgetSettings().reserve == "worst"
