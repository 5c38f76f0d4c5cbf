"""Says for each answer on standard input whether the types of Open Responses accept it; run where they are installed.

Reads and writes JSON lines: {"key", "body"} or {"key", "events"} comes in, {"key", "errors"} goes out.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import openresponses_types as types
from pydantic import BaseModel, ValidationError


def event_types() -> dict[str, type[BaseModel]]:
    """The type of each event that there is, by the event's name."""
    found = {}
    for name in dir(types):
        if name.endswith("StreamingEvent"):
            model = getattr(types, name)
            found.update({member.value: model for member in model.model_fields["type"].annotation})
    return found


def errors_of(told: dict[str, Any], events: dict[str, type[BaseModel]]) -> list[str]:
    """What is wrong with a body or with any event of a stream."""
    if "body" in told:
        return _errors(types.ResponseResource, told["body"], "body")
    found = []
    for number, event in enumerate(told["events"]):
        name = event.get("type")
        if name not in events:
            found.append(f"event {number}: there is no event {name!r}")
            continue
        found += _errors(events[name], event, str(name))
        if event.get("sequence_number") != number:
            found.append(f"{name}: sequence_number {event.get('sequence_number')} in place {number}")
    return found


def _errors(model: type[BaseModel], value: Any, name: str) -> list[str]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return [f"{name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]]
    return []


if __name__ == "__main__":
    known = event_types()
    for line in sys.stdin:
        one = json.loads(line)
        print(json.dumps({"key": one["key"], "errors": errors_of(one, known)}))
