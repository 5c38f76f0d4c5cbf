"""What the router sees of a request is what is in it."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.routing.features import features, question
from meshwright.types.content import Audio, File, Image, Message, Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from meshwright.types.request import OutputFormat, Request, ToolSpec


def tokens(*parts: Part, **options: object) -> int:
    """Estimated tokens of one user message beyond its frame."""
    request = msgspec.structs.replace(Request(model="m", messages=(Message("user", parts),)), **options)
    return features(request, tasks=False).input_tokens - 7


def test_words_are_about_a_token_each():
    assert 700 <= tokens(Text("word " * 800)) <= 1_000


def test_chinese_is_not_counted_as_if_it_were_english():
    assert 600 <= tokens(Text("天" * 1_000)) <= 1_000


@pytest.mark.parametrize(
    ("part", "least", "most"),
    [
        (Image(url="https://pictures.example/1.png"), 500, 2_000),
        (Image(data="A" * 4_000_000), 500, 2_000),
        (Image(data="A" * 4_000_000, detail="low"), 50, 200),
        # Three pages of PDF, 100 kB each.
        (File(data="A" * 400_000, media_type="application/pdf"), 1_500, 10_000),
        (File(data="A" * 4_000, media_type="text/plain"), 600, 900),
        (File(text="a" * 4_000), 900, 1_100),
        (File(file_id="file-1"), 2_000, 20_000),  # taken for ten pages: nobody tells
        # Ten seconds of speech: 24 kHz of 16 bits, and 128 kbit/s.
        (Audio(data="A" * 640_000, format="wav"), 100, 600),
        (Audio(data="A" * 213_000, format="mp3"), 100, 600),
        (Reasoning(text="a" * 400, encrypted="b" * 400), 200, 200),
        (ToolCall(id="1", name="look", arguments="look " * 80), 60, 100),
        (ToolResult(call_id="1", parts=(Text("one " * 100), Text("two " * 100))), 150, 220),
        (Opaque("gemini", "thing", msgspec.Raw(b'"' + b"a" * 398 + b'"')), 100, 100),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else "",
)
def test_each_kind_of_part_counts_about_what_providers_count(part: Part, least: int, most: int):
    assert least <= tokens(part) <= most


def test_tools_and_schemas_are_read_by_the_model_too():
    schema = msgspec.Raw(b'{"type":"object"}' + b" " * 383)
    assert tokens(tools=(ToolSpec(name="look", description="a" * 396, schema=schema),)) == 200
    assert tokens(output=OutputFormat(kind="schema", schema=schema)) == 100


def test_pictures_inside_of_tool_results_are_seen():
    result = ToolResult(call_id="1", parts=(Image(data="AAAA"),))
    seen = features(Request(model="m", messages=(Message("tool", (result,)),)), tasks=False)
    assert seen.attachments == ("image",)
    assert seen.needs == ("vision",)


def test_the_question_is_the_last_user_message():
    request = Request(
        model="m",
        messages=(
            Message("user", (Text("Write a poem about snow."),)),
            Message("assistant", (Text("White it falls."),)),
            Message("user", (Text("What is 17 * 23?"),)),
            Message("assistant", (ToolCall(id="1", name="calculate"),)),
            Message("tool", (ToolResult(call_id="1", parts=(Text("391"),)),)),
        ),
    )
    seen = features(request, tasks=True)
    assert seen.task == "compute"
    assert seen.turns == 2
    assert seen.computable > 0.5


def test_who_does_not_ask_for_tasks_gets_none():
    seen = features(Request(model="m", messages=(Message("user", (Text("What is 2+2?"),)),)), tasks=False)
    assert (seen.task, seen.sure, seen.tasks, seen.computable) == ("", 0.0, {}, 0.0)


def test_a_request_without_messages_is_seen_too():
    seen = features(Request(model="m"), tasks=True)
    assert seen.input_tokens == 3
    assert sum(seen.tasks.values()) == pytest.approx(1, abs=1e-4)


def test_a_document_beside_a_question_makes_it_a_question_about_the_document():
    question = Text("When does the notice period begin?")
    for document in (File(data="A" * 40_000, media_type="application/pdf"), File(text="The lease. " * 300)):
        seen = features(Request(model="m", messages=(Message("user", (question, document)),)), tasks=True)
        assert seen.task == "extract"


def test_results_of_tools_are_not_what_the_user_asked():
    request = Request(
        model="m",
        messages=(
            Message("user", (Text("What is 17 * 23?"),)),
            Message("assistant", (ToolCall(id="1", name="calculate"),)),
            Message("user", (ToolResult(call_id="1", parts=(Text("391"),)),)),
        ),
    )
    assert question(request.messages) == "What is 17 * 23?"
