"""The commands: one small file each, listed here."""

from __future__ import annotations

from collections.abc import Callable

from meshwright.cli.commands import (
    ask,
    audit,
    doctor,
    explain,
    feedback,
    keys,
    limits,
    models,
    providers,
    quote,
    route,
    router,
    sim,
    spend,
    teams,
    up,
    users,
)

COMMANDS: dict[str, Callable[..., None]] = {
    "up": up.up,
    "ask": ask.ask,
    "models": models.models,
    "providers": providers.providers,
    "route": route.route,
    "quote": quote.quote,
    "router": router.router,
    "explain": explain.explain,
    "feedback": feedback.feedback,
    "keys": keys.keys,
    "teams": teams.teams,
    "users": users.users,
    "limits": limits.limits,
    "spend": spend.spend,
    "audit": audit.audit,
    "doctor": doctor.doctor,
    "sim": sim.sim,
}
