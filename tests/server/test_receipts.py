"""What providers really answered, given again behind a running gateway, to clients of every dialect it listens to."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import pytest

from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect, Target
from tests.gateway import Gateway
from tests.server.upstream import Upstream, answer
from tests.wire.receipts import Receipt, receipts
from tests.wire.test_receipts import answered, asked, calls, read_answer, words

RECORDED = [one for one in receipts() if one.told.kind == "recorded" and one.asks and one.sound]
NUMBER = re.compile(rb"receipt-(\d+)")
CLIENTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "ollama")
OTHERS = [(number, CLIENTS[(number + turn) % len(CLIENTS)]) for number in range(len(RECORDED)) for turn in (0, 2)]
"""Two clients for each, in turns, so that every pair of dialects comes often and the whole takes seconds."""
each = pytest.mark.parametrize("number", range(len(RECORDED)), ids=lambda number: RECORDED[number].name)


class Repeating(Upstream):
    """It answers with the receipt whose number is in the model's name, which stands in the path or in the body."""

    @property
    def answer(self) -> bytes:
        """The bytes of the answer to the last request."""
        asked = self.got[-1]
        found = NUMBER.search(asked.line.encode() + asked.body)
        assert found is not None, asked
        one = RECORDED[int(found[1])]
        kinds = [f"content-type: {value}" for name, value in one.taped.answer_headers if name == "content-type"]
        return answer(one.answer, *kinds, status=f"{one.taped.status} Recorded")

    @answer.setter
    def answer(self, value: bytes) -> None:
        """It is never told what to answer."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Repeating]:
    running = Repeating()
    with running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Repeating) -> Iterator[Gateway]:
    toml = "".join(
        f'[providers.{name.replace("_", "-")}]\nbase_url = "http://127.0.0.1:{upstream.port}{dialect.root}"\n'
        f'dialect = "{name}"\nauth = "none"\nquirks = []\n'
        for name, dialect in CODECS.items()
    )
    with Gateway(tmp_path_factory.mktemp("receipts"), toml) as running:
        yield running


def model_of(number: int) -> str:
    return f"{RECORDED[number].told.dialect.replace('_', '-')}/receipt-{number}"


def ask(gateway: Gateway, client: Dialect, number: int, body: bytes, stream: bool) -> tuple[int, bytes]:
    model = model_of(number)
    path = client.root + (client.path_of(model, stream) if client.path_of else client.path)
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if not client.path_of:
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
    status, _, said = gateway.call(path, msgspec.json.encode(fields), {"anthropic-version": "2023-06-01"})
    return status, said


@each
def test_the_providers_own_client_sends_and_gets_what_was_recorded(
    gateway: Gateway, upstream: Repeating, number: int
) -> None:
    receipt = RECORDED[number]
    client = CODECS[receipt.told.dialect]
    if client.name not in CLIENTS:
        pytest.skip("No client speaks this dialect to a gateway.")
    status, said = ask(gateway, client, number, receipt.taped.body.data, receipt.streamed)
    given, sent = (msgspec.json.decode(body) for body in (receipt.taped.body.data, upstream.last().body))
    for body in (given, sent):
        body.pop("model", None)
        body.pop("stream_options", None)  # a stream is always asked for its usage
    assert sent == given
    if not receipt.answers:
        assert status == (502 if receipt.taped.status == 401 else max(receipt.taped.status, 400))
        return
    assert status == 200
    if receipt.streamed:
        assert words(read_answer(client, said, stream=True)) == words(answered(receipt))
    elif client.name == "openai_responses":
        assert words(read_answer(client, said, stream=False)) == words(answered(receipt))  # it is kept, and has our id
    else:
        assert said == receipt.answer


@pytest.mark.parametrize(
    ("number", "name"), OTHERS, ids=lambda one: RECORDED[one].name if isinstance(one, int) else one
)
def test_a_client_of_another_dialect_gets_the_same_words_and_calls(
    gateway: Gateway, upstream: Repeating, number: int, name: str
) -> None:
    receipt, client = RECORDED[number], CODECS[name]
    request = sendable(asked(receipt), receipt)
    sent = client.encode_request(request, Target("model", model_of(number), max_output=100_000))
    status, said = ask(gateway, client, number, sent.body, receipt.streamed)
    assert upstream.last().body
    if not receipt.answers:
        assert status == (502 if receipt.taped.status == 401 else max(receipt.taped.status, 400)), said
        return
    assert status == 200, said
    read, recorded = read_answer(client, said, receipt.streamed), answered(receipt)
    assert words(read) == words(recorded)
    assert calls(read) == calls(recorded)


def sendable(request: Request, receipt: Receipt) -> Request:
    """The same question without what only its own dialect understands; streamed as its answer was."""
    return msgspec.structs.replace(request, source=None, extra=(), n=1, stream=receipt.streamed)
