"""Tables are for people on a screen, and for `grep` behind a pipe."""

from __future__ import annotations

import pytest

from meshwright.cli.output import print_table


def test_behind_a_pipe_each_row_is_one_line_however_long_it_is(capsys: pytest.CaptureFixture[str]):
    print_table(("id", "name", "more"), [("key_1", "long " * 80, "[b]x" * 90), ("key_2", "short", "")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "name", "more"]
    assert first.split()[0] == "key_1"
    assert first.count("long") == 80
    assert first.count("[b]x") == 90
    assert second.split() == ["key_2", "short"]
