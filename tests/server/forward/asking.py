"""How tests of what is passed on ask, and what they find."""

from __future__ import annotations

import json

from meshwright.server.endpoints import ENDPOINTS
from meshwright.wire import CODECS
from tests.gateway import Gateway
from tests.server.raw import Told, Wire

KEY = "mesh-test-master-key-0001"
SECRET = "sk-upstream-secret"
FORWARDED = [
    endpoint for endpoint in ENDPOINTS if endpoint.answers == "Forwarded" and endpoint.dialect is CODECS["openai_chat"]
]
FORM = "multipart/form-data; boundary=XX"


def asked(gateway: Gateway, line: str, body: bytes = b"", *headers: str, key: str = KEY) -> Told:
    """One request with just those headers."""
    with Wire(gateway.url) as wire:
        lines = [f"{line} HTTP/1.1", f"host: {wire.name}", *headers]
        if key:
            lines.append(f"authorization: Bearer {key}")
        wire.send(("\r\n".join(lines) + f"\r\ncontent-length: {len(body)}\r\n\r\n").encode("latin-1") + body)
        found = wire.read(bodiless=line.startswith("HEAD"))
    assert found is not None
    return found


def trace(gateway: Gateway, told: Told) -> dict[str, object]:
    """What the ledger keeps of it."""
    status, _, body = gateway.call(f"/v1/decisions/{told.headers['x-mesh-decision']}")
    assert status == 200
    return dict(json.loads(body)["trace"])


def said(told: Told) -> str:
    """The message of an error."""
    return str(told.json()["error"]["message"])
