"""`mesh users`: limits and bounds over all keys of a person."""

from __future__ import annotations

from meshwright.cli.parties import command

users = command("user")
