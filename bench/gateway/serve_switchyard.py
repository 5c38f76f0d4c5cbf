"""Serves NVIDIA Switchyard until it is ended: serve_switchyard.py CONFIG PORT, in the environment that has it."""

from __future__ import annotations

import signal
import sys

from switchyard_rust.server import Server  # type: ignore[import-not-found]

server = Server(sys.argv[1], int(sys.argv[2]))
print(server.base_url, flush=True)
signal.pause()
