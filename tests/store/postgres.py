"""A PostgreSQL of the tests' own, on a socket in a temporary folder; nothing where none is installed."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ACCOUNT = "postgres"


def missing() -> str:
    """Why there can be none here, "" when there can."""
    if importlib.util.find_spec("psycopg") is None:
        return "the extra `postgres` is not installed"
    return "" if program("initdb") and program("pg_ctl") else "PostgreSQL is not installed (apt-get install postgresql)"


def program(name: str) -> str | None:
    """Where one of its programs is; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else shutil.which(name)


@contextmanager
def running() -> Iterator[str]:
    """The address of an empty database, for as long as it lasts."""
    folder = Path(tempfile.mkdtemp(prefix="mesh-pg-"))
    account: dict[str, Any] = {}
    if os.getuid() == 0:  # it refuses to run as the superuser
        row = pwd.getpwnam(ACCOUNT)
        os.chown(folder, row.pw_uid, row.pw_gid)
        account = {"user": row.pw_uid, "group": row.pw_gid, "extra_groups": []}

    def run(*command: str) -> None:
        command = (program(command[0]) or command[0], *command[1:])
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **account)

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "mesh", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
    run("pg_ctl", "-D", data, "-w", "-t", "30", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://mesh@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
