"""A gateway process and, in a thread of its own, pretend providers of several dialects for it to call."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from meshwright.sim import Rule, Say, Sim, Upstream
from meshwright.sim.seen import Seen
from meshwright.types.request import Request
from tests.gateway import Gateway

T = TypeVar("T")
Answers = Say | Callable[[Request], Say]

DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages")
PROVIDER = {"openai_chat": "chat", "openai_responses": "resp", "anthropic_messages": "anth"}
"""The name of the provider (and of the pretend upstream) that speaks each dialect."""
NATIVE = {"gemini": "gem", "ollama": "oll", "cohere": "coh", "bedrock_converse": "bed"}
"""The same for the dialects of one ecosystem each."""
AUTH = {"anthropic_messages": "x-api-key", "gemini": "x-goog-api-key"}
PAIRS = [(client, upstream) for client in DIALECTS for upstream in DIALECTS]
FAULTS = (
    "status_400", "status_401", "status_404", "status_429", "status_500", "status_529", "context_length",
    "reset_before_head", "stall_before_head", "stall_after_head", "stall_mid", "cut_mid", "truncated", "error_event",
    "reset_mid", "malformed_json", "dribble", "crlf", "comments", "close_connection",
    "slow_stream", "no_end_mark", "cut_end", "html_page", "wrong_content_type",
)  # fmt: skip
KEY = "sk-upstream"


class Desk:
    """`with Desk(folder) as desk:` runs both. What upstreams say is decided by a word in the prompt: see `say`."""

    def __init__(self, folder: Path, providers: Mapping[str, str] = PROVIDER) -> None:
        self._folder = folder
        self._providers = providers
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._says: dict[str, Answers] = {}
        self._numbers = itertools.count(1)
        script = (Rule(write=self._lookup),)
        self.sim = Sim(
            [Upstream(name=name, dialect=dialect, script=script, key=KEY) for dialect, name in self._providers.items()]
        )
        self.gateway: Gateway

    def __enter__(self) -> Desk:
        self._thread.start()
        self.run(self.sim.__aenter__())
        self.gateway = Gateway(self._folder, self._toml(), {"SIM_KEY": KEY, "WRONG_KEY": "sk-mistyped"})
        try:
            self.gateway.start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.gateway.stop()
        finally:
            self._close()

    def _close(self) -> None:
        self.run(self.sim.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 15) -> T:
        """Run a coroutine where the upstreams live."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def say(self, answer: Answers, words: str = "Say it.") -> str:
        """A prompt to which every upstream answers that."""
        word = f"case-{next(self._numbers)}-x"
        self._says[word] = answer
        return f"{words} {word}"

    def _lookup(self, request: Request) -> Say:
        words = " ".join(message.text for message in request.messages if message.role == "user")
        # The latest prompt decides: those before it are the conversation's history.
        found = next((answer for word, answer in reversed(self._says.items()) if word in words), Say())
        return found(request) if callable(found) else found

    def seen(self, dialect: str, prompt: str) -> list[Seen]:
        """The requests with this prompt that came to the upstream of the dialect, oldest first."""
        needle = prompt.rsplit(maxsplit=1)[-1].encode()
        return [one for one in self.sim.seen(self._providers[dialect]) if needle in one.body]

    def sent(self, dialect: str, prompt: str) -> Any:
        """The body of the last of them, decoded."""
        return json.loads(self.seen(dialect, prompt)[-1].body)

    async def asked(self, dialect: str, prompt: str) -> Seen:
        """Wait until a request with this prompt has come to the upstream of the dialect."""
        async with asyncio.timeout(40):
            while not (found := self.seen(dialect, prompt)):  # noqa: ASYNC110  # events of the other loop stay there
                await asyncio.sleep(0.01)
        return found[-1]

    def over(self, seen: Seen) -> Seen:
        """Wait until nothing more happens to that request."""
        return self.run(seen.over(40))

    def model(self, dialect: str, fault: str = "") -> str:
        """The full name of a model behind an upstream of the dialect, maybe one that fails in that way."""
        return f"{self._providers[dialect]}/m" + (f"+fault:{fault}" if fault else "")

    def trace(self, decision: str) -> dict[str, Any]:
        """The decision's trace, once it has been stored."""
        deadline = time.monotonic() + 40
        while True:
            status, _, body = self.gateway.call(f"/v1/decisions/{decision}")
            if status == 200:
                return dict(json.loads(body)["trace"])
            assert time.monotonic() < deadline, body
            time.sleep(0.02)

    def latest(self) -> dict[str, Any]:
        """The trace of the newest decision."""
        return self.trace(json.loads(self.gateway.call("/v1/decisions?limit=1")[2])["data"][0]["id"])

    def _toml(self) -> str:
        names = ["m", *(f"m+fault:{fault}" for fault in FAULTS)]
        text = "[builtin]\nenabled = false\n[failure]\nretries = 0\n"
        for dialect, name in self._providers.items():
            auth = AUTH.get(dialect, "bearer")
            shared = f'base_url = "{self.sim.url(name)}"\ndialect = "{dialect}"\nauth = "{auth}"\nquirks = []\n'
            text += f'[providers.{name}]\n{shared}key_env = "SIM_KEY"\nmodels = {json.dumps(names)}\n'
            text += f'[providers.{name}_denied]\n{shared}key_env = "WRONG_KEY"\nmodels = ["m"]\n'
            text += (
                f'[providers.{name}_hasty]\n{shared}key_env = "SIM_KEY"\nmodels = {json.dumps(names)}\n'
                "first_byte_seconds = 0.25\nbetween_bytes_seconds = 0.25\n"
            )
        names = list(self._providers.values())
        for position, name in enumerate(names):
            other = names[(position + 1) % len(names)]
            for fault in ("status_500", "reset_before_head", "stall_before_head", "context_length"):
                pool = json.dumps([f"{name}_hasty/m+fault:{fault}", f"{other}/m"])
                text += f'[routes.{name}_{fault}]\nstrategy = "fixed"\npool = {pool}\n'
        return text
