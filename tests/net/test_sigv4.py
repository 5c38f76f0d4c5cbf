"""Signatures are those that AWS publishes for its test suite, and those of its own Python client."""

from __future__ import annotations

import datetime as dt

import pytest
from botocore import auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from meshwright.net.sigv4 import sign
from meshwright.types.errors import InvalidRequest
from meshwright.wire.bedrock_converse.address import path as path_of

# The example credentials of AWS's documentation: they open nothing.
ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SUITE_TIME = 1440938160.0  # 2015-08-30T12:36:00Z
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthA"
    "x7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q"
    "6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
SLASH = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
FORM = "application/x-www-form-urlencoded"
# name: method, path with query, headers, body, signature
SUITE = {
    "get-vanilla": ("GET", "/", [], b"", SLASH),
    "get-vanilla-empty-query-key": (
        "GET", "/?Param1=value1", [], b"", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    "get-utf8": ("GET", "/ሴ", [], b"", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    "get-relative": ("GET", "/example/..", [], b"", SLASH),
    "get-relative-relative": ("GET", "/example1/example2/../..", [], b"", SLASH),
    "get-slash": ("GET", "//", [], b"", SLASH),
    "get-slash-dot-slash": ("GET", "/./", [], b"", SLASH),
    "get-slashes": (
        "GET", "//example//", [], b"", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    "get-slash-pointless-dot": (
        "GET", "/./example", [], b"", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    ),
    "get-header-key-duplicate": (
        "GET", "/", [("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")], b"",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    "get-header-value-order": (
        "GET", "/", [("My-Header1", f"value{n}") for n in (4, 1, 3, 2)], b"",
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    "get-header-value-trim": (
        "GET", "/", [("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')], b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-vanilla": ("POST", "/", [], b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-vanilla-query": (
        "POST", "/?Param1=value1", [], b"", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    ),
    "post-header-key-sort": (
        "POST", "/", [("My-Header1", "value1")], b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        "POST", "/", [("My-Header1", "VALUE1")], b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-x-www-form-urlencoded": (
        "POST", "/", [("Content-Type", FORM), ("Content-Length", "13")], b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "post-x-www-form-urlencoded-parameters": (
        "POST", "/", [("Content-Type", f"{FORM}; charset=utf8"), ("Content-Length", "13")], b"Param1=value1",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SUITE)
def test_the_signature_is_the_one_of_the_published_suite(name: str) -> None:
    method, path, headers, body, signature = SUITE[name]
    added = sign(
        method, f"https://example.amazonaws.com{path}", headers, body, access_key=ACCESS, secret_key=SECRET,
        region="us-east-1", service="service", now=SUITE_TIME,
    )  # fmt: skip
    names = sorted({"host", "x-amz-date", *(one.lower() for one, _ in headers)} - {"content-length"})
    assert dict(added) == {
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}",
    }


def test_a_session_token_is_sent_and_signed() -> None:
    added = dict(
        sign(
            "POST", "https://example.amazonaws.com/", [], b"",
            access_key=ACCESS, secret_key=SECRET, session_token=TOKEN,
            region="us-east-1", service="service", now=SUITE_TIME,
        )
    )  # fmt: skip
    assert added["x-amz-security-token"] == TOKEN
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in added["authorization"]
    assert added["authorization"].endswith("85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")


def test_an_address_that_cannot_be_called_is_not_signed() -> None:
    with pytest.raises(InvalidRequest):
        sign("POST", "ftp://x/", [], b"", access_key="a", secret_key="b", region="r", service="s", now=0.0)


visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,9}", fullmatch=True).filter(
    lambda name: name.lower() not in {"host", "date", "content-length", "authorization", "x-amz-date"}
)
values = st.text(visible | st.just(" "), max_size=12)
segments = st.text(st.sampled_from("abz09-._~%3AF()!*'@:$,;=+&"), max_size=6)
queries = st.lists(
    st.tuples(st.text(st.sampled_from("abAB1%20"), max_size=4), st.text("ab%3D", max_size=4)), max_size=3
)
models = st.sampled_from(
    [
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123",
        "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ:2",
    ]
)
model_paths = st.builds(path_of, models, st.booleans())


@settings(deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    host=st.sampled_from(["bedrock-runtime.eu-west-1.amazonaws.com", "127.0.0.1:8080", "example.org:8443"]),
    path=model_paths | st.lists(segments, max_size=4).map(lambda some: "/" + "/".join(some)),
    query=queries,
    headers=st.lists(st.tuples(names, values), max_size=4, unique_by=lambda one: one[0].lower()),
    body=st.binary(max_size=64),
    token=st.just("") | st.text(visible, min_size=1, max_size=20),
    secret=st.text(visible, min_size=1, max_size=40),
    region=st.sampled_from(["us-east-1", "eu-west-1"]),
    now=st.integers(0, 4_000_000_000),
)
def test_the_signature_is_the_one_of_the_official_client(
    method, host, path, query, headers, body, token, secret, region, now
) -> None:
    url = f"https://{host}{path}"
    if query:
        url += "?" + "&".join(f"{name}={value}" for name, value in query)
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    official = SigV4Auth(Credentials(ACCESS, secret, token or None), "bedrock", region)
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    known = auth.get_current_datetime
    auth.get_current_datetime = lambda *_: at.replace(tzinfo=None)
    try:
        official.add_auth(request)
    finally:
        auth.get_current_datetime = known
    added = dict(
        sign(
            method, url, headers, body, access_key=ACCESS, secret_key=secret, session_token=token, region=region,
            service="bedrock", now=float(now),
        )
    )  # fmt: skip
    assert added["authorization"] == request.headers["Authorization"]
    assert added["x-amz-date"] == request.headers["X-Amz-Date"]
    assert added.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")
