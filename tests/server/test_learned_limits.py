"""A refusal that names a limit corrects the card; headers about limits reach the client in its own words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway import Gateway
from tests.server.upstream import Upstream, json_answer

WORDS = "This model's maximum context length is 4096 tokens. However, your messages resulted in 9000 tokens."
LONG = "word " * 9000


def answer(status: str, body: object) -> bytes:
    """A whole answer with headers about limits."""
    limits = ("x-ratelimit-limit-requests: 7", "x-ratelimit-reset-requests: 1s")
    return json_answer(json.dumps(body).encode(), *limits, status=status)


GOOD = answer(
    "200 OK",
    {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "pong"}}]},
)  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    address = f'base_url = "http://127.0.0.1:{upstream.port}/v1"\nauth = "none"\nmodels = ["m"]\n'
    toml = f"[builtin]\nenabled = false\n[providers.p]\n{address}"
    with Gateway(Path(tmp_path_factory.mktemp("limits")), toml) as gateway:
        yield gateway


def ask(
    gateway: Gateway, words: str, path: str = "/v1/chat/completions", model: str = "p/m"
) -> tuple[int, dict[str, str], bytes]:
    """One question."""
    return gateway.call(path, {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": words}]})


def test_headers_about_limits_reach_each_client_in_its_own_words(gateway: Gateway, upstream: Upstream):
    upstream.answer = GOOD
    _, headers, _ = ask(gateway, "hi")
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-reset-requests"]) == ("7", "1s")
    _, headers, _ = ask(gateway, "hi", "/v1/messages")
    assert headers["anthropic-ratelimit-requests-limit"] == "7"
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    upstream.answer = answer("429 X", {"error": {"message": "slow down"}})
    status, headers, _ = ask(gateway, "hi", "/v1/messages")
    assert (status, headers["anthropic-ratelimit-requests-limit"]) == (429, "7")


def test_a_limit_that_a_refusal_names_is_on_the_card_and_keeps_the_next_one_from_being_sent(
    gateway: Gateway, upstream: Upstream
):
    upstream.answer = answer("400 X", {"error": {"message": WORDS, "code": "context_length_exceeded"}})
    assert ask(gateway, LONG)[0] == 400
    deadline = time.monotonic() + 40
    while "4,096" not in (shown := gateway.run("models", "show", "p/m").stdout):
        assert time.monotonic() < deadline, shown
    assert "observed" in shown
    (line,) = (
        one
        for one in json.loads(gateway.run("models", "show", "p/m", "--json").stdout)["lines"]
        if one["fact"] == "window"
    )
    assert (line["value"], line["source"], line["date"]) == (
        "4,096",
        "observed",
        time.strftime("%Y-%m-%d", time.gmtime()),
    )
    upstream.answer = GOOD
    upstream.got.clear()
    while (told := ask(gateway, LONG, model="auto"))[0] == 200:
        assert time.monotonic() < deadline
    assert b"4,096" in told[2]
    assert ask(gateway, "hi", model="auto")[0] == 200
