"""Asks real engines through a gateway: llama.cpp's and Transformers' servers, with tiny models of random weights.

The models are made here. llama.cpp is compiled, which takes minutes, and PyTorch is large, so the engines' environments
are kept in conformance/.cache between runs.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
from installed import python_with, run, versions
from stage import Stage

from report import Outcome, counts, one_line, table, write_section

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
START_SECONDS = 300
PROMPT = [{"role": "user", "content": "Tell me about bridges."}]
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "size": {"enum": ["s", "m"]}},
    "required": ["ok", "size"],
    "additionalProperties": False,
}


class NotOffered(Exception):
    """The engine does not do this, asked directly neither."""


class Side(NamedTuple):
    """Where to ask, and for which model."""

    url: str
    model: str


@dataclass(frozen=True)
class Engine:
    """A server: what it is installed from, what writes its model, and how it starts.

    `command` gets the interpreter, the model's file and the port; `model` is its name there, given the file.
    """

    name: str
    packages: tuple[str, ...]
    told: tuple[str, ...]
    writer: str
    file: str
    command: Callable[[Path, Path, int], Sequence[object]]
    model: Callable[[Path], str]


def _llama(python: Path, file: Path, port: int) -> list[object]:
    words = {"model": file, "model_alias": "tiny", "host": "127.0.0.1", "port": port, "n_threads": 1, "n_ctx": 2048}
    options = [one for name, value in words.items() for one in (f"--{name}", value)]
    return [python, "-m", "llama_cpp.server", *options, "--logits_all", "True", "--chat_format", "chatml"]


def _transformers(python: Path, file: Path, port: int) -> list[object]:
    return [python.parent / "transformers", "serve", file, "--device", "cpu", "--host", "127.0.0.1", "--port", port]


ENGINES = (
    Engine(
        "llama.cpp",
        ("llama-cpp-python[server]", "gguf"),
        ("llama_cpp_python", "gguf"),
        "tiny_gguf.py",
        "tiny.gguf",
        _llama,
        lambda file: "tiny",
    ),
    Engine(
        "Transformers",
        ("torch==2.13.0", "transformers[serving]"),
        ("transformers", "torch"),
        "tiny_transformers.py",
        "tiny",
        _transformers,
        str,
    ),
)


def main(names: Sequence[str]) -> int:
    """Build or find the engines, ask them, write the section; 0 when nothing failed."""
    outcomes: list[Outcome] = []
    used = []
    for engine in ENGINES:
        if names and engine.name not in names:
            continue
        folder = CACHE / engine.name.lower()
        python = folder / "venv" / "bin" / "python"
        if not python.exists():
            folder.mkdir(parents=True, exist_ok=True)
            python_with(folder, engine.packages, 3600)
        outcomes += _tried(engine, python)
        used.append(versions(python, engine.told))
    if not names:
        write_section("Real engines", "make test-engines", ", ".join(used), section(outcomes))
    found = counts(outcomes)
    print(f"engines: {found['passed']} passed, {found['failed']} failed")
    for one in outcomes:
        print(f"  {one.group}: {one.name}: {one.state} {one.why}")
    return 1 if found["failed"] or not found["passed"] else 0


def _tried(engine: Engine, python: Path) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="engines-") as name:
        file = Path(name) / engine.file
        run([python, HERE / engine.writer, file], Path(name))
        with _running(engine, python, file, Path(name)) as url:
            provider = [
                "[providers.engine]",
                f'base_url = "{url}/v1"',
                'auth = "none"',
                "local = true",
                '[models."engine/tiny"]',
                f'upstream = "{engine.model(file)}"',
            ]
            with Stage([], more=provider) as stage:
                gate, direct = Side(stage.url, "engine/tiny"), Side(url, engine.model(file))
                return [_outcome(engine, case, gate, direct) for case in CASES]


def section(outcomes: list[Outcome]) -> list[str]:
    """A row for each case, a column for each engine."""
    engines = [engine.name for engine in ENGINES]
    found = {(one.name, one.group): one for one in outcomes}
    names = list(dict.fromkeys(one.name for one in outcomes))
    lines = [
        "llama-cpp-python's server and `transformers serve`, each with a Llama of two layers with random weights:",
        "`conformance/tiny_gguf.py` and `conformance/tiny_transformers.py` write them.",
        "",
    ]
    lines += table(("case", *engines), [(name, *(found[name, one].state for one in engines)) for name in names])
    why = [f"- {one.name}, {one.group}: {one.why}" for one in outcomes if one.why]
    return [*lines, "", *why] if why else lines


@contextmanager
def _running(engine: Engine, python: Path, file: Path, folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(word) for word in engine.command(python, file, port)]
    with (folder / "engine.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_SECONDS
        while not _answers(url):
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(f"The engine did not start: {(folder / 'engine.log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/v1/models", timeout=2):
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _chat(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)


def _asked(side: Side, **more: Any) -> Any:
    words: dict[str, Any] = {"model": side.model, "messages": PROMPT, "max_tokens": 24, "temperature": 0, "seed": 1}
    return _chat(side.url).chat.completions.create(**(words | more))


def whole(gate: Side, direct: Side) -> None:
    """An answer in one piece is the engine's, with its usage."""
    through, told = _asked(gate), _asked(direct)
    assert through.choices[0].message.content == told.choices[0].message.content
    assert through.usage == told.usage
    assert through.usage.completion_tokens > 0


def streaming(gate: Side, direct: Side) -> None:
    """A stream brings the same words as the whole answer, piece by piece."""
    pieces = [one.choices[0].delta.content or "" for one in _asked(gate, stream=True) if one.choices]
    assert "".join(pieces) == _asked(direct).choices[0].message.content
    assert len(pieces) > 3


def usage_of_streams(gate: Side, direct: Side) -> None:
    """A stream tells its usage when it is asked to."""
    chunks = list(_asked(gate, stream=True, stream_options={"include_usage": True}))
    told = list(_asked(direct, stream=True, stream_options={"include_usage": True}))
    if not any(one.usage for one in told):
        raise NotOffered("the engine tells no usage of streams, asked directly neither")
    assert chunks[-1].usage == told[-1].usage


def logprobs(gate: Side, direct: Side) -> None:
    """Probabilities of tokens come through."""
    try:
        told = _asked(direct, logprobs=True, top_logprobs=2)
    except openai.APIStatusError as error:
        raise NotOffered(f"the engine refuses to tell them, asked directly too ({error.status_code})") from error
    if not told.choices[0].logprobs:
        raise NotOffered("the engine tells none, asked directly neither")
    through = _asked(gate, logprobs=True, top_logprobs=2)
    assert through.choices[0].logprobs == told.choices[0].logprobs
    assert through.choices[0].logprobs.content


def stop(gate: Side, direct: Side) -> str:
    """A stop sequence ends the answer where the engine ends it."""
    text = _asked(direct).choices[0].message.content
    mark = text[len(text) // 2]
    through, told = [_asked(side, stop=[mark]).choices[0] for side in (gate, direct)]
    assert (through.message.content, through.finish_reason) == (told.message.content, told.finish_reason)
    assert through.finish_reason == "stop"
    assert len(through.message.content) < len(text)
    assert mark not in through.message.content.removesuffix(mark)
    return "the engine leaves the stop word in its text, asked directly too" if mark in told.message.content else ""


def limit(gate: Side, direct: Side) -> None:
    """The limit of an answer's length is kept, and told."""
    through = _asked(gate, max_tokens=3)
    assert through.choices[0].finish_reason == "length"
    assert through.usage.completion_tokens <= 3


def forms(gate: Side, direct: Side) -> None:
    """A model of noise, held to a schema by the engine's grammar, answers in its form."""
    form = {"type": "json_object", "schema": SCHEMA}  # llama.cpp's own word for it
    if not _in_form(direct, form):
        raise NotOffered("the engine keeps to no form, asked directly neither")
    assert _in_form(gate, form)


def _in_form(side: Side, form: dict[str, Any]) -> bool:
    """Whether the answer is in the form that was asked for."""
    try:
        told = _chat(side.url).chat.completions.create(
            model=side.model, messages=PROMPT, max_tokens=200, response_format=form
        )
        return set(json.loads(told.choices[0].message.content or "")) == {"ok", "size"}
    except (openai.APIStatusError, ValueError, TypeError):
        return False


def messages(gate: Side, direct: Side) -> None:
    """Anthropic's client gets the engine's stream in its own dialect."""
    client = anthropic.Anthropic(base_url=gate.url, api_key="none", max_retries=0, timeout=60)
    with client.messages.stream(model=gate.model, messages=PROMPT, max_tokens=24) as stream:
        final = stream.get_final_message()
    assert final.content[0].text
    assert final.stop_reason in ("max_tokens", "end_turn", "stop_sequence")


def cancellation(gate: Side, direct: Side) -> None:
    """A client that leaves stops the engine, which serves the next one at once, and the trace says so."""
    stream = _asked(gate, stream=True, max_tokens=1900)
    decision = stream.response.headers["x-mesh-decision"]
    next(iter(stream))
    stream.close()
    assert _asked(gate, max_tokens=1).choices
    for _ in range(50):
        with urllib.request.urlopen(f"{gate.url}/v1/decisions/{decision}", timeout=10) as answer:
            told = json.load(answer).get("trace", {})
        if told.get("outcome") == "cancelled":
            return
        time.sleep(0.1)
    raise AssertionError(f"the trace does not say that the client left: {json.dumps(told)[:300]}")


CASES: tuple[Callable[[Side, Side], str | None], ...] = (
    whole, streaming, usage_of_streams, logprobs, stop, limit, forms, messages, cancellation,
)  # fmt: skip


def _outcome(engine: Engine, case: Callable[[Side, Side], str | None], gate: Side, direct: Side) -> Outcome:
    name = (case.__doc__ or case.__name__).rstrip(".")
    try:
        note = case(gate, direct)
    except NotOffered as error:
        return Outcome(engine.name, name, "skipped", one_line(str(error)))
    except Exception as error:  # noqa: BLE001  # whatever a client or an assertion raises is this case's result
        return Outcome(engine.name, name, "failed", one_line(f"{type(error).__name__}: {error}"))
    return Outcome(engine.name, name, "passed", note or "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
