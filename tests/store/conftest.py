"""Every test of this room runs over SQLite and over PostgreSQL, but for those of files that say SQLITE_ONLY."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.databases import over


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        only = getattr(metafunc.module, "SQLITE_ONLY", False)
        kinds = ["sqlite"] if only else ["sqlite", "postgresql"]
        metafunc.parametrize("kind", kinds, indirect=True)


@pytest.fixture(autouse=True)
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    kind = str(request.param)
    with over(request.getfixturevalue("postgres") if kind == "postgresql" else ""):
        yield kind
