"""Asks a system by hand, one request at a time, and compares what it says with what the upstream itself says."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

import bodies


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers with lower-case names, body."""

    status: int
    headers: dict[str, str]
    body: bytes


def call(port: int, method: str, path: str, body: bytes = b"", key: str = "") -> Reply:
    """One HTTP request on loopback. Raises OSError or http.client.HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def chat(port: int, model: str, key: str, *, stream: bool = False) -> Reply:
    """The small chat request of the bench."""
    return call(port, "POST", "/v1/chat/completions", bodies.chat(model, stream=stream), key)


def meaning(reply: Reply) -> Any:
    """What must be handed on unchanged: the text, why it ended, the tokens; not ids and names. None if unreadable."""
    try:
        if "event-stream" not in reply.headers.get("content-type", ""):
            whole = json.loads(reply.body)
            choice = whole["choices"][0]
            return [choice["message"]["content"]], choice["finish_reason"], tokens(whole["usage"])
        lines = [line[5:].strip() for line in reply.body.split(b"\n") if line.startswith(b"data:")]
        if not lines or lines[-1] != b"[DONE]":
            return None
        events = [json.loads(line) for line in lines[:-1]]
        choices = [c for e in events for c in e["choices"]]
        text = [c["delta"]["content"] for c in choices if c["delta"].get("content")]
        reasons = [c["finish_reason"] for c in choices if c.get("finish_reason")]
        return text, reasons, [tokens(e["usage"]) for e in events if e.get("usage")]
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def tokens(usage: dict[str, Any]) -> tuple[int, int]:
    """Tokens in and out."""
    return usage["prompt_tokens"], usage["completion_tokens"]


def faults(port: int, model: str, key: str, upstream: int, *, checks_keys: bool) -> list[str]:
    """Where a system's answers differ from the upstream's own, each as a sentence; empty when it is faithful."""
    found = []
    for stream in (False, True):
        got, want = chat(port, model, key, stream=stream), chat(upstream, "gpt-mock", key, stream=stream)
        if got.status != 200 or meaning(got) != meaning(want):
            kind = "stream" if stream else "answer"
            found.append(f"its {kind} is not the upstream's: status {got.status}, {got.body[:300]!r}")
    if checks_keys and not 400 <= (status := chat(port, model, "sk-wrong").status) < 500:
        found.append(f"a wrong key got {status}: the key is not checked")
    return found


def decision_faults(port: int, model: str, key: str) -> list[str]:
    """Whether Meshwright's decision log is on: an answer names its decision and the decision can be read."""
    answer = chat(port, model, key)
    name = answer.headers.get("x-mesh-decision", "")
    if not name:
        return ["its answer names no decision (header x-mesh-decision)"]
    status = call(port, "GET", f"/v1/decisions/{name}", key=key).status
    return [] if status == 200 else [f"GET /v1/decisions/{name} got {status}: is the decision log on?"]
