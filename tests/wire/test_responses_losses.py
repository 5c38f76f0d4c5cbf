"""What the Responses API cannot carry: every loss has a name, and what can be is sent as something near to it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meshwright.types.content import Audio, Citation, File, Image, Message, Opaque, Part, Refusal, Text, ToolResult
from meshwright.types.request import ReasoningControl, Request, SpokenOutput, ToolChoice, ToolSpec
from meshwright.wire.openai_responses import DIALECT
from tests.wire.strategies import raw
from tests.wire.strategies_responses import THEIRS


def lost(request: Request) -> set[str]:
    return {one.field for one in DIALECT.encode_request(request, THEIRS).adaptations}


def asked(*parts: Part, **members: Any) -> Request:
    return Request(model="m", messages=(Message("user", parts or (Text("hi"),)),), **members)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"stop": ("a",)}, "stop"),
        ({"top_k": 1}, "top_k"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"logit_bias": raw({})}, "logit_bias"),
        ({"modalities": ("text", "audio")}, "modalities"),
        ({"speech": SpokenOutput(raw("alloy"), "wav")}, "speech"),
        ({"cache": "5m"}, "cache"),
        ({"max_tokens": 5}, "max_tokens"),
        ({"reasoning": ReasoningControl(budget=2000)}, "reasoning"),
        ({"tool_choice": ToolChoice("tool", ("a", "b"))}, "tool_choice"),
        ({"extra": (Opaque("openai_chat", "web_search_options", raw({})),)}, "web_search_options"),
        ({"tools": (ToolSpec(name="x", kind="hosted", hosted=Opaque("elsewhere", "x", raw({}))),)}, "tools.hosted"),
    ],
)
def test_what_the_api_does_not_take_is_named(members: dict[str, Any], field: str):
    assert lost(asked(**members)) == {field}


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message("user", (Text("a", cache="5m"),)), "messages.cache"),
        (Message("user", (Text("a"),), name="Ann"), "messages.name"),
        (Message("user", (Refusal("a"),)), "messages.refusal"),
        (Message("user", (Opaque("elsewhere", "x", raw({})), Text("a"))), "messages.x"),
        (Message("user", (Text("a"),), extra=(Opaque("elsewhere", "x", raw(1)),)), "messages.x"),
        (Message("user", (File(text="a", cite=True),)), "messages.file"),
        (Message("assistant", (Image(url="https://example.org"), Text("a"))), "messages.image"),
        (Message("assistant", (Audio(id="a", transcript="b"),)), "messages.audio"),
        (Message("assistant", (Text("a", citations=(Citation(kind="document"),)),)), "messages.citations"),
        (Message("assistant", (Text("a"),), id="chatcmpl-1"), "messages.id"),
        (Message("tool", (ToolResult(call_id="a", parts=(Text("b"),), is_error=True),)), "messages.is_error"),
    ],
)
def test_what_a_message_cannot_say_here_is_named(message: Message, field: str):
    assert field in lost(Request(model="m", messages=(message,)))


@pytest.mark.parametrize(
    ("effort", "budget"), [("none", 0), ("low", 1024), ("medium", 8192), ("high", 24576), ("xhigh", 24577)]
)
def test_a_budget_is_sent_as_an_effort(effort: str, budget: int):
    body = msgspec.json.decode(DIALECT.encode_request(asked(reasoning=ReasoningControl(budget=budget)), THEIRS).body)
    assert body["reasoning"] == {"effort": effort}
