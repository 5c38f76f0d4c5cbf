"""One open gateway for the files that only ask it things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway import Gateway


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway without a configuration, which must be the same process at the end as at the start."""
    with Gateway(tmp_path_factory.mktemp("plain")) as running:
        worker = running.workers()
        yield running
        assert running.workers() == worker
        assert running.chat("1 + 1")[0] == 200
        assert "Traceback" not in running.log()
