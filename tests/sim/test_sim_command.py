"""`mesh sim` and sim.toml: what they accept, what they refuse, and that they end cleanly."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from meshwright.sim import FAULTS, Calling, Fault, Rule, Say, Upstream, lognormal, uniform
from meshwright.sim.config import fault_of, mesh_toml, read_sim, times_of, upstream_of
from meshwright.sim.fit import fitting
from meshwright.types.errors import ConfigError
from meshwright.types.usage import Usage
from meshwright.wire import CODECS

MESH = str(Path(sys.executable).parent / "mesh")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "sim.md"


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`mesh sim --json`, ended by Ctrl-C; it must then end with 0."""
    command = [MESH, "sim", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=40)
        assert process.returncode == 0, said


def announced(process: subprocess.Popen[str]) -> dict:
    """The JSON that it prints once it listens."""
    assert process.stdout is not None
    text = ""
    while not text.endswith("\n}\n"):
        line = process.stdout.readline()
        assert line, text
        text += line
    found: dict = json.loads(text)
    return found


def post(url: str, body: dict) -> dict:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=40) as answer:
        found: dict = json.loads(answer.read())
        return found


QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def test_without_arguments_every_dialect_is_served_until_ctrl_c():
    with running() as process:
        rows = announced(process)["upstreams"]
        assert {row["dialect"] for row in rows} == set(CODECS)
        chat = next(row for row in rows if row["dialect"] == "openai_chat")
        answer = post(chat["url"] + "/chat/completions", QUESTION)
        assert answer["choices"][0]["message"]["content"] == "sim-openai-chat heard 1 words: hello"


def test_traffic_is_recorded_and_replayed_from_the_command_line(tmp_path: Path):
    tape = str(tmp_path / "tape.jsonl")
    with running("--upstream", "up:openai_chat", "--latency", "1ms") as process:
        upstream = announced(process)["upstreams"][0]["url"]
        with running("--record", tape, "--to", upstream) as recorder:
            live = post(announced(recorder)["url"] + "/chat/completions", QUESTION)
    with running("--replay", tape) as replay:
        assert post(announced(replay)["url"] + "/chat/completions", QUESTION) == live


@pytest.mark.parametrize(
    "arguments",
    [
        ["--upstream", "x:nonsense"],
        ["--upstream", "x"],
        ["--fault", "nonsense"],
        ["--fault", "status_429:evry=3"],
        ["--latency", "3parsec"],
        ["--to", "http://127.0.0.1:9/v1"],
        ["--record", "x.jsonl"],
        ["--replay", "missing.jsonl"],
        ["missing.toml"],
    ],
)
def test_a_mistake_on_the_command_line_is_told_with_its_fix(arguments: list[str], tmp_path: Path):
    ended = subprocess.run(
        [MESH, "sim", "--json", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 3
    assert json.loads(ended.stdout)["error"]["message"]


def test_a_file_says_all_that_the_library_can():
    text = """
seed = 7
[[upstream]]
name = "chat"
models = ["m"]
key = "k"
latency = { kind = "lognormal", median = "200ms", sigma = 0.5 }
first_token = "50ms"
tokens_per_second = 80
faults = ["comments", { name = "status_429", every = 3, retry_after = "2s" }]
[[upstream.script]]
text = "weather"
tools = true
say = { calls = [{ name = "weather", arguments = '{"city":"Oslo"}' }] }
[[upstream.script]]
say = { text = "Hello.", reasoning = "Hm.", usage = { input = 5, output = 2 } }
[[upstream]]
name = "other"
dialect = "anthropic_messages"
seed = 3
"""
    first, second = read_sim(text)
    assert first.latency == lognormal(0.2, 0.5)
    assert (first.seed, second.seed, first.first_token, first.tokens_per_second) == (7, 3, 0.05, 80)
    assert first.faults == ("comments", Fault("status_429", every=3, retry_after=2.0))
    assert first.script[0] == Rule(text="weather", tools=True, say=Say(calls=(Calling("weather", '{"city":"Oslo"}'),)))
    assert first.script[1].say.usage == Usage(input=5, output=2)
    assert second.dialect == "anthropic_messages"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[upstream]", "not TOML"),
        ("[[upstream]]\ndialect='openai_chat'", "name"),
        ("[[upstream]]\nname='a'\nlatncy=1", "latncy"),
        ("[[upstream]]\nname='a'\nlatency='soon'", "latency"),
        ("[[upstream]]\nname='a'\n[[upstream.script]]\ntext='('", "script"),
        ("[[upstream]]\nname='a'\n[[upstream.script]]\nwrite='x'", "Python"),
    ],
)
def test_a_mistake_in_the_file_is_named(text: str, said: str):
    with pytest.raises(ConfigError) as caught:
        read_sim(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (times_of, "200ms", 0.2),
        (times_of, "1.5", 1.5),
        (times_of, "100ms..1s", uniform(0.1, 1.0)),
        (upstream_of, "a:openai_chat:9001", Upstream(name="a", port=9001)),
        (fault_of, "stall_mid", Fault("stall_mid")),
        (fault_of, "status_500:calls=1/3,probability=0.5", Fault("status_500", calls=(1, 3), probability=0.5)),
        (fault_of, "stall_mid:seconds=200ms", Fault("stall_mid", seconds=0.2)),
    ],
)
def test_the_short_forms_mean_what_they_look_like(read: Callable[[str], object], text: str, value: object):
    assert read(text) == value


def test_the_lines_for_a_gateway_name_its_key_only_by_its_variable():
    lines = "\n".join(mesh_toml(Upstream(name="a", key="secret", models=("m", "n")), "http://127.0.0.1:1/v1"))
    assert "secret" not in lines
    assert 'models = ["m", "n"]' in lines


def test_the_page_lists_every_fault_with_its_sentence():
    rows = dict(re.findall(r"^\| `([a-z_0-9]+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows == {name: spoiler.sentence for name, spoiler in FAULTS.items()}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer", "minimum": 5}}}, {"a": 5}),
        ({"enum": ["x", "y"]}, "x"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
        ({"type": "string", "format": "date"}, "2024-01-01"),
        ({"type": "string", "minLength": 6, "maxLength": 6}, "textxx"),
        ({"type": "number", "exclusiveMinimum": 0, "multipleOf": 5}, 5),
        ({"type": ["null", "string"]}, None),
    ],
)
def test_a_made_up_value_fits_its_schema(schema: dict, value: object):
    assert fitting(msgspec.json.encode(schema)) == value


def test_a_schema_that_holds_itself_ends():
    children = {"type": "array", "items": {"$ref": "#/$defs/node"}}
    node = {"type": "object", "properties": {"children": children}, "required": ["children"]}
    tree = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    assert "children" in fitting(msgspec.json.encode(tree))
