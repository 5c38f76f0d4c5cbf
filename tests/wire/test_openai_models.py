"""What is sent to each of OpenAI's models by clients of other dialects, which cannot know what they refuse."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import Message, Text
from meshwright.types.request import ReasoningControl, Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target

ASKED = Request(model="auto", messages=(Message("user", (Text("Hi"),)),))
OFF, HARD = ReasoningControl(mode="off"), ReasoningControl(effort="xhigh")


def sent(model: str, dialect: str = "openai_chat", **changes: Any) -> tuple[Any, dict[str, str]]:
    """(the effort, what was left out or changed)."""
    encoded = CODECS[dialect].encode_request(msgspec.structs.replace(ASKED, **changes), Target(model, "p/m"))
    body = msgspec.json.decode(encoded.body)
    effort = body.get("reasoning_effort") if dialect == "openai_chat" else (body.get("reasoning") or {}).get("effort")
    return effort, {note.field: note.action for note in encoded.adaptations if note.lossy}


@pytest.fixture(params=["openai_chat", "openai_responses"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("model", "off", "hard"),
    [
        ("o3", "low", "high"),
        ("openai/o4-mini-2025-04-16", "low", "high"),
        ("gpt-5-mini", "minimal", "high"),
        ("gpt-5.1", "none", "high"),
        ("gpt-5.2-2025-12-11", "none", "xhigh"),
        ("qwen3", "none", "xhigh"),
        ("gpt-35-turbo", "none", "xhigh"),
    ],
)
def test_an_effort_is_one_that_the_model_has(dialect: str, model: str, off: str, hard: str) -> None:
    assert sent(model, dialect, reasoning=OFF) == (off, {} if off == "none" else {"reasoning": "changed"})
    assert sent(model, dialect, reasoning=HARD) == (hard, {} if hard == "xhigh" else {"reasoning": "changed"})
    assert sent(model, dialect, reasoning=ReasoningControl(effort="high")) == ("high", {})


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "chatgpt-4o-latest", "gpt-5-chat-latest"])
def test_a_model_that_does_not_reason_is_not_told_how_much(dialect: str, model: str) -> None:
    assert sent(model, dialect, reasoning=OFF) == (None, {})
    assert sent(model, dialect, reasoning=HARD) == (None, {"reasoning": "dropped"})
    assert sent(model, dialect, temperature=0.2, top_p=0.5) == (None, {})


@pytest.mark.parametrize("model", ["o1", "o3-mini", "gpt-5", "gpt-5-nano-2025-08-07", "gpt-5.1-codex"])
def test_a_model_that_always_reasons_gets_no_sampling_but_its_own(dialect: str, model: str) -> None:
    lost = dict.fromkeys(("temperature", "top_p", "logprobs", "top_logprobs"), "dropped")
    assert sent(model, dialect, temperature=0.0, top_p=0.5, logprobs=True, top_logprobs=2) == (None, lost)
    assert sent(model, dialect, temperature=1, top_p=1) == (None, {})


def test_a_model_that_may_reason_gets_sampling_where_it_does_not(dialect: str) -> None:
    assert sent("gpt-5.2", dialect, temperature=0.2) == (None, {})
    assert sent("gpt-5.2", dialect, temperature=0.2, reasoning=OFF) == ("none", {})
    assert sent("gpt-5.2", dialect, temperature=0.2, reasoning=HARD) == ("xhigh", {"temperature": "dropped"})


@pytest.mark.parametrize(
    "dialect", ["openai_chat", "openai_responses", "anthropic_messages", "bedrock_converse", "gemini"]
)
def test_no_more_tokens_are_asked_for_than_the_model_can_give(dialect: str) -> None:
    asked = msgspec.structs.replace(ASKED, max_tokens=64_000)
    for most, allowed in ((16_384, 16_384), (100_000, 64_000), (None, 64_000)):
        encoded = CODECS[dialect].encode_request(asked, Target("m", "p/m", max_output=most))
        assert str(allowed).encode() in encoded.body
        assert [note.field for note in encoded.adaptations] == (["max_tokens"] if allowed < 64_000 else [])


def test_a_client_of_the_same_dialect_gets_what_it_asked_for() -> None:
    words = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":0.2,"reasoning_effort":"none"}'
    codec = CODECS["openai_chat"]
    body = codec.encode_request(codec.decode_request(words), Target("o3", "p/m", max_output=9)).body
    assert body == words.replace(b'"m"', b'"o3"')
