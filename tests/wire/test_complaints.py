"""What providers say of errors, in whatever page it comes."""

from __future__ import annotations

import pytest

from meshwright.wire import CODECS
from meshwright.wire.complaints import LONGEST, headline, plain


@pytest.mark.parametrize("piece", [b"<", b"<script>", b"<script ", b"<title>", b"<title"], ids=bytes.decode)
@pytest.mark.parametrize("dialect", CODECS)
def test_a_page_that_never_closes_its_marks_is_read_in_one_go(dialect: str, piece: bytes):
    read = CODECS[dialect].decode_error(502, piece * 250_000, None)
    assert read.status == 502
    assert len(read.message) <= LONGEST + 100


def test_a_page_is_told_by_its_words_and_its_title():
    page = "<HTML><title lang=en>502 Bad\nGateway</title ><style>p{}</style><p>It is <b>5 < 6</b></p><script>x() && y<z"
    assert plain(page.encode()) == "502 Bad Gateway It is 5 < 6"
    assert headline(page) == "502 Bad Gateway"
    assert headline("<p>It is <b>5</b></p>") == "It is 5"
