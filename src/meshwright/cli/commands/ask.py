"""`mesh ask`: one question, one answer, on this machine, without a running gateway."""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from meshwright.cli.explaining import tell_trace
from meshwright.cli.output import ConfigFile, Json, err, out, print_json, told
from meshwright.cli.session import control_of, session
from meshwright.kernel.arrival import Arrival, Failure, Flow, Streaming
from meshwright.kernel.handle import handle
from meshwright.kernel.kernel import Kernel
from meshwright.server.control import Control
from meshwright.types.content import File, Image, Message, Part, Text
from meshwright.types.errors import InvalidRequest, MeshError
from meshwright.types.request import Request
from meshwright.types.response import Failed, TextDelta
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target

MAX_FILE = 15 * 1024 * 1024


def ask(
    question: Annotated[str, typer.Argument(help='The question; "-" reads it from standard input.')],
    model: Annotated[str, typer.Option("--model", "-m", help="A model, an alias or a route.")] = "auto",
    file: Annotated[list[Path] | None, typer.Option("--file", "-f", help="Attach a document or a picture.")] = None,
    explain: Annotated[bool, typer.Option("--explain", "-e", help="Show why it was answered by whom.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Ask a question and print the answer as it comes."""
    with told(as_json):
        text = sys.stdin.read() if question == "-" else question
        parts = (*(_attachment(path) for path in file or ()), Text(text))
        request = Request(model=model, messages=(Message("user", parts),), stream=not as_json)
        asyncio.run(_ask(control_of(config), request, explain, as_json))


async def _ask(control: Control, request: Request, explain: bool, as_json: bool) -> None:
    async with session(control, request.model) as opened:
        dialect = CODECS["openai_chat"]
        arrival = Arrival(request=request, dialect=dialect, principal=opened.kernel.snapshot.local, path="mesh ask")
        reply = await handle(opened.kernel, arrival)
        if isinstance(reply, Failure):
            if explain and not as_json:
                tell_trace(opened.kernel.recent[reply.decision])
            raise reply.error
        if isinstance(reply, Streaming):
            await _print_as_it_comes(reply.flow)
        elif not as_json:
            out.print(reply.response.text, markup=False)
        _tell(
            opened.kernel,
            reply.receipt.decision,
            explain,
            None if isinstance(reply, Streaming) else reply.response.text,
            as_json,
        )


def _tell(kernel: Kernel, decision: str, explain: bool, text: str | None, as_json: bool) -> None:
    trace = kernel.recent[decision]
    if as_json:
        print_json({"answer": text, "model": trace.served, "decision": decision, "trace": trace if explain else None})
    elif explain:
        out.print()
        tell_trace(trace)
    else:
        err.print(f"[dim]{escape(trace.served)} · {trace.seconds * 1000:.0f} ms · mesh explain {decision}[/]")


async def _print_as_it_comes(flow: Flow) -> None:
    """Print the words of a stream in the chat dialect as they arrive."""
    decoder = CODECS["openai_chat"].stream_decoder(Target("", ""))
    failure = ""
    while piece := await flow.next():
        for delta in decoder.feed(piece):
            if isinstance(delta, TextDelta):
                out.print(delta.text, end="", markup=False)
            elif isinstance(delta, Failed):
                failure = delta.message
    out.print()
    if failure:
        raise MeshError(f"The answer broke off: {failure}")


def _attachment(path: Path) -> Part:
    """A file as a part of the message."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.", field="--file") from error
    if len(content) > MAX_FILE:
        raise InvalidRequest(
            f"{path} is over {MAX_FILE // 1024 // 1024} MiB.", field="--file", fix="Attach a smaller one."
        )
    kind = mimetypes.guess_type(path.name)[0] or "text/plain"
    data = base64.b64encode(content).decode()
    if kind.startswith("image/"):
        return Image(data=data, media_type=kind)
    return File(data=data, media_type=kind, name=path.name)
