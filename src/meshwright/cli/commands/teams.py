"""`mesh teams`: limits and bounds over many keys."""

from __future__ import annotations

from typing import Annotated

import typer

from meshwright.cli.limiting import (
    Budget,
    Concurrent,
    Endpoints,
    Limits,
    Models,
    Providers,
    Regions,
    Requests,
    Routes,
    Tokens,
    Window,
    said_bounds,
    said_limits,
)
from meshwright.cli.output import ConfigFile, Json, told
from meshwright.cli.parties import run


def teams(
    words: Annotated[list[str] | None, typer.Argument(metavar="[create NAME|show NAME|remove NAME]")] = None,
    budget: Budget = "",
    per: Window = "month",
    rpm: Requests = "",
    tpm: Tokens = "",
    concurrent: Concurrent = "",
    limit: Limits = None,
    models: Models = None,
    routes: Routes = None,
    providers: Providers = None,
    endpoints: Endpoints = None,
    regions: Regions = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """List the teams; make, show or remove one. What a team may use its keys may use together."""
    with told(as_json):
        said = said_limits(budget, per, rpm, tpm, concurrent, limit)
        run("team", words or (), said, said_bounds(models, routes, providers, endpoints, regions), config, as_json)
