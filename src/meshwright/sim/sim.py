"""Serves pretend providers on loopback, for tests, benches and anybody's CI."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from types import TracebackType
from typing import Self

import msgspec

from meshwright.sim.answer import answer
from meshwright.sim.called import Called, called
from meshwright.sim.exchange import JSON, Exchange, Plan
from meshwright.sim.faults import FAULTS
from meshwright.sim.frames import body_frames, stream_frames
from meshwright.sim.link import BadRequest, ClientGone, Link, Links, Received, hang_up, listen
from meshwright.sim.seen import SOON, Seen
from meshwright.sim.upstream import Fault, Rule, Upstream, models_of
from meshwright.types.errors import (
    ConfigError,
    InvalidRequest,
    MeshError,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    UnknownModel,
)
from meshwright.wire import CODECS

SUFFIX = "+fault:"
HEADER = "x-sim-fault"


class Sim:
    """Pretend providers, each on an address of its own. Use it as `async with Sim([...]) as sim`.

    The same seed and the same requests in the same order give the same bytes. What goes wrong inside is raised when it
    closes.
    """

    def __init__(self, upstreams: Sequence[Upstream], *, host: str = "127.0.0.1") -> None:
        """Raises ConfigError for a dialect or fault that does not exist, and for two upstreams of one name."""
        self._places = {upstream.name: _Place(upstream) for upstream in upstreams}
        self._host = host
        if len(self._places) < len(upstreams):
            raise ConfigError.of("Two upstreams have the same name.", fix="Give each a name of its own.")
        for upstream in upstreams:
            _check(upstream)

    async def __aenter__(self) -> Self:
        """Begin to listen. Raises OSError when a port is taken."""
        try:
            for place in self._places.values():
                await place.open(self._host)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop listening and end what is going on; clients see their connections closed."""
        for place in self._places.values():
            await place.close()

    def url(self, name: str) -> str:
        """The base address of an upstream, to which its dialect's path is appended: it ends as the real one's does."""
        place = self._places[name]
        return f"http://{self._host}:{place.port}{place.dialect.root}"

    def seen(self, name: str) -> list[Seen]:
        """The requests that came to an upstream so far, oldest first: answers and everything else."""
        return self._places[name].seen

    async def asked(self, name: str, count: int = 1, seconds: float = SOON) -> Seen:
        """Wait until `count` requests have come; gives the last of them. Raises TimeoutError."""
        place = self._places[name]
        async with asyncio.timeout(seconds):
            while len(place.seen) < count:
                place.news.clear()
                await place.news.wait()
        return place.seen[count - 1]


class _Place:
    """One upstream while it is served."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.dialect = CODECS.get(upstream.dialect, CODECS["openai_chat"])  # `_check` refuses one that does not exist
        self.port = 0
        self.seen: list[Seen] = []
        self.news = asyncio.Event()
        self._calls = 0
        self._repeats: Counter[bytes] = Counter()
        self._links = Links()
        self._server: asyncio.Server | None = None
        self._started = 0.0

    async def open(self, host: str) -> None:
        self._started = time.monotonic()
        self._server = await listen(self._serve, self._links, self.upstream.port, host)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await hang_up(self._links)

    async def _serve(self, link: Link) -> None:
        while True:
            try:
                received = await link.receive()
            except BadRequest as bad:
                await link.send(f"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n{bad}".encode())
                return
            if received is None:
                return
            exchange = self._arrived(link, received)
            try:
                await self._answer(exchange)
            except ClientGone:
                exchange.seen.cancelled = True
                raise
            finally:
                exchange.seen.end()
            link.answered += 1
            if exchange.spent or link.answered == self.upstream.close_after:
                return

    def _arrived(self, link: Link, received: Received) -> Exchange:
        seen = Seen(received, time.monotonic() - self._started)
        self.seen.append(seen)
        asking = called(self.dialect, received.path)
        if received.method == "POST" and asking is not None:
            self._calls += 1
            seen.number = self._calls
        # Chance follows from the seed and from what is asked for the how-manieth time, not from who arrived first.
        asked = hashlib.blake2b(received.path.encode() + b"\x00" + received.body, digest_size=16).digest()
        self._repeats[asked] += 1
        random = Random(f"{self.upstream.seed}/{self.upstream.name}/{asked.hex()}/{self._repeats[asked]}")
        self.news.set()
        dialect = asking.dialect if asking is not None else self.dialect
        return Exchange(link, self.upstream, dialect, received, seen, random)

    async def _answer(self, exchange: Exchange) -> None:
        received = exchange.received
        path = received.path.partition("?")[0]
        if received.is_last:
            exchange.spent = True
        try:
            self._admit(received)
            dialect, root = self.dialect, self.dialect.root
            asking = called(dialect, received.path)
            if dialect.models and path == root + dialect.models and received.method == "GET":
                await exchange.whole(200, (dialect.encode_models or self._models)(models_of(self.upstream)))
            elif asking is not None:
                if received.method != "POST":
                    raise MethodNotAllowed(f"{received.method} is not allowed here.", fix="Use POST.")
                await self._call(exchange, asking)
            elif path == f"{root}{dialect.path}/count_tokens" and received.method == "POST":
                await exchange.whole(200, b'{"input_tokens":%d}' % _counted(received.body))
            else:
                raise NotFound(
                    f"{self.upstream.name} has no {received.method} {path}.", fix=f"Use {root}{dialect.path}."
                )
        except MeshError as error:
            await exchange.error(error)

    def _admit(self, received: Received) -> None:
        if not self.upstream.key:
            return
        bearer = received.header("authorization").removeprefix("Bearer ")
        if self.upstream.key not in (bearer, *map(received.header, ("x-api-key", "api-key", "x-goog-api-key"))):
            raise Unauthenticated("Incorrect API key provided.", fix="Send the key that this upstream was given.")

    def _models(self, names: Sequence[str]) -> bytes:
        rows = [
            {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": self.upstream.name} for name in names
        ]
        return msgspec.json.encode({"object": "list", "data": rows})

    async def _call(self, exchange: Exchange, asking: Called) -> None:
        upstream, seen, dialect = self.upstream, exchange.seen, exchange.dialect
        request = dialect.decode_request(exchange.received.body)
        if dialect.with_path is not None:
            request = dialect.with_path(request, asking.model, asking.stream)
        model, _, wanted = request.model.partition(SUFFIX)
        if wanted:
            request = msgspec.structs.replace(request, model=model)
        seen.request = request
        if upstream.models and model not in upstream.models:
            raise UnknownModel(
                f"The model `{model}` does not exist.", field="model", fix=f"Known: {', '.join(upstream.models)}."
            )
        rule = next((rule for rule in upstream.script if rule.fits(request, seen.number)), Rule())
        say = rule.answer(request)
        key = f"{upstream.seed}/{upstream.name}/{exchange.random.getrandbits(64):x}"
        response = answer(upstream, request, say, key)
        frames = stream_frames(dialect, response, request, say.tokens)
        exchange.generated = sum(frame.token for frame in frames)
        if request.stream:
            exchange.plan = Plan(tuple(frames), True, dialect.event_stream)
        else:
            exchange.plan = Plan(tuple(body_frames(dialect.encode_response(response, request).body)), False, JSON)
        fault = _wanted(exchange.received.header(HEADER) or wanted) or _fault(rule.fault) or self._due(exchange)
        if fault is None:
            await exchange.as_planned()
            return
        seen.fault = fault.name
        await FAULTS[fault.name].does(exchange, fault)

    def _first_call(self) -> float:
        return next(seen.at for seen in self.seen if seen.number == 1)

    def _due(self, exchange: Exchange) -> Fault | None:
        """The first of the upstream's faults whose turn this call is."""
        number = exchange.seen.number
        for fault in map(_fault, self.upstream.faults):
            assert fault is not None
            if fault.until is not None and exchange.seen.at - self._first_call() >= fault.until:
                continue
            if fault.calls or fault.every or fault.probability is not None:
                drawn_now = fault.probability is not None and exchange.random.random() < fault.probability
                if not (drawn_now or number in fault.calls or (fault.every and number % fault.every == 0)):
                    continue
            return fault
        return None


def _fault(fault: str | Fault) -> Fault | None:
    return (Fault(fault) if fault else None) if isinstance(fault, str) else fault


def _wanted(name: str) -> Fault | None:
    """The fault that a request asks for itself. Raises InvalidRequest for one that does not exist."""
    if name and name not in FAULTS:
        raise InvalidRequest(f"There is no fault `{name}`.", field=HEADER, fix=f"Known: {', '.join(FAULTS)}.")
    return _fault(name)


def _check(upstream: Upstream) -> None:
    if upstream.dialect not in CODECS:
        raise ConfigError.of(
            f"{upstream.name}: there is no dialect `{upstream.dialect}`.", fix=f"Known: {', '.join(CODECS)}."
        )
    wanted = [*upstream.faults, *(rule.fault for rule in upstream.script)]
    for fault in filter(None, map(_fault, wanted)):
        if fault.name not in FAULTS:
            raise ConfigError.of(
                f"{upstream.name}: there is no fault `{fault.name}`.", fix=f"Known: {', '.join(FAULTS)}."
            )


def _counted(body: bytes) -> int:
    return 1 + len(body) // 4
