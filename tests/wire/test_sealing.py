"""A signature goes back to who made it through clients that do not say who that was, and to nobody else."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.types.content import Message, Reasoning, Text, ToolCall
from meshwright.types.request import Request
from meshwright.types.response import Choice, Response
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from meshwright.wire.sealing import (
    Sealing,
    decoder_of_client,
    encode_for_client,
    encoder_for_client,
    seal,
    somebody,
    unseal,
)
from tests.wire.matrix import understood

MAKER, OTHER, NOBODY = Target("m", "a/m", 9000), Target("m", "b/m", 9000), Target("m", "", 9000)
SIGNATURE = "RXFRQkNrWUlCeGdDS2tCeg=="
MAKERS = ("anthropic_messages", "bedrock_converse", "gemini", "openai_responses")
ASKED = Request(model="m", max_tokens=2000, stream=True, stream_usage=True)
HELLO = Message("user", (Text("Hello"),))
pairs = pytest.mark.parametrize(("client", "maker"), list(itertools.permutations(MAKERS, 2)))
streamed = pytest.mark.parametrize("streamed", [False, True])


def thought(maker: str) -> Reasoning:
    """A bound thought as this dialect has it."""
    if maker == "openai_responses":
        return Reasoning(summary=("Seven.",), encrypted=SIGNATURE, id="rs_0123456789abcdef")
    return Reasoning(text="Seven.", signature=SIGNATURE)


def turn_of(client: str, maker: str, streamed: bool, *parts: Reasoning | Text | ToolCall) -> Message:
    """The assistant's turn, as the client's library has it of an answer that `maker` gave."""
    answer = Response(
        id="a", model="m", created=1, choices=(Choice(message=Message("assistant", parts), finish="stop"),)
    )
    ours, theirs = CODECS[client], CODECS[maker]
    if not streamed:
        given_answer = theirs.decode_response(theirs.encode_response(answer, ASKED).body, MAKER)
        told = ours.decode_response(encode_for_client(ours, given_answer, ASKED).body, NOBODY)
        return told.choices[0].message
    sent = theirs.stream_encoder(ASKED).feed(unfold(answer))
    decoder, encoder = theirs.stream_decoder(MAKER), encoder_for_client(ours, ASKED)
    out = b"".join(encoder.feed(decoder.feed(sent[at : at + 9])) for at in range(0, len(sent), 9))
    return fold(ours.stream_decoder(NOBODY).feed(out)).choices[0].message


def back(client: str, turn: Message) -> Request:
    """The next request, as it arrives here."""
    request = msgspec.structs.replace(ASKED, messages=(HELLO, turn, HELLO))
    dialect = CODECS[client]
    return understood(dialect, dialect.encode_request(request, NOBODY).body, request, decoder_of_client(dialect))


@pairs
@streamed
def test_the_maker_gets_its_signature_back(client: str, maker: str, streamed: bool):
    turn = turn_of(client, maker, streamed, thought(maker), Text("It is 15."))
    assert SIGNATURE not in str(turn)
    request = back(client, turn)
    assert request.source is None
    (bound,) = [part for part in request.messages[1].parts if isinstance(part, Reasoning)]
    assert (bound.origin, bound.signature or bound.encrypted) == ("a/m", SIGNATURE)
    encoded = CODECS[maker].encode_request(request, MAKER)
    assert SIGNATURE.encode() in encoded.body
    assert b"Seven." in encoded.body
    assert not [one for one in encoded.adaptations if one.field.startswith("messages") and one.lossy]


@pairs
@streamed
@pytest.mark.parametrize("other", CODECS)
def test_nobody_else_gets_it_and_that_is_told(client: str, maker: str, streamed: bool, other: str):
    request = back(client, turn_of(client, maker, streamed, thought(maker), Text("It is 15.")))
    encoded = CODECS[other].encode_request(request, OTHER)
    assert SIGNATURE.encode() not in encoded.body
    assert [one for one in encoded.adaptations if one.field.startswith("messages") and one.lossy]


@pytest.mark.parametrize("client", [one for one in MAKERS if one != "gemini"])
@streamed
def test_the_signature_of_a_call_comes_back_to_it(client: str, streamed: bool):
    parts = (Reasoning(signature=SIGNATURE), ToolCall(id="call_1", name="weather", arguments='{"city":"Lyon"}'))
    request = back(client, turn_of(client, "gemini", streamed, *parts))
    sent = msgspec.json.decode(CODECS["gemini"].encode_request(request, MAKER).body)
    (call,) = [part for turn in sent["contents"] for part in turn["parts"] if "functionCall" in part]
    assert call["thoughtSignature"] == SIGNATURE


@pytest.mark.parametrize("client", MAKERS)
@pytest.mark.parametrize("other", MAKERS)
def test_a_signature_without_a_seal_stays_in_its_dialect(client: str, other: str):
    request = back(client, Message("assistant", (thought(client), Text("It is 15."))))
    (bound,) = [part for part in request.messages[1].parts if isinstance(part, Reasoning)]
    assert bound.origin == somebody(client)
    assert request.source is not None
    encoded = CODECS[other].encode_request(msgspec.structs.replace(request, source=None), OTHER)
    assert (SIGNATURE.encode() in encoded.body) == (client == other)
    assert [one.lossy for one in encoded.adaptations if one.field.startswith("messages")] == [True] * (client != other)


def test_what_passes_between_two_of_one_dialect_is_not_touched():
    dialect = CODECS["anthropic_messages"]
    answer = Response(choices=(Choice(message=Message("assistant", (thought("anthropic_messages"),)), finish="stop"),))
    body = dialect.encode_response(answer, ASKED).body
    assert encode_for_client(dialect, dialect.decode_response(body, MAKER), ASKED).body == body


bound = st.builds(
    Reasoning, signature=st.text(), encrypted=st.text(), id=st.text(max_size=20), origin=st.text(min_size=1)
)


@given(bound)
def test_a_seal_is_base64_and_opens_to_what_was_sealed(thought: Reasoning):
    text = seal(thought)
    assert unseal(text) == thought
    assert unseal(text.replace("+", "-").replace("/", "_")) == thought
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


@given(st.text())
def test_what_only_looks_like_a_seal_is_none(text: str):
    assert unseal("bWVzaDox" + text) is None


def test_pieces_of_a_signature_are_sealed_once():
    decoder = CODECS["anthropic_messages"].stream_decoder(MAKER)
    answer = Response(
        choices=(Choice(message=Message("assistant", (thought("anthropic_messages"), Text("15"))), finish="stop"),)
    )
    sent = CODECS["anthropic_messages"].stream_encoder(ASKED).feed(unfold(answer))
    whole = b'"signature":"' + SIGNATURE.encode() + b'"}'
    (event,) = [one for one in sent.split(b"\n\n") if whole in one]
    halves = b"\n\n".join(event.replace(SIGNATURE.encode(), half.encode()) for half in (SIGNATURE[:9], SIGNATURE[9:]))
    encoder = encoder_for_client(CODECS["bedrock_converse"], ASKED)
    assert isinstance(encoder, Sealing)
    out = encoder.feed(decoder.feed(sent.replace(event, halves)))
    (found,) = [
        part
        for part in fold(CODECS["bedrock_converse"].stream_decoder(NOBODY).feed(out)).choices[0].message.parts
        if isinstance(part, Reasoning)
    ]
    opened = unseal(found.signature)
    assert opened is not None
    assert (opened.signature, opened.origin) == (SIGNATURE, "a/m")
    assert [(one.field, one.action) for one in encoder.adaptations] == [("choices.reasoning", "moved")]
