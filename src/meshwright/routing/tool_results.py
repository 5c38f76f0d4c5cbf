"""What a tool's result says of the call: that it failed, and how tests that it ran came out.

Half of the dialects have no mark for a failed tool, so that its words have to do; only what programs themselves write
at the beginning or the end of their output is looked for. Summaries of tests: pytest, unittest, jest and vitest, mocha,
go test, cargo test, Maven's surefire, dotnet test, RSpec, TAP.
"""

from __future__ import annotations

import re

from meshwright.types.content import Text, ToolResult

BEGINNING, ENDING = 400, 2_000
"""Characters that are looked at."""
_EXITS = ("exit", "Exit", "returncode")
_SUMMARIES = (
    "passed",
    "failed",
    "error",
    "FAIL",
    "OK",
    "ok ",
    "passing",
    "failing",
    "ailure",
    "# fail ",
    "result: ",
    "Failed:",
)
"""Words without which an expression need not be tried: looking for them takes a tenth of that."""
_FAILED = re.compile(
    r"\s{0,20}(?:"
    r"Traceback \(most recent call last\)"
    r"|(?:[A-Za-z]\w{0,40})?(?:Error|Exception)\b ?:"
    r"|(?i:error|fatal|failed|failure)(?: [\w .'/-]{0,60})?:"
    r'|\{\s*"(?:error|errors|exception)"\s*:(?!\s*(?:null\b|""|\[\]|\{\}|false\b))'
    r'|\{\s*"(?:success|ok)"\s*:\s*false\b'
    r"|<(?:tool_use_)?error>"
    r"|(?:bash|sh|zsh): (?:line \d+: )?[^\n]{1,200}: (?:command not found|No such file or directory|Permission denied)"
    r")"
)
_EXIT = re.compile(
    r"""(?:^|[\s{,(\[<])["']?(?:[Ee]xit[ _-]?(?:[Cc]ode|[Ss]tatus)|returncode)["']?\s*[:=]?\s*(-?\d{1,4})\b"""
    r"|[Pp]rocess exited with code (-?\d{1,4})\b"
)
_COUNTS = re.compile(
    r"^[= \t]{0,80}(?:"
    r"(?P<tally>(?:\d+ (?:failed|passed|errors?|skipped|deselected|xfailed|xpassed|warnings?)(?:, )?)+) in [\d.]+ ?s"
    r"|(?:Tests|Test Files):?\s+(?P<jest>(?:\d+ (?:failed|passed|skipped|todo|total)(?:, | \| )?)+)"
    r"|test result: (?P<cargo>ok|FAILED)\."
    r"|(?P<gofail>FAIL)(?:\s+\S+(?:\s+[\d.]+s)?)?\s*$|(?P<gook>ok)\s+\S+\s+(?:[\d.]+s|\(cached\))"
    r"|Ran \d+ tests? in [\d.]+s\s{1,4}(?P<unit>OK|FAILED)"
    r"|(?:\[\w+\] )?Tests run: \d+, Failures: (?P<maven>\d+), Errors: (?P<mavenerrors>\d+)"
    r"|(?:Failed|Passed)!\s+- Failed:\s+(?P<dotnet>\d+)"
    r"|(?P<examples>\d+) examples?, (?P<rspec>\d+) failures?"
    r"|(?P<passing>\d+) passing\b|(?P<failing>\d+) failing\b"
    r"|# fail (?P<tap>\d+))",
    re.MULTILINE,
)
_BAD = re.compile(r"\b[1-9]\d*+ (?:failed|errors?)\b")
_GOOD = re.compile(r"\b[1-9]\d*+ passed\b")


def failed(result: ToolResult) -> bool:
    """Whether the call failed: by the mark of its dialect, or by how the program that it ran says so."""
    if result.is_error:
        return True
    words = _words(result)
    if all_passed(result) is not None:
        return False  # tests that fail are what they were run for
    if _FAILED.match(words, 0, BEGINNING):
        return True
    for part in (words[:BEGINNING], words[-BEGINNING:]):
        if any(word in part for word in _EXITS) and (codes := _EXIT.findall(part)):
            return int(codes[-1][0] or codes[-1][1]) != 0
    return False


def all_passed(result: ToolResult) -> bool | None:
    """Whether all tests passed whose summary stands at the end; None when there is none, or nothing was run."""
    ending = _words(result)[-ENDING:]
    if not any(word in ending for word in _SUMMARIES):
        return None
    found: bool | None = None
    for match in _COUNTS.finditer(ending):
        passed = _passed(match)
        if passed is not None:
            found = passed and found is not False
    return found


def _passed(match: re.Match[str]) -> bool | None:
    name, told = match.lastgroup or "", match.group(match.lastgroup or 0)
    match name:
        case "tally" | "jest":
            return False if _BAD.search(told) else True if _GOOD.search(told) else None
        case "cargo" | "unit":
            return told in ("ok", "OK")
        case "gook":
            return True
        case "gofail":
            return False
        case "mavenerrors":
            return match["maven"] == match["mavenerrors"] == "0"
        case "rspec":
            return told == "0" if match["examples"] != "0" else None
        case "passing":
            return True if told != "0" else None
        case "failing" | "tap" | "dotnet":
            return told == "0" if name != "failing" else False
        case _:
            return None


def _words(result: ToolResult) -> str:
    parts = result.parts
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return "\n".join(part.text for part in parts if isinstance(part, Text))
