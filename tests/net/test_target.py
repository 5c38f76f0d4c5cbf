"""Addresses are read as RFC 3986 writes them, or refused."""

from __future__ import annotations

import pytest

from meshwright.net.target import parse_url
from meshwright.types.errors import InvalidRequest


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org", ("http", "example.org", 80, "example.org", "/")),
        ("HTTPS://Example.ORG:443/v1?a=1#x", ("https", "example.org", 443, "example.org", "/v1?a=1")),
        ("http://localhost:8000/v1/", ("http", "localhost", 8000, "localhost:8000", "/v1/")),
        ("https://[2001:DB8::1]:8443/a", ("https", "2001:db8::1", 8443, "[2001:db8::1]:8443", "/a")),
        ("http://b\xfccher.example/", ("http", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/")),
        ("http://example.org?q", ("http", "example.org", 80, "example.org", "/?q")),
        ("http://a_b.svc.local/%2f%0a", ("http", "a_b.svc.local", 80, "a_b.svc.local", "/%2f%0a")),
    ],
)
def test_an_address_is_taken_apart(url: str, expected: tuple[str, str, int, str, str]) -> None:
    target = parse_url(url)
    assert (target.scheme, target.host, target.port, target.authority, target.path) == expected
    assert parse_url(target.url) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://exa mple.org/",
        "http://example.org\\@evil.example/",
        "http://evil.example\t/",
        "http://example.org:0/",
        "http://example.org:port/",
        "http://exa%6dple.org/",
        "http://[::1%25eth0]/",
        "http://[nonsense]/",
        "http://" + "a" * 300 + "/",
        "http://" + "\xfc" * 100 + "/",
        "javascript:alert(1)",
        "//example.org/",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as failure:
        parse_url(url, field="image_url")
    assert failure.value.field == "image_url"
