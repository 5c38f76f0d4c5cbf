"""A key with a budget of five dollars stops at five dollars, whatever comes at it, and each cent has its call."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from meshwright.sim import Rule, Say, Upstream
from tests.gateway import Gateway
from tests.server.pretend import Pretend

DOLLAR = 1_000_000_000
WORDS = " ".join(f"word{number}" for number in range(40))
TOML = """
[server]
auth = "keys"
workers = 2

[models."dear/m"]
max_output = 60
price = [{ input = 100, output = 1000 }]

[models."cheap/m"]
max_output = 60
price = [{ input = 1, output = 1 }]

[routes.both]
strategy = "fixed"
pool = ["dear/m", "cheap/m"]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two workers before a dear model, a cheap one, and one whose price nobody knows."""
    say = (Rule(say=Say(text=WORDS)),)
    upstreams = [
        Upstream(name=name, models=("m",), script=say, tokens_per_second=400) for name in ("dear", "cheap", "odd")
    ]
    with Pretend(upstreams) as pretend:
        toml = TOML + "".join(pretend.toml(upstream.name) for upstream in upstreams)
        with Gateway(tmp_path_factory.mktemp("budgets"), toml) as running:
            yield running


def key(gateway: Gateway, name: str, *options: str) -> str:
    """A new key that the gateway knows."""
    made = gateway.run("keys", "create", name, *options, "--json")
    assert made.returncode == 0, made.stderr + made.stdout
    told = str(json.loads(made.stdout)["key"])
    until = time.monotonic() + 20
    known = 0
    while known < 8:  # by both workers
        good = gateway.call("/v1/models", headers={"authorization": f"Bearer {told}"})[0] == 200
        known = known + 1 if good else 0
        assert time.monotonic() < until
        time.sleep(0.05)
    return told


def ask(gateway: Gateway, key: str, path: str = "/v1/chat/completions", **more: Any) -> tuple[int, dict[str, str], Any]:
    """One chat; (status, headers, body), the body of a stream as text."""
    body = {"model": "dear/m", "messages": [{"role": "user", "content": "go"}], **more}
    status, headers, said = gateway.call(path, body, {"authorization": f"Bearer {key}"})
    return status, headers, said.decode() if said.startswith(b"data") else json.loads(said)


def rows(gateway: Gateway, query: str) -> list[tuple[Any, ...]]:
    """What the database holds."""
    with closing(sqlite3.connect(gateway.folder / "state" / "mesh.db")) as database:
        return database.execute(query).fetchall()


def settled(gateway: Gateway, owner: str) -> tuple[int, int]:
    """(spent, sum of what the attempts were charged) of a key's budget once nothing is under way."""
    spent = f"SELECT spent FROM accounts WHERE owner='key:{owner}' AND measure='money'"
    paid = f"SELECT sum(charged_nano) FROM attempts JOIN decisions ON id=decision WHERE principal='{owner}'"
    begun = f"SELECT count(*) FROM begun WHERE principal='{owner}'"
    until = time.monotonic() + 30
    while time.monotonic() < until:
        time.sleep(0.6)  # what ended is in the journal, and is imported within a moment
        if rows(gateway, begun) == [(0,)]:
            break
    return rows(gateway, spent)[0][0], rows(gateway, paid)[0][0]


def owner(gateway: Gateway, name: str) -> str:
    return str(rows(gateway, f"SELECT id FROM keys WHERE name='{name}'")[0][0])


def test_sixty_four_streams_at_once_stop_at_the_budget_and_every_cent_is_accounted_for(gateway: Gateway):
    budget = 5 * DOLLAR
    token = key(gateway, "streams", "--budget", "5", "--per", "total")

    until = time.monotonic() + 40

    def client(_client: int) -> list[int]:
        found = []
        while time.monotonic() < until:
            status, _, said = ask(gateway, token, stream=True)
            assert status in (200, 429), said
            assert status == 429 or said.endswith("data: [DONE]\n\n")
            found.append(status)
            if status == 429 and "under way" not in said["error"]["message"]:
                break  # nothing comes back any more
            time.sleep(0 if status == 200 else 0.2)
        return found

    with ThreadPoolExecutor(64) as pool:
        answers = [status for found in pool.map(client, range(64)) for status in found]
    spent, paid = settled(gateway, owner(gateway, "streams"))
    assert answers.count(200) > 100
    assert 429 in answers
    assert spent == paid
    assert spent <= budget
    assert spent > budget - DOLLAR // 2  # it stopped because what was left could not pay for the worst case of another
    status, headers, refused = ask(gateway, token)
    assert (status, refused["error"]["code"]) == (429, "insufficient_quota")
    assert "$5.00 in all" in refused["error"]["message"]
    assert headers["x-should-retry"] == "false"
    shown = json.loads(gateway.run("keys", "show", "streams", "--json").stdout)["limits"][0]
    assert (shown["amount"], shown["spent"]) == (budget, spent)
