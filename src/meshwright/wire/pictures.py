"""What kind of picture base64 data holds.

OpenAI looks at the picture whatever its label says; Anthropic and Bedrock refuse one whose label is not what its first
bytes are, and the label image/jpg altogether, which browsers and clipboards write.
"""

from __future__ import annotations

from meshwright.wire.notes import Notes

_BEGINNINGS = {"/9j/": "image/jpeg", "iVBORw": "image/png", "R0lGOD": "image/gif"}
_RIFF, _WEBP = "UklGR", "RUJQ"
_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}


def kind_seen(data: str) -> str:
    """The media type that base64 data begins like; "" when it is no picture that we know."""
    if data.startswith(_RIFF):
        return "image/webp" if data[12:16] in (_WEBP, "") else ""
    return next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), "")


def kind_stated(media_type: str, data: str, field: str, notes: Notes) -> str:
    """The media type to state of a picture that calls itself `media_type`: what it is, where that can be seen."""
    if not media_type:
        return kind_seen(data)
    kind = kind_seen(data) or _SPELLINGS.get(media_type, media_type)
    if kind != media_type:
        notes.moved(f"{field}.media_type", f"It is called {kind}, which its first bytes or its usual name say.")
    return kind
