"""Counting a request with the tokenizers of the models that may answer it, before it is decided who does.

Only where a tokenizer is configured for one of them and something depends on the length: an estimate of cost, a window
or a price tier that is near, a limit of the caller's. A short text is counted at once (up to a quarter of a
millisecond), a longer one, or the first one, in a thread, so that nobody else waits. What takes longer than `PATIENCE`
is estimated instead, and its tokenizer is not asked again, unless most of that time went by before a thread was free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic

import msgspec

from meshwright.catalog.exact.tokenizer import MOST, Tokenizer
from meshwright.catalog.media.rules import tokens as media_tokens
from meshwright.catalog.tokens import family
from meshwright.kernel.decide import meant
from meshwright.kernel.snapshot import Snapshot
from meshwright.routing.features import BYTES_PER_TOKEN, features
from meshwright.routing.reading import read, texts, unread
from meshwright.routing.route import length_counts
from meshwright.types.errors import UnknownModel
from meshwright.types.model import Model
from meshwright.types.request import Request

PATIENCE = 10.0
"""Seconds that a request waits for the file to be read and its texts to be counted."""
TOO_SLOW = f"it took more than {PATIENCE:.0f} s"
_NONE: Mapping[str, int] = {}


async def counted(snapshot: Snapshot, request: Request, asked: str, limited: bool) -> Mapping[str, int]:
    """Tokens of the request by the tokenizers that count for the models that `asked` means.

    `limited`: the caller has limits, so the length counts in any case. Never raises for a tokenizer's sake.
    """
    try:
        policy, models = meant(snapshot, asked)
    except UnknownModel:
        return _NONE  # whoever decides says so
    keys = {one.tokenizer for one in models if one.tokenizer}
    if not keys:
        return _NONE
    found = texts(request)
    size = sum(map(len, found))
    if not limited and request.max_cost is None:
        most = size if all(map(str.isascii, found)) else 4 * size
        if not length_counts(policy, models, most, request.max_tokens):
            return _NONE
    tokens = {}
    for key in sorted(keys):
        if (count := await _count(snapshot.tokenizers.named[key], request, found)) is not None:
            tokens[key] = count
    return tokens


async def _count(tokenizer: Tokenizer, request: Request, found: Sequence[str]) -> int | None:
    """The count of these texts by one tokenizer, what it does not see estimated; None where there is none to be had."""
    size = sum(map(len, found))
    if size > MOST or tokenizer.trouble:
        return None
    if tokenizer.prompt(size):
        count = tokenizer.count(found, request.messages)
    else:
        began: list[float] = []

        def count_it() -> int | None:
            began.append(monotonic())
            return tokenizer.count(found, request.messages)

        try:
            count = await asyncio.wait_for(asyncio.to_thread(count_it), PATIENCE)
        except TimeoutError:
            # Where all threads were taken, it is not the tokenizer that was slow.
            if began and monotonic() - began[0] > PATIENCE / 2:
                tokenizer.give_up(TOO_SLOW)
            return None
    return None if count is None else count + unread(request) // BYTES_PER_TOKEN


async def input_tokens(snapshot: Snapshot, request: Request) -> tuple[int, str]:
    """Tokens of the request for the model that it names, and the name of the file they were counted with.

    "" in its place: they are estimated, by what was observed of the model or by what is usual for its family. A name
    that means several models, or none that is known, is estimated by itself.
    """
    model = _model(snapshot, request.model)
    name = model.upstream if model is not None else request.model
    seen = features(request, tasks=False, tokenizer=family(name))
    pictures = media_tokens(name, seen.media)
    if model is not None and model.tokenizer:
        tokenizer = snapshot.tokenizers.named[model.tokenizer]
        if (count := await _count(tokenizer, request, texts(request))) is not None:
            return count + pictures, tokenizer.name
    if model is not None and "reading" in model.claims:
        return read(msgspec.structs.replace(model, tokenizer=""), features(request, tasks=False)), ""
    return seen.input_tokens - seen.media_tokens + pictures, ""


def _model(snapshot: Snapshot, asked: str) -> Model | None:
    policy = snapshot.names.get(asked)
    if policy is None:
        return snapshot.card(asked)
    return snapshot.card(policy.pool[0]) if policy.named and policy.pool else None
