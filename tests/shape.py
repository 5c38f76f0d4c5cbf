"""Rules of the house that a syntax tree can answer: each is a function from one file to what is wrong with it."""

from __future__ import annotations

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import msgspec

FILE_LINES = 400
FUNCTION_LINES = 60

# Words that name nothing: whoever needs one has not found what the thing does yet.
EMPTY_WORDS = {"helper", "helpers", "manager", "misc", "runnable", "util", "utils", "wrapper", "factory"}
# As a function these may mean something (the base of a number, a handler that a protocol asks for); as a thing, never.
EMPTY_THINGS = {"base", "common", "engine", "handler"}
# A run of digits belongs to its word: base64.
_WORDS = re.compile(r"(?:[A-Z]+(?![a-z])|[A-Z]?[a-z]+)\d*")
_SILENCERS = re.compile(r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[^]]*\])?)")

# The domains of package indexes, by the beginning of their SHA-256: a list of them would be what it forbids.
INDEXES = frozenset(
    {
        "a4aa2ac280bb8d1a",
        "8b5bb5eb9d758455",
        "8743857e3ea00fd1",
        "3ca29e55be4befa4",
        "789e46d79514e280",
    }
)
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)
# A folder of somebody's own machine; /tmp, /usr and /etc are the same for everyone.
MACHINE_PATHS = re.compile("(?<![\\w.:/-])/" + r"(?:work|root|home/\w+|Users/\w+|opt/\w+|farm)/")
OUTSIDE = re.compile(r"\.\./sh" + r"ared|/sh" + r"ared/(?:data|design|bench)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(msgspec.Struct, frozen=True, eq=False):
    """One file, read once: its path from the repository's root, text, lines, tree, and comments by line."""

    path: str
    text: str
    lines: list[str]
    tree: ast.Module
    comments: dict[int, str]


def read(path: Path, root: Path) -> Source:
    """Read and parse a file; raises SyntaxError with its place."""
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(root).as_posix(), text, text.splitlines(), ast.parse(text), _comments(text))


@cache
def _comments(text: str) -> dict[int, str]:
    """By line. Remembered, for every rule reads every file, and this is the slow part of it."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function in it, at any depth."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(source: Source) -> Iterator[str]:
    """A file fits into one reading, a function onto one screen."""
    if len(source.lines) > FILE_LINES:
        yield f"{len(source.lines)} lines, {FILE_LINES} at most: split it by nouns"
    for function in functions(source.tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{function.lineno}: {function.name} has {lines} lines, {FUNCTION_LINES} at most"


def _names(source: Source) -> Iterator[tuple[int, str, bool]]:
    for part in source.path.removesuffix(".py").split("/"):
        yield 1, part, True
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef):
            yield node.lineno, node.name, True
        elif isinstance(node, Function):
            yield node.lineno, node.name, False


def words(source: Source) -> Iterator[str]:
    """A name says what the thing is or does."""
    for line, name, is_thing in _names(source):
        found = {word.lower() for word in _WORDS.findall(name)}
        empty = found & (EMPTY_WORDS | (EMPTY_THINGS if is_thing else set()))
        if empty:
            yield f"{line}: {name} holds the empty word {', '.join(sorted(empty))}"


def inner_imports(source: Source) -> Iterator[str]:
    """An import inside a function has its reason beside it or on the line above."""
    for function in functions(source.tree):
        for node in ast.walk(function):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            beside = source.comments.get(node.end_lineno or node.lineno, "") or source.comments.get(node.lineno, "")
            above = _comment_above(source, node.lineno)
            reason = _SILENCERS.sub("", beside + above).strip("# ")
            if not reason:
                yield f"{node.lineno}: an import inside {function.name} without a reason"


def _comment_above(source: Source, line: int) -> str:
    # Imports that follow one another share the comment above the first.
    line -= 1
    while line and source.lines[line - 1].strip().startswith(("import ", "from ")):
        line -= 1
    return source.comments.get(line, "") if line and source.lines[line - 1].strip().startswith("#") else ""


def first_sentence(source: Source) -> Iterator[str]:
    """The first line of a module is a sentence."""
    said = ast.get_docstring(source.tree)
    if not said:
        yield "1: no docstring"
        return
    sentence = said.splitlines()[0]
    if not sentence.endswith((".", "?", ":")) or len(sentence.split()) < 3:
        yield f"1: the docstring's first line is not a sentence: {sentence!r}"


def table_only(source: Source) -> Iterator[str]:
    """`__init__.py` is a table or a public surface: imports, constants, nothing that runs."""
    if not source.path.endswith("__init__.py"):
        return
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    for number, node in enumerate(source.tree.body):
        if number == 0 and isinstance(node, ast.Expr):
            continue
        # A string below a constant is its docstring.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            continue
        if not isinstance(node, allowed):
            yield f"{node.lineno}: {type(node).__name__} in an __init__.py"


def swallowed(source: Source) -> Iterator[str]:
    """Whoever catches everything raises again or logs the traceback; a dropped error has its reason."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = (
            {leaf.id for leaf in ast.walk(node.type) if isinstance(leaf, ast.Name)} if node.type else {"bare except"}
        )
        if caught & {"Exception", "BaseException", "bare except"}:
            if not any(_tells(inner) for body in node.body for inner in ast.walk(body)):
                yield f"{node.lineno}: {', '.join(sorted(caught))} is caught, not raised again and not logged"
        elif all(isinstance(body, ast.Pass | ast.Continue) for body in node.body):
            near = range(node.lineno - 1, (node.end_lineno or node.lineno) + 1)
            if not any(line in source.comments for line in near):
                yield f"{node.lineno}: an error is dropped without a reason"


def _tells(node: ast.AST) -> bool:
    # `log.exception(...)` is for the outermost edge, where nobody is left to raise to.
    logs = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "exception"
    return logs or isinstance(node, ast.Raise)


def environment(source: Source) -> Iterator[str]:
    """Nobody inside reads the environment: who needs a value is given it."""
    for node in ast.walk(source.tree):
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"}) or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {alias.name for alias in node.names} & {"environ", "environb", "getenv", "putenv"}
        ):
            yield f"{node.lineno}: reads the environment"


def annotations_for_free(source: Source) -> Iterator[str]:
    """Annotations are never evaluated at import: the future import stands in every file that has code."""
    code = [node for node in source.tree.body if not isinstance(node, ast.Expr)]
    has_future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in code)
    if not has_future and not source.path.endswith("__init__.py"):
        yield "1: no `from __future__ import annotations`"


def addresses(path: str, text: str) -> Iterator[str]:
    """No package index, no folder of one machine, nothing outside the repository. For any text, not only Python."""
    for number, line in enumerate(text.splitlines(), 1):
        for found, what in (
            (names_index(line), "an index address"),
            (MACHINE_PATHS.search(line), "a path of one machine"),
            (OUTSIDE.search(line), "a folder outside the repository"),
        ):
            if found:
                yield f"{path}:{number}: {what}: {line.strip()[:80]}"


def names_index(line: str, indexes: Collection[str] = INDEXES) -> bool:
    """Whether a host of the line belongs to a domain of `indexes` (see `fingerprint`)."""
    domains = {".".join(host.split(".")[-2:]) for host in _HOST.findall(line)}
    return any(fingerprint(domain) in indexes for domain in domains)


def fingerprint(domain: str) -> str:
    """The first sixteen digits of a domain's SHA-256."""
    return hashlib.sha256(domain.lower().encode()).hexdigest()[:16]
