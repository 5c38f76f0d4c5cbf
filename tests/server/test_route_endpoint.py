"""POST /v1/route decides and asks nobody; the log can be replayed from the command line."""

from __future__ import annotations

import json

from tests.gateway import Gateway


def test_many_prompts_are_decided_at_once_and_errors_are_told_one_by_one(plain: Gateway):
    before = json.loads(plain.call("/v1/decisions")[2])["data"]
    body = {
        "model": "auto",
        "prompts": ["What is 12.5% of 840?", "Write a poem about the sea."],
        "requests": [
            {"model": "builtin/echo", "messages": [{"role": "user", "content": "hi"}]},
            {"model": "no/such", "messages": [{"role": "user", "content": "hi"}]},
            {"model": "auto"},
        ],
        "live": False,
    }
    status, _, data = plain.call("/v1/route", body)
    assert status == 200
    found = json.loads(data)["data"]
    assert [next(iter(one)) for one in found] == ["decision", "decision", "decision", "error", "error"]
    assert found[0]["decision"]["plan"]["models"][0] == "builtin/solve"
    assert found[3]["error"]["code"] == "model_not_found"
    assert found[4]["error"]["field"] == "messages"
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    calling = {"model": "builtin/echo", "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    _, _, refused = plain.call("/v1/route", {"requests": [calling]})
    assert "tools" in json.loads(refused)["data"][0]["error"]["rejected"]["builtin/echo"]
    assert plain.call("/v1/route", body)[2] == data
    assert json.loads(plain.call("/v1/decisions")[2])["data"] == before


def test_clients_are_told_not_to_ask_again_when_nobody_will_ever_be_able_to(plain: Gateway):
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    calling = {"model": "builtin/echo", "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    status, headers, _ = plain.call("/v1/chat/completions", calling)
    assert (status, headers["x-should-retry"]) == (503, "false")


def test_a_header_names_the_route_for_all_of_them(plain: Gateway):
    _, _, data = plain.call("/v1/route", {"prompts": ["hi"]}, {"x-mesh-route": "builtin/echo"})
    assert json.loads(data)["data"][0]["decision"]["asked"] == "builtin/echo"


def test_a_wrong_body_is_refused_with_the_field(plain: Gateway):
    for body, word in (({"prompt": ["hi"]}, "prompt"), ({"prompts": [3]}, "prompts"), ({}, "prompts"), ([], "object")):
        status, _, data = plain.call("/v1/route", body)
        assert status == 400
        assert word in data.decode()
    assert plain.call("/v1/route", {"prompts": ["x"] * 1_001})[0] == 400


def test_the_log_is_replayed_with_another_configuration(plain: Gateway):
    plain.chat("What is 3 + 4?")
    other = plain.folder / "other.toml"
    other.write_text('[routes.auto]\nstrategy = "fixed"\npool = ["builtin/echo"]\n')
    done = plain.run("router", "replay", "--since", "1d", "--with", str(other), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["requests"] >= 1
    assert told["shares"]["builtin/echo"][1] == told["requests"] - told["unserved"]
    assert told["quality_then"]["supported"] is False
    words = plain.run("router", "replay", "--with", str(other))
    assert "the log cannot support this figure" in words.stdout
    assert plain.run("router", "reply").returncode == 2
