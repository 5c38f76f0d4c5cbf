"""A gateway with pretend providers of three dialects, and OpenAI's own client for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.clients.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The running gateway with its upstreams."""
    with Desk(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def client(desk: Desk) -> Iterator[OpenAI]:
    """OpenAI's client."""
    with OpenAI(base_url=f"{desk.gateway.url}/v1", api_key="sk-any", max_retries=0) as one:
        yield one
