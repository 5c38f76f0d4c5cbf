"""A gateway in front of two providers of OpenAI's shape, and a third of another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway import Gateway
from tests.server.forward.asking import KEY, SECRET
from tests.server.upstream import Upstream, json_answer


@pytest.fixture(scope="package")
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    """Two providers of OpenAI's shape."""
    with Upstream() as first, Upstream() as second:
        yield first, second


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstreams: tuple[Upstream, Upstream]) -> Iterator[Gateway]:
    """Keys are required; the second provider is named for what names nobody, a third has another shape."""
    first, second = upstreams
    toml = f"""
[server]
forward_to = "second"
max_body_mb = 0.05
max_upload_mb = 1
[providers.first]
base_url = "http://127.0.0.1:{first.port}/deep/v1"
key_env = "FIRST_KEY"
models = ["vectors"]
quirks = ["responses"]
between_bytes_seconds = 2
[providers.second]
base_url = "http://127.0.0.1:{second.port}/v1/"
auth = "none"
models = ["other"]
[models."first/vectors"]
upstream = "text-vectors-3"
aliases = ["vec"]
[models."first/vectors".price]
input = 1
output = 1
[providers.claude]
base_url = "http://127.0.0.1:{first.port}"
dialect = "anthropic_messages"
auth = "none"
models = ["opus"]
"""
    with Gateway(tmp_path_factory.mktemp("forward"), toml, {"FIRST_KEY": SECRET}, key=KEY) as running:
        yield running
        assert "Traceback" not in running.log()


@pytest.fixture(autouse=True)
def fresh(upstreams: tuple[Upstream, Upstream]) -> None:
    """No test sees another's."""
    for upstream in upstreams:
        upstream.got = []
        upstream.answer = json_answer(b'{"object": "list"}')
        upstream.hangs = False
        upstream.gone.clear()
