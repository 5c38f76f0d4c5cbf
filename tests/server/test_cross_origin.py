"""Pages of welcome origins may ask from a browser; others get nothing that their browsers would give them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.gateway import Gateway

KEY = "sk-pages-0123456789abcdef"
PAGE = "https://app.example.com"
BODY = json.dumps({"model": "builtin/echo", "messages": [{"role": "user", "content": "hi"}]}).encode()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One with keys, and one origin that is welcome."""
    toml = f'[server]\nauth = "keys"\ncors_origins = ["{PAGE}"]\n'
    with Gateway(tmp_path_factory.mktemp("pages"), toml, key=KEY) as running:
        yield running


def given(headers: dict[str, str]) -> str:
    """The origin that a browser would let read the answer."""
    return headers.get("access-control-allow-origin", "")


def test_a_browser_that_asks_beforehand_is_told_that_its_page_may(gateway: Gateway) -> None:
    wanted = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}
    for path in ("/v1/chat/completions", "/v1/nowhere"):
        status, headers, body = gateway.call(path, None, {"origin": PAGE, **wanted}, method="OPTIONS")
        assert (status, body, given(headers)) == (204, b"", PAGE)
        assert headers["access-control-allow-headers"] == "authorization, content-type"
        assert headers["access-control-allow-methods"] == "POST"


@pytest.mark.parametrize("more", [{}, {"stream": True}])
def test_the_page_may_read_answers_and_what_they_tell_of_themselves(gateway: Gateway, more: dict[str, bool]) -> None:
    body = json.dumps({**json.loads(BODY), **more}).encode()
    status, headers, _ = gateway.call("/v1/chat/completions", body, {"origin": PAGE})
    assert (status, given(headers), headers["access-control-expose-headers"]) == (200, PAGE, "*")
    assert headers["vary"] == "origin"


def test_the_page_may_read_why_it_was_refused(gateway: Gateway) -> None:
    status, headers, _ = gateway.call("/v1/chat/completions", BODY, {"origin": PAGE, "authorization": "Bearer no"})
    assert (status, given(headers)) == (401, PAGE)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{PAGE}.evil.example", PAGE.upper()])
def test_pages_of_other_origins_are_not_given_leave(gateway: Gateway, origin: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    status, headers, _ = gateway.call("/v1/chat/completions", None, asked, method="OPTIONS")
    assert (status, given(headers)) == (405, "")
    assert given(gateway.call("/v1/chat/completions", BODY, {"origin": origin})[1]) == ""
