"""The structs of `shape` as tables for bodies that are not strict: which members are known, and in what form."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from meshwright.wire.openai_chat.shape import (
    AssistantIn,
    AudioIn,
    CacheControl,
    CallPiece,
    ChoiceIn,
    ChoicePiece,
    Custom,
    CustomCallIn,
    CustomPiece,
    CustomSpec,
    CustomToolIn,
    DeltaIn,
    DeveloperIn,
    FileBody,
    FileIn,
    Function,
    FunctionCallIn,
    FunctionPiece,
    FunctionResultIn,
    FunctionSpec,
    FunctionToolIn,
    ImageIn,
    ImageUrl,
    InputAudio,
    Logprobs,
    MessageIn,
    RefusalIn,
    SpokenIn,
    SystemIn,
    TextIn,
    ThinkingIn,
    ToolIn,
    UserIn,
)
from meshwright.wire.openai_chat.sift import Each, Tagged


def members(struct: type[msgspec.Struct], **known: Any) -> dict[str, Any]:
    """The table of a struct's members, with the shapes of those that have one."""
    return {name: known.get(name) for name in struct.__struct_encode_fields__}


def _cache(raw: Raw) -> Raw | None:
    """A cache mark of another form than ours is an unknown member."""
    try:
        msgspec.json.decode(raw, type=CacheControl)
    except msgspec.ValidationError:
        return None
    return raw


def _text(raw: Raw) -> Raw | None:
    """Some send a call's arguments as an object instead of its text."""
    return raw if bytes(raw)[:1] != b"{" else Raw(msgspec.json.encode(bytes(raw).decode("utf-8")))


def _string(raw: Raw) -> Raw | None:
    return raw if bytes(raw)[:1] == b'"' else None


_FUNCTION = members(Function, arguments=_text)
_CALLS = Each(
    Tagged(
        "type",
        {
            "function": members(FunctionCallIn, function=_FUNCTION),
            "custom": members(CustomCallIn, custom=members(Custom)),
        },
        implied=lambda fields: "custom" if "custom" in fields and "function" not in fields else "function",
    )
)
_IMAGE = members(ImageIn, image_url=members(ImageUrl), cache_control=_cache)
_CONTENT = Each(
    Tagged(
        "type",
        {
            "text": members(TextIn, cache_control=_cache),
            "image_url": _IMAGE,
            "input_audio": members(AudioIn, input_audio=members(InputAudio)),
            "file": members(FileIn, file=members(FileBody), cache_control=_cache),
            "refusal": members(RefusalIn),
            "thinking": members(ThinkingIn),
        },
    )
)
_IMAGES = Each(Tagged("type", {"image_url": _IMAGE}, stand_in=False, implied=lambda _: "image_url"))
_ANSWER = {"content": _CONTENT, "tool_calls": _CALLS, "function_call": _FUNCTION, "audio": members(SpokenIn)}
TURN = Tagged(
    "role",
    {
        "system": members(SystemIn, content=_CONTENT),
        "developer": members(DeveloperIn, content=_CONTENT),
        "user": members(UserIn, content=_CONTENT),
        "assistant": members(AssistantIn, images=_IMAGES, **_ANSWER),
        "tool": members(ToolIn, content=_CONTENT),
        "function": members(FunctionResultIn, content=_CONTENT),
    },
    stand_in=False,
)
TOOL = Tagged(
    "type",
    {
        "function": members(FunctionToolIn, function=members(FunctionSpec), cache_control=_cache),
        "custom": members(CustomToolIn, custom=members(CustomSpec), cache_control=_cache),
    },
    implied=lambda fields: "custom" if "custom" in fields and "function" not in fields else "function",
)
MESSAGE = members(MessageIn, images=_IMAGES, **_ANSWER)
_PIECE = members(CallPiece, function=members(FunctionPiece, arguments=_text), custom=members(CustomPiece))
DELTA = members(DeltaIn, images=_IMAGES, **{**_ANSWER, "tool_calls": Each(_PIECE)})
CHOICE = members(ChoiceIn, message=MESSAGE, logprobs=members(Logprobs), stop_reason=_string)
PIECE = members(ChoicePiece, delta=DELTA, logprobs=members(Logprobs), stop_reason=_string)
