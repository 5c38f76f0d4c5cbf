"""Asks a real engine through a gateway: llama.cpp's Python server, with a tiny model of random weights made here.

The engine is compiled, which takes minutes, so its environment is kept in conformance/.cache between runs.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anthropic
import openai
from installed import python_with, run, versions
from stage import Stage

from report import Outcome, counts, one_line, table, write_section

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache" / "engines"
PACKAGES = ("llama-cpp-python[server]", "gguf")
START_SECONDS = 60
PROMPT = [{"role": "user", "content": "Tell me about bridges."}]
MODEL = "engine/tiny"
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "size": {"enum": ["s", "m"]}},
    "required": ["ok", "size"],
    "additionalProperties": False,
}


def main() -> int:
    """Build or find the engine, ask it, write the section; 0 when nothing failed."""
    python = CACHE / "venv" / "bin" / "python"
    if not python.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        python_with(CACHE, PACKAGES, 3600)
    with tempfile.TemporaryDirectory(prefix="engines-") as name:
        file = Path(name) / "tiny.gguf"
        run([python, HERE / "tiny_gguf.py", file], Path(name))
        with _engine(python, file, Path(name)) as url:
            provider = [
                "[providers.engine]",
                f'base_url = "{url}/v1"',
                'auth = "none"',
                'models = ["tiny"]',
                "local = true",
            ]
            with Stage([], more=provider) as stage:
                outcomes = [_outcome(case, stage.url, url) for case in CASES]
    used = versions(python, ("llama_cpp_python", "gguf"))
    write_section("A real engine", "make test-engines", used, section(outcomes))
    found = counts(outcomes)
    print(f"engines: {found['passed']} passed, {found['failed']} failed")
    return 1 if found["failed"] or not found["passed"] else 0


def section(outcomes: list[Outcome]) -> list[str]:
    """A row for each case."""
    lines = [
        "llama-cpp-python's server, a Llama of two layers with random weights written by `conformance/tiny_gguf.py`.",
        "",
    ]
    lines += table(("case", "outcome", "why"), [(one.name, one.state, one.why) for one in outcomes])
    lines += ["", "Hugging Face `transformers serve` is not among them: it needs PyTorch, and has not been tried here."]
    return lines


@contextmanager
def _engine(python: Path, file: Path, folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = {"model": file, "model_alias": "tiny", "host": "127.0.0.1", "port": port, "n_threads": 1, "n_ctx": 2048}
    options = [str(one) for name, value in words.items() for one in (f"--{name}", value)]
    command = [str(python), "-m", "llama_cpp.server", *options, "--logits_all", "True", "--chat_format", "chatml"]
    with (folder / "engine.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
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


def _asked(url: str, **more: object) -> object:
    words = {"model": MODEL, "messages": PROMPT, "max_tokens": 24, "temperature": 0, "seed": 1}
    return _chat(url).chat.completions.create(**(words | more))  # type: ignore[call-overload]  # by name


def whole(gate: str, engine: str) -> None:
    """An answer in one piece is the engine's, with its usage."""
    through, direct = _asked(gate), _asked(engine, model="tiny")
    assert through.choices[0].message.content == direct.choices[0].message.content
    assert through.usage == direct.usage
    assert through.usage.completion_tokens > 0


def streaming(gate: str, engine: str) -> None:
    """A stream brings the same words as the whole answer, piece by piece."""
    pieces = [one.choices[0].delta.content or "" for one in _asked(gate, stream=True) if one.choices]
    assert "".join(pieces) == _asked(engine, model="tiny").choices[0].message.content
    assert len(pieces) > 3


def usage_of_streams(gate: str, engine: str) -> None:
    """A stream tells its usage when it is asked to."""
    chunks = list(_asked(gate, stream=True, stream_options={"include_usage": True}))
    direct = list(_asked(engine, model="tiny", stream=True, stream_options={"include_usage": True}))
    if not any(one.usage for one in direct):
        raise NotImplementedError("the engine tells no usage of streams, asked directly neither")
    assert chunks[-1].usage == direct[-1].usage


def logprobs(gate: str, engine: str) -> None:
    """Probabilities of tokens come through."""
    through, direct = (
        _asked(gate, logprobs=True, top_logprobs=2),
        _asked(engine, model="tiny", logprobs=True, top_logprobs=2),
    )
    assert through.choices[0].logprobs == direct.choices[0].logprobs
    assert through.choices[0].logprobs.content


def stop(gate: str, engine: str) -> None:
    """A stop sequence ends the answer before it."""
    text = _asked(engine, model="tiny").choices[0].message.content
    mark = text[len(text) // 2]
    through = _asked(gate, stop=[mark])
    assert through.choices[0].finish_reason == "stop"
    assert mark not in through.choices[0].message.content


def limit(gate: str, engine: str) -> None:
    """The limit of an answer's length is kept, and told."""
    through = _asked(gate, max_tokens=3)
    assert through.choices[0].finish_reason == "length"
    assert through.usage.completion_tokens <= 3


def forms(gate: str, engine: str) -> None:
    """A model of noise, held to a schema by the engine's grammar, answers in its form."""
    form = {"type": "json_object", "schema": SCHEMA}  # the engine's own word for it
    asked = _chat(gate).chat.completions.with_raw_response.create(
        model=MODEL, messages=PROMPT, max_tokens=200, response_format=form
    )
    assert set(json.loads(asked.parse().choices[0].message.content)) == {"ok", "size"}


def messages(gate: str, engine: str) -> None:
    """Anthropic's client gets the engine's stream in its own dialect."""
    client = anthropic.Anthropic(base_url=gate, api_key="none", max_retries=0, timeout=60)
    with client.messages.stream(model=MODEL, messages=PROMPT, max_tokens=24) as stream:
        final = stream.get_final_message()
    assert final.content[0].text
    assert final.stop_reason in ("max_tokens", "end_turn", "stop_sequence")


def cancellation(gate: str, engine: str) -> None:
    """A client that leaves stops the engine, which serves the next one at once, and the trace says so."""
    stream = _asked(gate, stream=True, max_tokens=1900)
    decision = stream.response.headers["x-mesh-decision"]
    next(iter(stream))
    stream.close()
    assert _asked(gate, max_tokens=1).choices
    for _ in range(50):
        with urllib.request.urlopen(f"{gate}/v1/decisions/{decision}", timeout=10) as answer:
            told = json.load(answer).get("trace", {})
        if told.get("outcome") == "cancelled":
            return
        time.sleep(0.1)
    raise AssertionError(f"the trace does not say that the client left: {json.dumps(told)[:300]}")


CASES: tuple[Callable[[str, str], None], ...] = (
    whole, streaming, usage_of_streams, logprobs, stop, limit, forms, messages, cancellation,
)  # fmt: skip


def _outcome(case: Callable[[str, str], None], gate: str, engine: str) -> Outcome:
    name = (case.__doc__ or case.__name__).rstrip(".")
    try:
        case(gate, engine)
    except NotImplementedError as error:
        return Outcome("llama.cpp", name, "skipped", one_line(str(error)))
    except Exception as error:  # noqa: BLE001  # whatever a client raises is this case's result
        return Outcome("llama.cpp", name, "failed", one_line(f"{type(error).__name__}: {error}"))
    return Outcome("llama.cpp", name, "passed")


if __name__ == "__main__":
    sys.exit(main())
