"""What commands print is for people on a screen, and for `grep` and `head` behind a pipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from meshwright.cli.output import print_table, write_file

DEAF = """
import os, sys
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
import typer
from meshwright.cli.output import out, told
try:
    with told():
        out.print("a line that nobody reads")
except typer.Exit as end:
    sys.exit(end.exit_code)
sys.exit(99)
"""


def test_behind_a_pipe_each_row_is_one_line_however_long_it_is(capsys: pytest.CaptureFixture[str]):
    print_table(("id", "name", "more"), [("key_1", "long " * 80, "[b]x" * 90), ("key_2", "short", "")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "name", "more"]
    assert first.split()[0] == "key_1"
    assert first.count("long") == 80
    assert first.count("[b]x") == 90
    assert second.split() == ["key_2", "short"]


def test_a_reader_who_has_enough_is_no_failure():
    done = subprocess.run([sys.executable, "-c", DEAF], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_called_dash_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path):
    write_file(Path("-"), [b"one\n", b"two\n"])
    write_file(tmp_path / "file", b"three")
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"one\ntwo\n"
    assert (tmp_path / "file").read_bytes() == b"three"
