"""The contracts between rooms hold, and each of them is known to catch what it forbids."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "meshwright"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["id"]: contract for contract in CONFIG["tool"]["importlinter"]["contracts"]}

# One import that each contract must refuse: the file, and the line in it.
SINS = {
    "floors": ("types/sin.py", "import meshwright.kernel"),
    "pure": ("wire/sin.py", "import socket"),
    "one_socket_aiohttp": ("kernel/sin.py", "import aiohttp"),
    "one_socket_httptools": ("sim/sin.py", "import httptools"),
    "one_database": ("ledger/sin.py", "from sqlalchemy import select"),
    "one_listener": ("cli/sin.py", "import granian"),
    "one_terminal": ("server/sin.py", "import rich"),
    "one_validator": ("kernel/sin.py", "import jsonschema_rs"),
    "composition_root": ("server/sin.py", "from meshwright.kernel.config.read import read"),
    "dialects": ("wire/openai_chat/sin.py", "import meshwright.wire.anthropic_messages"),
    "strategies": ("routing/strategies/task.py", "import meshwright.routing.strategies.fixed"),
    "guards": ("guards/pii.py", "import meshwright.guards.secrets"),
    "endpoints": ("server/endpoints/health.py", "import meshwright.server.endpoints.chat"),
    "commands": ("cli/commands/up.py", "import meshwright.cli.commands.ask"),
    "acyclic": ("net/one.py", "import meshwright.net.two"),
    "own_feet": ("providers/sin.py", "import openai"),
}
# The rest of the made-up tree: what the sins import.
INNOCENT = {
    "cli/commands/ask.py": "import rich, typer",
    "kernel/build/snapshot.py": "import meshwright.kernel.config.read",
    "kernel/config/check.py": "import meshwright.kernel.config.toml_lines",
    "kernel/config/read.py": "import meshwright.kernel.config.toml_lines",
    "kernel/config/toml_lines.py": "",
    "kernel/valid.py": "import jsonschema_rs",
    "net/pool.py": "import aiohttp, httptools",
    "net/two.py": "import meshwright.net.one",
    "guards/injection.py": "",
    "guards/instructions.py": "",
    "guards/pii.py": "",
    "guards/presidio.py": "",
    "guards/secrets.py": "",
    "guards/topics.py": "",
    "routing/strategies/fixed.py": "",
    "server/control.py": "import meshwright.kernel.config.read",
    "server/endpoints/chat.py": "",
    "server/serve.py": "import granian",
    "store/open.py": "import alembic, sqlalchemy",
    "wire/anthropic_messages/request.py": "import msgspec",
    "wire/openai_chat/request.py": "",
    "wire/bedrock_converse/request.py": "",
    "wire/cohere/request.py": "",
    "wire/gemini/request.py": "",
    "wire/ollama/request.py": "",
    "wire/openai_completions/request.py": "",
    "wire/openai_responses/request.py": "",
}
ROOMS = (
    "catalog",
    "cli",
    "guards",
    "kernel",
    "ledger",
    "resilience",
    "net",
    "providers",
    "routing",
    "server",
    "sim",
    "store",
    "types",
    "wire",
    "workflows",
)

# What pure computation may import of the standard library. A new line here is a decision: nothing that reads or writes.
PURE_STDLIB = {
    "__future__", "base64", "binascii", "collections", "dataclasses", "decimal", "enum", "functools", "hashlib", "html",
    "itertools", "json", "math", "operator", "re", "struct", "types", "typing", "zlib",
}  # fmt: skip

# Which rooms may know which package; everything that `src` imports is here, and a new line is a decision (0001).
THIRD_PARTIES = {
    "aiohappyeyeballs": {"net"},
    "aiohttp": {"net"},
    "alembic": {"store"},
    "cryptography": {"ledger", "net"},
    "granian": {"server"},
    "httptools": {"net"},
    "jsonschema_rs": {"kernel"},
    "mpmath": {"providers"},
    "msgspec": set(ROOMS),
    "numpy": {"providers", "routing"},
    "rich": {"cli"},
    "sqlalchemy": {"store"},
    "sympy": {"providers"},
    "tiktoken": {"catalog"},
    "tokenizers": {"catalog"},
    "typer": {"cli"},
    "uvloop": {"net", "server", "sim", "cli"},
    "wordllama": {"providers"},
    "yarl": {"net"},
}
# Parts of the standard library that have one door too.
DOORS = {
    "sqlite3": {"store"},
    "socket": {"cli", "net", "server", "sim"},
    "ssl": {"net"},
    "subprocess": {"providers", "cli"},
}


def lint_imports(folder: Path, only: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the contracts of the pyproject.toml in `folder` on the package in its `src`."""
    tool = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.fail("lint-imports is not installed; make lint installs it.")
    command = [tool, "--no-cache", *(["--contract", only] if only else [])]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=False)


def made_up_tree(folder: Path, files: dict[str, str]) -> Path:
    """A package of our name with these files, every room, and our contracts."""
    package = folder / "src" / "meshwright"
    for name, text in {f"{room}/__init__.py": "" for room in ROOMS}.items() | files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for above in path.relative_to(package).parents:
            (package / above / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def imports_of(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_rooms_keep_their_contracts():
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_contract_has_a_sin_that_proves_it():
    assert set(SINS) == set(CONTRACTS)


def test_a_tree_without_sins_passes(tmp_path: Path):
    innocent = {name: text for name, text in INNOCENT.items() if name != "net/two.py"}
    run = lint_imports(made_up_tree(tmp_path, innocent))
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("contract", SINS)
def test_a_contract_catches_what_it_forbids(contract: str, tmp_path: Path):
    file, line = SINS[contract]
    run = lint_imports(made_up_tree(tmp_path, INNOCENT | {file: line}), only=contract)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "0 kept, 1 broken" in run.stdout


def test_a_room_without_a_floor_is_noticed(tmp_path: Path):
    run = lint_imports(made_up_tree(tmp_path, {"attic/box.py": ""}), only="floors")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "attic" in run.stdout


@pytest.mark.parametrize("room", ["types", "wire"])
def test_a_pure_room_imports_msgspec_and_harmless_parts_of_the_standard_library(room: str):
    foreign = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in sorted((SOURCE / room).rglob("*.py"))
        for name in imports_of(path)
        if name.partition(".")[0] not in PURE_STDLIB | {"msgspec", "meshwright"}
    }
    assert foreign == set()


def test_every_third_party_is_imported_only_by_the_rooms_that_may_know_it():
    doors = THIRD_PARTIES | DOORS
    known = set(sys.stdlib_module_names) - set(DOORS) | {"meshwright"}
    strangers = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for name in (full.partition(".")[0] for full in imports_of(path))
        if name not in known and path.relative_to(SOURCE).parts[0] not in doors.get(name, set())
    }
    assert strangers == set()


def test_every_third_party_that_is_imported_is_asked_for_by_name():
    project = CONFIG["project"]
    extras = project["optional-dependencies"]
    asked = {
        re.split("[>=]", item)[0].replace("-", "_")
        for item in (*project["dependencies"], *extras["offline"], *extras["crypto"], *extras["tokenizers"])
    }
    assert set(THIRD_PARTIES) <= asked


def test_every_dialect_is_in_the_contract_that_keeps_dialects_apart():
    folders = {f"meshwright.wire.{path.parent.name}" for path in (SOURCE / "wire").glob("*/__init__.py")}
    assert folders == set(CONTRACTS["dialects"]["modules"])


def test_every_room_has_a_floor():
    layers = CONTRACTS["floors"]["layers"]
    planned = {room.strip() for layer in layers for room in layer.replace("(", "").replace(")", "").split("|")}
    assert {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"} <= planned
