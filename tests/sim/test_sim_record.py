"""Recording passes everything on and keeps no secret; replaying gives the same answers again."""

from __future__ import annotations

import json
import stat
from itertools import pairwise
from pathlib import Path

import msgspec
import openai
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meshwright.sim import Fault, Rule, Say, Sim, Upstream
from meshwright.sim.link import Received
from meshwright.sim.record import Recorder
from meshwright.sim.replay import Replay
from meshwright.sim.scrub import SCRUBBED, known_secrets, scrubbed, scrubbed_chunks
from meshwright.sim.tape import Heard, read_tape, taped
from meshwright.types.content import Message, Text
from meshwright.types.errors import ConfigError
from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from tests.sim.raw import ask

KEY = "sk-proj-4f9a8b7c6d5e4f3a2b1c"


def body(words: str, *, stream: bool) -> bytes:
    return msgspec.json.encode({"model": "m", "stream": stream, "messages": [{"role": "user", "content": words}]})


async def test_a_recording_answers_as_the_provider_did_and_holds_no_key(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    upstreams = [Upstream(name="up", key=KEY, tokens_per_second=2000, faults=(Fault("cut_mid", calls=(3,)),))]
    questions = [body("one two", stream=True), body(f"my key is {KEY}", stream=False), body("cut", stream=True)]
    headers = (("authorization", f"Bearer {KEY}"), ("cookie", "session=abcdefgh12345"))
    async with Sim(upstreams) as sim:
        async with Recorder(sim.url("up"), tape) as recorder:
            live = [await ask(recorder.url + "/chat/completions", one, headers=headers) for one in questions]
            refused = await ask(recorder.url + "/chat/completions", questions[0])
        assert recorder.recorded == 4
    text = tape.read_text()
    assert KEY not in text
    assert "abcdefgh12345" not in text
    assert stat.S_IMODE(tape.stat().st_mode) == 0o600
    taped_streams = read_tape(tape)
    assert len(taped_streams[0].pieces) > 1
    async with Replay(taped_streams, pace=0) as replay:
        other = (("authorization", "Bearer another-key-entirely"),)
        again = [await ask(replay.url + "/chat/completions", one, headers=other) for one in questions]
        last = await ask(replay.url + "/chat/completions", questions[0])
        still = await ask(replay.url + "/chat/completions", questions[0])
    assert again[0].body == live[0].body
    assert again[1].body == live[1].body.replace(KEY.encode(), SCRUBBED.encode())
    assert again[2].body == live[2].body
    assert not again[2].complete
    assert (refused.status, last.status, still.status) == (401, 401, 401)


async def test_the_official_client_cannot_tell_a_replay_from_the_provider(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"

    async def words(url: str) -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
            stream = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hello"}], stream=True
            )
            return [chunk.choices[0].delta.content async for chunk in stream]

    async with Sim([Upstream(name="up")]) as sim, Recorder(sim.url("up"), tape) as recorder:
        live = await words(recorder.url)
    async with Replay(read_tape(tape)) as replay:
        assert await words(replay.url) == live


async def test_an_unknown_request_is_told_what_the_nearest_one_was(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    async with Sim([Upstream(name="up")]) as sim, Recorder(sim.url("up"), tape) as recorder:
        await ask(recorder.url + "/chat/completions", body("hello there", stream=False))
    async with Replay(read_tape(tape), pace=0) as replay:
        spaced = json.dumps(json.loads(body("hello there", stream=False)), indent=4, sort_keys=True).encode()
        assert (await ask(replay.url + "/chat/completions", spaced)).status == 200
        wire = await ask(replay.url + "/chat/completions", body("hello World", stream=False))
        assert wire.status == 404
        message = msgspec.json.decode(wire.body)["error"]["message"]
        assert "messages: recorded" in message
        assert "hello there" in message
        wire = await ask(replay.url + "/messages", body("x", stream=False))
        assert msgspec.json.decode(wire.body)["type"] == "error"


async def test_an_answer_that_spells_a_secret_piece_by_piece_is_left_out(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    script = (Rule(say=Say(tokens=("sk-", "4f9a8b", "7c6d5e", "4f3a2b"))),)
    async with Sim([Upstream(name="up", script=script)]) as sim, Recorder(sim.url("up"), tape) as recorder:
        wire = await ask(recorder.url + "/chat/completions", body("spell", stream=True))
        assert wire.complete
    assert (recorder.recorded, recorder.withheld) == (0, 1)
    assert tape.read_bytes() == b""


async def test_a_provider_that_is_not_there_is_an_error_and_no_recording(tmp_path: Path):
    async with Recorder("http://127.0.0.1:9/v1", tmp_path / "tape.jsonl") as recorder:
        wire = await ask(recorder.url + "/chat/completions", body("x", stream=False))
    assert wire.status == 502
    assert recorder.recorded == 0


def test_a_broken_recording_names_the_line(tmp_path: Path):
    tape = tmp_path / "tape.jsonl"
    tape.write_text('\n{"version":1}\n')
    with pytest.raises(ConfigError, match="line 2"):
        read_tape(tape)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tape(tmp_path / "none")


ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
ANY_SECRET = st.text(alphabet=ALNUM + "+/=_-.~!$%\"\\'{}[]<>|^`", min_size=6, max_size=40)
TAIL = st.text(alphabet=ALNUM, min_size=20, max_size=40)
LOOKING = st.one_of(
    TAIL.map(lambda tail: f"sk-{tail}"),
    TAIL.map(lambda tail: f"sk-ant-api03-{tail}-{tail[:6]}AA"),
    TAIL.map(lambda tail: f"AIza{tail}"),
    TAIL.map(lambda tail: f"gsk_9{tail}"),
    TAIL.map(lambda tail: f"org-9{tail}"),
    TAIL.map(lambda tail: f"ghp_{tail}"),
    TAIL.map(lambda tail: f"eyJ{tail}.{tail}.{tail}"),
)
HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "openai-organization", "x-auth-token")


def spoken(line: bytes) -> str:
    """Everything that the line says, in every spelling: as it is, and each text in it unescaped as far as it goes."""
    found = [line.decode()]

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                found.append(name)
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str):
            found.append(value)
            if value[:1] in '{["':
                try:
                    walk(json.loads(value))
                except ValueError:
                    return

    decoded = json.loads(line)
    walk(decoded)
    walk("".join(piece.get("text", "") for piece in decoded.get("pieces", [])))
    return "\n".join(found)


@given(
    secret=ANY_SECRET,
    header=st.sampled_from(HEADERS),
    scheme=st.sampled_from(["", "Bearer "]),
    cuts=st.lists(st.integers(1, 200), max_size=6),
)
@example(secret='ab"c\\d/', header="x-api-key", scheme="", cuts=[3])
def test_a_secret_of_a_header_is_nowhere_in_the_recording(secret: str, header: str, scheme: str, cuts: list[int]):
    arguments = json.dumps({"note": secret})
    answer = json.dumps({"text": f"You are {secret}.", "arguments": arguments}).encode()
    edges = sorted({min(cut, len(answer)) for cut in cuts} | {0, len(answer)})
    pieces = tuple((0.0, answer[start:end]) for start, end in pairwise(edges))
    value = f"session={secret}" if header == "cookie" and ";" not in secret else scheme + secret
    received = Received(
        "POST",
        f"/v1/x?key={'q' + 'z' * 9}",
        ((header, value),),
        json.dumps({"user": secret, "deep": [arguments]}).encode(),
    )
    line = taped(received, Heard(200, (("x-request-note", secret),), 0.0, pieces))
    assert line is not None
    said = spoken(msgspec.json.encode(line))
    if secret not in '{"user": "", "deep": [], "note": "text": "You are .", "arguments": "[scrubbed]"}':
        assert secret not in said.replace(SCRUBBED, "")
    assert "zzzzzzzzz" not in said


@given(secret=LOOKING, place=st.sampled_from(["text", "query", "member", "header", "path"]))
def test_what_looks_like_a_key_is_taken_out_wherever_it_stands(secret: str, place: str):
    path = "/v1/x"
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    text = b"{}"
    if place == "text":
        text = json.dumps({"messages": [{"content": f"Use {secret}, please"}]}).encode()
    elif place == "member":
        text = json.dumps({"arguments": json.dumps({"api_key": secret[3:] + '"x'})}).encode()
        secret = secret[3:]
    elif place == "query":
        path += f"?unheard_of={secret}&beta=true"
    elif place == "path":
        path += f"/{secret}/y"
    else:
        headers += (("x-unheard-of", secret), ("user-agent", f"me/1 {secret}"))
    line = taped(Received("POST", path, headers, text), Heard(200, headers, 0.0, ((0.0, text),)))
    assert line is not None
    assert secret not in spoken(msgspec.json.encode(line))
    assert "beta=true" in line.path or place != "query"


@given(data=st.binary(max_size=200), secret=ANY_SECRET, cut=st.integers(0, 250))
def test_pieces_scrubbed_apart_are_the_body_scrubbed_whole(data: bytes, secret: str, cut: int):
    whole = data[:100] + secret.encode() + data[100:]
    apart = scrubbed_chunks((whole[:cut], whole[cut:]), {secret})
    assert len(apart) == 2
    assert b"".join(apart) == scrubbed(whole, {secret})


@pytest.mark.parametrize(
    "text",
    [
        '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"The key-value store of the user_location"}]}',
        '{"logprobs":{"content":[{"token":"Hello","logprob":-0.1}]},"max_tokens":100}',
        '{"id":"chatcmpl-9aBcD1234567890","object":"chat.completion","usage":{"prompt_tokens":1}}',
        "A task-based org-chart for sk learn and project-management",
    ],
)
def test_innocent_words_stay(text: str):
    assert scrubbed(text.encode(), known_secrets((("authorization", "Bearer k"),), "/v1/x")).decode() == text


@pytest.mark.parametrize("dialect", ["gemini", "ollama", "cohere", "bedrock_converse"])
async def test_a_dialect_with_a_root_of_its_own_is_recorded_and_repeated(tmp_path: Path, dialect: str):
    row, tape = CODECS[dialect], tmp_path / "tape.jsonl"
    asked = Request(model="m", max_tokens=50, messages=(Message("user", (Text("hello"),)),))
    path = row.path_of("m", False) if row.path_of is not None else row.path
    sent = row.encode_request(asked, Target("m", "up/m", 50)).body
    async with Sim([Upstream(name="up", dialect=dialect)]) as sim, Recorder(sim.url("up"), tape) as recorder:
        assert recorder.url.endswith(row.root)
        live = await ask(recorder.url + path, sent)
    assert (live.status, recorder.recorded) == (200, 1)
    async with Replay(read_tape(tape), pace=0) as replay:
        assert replay.url.endswith(row.root)
        again = await ask(replay.url + path, sent)
    assert again.body == live.body
    assert row.decode_response(again.body, Target("m", "up/m")).text
