"""The body of a client's request into a Request.

Source: https://docs.ollama.com/api/chat and `docs/openapi.yaml` of the project. What steers the answer stands in
`options`; those without a place in `types` are kept as `options.<name>`. A stream is what one gets who does not say.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.types.content import Opaque
from meshwright.types.errors import InvalidRequest
from meshwright.types.request import Effort, OutputFormat, ReasoningControl, Request, ToolSpec
from meshwright.wire.functions import function_in
from meshwright.wire.ollama.shapes import KNOWN, NAME, OPTIONS, Body, Options
from meshwright.wire.ollama.turns_in import Conversation
from meshwright.wire.reading import client_json, client_source, explain
from meshwright.wire.verbatim import below, is_object, is_string, present

_BODY: msgspec.json.Decoder[Body] = msgspec.json.Decoder(Body)
_OPTIONS: msgspec.json.Decoder[Options] = msgspec.json.Decoder(Options)
_MEMBERS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_STRING: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_EFFORTS: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high"}


def decode_request(body: bytes) -> Request:
    """The request of POST /api/chat. Raises InvalidRequest that names the field, TooLarge if it nests too deeply."""
    source = client_source(NAME, body)
    wire = client_json(_BODY, body)
    if not wire.messages:
        raise InvalidRequest(
            "There is no message.",
            field="messages",
            fix="Send at least one message; models are loaded by asking them.",
        )
    extra = [Opaque(NAME, name, raw) for name, raw in source.fields.items() if name not in KNOWN and present(raw)]
    with_path = Reading(extra)
    try:
        conversation = Conversation()
        for index, raw in enumerate(wire.messages):
            with_path.at(f"messages[{index}]", conversation.add, raw)
        members = with_path.settings(wire.options, wire.format, wire.think)
        tools = with_path.tools(wire.tools or ())
    except msgspec.ValidationError as error:
        what, field = explain(error)
        raise InvalidRequest(f"{what}.", field=field or None) from None
    except RecursionError:
        # Some thousand levels that the scanner passed over and a reader of the value does not.
        raise InvalidRequest("The body nests too deeply.", fix="Flatten the value that nests so deeply.") from None
    stream = wire.stream is not False
    return Request(
        model=wire.model,
        messages=tuple(conversation.messages),
        stream=stream,
        stream_usage=stream,
        logprobs=bool(wire.logprobs),
        top_logprobs=wire.top_logprobs,
        tools=tools,
        extra=tuple(extra),
        source=source,
        **members,
    )


class Reading:
    """Reads members that /api/chat and /api/generate share; what has no place goes to `extra`."""

    __slots__ = ("_extra",)

    def __init__(self, extra: list[Opaque]) -> None:
        self._extra = extra

    def at(self, path: str, read: Any, *arguments: Any) -> Any:
        """`read(*arguments)`, whose error is told with the path of what it reads."""
        try:
            return read(*arguments)
        except msgspec.ValidationError as error:
            raise below(error, path) from None

    def tools(self, tools: Any) -> tuple[ToolSpec, ...]:
        """All tools. Raises ValidationError."""
        return tuple(self.at(f"tools[{index}]", function_in, raw, NAME) for index, raw in enumerate(tools))

    def settings(self, options: Raw, form: Raw, think: Raw) -> dict[str, Any]:
        """What the three members say, as arguments of Request. Raises ValidationError."""
        found: dict[str, Any] = {}
        if present(options):
            found = self.at("options", self._options, options)
        if present(form):
            found["output"] = self.at("format", self._format, form)
        if present(think):
            found["reasoning"] = self._think(think)
        return found

    def _options(self, raw: Raw) -> dict[str, Any]:
        said = _OPTIONS.decode(raw)
        members = _MEMBERS.decode(raw)
        self._extra += [
            Opaque(NAME, f"options.{name}", value)
            for name, value in members.items()
            if name not in OPTIONS and present(value)
        ]
        limit = said.num_predict
        if limit is not None and limit < 1:  # no limit at all, or as much as the context holds
            self._extra.append(Opaque(NAME, "options.num_predict", members["num_predict"]))
            limit = None
        return {
            "max_tokens": limit,
            "temperature": said.temperature,
            "top_p": said.top_p,
            "top_k": said.top_k,
            "stop": (said.stop,) if isinstance(said.stop, str) else tuple(said.stop or ()),
            "seed": said.seed,
            "presence_penalty": said.presence_penalty,
            "frequency_penalty": said.frequency_penalty,
        }

    def _format(self, raw: Raw) -> OutputFormat | None:
        if is_object(raw):
            return OutputFormat(kind="schema", schema=raw)
        word = _STRING.decode(raw)
        if word == "json":
            return OutputFormat(kind="json")
        if word:
            self._extra.append(Opaque(NAME, "format", raw))
        return None

    def _think(self, raw: Raw) -> ReasoningControl | None:
        match bytes(raw):
            case b"true":
                return ReasoningControl(mode="on")
            case b"false":
                return ReasoningControl(mode="off")
            case b'"low"' | b'"medium"' | b'"high"':
                return ReasoningControl(effort=_EFFORTS[_STRING.decode(raw)])
        if not is_string(raw):
            raise msgspec.ValidationError("Expected `bool` or one of low, medium, high - at `$.think`")
        self._extra.append(Opaque(NAME, "think", raw))
        return None
