"""What providers were asked and what they answered, replayed through every dialect without them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from meshwright.sim.tape import read_tape
from meshwright.types.content import ToolCall
from meshwright.types.request import Request
from meshwright.types.response import Response
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold, unfold
from tests.wire.matrix import ONE_PROMPT
from tests.wire.receipts import FOLDER, Receipt, receipts

RECEIPTS = receipts()
TARGET = Target("model", "provider/model", max_output=100_000)
each = pytest.mark.parametrize("receipt", RECEIPTS, ids=lambda receipt: receipt.name)


def asked(receipt: Receipt) -> Request:
    request = CODECS[receipt.told.dialect].decode_request(receipt.taped.body.data)
    return msgspec.structs.replace(request, model=request.model or "model", source=request.source)


def answered(receipt: Receipt, size: int = 1 << 20) -> Response:
    dialect = CODECS[receipt.told.dialect]
    if not receipt.streamed:
        return dialect.decode_response(receipt.answer, TARGET)
    decoder = dialect.stream_decoder(TARGET)
    pieces = [receipt.answer[start : start + size] for start in range(0, len(receipt.answer), size)]
    read = fold((delta for piece in pieces for delta in decoder.feed(piece)), TARGET.origin)
    assert decoder.ended
    return read


@each
def test_the_request_goes_to_its_own_provider_as_it_came(receipt: Receipt) -> None:
    sent = CODECS[receipt.told.dialect].encode_request(asked(receipt), TARGET)
    given = msgspec.json.decode(receipt.taped.body.data)
    read = msgspec.json.decode(sent.body)
    for body in (given, read):
        body.pop("model", None)
    read.pop("stream_options", None)  # a stream is always asked for its usage
    given.pop("stream_options", None)
    assert read == given
    assert sent.adaptations == ()


@each
def test_the_request_is_understood(receipt: Receipt) -> None:
    """What we make of it ourselves means the same, or names what is lost."""
    dialect = CODECS[receipt.told.dialect]
    request = msgspec.structs.replace(asked(receipt), source=None)
    sent = dialect.encode_request(request, TARGET)
    read = dialect.decode_request(sent.body)
    lost = {one.field.split(".")[0].split("[")[0] for one in sent.adaptations}
    read, request = plain(read), plain(request)
    same = {name for name in Request.__struct_fields__ if getattr(read, name) == getattr(request, name)}
    assert set(Request.__struct_fields__) - same - lost <= {"model", "source", "stream", "stream_usage", "extra"}
    assert {(one.kind, bytes(one.raw)) for one in read.extra} == {(one.kind, bytes(one.raw)) for one in request.extra}


def plain(request: Request) -> Request:
    """Silence about strictness and its denial are the same to us."""
    tools = tuple(msgspec.structs.replace(tool, strict=bool(tool.strict)) for tool in request.tools)
    return msgspec.structs.replace(request, tools=tools)


@each
def test_the_answer_says_something_ends_and_is_counted(receipt: Receipt) -> None:
    answer = answered(receipt)
    (choice,) = answer.choices
    assert choice.message.parts
    assert choice.finish not in (None, "unknown", "error")
    # The example of a streamed chat does not ask for its usage.
    assert answer.usage is not None or (receipt.told.dialect, receipt.streamed) == ("openai_chat", True)


@each
def test_the_answer_reaches_its_own_client_as_it_came(receipt: Receipt) -> None:
    dialect, request = CODECS[receipt.told.dialect], asked(receipt)
    if not receipt.streamed:
        encoded = dialect.encode_response(answered(receipt), request)
        assert (encoded.body, encoded.adaptations) == (receipt.answer, ())
        return
    tap = dialect.tap(request)
    assert b"".join(tap.feed(receipt.answer[at : at + 9]) for at in range(0, len(receipt.answer), 9)) == receipt.answer
    assert (tap.failed, tap.finish) == ("", answered(receipt).choices[0].finish)
    assert tap.usage == answered(receipt).usage


@each
def test_a_stream_says_the_same_however_it_is_cut(receipt: Receipt) -> None:
    if receipt.streamed:
        assert answered(receipt, 1) == answered(receipt, 13) == answered(receipt)


@each
@pytest.mark.parametrize("client", CODECS)
def test_every_client_gets_its_words_and_its_calls(receipt: Receipt, client: str) -> None:
    dialect, answer = CODECS[client], answered(receipt)
    whole = dialect.decode_response(
        dialect.encode_response(msgspec.structs.replace(answer, source=None), asked(receipt)).body, TARGET
    )
    decoder = dialect.stream_decoder(TARGET)
    read = fold(decoder.feed(dialect.stream_encoder(asked(receipt)).feed(unfold(answer))))
    for told in (whole, read):
        assert told.choices[0].message.text == answer.choices[0].message.text
        assert calls(told) == ([] if client == ONE_PROMPT else calls(answer))


def calls(answer: Response) -> list[tuple[str, object]]:
    parts = answer.choices[0].message.parts
    return [(part.name, msgspec.json.decode(part.arguments or "{}")) for part in parts if isinstance(part, ToolCall)]


def test_every_receipt_says_where_it_comes_from() -> None:
    assert {receipt.told.dialect for receipt in RECEIPTS} == set(CODECS)
    for receipt in RECEIPTS:
        assert receipt.told.source.startswith("https://") or receipt.told.kind == "recorded"
        assert receipt.told.licence or receipt.told.kind == "recorded"
        assert receipt.told.about or receipt.told.kind != "written"


def test_the_script_shows_which_cells_have_one() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "scripts.receipts"],
        cwd=Path(__file__).parent.parent.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "anthropic_messages" in told.stdout
    assert f"{len(RECEIPTS)} receipts" in told.stdout
    assert "0 recorded" in told.stdout or any(one.told.kind == "recorded" for one in RECEIPTS)


def test_a_pretend_provider_can_replay_every_receipt() -> None:
    for path in FOLDER.glob("*.jsonl"):
        assert read_tape(path)


def test_the_folder_says_how_a_receipt_is_made() -> None:
    words = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in ("recorded", "documented", "written", "mesh sim --record"):
        assert name in words
