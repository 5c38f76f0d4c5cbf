"""Everything can be ruled over HTTP by who may, each act is on the audit log, and nobody rises by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway import Gateway
from tests.server.test_issued_keys import status_becomes

MASTER = "mesh-" + "m" * 30


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("admin"), key=MASTER) as running:
        yield running


def ask(gateway: Gateway, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
    # urllib takes the method from a wrapped request; the gateway's own call knows GET and POST.
    import urllib.error
    import urllib.request

    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {key or MASTER}"}
    request = urllib.request.Request(gateway.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_teams_keys_and_limits_are_made_changed_and_removed(gateway: Gateway):
    status, team = ask(gateway, "POST", "/admin/v1/teams", {"name": "search", "limits": {"money/month": 0.1}})
    assert (status, team["limits"][0]["amount"]) == (200, 100_000_000)
    body = {
        "name": "indexer",
        "team": "search",
        "expires": "1d",
        "limits": {"requests/minute": 60},
        "bounds": {"models": ["builtin/*"]},
    }
    status, made = ask(gateway, "POST", "/admin/v1/keys", body)
    assert (status, made["team"], made["scopes"]) == (200, "search", ["inference"])
    assert "hash" not in made
    assert status_becomes(gateway, made["key"], 200)
    assert ask(gateway, "GET", "/admin/v1/teams/search")[1]["keys"] == [made["id"]]
    status, told = ask(
        gateway, "POST", "/admin/v1/limits/team:search", {"set": {"tokens/day": 9}, "remove": ["money/month"]}
    )
    assert (status, [(one["measure"], one["amount"]) for one in told["data"]]) == (200, [("tokens", 9)])
    status, fresh = ask(gateway, "POST", f"/admin/v1/keys/{made['id']}/rotate", {"overlap": "1h"})
    assert (status, fresh["principal"], fresh["replaces"]["id"]) == (200, made["id"], made["id"])
    assert ask(gateway, "DELETE", "/admin/v1/teams/search")[0] == 400
    for id in (made["id"], fresh["id"]):
        assert ask(gateway, "DELETE", f"/admin/v1/keys/{id}")[1]["revoked"]
    assert ask(gateway, "DELETE", "/admin/v1/teams/search") == (
        200,
        {"object": "team", "id": "team:search", "removed": True},
    )
    assert status_becomes(gateway, made["key"], 401)
    _, entries = ask(gateway, "GET", "/admin/v1/audit?limit=7")
    acts = [(one["actor"], one["act"]) for one in reversed(entries["data"])]
    assert acts == [
        ("master", act)
        for act in (
            "team.created",
            "key.created",
            "limits.changed",
            "key.rotated",
            "key.revoked",
            "key.revoked",
            "team.removed",
        )
    ]
    assert ask(gateway, "GET", "/admin/v1/audit/verify")[1]["sound"] is True


def test_a_key_with_the_scope_admin_rules_but_does_not_rise(gateway: Gateway):
    _, admin = ask(gateway, "POST", "/admin/v1/keys", {"name": "clerk", "scopes": ["admin"]})
    _, whole = ask(gateway, "POST", "/admin/v1/keys", {"name": "whole", "scopes": ["*"]})
    _, plain = ask(gateway, "POST", "/admin/v1/keys", {"name": "plain"})
    assert status_becomes(gateway, plain["key"], 200)
    key = admin["key"]
    status, error = ask(gateway, "POST", "/admin/v1/keys", {"name": "more", "scopes": ["*"]}, key=key)
    assert (status, "may not rule" in error["error"]["message"]) == (403, True)
    assert ask(gateway, "POST", f"/admin/v1/keys/{whole['id']}/rotate", {}, key=key)[0] == 403
    assert ask(gateway, "DELETE", f"/admin/v1/keys/{whole['id']}", key=key)[0] == 403
    assert ask(gateway, "GET", "/admin/v1/keys", key=key)[0] == 200
    assert ask(gateway, "GET", "/admin/v1/keys", key=plain["key"])[0] == 403
    assert ask(gateway, "GET", "/admin/v1/spend", key="mesh-nobody")[0] == 401


def test_spending_and_decisions_of_everybody_are_seen(gateway: Gateway):
    assert gateway.chat("2 + 2")[0] == 200
    assert gateway.run("spend").returncode == 0  # which imports the journal
    _, spent = ask(gateway, "GET", "/admin/v1/spend?by=task&since=1h")
    assert [(one["name"], one["requests"]) for one in spent["data"]] == [("compute", 1)]
    _, found = ask(gateway, "GET", "/admin/v1/decisions?model=builtin/solve&limit=1")
    assert found["data"][0]["served"] == "builtin/solve"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("POST", "/admin/v1/keys", {"name": ""}, 400, "name"),
        ("POST", "/admin/v1/keys", {"name": "x", "limits": {"money/century": 1}}, 400, "money/month=5"),
        ("POST", "/admin/v1/keys", {"name": "x", "team": "nobody"}, 404, "nobody"),
        ("POST", "/admin/v1/limits/gateway", {"set": {"requests/minute": 1.5}}, 400, "whole number"),
        ("POST", "/admin/v1/limits/team:nobody", {"set": {"requests/minute": 1}}, 404, "nobody"),
        ("DELETE", "/admin/v1/keys/master", None, 400, "master"),
        ("DELETE", "/admin/v1/users/nobody", None, 404, "nobody"),
        ("GET", "/admin/v1/spend?by=colour", None, 400, "colour"),
        ("GET", "/admin/v1/audit?limit=0", None, 400, "limit"),
        ("GET", "/admin/v1/decisions?before=dec_none", None, 404, "dec_none"),
    ],
)
def test_what_is_wrong_is_told(gateway: Gateway, method: str, path: str, body: Any, status: int, told: str):
    got, error = ask(gateway, method, path, body)
    assert (got, told in json.dumps(error)) == (status, True), error


def test_what_is_lent_is_shown_and_ended_by_who_may(gateway: Gateway):
    status, told = ask(gateway, "GET", "/admin/v1/leases")
    assert (status, told["object"]) == (200, "list")
    status, said = ask(gateway, "POST", "/admin/v1/leases/0123-w1/free", {"spent": "all"})
    assert (status, said["error"]["code"]) == (404, "not_found")
    status, said = ask(gateway, "POST", "/admin/v1/leases/0123-w1/free", {"spent": "some"})
    assert status == 400
    assert "known" in said["error"]["message"]
    told = json.loads(gateway.run("limits", "leases", "--json").stdout)
    assert isinstance(told, list)
    done = gateway.run("limits", "free", "0123-w1", "--json")
    assert done.returncode != 0
    assert "mesh limits leases" in done.stdout + done.stderr
