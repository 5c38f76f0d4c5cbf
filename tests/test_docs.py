"""The documentation is complete, and what it shows works."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import typing
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from tests.docs_blocks import Block, Place, blocks, complaint, run

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
DECISIONS = ROOT / "docs" / "decisions"
# Pages whose blocks a reader types; others only have their links checked.
TYPED = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("how-to/**/*.md"))) if path.exists()]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    block for path in TYPED for block in blocks(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
]


def table(module: str, name: str) -> set[str]:
    """The names in a table of the product."""
    rows = getattr(importlib.import_module(module), name)
    return (
        set(rows)
        if isinstance(rows, Mapping)
        else {getattr(row, "name", "") or f"{row.method} {row.path}" for row in rows}
    )


def settings(kind: typing.Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of every setting below a struct; NAME stands for the key of a table of tables."""
    for field, inner in typing.get_type_hints(kind).items():
        name = f"{prefix}{field}"
        structs = [part for part in (inner, *typing.get_args(inner)) if isinstance(part, type)]
        struct = next((part for part in structs if issubclass(part, msgspec.Struct)), None)
        if struct is None:
            yield name
        else:
            yield from settings(struct, f"{name}.NAME." if typing.get_origin(inner) is dict else f"{name}.")


def errors() -> set[str]:
    """The public classes of the error tree."""
    tree = importlib.import_module("meshwright.types.errors")
    return {name for name, value in vars(tree).items() if inspect.isclass(value) and issubclass(value, tree.MeshError)}


def guards() -> set[str]:
    """The guards, and the kinds that each finds."""
    rows = importlib.import_module("meshwright.guards").GUARDS
    return set(rows) | {f"{name}.{kind}" for name, row in rows.items() for kind in row.kinds}


def documented(page: str) -> set[str]:
    """Names that a reference page explains: a heading or a table row that begins with `name` and goes on with words."""
    path = REFERENCE / page
    assert path.exists(), f"docs/reference/{page} is missing"
    text = path.read_text(encoding="utf-8")
    rows = re.findall(r"^\| *`([^`]+)` *\|.*\w.*\|\s*$", text, re.MULTILINE)
    return set(rows) | set(re.findall(r"^#{2,4} +`([^`]+)`.*\n+(?=[^#\n])", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("providers.md", lambda: table("meshwright.providers", "PROVIDERS")),
        ("strategies.md", lambda: table("meshwright.routing.strategies", "STRATEGIES")),
        ("endpoints.md", lambda: table("meshwright.server.endpoints", "ENDPOINTS")),
        ("commands.md", lambda: table("meshwright.cli.commands", "COMMANDS")),
        ("settings.md", lambda: set(settings(importlib.import_module("meshwright.kernel.config.tables").Config))),
        ("errors.md", errors),
        ("guards.md", guards),
    ],
    ids=["providers", "strategies", "endpoints", "commands", "settings", "errors", "guards"],
)
def test_everything_that_exists_is_documented_and_nothing_else(page: str, names: typing.Callable[[], set[str]]):
    there, told = names(), documented(page)
    assert there, "the table is empty"
    assert there - told == set(), "not documented"
    assert told - there == set(), "documented, but gone"


def test_every_direct_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    wanted = [*project["project"]["dependencies"], *(item for group in (*extras, *groups) for item in group)]
    names = {re.split(r"[><=!~ \[;]", item)[0] for item in wanted if isinstance(item, str)}
    told = (DECISIONS / "0001-dependencies.md").read_text(encoding="utf-8")
    assert names == set(re.findall(r"^\| *`([^`]+)` *\|", told, re.MULTILINE))


@pytest.mark.parametrize("path", sorted(DECISIONS.glob("*.md")), ids=lambda path: path.name)
def test_a_decision_says_what_why_when_and_what_would_change_our_mind(path: Path):
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert text.startswith(f"# {path.name[:4]}. ")
    assert re.search(r"^Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    for heading in ("What", "Why", "What would change our mind"):
        assert f"\n## {heading}\n" in text
    assert len(text.splitlines()) <= 80, "one page at most"


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted(DECISIONS.glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(path: Path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    inside = [link for link in links if link and not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if not (path.parent / link).exists()] == []


def test_there_is_a_readme_with_commands_to_type():
    assert [block for block in BLOCKS if block.page == "README.md" and block.mark == "run"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_says_whether_it_is_run(block: Block):
    assert complaint(block) == ""


class Gateway(msgspec.Struct, frozen=True):
    """A gateway of its own for the blocks: where it listens and the environment that finds it."""

    port: int
    environment: Mapping[str, str]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """`mesh up` on a free port, with a home, a state folder and a PATH that hold nothing but this installation."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/local/bin{os.pathsep}/usr/bin{os.pathsep}/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "MESH_STATE_DIR": str(home / "state"),
        "MESH_SERVER__PORT": str(port),
        # What else listens on this machine is not the pages' business.
        "MESH_DISCOVERY__ENGINES": "false",
    }
    log = home / "gateway.log"
    with log.open("wb") as out:
        command = [str(Path(sys.executable).parent / "mesh"), "up", "--port", str(port)]
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_until_ready(process, port, log)
        yield Gateway(port, environment)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"`mesh up` did not become ready:\n{log.read_text(encoding='utf-8', errors='replace')}")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder for each page, so that a block finds what an earlier one wrote."""
    return {page: tmp_path_factory.mktemp("page") for page in {block.page for block in BLOCKS}}


@pytest.mark.blocks
@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark == "run"], ids=lambda block: block.name)
def test_a_block_does_what_its_page_says(block: Block, gateway: Gateway, folders: dict[str, Path]):
    run(block, Place(folders[block.page], gateway.environment, gateway.port))
