"""`mesh providers`: every known service, and whether it is served."""

from __future__ import annotations

import os

from meshwright.cli.output import ConfigFile, Json, print_json, print_table, told
from meshwright.cli.session import control_of
from meshwright.kernel.build.providers import provider_parts
from meshwright.providers import PROVIDERS


def providers(config: ConfigFile = None, as_json: Json = False) -> None:
    """List the providers, and what each one lacks to be served."""
    with told(as_json):
        control = control_of(config)
        parts, refused = provider_parts(control.config, os.environ, control.engines, control.config.builtin.enabled)
        served = {part.row.name: part for part in parts}
        rows = []
        for name in dict.fromkeys((*served, *PROVIDERS)):
            part = served.get(name)
            row = part.row if part else PROVIDERS[name]
            state = "served" if part else refused.get(name, "")
            source = part.key_from if part else ""
            known: dict[str, object] = {
                "dialect": row.dialect,
                "base_url": row.base_url,
                "key_env": row.key_env,
                "docs": row.docs,
            }
            known["also"] = [{"dialect": one.dialect, "base_url": one.base_url} for one in row.also]
            rows.append({"name": name, "served": part is not None, "why": state, "key_from": source, **known})
        if as_json:
            print_json(rows)
            return
        print_table(
            ("provider", "state", "key", "dialect", "address"),
            [(str(r["name"]), str(r["why"]), str(r["key_from"]), str(r["dialect"]), str(r["base_url"])) for r in rows],
        )
