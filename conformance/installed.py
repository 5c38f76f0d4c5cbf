"""Packages from registries in a folder that goes away: nothing that is tested with is added to the project."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

INSTALL_SECONDS = 900


def run(command: Sequence[str | Path], folder: Path, seconds: float = INSTALL_SECONDS) -> str:
    """Run a command to its end and give its output. Raises RuntimeError with what it said when it failed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def python_with(folder: Path, packages: Sequence[str], seconds: float = INSTALL_SECONDS) -> Path:
    """The interpreter of a new virtual environment in `folder` that has these packages, installed within `seconds`."""
    run([sys.executable, "-m", "venv", folder / "venv"], folder)
    python = folder / "venv" / "bin" / "python"
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], folder, seconds)
    return python


def versions(python: Path, packages: Sequence[str]) -> str:
    """`name version, …` as the environment has them."""
    listed = run([python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"], python.parent)
    found = {row["name"].lower(): row["version"] for row in json.loads(listed)}
    return ", ".join(f"{name} {found[name.lower()]}" for name in packages)


def source_distribution(python: Path, name: str, folder: Path) -> Path:
    """The unpacked source distribution of a package; only what lies inside its own folder is taken out."""
    run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name, name, "-d", folder], folder)
    archive = next(folder.glob(f"{name}-*.tar.gz"))
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def node_with(folder: Path, packages: Sequence[str]) -> str:
    """Install npm packages into `folder`; gives `name version, …`."""
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *packages], folder)
    found = [json.loads((folder / "node_modules" / name / "package.json").read_text()) for name in packages]
    return ", ".join(f"{one['name']} {one['version']}" for one in found)
