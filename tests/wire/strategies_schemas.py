"""JSON Schemas that every dialect takes as they are."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec import Raw

kept_schemas: st.SearchStrategy[Raw] = st.sampled_from(
    [
        Raw(b'{"type":"object","properties":{},"required":[],"additionalProperties":false}'),
        Raw(
            b'{"type": "object", "properties": {"a": {"type": "string", "description": "d"}, "b": {"type": "array",'
            b' "items": {"enum": [1, "x"]}}}, "required": ["a", "b"], "additionalProperties": false}'
        ),
    ]
)
