"""A client's tools under names that a provider takes, and the provider's calls as the client knows its tools.

Names differ in what they may hold. OpenAI, Anthropic and Bedrock take letters, digits, _ and - (OpenAI and Bedrock 64
of them, Anthropic 128); Gemini takes dots and colons too, and wants a letter or _ first, as Cohere does, which has no
-. MCP servers and Gemini's clients use all of that, and Claude Code makes names of more than 64. A name that a provider
would refuse goes out under one that all of them take, and comes back as what it was.

A tool that takes free text goes, to dialects without such tools, as a function of one text
(`wire.functions.TAKES_TEXT`). A call of it comes back as what the client knows: the text itself.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html,
https://platform.openai.com/docs/api-reference/chat/create and what google-genai and cohere say of their types.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence

import msgspec

from meshwright.types.content import Message, Part, ToolCall
from meshwright.types.errors import MeshError
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import Delta, Ended, Finished, PartEnded, Response, ToolCallDelta
from meshwright.wire.dialect import StreamEncoder

LONGEST = 64
_PIECES = 64
"""Pieces of arguments after which their beginning is not looked for any more."""
_EVERYWHERE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
_OTHERS = re.compile(r"[^a-zA-Z0-9_]")
_OPENAI = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TAKEN = {
    "openai_chat": _OPENAI,
    "openai_responses": _OPENAI,
    "anthropic_messages": re.compile(r"[a-zA-Z0-9_-]{1,128}"),
    "bedrock_converse": _OPENAI,
    "gemini": re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"),
    "cohere": _EVERYWHERE,
}
_RENAMED = Adaptation("tools.name", "moved", "The provider has other rules for names: its calls come back under yours.")
_TEXT: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])
_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_UNIT = re.compile(
    r'[^"\\]+|\\[^u]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}(?=[^\\]|\\[^u]|\\u[0-9a-fA-F]{4})'
    r"(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
)
"""A piece of a JSON string that can be read without what follows it; the halves of one character stay together."""


def plain(name: str) -> str:
    """The name that stands for this one where it is not taken: the same each time, and no other's."""
    kept = _OTHERS.sub("_", name)
    kept = kept if kept[:1].isalpha() or kept[:1] == "_" else f"_{kept}"
    return f"{kept[: LONGEST - 9]}_{zlib.crc32(name.encode(errors='surrogatepass')):08x}"


def sendable(request: Request, dialect: str) -> tuple[Request, tuple[Adaptation, ...]]:
    """The request with every tool under a name that providers of the dialect take; the same one where all are."""
    taken = _TAKEN.get(dialect)
    if taken is None or not _odd(request, taken):
        return request, ()

    def renamed(name: str) -> str:
        return name if taken.fullmatch(name) else plain(name)

    def part_out(part: Part) -> Part:
        if not isinstance(part, ToolCall) or taken.fullmatch(part.name):
            return part
        return msgspec.structs.replace(part, name=plain(part.name))

    choice = request.tool_choice
    if choice is not None and choice.names:
        choice = msgspec.structs.replace(choice, names=tuple(map(renamed, choice.names)))
    tools = tuple(
        one if one.kind == "hosted" else msgspec.structs.replace(one, name=renamed(one.name)) for one in request.tools
    )
    messages = tuple(
        msgspec.structs.replace(one, parts=tuple(map(part_out, one.parts))) if one.role == "assistant" else one
        for one in request.messages
    )
    return msgspec.structs.replace(request, tools=tools, tool_choice=choice, messages=messages), (_RENAMED,)


def _odd(request: Request, taken: re.Pattern[str]) -> bool:
    if any(tool.kind != "hosted" and not taken.fullmatch(tool.name) for tool in request.tools):
        return True
    return any(
        isinstance(part, ToolCall) and not taken.fullmatch(part.name)
        for message in request.messages
        if message.role == "assistant"
        for part in message.parts
    )


def known_again(response: Response, request: Request) -> Response:
    """The answer with its calls as the client's request knows its tools; the same one where they are so already."""
    if not request.tools:
        return response
    known = _Known(request)
    if not known.matters:
        return response
    choices = tuple(
        msgspec.structs.replace(one, message=_message(one.message, known)) if _calls(one.message) else one
        for one in response.choices
    )
    return msgspec.structs.replace(response, choices=choices)


def knowing(encoder: StreamEncoder, request: Request) -> StreamEncoder:
    """A client's stream encoder that tells calls as the request knows its tools."""
    known = _Known(request) if request.tools else None
    return Knowing(encoder, known) if known is not None and known.matters else encoder


class _Known:
    """What the client's tools are called elsewhere, and which of them take free text."""

    __slots__ = ("customs", "names")

    def __init__(self, request: Request) -> None:
        tools = [tool for tool in request.tools if tool.kind != "hosted"]
        self.customs = frozenset(tool.name for tool in tools if tool.kind == "custom")
        self.names = {plain(tool.name): tool.name for tool in tools if not _EVERYWHERE.fullmatch(tool.name)}

    @property
    def matters(self) -> bool:
        """Whether a call can need a change."""
        return bool(self.customs or self.names)

    def call(self, call: ToolCall) -> ToolCall:
        """The call as the client knows it."""
        name = self.names.get(call.name, call.name)
        if call.kind == "function" and name in self.customs:
            return msgspec.structs.replace(call, name=name, kind="custom", arguments=_text(call.arguments))
        return call if name == call.name else msgspec.structs.replace(call, name=name)


def _calls(message: Message) -> bool:
    return any(isinstance(part, ToolCall) for part in message.parts)


def _message(message: Message, known: _Known) -> Message:
    parts = tuple(known.call(part) if isinstance(part, ToolCall) else part for part in message.parts)
    return msgspec.structs.replace(message, parts=parts)


def _text(arguments: str) -> str:
    """The text that a tool was called with; the arguments themselves where they hold something else."""
    try:
        said = _TEXT.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    text = said.get("input", next(iter(said.values())) if len(said) == 1 else None)
    return text if isinstance(text, str) else arguments


class _Taking:
    """The text of a call while its arguments come: each piece as soon as it can be read."""

    __slots__ = ("_inside", "_over", "_said", "_waits")

    def __init__(self) -> None:
        self._waits = ""
        self._said: list[str] = []
        self._inside = False
        self._over = False

    def feed(self, piece: str) -> str:
        """What can be told now."""
        if self._over:
            return ""
        if not self._inside:
            self._said.append(piece)
            opened = _OPENING.match("".join(self._said)) if len(self._said) < _PIECES else None
            if opened is None:
                return ""
            self._inside, piece = True, opened.string[opened.end() :]
        return self._read(self._waits + piece)

    def end(self) -> str:
        """What is left when the call is over."""
        return "" if self._inside else _text("".join(self._said))

    def _read(self, text: str) -> str:
        end = 0
        while found := _UNIT.match(text, end):
            end = found.end()
        self._waits, self._over = text[end:], text[end : end + 1] == '"'
        return (
            str(json.loads(f'"{text[:end]}"', strict=False))
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace")
        )


class Knowing:
    """A stream encoder that gets calls as the client knows its tools."""

    __slots__ = ("_encoder", "_known", "_taking", "adaptations")

    def __init__(self, encoder: StreamEncoder, known: _Known) -> None:
        self._encoder = encoder
        self._known = known
        self._taking: dict[tuple[int, int], _Taking] = {}
        self.adaptations = encoder.adaptations

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """The events for these deltas, in one piece."""
        if not self._taking and not any(type(delta) is ToolCallDelta for delta in deltas):
            return self._encoder.feed(deltas)
        out: list[Delta] = []
        for delta in deltas:
            match delta:
                case ToolCallDelta(kind="function"):
                    self._call(delta, out)
                    continue
                case PartEnded(part=part, choice=choice):
                    self._end([(choice, part)], out)
                case Finished(choice=choice):
                    self._end([key for key in self._taking if key[0] == choice], out)
                case Ended():
                    self._end(list(self._taking), out)
            out.append(delta)
        return self._encoder.feed(out)

    def fail(self, error: MeshError) -> bytes:
        """The in-band error."""
        return self._encoder.fail(error)

    def _call(self, delta: ToolCallDelta, out: list[Delta]) -> None:
        key = (delta.choice, delta.part)
        name = self._known.names.get(delta.name, delta.name)
        if name and name in self._known.customs:
            self._taking.setdefault(key, _Taking())
        taking = self._taking.get(key)
        if taking is None:
            out.append(delta if name == delta.name else msgspec.structs.replace(delta, name=name))
            return
        text = taking.feed(delta.arguments)
        if text or name:
            out.append(msgspec.structs.replace(delta, name=name, kind="custom", arguments=text))

    def _end(self, keys: list[tuple[int, int]], out: list[Delta]) -> None:
        for key in keys:
            taking = self._taking.pop(key, None)
            if taking is not None and (left := taking.end()):
                out.append(ToolCallDelta(choice=key[0], part=key[1], kind="custom", arguments=left))
