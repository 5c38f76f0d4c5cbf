"""A WebSocket of a client: who it is, whom it wants, and what it is told when it may not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from granian._granian import RSGIProtocolClosed as ProtocolClosed  # its public name is not exported to type checkers
from granian.rsgi import WebsocketMessageType

from meshwright.kernel.realtime import TOO_BIG, Talk, talk
from meshwright.net.duplex import ABNORMAL, MAX_FRAME, Closed
from meshwright.server.auth import authenticate
from meshwright.server.gate import Gate
from meshwright.server.http import not_ascii
from meshwright.types.errors import InvalidRequest, MeshError, NotFound, Overloaded, PermissionDenied

PATH = "/v1/realtime"
SENT_ON = ("openai-beta", "openai-safety-identifier")
_log = logging.getLogger("meshwright.server")


class _Message(Protocol):
    kind: int
    data: Any


class _Socket(Protocol):
    async def receive(self) -> _Message: ...
    async def send_bytes(self, data: bytes) -> None: ...
    async def send_str(self, data: str) -> None: ...


class _Protocol(Protocol):
    """The parts of granian's RSGIWebsocketProtocol that are used here (see granian/_granian.pyi)."""

    async def accept(self) -> _Socket: ...
    def close(self, status: int | None) -> Any: ...


class ClientSocket:
    """The client's end of a connection (see `net.duplex.Duplex`)."""

    def __init__(self, protocol: _Protocol, socket: _Socket) -> None:
        self._ends: tuple[_Protocol, _Socket] | None = protocol, socket
        """granian closes the connection when nobody holds these any more, so they are let go of when it is over."""
        self._over = False

    async def send(self, message: str | bytes) -> None:
        """One message. Raises ConnectionError when the client is gone."""
        if self._ends is None:
            raise ConnectionError("the connection is closed")
        _, socket = self._ends
        try:
            if isinstance(message, str):
                await socket.send_str(message)
            else:
                await socket.send_bytes(message)
        except ProtocolClosed as error:
            raise ConnectionError("the client is gone") from error

    async def receive(self) -> str | bytes | Closed:
        """The next message. RSGI does not tell the code that a client closes with."""
        if self._over or self._ends is None:
            return Closed(1000)
        try:
            got = await self._ends[1].receive()
        except ProtocolClosed:
            self._over = True
            return Closed(ABNORMAL)
        if got.kind == WebsocketMessageType.close:
            self._over = True
            return Closed(1000)
        data: str | bytes = got.data
        if len(data) > MAX_FRAME:
            return Closed(TOO_BIG, f"A message is over {MAX_FRAME} bytes.")
        return data

    async def close(self, code: int, reason: str) -> None:
        """Say good-bye. RSGI has no place for a code or a reason: see `kernel.realtime` for how the client is told."""
        ends, self._ends, self._over = self._ends, None, True
        if ends is not None:
            ends[0].close(code)


async def converse(gate: Gate, scope: Any, protocol: _Protocol) -> None:
    """One conversation, from its request to its end."""
    task = asyncio.current_task()
    assert task is not None
    gate.enter(task)
    gate.talks.add(task)
    accepted: list[ClientSocket] = []

    async def accept() -> ClientSocket:
        accepted.append(ClientSocket(protocol, await protocol.accept()))
        return accepted[0]

    try:
        await talk(gate.kernel, _wanted(gate, scope, accept))
    except MeshError as error:
        gate.metrics.count("mesh_http_errors_total", (("status", str(error.status)),))
        _log.info("a conversation was refused: %s", error)
        if not accepted:
            protocol.close(error.status)  # before it is accepted, the status of an answer
    except asyncio.CancelledError:
        if not accepted:
            protocol.close(503)
    except Exception:  # noqa: BLE001  # logged with its trace; one broken conversation must not end the worker
        _log.exception("a conversation failed")
        if not accepted:
            protocol.close(500)
    finally:
        gate.talks.discard(task)
        gate.leave(task)


def _wanted(gate: Gate, scope: Any, accept: Any) -> Talk:
    if scope.path != PATH:
        raise NotFound(f"There is no WebSocket at {scope.path[:200]}.", fix=f"Connect to {PATH}.")
    if gate.draining:
        raise Overloaded("This gateway is shutting down.", fix="Connect again; another one will answer.")
    header = _reading(scope.headers)
    principal = authenticate(gate.kernel.snapshot, gate.settings, header)
    if not principal.may("inference"):
        raise PermissionDenied(
            f'The key "{principal.name}" may not ask models.', fix='Use a key with the scope "inference".'
        )
    if header("x-mesh-max-cost"):
        raise InvalidRequest("A conversation in real time has no end that a max_cost could be promised for.")
    return Talk(
        principal=principal,
        query=scope.query_string,
        provider=header("x-mesh-provider") or "",
        preferred=gate.settings.forward_to,
        headers=tuple((name, value) for name in SENT_ON if (value := header(name))),
        accept=accept,
    )


def _reading(headers: Any) -> Callable[[str], str | None]:
    def header(name: str) -> str | None:
        value: str | None = headers.get(name)
        if value is None and name in headers:
            raise not_ascii(name)
        return value

    return header
