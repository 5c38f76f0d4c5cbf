"""What providers say of errors, in whatever page it comes."""

from __future__ import annotations

import pytest

from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.complaints import LONGEST, headline, plain


@pytest.mark.parametrize("piece", [b"<", b"<script>", b"<script ", b"<title>", b"<title"], ids=bytes.decode)
@pytest.mark.parametrize("dialect", CODECS)
def test_a_page_that_never_closes_its_marks_is_read_in_one_go(dialect: str, piece: bytes):
    read = CODECS[dialect].decode_error(502, piece * 250_000, None)
    assert read.status == 502
    assert len(read.message) <= LONGEST + 100


COMPLAINTS = [
    b'{"message": "Zu viele f\xfcr heute", "code": "\xfc", "__type": "\xfc"}',
    b'{"error": "Zu viele f\xfcr heute"}',
    b'{"error": {"message": "Zu viele f\xfcr heute", "type": "\xfc", "status": "\xfc", "details": [{"\xfc": 1}]}}',
    b'{"error": {"\xfc": 1, "message": "Zu viele f\xfcr heute"}}',
    b'{"detail": "Zu viele f\xfcr heute"}',
]


@pytest.mark.parametrize("body", COMPLAINTS)
@pytest.mark.parametrize("dialect", CODECS)
def test_a_complaint_in_another_encoding_is_an_error_with_its_status_all_the_same(dialect: str, body: bytes):
    read = CODECS[dialect].decode_error(429, body, 7.0)
    assert (read.status, read.retry_after) == (429, 7.0)
    assert "Zu viele f" in read.message


def test_code_in_another_encoding_that_the_provider_runs_passes_a_tap():
    block = b'data: {"candidates": [{"content": {"parts": [{"executableCode": {}}, {"text": "\xfc"}]}, '
    block += b'"finishReason": "STOP"}]}\n\n'
    assert CODECS["gemini"].tap(Request(model="m", messages=())).feed(block) == block


def test_a_page_is_told_by_its_words_and_its_title():
    page = "<HTML><title lang=en>502 Bad\nGateway</title ><style>p{}</style><p>It is <b>5 < 6</b></p><script>x() && y<z"
    assert plain(page.encode()) == "502 Bad Gateway It is 5 < 6"
    assert headline(page) == "502 Bad Gateway"
    assert headline("<p>It is <b>5</b></p>") == "It is 5"
