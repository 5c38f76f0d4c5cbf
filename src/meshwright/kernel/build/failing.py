"""From the settings of failures to what routes and signals go by."""

from __future__ import annotations

from typing import Any

from meshwright.kernel.config.tables import FailureSettings, RouteSettings
from meshwright.kernel.health import Health
from meshwright.resilience.breaker import Rests
from meshwright.resilience.concurrency import Bounds
from meshwright.resilience.standing import Settings
from meshwright.types.failing import Failing

ENDLESS = 1e9


def failing(settings: FailureSettings, route: RouteSettings | None = None) -> Failing:
    """How hard is tried: as the route says, else as the file does."""

    def of(name: str) -> Any:
        own = getattr(route, name) if route is not None else None
        return getattr(settings, name) if own is None else own

    return Failing(
        retries=of("retries"),
        patience=of("patience_seconds"),
        first_token=of("first_token_seconds"),
        total=of("request_seconds"),
        on_break=of("on_break"),
        hedge=of("hedge"),
        coalesce=of("coalesce"),
        balance=of("balance"),
    )


def health(settings: FailureSettings) -> Health:
    """What the signals go by."""
    bounds = Bounds() if settings.adaptive else Bounds(first=ENDLESS, least=ENDLESS, most=ENDLESS)
    rests = Rests(first=settings.open_seconds, longest=max(settings.open_seconds, settings.open_longest_seconds))
    return Health(
        standing=Settings(rests, bounds),
        share=settings.budget,
        least=settings.budget_least,
        queue=settings.queue,
        queue_seconds=settings.queue_seconds,
    )
