"""Signs in programs: code that parses. Python by its own parser; other languages by their brackets and quotes."""

from __future__ import annotations

import ast
import re
import warnings

MOST = 50_000
"""Characters of one block; a longer one is not judged."""
MOST_BLOCKS = 20
_BLOCK = re.compile(r"```[ \t]*+([\w+#.-]*+)[^\n]{0,200}+\n(.*?)(?:```|\Z)", re.DOTALL)
_PYTHON = frozenset(("python", "py", "python3"))
_JUDGED = frozenset(
    ("c", "cpp", "c++", "java", "javascript", "js", "typescript", "ts", "go", "rust", "csharp", "c#", "kotlin", "swift")
)
_MAY_BE_PYTHON = re.compile(r"^(?:def|class|import|from|for|if|while|with|print\(|async def)\b", re.MULTILINE)
_PAIRS = {")": "(", "]": "[", "}": "{"}
# A quote after a backslash begins nothing, so that what is never closed is gone over once.
_NOISE = re.compile(
    r"/\*.*?(?:\*/|\Z)|//[^\n]*"
    r"|(?<!\\)\"(?:\\.|[^\"\\\n])*+\"|'(?:\\.|[^'\\\n]){1,8}'|(?<!\\)`(?:\\.|[^`\\])*+`",
    re.DOTALL,
)
_LEFT_OUT = re.compile(
    r"^[^\S\n]*+(?:#|//)\s*(?:\.\.\.|your code|todo|rest of|existing code|implement)", re.IGNORECASE | re.MULTILINE
)


def programs(answer: str) -> dict[str, float]:
    """Signs by name; none when there is no block of code."""
    blocks = [(match[1].lower(), match[2]) for match in _BLOCK.finditer(answer)][:MOST_BLOCKS]
    judged = [good for language, code in blocks if (good := parses(language, code)) is not None]
    if not blocks:
        return {}
    return {
        "code_broken": float(judged.count(False)),
        "code_left_out": float(any(_LEFT_OUT.search(code) for _, code in blocks)),
    }


def parses(language: str, code: str) -> bool | None:
    """Whether it parses; None when that is not known of the language."""
    if len(code) > MOST or not code.strip():
        return None
    if language in _PYTHON or (not language and _MAY_BE_PYTHON.search(code)):
        return _python(code)
    return _balanced(code) if language in _JUDGED else None


def _python(code: str) -> bool | None:
    if ">>>" in code:
        return None  # a session, not a program
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError:
        return False
    except (ValueError, RecursionError, MemoryError):
        return None
    return True


def _balanced(code: str) -> bool:
    """Whether every bracket outside of comments and strings is closed by its own kind."""
    open_: list[str] = []
    for character in _NOISE.sub(" ", code):
        if character in "([{":
            open_.append(character)
        elif character in _PAIRS and (not open_ or open_.pop() != _PAIRS[character]):
            return False
    return not open_
