"""What is sent to each generation of Claude models, which refuse what the one before took."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import Message, Text, ToolCall
from meshwright.types.request import ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.wire import bedrock_converse
from meshwright.wire.anthropic_messages import DIALECT
from meshwright.wire.claude import generation
from meshwright.wire.dialect import Target

ASKED = Request(model="auto", max_tokens=20_000, messages=(Message("user", (Text("Hi"),)),))


def sent(model: str, **changes: Any) -> tuple[dict[str, Any], dict[str, str]]:
    encoded = DIALECT.encode_request(msgspec.structs.replace(ASKED, **changes), Target(model, "p/m"))
    return msgspec.json.decode(encoded.body), {note.field: note.action for note in encoded.adaptations}


@pytest.mark.parametrize(
    ("model", "sampling", "budget", "adaptive"),
    [
        ("claude-3-haiku-20240307", True, True, False),
        ("claude-3-5-sonnet-20241022", True, True, False),
        ("anthropic/claude-3.7-sonnet", True, True, False),
        ("claude-sonnet-4-20250514", True, True, False),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", True, True, False),
        ("claude-haiku-4-5", True, True, False),
        ("claude-opus-4-6", True, True, True),
        ("claude-opus-4-7", False, False, True),
        ("claude-sonnet-5", False, False, True),
        ("claude-opus-5-5@20261001", False, False, True),
        ("kimi-k2", True, True, True),
        ("claude-mythos-preview", True, True, True),
    ],
)
def test_a_models_version_tells_what_it_takes(model: str, sampling: bool, budget: bool, adaptive: bool) -> None:
    takes = generation(model)
    assert (takes.sampling, takes.budget, takes.adaptive) == (sampling, budget, adaptive)


def test_sampling_parameters_are_left_out_where_they_are_refused() -> None:
    body, noted = sent("claude-opus-5", temperature=0.2, top_p=0.9, top_k=3)
    assert not {"temperature", "top_p", "top_k"} & body.keys()
    assert noted == {"temperature": "dropped", "top_p": "dropped", "top_k": "dropped"}
    body, noted = sent("claude-haiku-4-5", temperature=1.6)
    assert body["temperature"] == 1
    assert noted == {"temperature": "changed"}
    assert sent("deepseek-chat", temperature=1.6) == ({**sent("deepseek-chat")[0], "temperature": 1.6}, {})


def test_an_effort_becomes_what_the_model_thinks_by() -> None:
    high = ReasoningControl(effort="high")
    assert sent("claude-sonnet-4-5", reasoning=high)[0]["thinking"] == {"type": "enabled", "budget_tokens": 16_384}
    body, noted = sent("claude-opus-4-6", reasoning=high)
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "high"})
    assert noted == {"reasoning": "changed"}
    body, noted = sent("claude-opus-5", reasoning=high)
    assert body["output_config"] == {"effort": "high"}
    assert noted == {}


def test_a_budget_becomes_an_effort_where_budgets_are_refused() -> None:
    body, noted = sent("claude-opus-4-8", reasoning=ReasoningControl(budget=9_000, mode="on"))
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "medium"})
    assert noted == {"reasoning": "changed"}


def test_a_budget_leaves_room_for_the_answer() -> None:
    high = ReasoningControl(effort="high")
    assert sent("claude-sonnet-4-5", reasoning=high, max_tokens=4_000)[0]["thinking"]["budget_tokens"] == 2_000
    body, noted = sent("claude-sonnet-4-5", reasoning=high, max_tokens=500)
    assert "thinking" not in body
    assert noted == {"reasoning": "dropped"}


def test_no_effort_forbids_thinking_and_the_least_is_low() -> None:
    assert sent("m", reasoning=ReasoningControl(effort="none"))[0]["thinking"] == {"type": "disabled"}
    body, noted = sent("m", reasoning=ReasoningControl(effort="minimal"))
    assert body["output_config"] == {"effort": "low"}
    assert noted == {"reasoning.effort": "changed"}


def test_what_cannot_be_combined_with_thinking_is_left_out() -> None:
    thinks = ReasoningControl(budget=2_000, mode="on")
    body, noted = sent("claude-sonnet-4-5", reasoning=thinks, temperature=0.3, top_p=0.97)
    assert body["top_p"] == 0.97
    assert noted == {"temperature": "dropped"}
    forced = {"tools": (ToolSpec(name="f"),), "tool_choice": ToolChoice("required")}
    body, noted = sent("claude-sonnet-4-5", reasoning=thinks, **forced)
    assert "thinking" not in body
    assert noted == {"reasoning": "dropped"}


def test_a_last_turn_of_the_assistant_is_made_fit() -> None:
    messages = (*ASKED.messages, Message("assistant", (Text("The answer is "),)))
    body, noted = sent("claude-haiku-4-5", messages=messages)
    assert body["messages"][-1]["content"] == "The answer is"
    assert noted == {"messages": "changed"}
    body, noted = sent("claude-opus-4-6", messages=messages)
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert noted == {"messages": "changed"}


def test_an_unchanged_request_loses_only_what_the_model_would_refuse() -> None:
    body = {
        "zeta": 1,
        "model": "auto",
        "max_tokens": 9_000,
        "temperature": 0.5,
        "thinking": {"type": "enabled", "budget_tokens": 3_000},
        "output_config": {"task_budget": 5},
        "messages": [{"role": "user", "content": "Hi"}],
    }
    request = DIALECT.decode_request(msgspec.json.encode(body))
    encoded = DIALECT.encode_request(request, Target("claude-opus-5", "p/m"))
    assert msgspec.json.decode(encoded.body) == {
        "zeta": 1,
        "model": "claude-opus-5",
        "max_tokens": 9_000,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low", "task_budget": 5},
        "messages": [{"role": "user", "content": "Hi"}],
    }
    assert {note.field for note in encoded.adaptations} == {"temperature", "reasoning"}
    kept = DIALECT.encode_request(request, Target("claude-opus-4-6", "p/m"))
    assert msgspec.json.decode(kept.body) == {**body, "model": "claude-opus-4-6"}
    assert kept.adaptations == ()


@pytest.mark.parametrize(
    "model", ["claude-opus-4-1-20250805", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-6"]
)
def test_a_temperature_and_a_top_p_are_not_sent_together_to_models_that_take_one(model: str) -> None:
    body, noted = sent(model, temperature=0.2, top_p=0.9, top_k=3)
    assert (body["temperature"], body["top_k"], "top_p" in body) == (0.2, 3, False)
    assert noted == {"top_p": "dropped"}
    assert sent(model, top_p=0.9)[0]["top_p"] == 0.9
    assert {"temperature", "top_p"} <= sent("claude-sonnet-4-20250514", temperature=0.2, top_p=0.9)[0].keys()


def test_a_client_of_the_same_dialect_is_spared_the_refusal_too() -> None:
    words = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"temperature":0.2,"top_p":0.9}'
    asked = DIALECT.decode_request(words)
    encoded = DIALECT.encode_request(asked, Target("claude-sonnet-4-5", "p/m"))
    assert "top_p" not in msgspec.json.decode(encoded.body)
    assert [note.field for note in encoded.adaptations] == ["top_p"]
    older = DIALECT.encode_request(asked, Target("claude-3-5-haiku-20241022", "p/m"))
    assert msgspec.json.decode(older.body)["top_p"] == 0.9


def converse(model: str, **changes: Any) -> tuple[dict[str, Any], dict[str, str]]:
    asked = msgspec.structs.replace(ASKED, **changes)
    encoded = bedrock_converse.DIALECT.encode_request(asked, Target(model, "p/m"))
    return msgspec.json.decode(encoded.body), {note.field: note.action for note in encoded.adaptations}


def test_the_same_models_have_the_same_rules_on_bedrock() -> None:
    old, new = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-opus-4-7"
    body, noted = converse(old, temperature=0.2, top_p=0.9)
    assert (body["inferenceConfig"], noted) == ({"maxTokens": 20_000, "temperature": 0.2}, {"top_p": "dropped"})
    body, noted = converse(new, temperature=0.2, top_p=0.9, top_k=3)
    assert body["inferenceConfig"] == {"maxTokens": 20_000}
    assert noted == {"temperature": "dropped", "top_p": "dropped", "top_k": "dropped"}
    both = {"maxTokens": 20_000, "temperature": 0.2, "topP": 0.9}
    assert converse("amazon.nova-pro-v1:0", temperature=0.2, top_p=0.9) == ({**body, "inferenceConfig": both}, {})


def test_nothing_that_thinking_excludes_is_sent_to_bedrock_beside_it() -> None:
    model, thinks = "anthropic.claude-3-7-sonnet-20250219-v1:0", ReasoningControl(budget=2_000, mode="on")
    body, noted = converse(model, reasoning=thinks, temperature=0.2, top_p=0.99)
    assert body["inferenceConfig"] == {"maxTokens": 20_000, "topP": 0.99}
    assert noted == {"temperature": "dropped"}
    tool = ToolSpec(name="t", schema=msgspec.Raw(b'{"type":"object"}'))
    body, noted = converse(model, reasoning=thinks, tools=(tool,), tool_choice=ToolChoice("required"))
    assert "additionalModelRequestFields" not in body
    assert noted == {"reasoning": "dropped"}


def test_a_message_of_white_space_is_not_sent_to_models_that_refuse_it() -> None:
    blank, word = Text("\n"), Text("Hi")
    call = ToolCall(id="c", name="t", arguments="{}")
    some = (Message("system", (blank,)), Message("user", (word, blank)), Message("assistant", (blank, call)))
    body, noted = sent("claude-haiku-4-5", messages=some)
    assert "system" not in body
    assert body["messages"][0]["content"] == [{"type": "text", "text": "Hi"}, {"type": "text", "text": "\n"}]
    assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"]
    assert noted == {"messages.blank": "dropped"}
    assert sent("kimi-k2", messages=some)[0]["system"] == "\n"
