"""What goes on failing is told when it begins, once a minute, and when it is over."""

from __future__ import annotations

import logging

import pytest

from meshwright.server.trouble import Trouble
from meshwright.types.errors import StoreError


def test_a_database_that_is_gone_for_an_hour_does_not_fill_the_log(caplog: pytest.LogCaptureFixture):
    now = [0.0]
    trouble = Trouble(logging.getLogger("meshwright.trouble"), "import", lambda: now[0])
    caplog.set_level(logging.INFO)
    for _ in range(5 * 3600):
        trouble.error(StoreError("The database is gone."))
        now[0] += 0.2
    trouble.over()
    trouble.over()
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "import: The database is gone."
    assert lines[-1] == "import: works again, after 18000 failures"
    assert 59 <= len(lines) <= 63


def test_another_reason_is_told_soon_and_a_fault_of_ours_with_its_trace(caplog: pytest.LogCaptureFixture):
    now = [0.0]
    trouble = Trouble(logging.getLogger("meshwright.trouble"), "import", lambda: now[0])
    trouble.error(StoreError("The database is gone."))
    trouble.exception(ValueError("odd"))
    now[0] += 6
    trouble.exception(ValueError("odd"))
    first, second = caplog.records
    assert first.getMessage() == "import: The database is gone."
    assert second.getMessage() == "import failed (3 times by now)"
    assert second.exc_info is not None


def test_trouble_that_comes_again_is_told_at_once(caplog: pytest.LogCaptureFixture):
    trouble = Trouble(logging.getLogger("meshwright.trouble"), "import", lambda: 0.0)
    for _ in range(2):
        trouble.error(StoreError("The database is gone."))
        trouble.over()
    assert [record.levelname for record in caplog.records if record.levelname == "ERROR"] == ["ERROR", "ERROR"]
