"""One gateway process and one set of pretend upstreams for each file of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The running gateway with its upstreams."""
    with Desk(tmp_path_factory.mktemp("desk")) as running:
        yield running
