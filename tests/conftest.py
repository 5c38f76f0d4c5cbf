"""What every test runs under: reproducible properties, and an environment that this machine's owner cannot colour."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.store import postgres as server

# The same examples on every run: a red build is the change's doing. No deadline: shared machines stall.
settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# New examples on every run, for those who hunt: HYPOTHESIS_PROFILE=hunt make test ARGS=tests/wire
settings.register_profile("hunt", deadline=None, max_examples=2000, phases=tuple(Phase))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Rich reads the terminal's width once, when the first test of a process imports the command line.
os.environ["COLUMNS"] = "250"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL that runs while it is needed; whoever has none is told what is missing."""
    if reason := server.missing():
        pytest.skip(reason)
    with server.running() as address:
        yield address


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, proxies and MESH_ settings of whoever runs the tests must not decide whether they pass."""
    for name in list(os.environ):
        if name.startswith("MESH_") or name.endswith("_API_KEY") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
