"""Every dialect with every dialect, feature by feature: it arrives, it is named, or it is refused."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.types.content import Message
from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Encoded, Target
from scripts.make_matrix import OUT
from tests.wire.matrix import ONE_PROMPT, prefix_is_stable, verdict
from tests.wire.matrix_features import BOUND, FEATURES, GROWING, HIDDEN, STEADY
from tests.wire.matrix_page import page
from tests.wire.matrix_samples import ELSEWHERE, SIGNED

PAIRS = [(client, provider) for client in CODECS for provider in CODECS]


@pytest.mark.parametrize(("client", "provider"), PAIRS)
def test_nothing_is_lost_in_silence(client: str, provider: str) -> None:
    for feature in FEATURES:
        verdict(feature, client, provider)


@pytest.mark.parametrize("name", CODECS)
def test_between_two_of_one_dialect_everything_that_can_be_said_arrives(name: str) -> None:
    shared = [one for one in FEATURES if "reasoning, " not in one.title]  # whose it is is the question there
    lost = [one.title for one in shared if verdict(one, name, name) not in ("carried", "-")]
    assert lost == []


@pytest.mark.parametrize(("client", "provider"), [pair for pair in PAIRS if pair[0] != ONE_PROMPT])
def test_a_longer_conversation_begins_with_the_same_bytes(client: str, provider: str) -> None:
    assert prefix_is_stable(client, provider, GROWING, STEADY)


@pytest.mark.parametrize("provider", CODECS)
@pytest.mark.parametrize("thoughts", [BOUND, HIDDEN])
def test_what_is_bound_to_a_known_maker_goes_to_no_other(provider: str, thoughts: tuple[Message, ...]) -> None:
    encoded = CODECS[provider].encode_request(Request(model="model", max_tokens=2000, messages=thoughts), ELSEWHERE)
    assert SIGNED.encode() not in encoded.body
    assert any(one.field.startswith("messages") and one.lossy for one in encoded.adaptations)


def test_silence_is_noticed() -> None:
    """The judge itself: a dialect that forgets a member without a word fails."""
    chat = CODECS["openai_chat"]

    def forgetful(request: Request, target: Target) -> Encoded:
        return Encoded(chat.encode_request(msgspec.structs.replace(request, seed=None, source=None), target).body)

    seeds = [one for one in FEATURES if one.title == "`seed`"]
    broken = msgspec.structs.replace(CODECS["ollama"], encode_request=forgetful, decode_request=chat.decode_request)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CODECS, "ollama", broken)
        with pytest.raises(AssertionError, match="in silence"):
            verdict(seeds[0], "openai_chat", "ollama")


def test_the_page_is_up_to_date() -> None:
    assert OUT.read_text(encoding="utf-8") == page(), "run `python -m scripts.make_matrix`"
