"""Taking members that we do not know out of JSON, by path, so that the rest can be decoded strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

NULL = b"null"
PLACE = "opaque"
"""The tag of the stand-in for an element of an unknown type; its `number` is its place in `Found.opaque`."""

Members = list[tuple[str, msgspec.Raw]]
Leaf = Callable[[msgspec.Raw], "msgspec.Raw | None"]
_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


class Tagged(msgspec.Struct, frozen=True):
    """An object whose members depend on its member `tag`. `implied` is the tag of an object that has none.

    With `stand_in`, an object with another tag is set aside whole; else it stays, and the strict decoder refuses it.
    """

    tag: str
    shapes: Mapping[str, Mapping[str, Shape]]
    stand_in: bool = True
    implied: Callable[[Mapping[str, msgspec.Raw]], str] | None = None


class Each(msgspec.Struct, frozen=True):
    """An array of such values."""

    shape: Shape


Shape = Mapping[str, "Shape"] | Tagged | Each | Leaf | None
"""What is known of a value: an object's members, an array's elements, a check of a leaf, or (None) nothing to check.

A check returns what to decode instead, or None to set the member aside as an unknown one.
"""


class Found:
    """What was set aside: unknown members with their paths (RFC 6901, no leading slash), and whole elements."""

    __slots__ = ("members", "opaque")

    def __init__(self) -> None:
        self.members: Members = []
        self.opaque: list[tuple[str, msgspec.Raw]] = []


def sift(raw: msgspec.Raw, shape: Shape, found: Found, path: str = "") -> msgspec.Raw | None:
    """`raw` without the members that `shape` does not know; those go to `found` unless they are null.

    A value of another JSON type than expected stays as it is: to refuse it is the strict decoder's part.
    """
    if shape is None:
        return raw
    text = bytes(raw)
    if isinstance(shape, Each):
        if text[:1] != b"[":
            return raw
        elements = (sift(one, shape.shape, found, f"{path}{place}/") for place, one in enumerate(_ARRAY.decode(raw)))
        return _raw([one for one in elements if one is not None])
    if callable(shape):
        return raw if text == NULL else shape(raw)
    if text[:1] != b"{":
        return raw
    fields = _OBJECT.decode(raw)
    if isinstance(shape, Tagged):
        tag = _tag(fields, shape)
        if tag is None or tag not in shape.shapes:
            if tag is None or not shape.stand_in:
                return raw
            found.opaque.append((tag, raw))
            return _raw({shape.tag: PLACE, "number": len(found.opaque) - 1})
        fields.pop(shape.tag, None)
        kept = {shape.tag: _raw(tag)}
        known = shape.shapes[tag]
    else:
        kept, known = {}, shape
    for name, value in fields.items():
        if name in known:
            left = sift(value, known[name], found, f"{path}{escaped(name)}/")
            if left is not None:
                kept[name] = left
                continue
        if bytes(value) != NULL:
            found.members.append((path + escaped(name), value))
    return _raw(kept)


def place(value: object, path: str, raw: msgspec.Raw) -> bool:
    """Put a member back where it was; False when the place is gone or taken."""
    *way, name = (one.replace("~1", "/").replace("~0", "~") for one in path.split("/"))
    for step in way:
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return False
    if not isinstance(value, dict) or name in value:
        return False
    value[name] = raw
    return True


def escaped(name: str) -> str:
    """A member's name as one step of a path."""
    return name.replace("~", "~0").replace("/", "~1")


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _tag(fields: Mapping[str, msgspec.Raw], shape: Tagged) -> str | None:
    raw = fields.get(shape.tag)
    if raw is None:
        return shape.implied(fields) if shape.implied else None
    return _STRING.decode(raw) if bytes(raw)[:1] == b'"' else None
