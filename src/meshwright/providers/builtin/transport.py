"""The built-in models behind the same interface as any provider of the dialect `openai_chat`, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec

import msgspec

from meshwright.net.transport import Call
from meshwright.providers.builtin.chat import MAX_BODY, MAX_CONTEXT, MODELS, Chat, read_chat, read_context
from meshwright.providers.builtin.measure import PATHS, measured
from meshwright.providers.builtin.reply import Reply, chunks, completion, error_body, quoted
from meshwright.providers.builtin.sandbox import Sandbox
from meshwright.providers.builtin.solve.limits import MAX_TEXT
from meshwright.types.errors import Declined, MeshError, Overloaded, TooLarge, UpstreamProtocol, UpstreamTimeout

FIX = "pip install 'meshwright[offline]'"
_NEEDS = {"solve": ("sympy", "mpmath"), "extract": ("wordllama", "numpy")}


def unavailable() -> dict[str, str]:
    """The models that cannot run here, each with the reason and the fix. Imports none of their packages."""
    missing = {model: [name for name in names if find_spec(name) is None] for model, names in _NEEDS.items()}
    return {model: f"{' and '.join(names)} not installed: {FIX}" for model, names in missing.items() if names}


class BuiltinAnswer:
    """An answer that is already there: one body, or the events of a stream."""

    def __init__(self, status: int, headers: Mapping[str, str], pieces: Iterator[bytes]) -> None:
        self.status = status
        self.headers = headers
        self._pieces = pieces

    async def read(self, limit: int) -> bytes:
        """The whole (remaining) body. Raises UpstreamProtocol over `limit` bytes."""
        body = b"".join(self._pieces)
        if len(body) > limit:
            raise UpstreamProtocol(f"The answer has over {limit} bytes.")
        return body

    async def next(self) -> bytes:
        """The next event, b"" at the end."""
        await asyncio.sleep(0)  # as a socket would: whoever reads this in a loop lets others run
        return next(self._pieces, b"")

    def abort(self) -> None:
        """Forget the rest."""
        self._pieces = iter(())

    def release(self) -> None:
        """Forget the rest."""
        self._pieces = iter(())


class BuiltinTransport:
    """Sends calls to `solve`, `extract` and `echo`.

    `clock` tells seconds since 1970 and `new_id` makes the unique part of an answer's id. `limit` is the seconds for
    one question, `waiting` how many questions may queue for each model. No child process runs before the first question
    or `prewarm`. Use it from one event loop, and close it.
    """

    def __init__(
        self, clock: Callable[[], float], new_id: Callable[[], str], *, limit: float = 5.0, waiting: int = 32
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self.sandboxes = {model: Sandbox(model, limit=limit, waiting=waiting) for model in _NEEDS}
        self._unavailable: dict[str, str] | None = None

    async def prewarm(self) -> dict[str, str]:
        """Start the children and wait until they are ready; the models that cannot run, each with its reason."""
        missing = self._missing()
        wanted = [sandbox for model, sandbox in self.sandboxes.items() if model not in missing]
        failed = dict(missing)
        results = await asyncio.gather(*(sandbox.start() for sandbox in wanted), return_exceptions=True)
        for sandbox, result in zip(wanted, results, strict=True):
            if isinstance(result, MeshError):
                failed[sandbox.model] = str(result)
            elif isinstance(result, BaseException):
                raise result
        return failed

    async def send(self, call: Call) -> BuiltinAnswer:
        """Answer a chat-completions call; a GET lists the models.

        Whatever goes wrong with the request or the model is an answer with an error status, as from any provider: 422
        when a model declines, 400, 404, 413, 502, 503 or 504. Raises UpstreamTimeout when the caller's own deadline is
        shorter than the limit and passes.
        """
        if call.endpoint.method == "GET":
            return _json(200, _listing(self._missing()))
        deadlines = call.deadlines
        try:
            async with asyncio.timeout(min(deadlines.first_byte, deadlines.total)):
                path = call.endpoint.url.removeprefix("builtin:")
                return await (self._measured(path, call.body) if path in PATHS else self._answered(call.body))
        except TimeoutError:
            phase = "first_byte" if deadlines.first_byte <= deadlines.total else "total"
            raise UpstreamTimeout("The built-in model did not answer within the deadline.", phase) from None

    async def close(self) -> None:
        """End the children."""
        await asyncio.gather(*(sandbox.close() for sandbox in self.sandboxes.values()))

    def _missing(self) -> dict[str, str]:
        if self._unavailable is None:
            self._unavailable = unavailable()
        return self._unavailable

    async def _answered(self, body: bytes) -> BuiltinAnswer:
        try:
            if len(body) > MAX_BODY:
                raise TooLarge(f"The request has over {MAX_BODY} bytes.")
            chat = read_chat(body)
            if reason := self._missing().get(chat.name):
                return _json(503, _error("unavailable", f"builtin/{chat.name} cannot run: {reason}"))
            reply = await self._replied(chat)
        except MeshError as error:
            headers = {"retry-after": "1"} if isinstance(error, Overloaded) else {}
            return _json(error.status, error_body(error), headers)
        id, created = f"chatcmpl-{self._new_id()}", int(self._clock())
        if chat.stream:
            return BuiltinAnswer(
                200, {"content-type": "text/event-stream"}, chunks(chat, reply, id=id, created=created)
            )
        return _json(200, completion(chat, reply, id=id, created=created))

    async def _measured(self, path: str, body: bytes) -> BuiltinAnswer:
        try:
            if len(body) > MAX_BODY:
                raise TooLarge(f"The request has over {MAX_BODY} bytes.")
            if reason := self._missing().get("extract"):
                return _json(503, _error("unavailable", f"builtin{path} cannot run: {reason}"))
            return _json(200, await measured(self.sandboxes["extract"], path, body))
        except MeshError as error:
            headers = {"retry-after": "1"} if isinstance(error, Overloaded) else {}
            return _json(error.status, error_body(error), headers)

    async def _replied(self, chat: Chat) -> Reply:
        text = chat.last_user.text
        if chat.name == "echo":
            return Reply(f"builtin/echo repeats what it is told and knows nothing:\n\n{text}")
        if chat.name == "solve":
            if chat.last_user.files:
                raise Declined("builtin/solve computes formulas; it does not read documents.")
            if len(text) > MAX_TEXT:
                raise Declined(f"This is too long for one computation (over {MAX_TEXT} characters).")
            told = await self.sandboxes["solve"].ask(text)
            if told.kind == "declined":
                raise Declined(told.text)
            return Reply(told.text)
        context = read_context(chat)
        if not context.documents:
            unread = f" It cannot read {', '.join(context.unread)}." if context.unread else ""
            raise Declined(f"builtin/extract answers from supplied documents, and there are none to search.{unread}")
        if sum(len(document.text) for document in context.documents) > MAX_CONTEXT:
            raise TooLarge(f"builtin/extract searches up to {MAX_CONTEXT} characters.", fix="Send fewer documents.")
        told = await self.sandboxes["extract"].ask(context.question, context.documents)
        if told.kind == "declined":
            raise Declined(told.text)
        return quoted(context, told.quotes, told.searched)


def _json(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> BuiltinAnswer:
    return BuiltinAnswer(status, {"content-type": "application/json", **(headers or {})}, iter((body,)))


def _error(code: str, message: str) -> bytes:
    return msgspec.json.encode({"error": {"message": message, "type": code, "param": None, "code": code}})


def _listing(missing: Mapping[str, str]) -> bytes:
    models = [
        {"id": name, "object": "model", "created": 0, "owned_by": "builtin"} for name in MODELS if name not in missing
    ]
    return msgspec.json.encode({"object": "list", "data": models})
