"""Errors of the Gemini API, written and read."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.types.errors import InvalidRequest, LimitReached
from meshwright.wire.gemini import DIALECT


def test_errors_are_written_as_the_api_writes_them() -> None:
    body = msgspec.json.decode(DIALECT.encode_error(InvalidRequest("It is wrong.", field="contents", fix="Mend it.")))
    assert (body["error"]["code"], body["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert body["error"]["message"] == "contents: It is wrong. Mend it."
    kinds = {detail["@type"].rpartition(".")[2]: detail for detail in body["error"]["details"]}
    assert kinds["ErrorInfo"]["reason"] == "invalid_request"
    assert kinds["BadRequest"]["fieldViolations"][0]["field"] == "contents"
    limited = msgspec.json.decode(DIALECT.encode_error(LimitReached("Too much.", retry_after=1.5)))
    assert limited["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert limited["error"]["details"][1]["retryDelay"] == "1.5s"


def said(message: str, kind: str, **detail: str) -> bytes:
    details = [{"@type": f"type.googleapis.com/google.rpc.{kind}", **detail}]
    return msgspec.json.encode({"error": {"message": message, "details": details}})


@pytest.mark.parametrize(
    ("status", "body", "words", "code", "ours"),
    [
        (400, b'{"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}}', "Bad", "INVALID_ARGUMENT", 400),
        (503, b'[{"error":{"code":503,"message":"Busy","status":"UNAVAILABLE"}}]', "Busy", "UNAVAILABLE", 503),
        (
            400,
            said("API key not valid.", "ErrorInfo", reason="API_KEY_INVALID"),
            "API key not valid.",
            "upstream_auth",
            502,
        ),
        (
            400,
            b'{"error":{"message":"The input token count (9) exceeds the maximum number of tokens allowed (5)."}}',
            "The input token count (9) exceeds the maximum number of tokens allowed (5).",
            "context_length_exceeded",
            400,
        ),
        (500, b"<html><body>Oh <b>no</b></body></html>", "Oh no", "upstream_error", 500),
        (500, b"", "The provider answered with status 500 and no words.", "upstream_error", 500),
    ],
)
def test_errors_of_any_shape_are_read(status: int, body: bytes, words: str, code: str, ours: int) -> None:
    error = DIALECT.decode_error(status, body, None)
    assert (error.message, error.code, error.status) == (words, code, ours)


def test_the_time_to_wait_is_read_from_the_details() -> None:
    body = said("Slow", "RetryInfo", retryDelay="34.5s")
    assert DIALECT.decode_error(429, body, None).retry_after == 34.5
    assert DIALECT.decode_error(429, body, 3.0).retry_after == 3.0
