"""Reads sim.toml and the command line's short forms into upstreams."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec

from meshwright.sim.faults import FAULTS
from meshwright.sim.spread import Spread, uniform
from meshwright.sim.upstream import Fault, Upstream, models_of
from meshwright.types.errors import ConfigError, Problem
from meshwright.wire import CODECS

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|)")
_TIMES = frozenset(
    ("latency", "first_token", "seconds", "until", "retry_after", "value", "low", "high", "median", "values")
)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seed: int = 0
    upstream: tuple[Upstream, ...] = ()


def read_sim(text: str, source: str = "sim.toml") -> tuple[Upstream, ...]:
    """The upstreams of a file: `[[upstream]]` tables with the fields of `Upstream`, and `seed` for those without one.

    Times are seconds, or text with a unit: "200ms", "1.5s". Raises ConfigError that says where and what.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(f"this is not TOML: {error}.", source=source)]) from None
    try:
        file = msgspec.convert(_timed(data), _File)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$.")
        fix = "docs/how-to/sim.md names every field."
        raise ConfigError([Problem(f"{message}.", field=field, source=source, fix=fix)]) from None
    for upstream in file.upstream:
        if any(rule.write is not None for rule in upstream.script):
            raise ConfigError([Problem("`write` is for Python only.", field=upstream.name, source=source)])
    return tuple(one if one.seed else msgspec.structs.replace(one, seed=file.seed) for one in file.upstream)


def each_dialect() -> tuple[Upstream, ...]:
    """One upstream for every dialect that there is, on free ports."""
    return tuple(Upstream(name=f"sim-{name.replace('_', '-')}", dialect=name) for name in CODECS)


def upstream_of(text: str) -> Upstream:
    """NAME:DIALECT or NAME:DIALECT:PORT. Raises ConfigError."""
    words = text.split(":")
    if len(words) not in (2, 3) or not words[0] or not (words[2:] or ["0"])[0].isdigit():
        raise ConfigError.of(
            f"--upstream {text}: this is not NAME:DIALECT[:PORT].", fix="For example chat:openai_chat:9001."
        )
    return Upstream(name=words[0], dialect=words[1], port=int((words[2:] or ["0"])[0]))


def fault_of(text: str) -> Fault:
    """NAME, or NAME:FIELD=VALUE,... with the fields of `Fault`; `calls` as in 1/3/5. Raises ConfigError."""
    name, _, more = text.partition(":")
    if name not in FAULTS:
        raise ConfigError.of(f"--fault {text}: there is no fault `{name}`.", fix=f"Known: {', '.join(FAULTS)}.")
    fields: dict[str, Any] = {"name": name}
    for pair in filter(None, more.split(",")):
        field, _, value = pair.partition("=")
        fields[field] = value.split("/") if field == "calls" else value
    try:
        return msgspec.convert(_timed(fields), Fault, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError.of(f"--fault {text}: {error}.", fix="For example status_429:every=3,retry_after=2.") from None


def times_of(text: str) -> float | Spread:
    """A time ("200ms", "1.5s", "0.2") or an even spread between two ("100ms..300ms"). Raises ConfigError."""
    first, dots, last = text.partition("..")
    low, high = _seconds(first), _seconds(last) if dots else 0.0
    if low is None or high is None or (dots and low > high):
        raise ConfigError.of(f'"{text}" is no time.', fix='For example "200ms", or "100ms..300ms".')
    return uniform(low, high) if dots else low


def mesh_toml(upstream: Upstream, url: str) -> Sequence[str]:
    """The lines of mesh.toml that make a gateway use an upstream."""
    lines = [f"[providers.{upstream.name}]", f'base_url = "{url}"', f'dialect = "{upstream.dialect}"']
    names = ", ".join(f'"{name}"' for name in models_of(upstream))
    lines.append(f"models = [{names}]")
    lines.append('key_env = "SIM_KEY"' if upstream.key else 'auth = "none"')
    return lines


def _seconds(text: str) -> float | None:
    match = _TIME.fullmatch(text.strip())
    return float(match[1]) * _UNITS[match[2]] if match else None


def _timed(data: Any, name: str = "") -> Any:
    """The same data, its times in seconds. What is no time stays as it is, for the check of its type to find."""
    if isinstance(data, dict):
        return {key: _timed(value, key) for key, value in data.items()}
    if isinstance(data, list):
        return [_timed(value, name) for value in data]
    if isinstance(data, str) and name in _TIMES:
        seconds = _seconds(data)
        return data if seconds is None else seconds
    return data
