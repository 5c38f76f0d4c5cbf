"""Checks what the gateway's /v1/responses says against the types of Open Responses, over each upstream dialect.

The requests are those of the specification's own compliance tests, which are in no registry, and more of that kind.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installed import python_with, versions
from stage import Stage

from meshwright.sim import Calling, Rule, Say, Upstream
from report import Outcome, counts, one_line, table, write_section

CHECK = Path(__file__).resolve().parent / "open_responses" / "check.py"
UPSTREAMS = {"chat": "openai_chat", "resp": "openai_responses", "anth": "anthropic_messages"}
MODELS = ("m", "m+fault:cut_mid")
KNOWN = {
    "schema: Input should be None": "The types allow no schema in a format that an answer repeats. The specification's "
    "own file allows an object, which OpenAI's API sends and so does Meshwright.",
    "response.reasoning_text": "The types call the events of plain thoughts response.reasoning.*; OpenAI's API "
    "and its client library call them response.reasoning_text.*, which Meshwright sends.",
}
SCRIPT = (
    Rule(text="weather like", tools=True, results=False, say=Say(calls=(Calling("get_weather", '{"location":"X"}'),))),
    Rule(text="Refuse", say=Say(refusal="I will not.", finish="stop")),
)
GREY = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
PLACE = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
WEATHER = {"type": "function", "name": "get_weather", "description": "The weather now.", "parameters": PLACE}
CLOCK = {"type": "function", "name": "get_time", "parameters": PLACE, "strict": False}
SCHEMA = {**PLACE, "additionalProperties": False}


@dataclass(frozen=True)
class Case:
    """A request, and what must be true of the answer besides its types."""

    name: str
    body: dict[str, Any]
    output: tuple[str, ...] = ("message",)
    status: str = "completed"
    model: str = "m"
    streams: tuple[bool, ...] = (False, True)
    events: tuple[str, ...] = field(default=())


def said(text: str, role: str = "user") -> dict[str, Any]:
    """A message."""
    return {"type": "message", "role": role, "content": text}


ASKED = said("What's the weather like in San Francisco?")
CALL = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"location":"X"}'}
PICTURE = {"type": "input_image", "image_url": f"data:image/png;base64,{GREY}"}
SEEN = {**said(""), "content": [{"type": "input_text", "text": "What do you see?"}, PICTURE]}
CALLED = ("response.output_item.added", "response.function_call_arguments.delta",
          "response.function_call_arguments.done", "response.output_item.done")  # fmt: skip
TOLD = ("response.created", "response.content_part.added", "response.output_text.delta", "response.output_text.done",
        "response.content_part.done", "response.completed")  # fmt: skip
CASES = (
    Case("basic response", {"input": [said("Say hello in exactly 3 words.")]}, events=TOLD),
    Case("input as text", {"input": "Hello"}),
    Case("system prompt", {"input": [said("You are a pirate.", "system"), said("Say hello.")]}),
    Case("instructions and developer", {"instructions": "Be brief.", "input": [said("A.", "developer"), said("Hi.")]}),
    Case("tool calling", {"input": [ASKED], "tools": [WEATHER]}, ("function_call",), events=CALLED),
    Case("two tools at once", {"input": "get_weather and get_time", "tools": [WEATHER, CLOCK]}, ("function_call",) * 2),
    Case(
        "a tool that must be called",
        {"input": "Hello", "tools": [WEATHER, CLOCK], "tool_choice": {"type": "function", "name": "get_time"}},
        ("function_call",),
    ),
    Case(
        "a tool's result",
        {
            "input": [ASKED, CALL, {"type": "function_call_output", "call_id": "call_1", "output": "Sunny."}],
            "tools": [WEATHER],
        },
    ),
    Case("image input", {"input": [SEEN]}),
    Case(
        "multi-turn conversation",
        {"input": [said("My name is Alice."), said("Hello Alice!", "assistant"), said("What is my name?")]},
    ),
    Case(
        "structured output",
        {
            "input": "Where?",
            "text": {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}},
        },
    ),
    Case("reasoning", {"input": "Think.", "reasoning": {"effort": "high"}}, ("reasoning", "message")),
    Case("refusal", {"input": "Refuse this."}),
    Case("a limit", {"input": "again " * 40, "max_output_tokens": 16}, status="incomplete"),
    Case("settings", {"input": "Hi", "temperature": 0.5, "metadata": {"a": "b"}, "parallel_tool_calls": False}),
    Case("a stream that breaks", {"input": "a b c d e f"}, (), "failed", "m+fault:cut_mid", (True,)),
)  # fmt: skip


def main(environment: Path | None = None) -> int:
    """Ask, check, write the section; 0 when nothing failed. `environment` has the types already."""
    upstreams = [Upstream(name=name, dialect=dialect, script=SCRIPT) for name, dialect in UPSTREAMS.items()]
    with tempfile.TemporaryDirectory(prefix="open-responses-") as folder:
        python = environment or python_with(Path(folder), ["openresponses-types"])
        with Stage(upstreams, dict.fromkeys(UPSTREAMS, MODELS)) as stage:
            asked = [
                (case, name, stream, ask(stage.url, case, name, stream=stream))
                for case in CASES
                for name in UPSTREAMS
                for stream in case.streams
            ]
        used = versions(python, ["openresponses-types"])
        checked = check(python, [answer for *_, answer in asked])
    outcomes = []
    for (case, name, stream, answer), wrong in zip(asked, checked, strict=True):
        errors = [*wrong, *expected(case, answer)]
        kind = "streamed" if stream else "whole"
        state = "failed" if errors else "passed"
        outcomes.append(Outcome(f"{kind} over {name}", case.name, state, one_line("; ".join(errors), 400)))
    write_section("Open Responses", "python conformance/open_responses.py", used, section(outcomes))
    found = counts(outcomes)
    print(f"open responses: {found['passed']} passed, {found['failed']} failed")
    unexplained = [one for one in outcomes if one.state == "failed" and not any(words in one.why for words in KNOWN)]
    return 1 if unexplained or not found["passed"] else 0


def ask(url: str, case: Case, upstream: str, *, stream: bool) -> dict[str, Any]:
    """The answer's body, or the events of its stream."""
    body = {**case.body, "model": f"{upstream}/{case.model}", "stream": stream}
    request = urllib.request.Request(  # the gateway on this machine
        f"{url}/v1/responses", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            told = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return {"body": json.loads(error.read())}
    if not stream:
        return {"body": json.loads(told)}
    lines = [line.removeprefix(b"data:").strip() for line in told.splitlines() if line.startswith(b"data:")]
    return {"events": [json.loads(line) for line in lines if line != b"[DONE]"]}


def check(python: Path, answers: Iterable[dict[str, Any]]) -> list[list[str]]:
    """What the types say against each answer."""
    lines = "".join(json.dumps({"key": number, **answer}) + "\n" for number, answer in enumerate(answers))
    done = subprocess.run(
        [str(python), str(CHECK)], input=lines, capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line)["errors"] for line in done.stdout.splitlines()]


def expected(case: Case, answer: dict[str, Any]) -> list[str]:
    """What the answer lacks of what the case asks for."""
    events = answer.get("events", [])
    body = answer["body"] if "body" in answer else (events[-1].get("response", {}) if events else {})
    errors = []
    status = "failed" if events and events[-1]["type"] == "error" else body.get("status")
    if status != case.status:
        errors.append(f"status {status!r}, not {case.status!r}: {json.dumps(body)[:200]}")
    kinds = tuple(item["type"] for item in body.get("output", ()))
    if kinds != case.output:
        errors.append(f"output {kinds}, not {case.output}")
    names = {event["type"] for event in events}
    return errors + [f"no event {name}" for name in case.events if events and name not in names]


def section(outcomes: Sequence[Outcome]) -> list[str]:
    """A row for each case, then what failed and why."""
    groups = list(dict.fromkeys(one.group for one in outcomes))
    results = {(one.name, one.group): one.state for one in outcomes}
    names = list(dict.fromkeys(one.name for one in outcomes))
    lines = table(("case", *groups), ((name, *(results.get((name, group), "–") for group in groups)) for name in names))
    failures = [one for one in outcomes if one.state == "failed"]
    lines += ["", "Failed:" if failures else "Nothing failed.", ""]
    lines += [f"- {one.name}, {one.group}: {one.why}" for one in failures]
    known = {why for one in failures for words, why in KNOWN.items() if words in one.why}
    lines += ["", "Causes:", "", *(f"- {why}" for why in KNOWN.values() if why in known)] if known else []
    left = "previous_response_id, compaction and the WebSocket are not asked for: they need answers that are stored."
    return [*lines, "", f"Not applicable: {left}"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute() if sys.argv[1:] else None))
