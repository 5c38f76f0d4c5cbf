"""Where the gateway keeps its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec


class Places(msgspec.Struct, frozen=True):
    """`state` holds the database, the journal and what is published; `config` is mesh.toml, None when there is none."""

    state: Path
    config: Path | None

    @property
    def journal(self) -> Path:
        """The journal's folder."""
        return self.state / "journal"

    @property
    def published(self) -> Path:
        """What the control plane publishes."""
        return self.state / "published.json"

    @property
    def metrics(self) -> Path:
        """Where workers leave their numbers for each other."""
        return self.state / "metrics"

    @property
    def router(self) -> Path:
        """The versions of what the router has learned."""
        return self.state / "router"

    @property
    def audit(self) -> Path:
        """The keys that checkpoints of the audit log are signed with."""
        return self.state / "audit"

    @property
    def claims(self) -> Path:
        """Which worker makes the answer of an idempotency key."""
        return self.state / "claims"

    @property
    def database(self) -> Path:
        """The SQLite file, unless [store] url says otherwise."""
        return self.state / "mesh.db"


def places(environment: Mapping[str, str], config: Path | None = None, here: Path | None = None) -> Places:
    """State: MESH_STATE_DIR, else the XDG folder. File: `config`, MESH_CONFIG, else ./mesh.toml if it is there."""
    home = Path(environment.get("HOME") or Path.home())
    given = environment.get("MESH_STATE_DIR")
    state = (
        Path(given).expanduser()
        if given
        else Path(environment.get("XDG_STATE_HOME") or home / ".local/state") / "meshwright"
    )
    named = config or (Path(environment["MESH_CONFIG"]) if environment.get("MESH_CONFIG") else None)
    local = (here or Path.cwd()) / "mesh.toml"
    return Places(state.absolute(), named or (local if local.exists() else None))
