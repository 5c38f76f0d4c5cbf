"""What the types cannot say of [failure], and of what routes and providers say about failing."""

from __future__ import annotations

from collections.abc import Iterator

from meshwright.kernel.config.tables import Config

Finding = tuple[tuple[str, ...], str, str]
COUNTS = ("retries", "budget_least", "queue")
ABOVE = (
    "first_token_seconds",
    "request_seconds",
    "open_seconds",
    "open_longest_seconds",
    "connect_seconds",
    "first_byte_seconds",
    "between_bytes_seconds",
    "total_seconds",
)
NOT_BELOW = ("patience_seconds", "queue_seconds")
MOST_RETRIES = 10


def check_failing(config: Config) -> list[Finding]:
    """Every mistake: (path, what is wrong, what to do)."""
    found = [*_numbers(("failure",), config.failure)]
    if not 0 <= config.failure.budget <= 1:
        found.append((("failure", "budget"), "this is a share from 0 to 1.", "Write budget = 0.2."))
    for name, route in config.routes.items():
        found += _numbers(("routes", name), route)
    for name, provider in config.providers.items():
        path = ("providers", name)
        found += _numbers(path, provider)
        if provider.concurrency is not None and provider.concurrency < 1:
            found.append(((*path, "concurrency"), "this must be 1 or more.", "Leave it out to have it found out."))
        for also in provider.also:
            if also == type(also)():
                found.append(
                    ((*path, "also"), "it has neither an address nor a key of its own.", "Add base_url or key_env.")
                )
    return found


def _numbers(path: tuple[str, ...], settings: object) -> Iterator[Finding]:
    for field in (*COUNTS, *ABOVE, *NOT_BELOW):
        value = getattr(settings, field, None)
        if value is None:
            continue
        if field in ABOVE and not value > 0:
            yield (*path, field), "this must be above 0.", f"Write {field} = 10, or leave it out."
        elif not value >= 0:
            yield (*path, field), "this must not be below 0.", f"Write {field} = 0."
        elif field == "retries" and value > MOST_RETRIES:
            yield (*path, field), f"more than {MOST_RETRIES} tries help nobody.", "Write retries = 1."
