"""What providers were asked and what they answered, replayed through every dialect without them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from meshwright.sim.tape import read_tape
from meshwright.types.content import Message, Refusal, Text, ToolCall
from meshwright.types.errors import UpstreamStatus
from meshwright.types.request import Request
from meshwright.types.response import Response
from meshwright.wire import CODECS
from meshwright.wire.dialect import Dialect, Target
from meshwright.wire.fold import fold, unfold
from tests.wire.matrix import ONE_PROMPT
from tests.wire.receipts import FOLDER, Receipt, all_receipts, receipts

RECEIPTS = receipts()
TARGET = Target("model", "provider/model", max_output=100_000)


def each(found: Iterable[Receipt]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("receipt", list(found), ids=lambda receipt: receipt.name)


kept_request = each(one for one in RECEIPTS if one.asks and one.sound)
answer = each(one for one in RECEIPTS if one.answers)
answer_to_request = each(one for one in RECEIPTS if one.answers and one.asks)
error = each(one for one in RECEIPTS if not one.answers)


def asked(receipt: Receipt) -> Request:
    request = CODECS[receipt.told.dialect].decode_request(receipt.taped.body.data)
    return msgspec.structs.replace(request, model=request.model or "model", source=request.source)


def answered(receipt: Receipt, size: int = 1 << 20) -> Response:
    return read_answer(CODECS[receipt.told.dialect], receipt.answer, receipt.streamed, size)


def read_answer(dialect: Dialect, body: bytes, stream: bool, size: int = 1 << 20) -> Response:
    if not stream:
        return dialect.decode_response(body, TARGET)
    decoder = dialect.stream_decoder(TARGET)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    read = fold((delta for piece in pieces for delta in decoder.feed(piece)), TARGET.origin)
    assert decoder.ended or dialect.name == "gemini"  # whose streams end with their counts, which some providers keep
    return read


@kept_request
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


@kept_request
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
    """Silence about strictness and its denial are the same to us, and so are turns of one side and one long turn."""
    tools = tuple(msgspec.structs.replace(tool, strict=bool(tool.strict)) for tool in request.tools)
    output = request.output and msgspec.structs.replace(request.output, strict=bool(request.output.strict))
    turns: list[Message] = []
    for turn in request.messages:
        if turns and turns[-1].role == turn.role == "user":
            turns[-1] = msgspec.structs.replace(turns[-1], parts=turns[-1].parts + turn.parts)
        else:
            turns.append(turn)
    return msgspec.structs.replace(request, tools=tools, output=output, messages=tuple(turns))


@answer
def test_the_answer_says_something_ends_and_is_counted(receipt: Receipt) -> None:
    read = answered(receipt)
    for choice in read.choices:
        assert choice.message.parts or choice.finish in ("content_filter", "length")
        assert choice.finish not in (None, "unknown", "error")
    # A stream of OpenAI's kinds is counted where its request says so; these were not asked to.
    uncounted = receipt.streamed and receipt.told.dialect in ("openai_chat", "openai_completions")
    assert read.usage is not None or uncounted


@answer
def test_what_was_counted_is_what_the_provider_says_altogether(receipt: Receipt) -> None:
    """The buckets of a usage do not overlap and leave nothing out: together they are the total on the wire."""
    usage = answered(receipt).usage
    totals = re.findall(rb'"(?:total_tokens|totalTokenCount|totalTokens)": ?(\d+)[,}\s]', receipt.answer)
    if usage is not None and totals and b"usage_breakdown" not in receipt.answer:
        assert usage.total_input + usage.total_output == int(totals[-1])


@answer_to_request
def test_the_answer_reaches_its_own_client_as_it_came(receipt: Receipt) -> None:
    dialect, request = CODECS[receipt.told.dialect], asked(receipt)
    if not receipt.streamed:
        encoded = dialect.encode_response(answered(receipt), request)
        assert (encoded.body, encoded.adaptations) == (receipt.answer, ())
        return
    tap = dialect.tap(msgspec.structs.replace(request, stream_usage=True))
    assert b"".join(tap.feed(receipt.answer[at : at + 9]) for at in range(0, len(receipt.answer), 9)) == receipt.answer
    assert (tap.failed, tap.finish) == ("", answered(receipt).choices[0].finish)
    assert tap.usage == answered(receipt).usage


@answer_to_request
def test_an_answer_that_is_written_anew_says_the_same(receipt: Receipt) -> None:
    """Nothing of it is lost in what we understand of it, or the loss has a name."""
    dialect, read, request = CODECS[receipt.told.dialect], answered(receipt), asked(receipt)
    bare = msgspec.structs.replace(read, source=None)
    if receipt.streamed:
        encoder = dialect.stream_encoder(msgspec.structs.replace(request, stream_usage=True))
        again = fold(dialect.stream_decoder(TARGET).feed(encoder.feed(unfold(bare))), TARGET.origin)
        lost = {one.field.split(".")[0] for one in encoder.adaptations}
    else:
        encoded = dialect.encode_response(bare, request)
        again = dialect.decode_response(encoded.body, TARGET)
        lost = {one.field.split(".")[0] for one in encoded.adaptations}
    # A client that asked for no tier is not told one; a name for an answer without one is made where it must be.
    for name in {"choices", "usage", "id", "model", "extra"} - lost:
        if getattr(read, name) or name in ("choices", "usage"):
            assert told(again, name) == told(read, name), name


def told(answer: Response, name: str) -> object:
    if name == "extra":
        return {(one.kind, bytes(one.raw)) for one in answer.extra}
    return getattr(answer, name)


@answer
def test_a_stream_says_the_same_however_it_is_cut(receipt: Receipt) -> None:
    if receipt.streamed:
        assert answered(receipt, 1) == answered(receipt, 13) == answered(receipt)


@answer_to_request
@pytest.mark.parametrize("client", CODECS)
def test_every_client_gets_its_words_and_its_calls(receipt: Receipt, client: str) -> None:
    dialect, answer = CODECS[client], answered(receipt)
    whole = dialect.decode_response(
        dialect.encode_response(msgspec.structs.replace(answer, source=None), asked(receipt)).body, TARGET
    )
    decoder = dialect.stream_decoder(TARGET)
    read = fold(decoder.feed(dialect.stream_encoder(asked(receipt)).feed(unfold(answer))))
    for got in (whole, read):
        assert words(got) == words(answer)
        assert calls(got) == ([] if client == ONE_PROMPT else calls(answer))


def words(answer: Response) -> str:
    """What a reader reads of its first choice, but for blanks; a refusal too, which some dialects send as text."""
    parts = answer.choices[0].message.parts
    return "".join("".join(part.text for part in parts if isinstance(part, Text | Refusal)).split())


def calls(answer: Response) -> list[tuple[str, object]]:
    parts = answer.choices[0].message.parts
    return [(part.name, msgspec.json.decode(part.arguments or "{}")) for part in parts if isinstance(part, ToolCall)]


@error
def test_an_error_keeps_its_status_and_its_words(receipt: Receipt) -> None:
    error = failed(receipt)
    said = msgspec.json.decode(receipt.answer, type=dict)
    inner = said.get("error", said)
    wanted = inner["status"] if receipt.taped.status == 200 else receipt.taped.status
    assert (error.upstream_status, str(error)) == (wanted, inner.get("message") or inner["detail"])


@error
@pytest.mark.parametrize("client", CODECS)
def test_every_client_is_told_what_the_provider_said(receipt: Receipt, client: str) -> None:
    error = failed(receipt)
    assert error.status == (502 if error.upstream_status == 401 else error.upstream_status)
    assert str(error).encode() in CODECS[client].encode_error(error)


def failed(receipt: Receipt) -> UpstreamStatus:
    dialect = CODECS[receipt.told.dialect]
    if receipt.taped.status >= 400:
        return dialect.decode_error(receipt.taped.status, receipt.answer, None)
    with pytest.raises(UpstreamStatus) as caught:
        dialect.decode_response(receipt.answer, TARGET)
    return caught.value


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
    assert "| amazon-bedrock |" in told.stdout
    assert f"{len(all_receipts())} receipts" in told.stdout
    assert f"{sum(one.told.kind == 'recorded' for one in all_receipts())} recorded (R)" in told.stdout


def test_a_pretend_provider_can_replay_every_receipt() -> None:
    for path in FOLDER.rglob("*.jsonl"):
        assert read_tape(path)


def test_the_folder_says_how_a_receipt_is_made() -> None:
    words = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in ("recorded", "documented", "written", "mesh sim --record"):
        assert name in words
