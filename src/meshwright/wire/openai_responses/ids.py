"""Ids of items that we name ourselves, and the wrapping in which foreign reasoning travels through a client.

Every output item of the API has an id, and clients send items back with it. Ids that came from us mean nothing to a
provider (which answers 400 or 404 to ids that it did not give), so they are recognisable and are taken off again. They
are derived from the answer's id and the item's place: the same answer is always encoded to the same bytes.

Reasoning that another dialect signed has no place in an item but `encrypted_content`, which a client must not look into
and sends back as it is. There we put the signature and who it binds to, and take it out when it comes back.
"""

from __future__ import annotations

import binascii
import hashlib
import re

import msgspec

from meshwright.types.content import Reasoning

MESSAGE, REASONING, FUNCTION, CUSTOM = "msg", "rs", "fc", "ctc"
SEAL = "mesh-1."

_OURS = re.compile(r"(?:msg|rs|fc|ctc)_mesh[0-9a-f]{28}")
_THEIRS = re.compile(r"(msg|rs|fc|ctc)[A-Za-z0-9_-]{1,60}")


class _Sealed(msgspec.Struct, omit_defaults=True):
    s: str = ""
    e: str = ""
    o: str = ""


_SEALED: msgspec.json.Decoder[_Sealed] = msgspec.json.Decoder(_Sealed)


def mint(prefix: str, answer: str, place: int) -> str:
    """The id of item `place` of the answer with this id."""
    return f"{prefix}_mesh{hashlib.blake2b(answer.encode(), digest_size=12).hexdigest()}{place & 0xFFFF:04x}"


def minted(id: str) -> bool:
    """Whether the id is one of ours."""
    return _OURS.fullmatch(id) is not None


def given(prefix: str, id: str) -> bool:
    """Whether a provider of this dialect may have given this id to an item of this kind: it refuses others."""
    match = _THEIRS.fullmatch(id)
    return match is not None and match[1] == prefix and not minted(id)


def seal(thought: Reasoning) -> str:
    """What of the thought is bound to its maker, as one text."""
    packed = msgspec.json.encode(_Sealed(s=thought.signature, e=thought.encrypted, o=thought.origin))
    return SEAL + binascii.b2a_base64(packed, newline=False).decode("ascii")


def unseal(encrypted: str) -> Reasoning | None:
    """The bound members of a thought that we sealed; None when it is not one."""
    if not encrypted.startswith(SEAL):
        return None
    try:
        sealed = _SEALED.decode(binascii.a2b_base64(encrypted[len(SEAL) :], strict_mode=True))
    except (ValueError, msgspec.DecodeError):
        return None
    return Reasoning(signature=sealed.s, encrypted=sealed.e, origin=sealed.o)
