"""Items as they are kept: listed with ids and states, and given back to a model that goes on from them.

Source: https://platform.openai.com/docs/api-reference/responses/input-items and .../conversations/list-items.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from meshwright.types.content import Reasoning
from meshwright.types.errors import InvalidRequest
from meshwright.wire.openai_responses import ids
from meshwright.wire.openai_responses.content_out import Json
from meshwright.wire.openai_responses.members import ARRAY, NULL, OBJECT, STRING, is_array, read
from meshwright.wire.sealing import MARK, seal
from meshwright.wire.verbatim import is_object, raw_of

PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
}
LONGEST_REFERENCE = 300
"""Bytes; an item that only names another is an id and its type."""
_WORDS = {"assistant": "output_text"}
_STATED = frozenset({"message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"})


def input_items(raw: Raw | None) -> list[Raw]:
    """The items of a request's `input`, verbatim; a string is one message of the user's."""
    if raw is None or raw == NULL:
        return []
    if is_array(raw):
        return read(ARRAY, raw, "input")
    text = read(STRING, raw, "input")
    return [raw_of({"role": "user", "content": text})] if text else []


def items_given(raw: Raw | bytes | None, field: str, most: int) -> list[Raw]:
    """Items that a caller puts into a conversation. Raises InvalidRequest."""
    if raw is None or raw == NULL:
        return []
    try:
        items = read(ARRAY, raw, field)
        msgspec.json.decode(raw)  # what is read later must be readable
        for place, item in enumerate(items):
            members = read(OBJECT, item, f"{field}[{place}]")
            if "type" not in members and "role" not in members:
                raise InvalidRequest(
                    f"{field}[{place}] has neither a type nor a role.", field=field, fix="Send items of the API."
                )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"{error}.", field=field, fix="Send a list of items.") from None
    if len(items) > most:
        raise InvalidRequest(f"At most {most} items at a time.", field=field, fix="Send them in several calls.")
    return items


def reference(item: Raw) -> str:
    """The id of the item that this one only names, "" for an item that says something itself."""
    raw = bytes(item)
    if len(raw) > LONGEST_REFERENCE or not is_object(item):
        return ""
    members = OBJECT.decode(item)
    kind = said(members.get("type")) or ("message" if "role" in members else "item_reference")
    return said(members.get("id")) if kind == "item_reference" else ""


def id_of(item: Raw) -> str:
    """The item's own id, "" when it has none."""
    return said(OBJECT.decode(item).get("id")) if is_object(item) else ""


def listed(item: Raw, owner: str, place: int) -> tuple[str, Raw]:
    """The item's id and its JSON as the API lists it. One without an id gets that of item `place` of `owner`."""
    members: Json = dict(OBJECT.decode(item))
    kind = said(members.get("type")) or ("message" if "role" in members else "item_reference")
    prefix = PREFIXES.get(kind, "item")
    given = said(members.get("id"))
    id = given or ids.mint(prefix, f"{owner}:{place}", place)
    out: Json = {"type": kind, "id": id}
    if kind in _STATED:
        out["status"] = "completed"
    out.update({name: value for name, value in members.items() if name not in out or value not in ("", NULL)})
    out["id"] = id
    if kind == "message":
        out["content"] = _content(members.get("content"), said(members.get("role")))
    return id, raw_of(out)


def remembered(item: Raw, served: str) -> Raw:
    """The item for a model that goes on from it. Thoughts bound to their maker `served` say so: no other takes them.

    An id that was minted for the listing of a caller's item stays behind.
    """
    members = dict(OBJECT.decode(item))
    kind, id = said(members.get("type")), said(members.get("id"))
    if not served:
        if id and _listed_only(id):
            del members["id"]
            return raw_of(members)
        return item
    if kind != "reasoning" or ids.minted(id):
        return item
    encrypted = said(members.get("encrypted_content"))
    if encrypted.startswith(MARK):
        return item
    members["encrypted_content"] = raw_of(seal(Reasoning(encrypted=encrypted, origin=served)))
    return raw_of(members)


def is_true(raw: Raw | None) -> bool:
    """Whether a member says true."""
    return raw is not None and bytes(raw) == b"true"


def head_of(body: bytes) -> tuple[str, str]:
    """The status and the model of a response object or a completion, "" for what it does not say."""
    members = OBJECT.decode(body)
    return said(members.get("status")), said(members.get("model"))


def named(raw: Raw | None) -> str:
    """The id in a member that is a string or an object with an id; "" for anything else."""
    if raw is None:
        return ""
    try:
        return said(OBJECT.decode(raw).get("id")) if is_object(raw) else said(raw)
    except msgspec.DecodeError:
        return ""


def output_of(body: bytes) -> list[Raw]:
    """The output items of a response object."""
    return ARRAY.decode(OBJECT.decode(body).get("output", Raw(b"[]")))


def patched(body: bytes | Raw, changes: dict[str, object]) -> bytes:
    """A response object with these members in place of its own."""
    members: dict[str, object] = dict(OBJECT.decode(body))
    members.update(changes)
    return msgspec.json.encode(members)


def _listed_only(id: str) -> bool:
    """Whether we made the id up, be it for an item of our own answers or for a listing."""
    _, _, rest = id.partition("_")
    return rest.startswith("mesh") and len(rest) == 32


def _content(raw: object, role: str) -> object:
    """A message's content as a list."""
    if not isinstance(raw, Raw) or raw == NULL:
        return []
    if is_array(raw):
        return raw
    word = _WORDS.get(role, "input_text")
    part: Json = {"type": word, "text": said(raw)}
    if word == "output_text":
        part |= {"annotations": [], "logprobs": []}
    return [part]


def said(raw: object) -> str:
    """A string; "" for anything else."""
    if not isinstance(raw, Raw) or bytes(memoryview(raw)[:1]) != b'"':
        return ""
    return STRING.decode(raw)
