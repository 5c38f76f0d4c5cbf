"""A newcomer with no keys, no services and no network asks a question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gateway import Gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory):
    with Gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.mark.parametrize(
    ("question", "words"), [("What is 12.5% of 840?", "105"), ("Differentiate x^2 sin x", "x² cos x + 2x sin x")]
)
def test_a_calculation_goes_to_solve_and_is_right(gateway: Gateway, question: str, words: str):
    status, headers, body = gateway.chat(question)
    assert status == 200
    assert headers["x-mesh-model"] == "builtin/solve"
    assert words in body["choices"][0]["message"]["content"]


def test_a_question_with_a_document_goes_to_extract_and_cites_it(gateway: Gateway, tmp_path: Path):
    document = tmp_path / "terms.txt"
    document.write_text("Shipping is free within Europe. The warranty covers repairs for two years.")
    done = gateway.run("ask", "How long is the warranty?", "--file", str(document), "--json")
    answer = json.loads(done.stdout)
    assert answer["model"] == "builtin/extract"
    assert "two years" in answer["answer"]
    assert "terms.txt, sentence 2" in answer["answer"]


def test_what_no_model_here_can_answer_is_echoed_honestly(gateway: Gateway):
    _, headers, body = gateway.chat("Who won the world cup in 1998?")
    assert headers["x-mesh-model"] == "builtin/echo"
    assert "knows nothing" in body["choices"][0]["message"]["content"]


def test_the_decision_of_an_answer_explains_it(gateway: Gateway):
    _, headers, _ = gateway.chat("What is 7 * 6?")
    status, _, body = gateway.call(f"/v1/decisions/{headers['x-mesh-decision']}")
    trace = json.loads(body)["trace"]
    assert status == 200
    assert trace["decision"]["because"].startswith("it looks like compute (")
    assert trace["decision"]["features"]["task"] == "compute"
    assert {row["model"] for row in trace["decision"]["candidates"]} | set(trace["decision"].get("rejected", {})) == {
        "builtin/solve",
        "builtin/extract",
        "builtin/echo",
    }
    assert trace["attempts"][0]["usage"]["output"] > 0
    assert trace["cost"] == 0
    assert {"decode", "admit", "route", "upstream", "answer"} <= set(trace["stages"])


def test_the_command_line_explains_the_same_decision(gateway: Gateway):
    _, headers, _ = gateway.chat("What is 7 * 6?")
    done = gateway.run("explain", headers["x-mesh-decision"], "--json")
    assert json.loads(done.stdout)["id"] == headers["x-mesh-decision"]
    told = gateway.run("explain", headers["x-mesh-decision"])
    assert "builtin/solve" in told.stdout
    assert "because it looks like compute" in told.stdout


def test_the_latest_decisions_are_listed_newest_first(gateway: Gateway):
    ids = [gateway.chat("What is 1 + 1?")[1]["x-mesh-decision"] for _ in range(3)]
    listed = json.loads(gateway.call("/v1/decisions?limit=3")[2])["data"]
    assert [row["id"] for row in listed] == ids[::-1]


def test_the_status_page_shows_what_is_served_and_decided(gateway: Gateway):
    _, headers, _ = gateway.chat("What is 2 + 2?")
    status, sent, body = gateway.call("/")
    assert status == 200
    assert sent["content-type"].startswith("text/html")
    assert headers["x-mesh-decision"] in body.decode()
    assert "builtin/solve" in body.decode()


def test_models_are_listed_in_the_dialect_of_the_client(gateway: Gateway):
    ours = json.loads(gateway.call("/v1/models")[2])
    assert ours["object"] == "list"
    assert {"auto", "auto:cheap", "builtin/solve"} <= {row["id"] for row in ours["data"]}
    theirs = json.loads(gateway.call("/v1/models", headers={"anthropic-version": "2023-06-01"})[2])
    assert {row["type"] for row in theirs["data"]} == {"model"}


def test_metrics_count_what_was_answered(gateway: Gateway):
    gateway.chat("What is 3 + 3?")
    text = gateway.call("/metrics")[2].decode()
    assert 'mesh_requests_total{dialect="openai_chat",model="builtin/solve",outcome="ok"}' in text
    assert "mesh_request_seconds_bucket" in text


def test_it_is_alive_and_ready(gateway: Gateway):
    assert gateway.call("/healthz")[0] == 200
    assert json.loads(gateway.call("/readyz")[2])["status"] == "ready"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"host": "evil.example"}, 403),
        ({"origin": "http://localhost:8400"}, 200),
        ({"authorization": "Bearer mesh-mistyped"}, 401),
        ({"authorization": "Bearer anything-at-all"}, 200),
    ],
)
def test_an_open_gateway_answers_its_own_machine_only(gateway: Gateway, headers: dict[str, str], status: int):
    body = {"model": "auto", "messages": [{"role": "user", "content": "1+1"}]}
    assert gateway.call("/v1/chat/completions", body, headers)[0] == status
