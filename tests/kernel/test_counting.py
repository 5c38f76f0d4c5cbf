"""Where a model's tokenizer is at hand, its requests are counted: for decisions, for quotes, for what is set aside."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from meshwright.catalog.exact.tokenizer import Tokenizer
from meshwright.cli.explaining import tell_decision
from meshwright.kernel import counting
from meshwright.kernel.config.tables import RouteSettings, TokenizerSettings
from meshwright.kernel.counting import counted, input_tokens
from meshwright.kernel.decide import decide
from meshwright.kernel.set_aside import AROUND, most_read
from meshwright.kernel.work import Work
from meshwright.routing.quote import quote
from meshwright.routing.reading import read, texts
from meshwright.sim import Say
from meshwright.types.content import File, Image, Message, Text, ToolCall, ToolResult
from meshwright.types.decision import Medium
from meshwright.types.request import Request, ToolSpec
from tests.catalog.test_measuring import packed, png
from tests.catalog.tiny import WORDS, tokenizer_json
from tests.kernel.house import GOOD, House, house, text

CHEAPEST = RouteSettings(strategy="cheapest", pool=("small/m", "large/m"))
FIXED = RouteSettings(strategy="fixed", pool=("small/m",))
NAME = "m.json"
SAYS = {name: Say(text=GOOD) for name in ("small", "large")}


def asked(*words: str, **more: Any) -> Request:
    return Request(model="route/it", messages=tuple(Message("user", (Text(one),)) for one in words), **more)


def only(path: Path) -> TokenizerSettings:
    """That file counts for the model `small/m` alone."""
    return TokenizerSettings(files={"small/m": str(path)})


async def decision_of(at: House, request: Request) -> Any:
    counts = await counted(at.kernel.snapshot, request, request.model, limited=False)
    return decide(at.kernel.snapshot, {}, request, counted=counts)


def set_aside_for(decision: Any, request: Request, model: Any) -> int:
    """The most tokens that the request can be for that model."""
    recording = type("Recording", (), {"decision": decision})
    work = type("Work", (), {"recording": recording, "request": request, "seen": request.messages})
    return most_read(cast(Work, work), model)[1]


async def test_a_decision_by_cost_goes_by_what_the_tokenizer_counts_and_keeps_it(tmp_path: Path):
    path = tokenizer_json(tmp_path / NAME)
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at:
        assert text(await at.ask(WORDS[0])) == GOOD
        seen = at.trace.decision.features if at.trace.decision else None
        assert seen is not None
        count = Tokenizer(path, "").count((WORDS[0],), (Message("user"),))
        assert seen.counted == {NAME: count}
        small, large = (at.kernel.snapshot.deployments[name].model for name in ("small/m", "large/m"))
        assert read(small, seen) == count
        assert read(large, seen) == seen.input_tokens  # for it nothing was configured


async def test_a_quote_says_how_the_request_was_counted(tmp_path: Path):
    path = tokenizer_json(tmp_path / NAME)
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at:
        found = quote(await decision_of(at, asked(WORDS[0])), None, at.kernel.snapshot.card)
        small, large = found.candidates
        assert (small.model, small.counted, large.counted) == ("small/m", NAME, "")
        assert small.read == Tokenizer(path, "").count((WORDS[0],), (Message("user"),))


async def test_nothing_is_counted_where_nothing_depends_on_it(tmp_path: Path):
    async with house(SAYS, FIXED, tokenizers=only(tokenizer_json(tmp_path / NAME))) as at:
        assert text(await at.ask(WORDS[0])) == GOOD
        assert at.trace.decision is not None
        assert at.trace.decision.features is not None
        assert not at.trace.decision.features.counted


@pytest.mark.parametrize("content", [b"", b'{"model": 3}', None])
async def test_a_broken_file_changes_nothing_but_that_tokens_are_estimated(tmp_path: Path, content: bytes | None):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at, house(SAYS, CHEAPEST) as plain:
        for one in (at, plain):
            assert text(await one.ask(WORDS[0])) == GOOD
        assert at.trace.decision is not None
        assert plain.trace.decision is not None
        assert at.trace.decision.features == plain.trace.decision.features
        assert (await input_tokens(at.kernel.snapshot, asked(WORDS[0])))[1] == ""


async def test_what_is_set_aside_is_what_was_counted_and_not_every_byte(tmp_path: Path):
    path = tokenizer_json(tmp_path / NAME)
    long = " ".join(WORDS * 20)
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at:
        decision = await decision_of(at, request := asked(long))
        seen = decision.features
        small, large = (at.kernel.snapshot.deployments[name].model for name in ("small/m", "large/m"))

        def most(model: Any, request: Request = request) -> int:
            return set_aside_for(decision, request, model)

        assert most(small) == seen.counted[NAME] + AROUND + 4
        assert most(large) == len(long) + AROUND + 4
        # How a provider writes tools out is not known: as many tokens as bytes, as ever.
        tooled = asked(tools=(ToolSpec(name="find"),))
        assert most(small, Request(model="x", messages=request.messages, tools=tooled.tools)) > len(long)


async def test_a_short_text_is_counted_at_once_and_a_long_one_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tokenizer_json(tmp_path / NAME)
    where: list[bool] = []
    own = Tokenizer.count

    def watched(self: Tokenizer, *more: Any) -> int | None:
        where.append(threading.current_thread() is threading.main_thread())
        return own(self, *more)

    monkeypatch.setattr(Tokenizer, "count", watched)
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at:
        for words in ("hello", "hello", "hello " * 5_000):
            assert (await decision_of(at, asked(words))).features.counted
    assert where == [False, True, False]  # the first one waits for the file to be read


async def test_a_tokenizer_that_does_not_come_to_an_end_is_not_waited_for_and_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tokenizer_json(tmp_path / NAME)
    monkeypatch.setattr(counting, "PATIENCE", 0.05)
    monkeypatch.setattr(Tokenizer, "count", lambda *_: time.sleep(0.5))
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at:
        assert not (await decision_of(at, asked("hello"))).features.counted
        assert "took more than" in at.kernel.snapshot.tokenizers.named[NAME].trouble
        monkeypatch.setattr(Tokenizer, "count", lambda *_: pytest.fail("asked again"))
        assert not (await decision_of(at, asked("hello"))).features.counted


async def test_a_tokenizer_is_not_given_up_because_all_threads_were_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tokenizer_json(tmp_path / NAME)
    free = threading.Event()
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at:
        with ThreadPoolExecutor(1) as threads:
            asyncio.get_running_loop().set_default_executor(threads)
            threads.submit(free.wait)
            with monkeypatch.context() as impatient:
                impatient.setattr(counting, "PATIENCE", 0.05)
                assert not (await decision_of(at, asked("hello"))).features.counted
            free.set()
            assert (await decision_of(at, asked("hello"))).features.counted


async def test_what_a_tokenizer_does_not_see_is_estimated_beside_its_count(tmp_path: Path):
    path = tokenizer_json(tmp_path / NAME)
    file = File(data="QUFB" * 10_000, media_type="text/plain")
    request = Request(model="route/it", messages=(Message("user", (Text(WORDS[0]), file)),))
    async with house(SAYS, CHEAPEST, tokenizers=only(path)) as at:
        decision = await decision_of(at, request)
        alone = (await decision_of(at, asked(WORDS[0]))).features.counted[NAME]
        assert decision.features.counted[NAME] == alone + 30_000 // 4
        small = at.kernel.snapshot.deployments["small/m"].model
        assert set_aside_for(decision, request, small) > 30_000


def test_every_text_of_a_request_is_counted():
    request = Request(
        model="m",
        messages=(
            Message("user", (Text("one"),), name="Ann"),
            Message("assistant", (ToolCall(id="1", name="two", arguments='{"a": 3}'),)),
            Message("tool", (ToolResult(call_id="1", parts=(Text("four"),)),)),
        ),
        tools=(ToolSpec(name="five", description="six"),),
    )
    assert sorted(texts(request)) == sorted(["one", "Ann", "two", '{"a": 3}', "four", "five", "six"])


def picture(**more: Any) -> Request:
    return Request(model="route/it", messages=(Message("user", (Text("Look."), Image(**more))),))


async def test_a_picture_is_counted_in_each_models_own_way_and_an_address_is_assumed_visibly(
    capsys: pytest.CaptureFixture[str],
):
    async with house(SAYS, RouteSettings(strategy="cheapest", pool=("small/m",))) as at:
        snapshot = at.kernel.snapshot
        card = msgspec.structs.replace(snapshot.deployments["small/m"].model)
        decision = await decision_of(at, picture(data=packed(png(1000, 1000))))
        seen = decision.features
        assert seen.media == (Medium(kind="picture", width=1000, height=1000),)
        words = seen.input_tokens - seen.media_tokens
        for upstream, tokens in (("gpt-4o", 765), ("claude-haiku-4-5", 1296), ("gemini-3-pro", 1120), ("m", 1000)):
            assert read(msgspec.structs.replace(card, upstream=upstream), seen) == words + tokens
        assert quote(decision, None, snapshot.card).assumed == ()
        decision = await decision_of(at, picture(url="https://pictures.example/cat.png"))
        assert decision.features.media == (Medium(kind="picture", width=1024, height=1024, assumed=True),)
        (told,) = quote(decision, None, snapshot.card).assumed
        assert told == "a picture taken for 1,024 x 1,024 pixels, for nobody tells the size"
        tell_decision(decision)
        assert "a picture of 1,024 x 1,024 pixels (assumed)" in capsys.readouterr().out


async def test_for_a_picture_of_unknown_size_the_dearest_of_its_model_is_set_aside():
    async with house(SAYS, RouteSettings(strategy="cheapest", pool=("small/m",))) as at:
        card = at.kernel.snapshot.deployments["small/m"].model
        claude = msgspec.structs.replace(card, upstream="claude-opus-4-8")
        for part, tokens in (({"url": "https://x.example/1.png"}, 4784), ({"data": packed(png(200, 200))}, 64)):
            request = picture(**part)
            decision = await decision_of(at, request)
            assert set_aside_for(decision, request, claude) == len("Look.") + tokens + AROUND + 4
