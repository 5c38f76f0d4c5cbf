"""Kept answers over HTTP: headers, and the database behind two lives of a gateway."""

from __future__ import annotations

import time
from pathlib import Path

from tests.gateway import Gateway

TOML = """
[routes.sums]
strategy = "fixed"
pool = ["builtin/solve"]
[routes.sums.cache]
on = true
database = true
"""


def test_a_kept_answer_outlives_the_gateway_and_says_so(tmp_path: Path):
    with Gateway(tmp_path, TOML) as gateway:
        status, headers, first = gateway.chat("12 * 34", "route/sums")
        assert (status, headers["x-mesh-cache"]) == (200, "miss")
        status, headers, second = gateway.chat("12 * 34", "route/sums")
        assert headers["x-mesh-cache"] == "hit"
        assert headers["age"].isdigit()
        assert second["choices"] == first["choices"]
        trace = gateway.run("explain", headers["x-mesh-decision"])
        assert "a kept answer was given again" in trace.stdout
        asked = {"model": "route/sums", "messages": [{"role": "user", "content": "12 * 34"}]}
        _, headers, _ = gateway.call("/v1/chat/completions", asked, {"cache-control": "no-cache"})
        assert headers["x-mesh-cache"] == "miss"
        status, _, _ = gateway.call("/v1/chat/completions", asked, {"x-mesh-cache": "perhaps"})
        assert status == 400
        assert b'mesh_cache_total{outcome="hit"} 1' in gateway.call("/metrics")[2]
    with Gateway(tmp_path, TOML) as again:
        until = time.monotonic() + 40
        headers, third = dict[str, str](), first
        while headers.get("x-mesh-cache") != "hit" and time.monotonic() < until:
            _, headers, third = again.chat("12 * 34", "route/sums")
        assert third["choices"] == first["choices"]
        kept = [one for one in again.stored() if one.get("cache") == "hit"]
        assert kept
        assert all(one["cost"] == 0 and one["served"] == "builtin/solve" for one in kept)
