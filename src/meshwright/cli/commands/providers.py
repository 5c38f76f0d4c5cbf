"""`mesh providers`: every known service, and whether it is served."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from meshwright.cli.identities import Standing, standings
from meshwright.cli.output import ConfigFile, Json, print_json, print_table, told
from meshwright.cli.session import control_of
from meshwright.kernel.build.providers import provider_parts
from meshwright.providers import PROVIDERS


def providers(
    config: ConfigFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask for identities that run out.")] = False,
    as_json: Json = False,
) -> None:
    """List the providers, with which key or identity each is called, and what the others lack to be served."""
    with told(as_json):
        control = control_of(config)
        parts, refused = provider_parts(control.config, os.environ, control.engines, control.config.builtin.enabled)
        served = {part.row.name: part for part in parts}
        held = {} if offline else standings(parts)
        rows: list[dict[str, Any]] = []
        for name in dict.fromkeys((*served, *PROVIDERS)):
            part = served.get(name)
            row = part.row if part else PROVIDERS[name]
            state = "served" if part else refused.get(name, "")
            standing = held.get(name, Standing())
            known: dict[str, object] = {
                "dialect": row.dialect,
                "base_url": row.base_url,
                "key_env": row.key_env,
                "docs": row.docs,
            }
            known["also"] = [{"dialect": one.dialect, "base_url": one.base_url} for one in row.also]
            key: dict[str, object] = {
                "key_from": part.key_from if part else "",
                "key_until": standing.until or None,
                "key_wrong": standing.wrong or None,
            }
            rows.append({"name": name, "served": part is not None, "why": state, **key, **known})
        if as_json:
            print_json(rows)
            return
        print_table(
            ("provider", "state", "key", "dialect", "address"),
            [(row["name"], row["why"], _key(row), row["dialect"], row["base_url"]) for row in rows],
        )


def _key(row: Mapping[str, Any]) -> str:
    """Where the key comes from, and until when it holds, or why it cannot be had."""
    if row["key_wrong"]:
        return f"{row['key_from']}: {row['key_wrong']}"
    return str(row["key_from"]) + (f", until {row['key_until']}" if row["key_until"] else "")
