"""Sockets on which a long silence is no death: middle boxes forget a connection that says nothing for minutes."""

from __future__ import annotations

import socket
from typing import Any

QUIET_SECONDS = 60
"""After so long without a byte the connection is probed, and again as often. Load balancers forget after 350."""
PROBES = 5
_OPTIONS = (("TCP_KEEPIDLE", QUIET_SECONDS), ("TCP_KEEPINTVL", QUIET_SECONDS), ("TCP_KEEPCNT", PROBES))


def keep_alive(sock: socket.socket) -> None:
    """Have the system probe a silent connection: a whole answer may take minutes, and a dead peer is noticed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        if (option := getattr(socket, name, None)) is not None:  # not every system has all of them
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def probed_socket(address: tuple[Any, ...]) -> socket.socket:
    """A new socket for one address as `getaddrinfo` tells it."""
    family, kind, protocol, *_ = address
    sock = socket.socket(family=family, type=kind, proto=protocol)
    keep_alive(sock)
    return sock
