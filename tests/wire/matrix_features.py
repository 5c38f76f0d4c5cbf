"""The features of the translation matrix: one sample of each, and what it means that it has arrived."""

from __future__ import annotations

from typing import get_args

import msgspec

from meshwright.types.content import (
    Audio,
    Citation,
    File,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from meshwright.types.request import OutputFormat, ReasoningControl, Request, ToolChoice, ToolSpec
from meshwright.types.response import Choice, Finish, TokenProbability
from meshwright.types.usage import Usage
from meshwright.wire import CODECS
from tests.wire.matrix import ORIGIN
from tests.wire.matrix_samples import (
    CALLS,
    CLOCK,
    ELSEWHERE,
    FEATURES,
    HELLO,
    PDF,
    PNG,
    SCHEMA,
    SIGNED,
    WAV,
    WEATHER,
    answered,
    arguments,
    asked,
    called,
    choice,
    counts,
    documents,
    finish,
    marks,
    of_answer,
    output,
    parts,
    plain,
    results,
    roles,
    thoughts,
    tools,
    turned,
)

__all__ = ("BOUND", "FEATURES", "GROWING", "HIDDEN", "STEADY")

# What is asked.
turned("system role", roles, Message("system", (Text("Be brief."),)), HELLO)
turned("developer role", roles, Message("developer", (Text("Be brief."),)), HELLO)
for name, value in {"max_tokens": 500, "temperature": 0.5, "top_p": 0.5, "top_k": 7, "seed": 7, "n": 2}.items():
    asked(f"`{name}`", name, None, **{name: value})
asked("stop sequences", "stop", stop=("END", "STOP"))
asked("frequency penalty", "frequency_penalty", frequency_penalty=0.5)
asked("presence penalty", "presence_penalty", presence_penalty=0.5)
asked("logit bias", "logit_bias", lambda request: plain(request.logit_bias), logit_bias=msgspec.Raw(b'{"50256":-100}'))
asked("log probabilities", "logprobs top_logprobs", lambda request: request.logprobs, logprobs=True)
asked(
    "likeliest other tokens",
    "top_logprobs logprobs",
    lambda request: request.top_logprobs,
    logprobs=True,
    top_logprobs=3,
)
asked("functions", "tools", tools, tools=(WEATHER, CLOCK))
asked(
    "strict functions",
    "tools",
    lambda request: [tool.strict for tool in request.tools],
    tools=(ToolSpec(name="weather", schema=SCHEMA, strict=True),),
)
asked(
    "tools that take free text",
    "tools",
    lambda request: [tool.kind for tool in request.tools],
    tools=(ToolSpec(name="write", kind="custom"),),
)
asked("tool choice: none", "tool_choice", choice, tools=(WEATHER, CLOCK), tool_choice=ToolChoice("none"))
asked("tool choice: required", "tool_choice", choice, tools=(WEATHER, CLOCK), tool_choice=ToolChoice("required"))
asked(
    "tool choice: one tool", "tool_choice", choice, tools=(WEATHER, CLOCK), tool_choice=ToolChoice("tool", ("clock",))
)
asked(
    "tool choice: some tools",
    "tool_choice",
    choice,
    tools=(WEATHER, CLOCK, ToolSpec(name="moon", schema=SCHEMA)),
    tool_choice=ToolChoice("required", ("weather", "clock")),
)
asked("no parallel calls", "parallel_tools", tools=(WEATHER,), parallel_tools=False)
turned(
    "calls with their ids",
    arguments(parts(ToolCall, "id", "name", "arguments")),
    *called(ToolResult(call_id="call_1", parts=(Text("21"),)), ToolResult(call_id="call_2", parts=(Text("8"),))),
    tools=(WEATHER,),
)
turned(
    "results of parallel calls",
    results,
    *called(ToolResult(call_id="call_1", parts=(Text("21"),)), ToolResult(call_id="call_2", parts=(Text("8"),))),
    tools=(WEATHER,),
)
turned(
    "a result that is an error",
    results,
    *called(ToolResult(call_id="call_1", parts=(Text("No"),), is_error=True)),
    tools=(WEATHER,),
)
turned(
    "an image in a result",
    results,
    *called(ToolResult(call_id="call_1", parts=(Text("See"), Image(data=PNG, media_type="image/png")))),
    tools=(WEATHER,),
)
asked("any JSON", "output", output, output=OutputFormat(kind="json"))
asked("JSON by schema", "output", output, output=OutputFormat(kind="schema", name="answer", schema=SCHEMA))
asked(
    "JSON by schema, strictly",
    "output",
    lambda request: (output(request), bool(request.output and request.output.strict)),
    output=OutputFormat(kind="schema", name="answer", schema=SCHEMA, strict=True),
    implied=frozenset({"anthropic_messages", "bedrock_converse", "gemini", "ollama", "cohere"}),
)
asked(
    "reasoning effort",
    "reasoning",
    lambda request: request.reasoning and request.reasoning.effort,
    reasoning=ReasoningControl(effort="low"),
)
asked(
    "reasoning budget",
    "reasoning",
    lambda request: request.reasoning and request.reasoning.budget,
    reasoning=ReasoningControl(budget=1500, mode="on"),
)
asked(
    "reasoning off",
    "reasoning",
    lambda request: (
        request.reasoning is not None
        and (request.reasoning.mode == "off" or request.reasoning.effort == "none" or request.reasoning.budget == 0)
    ),
    reasoning=ReasoningControl(mode="off"),
)
BOUND = (HELLO, Message("assistant", (Reasoning(text="Think.", signature=SIGNED, origin=ORIGIN), Text("Hi"))), HELLO)
HIDDEN = (HELLO, Message("assistant", (Reasoning(encrypted=SIGNED, origin=ORIGIN), Text("Hi"))), HELLO)
turned("signed reasoning, back to who signed it", parts(Reasoning, "signature"), *BOUND)
turned("signed reasoning, to another model", parts(Reasoning, "signature"), *BOUND, target=ELSEWHERE)
turned("encrypted reasoning, back to who made it", parts(Reasoning, "encrypted"), *HIDDEN)
turned("encrypted reasoning, to another model", parts(Reasoning, "encrypted"), *HIDDEN, target=ELSEWHERE)
turned("an earlier refusal", parts(Refusal, "text"), HELLO, Message("assistant", (Refusal("No."),)), HELLO)
turned("image by address", parts(Image, "url"), Message("user", (Text("See"), Image(url="https://example.org/a.png"))))
turned(
    "image as data",
    parts(Image, "data", "media_type"),
    Message("user", (Text("See"), Image(data=PNG, media_type="image/png"))),
)
turned(
    "PDF as data", documents, Message("user", (Text("See"), File(data=PDF, media_type="application/pdf", name="a.pdf")))
)
turned(
    "PDF by address",
    documents,
    Message("user", (Text("See"), File(url="https://example.org/a.pdf", media_type="application/pdf"))),
)
turned(
    "text document", parts(File, "text"), Message("user", (Text("See"), File(text="Words", media_type="text/plain")))
)
turned("audio in", parts(Audio, "data", "format"), Message("user", (Text("Hear"), Audio(data=WAV, format="wav"))))
turned(
    "cache mark on a turn",
    marks,
    Message("user", (Text("Long.", cache="5m"),)),
    Message("assistant", (Text("Yes"),)),
    HELLO,
)
asked(
    "cache mark on a tool",
    "tools",
    lambda request: [tool.cache for tool in request.tools],
    tools=(msgspec.structs.replace(WEATHER, cache="5m"),),
)
asked("cache key", "cache_key", cache_key="tenant-7")
asked("user", "user", user="someone")
asked("metadata", "metadata", lambda request: plain(request.metadata), metadata=msgspec.Raw(b'{"team":"blue"}'))
asked("service tier", "service_tier", service_tier="flex")
asked("verbosity", "verbosity", verbosity="low")
asked("to be stored", "store", store=True)
asked("not to be stored", "store", store=False, implied=frozenset(CODECS) - {"openai_chat", "openai_responses"})

# What is answered.
answered("words", "choices", lambda answer: answer.text)
answered(
    "a tool call", "choices", arguments(of_answer(ToolCall, "id", "name", "arguments")), CALLS[0], finish="tool_calls"
)
answered(
    "parallel calls with ids",
    "choices",
    arguments(of_answer(ToolCall, "id", "name", "arguments")),
    *CALLS,
    finish="tool_calls",
)
answered("refusal", "choices", of_answer(Refusal, "text"), Refusal("No."))
answered("thoughts", "choices", thoughts, Reasoning(text="Think."), Text("Hi"))
answered(
    "signature of thoughts",
    "choices",
    of_answer(Reasoning, "signature"),
    Reasoning(text="Think.", signature=SIGNED, origin=ORIGIN),
    Text("Hi"),
)
answered(
    "encrypted thoughts",
    "choices",
    of_answer(Reasoning, "encrypted"),
    Reasoning(encrypted=SIGNED, origin=ORIGIN),
    Text("Hi"),
)
PAGE = Citation(kind="url", url="https://example.org", title="T", start=0, end=5)
PAPER = Citation(kind="document", quote="Words", document=0, source_start=0, source_end=5)
answered(
    "citation of a page",
    "choices",
    lambda answer: [one.url for cited in of_answer(Text, "citations")(answer) for one in cited[0]],
    Text("Hello", citations=(PAGE,)),
)
answered(
    "citation of a document",
    "choices",
    lambda answer: [(one.quote, one.document) for cited in of_answer(Text, "citations")(answer) for one in cited[0]],
    Text("Hello", citations=(PAPER,)),
)
PROBABLE = (TokenProbability(token="Hello", logprob=-0.5, top=(TokenProbability(token="Hi", logprob=-1.5),)),)
answered(
    "log probabilities",
    "choices",
    lambda answer: [(one.token, one.logprob) for one in answer.choices[0].logprobs or ()],
    logprobs=PROBABLE,
)
answered(
    "likeliest other tokens",
    "choices",
    lambda answer: [other.token for one in answer.choices[0].logprobs or () for other in one.top],
    logprobs=PROBABLE,
)
TWO = tuple(
    Choice(message=Message("assistant", (Text(word),)), index=n, finish="stop") for n, word in enumerate(("a", "b"))
)
answered("two choices", "choices", lambda answer: [one.message.text for one in answer.choices], choices=TWO)
ENDS = "choices stop_reason finish_reason stopReason"
for reason in get_args(Finish):
    if reason not in ("unknown", "error"):
        told: tuple[Part, ...] = CALLS[:1] if reason == "tool_calls" else (Text("Hello"),)
        answered(f"finish: {reason}", ENDS, finish, *told, finish=reason)
answered("the stop sequence that ended it", "choices", lambda answer: answer.choices[0].stop, stop="END")
answered(
    "image in an answer", "choices", of_answer(Image, "data"), Text("See"), Image(data=PNG, media_type="image/png")
)
answered("spoken answer", "choices", of_answer(Audio, "data"), Audio(id="audio_1", data=WAV, transcript="Hello"))
USED = {
    "cached": Usage(input=3, output=2, cache_read=5),
    "written to the cache": Usage(input=3, output=2, cache_write=5),
    "reasoning": Usage(input=3, output=2, reasoning=5),
}
for word, usage in USED.items():
    answered(f"usage: tokens {word}", "usage", counts, usage=usage)
answered(
    "usage: totals",
    "usage",
    lambda answer: answer.usage and (answer.usage.total_input, answer.usage.total_output),
    usage=Usage(input=3, cache_read=5, output=2, reasoning=4),
)
# Streams tell the tier in their head; Converse, which tells it last, keeps it as its own.
answered("service tier", "service_tier", lambda answer: answer.service_tier, service_tier="flex", streamed=False)
GROWING = (
    Message("user", (Text("What is this?"), Image(data=PNG, media_type="image/png"))),
    Message("assistant", (Text("I look it up."), *CALLS)),
    Message(
        "tool", (ToolResult(call_id="call_1", parts=(Text("21"),)), ToolResult(call_id="call_2", parts=(Text("8"),)))
    ),
    Message("assistant", (Text("Both are cities."),)),
    HELLO,
    Message("assistant", (Text("Hello."),)),
    HELLO,
)
"""A conversation to cut where the user or a tool has spoken last."""
STEADY = Request(model="model", max_tokens=2000, tools=(WEATHER, CLOCK), tool_choice=ToolChoice("auto"))
