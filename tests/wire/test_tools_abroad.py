"""Tools go abroad under names that are taken there, and calls come home as the client knows its tools."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshwright.types.content import Message, Text, ToolCall
from meshwright.types.request import Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Delta, Finished, PartEnded, Response, ToolCallDelta
from meshwright.wire import CODECS
from meshwright.wire.tools_abroad import knowing, known_again, plain, sendable

NAMES = [
    "fs.read",
    "mcp__plugin_chrome-devtools-mcp_chrome-devtools__get_console_message",
    "1st",
    "köln",
    "a b",
    "ok",
    "",
]
RULES = {
    "openai_chat": r"[a-zA-Z0-9_-]{1,64}",
    "openai_responses": r"[a-zA-Z0-9_-]{1,64}",
    "anthropic_messages": r"[a-zA-Z0-9_-]{1,128}",
    "bedrock_converse": r"[a-zA-Z0-9_-]{1,64}",
    "gemini": r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}",
    "cohere": r"[a-zA-Z_][a-zA-Z0-9_]{0,63}",
}
PATCH = ToolSpec(name="apply.patch", kind="custom")
TEXT = '*** Begin "patch"\n\\d+ \U0001f600 \u00e9\t\ud7ff'


def asked(*tools: ToolSpec, **more: Any) -> Request:
    return Request(model="m", messages=(Message("user", (Text("Hi"),)),), tools=tools, **more)


def answered(call: ToolCall) -> Response:
    return Response(id="a", model="m", choices=(Choice(message=Message("assistant", (call,)), finish="tool_calls"),))


@pytest.mark.parametrize("dialect", list(RULES))
@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_taken_and_comes_back(dialect: str, name: str) -> None:
    called = Message("assistant", (ToolCall(id="c", name=name, arguments="{}"),))
    request = asked(ToolSpec(name=name), tool_choice=ToolChoice("tool", (name,)))
    request = msgspec.structs.replace(request, messages=(*request.messages, called))
    sent, told = sendable(request, dialect)
    there = sent.tools[0].name
    assert re.fullmatch(RULES[dialect], there)
    assert sent.tool_choice == ToolChoice("tool", (there,))
    assert sent.messages[1].parts == (ToolCall(id="c", name=there, arguments="{}"),)
    assert [note.lossy for note in told] == ([] if there == name else [False])
    back = known_again(answered(ToolCall(id="d", name=there, arguments="{}")), request)
    assert back.choices[0].message.parts == (ToolCall(id="d", name=name, arguments="{}"),)


@pytest.mark.parametrize("dialect", ["ollama", "openai_completions", "gemini"])
def test_a_request_whose_names_are_taken_stays_the_very_same(dialect: str) -> None:
    request = asked(ToolSpec(name="fs.read"))
    assert sendable(request, dialect) == (request, ())


def test_names_that_look_alike_stay_apart() -> None:
    assert len({plain(name) for name in ("a.b", "a-b", "a b", "a_b", "x" * 80, "x" * 81)}) == 6


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (json.dumps({"input": TEXT}), TEXT),
        ('{"patch": "one text under another name"}', "one text under another name"),
        ('{"input": 7}', '{"input": 7}'),
        ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
        ("no JSON", "no JSON"),
        ("", ""),
    ],
)
def test_a_call_of_a_tool_that_takes_text_is_that_text(arguments: str, text: str) -> None:
    call = ToolCall(id="c", name=plain("apply.patch"), arguments=arguments)
    back = known_again(answered(call), asked(PATCH)).choices[0].message.parts
    assert back == (ToolCall(id="c", name="apply.patch", arguments=text, kind="custom"),)
    assert streamed([arguments]) == text


class Kept:
    """A client's stream encoder that keeps what it is fed."""

    def __init__(self) -> None:
        self.adaptations: list[Any] = []
        self.deltas: list[Delta] = []

    def feed(self, deltas: Any) -> bytes:
        self.deltas += deltas
        return b""

    def fail(self, error: Any) -> bytes:
        return b""


def streamed(pieces: list[str], *, mark: bool = False) -> str:
    """The text of a call that comes in those pieces, as the client's encoder got it."""
    kept = Kept()
    encoder = knowing(kept, asked(PATCH, ToolSpec(name="other")))
    encoder.feed([ToolCallDelta(part=0, id="c", name=plain("apply.patch"))])
    encoder.feed([ToolCallDelta(part=1, id="d", name="other", arguments="{}")])
    for piece in pieces:
        encoder.feed([ToolCallDelta(part=0, arguments=piece)])
    encoder.feed([PartEnded(0)] if mark else [])
    encoder.feed([Finished(finish="tool_calls")])
    calls = [one for one in kept.deltas if isinstance(one, ToolCallDelta)]
    assert (calls[0].name, calls[0].id, calls[0].kind) == ("apply.patch", "c", "custom")
    assert calls[1] == ToolCallDelta(part=1, id="d", name="other", arguments="{}")
    assert all(call.kind == "custom" for call in calls if call.part == 0)
    return "".join(call.arguments for call in calls if call.part == 0)


@settings(deadline=None, max_examples=60)
@given(st.text(), st.booleans(), st.lists(st.integers(0, 200), max_size=20), st.booleans())
def test_a_text_that_comes_in_pieces_is_the_same_text(text: str, plainly: bool, cuts: list[int], mark: bool) -> None:
    whole = json.dumps({"input": text}, ensure_ascii=not plainly)
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    pieces = [whole[start:end] for start, end in itertools.pairwise(places)]
    assert streamed(pieces, mark=mark) == text


def test_words_of_a_text_are_told_as_they_come() -> None:
    kept = Kept()
    encoder = knowing(kept, asked(PATCH))
    told: list[str] = []
    for piece in ('{"inp', 'ut": "one', " two\\", "n", "\\ud83d", "\\ude00", '"}'):
        encoder.feed([ToolCallDelta(part=0, name=plain("apply.patch") if not told else "", arguments=piece)])
        told.append("".join(one.arguments for one in kept.deltas if isinstance(one, ToolCallDelta)))
    assert told == ["", "one", "one two", "one two\n", "one two\n", "one two\n\U0001f600", "one two\n\U0001f600"]


def test_a_stream_without_such_tools_has_the_clients_own_encoder() -> None:
    encoder = CODECS["openai_chat"].stream_encoder(asked())
    assert knowing(encoder, asked(ToolSpec(name="get_weather"))) is encoder
