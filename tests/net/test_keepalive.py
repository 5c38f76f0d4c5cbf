"""A connection on which a provider says nothing for minutes is probed by the system, in both transports."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from meshwright.net.transport import Transport
from tests.net.scripted import Peer, plain, served

PROBED = "02"
"""The keepalive timer, as /proc/net/tcp names what a socket waits for."""


def waits_for(port: int) -> str:
    """What the client's socket with that port waits for."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return next(row[5].partition(":")[0] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a socket waits for")
async def test_a_silent_connection_is_probed(transport: Transport) -> None:
    told: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        port = peer.writer.get_extra_info("peername")[1]
        for _ in range(200):  # until what was sent is acknowledged
            told.append(waits_for(port))
            if told[-1] == PROBED:
                break
            await asyncio.sleep(0.01)
        await peer.send(plain(b"ok"))

    async with served(script) as server:
        answer = await transport.send(server.call())
        assert await answer.read(100) == b"ok"
    assert told[-1] == PROBED
