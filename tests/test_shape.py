"""The code keeps the shape that makes it readable: sizes, names, imports, errors, one module one sentence."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import shape

ROOT = Path(__file__).resolve().parents[1]
TEXTS = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".yml",
    ".yaml",
    ".sh",
    ".json",
    ".c",
    ".h",
    ".html",
    ".css",
    ".js",
    ".mako",
    "",
}
# Alembic writes these from its template, one function each for up and down; they are history and never edited.
GENERATED = ("src/meshwright/store/migrations/versions/",)

Rule = Callable[[shape.Source], Iterator[str]]
EVERYWHERE: list[Rule] = [shape.length, shape.words, shape.inner_imports, shape.first_sentence, shape.table_only]
# Tests and benches are the edge of the world: they set up environments and may ignore what a broken peer throws.
PRODUCT: list[Rule] = [*EVERYWHERE, shape.swallowed, shape.annotations_for_free]
RULES: dict[str, list[Rule]] = {"src": PRODUCT, "tests": EVERYWHERE, "bench": EVERYWHERE, "scripts": EVERYWHERE}
# The two places that face the process: they read the environment and pass on what they found.
MAY_READ_ENVIRONMENT = ("src/meshwright/cli/", "src/meshwright/kernel/build/snapshot.py")


def tracked() -> list[Path]:
    """Files that are or would be committed: what git knows, and what it does not know and would not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return sorted(path for path in paths if path.is_file())


def sources(folder: str) -> list[Path]:
    return [
        path
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(GENERATED)
    ]


@pytest.mark.parametrize(
    ("folder", "rule"),
    [(folder, rule) for folder, rules in RULES.items() for rule in rules],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_file_keeps_the_rule(folder: str, rule: Rule):
    found = [f"{source.path}:{wrong}" for source in read_all(folder) for wrong in rule(source)]
    assert not found, f"{(rule.__doc__ or '').strip()}\n" + "\n".join(found)


def read_all(folder: str) -> Iterator[shape.Source]:
    return (shape.read(path, ROOT) for path in sources(folder))


def test_only_the_composition_root_and_the_command_line_read_the_environment():
    found = [
        f"{source.path}:{wrong}"
        for source in read_all("src")
        if not source.path.startswith(MAY_READ_ENVIRONMENT)
        for wrong in shape.environment(source)
    ]
    assert not found, "\n".join(found)


def test_every_folder_of_the_package_is_a_package():
    folders = {path.parent for path in (ROOT / "src" / "meshwright").rglob("*.py")}
    missing = [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()]
    # Alembic runs its folder of revisions as scripts.
    assert [folder for folder in missing if "migrations" not in folder] == []


def test_no_file_names_an_index_a_machine_or_a_folder_outside():
    found = [
        wrong
        for path in tracked()
        if path.suffix in TEXTS and path.name != "LICENSE"
        for wrong in shape.addresses(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_locked_versions_have_hashes_and_the_running_set_is_part_of_the_whole():
    whole, running = ((ROOT / name).read_text(encoding="utf-8") for name in ("constraints.txt", "constraints-run.txt"))
    pins = {
        text: re.findall(r"^(\S+==\S+) (?:;.*)?\\\n +--hash=sha256:", text, re.MULTILINE) for text in (whole, running)
    }
    assert pins[running]
    assert set(pins[running]) <= set(pins[whole])
    assert all(text.count("==") - text.count(" == ") == len(pins[text]) for text in pins)


# Each rule is shown a file that breaks it, so that a rule which stopped seeing is noticed.
BROKEN: list[tuple[Rule, str]] = [
    (shape.length, "x = 1\n" * 401),
    (shape.length, "def long():\n" + "    x = 1\n" * 60),
    (shape.words, "class ToolManager: ..."),
    (shape.words, "def make_util(): ..."),
    (shape.words, "class HTTPHandler: ..."),
    (shape.words, "class BaseThing: ..."),
    (shape.inner_imports, "def late():\n    import json\n"),
    (shape.inner_imports, "def late():\n    import json  # noqa: PLC0415\n"),
    (shape.first_sentence, "x = 1"),
    (shape.first_sentence, '"""Nonsense"""'),
    (shape.table_only, '"""A table."""\ndef run(): ...'),
    (shape.swallowed, "try:\n    x()\nexcept Exception:\n    y = 0\n"),
    (shape.swallowed, "try:\n    x()\nexcept:\n    y = 0\n"),
    (shape.swallowed, "try:\n    x()\nexcept (ValueError, Exception):\n    y = 0\n"),
    (shape.swallowed, "try:\n    x()\nexcept KeyError:\n    pass\n"),
    (shape.environment, "import os\nos.environ['X']"),
    (shape.environment, "from os import getenv"),
    (shape.annotations_for_free, '"""A file."""\nx = 1'),
]


@pytest.mark.parametrize(("rule", "text"), BROKEN, ids=[f"{rule.__name__}-{n}" for n, (rule, _) in enumerate(BROKEN)])
def test_a_rule_sees_what_breaks_it(rule: Rule, text: str, tmp_path: Path):
    name = "__init__.py" if rule is shape.table_only else "broken.py"
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert list(rule(shape.read(tmp_path / name, tmp_path)))


FINE: list[tuple[Rule, str]] = [
    (shape.words, "class Basement: ...\ndef database(): ...\ndef handler(): ...\ndef in_base(): ...\n"),
    (shape.inner_imports, "def late():\n    # SymPy takes half a second.\n    import sympy\n    import mpmath\n"),
    (shape.inner_imports, "def late():\n    import sympy  # takes half a second\n"),
    (shape.inner_imports, "def late():\n    # SymPy takes half a second.\n    import sympy  # noqa: PLC0415\n"),
    (shape.first_sentence, '"""What a model is made of."""'),
    (shape.table_only, '"""A table."""\nfrom a import b\n\nTABLE = {"b": b}\n"""By name."""\n'),
    (shape.swallowed, "try:\n    x()\nexcept Exception as error:\n    raise Mine from error\n"),
    (shape.swallowed, "try:\n    x()\nexcept Exception:\n    log.exception('x failed')\n    y = 500\n"),
    (shape.swallowed, "try:\n    x()\nexcept KeyError:\n    pass  # it was never there\n"),
]


@pytest.mark.parametrize(("rule", "text"), FINE, ids=[f"{rule.__name__}-{n}" for n, (rule, _) in enumerate(FINE)])
def test_a_rule_lets_pass_what_is_fine(rule: Rule, text: str, tmp_path: Path):
    name = "__init__.py" if rule is shape.table_only else "fine.py"
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert not list(rule(shape.read(tmp_path / name, tmp_path)))


@pytest.mark.parametrize(
    "line",
    [
        "at /wo" + "rk/main/x",
        "from ../sh" + "ared/data",
        "in /ro" + "ot/.cache/",
    ],
)
def test_an_address_that_belongs_elsewhere_is_seen(line: str):
    assert list(shape.addresses("page.md", line))


def test_a_package_index_is_known_by_any_of_its_hosts():
    indexes = {shape.fingerprint("index.example")}
    assert shape.names_index("see https://files.index.example/x", indexes)
    assert shape.names_index("pip install -i HTTPS://INDEX.EXAMPLE/simple", indexes)
    assert not shape.names_index("see https://index.example.com/x", indexes)


@pytest.mark.parametrize(
    "line", ["see https://example.com/wo" + "rk/x", "docs/ro" + "ot/x", "http://127.0.0.1:8400/v1", "/etc/ssl"]
)
def test_an_ordinary_address_passes(line: str):
    assert not list(shape.addresses("page.md", line))
