"""Runs anthropic-sdk-python's own tests twice, against a pretend Anthropic and through a gateway in front of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from installed import python_with, run, source_distribution, versions
from stage import Stage

from meshwright.providers import PROVIDERS
from meshwright.sim import Upstream
from report import Outcome, counts, differences, junit, table, write_section

NEEDED = (
    "anthropic[aiohttp]", "pytest", "pytest-asyncio", "pytest-xdist", "respx", "dirty-equals", "inline-snapshot",
    "http-snapshot[httpx]==0.1.9", "time-machine", "hypothesis", "opentelemetry-sdk", "rich", "griffe", "packaging",
    "importlib-metadata",
)  # fmt: skip
"""What its tests import, by its development group."""
TESTS = tuple(
    f"tests/api_resources/{name}.py"
    for name in (
        "test_messages", "test_models", "messages/test_batches",
        "beta/test_messages", "beta/test_models", "beta/messages/test_batches", "beta/test_output_format_conversion",
    )
)  # fmt: skip
"""Those of the inference API; the rest of them are about agents, files, organizations and the like."""
LISTED = "from anthropic.resources.messages import DEPRECATED_MODELS; print(*DEPRECATED_MODELS)"
QUIRKS = PROVIDERS["anthropic"].quirks
SECONDS = 600
CAUSES = {
    ("test_batches", "NotFoundError"): "there is no batch `message_batch_id`, which a mock would make up",
    ("test_models", "('active', 'deprecated', 'retired')"): "`/v1/models` does not tell `lifecycle`",
    ("test_models", "APIResponseValidationError"): "`/v1/models` does not tell `lifecycle`",
}
"""By a word of the test's name and one of what it says."""
Results = Mapping[str, Outcome]


def main(environment: Path | None = None) -> int:
    """Install, run both, write the section; 0 when at least as many pass through the gateway. `environment` has the
    packages already."""
    upstream = Upstream(name="anth", dialect="anthropic_messages")
    with tempfile.TemporaryDirectory(prefix="anthropic-") as name:
        folder = Path(name)
        python = environment or python_with(folder, NEEDED)
        source = source_distribution(python, "anthropic", folder)
        asked = ("claude-opus-5-5", "model_id", *run([python, "-c", LISTED], folder).split())
        with Stage([upstream], {"anth": asked}, QUIRKS) as stage:
            direct = suite(python, source, stage.sim.url("anth").removesuffix("/v1"))
            through = suite(python, source, stage.url)
        used = f"{versions(python, ['anthropic'])}, source distribution {source.name}"
    both = (counts(direct.values())["passed"], counts(through.values())["passed"])
    body = section(direct, through)
    write_section("anthropic-sdk-python's own tests", "python conformance/anthropic_python.py", used, body)
    lost = [name for name in direct if direct[name].state == "passed" and through[name].state != "passed"]
    print(f"anthropic-sdk-python: {both[0]} pass directly, {both[1]} through Meshwright, {len(lost)} lost on the way")
    return 1 if lost or not both[0] else 0


def suite(python: Path, source: Path, url: str) -> Results:
    """The outcome of each test when the API is at that address."""
    xml = source / "junit.xml"
    xml.unlink(missing_ok=True)
    command = [python, "-m", "pytest", *TESTS, "-q", "-n", "2", "--tb=no", f"--junit-xml={xml}"]
    environment = {name: value for name, value in os.environ.items() if not re.match("ANTHROPIC|AWS", name)}
    environment["TEST_API_BASE_URL"] = url
    done = subprocess.run(
        [str(word) for word in command],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if not xml.exists():
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return {f"{one.group}::{one.name}": one for one in junit(xml)}


def section(direct: Results, through: Results) -> list[str]:
    """The counts of each part of the API both ways, then every difference."""
    parts: dict[str, list[str]] = {}
    for name, one in direct.items():
        parts.setdefault(part(one), []).append(name)
    rows: list[Sequence[object]] = [
        (name, len(members), passing(direct, members), passing(through, members)) for name, members in parts.items()
    ]
    silent = [name for members in parts.values() for name in members]
    rows.append(("**all**", len(silent), passing(direct, silent), passing(through, silent)))
    lines = [
        "We use no OpenAPI document of this API: a sim of the Messages dialect stands in for the mock; it",
        "answers messages, token counts and a list of models; what asks for other parts of the API fails both ways.",
        "",
        *table(("tests of", "tests", "pass directly", "pass through Meshwright"), rows),
        "",
    ]
    for title, first, second in (
        ("Pass directly, not through Meshwright", direct, through),
        ("Pass through Meshwright, not directly", through, direct),
    ):
        told = differences(first, second, said)
        lines += [f"{title}: {told[0]}", *told[1:]]
    causes = Counter(cause(test) for test in through.values() if test.state == "failed")
    lines += ["Why tests fail through Meshwright:", ""]
    return [*lines, *(f"- {count}: {why}" for why, count in causes.most_common())]


def cause(test: Outcome) -> str:
    """The known reason why it failed, else its words."""
    return next((why for (where, words), why in CAUSES.items() if where in test.group and words in test.why), test.why)


def said(why: str) -> str:
    """What a test fails with, without what differs from test to test."""
    if found := re.search(r"(\w+) has no ([A-Z]+ /v1/[\w/]+?)(?:/\w+_id)?\. ", why):
        return f"the pretend provider has no `{found[2]}`"
    return why.rstrip(".")


def part(one: Outcome) -> str:
    """The part of the API that a test asks for: its file's path."""
    return one.group.removeprefix("tests.api_resources.").rpartition(".")[0].replace(".", "/").replace("test_", "")


def passing(results: Results, names: Sequence[str]) -> int:
    """How many of those passed."""
    return sum(results[name].state == "passed" for name in names)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute() if sys.argv[1:] else None))
