"""Runs LangChain's standard suites for chat models through a gateway, each client over each upstream dialect."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from installed import python_with, versions
from stage import Stage

from meshwright.sim import Calling, Rule, Say, Upstream
from meshwright.sim.upstream import ends_with_results, last_words
from meshwright.types.request import Request
from meshwright.types.usage import Usage
from report import Outcome, counts, junit, table, write_section

HERE = Path(__file__).resolve().parent
PACKAGES = ("langchain-tests", "langchain-openai", "langchain-anthropic")
UPSTREAMS = {"chat": "openai_chat", "resp": "openai_responses", "anth": "anthropic_messages"}
MODELS = {name: (f"{name}-1", f"{name}-2") for name in UPSTREAMS}
SECONDS = 270
REASONS = {
    "init_from_env_params not specified": "reads the client's own environment variables; says nothing about a gateway",
    "VCR not set up": "measures recorded traffic",
    "does not support audio": "only Chat Completions carries audio in, and only to an upstream of the same dialect",
    "does not support image tool": "a tool's answer in Chat Completions is text",
    "does not support PDF tool": "a tool's answer in Chat Completions is text",
    "does not explicitly support Anthropic inputs": "the client has no such input",
    "Test requires json mode": "the client has no such mode",
}


def main(environment: Path | None = None) -> int:
    """Install, run, write the section; 0 when nothing failed. `environment` has the packages already."""
    upstreams = [
        Upstream(name=name, dialect=dialect, script=(Rule(write=answer),)) for name, dialect in UPSTREAMS.items()
    ]
    with tempfile.TemporaryDirectory(prefix="langchain-") as folder:
        python = environment or python_with(Path(folder), PACKAGES)
        with Stage(upstreams, models=MODELS) as stage:
            outcomes = suite(python, Path(folder), stage.url)
            used = versions(python, PACKAGES)
    write_section("LangChain's standard suites", "python conformance/langchain_standard.py", used, section(outcomes))
    found = counts(outcomes)
    print(f"langchain-tests: {found['passed']} passed, {found['failed']} failed, {found['skipped']} not applicable")
    return 1 if found["failed"] or not found["passed"] else 0


def suite(python: Path, folder: Path, url: str) -> list[Outcome]:
    """Run the suites with that interpreter."""
    xml = folder / "junit.xml"
    command = [python, "-m", "pytest", HERE / "langchain", "-q", "--asyncio-mode=auto", f"--junit-xml={xml}"]
    # Clients are kept from one test to the next, and with them the loop in which they have connections.
    command += ["-o", "asyncio_default_test_loop_scope=session", "-o", "asyncio_default_fixture_loop_scope=session"]
    command += ["-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={HERE / 'langchain'}", "--benchmark-disable"]
    environment = {name: value for name, value in os.environ.items() if not re.match("OPENAI|ANTHROPIC|LANG", name)}
    environment |= {"MESH_SUITE_URL": url, "LANGSMITH_TRACING": "false", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        env=environment,
        cwd=folder,
        timeout=SECONDS,
        check=False,
        capture_output=True,
        text=True,
    )
    if not xml.exists():
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return junit(xml)


def answer(request: Request) -> Say:
    """What a model would say where the suites ask for wits: the right arguments, the right words."""
    words = last_words(request)
    if ends_with_results(request):
        return Say()
    tools = {tool.name for tool in request.tools}
    if "magic_function" in tools and "magic_function(3)" in words:
        return Say(calls=(Calling("magic_function", '{"input":3}'),))
    if "unicode_customer" in tools and (quoted := re.search("'(.+?)'", words)):
        arguments = {"customer_name": quoted[1], "description": "a company"}
        return Say(calls=(Calling("unicode_customer", json.dumps(arguments, ensure_ascii=False)),))
    if "get_weather" in tools and "weather" in words:
        return Say(calls=(Calling("get_weather", '{"location":"San Francisco, CA"}'),))
    if "Return the result as a JSON" in words:
        return Say(json='{"setup":"Why do cats not play cards?","punchline":"Too many cheetahs."}')
    usages = {
        "Think, please.": Usage(input=5, output=3, reasoning=7),
        "Read your cache, please.": Usage(input=5, cache_read=11, output=3),
        "Write your cache, please.": Usage(input=5, cache_write=13, output=3),
    }
    return Say(text="As you wish.", usage=usages[words]) if words in usages else Say()


def section(outcomes: Sequence[Outcome]) -> list[str]:
    """The counts of each suite, then what failed and what does not apply, with the reasons."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(one.group.rpartition(".Test")[2], []).append(one)
    rows = []
    for name, members in groups.items():
        found = counts(members)
        rows.append((name, found["passed"], found["failed"], found["skipped"]))
    total = counts(outcomes)
    rows.append(("**all**", total["passed"], total["failed"], total["skipped"]))
    lines = table(("suite (client over upstream dialect)", "passed", "failed", "not applicable"), rows)
    failed = [one for one in outcomes if one.state == "failed"]
    lines += ["", "Failed:" if failed else "Nothing failed.", ""]
    lines += [f"- {one.group.rpartition('.Test')[2]} `{one.name}`: {one.why}" for one in failed]
    lines += [*([""] if failed else []), "Not applicable:", ""]
    skipped = Counter((one.name, reason(one.why)) for one in outcomes if one.state == "skipped")
    lines += [f"- `{name}` ({count}): {why}" for (name, why), count in skipped.items()]
    return lines


def reason(told: str) -> str:
    """Why a skipped test says nothing here; the suite's own words where none are known."""
    return next((why for words, why in REASONS.items() if words in told), told)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute() if sys.argv[1:] else None))
