"""Running the deaths of `one_life`, and what must come of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KNOWN = {
    "append b", "append h", "append e", "fsync", "fdatasync", "rename #-w#-#.jsonl", "unlink #-w#-#.jsonl",
    "commit accounts+leases", "commit answers+batch_rows+batches", "commit batch_rows", "replace published.json",
    "commit audit+audit_head+keys+subjects", "commit audit+audit_head+decisions", "commit audit_checkpoints",
    "link ed#.key",
}  # fmt: skip
"""Points that a life must have reached, so that an ear which hears nothing is no proof."""


def all_is_well_after_each(often: str, server: str = "") -> int:
    """How many deaths there were; none has left anything unaccounted for."""
    command = [sys.executable, "-m", "tests.points.one_life", often, *([server] if server else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert KNOWN - set(lines[0]["reached"]) == set()
    assert [line for line in lines if line["wrong"]] == []
    died = [line for line in lines[1:] if line["killed"]]
    # What an importer finds in one batch is a matter of time; the first of everything is not.
    assert [line["point"] for line in lines[1:] if line not in died and line["point"][2] == 1] == []
    return len(died)
