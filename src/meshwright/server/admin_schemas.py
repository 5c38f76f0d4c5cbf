"""JSON Schemas of what the admin API takes."""

from __future__ import annotations

from typing import Any

from meshwright.server.limiting import NAME, PATH, TIME, WORD

_NAME = {"type": "string", "pattern": NAME}
_NAMES = {"type": "array", "items": {"type": "string", "pattern": WORD}}
_TIME = {"type": "string", "pattern": TIME}
_DOLLARS = {"type": "number", "maximum": 1_000_000, "anyOf": [{"const": 0}, {"minimum": 1e-9}]}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 10**15}
_WINDOWS = ("minute", "day", "month", "total")
_LIMITS = {
    "type": "object",
    "description": "Money in dollars; requests and tokens in each window of the calendar (UTC); concurrent requests.",
    "additionalProperties": False,
    "properties": {
        **{f"money/{per}": _DOLLARS for per in _WINDOWS},
        **{f"{what}/{per}": _COUNT for what in ("requests", "tokens") for per in _WINDOWS},
        "concurrent": _COUNT,
    },
}
_BOUNDS = {
    "type": "object",
    "description": "What may be used; nothing said of a kind: all of it. Names may hold *.",
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("models", "routes", "providers", "regions"), _NAMES),
        "endpoints": {"type": "array", "items": {"type": "string", "pattern": PATH}},
    },
}

ADMIN_SCHEMAS: dict[str, Any] = {
    "AdminKey": {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": _NAME,
            "scopes": {"type": "array", "minItems": 1, "items": {"enum": ["inference", "admin", "*"]}},
            "expires": _TIME,
            "team": _NAME,
            "user": _NAME,
            "priority": {"type": "integer", "minimum": -1000, "maximum": 1000},
            "limits": _LIMITS,
            "bounds": _BOUNDS,
        },
    },
    "AdminRotate": {"type": "object", "additionalProperties": False, "properties": {"overlap": _TIME}},
    "AdminParty": {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {"name": _NAME, "limits": _LIMITS, "bounds": _BOUNDS},
    },
    "AdminFree": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"spent": {"enum": ["all", "known"]}},
    },
    "AdminLimits": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "set": _LIMITS,
            "remove": {"type": "array", "items": {"enum": list(_LIMITS["properties"])}},  # type: ignore[call-overload]  # a dict
        },
    },
}
