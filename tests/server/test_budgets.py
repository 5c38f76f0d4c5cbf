"""A key with a budget of five dollars stops at five dollars, whatever comes at it, and each cent has its call."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from meshwright.ledger.allowing import bounds as bounded
from meshwright.ledger.issuing import Terms, issue
from meshwright.sim import Rule, Say, Upstream
from meshwright.store.database import Database, sqlite_url
from meshwright.types.request import Request
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

[models."vague/m"]
price = [{ input = 1, output = 100 }]

[routes.both]
strategy = "fixed"
pool = ["dear/m", "cheap/m"]
"""


def rambling(request: Request) -> Say:
    """Anything up to as long an answer as it may give; ten dollars' worth where nobody gave it an end."""
    most = request.max_tokens or 100_000
    return Say(text="word " * random.Random(most).choice((most // 9, most // 3, most - 1)))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two workers before a dear model, a cheap one, one of unknown price, and one of unknown longest answer."""
    say = (Rule(say=Say(text=WORDS)),)
    upstreams = [
        Upstream(name=name, models=("m",), script=say, tokens_per_second=400) for name in ("dear", "cheap", "odd")
    ]
    upstreams.append(Upstream(name="vague", models=("m",), script=(Rule(write=rambling),)))
    with Pretend(upstreams) as pretend:
        toml = TOML + "".join(pretend.toml(upstream.name) for upstream in upstreams)
        with Gateway(tmp_path_factory.mktemp("budgets"), toml) as running:
            yield running


def key(gateway: Gateway, name: str, *limits: str, team: str = "", **bounds: Sequence[str]) -> str:
    """A new key, as `mesh keys create` makes it, that the gateway's workers know."""
    with closing(Database(sqlite_url(gateway.folder / "state" / "mesh.db"))) as database:
        terms = Terms(team=team, limits=limits, bounds=bounded(**bounds))
        token = issue(database, name, terms=terms).key
    until = time.monotonic() + 40
    known = 0
    while known < 24:  # by both of them
        good = gateway.call("/v1/models", headers={"authorization": f"Bearer {token}"})[0] == 200
        known = known + 1 if good else 0
        assert time.monotonic() < until
        time.sleep(0.02)
    return token


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
    until = time.monotonic() + 40
    while True:
        time.sleep(0.6)  # what ended is in the journal, and is imported within a moment
        under_way, found = rows(gateway, begun)[0][0], (rows(gateway, spent)[0][0], rows(gateway, paid)[0][0])
        if (not under_way and found[0] == found[1]) or time.monotonic() > until:
            return found


def owner(gateway: Gateway, name: str) -> str:
    return str(rows(gateway, f"SELECT id FROM keys WHERE name='{name}'")[0][0])


def test_sixty_four_streams_at_once_stop_at_the_budget_and_every_cent_is_accounted_for(gateway: Gateway):
    budget = 5 * DOLLAR
    token = key(gateway, "streams", "money/total=5")

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
    assert refused["error"]["type"] == "insufficient_quota"  # as OpenAI says it
    assert "$5.00 in all" in refused["error"]["message"]
    assert headers["x-should-retry"] == "false"
    shown = json.loads(gateway.run("keys", "show", "streams", "--json").stdout)["limits"][0]
    assert (shown["amount"], shown["spent"]) == (budget, spent)


def test_two_workers_race_for_a_budget_with_answers_of_unknown_length_and_never_go_over_it(gateway: Gateway):
    budget = 5 * DOLLAR
    token = key(gateway, "vague", "money/total=5")
    until = time.monotonic() + 40

    def client(number: int) -> list[int]:
        found = []
        while time.monotonic() < until:
            status, headers, said = ask(gateway, token, model="vague/m", stream=number % 2 == 0)
            assert status in (200, 429), said
            assert status == 429 or "max_tokens" in headers["x-mesh-adapted"]
            found.append(status)
            if status == 429 and "under way" not in said["error"]["message"]:
                break
            time.sleep(0 if status == 200 else 0.2)
        return found

    with ThreadPoolExecutor(16) as pool:
        answers = [status for found in pool.map(client, range(16)) for status in found]
    spent, paid = settled(gateway, owner(gateway, "vague"))
    assert answers.count(200) > 1
    assert spent == paid
    assert budget - DOLLAR <= spent <= budget
    costs = "SELECT sum(attempts.cost_nano) FROM attempts JOIN decisions ON id=decision WHERE principal=?"
    with closing(sqlite3.connect(gateway.folder / "state" / "mesh.db")) as database:
        (told,) = database.execute(costs, (owner(gateway, "vague"),)).fetchone()
    assert told == spent  # nothing was cut: an honest provider keeps to what it is told


def test_what_is_left_buys_a_cheaper_model_of_the_route_and_says_so(gateway: Gateway):
    token = key(gateway, "thrifty", "money/day=0.05")
    status, headers, _ = ask(gateway, token, model="route/both")
    assert (status, headers["x-mesh-model"]) == (200, "cheap/m")
    trace = json.loads(
        gateway.call(f"/v1/decisions/{headers['x-mesh-decision']}", headers={"authorization": f"Bearer {token}"})[2]
    )["trace"]
    assert [(note["kind"], note["about"]) for note in trace["notes"]] == [("passed_over", "dear/m")]
    assert trace["attempts"][0]["charged"] == trace["attempts"][0]["cost"] > 0


def test_a_model_whose_price_nobody_knows_is_refused_to_a_key_with_a_budget(gateway: Gateway):
    token = key(gateway, "careful", "money/month=1")
    status, _, said = ask(gateway, token, model="odd/m")
    assert status in (403, 503)
    assert "price is not known" in said["error"]["message"]
    assert ask(gateway, key(gateway, "careless"), model="odd/m")[0] == 200
    images = gateway.call("/v1/images/generations", {"model": "odd/m"}, {"authorization": f"Bearer {token}"})
    assert (images[0], json.loads(images[2])["error"]["code"]) == (403, "price_unknown")


def test_a_rate_is_refused_in_each_dialect_with_the_time_to_wait_and_what_is_left(gateway: Gateway):
    token = key(gateway, "hasty", "requests/day=2", "requests/minute=100")
    status, headers, _ = ask(gateway, token, model="cheap/m")
    assert (status, headers["x-ratelimit-limit-requests"]) == (200, "100")
    assert ask(gateway, token, model="cheap/m")[0] == 200
    status, headers, said = ask(gateway, token, model="cheap/m")
    assert (status, said["error"]["code"]) == (429, "rate_limit_exceeded")
    assert "2 requests a day, 0 left" in said["error"]["message"]
    assert 0 < int(headers["retry-after"]) <= 86_400
    status, headers, said = ask(gateway, token, "/v1/messages", model="cheap/m", max_tokens=5)
    assert (status, said["error"]["type"], said["error"]["details"]["error_code"]) == (
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
    )
    path = "/v1beta/models/cheap%2Fm:generateContent"
    body = {"contents": [{"parts": [{"text": "go"}]}]}
    status, _, raw = gateway.call(path, body, {"authorization": f"Bearer {token}"})
    assert (status, json.loads(raw)["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")


def test_a_key_uses_what_it_may_use_and_nothing_else_is_contacted(gateway: Gateway):
    token = key(gateway, "narrow", models=["cheap/*"], endpoints=["/v1/chat/*,/v1/models*,/v1/images/*"])
    status, headers, _ = ask(gateway, token, model="route/both")
    assert (status, headers["x-mesh-model"]) == (200, "cheap/m")
    status, _, said = ask(gateway, token, model="dear/m")
    assert status == 503
    assert "it is not one of the models cheap/*" in said["error"]["message"]
    assert ask(gateway, token, "/v1/messages", model="cheap/m", max_tokens=5)[0] == 403
    listed = json.loads(gateway.call("/v1/models", headers={"authorization": f"Bearer {token}"})[2])["data"]
    named = {row["id"] for row in listed if not row["id"].startswith(("route/", "auto", "both"))}
    assert named == {"cheap/m"}
    for body in ({"model": "dear/m"}, {"prompt": "a cat"}):
        assert gateway.call("/v1/images/generations", body, {"authorization": f"Bearer {token}"})[0] == 403
    routed = key(gateway, "routed", routes=["both"])
    assert ask(gateway, routed, model="route/both")[0] == 200
    assert ask(gateway, routed, model="cheap/m")[0] == 403


def test_a_team_is_limited_over_all_its_keys_and_a_key_that_takes_anothers_place_goes_on_where_it_was(gateway: Gateway):
    assert gateway.run("teams", "create", "two", "--limit", "requests/total=3").returncode == 0
    first, second = (key(gateway, name, team="two") for name in ("anna", "ben"))
    answers = [ask(gateway, token, model="cheap/m")[0] for token in (first, second, first, second)]
    assert answers == [200, 200, 200, 429]
    fresh = json.loads(gateway.run("keys", "rotate", "anna", "--overlap", "1h", "--json").stdout)["key"]
    until = time.monotonic() + 40
    while (status := ask(gateway, fresh, model="cheap/m")[0]) == 401 and time.monotonic() < until:
        time.sleep(0.1)
    assert status == 429
