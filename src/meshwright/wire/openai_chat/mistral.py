"""What Mistral's models and API want otherwise than OpenAI's.

Their chat templates take ids of tool calls of nine letters and digits and no others ("Tool call id was … but must be
a-z, A-Z, 0-9, with a length of 9"), wherever they run; a conversation that began elsewhere has longer ones. The API
refuses members that it does not know ("extra_forbidden"), and calls `seed` `random_seed`.

Source: https://docs.mistral.ai/api, https://mistralai.github.io/mistral-common/usage/tools/.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import msgspec

from meshwright.types.content import Message, Part, ToolCall, ToolResult
from meshwright.types.request import Request
from meshwright.wire.notes import Notes

STRICT = "no_stream_options"
"""The quirk of a provider that refuses members that it does not know."""
UNKNOWN = ("user", "metadata", "store", "service_tier", "logit_bias", "prompt_cache_key", "verbosity", "top_logprobs")
"""Members of OpenAI's that such a provider does not know, as the body has them."""
_FIELDS = {"prompt_cache_key": "cache_key"}
_MODELS = re.compile(r"mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral")
_ID = re.compile(r"[a-zA-Z0-9]{9}")


@lru_cache(maxsize=1024)
def is_theirs(model: str) -> bool:
    """Whether the name is that of a model of Mistral's."""
    return _MODELS.search(model.lower()) is not None


def with_short_ids(request: Request) -> Request:
    """The request with ids of calls as these models take them; the same one where they are so already."""
    if not any(_odd(part) for message in request.messages for part in message.parts):
        return request
    return msgspec.structs.replace(request, messages=tuple(map(_message, request.messages)))


def left_out(body: dict[str, object], model: str, notes: Notes) -> None:
    """Take out of the body what the API does not know, and call the seed what it calls it."""
    for name in UNKNOWN:
        if name in body:
            del body[name]
            notes.dropped(_FIELDS.get(name, name), "This provider refuses what it does not know.")
    if body.get("logprobs"):
        del body["logprobs"]
        notes.dropped("logprobs", "This provider refuses what it does not know.")
    if "seed" in body and is_theirs(model):
        body["random_seed"] = body.pop("seed")


def _odd(part: Part) -> bool:
    id = part.id if isinstance(part, ToolCall) else part.call_id if isinstance(part, ToolResult) else None
    return id is not None and not _ID.fullmatch(id)


def _message(message: Message) -> Message:
    if not any(map(_odd, message.parts)):
        return message
    return msgspec.structs.replace(message, parts=tuple(map(_part, message.parts)))


def _part(part: Part) -> Part:
    if not _odd(part):
        return part
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, id=_short(part.id))
    assert isinstance(part, ToolResult)
    return msgspec.structs.replace(part, call_id=_short(part.call_id))


def _short(id: str) -> str:
    return hashlib.blake2b(id.encode(errors="surrogatepass"), digest_size=5).hexdigest()[:9]
