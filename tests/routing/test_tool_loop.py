"""What an agent's run looks like from its messages: calls, failures, tests that ran."""

from __future__ import annotations

import pytest

from meshwright.routing.tool_loop import tool_loop
from meshwright.routing.tool_results import all_passed, failed
from meshwright.types.content import Message, Text, ToolCall, ToolResult
from meshwright.types.decision import ToolLoop


def result(text: str, *, is_error: bool = False) -> ToolResult:
    return ToolResult(call_id="c", parts=(Text(text),), is_error=is_error)


@pytest.mark.parametrize(
    "text",
    [
        "Error: no such file",
        "error: pathspec 'x' did not match",
        "fatal: not a git repository: .git",
        "ValueError: invalid literal",
        "Traceback (most recent call last):\n  File",
        '{"error": "quota"}',
        '{"success": false, "reason": "gone"}',
        '{"output": "", "metadata": {"exit_code": 1}}',
        "Exit code: 127\nbash: foo: command not found",
        "bash: line 3: foo: command not found",
        "<tool_use_error>File does not exist.</tool_use_error>",
        "What it printed.\nexit code 2",
    ],
)
def test_a_result_that_says_so_has_failed(text: str):
    assert failed(result(text))
    assert not failed(result(f"Found it in a file that says: {'word ' * 200}{text.lower()} and {'more ' * 200}"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3 errors were mended.",
        '{"error": null, "output": "fine"}',
        '{"errors": [], "data": 1}',
        "exit code: 0",
        '{"exit_code": 0}',
        "Errors and exceptions: a chapter of the tutorial",
        "error handling is explained below",
        "== 1 failed, 2 passed in 0.10s ==\nexit code 1",
    ],
)
def test_a_result_that_only_talks_of_errors_has_not_failed(text: str):
    assert not failed(result(text))
    assert failed(result(text, is_error=True))


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("======= 12 passed in 0.40s =======", True),
        ("=== 1 failed, 12 passed, 2 warnings in 3.40s ===", False),
        ("1 error in 0.12s", False),
        ("no tests ran in 0.01s", None),
        ("Ran 3 tests in 0.001s\n\nOK", True),
        ("Ran 3 tests in 0.001s\n\nFAILED (failures=1)", False),
        ("Tests:       1 failed, 4 passed, 5 total", False),
        ("Tests:       5 passed, 5 total\nTime: 1 s", True),
        (" Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 7 passed (8)", False),
        ("ok  \texample.com/m\t0.010s", True),
        ("--- FAIL: TestX (0.00s)\nFAIL\nFAIL\texample.com/m\t0.010s", False),
        ("test result: ok. 5 passed; 0 failed; 0 ignored", True),
        ("test result: ok. 5 passed; 0 failed\ntest result: FAILED. 1 passed; 1 failed", False),
        ("[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 0", False),
        ("[INFO] Tests run: 5, Failures: 0, Errors: 0, Skipped: 0", True),
        ("Passed!  - Failed:     0, Passed:    10, Skipped:     0", True),
        ("12 examples, 0 failures", True),
        ("12 examples, 2 failures", False),
        ("  7 passing (20ms)\n  1 failing", False),
        ("# pass 4\n# fail 0", True),
        ("All is well: tests passed.", None),
        ("The paper says that 3 of 5 failed.", None),
    ],
)
def test_the_summary_of_tests_says_whether_they_passed(text: str, passed: bool | None):
    assert all_passed(result(f"running\n{text}\n")) is passed


def run(*turns: tuple[str, ...]) -> ToolLoop | None:
    """A run of calls, each turn with the results of its calls."""
    messages = [Message("user", (Text("Mend it."),))]
    for at, results in enumerate(turns):
        calls = tuple(ToolCall(id=f"{at}{n}", name="run", arguments=f'{{"n": {at}}}') for n, _ in enumerate(results))
        messages.append(Message("assistant", calls))
        messages.append(Message("tool", tuple(map(result, results))))
    return tool_loop(messages)


def test_a_run_counts_what_failed_in_a_row_and_what_the_latest_answer_called():
    assert run() is None
    assert run(("fine",)) == ToolLoop(turns=1, calls=1)
    assert run(("Error: a",), ("Error: b",)) == ToolLoop(turns=2, calls=2, failures=2, errors=1)
    assert run(("Error: a",), ("Error: b", "fine")) == ToolLoop(turns=2, calls=3, repeats=1, errors=1)
    assert run(("1 failed in 0.1s",), ("2 passed in 0.1s",)) == ToolLoop(turns=2, calls=2, tested=True)
    assert run(("2 passed in 0.1s",), ("fine",)) == ToolLoop(turns=2, calls=2)


def test_results_of_any_size_and_form_are_looked_at_in_no_time():
    for text in ("(" * 200_000, "1 failed, " * 20_000, "error " * 50_000, "exit code " * 20_000, " \n" * 100_000):
        assert tool_loop(
            [
                Message("assistant", (ToolCall(id="c", name="f", arguments="{}"),)),
                Message("tool", (result(text),)),
            ]
        )
