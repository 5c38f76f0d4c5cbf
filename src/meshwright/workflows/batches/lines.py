"""The lines of a batch's files: what goes in, and what comes out.

Sources: https://platform.openai.com/docs/api-reference/batch (request input, request output) and
https://docs.anthropic.com/en/api/creating-message-batches (results).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

URLS = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings")
"""What a row of OpenAI's kind may ask for."""
LONGEST = 16 * 1024 * 1024
"""Bytes of a line."""
MOST_ROWS = 100_000
MOST_PROBLEMS = 20
_LONGEST_ID = 512


class _Line(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: Raw


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the input; `line` counts from 1."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


_LINE: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)


def read_rows(lines: Iterable[bytes], endpoint: str) -> tuple[list[tuple[str, bytes]], list[Problem]]:
    """(custom id and body of each request, what is wrong). With a problem nothing is to be run."""
    rows: list[tuple[str, bytes]] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    try:
        for n, line in enumerate(lines, 1):
            if n > MOST_ROWS:
                problems.append(Problem(code="too_many_requests", message=f"A batch has up to {MOST_ROWS} requests."))
            elif isinstance(found := _row(line, n, endpoint, seen), Problem):
                problems.append(found)
            else:
                rows.append(found)
            if n > MOST_ROWS or len(problems) >= MOST_PROBLEMS:
                break
    except ValueError as error:
        problems.append(Problem(code="line_too_long", message=f"The file cannot be read: {error}."))
    if not rows and not problems:
        problems.append(Problem(code="empty_file", message="The file has no request."))
    return rows, problems


def _row(line: bytes, n: int, endpoint: str, seen: set[str]) -> tuple[str, bytes] | Problem:
    try:
        found = _LINE.decode(line)
    except msgspec.ValidationError as error:
        return Problem(code="invalid_request", message=f"{error}.", line=n)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem(code="invalid_json_line", message=f"This line is not a JSON object: {error}.", line=n)
    if not 0 < len(found.custom_id) <= _LONGEST_ID:
        return Problem(code="invalid_custom_id", message=f"1 to {_LONGEST_ID} characters.", line=n, param="custom_id")
    if found.custom_id in seen:
        return Problem(code="duplicate_custom_id", message="Another line has this id.", line=n, param="custom_id")
    if found.method != "POST":
        return Problem(code="invalid_method", message="The method is POST.", line=n, param="method")
    if found.url != endpoint:
        return Problem(code="mismatched_url", message=f"The batch is for {endpoint}.", line=n, param="url")
    seen.add(found.custom_id)
    return found.custom_id, bytes(found.body)


def openai_line(batch: str, n: int, custom_id: str, status: int, request_id: str, body: bytes) -> bytes:
    """The line of a request that was answered, whatever the answer's status."""
    response = {"status_code": status, "request_id": request_id, "body": Raw(body)}
    return _openai(batch, n, custom_id, response, None)


def openai_unanswered(batch: str, n: int, custom_id: str, state: str) -> bytes:
    """The line of a request that was not run: the batch has expired, or was cancelled."""
    said = {
        "expired": "This request could not be run before the completion window ended.",
        "cancelled": "The batch was cancelled before this request was run.",
    }[state]
    return _openai(batch, n, custom_id, None, {"code": f"batch_{state}", "message": said})


def _openai(batch: str, n: int, custom_id: str, response: object, error: object) -> bytes:
    id = f"batch_req_{batch.rpartition('_')[2]}_{n}"
    return msgspec.json.encode({"id": id, "custom_id": custom_id, "response": response, "error": error}) + b"\n"


def anthropic_line(custom_id: str, good: bool, body: bytes) -> bytes:
    """The line of a request that was answered with a message, or with an error as Anthropic says it."""
    kind = {"type": "succeeded", "message": Raw(body)} if good else {"type": "errored", "error": Raw(body)}
    return msgspec.json.encode({"custom_id": custom_id, "result": kind}) + b"\n"


def anthropic_unanswered(custom_id: str, state: str) -> bytes:
    """The line of a request that was not run."""
    kind = {"expired": "expired", "cancelled": "canceled"}[state]
    return msgspec.json.encode({"custom_id": custom_id, "result": {"type": kind}}) + b"\n"
