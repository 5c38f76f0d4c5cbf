"""The tasks that requests are sorted into, and how long an answer to each usually is."""

from __future__ import annotations

from collections.abc import Mapping

TASKS: Mapping[str, tuple[str, int]] = {
    "compute": ("a calculation that a computer algebra system can do", 40),
    "maths": ("a word problem or a proof", 400),
    "code": ("writing, explaining or fixing a program", 700),
    "extract": ("a question about text that came with it", 120),
    "summarize": ("making a text shorter", 200),
    "translate": ("another language, same meaning", 200),
    "rewrite": ("the same text in another form or tone", 250),
    "write": ("a new text: mail, story, plan, ideas", 600),
    "classify": ("one label out of a few", 10),
    "reason": ("a puzzle, a plan, an argument in several steps", 500),
    "knowledge": ("a fact, an explanation, advice", 250),
    "chat": ("small talk", 60),
}
"""Name: (meaning, tokens of a usual answer). The lengths are rough priors, corrected by observation later."""
