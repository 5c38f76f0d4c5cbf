"""`mesh teams`: limits and bounds over many keys."""

from __future__ import annotations

from meshwright.cli.parties import command

teams = command("team")
