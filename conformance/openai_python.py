"""Runs openai-python's own tests against a mock of OpenAI's API, and through a gateway in front of that mock.

    python conformance/openai_python.py [OPENAPI.yaml.gz]

The mock is the npm package that openai-python's own scripts use. BENCH_PEERS=FOLDER, with LiteLLM's virtual environment
in FOLDER/litellm, runs tests that pass directly through LiteLLM's proxy too: every sixteenth by name, then others
between them, as long as LITELLM_SECONDS (900) last: all of them take hours.
"""

from __future__ import annotations

import gzip
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from installed import node_with, python_with, run, versions
from stage import Stage

from report import Outcome, counts, differences, junit, table, write_section

OPENAPI = Path(__file__).resolve().parent / "data" / "openai-2026-08-20.yaml.gz"
NEEDED = ("pytest", "pytest-asyncio", "pytest-timeout", "rich", "inline-snapshot", "trio")
"""What its tests import, by its development group."""
TESTS = "tests/api_resources"
SETTINGS = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = session\n"
"""Its own, but for warnings of other packages, which are no errors here, and for the number of processes."""
SECONDS = 1500
LITELLM_SECONDS = 900.0
LITELLM_PARTS = (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)
"""Each part is every sixteenth test from this one on, so that what could be measured is spread over all of them."""
STEADY = ("--validator-query-array-format=brackets", "--validator-form-array-format=brackets",
          "--validator-query-object-format=brackets", "--validator-form-object-format=brackets")  # fmt: skip
"""The options of openai-python's own `scripts/mock`."""
LITELLM = """model_list:
  - model_name: "*"
    litellm_params: {{model: "openai/*", api_base: "{url}", api_key: sk-mock}}
files_settings:
  - {{custom_llm_provider: openai, api_base: "{url}", api_key: sk-mock}}
finetune_settings:
  - {{custom_llm_provider: openai, api_base: "{url}", api_key: sk-mock}}
litellm_settings: {{telemetry: false}}
"""
Results = Mapping[str, Outcome]


class Behind(Stage):
    """A gateway whose provider `openai` is the mock, and which needs nothing else to be said."""

    def __init__(self, mock: str) -> None:
        super().__init__([])
        self._mock = mock

    def _toml(self) -> str:
        return f'[providers.openai]\nbase_url = "{self._mock}"\nauth = "none"\n'


def main(openapi: Path) -> int:
    """Install, run, write the section; 0 when nothing that passes directly fails through the gateway."""
    wanted = f"openai=={version('openai')}"
    with tempfile.TemporaryDirectory(prefix="openai-") as name:
        folder = Path(name)
        python = python_with(folder, (wanted.replace("openai", "openai[aiohttp,realtime]"), *NEEDED))
        source = sources(python, wanted, folder)
        used = f"{versions(python, ['openai'])}, {node_with(folder, ['@stdy/cli'])}, {openapi.name}"
        with mock(folder, openapi) as url:
            direct = suite(python, source, url)
            with Behind(url) as stage:
                through = suite(python, source, f"{stage.url}/v1")
            good = [name for name, one in direct.items() if one.state == "passed"]
            other, sentence = peer(python, source, folder, url, good)
    body = section(direct, through, other, sentence)
    write_section("openai-python's own tests", "python conformance/openai_python.py", used, body)
    lost = [name for name in good if through[name].state != "passed"]
    print(f"openai-python: {len(good)} pass directly, {counts(through.values())['passed']} through Meshwright")
    print(f"{len(lost)} are lost on the way; {sentence}")
    return 1 if lost or not good else 0


def sources(python: Path, wanted: str, folder: Path) -> Path:
    """The unpacked source distribution of exactly that version."""
    pip = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", wanted, "-d", folder]
    run([str(word) for word in pip], folder)
    archive = next(folder.glob("openai-*.tar.gz"))
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@contextmanager
def mock(folder: Path, openapi: Path) -> Iterator[str]:
    """The address of the mock, until the end of the block."""
    document = folder / "openapi.yaml"
    document.write_bytes(gzip.decompress(openapi.read_bytes()) if openapi.suffix == ".gz" else openapi.read_bytes())
    port = free_port()
    command = [folder / "node_modules/.bin/steady", "--host", "127.0.0.1", "-p", port, "-q", *STEADY, document]
    with process(command, folder, f"http://127.0.0.1:{port}/_x-steady/health", 60):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def process(
    command: Sequence[object], folder: Path, ready: str, seconds: float, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A server that answers at `ready` within `seconds`, until the end of the block."""
    with (folder / "server.log").open("w") as log:
        started = subprocess.Popen(
            [str(word) for word in command], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + seconds
        while not answers(ready):
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start: {(folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def answers(url: str) -> bool:
    """Whether something answers there with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def suite(python: Path, source: Path, url: str, tests: Sequence[str] = (TESTS,), seconds: float = SECONDS) -> Results:
    """The outcome of each test when the API is at that address."""
    xml, chosen = source / "junit.xml", source / "chosen.txt"
    xml.unlink(missing_ok=True)
    chosen.write_text("\n".join(tests))
    (source / "pytest.ini").write_text(SETTINGS)
    command = [python, "-m", "pytest", "-c", "pytest.ini", f"@{chosen}", "-q", "--tb=line", "-p", "no:cacheprovider",
               "--timeout", "20", f"--junit-xml={xml}"]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}
    environment["TEST_API_BASE_URL"] = url
    done = subprocess.run(
        [str(word) for word in command], cwd=source, env=environment, capture_output=True, text=True, timeout=seconds,
        check=False,
    )  # fmt: skip
    if not xml.exists():
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return {f"{one.group}::{one.name}": one for one in junit(xml)}


def peer(python: Path, source: Path, folder: Path, url: str, good: Sequence[str]) -> tuple[Results, str]:
    """The outcomes through LiteLLM of what passes directly, and a sentence that tells how it was measured."""
    venv = Path(os.environ.get("BENCH_PEERS", "")) / "litellm"
    if not os.environ.get("BENCH_PEERS") or not (venv / "bin/litellm").exists():
        return {}, "LiteLLM was not measured (BENCH_PEERS names no folder that has it)"
    config = folder / "litellm.yaml"
    config.write_text(LITELLM.format(url=url))
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}
    environment |= {
        "OPENAI_API_KEY": "sk-mock",
        "OPENAI_API_BASE": url,
        "OPENAI_BASE_URL": url,
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    command = [venv / "bin/litellm", "--config", config, "--port", port, "--host", "127.0.0.1", "--num_workers", 1]
    with process(command, folder, f"http://127.0.0.1:{port}/health/liveliness", 180, environment):
        found, left = in_parts(python, source, f"http://127.0.0.1:{port}/v1", sorted(good))
    if not found:
        return {}, f"LiteLLM was not measured: its first {len(good) // len(LITELLM_PARTS)} tests took too long"
    passed = counts(found.values())["passed"]
    used = versions(venv / "bin/python", ["litellm"])
    short = f", in {float(os.environ.get('LITELLM_SECONDS', LITELLM_SECONDS)):g} s" * bool(left)
    tried = f"Of {len(found)} that pass directly (spread evenly over the names{short}) {passed} also pass through"
    return found, f"{tried} {used} (wildcard model, no database)"


def in_parts(python: Path, source: Path, url: str, names: Sequence[str]) -> tuple[Results, int]:
    """The outcomes of as many parts as the time allows, and how many parts are left."""
    end = time.monotonic() + float(os.environ.get("LITELLM_SECONDS", LITELLM_SECONDS))
    found: dict[str, Outcome] = {}
    for number, start in enumerate(LITELLM_PARTS):
        chosen = names[start :: len(LITELLM_PARTS)]
        try:
            told = suite(python, source, url, [node_id(name) for name in chosen], end - time.monotonic())
        except subprocess.TimeoutExpired:
            return found, len(LITELLM_PARTS) - number
        found |= {name: told[name] for name in chosen}
        print(f"LiteLLM: {counts(found.values())['passed']} of {len(found)}", flush=True)
    return found, 0


def node_id(name: str) -> str:
    """A test's name as pytest's command line takes it."""
    group, _, test = name.partition("::")
    module, _, last = group.rpartition(".")
    if not last.startswith("Test"):  # it stands in no class
        return f"{group.replace('.', '/')}.py::{test}"
    return f"{module.replace('.', '/')}.py::{last}::{test}"


def section(direct: Results, through: Results, other: Results, sentence: str) -> list[str]:
    """The counts of each part of the API, every difference, and what fails directly too."""
    parts: dict[str, list[str]] = {}
    for name, one in direct.items():
        parts.setdefault(part(one), []).append(name)
    rows = [row(title, members, direct, through, other) for title, members in sorted(parts.items())]
    rows.append(row("**all**", [*direct], direct, through, other))
    unsent = sum("path_params" in name for name in direct)
    head = [
        "tests of",
        "tests",
        "pass directly",
        "pass through Meshwright",
        *(["pass through LiteLLM, of those tried"] if other else []),
    ]
    lines = [
        "Each test runs against the mock and through `mesh up`, whose only setting is where the provider `openai` is.",
        f"{unsent} of the tests check arguments and never reach a server. {sentence}.",
        "",
        *table(head, rows),
        "",
    ]
    for which, left, right in (
        ("Pass directly, not through Meshwright", direct, through),
        ("Pass through Meshwright, not directly", through, direct),
    ):
        told = differences(left, right, reason)
        lines += [f"{which}: {told[0]}", *told[1:]]
    reasons = Counter(reason(one.why) for one in direct.values() if one.state == "failed")
    lines += ["Why tests fail directly, without Meshwright:", "", *table(("reason", "tests"), reasons.most_common(12))]
    if other:
        reasons = Counter(reason(one.why) for one in other.values() if one.state == "failed")
        lines += ["", "Why tests fail through LiteLLM that pass directly:", ""]
        lines += table(("reason", "tests"), reasons.most_common(8))
    return lines


def row(title: str, names: Sequence[str], direct: Results, through: Results, other: Results) -> list[object]:
    """One line of the table of counts."""
    cells: list[object] = [title, len(names), passing(direct, names), passing(through, names)]
    return [*cells, f"{passing(other, names)} of {sum(name in other for name in names)}"] if other else cells


def passing(results: Results, names: Sequence[str]) -> int:
    """How many of those passed."""
    return sum(name in results and results[name].state == "passed" for name in names)


def part(one: Outcome) -> str:
    """The part of the API that a test asks for: the first words of its file's path."""
    words = [word for word in one.group.removeprefix("tests.api_resources.").split(".") if not word.startswith("Test")]
    return "/".join(word.removeprefix("test_") for word in words[:2])


def reason(why: str) -> str:
    """The kind of a failure: its error without what differs from test to test."""
    first = re.sub(r"'[^']*'|\d+\.\d+", "…", why)
    return first[:90]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if sys.argv[1:] else os.environ.get("OPENAI_OPENAPI", OPENAPI))))
