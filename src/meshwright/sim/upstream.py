"""What a pretend provider is: its name and dialect, what it says, how fast, and what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from meshwright.sim.spread import Spread
from meshwright.types.request import Request
from meshwright.types.response import Finish, Response
from meshwright.types.usage import Usage


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong, by its name in `FAULTS`, and when: at every call unless one of the next three says so.

    `calls` are numbers of calls from 1; `every` k means the k-th, 2k-th, ...; `probability` (0..1) is drawn from the
    seed for each call. `until` ends all of that so many seconds after the upstream's first call. `seconds` is how long
    a stall lasts, or the pause of a slow fault; `after` tokens are sent before an answer breaks, in place of its half;
    `size` bytes make a body huge; `retry_after` seconds go into the header of a status, below 0 there is none. None:
    the fault's own default.
    """

    name: str
    calls: tuple[int, ...] = ()
    every: int = 0
    probability: float | None = None
    until: float | None = None
    seconds: float | None = None
    after: int | None = None
    size: int | None = None
    retry_after: float | None = None


class Calling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call of an answer. `arguments` is JSON text (or free text for a custom tool); no `id`: one is made."""

    name: str
    arguments: str = "{}"
    id: str = ""


class Say(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """An answer. What is not said is made up from the request, always in the same way.

    `text`, `refusal`, `reasoning` (with `signature`, "" makes one; `encrypted` is the hidden kind) and `calls` become
    parts in that order: reasoning, text, refusal, calls. `json` is sent as text and must be JSON. `finish` None follows
    from the parts. `tokens` are the pieces of a stream, joined they are the text. `logprobs` adds made-up probabilities
    although nobody asked. `response` is the whole answer, in place of everything else.
    """

    text: str | None = None
    json: str = ""
    refusal: str = ""
    reasoning: str = ""
    signature: str = ""
    encrypted: str = ""
    calls: tuple[Calling, ...] = ()
    tokens: tuple[str, ...] = ()
    finish: Finish | None = None
    stop: str = ""
    usage: Usage | None = None
    logprobs: bool = False
    response: Response | None = None

    def __post_init__(self) -> None:
        if self.json:
            try:
                msgspec.json.decode(self.json)
            except msgspec.DecodeError as error:
                raise ValueError(f"`json` is not JSON: {error}") from None

    @property
    def is_empty(self) -> bool:
        """Whether it leaves the content to be made up."""
        words = self.json or self.refusal or self.reasoning or self.encrypted or self.calls or self.tokens
        return self.text is None and not words and self.response is None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What to say when: the first rule of a script that fits a request answers it.

    `text` is searched in the last user message and `model` matched against the whole model name (regular expressions);
    `tools` asks whether the request has tools; `results` whether it ends with a tool's results, `prefill` whether with
    an assistant's words, to be gone on with; `calls` are numbers of calls from 1. Everything given must hold. `fault`
    happens in place of the answer, or to it. `write` makes the answer from the request (not in files).
    """

    text: str = ""
    model: str = ""
    tools: bool | None = None
    results: bool | None = None
    prefill: bool | None = None
    calls: tuple[int, ...] = ()
    say: Say = Say()
    fault: str | Fault = ""
    write: object = None

    def __post_init__(self) -> None:
        for pattern in (self.text, self.model):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"`{pattern}` is no regular expression: {error}") from None

    def fits(self, request: Request, number: int) -> bool:
        """Whether everything it asks for holds for this request, the `number`-th call."""
        return (
            (not self.calls or number in self.calls)
            and (self.tools is None or self.tools == bool(request.tools))
            and (self.results is None or self.results == ends_with_results(request))
            and (self.prefill is None or self.prefill == ends_with_prefill(request))
            and (not self.model or re.fullmatch(self.model, request.model) is not None)
            and (not self.text or re.search(self.text, last_words(request)) is not None)
        )

    def answer(self, request: Request) -> Say:
        """What it says to this request."""
        write: Callable[[Request], Say] | None = self.write  # type: ignore[assignment]  # files cannot hold functions
        return self.say if write is None else write(request)


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One pretend provider.

    `models` empty: it knows every name. `script` is searched in order; what no rule fits gets a made-up answer.
    `faults` happen besides those that a request asks for itself (header `x-sim-fault: NAME`, model `NAME+fault:FAULT`).

    `latency` is the seconds before the head of an answer, `first_token` those from there to the first words of a
    stream; `tokens_per_second` is drawn once for each answer, 0 is as fast as it goes; an answer in one piece waits as
    long as its stream would take. `port` 0 is a free one. `key`, if there is one, must be sent (bearer, x-api-key,
    api-key, x-goog-api-key). Connections are closed, without a word, after `close_after` answers.
    """

    name: str
    dialect: str = "openai_chat"
    models: tuple[str, ...] = ()
    script: tuple[Rule, ...] = ()
    faults: tuple[str | Fault, ...] = ()
    latency: float | Spread = 0.0
    first_token: float | Spread = 0.0
    tokens_per_second: float | Spread = 0.0
    port: int = 0
    key: str = ""
    close_after: int = 0
    seed: int = 0


def models_of(upstream: Upstream) -> tuple[str, ...]:
    """Its models, or a name to use for one that knows every name."""
    return upstream.models or (f"{upstream.name}-model",)


def last_words(request: Request) -> str:
    """The text of the last user message, "" if there is none."""
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def ends_with_results(request: Request) -> bool:
    """Whether the request brings what tools have answered."""
    return bool(request.messages) and request.messages[-1].role == "tool"


def ends_with_prefill(request: Request) -> bool:
    """Whether the request ends with the beginning of the answer."""
    return bool(request.messages) and request.messages[-1].role == "assistant"
