"""One prompt and its completion, in bytes."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given

from meshwright.types.content import Message, Reasoning, Text
from meshwright.types.errors import UpstreamProtocol
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response, TokenProbability
from meshwright.types.usage import Usage
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.openai_completions.several import joined
from tests.wire.strategies import responses

OLD = CODECS["openai_completions"]
TARGET = Target("m", "somebody/m")
ASKED = OLD.decode_request(b'{"model":"m","prompt":"Say it.","echo":true,"logprobs":2}')
TOKENS = (
    TokenProbability(token="Wel", logprob=-0.1, top=(TokenProbability(token="Well", logprob=-2.0),)),
    TokenProbability(token="l.", logprob=-0.2),
)
ANSWER = Response(
    id="a",
    model="m",
    created=1,
    choices=(Choice(message=Message("assistant", (Text("Well."),)), finish="stop", logprobs=TOKENS),),
    usage=Usage(input=3, output=2),
)


def test_probabilities_are_lists_whose_offsets_count_what_was_echoed() -> None:
    body = json.loads(OLD.encode_response(ANSWER, ASKED).body)
    (choice,) = body["choices"]
    assert choice["text"] == "Say it.Well."
    assert choice["logprobs"] == {
        "tokens": ["Wel", "l."],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"Well": -2.0}, {}],
        "text_offset": [7, 10],
    }


def test_the_offsets_of_a_stream_go_on() -> None:
    events = OLD.stream_encoder(ASKED).feed(unfold(ANSWER)).decode().split("\n\n")
    pieces = [json.loads(one.removeprefix("data: ")) for one in events if one.startswith("data: {")]
    told = [choice for piece in pieces for choice in piece["choices"]]
    assert "".join(choice["text"] for choice in told) == "Say it.Well."
    assert [at for choice in told if choice["logprobs"] for at in choice["logprobs"]["text_offset"]] == [7, 10]


def test_probabilities_of_an_echoed_prompt_that_has_none_for_its_first_token_are_read() -> None:
    body = {
        "id": "a",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "text": "ab",
                "index": 0,
                "finish_reason": "length",
                "logprobs": {"tokens": ["a", "b"], "token_logprobs": [None, -1.0], "top_logprobs": [None, {"c": -2.0}]},
            }
        ],
    }
    read = OLD.decode_response(json.dumps(body).encode(), TARGET)
    (told,) = read.choices[0].logprobs or ()
    assert (told.token, told.logprob, told.top[0].token) == ("b", -1.0, "c")


@given(responses())
def test_an_answer_survives_but_for_what_is_named(answer: Response) -> None:
    encoded = OLD.encode_response(msgspec.structs.replace(answer, source=None), Request(model="m"))
    read = OLD.decode_response(encoded.body, TARGET)
    named = {one.field.split(".")[0] for one in encoded.adaptations}
    assert read.usage == answer.usage or "usage" in named
    assert [one.message.text for one in read.choices] == [
        "".join(part.text for part in one.message.parts if isinstance(part, Text)) for one in answer.choices
    ] or "choices" in named


def test_a_thought_is_dropped_by_name() -> None:
    answer = Response(id="a", choices=(Choice(message=Message("assistant", (Reasoning(text="Hm."), Text("Well.")))),))
    encoded = OLD.encode_response(answer, Request(model="m"))
    assert [one.field for one in encoded.adaptations] == ["choices.reasoning"]
    encoder = OLD.stream_encoder(Request(model="m"))
    encoder.feed(unfold(answer))
    assert [one.field for one in encoder.adaptations] == ["choices.reasoning"]


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("size", [1, 13, 10_000])
def test_a_listener_keeps_the_usage_from_whom_did_not_ask(wanted: bool, size: int) -> None:
    asked = Request(model="m", stream=True, stream_usage=True)
    stream = OLD.stream_encoder(asked).feed(unfold(ANSWER))
    tap = OLD.tap(msgspec.structs.replace(asked, stream_usage=wanted))
    out = b"".join(tap.feed(stream[start : start + size]) for start in range(0, len(stream), size))
    assert (tap.usage, tap.finish, tap.ended, tap.failed, tap.id) == (Usage(input=3, output=2), "stop", True, "", "a")
    assert (out == stream) == wanted
    assert out.endswith(b"data: [DONE]\n\n")
    decoder = OLD.stream_decoder(TARGET)
    assert fold(decoder.feed(out)).text == "Well."


def test_an_error_in_a_stream_is_one() -> None:
    decoder = OLD.stream_decoder(TARGET)
    (failed,) = decoder.feed(b'data: {"error": {"message": "Overloaded", "code": "busy"}}\n\n')
    assert (type(failed).__name__, decoder.ended) == ("Failed", True)
    with pytest.raises(UpstreamProtocol):
        OLD.stream_decoder(TARGET).feed(b"data: {no\n\n")


def test_counts_of_several_answers_are_added_up() -> None:
    bodies = [OLD.encode_response(ANSWER, Request(model="m")).body] * 3
    whole = json.loads(joined(bodies))
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert whole["usage"] == {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}
