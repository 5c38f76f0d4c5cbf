"""One request through the server: find the endpoint, know the caller, read the body, answer, and never fall over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from meshwright.kernel.bounds import check_path
from meshwright.server.aliases import naming, others, without_api_version
from meshwright.server.auth import authenticate
from meshwright.server.cross_origin import CrossOrigin, preflight, welcome
from meshwright.server.endpoint import ANY, Endpoint
from meshwright.server.endpoints import find
from meshwright.server.endpoints.table import Found
from meshwright.server.gate import Gate
from meshwright.server.http import Answered, Asked, ClientGone, Exchange, Flowing, compressed, query_values, too_slow
from meshwright.server.refusal import refusal
from meshwright.types.errors import MeshError, MethodNotAllowed, NotFound, Overloaded, PermissionDenied, StoreError
from meshwright.types.principal import LOCAL

_log = logging.getLogger("meshwright.server")


async def serve(gate: Gate, exchange: Exchange) -> None:
    """Answer one request on its connection."""
    task = asyncio.current_task()
    assert task is not None
    gate.enter(task)
    endpoint: Endpoint | None = None
    try:
        if gate.settings.cors_origins and welcome(gate.settings.cors_origins, exchange.header("origin")):
            exchange = CrossOrigin(exchange)
            if (told := preflight(exchange)) is not None:
                await exchange.send(204, told, b"")
                return
        endpoint, parameter, allowed = _endpoint(exchange)
        _check_open(gate, exchange, endpoint, allowed)
        answer = await _answer(gate, exchange, endpoint, parameter, task)
        if isinstance(answer, Answered):
            await exchange.send(answer.status, answer.headers, answer.body)
        else:
            await _pour(gate, exchange, answer, task)
    except MeshError as error:
        gate.metrics.count("mesh_http_errors_total", (("status", str(error.status)),))
        if isinstance(error, StoreError):
            gate.unstored(error)
        await _refuse(exchange, refusal(endpoint, error))
    except ClientGone:
        pass  # nobody is listening; whatever was under way has been settled on the way here
    except asyncio.CancelledError:
        if gate.cut:  # the client is still there: it took longer than drain_seconds
            await _refuse(exchange, refusal(endpoint, _stopping()))
    except Exception as error:  # noqa: BLE001  # logged with its trace; one broken request must not end the worker
        _log.exception("%s %s failed", exchange.method, exchange.path)
        await _refuse(exchange, refusal(endpoint, MeshError(f"The gateway failed: {type(error).__name__}.")))
    finally:
        gate.leave(task)


def _endpoint(exchange: Exchange) -> tuple[Endpoint, str, bool]:
    """The path's endpoint, what stands for `{…}`, and whether it takes this method."""
    found = find(exchange.path) or _under_another_name(exchange)
    if not found:
        raise NotFound(f"There is no {exchange.path[:200]} here.", fix="GET /openapi.json lists what there is.")
    for endpoint, parameter in found:
        if endpoint.takes(exchange.method):
            return endpoint, parameter, True
    methods = dict.fromkeys(method for endpoint, _ in found for method in endpoint.methods)
    return msgspec.structs.replace(found[0][0], method=", ".join(methods)), "", False


def _under_another_name(exchange: Exchange) -> Found:
    for path, model in others(exchange.path):
        if found := find(path):
            exchange.path, exchange.query = path, without_api_version(exchange.query)
            return [(naming(endpoint, model), parameter) for endpoint, parameter in found] if model else found
    return ()


def _check_open(gate: Gate, exchange: Exchange, endpoint: Endpoint, allowed: bool) -> None:
    if not allowed:
        takes = f"{exchange.path[:200]} takes {endpoint.method}, not {exchange.method[:20]}."
        raise MethodNotAllowed(takes, fix=f"Use {endpoint.method}.")
    if gate.draining and endpoint.scope:
        raise _stopping()


def _stopping() -> Overloaded:
    return Overloaded("This gateway is shutting down.", fix="Ask again; another one will answer.")


async def _answer(
    gate: Gate, exchange: Exchange, endpoint: Endpoint, parameter: str, task: asyncio.Task[None]
) -> Answered | Flowing:
    header = exchange.header
    principal, body = LOCAL, b""
    if endpoint.scope:
        queried = query_values(exchange.query).get(endpoint.query_key, "") if endpoint.query_key else ""
        principal = authenticate(gate.kernel.snapshot, gate.settings, header, queried)
        if not principal.may(endpoint.scope):
            raise PermissionDenied(
                f'The key "{principal.name}" may not use {endpoint.path}.', fix=_fix_scope(endpoint.scope)
            )
        if principal.bounds:
            check_path(principal, exchange.path)
        if endpoint.method in ("POST", ANY):
            body = await _body(gate, exchange, endpoint, task)
    asked = Asked(
        method=exchange.method,
        path=exchange.path,
        query=exchange.query,
        header=header,
        parameter=parameter,
        body=body,
        principal=principal,
        ours=exchange.says("x-mesh-"),
    )
    if not endpoint.slow:
        return await endpoint.answer(gate, asked)
    return await _watched(gate, exchange, endpoint, asked, task)


def _fix_scope(scope: str) -> str:
    return "Use the master key." if scope == "*" else f'Use a key with the scope "{scope}".'


async def _body(gate: Gate, exchange: Exchange, endpoint: Endpoint, task: asyncio.Task[None]) -> bytes:
    """The body, once its owner is known: strangers cannot make us wait for it or keep it."""
    coding = exchange.header("content-encoding")
    if coding and coding.lower() != "identity":
        raise compressed(coding)
    limit, seconds = gate.max_body, gate.settings.body_seconds
    if endpoint.method == ANY and (exchange.header("content-type") or "").lower().startswith("multipart/"):
        limit = gate.max_upload
        seconds *= limit / gate.max_body  # the same pace
    gate.reading[task] = time.monotonic() + seconds
    try:
        return await exchange.body(limit)
    except asyncio.CancelledError:
        if task not in gate.reading:  # given up by us
            task.uncancel()
            raise too_slow(seconds) from None
        raise
    finally:
        gate.reading.pop(task, None)


async def _watched(
    gate: Gate, exchange: Exchange, endpoint: Endpoint, asked: Asked, task: asyncio.Task[None]
) -> Answered | Flowing:
    """Run it, and cancel it when the client leaves first."""
    gate.leaving.begin(task, exchange)
    try:
        return await endpoint.answer(gate, asked)
    finally:
        gate.leaving.end(task)


async def _pour(gate: Gate, exchange: Exchange, answer: Flowing, task: asyncio.Task[None]) -> None:
    """Send the pieces as they come. When the client leaves, the provider is stopped."""
    flow = answer.flow
    unwatch: Callable[[], object] = _nothing
    try:
        send = await exchange.begin(answer.status, answer.headers)
    except BaseException:
        flow.abort()
        raise
    try:
        piece = await flow.next()
        unwatch = exchange.watch(task.cancel)
        while piece:
            await send(piece)
            piece = await flow.next()
        await exchange.finish()
    except StoreError as error:
        await send(flow.cut(error))
        raise
    except asyncio.CancelledError:
        if gate.cut and (last := flow.cut(_stopping())):
            await send(last)
        raise
    finally:
        unwatch()
        flow.abort()


def _nothing() -> None:
    """There is no watch to end yet."""


async def _refuse(exchange: Exchange, answer: Answered) -> None:
    """Send an error, unless the answer has begun or nobody listens: then there is nothing left to say."""
    try:
        await exchange.send(answer.status, answer.headers, answer.body)
    except (ClientGone, RuntimeError) as error:
        _log.debug("an error could not be sent: %s", error)
