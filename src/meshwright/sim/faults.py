"""What can go wrong at a provider: one function each, listed in `FAULTS`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec

from meshwright.sim.exchange import Exchange, Pretended
from meshwright.sim.frames import SEPARATORS, Frame
from meshwright.sim.upstream import Fault

STALL_SECONDS = 3600.0
SLOW_SECONDS = 0.05
EVENTS = "text/event-stream"
HUGE_BYTES = 32 * 1024 * 1024

_TEXT_END = re.compile(rb"\}(\s*)$")
_BINARY_END = re.compile(rb"\}(.{4})$", re.DOTALL)  # a checksum follows, which is wrong then
_TOO_LONG = {
    "bedrock_converse": "Input is too long for requested model.",
    "gemini": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "anthropic_messages": "prompt is too long: 210000 tokens > 200000 maximum",
}
_TOO_LONG_ELSEWHERE = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. "
    "Please reduce the length of the messages."
)


class Spoiler(msgspec.Struct, frozen=True):
    """A fault's function, and a sentence that says what the client meets."""

    does: Callable[[Exchange, Fault], Awaitable[None]]
    sentence: str


async def _status(
    exchange: Exchange, fault: Fault, status: int, code: str, words: str, wait: float | None = None
) -> None:
    await exchange.latency()
    retry_after = wait if fault.retry_after is None else fault.retry_after
    await exchange.error(Pretended(words, status, code), None if (retry_after or 0) < 0 else retry_after)


async def _context_length(exchange: Exchange, fault: Fault) -> None:
    words = _TOO_LONG.get(exchange.upstream.dialect, _TOO_LONG_ELSEWHERE)
    await _status(exchange, fault, 400, "context_length_exceeded", words)


async def _reset_before_head(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    await exchange.reset()


async def _close_before_head(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    exchange.spent = True


async def _reset_mid(exchange: Exchange, fault: Fault) -> None:
    await _first_half(exchange, fault)
    await exchange.reset()


async def _cut_mid(exchange: Exchange, fault: Fault) -> None:
    await _first_half(exchange, fault)
    exchange.spent = True


async def _stall_before_head(exchange: Exchange, fault: Fault) -> None:
    await exchange.link.sleep(exchange.fault_seconds(fault, STALL_SECONDS))
    await exchange.as_planned()


async def _stall_after_head(exchange: Exchange, fault: Fault) -> None:
    await exchange.latency()
    await exchange.begin()
    await exchange.link.sleep(exchange.fault_seconds(fault, STALL_SECONDS))
    await exchange.frames(exchange.plan.frames)
    await exchange.finish()


async def _stall_mid(exchange: Exchange, fault: Fault) -> None:
    rest = await _first_half(exchange, fault)
    await exchange.link.sleep(exchange.fault_seconds(fault, STALL_SECONDS))
    await exchange.frames(rest, first=False)
    await exchange.finish()


async def _stall_cut(exchange: Exchange, fault: Fault) -> None:
    await _first_half(exchange, fault)
    await exchange.link.sleep(exchange.fault_seconds(fault, STALL_SECONDS))
    exchange.spent = True


async def _slow_head(exchange: Exchange, fault: Fault) -> None:
    await exchange.latency()
    plan = exchange.plan
    length = None if plan.stream else sum(len(frame.data) for frame in plan.frames)
    for byte in exchange.head(200, (("content-type", plan.media_type),), length):
        await exchange.send(bytes((byte,)))
        await exchange.link.sleep(exchange.fault_seconds(fault, SLOW_SECONDS))
    await exchange.frames(plan.frames)
    await exchange.finish()


async def _slow_stream(exchange: Exchange, fault: Fault) -> None:
    await exchange.latency()
    await exchange.begin()
    for frame in exchange.plan.frames:
        await exchange.link.sleep(exchange.fault_seconds(fault, SLOW_SECONDS))
        await exchange.frames((frame,), first=False)
    await exchange.finish()


async def _dribble(exchange: Exchange, fault: Fault) -> None:
    await exchange.latency()
    await exchange.begin()
    for byte in b"".join(frame.data for frame in exchange.plan.frames):
        await exchange.send(exchange.framed(bytes((byte,))))
        await exchange.link.sleep(exchange.fault_seconds(fault, 0.0))
    await exchange.finish()


async def _truncated(exchange: Exchange, _: Fault) -> None:
    """The half of an event in the middle is the last that comes; HTTP says that this is all."""
    frames = exchange.plan.frames
    middle = len(frames) // 2
    await _changed(exchange, (*frames[:middle], Frame(frames[middle].data[: len(frames[middle].data) // 2])))


async def _no_end_mark(exchange: Exchange, _: Fault) -> None:
    await _changed(exchange, exchange.plan.frames[:-1])


async def _cut_end(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    await exchange.begin()
    await exchange.frames(exchange.plan.frames[:-1])
    exchange.spent = True


async def _error_event(exchange: Exchange, fault: Fault) -> None:
    if not exchange.plan.stream:
        await exchange.whole(200, exchange.dialect.encode_error(_OVERLOADED))
        return
    await _first_half(exchange, fault)
    assert exchange.seen.request is not None
    await exchange.send(exchange.framed(exchange.dialect.stream_encoder(exchange.seen.request).fail(_OVERLOADED)))
    await exchange.finish()


async def _malformed_json(exchange: Exchange, _: Fault) -> None:
    """The body of an answer, or the data of one event: JSON that breaks off in a string."""
    frames = list(exchange.plan.frames)
    middle = len(frames) // 2
    if exchange.plan.stream:
        end = _TEXT_END if exchange.dialect.event_stream in SEPARATORS else _BINARY_END
        frames[middle] = Frame(end.sub(rb',"oops: \1', frames[middle].data))
    else:
        frames = [Frame(b"".join(frame.data for frame in frames)[:-1] + b',"oops: ')]
    await _changed(exchange, frames)


async def _malformed_event(exchange: Exchange, _: Fault) -> None:
    frames = list(exchange.plan.frames)
    frames.insert(len(frames) // 2, Frame(b"data {no colon, no JSON\ndata: <<<\n\n"))
    await _other_events(exchange, frames)


async def _broken_event(exchange: Exchange, fault: Fault) -> None:
    """Nothing of the answer is missing; one event more begins like its neighbours and breaks off in its JSON."""
    frames = list(exchange.plan.frames)
    at = _place(frames, fault.after)
    cut = frames[at].data.rfind(b":")
    frames.insert(at, Frame(frames[at].data[: max(cut, 0)] + b":\n\n"))
    await _other_events(exchange, frames, EVENTS)


async def _malformed_chunk(exchange: Exchange, fault: Fault) -> None:
    """Streams break in HTTP's own framing; an answer in one piece is shorter than its length says."""
    await _first_half(exchange, fault)
    if exchange.plan.stream:
        await exchange.send(b"zz\r\nnot a chunk\r\n")
    exchange.spent = True


async def _invalid_utf8(exchange: Exchange, _: Fault) -> None:
    frames = [Frame(frame.data.replace(b"e", b"\xff\xfe", 1)) for frame in exchange.plan.frames]
    await _changed(exchange, frames)


async def _wrong_content_type(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    await exchange.begin("text/plain")
    await exchange.frames(exchange.plan.frames)
    await exchange.finish()


async def _html_page(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    page = (
        b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    )
    await exchange.whole(502, page, (("content-type", "text/html; charset=utf-8"),))


async def _html_ok(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to the network.</body></html>"
    await exchange.whole(200, page, (("content-type", "text/html; charset=utf-8"),))


async def _empty_body(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    await exchange.whole(200, b"", (("content-type", exchange.plan.media_type),))


async def _huge_body(exchange: Exchange, fault: Fault) -> None:
    """One event or one JSON string that does not end for `size` bytes; it is made while it is sent."""
    size = HUGE_BYTES if fault.size is None else fault.size
    await exchange.latency()
    opening = b'data: {"x":"' if exchange.plan.stream else b'{"x":"'
    closing = b'"}\n\n' if exchange.plan.stream else b'"}'
    await exchange.send(exchange.head(200, (("content-type", exchange.plan.media_type),), None))
    await exchange.send(exchange.framed(opening))
    while size > 0:
        piece = b"x" * min(size, 65_536)
        size -= len(piece)
        await exchange.send(exchange.framed(piece))
    await exchange.send(exchange.framed(closing))
    await exchange.finish()


async def _redirect(exchange: Exchange, _: Fault) -> None:
    await exchange.latency()
    await exchange.whole(302, b"", (("location", "http://169.254.169.254/latest/meta-data/"),))


async def _close_connection(exchange: Exchange, _: Fault) -> None:
    await exchange.as_planned()
    exchange.spent = True


async def _duplicate_events(exchange: Exchange, _: Fault) -> None:
    await _other_events(exchange, [frame for frame in exchange.plan.frames for _ in range(2)])


async def _disordered_events(exchange: Exchange, _: Fault) -> None:
    """Neighbours change places, so that nothing comes where it belongs."""
    frames = list(exchange.plan.frames)
    for place in range(0, len(frames) - 1, 2):
        frames[place], frames[place + 1] = frames[place + 1], frames[place]
    await _other_events(exchange, frames)


async def _comments(exchange: Exchange, _: Fault) -> None:
    alive = Frame(b": still working\n\n")
    await _other_events(exchange, [each for frame in exchange.plan.frames for each in (alive, frame)], EVENTS)


async def _crlf(exchange: Exchange, _: Fault) -> None:
    ended = [Frame(frame.data.replace(b"\n", b"\r\n"), frame.token) for frame in exchange.plan.frames]
    await _other_events(exchange, ended, EVENTS)


async def _first_half(exchange: Exchange, fault: Fault) -> tuple[Frame, ...]:
    """Send the head and half of the answer, or as many tokens as the fault says; gives the rest."""
    await exchange.latency()
    await exchange.begin()
    frames = exchange.plan.frames
    at = _place(frames, fault.after)
    await exchange.frames(frames[:at])
    return frames[at:]


def _place(frames: Sequence[Frame], after: int | None) -> int:
    """Where an answer breaks: before the frame that follows so many tokens, or in the middle."""
    if after is None:
        return max(1, len(frames) // 2)
    tokens = [place for place, frame in enumerate(frames) if frame.token]
    return tokens[after] if after < len(tokens) else len(frames) - 1


async def _changed(exchange: Exchange, frames: tuple[Frame, ...] | list[Frame]) -> None:
    """Send other frames than planned, in flawless HTTP."""
    exchange.plan = msgspec.structs.replace(exchange.plan, frames=tuple(frames))
    await exchange.as_planned()


async def _other_events(exchange: Exchange, frames: list[Frame], only: str = "") -> None:
    """Send other events; an answer in one piece, which has none, is sent as it is. `only` in streams of this type."""
    if exchange.plan.stream and only in ("", exchange.dialect.event_stream):
        await _changed(exchange, frames)
    else:
        await exchange.as_planned()


_OVERLOADED = Pretended("The model is overloaded. Please try again later.", 529, "overloaded_error")


def _told(status: int, code: str, words: str, wait: float | None = None) -> Spoiler:
    after = f", with Retry-After: {wait:g}" if wait is not None else ""
    return Spoiler(
        partial(_status, status=status, code=code, words=words, wait=wait),
        f"Status {status} with the dialect's own error body{after}.",
    )


FAULTS: dict[str, Spoiler] = {
    "status_400": _told(400, "invalid_value", "Invalid value for a parameter."),
    "status_401": _told(401, "invalid_api_key", "Incorrect API key provided."),
    "status_403": _told(403, "permission_denied", "Your key may not use this model."),
    "status_404": _told(404, "model_not_found", "The model does not exist or you do not have access to it."),
    "status_408": _told(408, "timeout", "The request took too long to arrive."),
    "status_429": _told(429, "rate_limit_exceeded", "Rate limit reached for requests.", 1.0),
    "insufficient_quota": _told(429, "insufficient_quota", "You exceeded your current quota, please check your plan."),
    "status_500": _told(500, "server_error", "The server had an error while processing your request."),
    "status_502": _told(502, "bad_gateway", "Bad gateway."),
    "status_503": _told(503, "service_unavailable", "The service is unavailable.", 1.0),
    "status_504": _told(504, "gateway_timeout", "Gateway timeout."),
    "status_529": _told(529, "overloaded_error", "Overloaded"),
    "context_length": Spoiler(_context_length, "Status 400 in the words that this dialect uses for too long a prompt."),
    "content_filter": _told(400, "content_policy_violation", "Your request was rejected by our safety system."),
    "reset_before_head": Spoiler(_reset_before_head, "The connection is reset (RST) before any byte of an answer."),
    "close_before_head": Spoiler(_close_before_head, "The connection is closed (FIN) before any byte of an answer."),
    "reset_mid": Spoiler(_reset_mid, "The connection is reset (RST) after half of the answer."),
    "cut_mid": Spoiler(_cut_mid, "The connection is closed (FIN) after half of the answer, which HTTP can tell."),
    "stall_before_head": Spoiler(_stall_before_head, "Nothing comes for `seconds` (an hour), then the answer."),
    "stall_after_head": Spoiler(_stall_after_head, "The head comes, then nothing for `seconds` (an hour)."),
    "stall_mid": Spoiler(_stall_mid, "After half of the answer nothing comes for `seconds` (an hour)."),
    "stall_cut": Spoiler(
        _stall_cut, "After half of the answer nothing comes for `seconds` (an hour), then it is closed."
    ),
    "slow_head": Spoiler(_slow_head, "The head comes byte by byte, one every `seconds` (0.05)."),
    "slow_stream": Spoiler(_slow_stream, "`seconds` (0.05) pass before each event."),
    "dribble": Spoiler(_dribble, "The answer is correct, but each of its bytes is written by itself."),
    "truncated": Spoiler(_truncated, "The body ends in the middle of an event, and HTTP says that it is complete."),
    "no_end_mark": Spoiler(_no_end_mark, "The stream ends cleanly but for the dialect's own end mark."),
    "cut_end": Spoiler(_cut_end, "The connection is cut where only the dialect's own end mark is missing."),
    "error_event": Spoiler(
        _error_event, "After half of the stream an error event ends it (in one piece: 200 with an error)."
    ),
    "malformed_json": Spoiler(_malformed_json, "The body, or the data of one event, is broken JSON."),
    "malformed_event": Spoiler(_malformed_event, "Between the events stands something that is not one."),
    "broken_event": Spoiler(_broken_event, "A correct stream with one event more, whose JSON breaks off."),
    "malformed_chunk": Spoiler(
        _malformed_chunk, "After half of the stream a chunk's size is no number; a body falls short."
    ),
    "invalid_utf8": Spoiler(_invalid_utf8, "The text holds bytes that are not UTF-8."),
    "wrong_content_type": Spoiler(_wrong_content_type, "A correct answer that calls itself text/plain."),
    "html_page": Spoiler(_html_page, "Status 502 with a page of HTML, as a proxy in between makes it."),
    "html_ok": Spoiler(_html_ok, "Status 200 with a page of HTML, as a captive portal makes it."),
    "empty_body": Spoiler(_empty_body, "Status 200 with nothing behind it."),
    "huge_body": Spoiler(_huge_body, "One event, or one JSON string, of `size` bytes (32 MiB)."),
    "redirect": Spoiler(_redirect, "Status 302 to a cloud's metadata address."),
    "close_connection": Spoiler(_close_connection, "A correct answer, then the connection is closed without a word."),
    "duplicate_events": Spoiler(_duplicate_events, "Every event comes twice."),
    "disordered_events": Spoiler(_disordered_events, "Neighbouring events have changed places."),
    "comments": Spoiler(_comments, "A correct stream with an SSE comment before each event."),
    "crlf": Spoiler(_crlf, "A correct stream whose lines end in CR LF."),
}
