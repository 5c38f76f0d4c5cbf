"""A key that `mesh keys` makes opens a running gateway, and closes it again when it is revoked."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.gateway import Gateway

SECONDS = 40


def status_becomes(gateway: Gateway, key: str, wanted: int) -> bool:
    """Whether the gateway answers the key with that status before long."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if gateway.call("/v1/models", headers={"authorization": f"Bearer {key}"})[0] == wanted:
            return True
        time.sleep(0.1)
    return False


def test_an_issued_key_opens_a_running_gateway_until_it_is_revoked(tmp_path: Path):
    with Gateway(tmp_path, '[server]\nauth = "keys"\n') as gateway:
        made = gateway.run("keys", "create", "reports", "--json")
        assert made.returncode == 0, made.stderr
        told = json.loads(made.stdout)
        assert status_becomes(gateway, told["key"], 200)
        status, _, _ = gateway.call("/metrics", headers={"authorization": f"Bearer {told['key']}"})
        assert status == 403  # its scope is inference
        listed = gateway.run("keys")
        assert "reports" in listed.stdout
        assert told["key"] not in listed.stdout
        assert gateway.run("keys", "revoke", told["id"]).returncode == 0
        assert status_becomes(gateway, told["key"], 401)
        again = gateway.run("keys", "revoke", told["id"])
        assert again.returncode == 4
        assert "mesh keys" in again.stderr
