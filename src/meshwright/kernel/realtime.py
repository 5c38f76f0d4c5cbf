"""A conversation in real time: messages pass in both directions as they are, under the caller's name and in the ledger.

Source: https://platform.openai.com/docs/api-reference/realtime (client and server events; the usage of each answer is
in `response.done`). The order is that of `handle`: admit, choose, call, settle; the call lasts as long as the two ends
want it to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from urllib.parse import parse_qsl, urlencode

import msgspec

from meshwright.kernel.bounds import check_deployment
from meshwright.kernel.check import rules_of
from meshwright.kernel.failing import BROKE, CUT, LEFT, NO_USAGE, free
from meshwright.kernel.forward.target import named_provider
from meshwright.kernel.forward.usage import usage_of
from meshwright.kernel.guarded_talk import GuardedTalk, refused
from meshwright.kernel.kernel import Kernel
from meshwright.kernel.record import OpenAttempt, Recording
from meshwright.kernel.set_aside import enter
from meshwright.net.duplex import ABNORMAL, Closed, Duplex
from meshwright.types.errors import Blocked, InvalidRequest, MeshError, PermissionDenied, UpstreamError
from meshwright.types.principal import Principal
from meshwright.types.usage import Usage

PATH = "/realtime"
NORMAL, GOING_AWAY, POLICY, TOO_BIG, FAILED = 1000, 1001, 1008, 1009, 1011
"""Codes of RFC 6455, section 7.4.1."""
_UNSAYABLE = frozenset({1004, 1005, 1006, 1015})
"""Codes that mean something about a connection and must not be sent on one."""
TOLD_SECONDS = 1.0
"""How long a client may take to be told why it is over."""
GONE_SECONDS = 1.0
Accept = Callable[[], Awaitable[Duplex]]


class Talk(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Who wants to talk, to whom: `query` as it came, `provider` named by the caller, `preferred` by the configuration.

    `headers` are those of the client's that the provider may see. `accept` opens the client's end.
    """

    principal: Principal
    query: str
    provider: str
    preferred: str
    headers: tuple[tuple[str, str], ...]
    accept: Accept


async def talk(kernel: Kernel, wanted: Talk) -> None:
    """Connect to the provider, then to the client, and carry messages until one of them closes.

    The provider is asked first, so that its refusal is an answer to the client's request and not a broken connection.
    Raises MeshError before the client is accepted, and CancelledError when the gateway is stopped.
    """
    recording = Recording(wanted.principal.id, "realtime", f"GET /v1{PATH}")
    recording.stream = True
    try:
        kernel.journal.begin(recording.id, recording.at, recording.principal)
        await enter(kernel, wanted.principal, recording)
        recording.stage("admit")
        pairs = parse_qsl(wanted.query, keep_blank_values=True)
        models = [value for name, value in pairs if name == "model"]
        if len(models) > 1:
            raise InvalidRequest("The query has more than one model.", field="model", fix="Send one.")
        asked = models[0] if models else ""
        deployment = named_provider(kernel.snapshot, asked, wanted.provider, wanted.preferred)
        check_deployment(wanted.principal, deployment)
        guarding = rules_of(kernel.snapshot, "", wanted.principal)
        guarded = GuardedTalk(guarding, recording) if guarding is not None else None
        if guarded is not None:
            guarded.begin()
        if recording.tab is not None and recording.tab.money:
            raise PermissionDenied(
                "A conversation in real time has no end that could be set aside, and this key has a budget.",
                fix="Use a key without a budget.",
            )
        query = urlencode([(name, deployment.model.upstream or value) if name == "model" else (name, value)
                           for name, value in pairs])  # fmt: skip
        url = deployment.provider.base_url.rstrip("/") + PATH + (f"?{query}" if query else "")
        headers = tuple(one for one in deployment.endpoint.headers if one[0] not in ("content-type", "accept-encoding"))
        endpoint = msgspec.structs.replace(deployment.endpoint, url=url, headers=headers, method="GET")
        recording.stage("route")
        attempt = OpenAttempt(recording, deployment.model)
        # Imported here because aiohttp takes 12 MiB and 0.15 s, and most gateways never talk.
        from meshwright.net.socket import connect

        try:
            upstream = await connect(endpoint, deployment.deadlines, wanted.headers)
        except UpstreamError as error:
            attempt.close(None, error.code, error.message, unpriced="" if free(error) else BROKE)
            raise
        recording.served = deployment.model.name
        attempt.answering(101)
        recording.stage("upstream")
        await _Bridge(upstream, attempt, guarded).carry(wanted.accept)
    except BaseException as error:
        recording.failed(error)
        raise
    finally:
        kernel.settle(recording)


class _Bridge:
    """Two ends, and what was heard between them."""

    def __init__(self, upstream: Duplex, attempt: OpenAttempt, guarded: GuardedTalk | None) -> None:
        self._upstream = upstream
        self._guarded = guarded
        self._attempt = attempt
        self._usage: Usage | None = None
        self._answers = False

    async def carry(self, accept: Accept) -> None:
        """Messages both ways, until one side closes; the other is told the same code and reason."""
        outcome, unpriced = MeshError.code, BROKE  # until it is known how it ended
        client: Duplex | None = None
        ended = Closed(FAILED, "The gateway failed.")
        try:
            client = await accept()
            ended = await self._until_closed(client)
            outcome, unpriced = "ok", NO_USAGE if self._answers else ""
        except asyncio.CancelledError as error:
            outcome, unpriced = "cancelled", CUT if error.args else LEFT
            ended = Closed(GOING_AWAY, "The gateway is shutting down.")
            raise
        finally:
            code = ended.code if ended.code not in _UNSAYABLE else NORMAL if ended.code == 1005 else FAILED
            usage = self._usage
            self._attempt.close(usage, outcome, unpriced="" if usage else unpriced)
            if client is not None:  # first of all: a provider may take its time to say good-bye
                with suppress(TimeoutError):  # a server that is stopping carries no more messages
                    async with asyncio.timeout(TOLD_SECONDS):
                        await _told(client, ended)
                        await client.close(code, ended.reason)
            await self._upstream.close(code, ended.reason)

    async def _until_closed(self, client: Duplex) -> Closed:
        out = asyncio.create_task(_pump(client, self._upstream, partial(self._asked, client)))
        back = asyncio.create_task(_pump(self._upstream, client, self._answered))
        try:
            done, _ = await asyncio.wait((out, back), return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in (out, back):
                task.cancel()
            await asyncio.gather(out, back, return_exceptions=True)

    async def _asked(self, client: Duplex, message: str | bytes) -> Sequence[str | bytes]:
        """What the provider may have of a message; the client is told what it may not have, and talks on."""
        if self._guarded is None:
            return (message,)
        try:
            return (self._guarded.asked(message),)
        except Blocked as error:
            await client.send(refused(error))
            return ()

    async def _answered(self, message: str | bytes) -> Sequence[str | bytes]:
        """What the client may have of a message. Raises Blocked: sound may say what words may not."""
        self._heard(message)
        return (message,) if self._guarded is None else self._guarded.answered(message)

    def _heard(self, message: str | bytes) -> None:
        if isinstance(message, str) and '"response.done"' in message:
            self._answers = True
            told = usage_of(message.encode())
            if told is not None:
                self._usage = told if self._usage is None else self._usage + told


async def _told(client: Duplex, ended: Closed) -> None:
    """Why it is over, as an event of the API's own: not every server can put a code into a closing frame."""
    if ended.code in (NORMAL, 1005):
        return
    error = {
        "type": "connection_closed",
        "code": str(ended.code),
        "message": ended.reason or "The connection was closed.",
        "param": None,
        "event_id": None,
    }
    event = {"type": "error", "event_id": "event_closed", "error": error}
    try:
        await client.send(msgspec.json.encode(event).decode())
    except ConnectionError:
        return  # the client closed it


async def _pump(
    source: Duplex, sink: Duplex, passing: Callable[[str | bytes], Awaitable[Sequence[str | bytes]]]
) -> Closed:
    """Carry messages one way until there are no more, or one may not pass."""
    while not isinstance(message := await source.receive(), Closed):
        try:
            for one in await passing(message):
                await sink.send(one)
        except Blocked as error:
            return Closed(POLICY, error.message)
        except ConnectionError:
            await asyncio.sleep(GONE_SECONDS)  # the other way hears why, and tells it better
            return Closed(ABNORMAL)
    return message
