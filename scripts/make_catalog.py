"""Make the shipped catalogue from a public snapshot, as `python scripts/make_catalog.py SNAPSHOT.json.gz DATE`.

The snapshot is https://models.dev/api.json (MIT licence, kept beside the data). Only providers that have a row here and
models that write text are taken. Prices become strings of dollars per million tokens; what the snapshot does not say
stays unsaid.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from meshwright.providers import PROVIDERS

OUT = Path(__file__).parent.parent / "src/meshwright/catalog/data/models.json"
BUCKETS = {"input": "input", "output": "output", "cache_read": "cache_read", "cache_write": "cache_write"}
AUDIO = {"input_audio": "audio_input", "output_audio": "audio_output"}


def price(cost: dict[str, Any], above: int = 0) -> dict[str, Any]:
    """One tier of prices."""
    tier: dict[str, Any] = {ours: str(cost[name]) for name, ours in (BUCKETS | AUDIO).items() if name in cost}
    return tier | ({"above": above} if above else {})


def prices(cost: dict[str, Any]) -> list[dict[str, Any]]:
    """The base tier and those for long contexts."""
    tiers = [price(cost)]
    if over := cost.get("context_over_200k"):
        tiers.append(price(over, 200_000))
    return [tier for tier in tiers if tier]


def abilities(model: dict[str, Any]) -> dict[str, bool]:
    """What the snapshot says of a model's abilities, in our words."""
    found = {ours: model[name] for ours, name in (("tools", "tool_call"), ("reasoning", "reasoning")) if name in model}
    if "structured_output" in model:
        found["structured_output"] = model["structured_output"]
    if modalities := model.get("modalities"):
        reads = modalities.get("input", [])
        found |= {"vision": "image" in reads, "audio_input": "audio" in reads, "files": "pdf" in reads}
        found["audio_output"] = "audio" in modalities.get("output", [])
    return found


def writes_text(model: dict[str, Any]) -> bool:
    """Whether it answers in words."""
    return "text" in model.get("modalities", {}).get("output", [])


def card(name: str, model: dict[str, Any]) -> dict[str, Any]:
    """One model's facts."""
    limit = model.get("limit", {})
    row: dict[str, Any] = {"name": name, "abilities": abilities(model), "prices": prices(model.get("cost", {}))}
    for ours, theirs in (("window", "context"), ("max_output", "output")):
        if limit.get(theirs):
            row[ours] = limit[theirs]
    return row | ({"date": model["release_date"]} if "release_date" in model else {})


def main(snapshot: str, date: str) -> None:
    """Read the snapshot, write the catalogue."""
    with gzip.open(snapshot) as file:
        data = json.load(file, parse_float=str)
    providers = {}
    for provider in sorted(name for name, row in PROVIDERS.items() if name in data and not row.local):
        models = data[provider]["models"]
        rows = [card(name, models[name]) for name in sorted(models) if writes_text(models[name])]
        providers[provider] = rows
    OUT.write_text(
        json.dumps(
            {"source": "models.dev", "date": date, "providers": providers}, separators=(",", ":"), sort_keys=True
        )
        + "\n"
    )
    print(f"{sum(map(len, providers.values()))} models of {len(providers)} providers in {OUT.name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
