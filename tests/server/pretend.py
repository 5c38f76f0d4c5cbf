"""Pretend providers in a thread of their own, and the lines of mesh.toml that make a gateway use them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from meshwright.sim import Sim, Upstream


class Pretend:
    """`with Pretend([...]) as pretend:` serves them."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self.sim = Sim(upstreams)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Pretend:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.sim.__aenter__(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.sim.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def toml(self, name: str, models: Sequence[str] = ("m",), *more: str, dialect: str = "openai_chat") -> str:
        """The table of that upstream as a provider."""
        names = ", ".join(f'"{model}"' for model in models)
        lines = [f'base_url = "{self.sim.url(name)}"', f'dialect = "{dialect}"', f"models = [{names}]", *more]
        if not any(line.startswith("key_env") for line in more):
            lines.append('auth = "none"')
        return "\n".join((f"[providers.{name}]", *lines, ""))
