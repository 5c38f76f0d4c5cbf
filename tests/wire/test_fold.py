"""Deltas add up to the whole answer, and a whole answer falls apart into deltas."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from meshwright.types.content import Audio, Citation, Image, Message, Opaque, Reasoning, Text, ToolCall
from meshwright.types.errors import UpstreamError, UpstreamProtocol
from meshwright.types.response import (
    AudioDelta,
    Began,
    Choice,
    CitationDelta,
    Ended,
    Failed,
    Finished,
    OpaqueDelta,
    ReasoningDelta,
    Response,
    TextDelta,
    TokenProbability,
    ToolCallDelta,
    UsageDelta,
)
from meshwright.types.usage import Usage
from meshwright.wire.fold import Folding, fold, unfold
from tests.wire.strategies import raw, responses


def test_pieces_of_a_part_add_up_and_parts_keep_their_order() -> None:
    answer = fold(
        [
            Began(id="a", model="m", created=7, usage=Usage(input=5)),
            ReasoningDelta(part=0, text="hm"),
            ReasoningDelta(part=0, text="m"),
            TextDelta(text="Hel", part=1),
            TextDelta(text="lo", part=1),
            ToolCallDelta(part=2, id="c1", name="f", arguments='{"a"'),
            ToolCallDelta(part=3, id="c2", name="g"),
            ToolCallDelta(part=2, arguments=":1}"),
            Finished(finish="tool_calls"),
            UsageDelta(Usage(input=5, output=9)),
            Ended(),
        ]
    )
    assert answer == Response(
        id="a",
        model="m",
        created=7,
        choices=(
            Choice(
                message=Message(
                    "assistant",
                    (
                        Reasoning(text="hmm"),
                        Text("Hello"),
                        ToolCall(id="c1", name="f", arguments='{"a":1}'),
                        ToolCall(id="c2", name="g"),
                    ),
                ),
                finish="tool_calls",
            ),
        ),
        usage=Usage(input=5, output=9),
    )


def test_choices_that_come_interleaved_are_told_apart() -> None:
    answer = fold(
        [
            TextDelta(text="b", part=0, choice=1),
            TextDelta(text="a", part=0, choice=0),
            Finished(finish="stop", choice=1),
            Finished(finish="length", choice=0),
        ]
    )
    assert [(one.index, one.message.text, one.finish) for one in answer.choices] == [
        (0, "a", "length"),
        (1, "b", "stop"),
    ]


def test_summaries_signatures_and_citations_find_their_part() -> None:
    answer = fold(
        [
            ReasoningDelta(part=0, text="first", summary=0, id="r"),
            ReasoningDelta(part=0, text="sec", summary=1),
            ReasoningDelta(part=0, text="ond", summary=1),
            ReasoningDelta(part=0, signature="si"),
            ReasoningDelta(part=0, signature="gned"),
            TextDelta(text="x", part=1),
            CitationDelta(citation=Citation(kind="url", url="https://example.org"), part=1),
        ],
        origin="anthropic/claude",
    )
    thought, text = answer.choices[0].message.parts
    assert thought == Reasoning(summary=("first", "second"), signature="signed", id="r", origin="anthropic/claude")
    assert isinstance(text, Text)
    assert text.citations[0].url == "https://example.org"


def test_audio_pieces_with_padding_join_to_valid_base64() -> None:
    answer = fold([AudioDelta(part=0, id="s", data="YQ=="), AudioDelta(part=0, data="Yg==", transcript="ab")])
    assert answer.choices[0].message.parts == (Audio(id="s", data="YWI=", transcript="ab"),)


def test_audio_that_is_not_base64_is_a_protocol_error() -> None:
    with pytest.raises(UpstreamProtocol, match="base64"):
        fold([AudioDelta(part=0, data="Y="), AudioDelta(part=0, data="Yg==")])


def test_a_part_cannot_change_what_it_is() -> None:
    with pytest.raises(UpstreamProtocol, match="Part 0"):
        fold([TextDelta(text="a", part=0), ToolCallDelta(part=0, id="c", name="f")])


def test_a_failure_in_the_stream_is_raised_and_never_an_answer() -> None:
    with pytest.raises(UpstreamError, match="out of memory"):
        fold([TextDelta(text="a", part=0), Failed("out of memory")])


def test_a_folding_keeps_what_came_before_the_failure() -> None:
    folding = Folding()
    for delta in (Began(id="x"), TextDelta(text="par", part=0), Failed("cut")):
        folding.add(delta)
    assert folding.failed == Failed("cut")
    assert folding.response().text == "par"
    assert folding.response().choices[0].finish is None


def test_members_of_the_message_and_of_the_answer_are_told_apart() -> None:
    answer = fold(
        [
            OpaqueDelta(value=Opaque("d", "fingerprint", raw("a"))),
            OpaqueDelta(value=Opaque("d", "fingerprint", raw("b"))),
            OpaqueDelta(value=Opaque("d", "message.details", raw([1]))),
            OpaqueDelta(value=Opaque("d", "message.details", raw([2]))),
            OpaqueDelta(value=Opaque("d", "choice.native", raw("x"))),
            OpaqueDelta(value=Opaque("d", "event.ping", raw(1))),
            OpaqueDelta(value=Opaque("d", "event.ping", raw(2))),
        ]
    )
    assert answer.extra == (
        Opaque("d", "fingerprint", raw("b")),
        Opaque("d", "event.ping", raw(1)),
        Opaque("d", "event.ping", raw(2)),
    )
    assert answer.choices[0].message.extra == (
        Opaque("d", "details", raw([1, 2])),
        Opaque("d", "choice.native", raw("x")),
    )


def test_a_picture_in_an_answer_survives_though_no_delta_is_made_for_it() -> None:
    answer = Response(choices=(Choice(message=Message("assistant", (Image(url="https://example.org/a.png"),))),))
    assert fold(unfold(answer)) == answer


def test_probabilities_without_words_make_no_empty_text() -> None:
    told = (TokenProbability(token="x", logprob=-1.0),)
    answer = Response(
        choices=(
            Choice(message=Message("assistant", (ToolCall(id="c", name="f"),)), finish="tool_calls", logprobs=told),
        )
    )
    assert fold(unfold(answer)) == answer


def _without_what_deltas_lack(response: Response) -> Response:
    """Cache marks, ids and item names have no delta; origin is told to `fold` by its caller."""
    choices = []
    for choice in response.choices:
        parts = []
        for part in choice.message.parts:
            if isinstance(part, (Text, ToolCall)):
                part = msgspec.structs.replace(part, cache=None)
            elif isinstance(part, Reasoning):
                part = msgspec.structs.replace(part, origin="o" if part.signature or part.encrypted else "")
            parts.append(part)
        message = Message("assistant", tuple(parts), extra=choice.message.extra)
        stop = choice.stop if choice.finish is not None else ""
        choices.append(msgspec.structs.replace(choice, message=message, stop=stop))
    said = [one for one in choices if one.message.parts or one.message.extra or one.finish or one.logprobs]
    return msgspec.structs.replace(response, choices=tuple(said))


@given(responses())
def test_folding_what_was_unfolded_gives_the_answer_again(response: Response) -> None:
    whole = _without_what_deltas_lack(response)
    assert fold(unfold(whole), origin="o") == whole
