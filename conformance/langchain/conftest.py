"""What keeps LangChain's suites on this machine, and the tests that say nothing about a gateway."""

from __future__ import annotations

import pytest
import samples

OWN = {"test_serdes": "compares the client with a snapshot that its own repository keeps"}


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures, documents and sounds that tests fetch from the web are made here instead."""
    monkeypatch.setattr("langchain_tests.integration_tests.chat_models.httpx.get", samples.get)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is the client's own business."""
    for item in items:
        if why := OWN.get(item.name):
            item.add_marker(pytest.mark.skip(reason=why))
