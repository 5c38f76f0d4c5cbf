"""The rest of OpenAI's API is passed on as it is: bytes survive both ways, and nothing of the client's leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshwright.server.endpoints import ENDPOINTS
from meshwright.wire import CODECS
from tests.gateway import Gateway
from tests.server.raw import Told, Wire
from tests.server.upstream import RESPONSE, Upstream, answer, chunked, form, json_answer

KEY = "mesh-test-master-key-0001"
SECRET = "sk-upstream-secret"
FORWARDED = [
    endpoint for endpoint in ENDPOINTS if endpoint.answers == "Forwarded" and endpoint.dialect is CODECS["openai_chat"]
]
FORM = "multipart/form-data; boundary=XX"


@pytest.fixture(scope="module")
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    """Two providers of OpenAI's shape."""
    with Upstream() as first, Upstream() as second:
        yield first, second


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstreams: tuple[Upstream, Upstream]) -> Iterator[Gateway]:
    """Keys are required; the second provider is named for what names nobody, a third has another shape."""
    first, second = upstreams
    toml = f"""
[server]
forward_to = "second"
max_body_mb = 0.05
max_upload_mb = 1
[providers.first]
base_url = "http://127.0.0.1:{first.port}/deep/v1"
key_env = "FIRST_KEY"
models = ["vectors"]
quirks = ["responses"]
between_bytes_seconds = 2
[providers.second]
base_url = "http://127.0.0.1:{second.port}/v1/"
auth = "none"
models = ["other"]
[models."first/vectors"]
upstream = "text-vectors-3"
aliases = ["vec"]
[models."first/vectors".price]
input = 1
output = 1
[providers.claude]
base_url = "http://127.0.0.1:{first.port}"
dialect = "anthropic_messages"
auth = "none"
models = ["opus"]
"""
    with Gateway(tmp_path_factory.mktemp("forward"), toml, {"FIRST_KEY": SECRET}, key=KEY) as running:
        yield running
        assert "Traceback" not in running.log()


@pytest.fixture(autouse=True)
def fresh(upstreams: tuple[Upstream, Upstream]) -> None:
    """No test sees another's."""
    for upstream in upstreams:
        upstream.got = []
        upstream.answer = json_answer(b'{"object": "list"}')
        upstream.hangs = False
        upstream.gone.clear()


def asked(gateway: Gateway, line: str, body: bytes = b"", *headers: str, key: str = KEY) -> Told:
    """One request with just those headers."""
    with Wire(gateway.url) as wire:
        lines = [f"{line} HTTP/1.1", f"host: {wire.name}", *headers]
        if key:
            lines.append(f"authorization: Bearer {key}")
        wire.send(("\r\n".join(lines) + f"\r\ncontent-length: {len(body)}\r\n\r\n").encode("latin-1") + body)
        found = wire.read(bodiless=line.startswith("HEAD"))
    assert found is not None
    return found


def trace(gateway: Gateway, told: Told) -> dict[str, object]:
    """What the ledger keeps of it."""
    status, _, body = gateway.call(f"/v1/decisions/{told.headers['x-mesh-decision']}")
    assert status == 200
    return dict(json.loads(body)["trace"])


def said(told: Told) -> str:
    """The message of an error."""
    return str(told.json()["error"]["message"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_method_path_query_and_bytes_survive_both_ways(gateway: Gateway, upstreams, method: str):
    _, second = upstreams
    sent = b"" if method in ("GET", "HEAD", "DELETE") else b' {"b" : 1.50,\n "a": "\\u00e9", "b2":[ ] } '
    kept = b'{ "odd" : 1.0e2 ,\n"x": "\xc3\xa9"}\n'
    second.answer = json_answer(
        kept, "x-request-id: req_up", "openai-version: 2020", "x-ratelimit-limit-requests: 7", "server: secret",
        "set-cookie: a=b", "x-other: 1", status="201 Created",
    )  # fmt: skip
    if method == "HEAD":
        second.answer = second.answer.removesuffix(kept)
    found = asked(
        gateway, f"{method} /v1/files/file-1%20x/content?a%5B%5D=1&b=%2F&c", sent, "content-type: application/json"
    )
    got = second.last()
    assert got.line == f"{method} /v1/files/file-1%20x/content?a%5B%5D=1&b=%2F&c HTTP/1.1"
    assert got.body == sent
    assert found.status == 201
    assert found.body == (b"" if method == "HEAD" else kept)
    assert found.headers["x-mesh-upstream-id"] == "req_up"
    assert found.headers["openai-version"] == "2020"
    assert found.headers["x-ratelimit-limit-requests"] == "7"
    assert found.headers["x-mesh-model"] == "second"
    assert found.headers["x-request-id"] == found.headers["x-mesh-decision"]
    assert not {"set-cookie", "x-other"} & set(found.headers)
    kept_trace = trace(gateway, found)
    assert (kept_trace["outcome"], kept_trace["status"], kept_trace["served"]) == ("ok", 201, "second")


def test_nothing_of_the_client_but_what_was_asked_reaches_the_provider(gateway: Gateway, upstreams):
    asked(
        gateway, "POST /v1/embeddings", b'{"model": "first/vectors"}', "content-type: application/json",
        "cookie: session=1", "x-mesh-provider: first", "x-forwarded-for: 10.0.0.1", "x-api-key: other",
        "openai-organization: org-client", "user-agent: mine", "openai-beta: new=v2", "accept: a/b",
    )  # fmt: skip
    headers = upstreams[0].last().headers
    assert headers.pop("host") == f"127.0.0.1:{upstreams[0].port}"
    assert headers.pop("authorization") == f"Bearer {SECRET}"
    assert headers == {
        "accept": "a/b",
        "accept-encoding": "identity",
        "user-agent": "meshwright",
        "content-type": "application/json",
        "openai-beta": "new=v2",
        "content-length": "26",
    }


@pytest.mark.parametrize("name", ["first/vectors", "vec", "text-vectors-3"])
def test_the_model_decides_who_gets_it_and_is_called_by_its_own_name(gateway: Gateway, upstreams, name: str):
    body = b'{"input": [ 1, 2.0 ], "model": "%b", "x": {"y" : 1}}' % name.encode()
    upstreams[0].answer = json_answer(b'{"usage": {"prompt_tokens": 8, "total_tokens": 8}}')
    found = asked(gateway, "POST /v1/embeddings", body, "content-type: application/json; charset=utf-8")
    got = upstreams[0].last()
    assert got.line == "POST /deep/v1/embeddings HTTP/1.1"
    assert got.body == b'{"input":[ 1, 2.0 ],"model":"text-vectors-3","x":{"y" : 1}}'
    assert found.headers["x-mesh-model"] == "first/vectors"
    kept = trace(gateway, found)
    assert kept["served"] == "first/vectors"
    assert kept["usage"] == {"input": 8}
    assert kept["cost"] == 8000


def test_a_model_that_nobody_lists_goes_on_by_its_name(gateway: Gateway, upstreams):
    asked(gateway, "POST /v1/embeddings", b'{"model": "unheard-of"}', "content-type: application/json")
    assert upstreams[1].last().body == b'{"model":"unheard-of"}'
    asked(gateway, "POST /v1/embeddings", b'{"model": "first/unheard-of"}', "content-type: application/json")
    assert upstreams[0].last().body == b'{"model":"unheard-of"}'


def test_a_provider_that_has_the_responses_api_gets_its_clients_as_they_are(gateway: Gateway, upstreams):
    upstreams[0].answer = json_answer(RESPONSE)
    body = b'{"model":"vec","previous_response_id":"resp_1","background":true,"odd":{ "x":1.50}}'
    found = asked(gateway, "POST /v1/responses", body, "content-type: application/json")
    assert found.status == 200
    assert found.body == RESPONSE
    got = upstreams[0].last()
    assert got.line == "POST /deep/v1/responses HTTP/1.1"
    assert got.body == body.replace(b"vec", b"text-vectors-3")
    assert trace(gateway, found)["cost"] == 3000


def test_a_response_of_a_stored_prompt_needs_no_model(gateway: Gateway, upstreams):
    upstreams[1].answer = json_answer(RESPONSE)
    found = asked(gateway, "POST /v1/responses", b'{"prompt": {"id": "p"}}', "content-type: application/json")
    assert (found.status, found.body) == (200, RESPONSE)
    assert upstreams[1].last().body == b'{"prompt": {"id": "p"}}'
    assert trace(gateway, found)["usage"] == {"input": 2, "output": 1}


def test_without_somebody_who_knows_the_prompt_the_model_is_missing(plain: Gateway):
    status, _, body = plain.call("/v1/responses", {"prompt": {"id": "p"}})
    assert status == 400
    assert "model" in json.loads(body)["error"]["message"]


def test_the_header_names_a_provider(gateway: Gateway, upstreams):
    assert asked(gateway, "GET /v1/batches", b"", "x-mesh-provider: first").status == 200
    assert upstreams[0].last().line == "GET /deep/v1/batches HTTP/1.1"
    body = b'{"model": "second/other"}'  # a name that means something else there
    asked(gateway, "POST /v1/embeddings", body, "content-type: application/json", "x-mesh-provider: first")
    assert upstreams[0].last().body == b'{"model":"second/other"}'


def test_a_form_is_untouched_but_for_the_name_of_its_model(gateway: Gateway, upstreams):
    asked(gateway, "POST /v1/audio/transcriptions", form(b"whisper-1"), f"content-type: {FORM}")
    got = upstreams[1].last()
    assert got.body == form(b"whisper-1")
    assert got.headers["content-type"] == FORM
    asked(gateway, "POST /v1/audio/transcriptions", form(b"first/vectors"), f"content-type: {FORM}")
    assert upstreams[0].last().body == form(b"text-vectors-3")


def test_a_form_with_two_models_is_refused(gateway: Gateway, upstreams):
    twice = form(b"a", b"--XX\r\ncontent-disposition: form-data; name=model\r\n\r\nfirst/vectors\r\n")
    found = asked(gateway, "POST /v1/audio/transcriptions", twice, f"content-type: {FORM}")
    assert found.status == 400
    assert "more than once" in said(found)
    assert upstreams[0].got == upstreams[1].got == []


def test_binary_answers_arrive_as_they_are(gateway: Gateway, upstreams):
    sound = bytes(range(256)) * 9000
    for reply in (answer(sound, "content-type: audio/mpeg"), chunked([sound, sound], "content-type: audio/mpeg")):
        upstreams[1].answer = reply
        found = asked(gateway, "POST /v1/audio/speech", b"{}", "content-type: application/json")
        assert found.status == 200
        assert found.headers["content-type"] == "audio/mpeg"
        assert found.body == sound * (1 + reply.count(b"chunked"))
        assert trace(gateway, found)["outcome"] == "ok"


def test_a_stream_passes_as_it_comes_and_its_usage_is_heard(gateway: Gateway, upstreams):
    events = [
        b'event: x\r\ndata: {"a" :1}\r\n\r\n',
        b'data: {"type": "done", "us',
        b'age": {"input_tokens": 3, "output_tokens": 4}}\n\n',
    ]
    upstreams[0].answer = chunked(events, "content-type: text/event-stream")
    body = b'{"model": "vec", "stream": true}'
    found = asked(gateway, "POST /v1/images/generations", body, "content-type: application/json")
    assert found.body == b"".join(events)
    assert found.headers["content-type"] == "text/event-stream"
    kept = trace(gateway, found)
    assert (kept["stream"], kept["usage"], kept["cost"]) == (True, {"input": 3, "output": 4}, 7000)


def test_a_stream_that_breaks_says_so_and_never_ends_well(gateway: Gateway, upstreams):
    upstreams[1].answer = chunked([b'data: {"a": 1}\n\n'], "content-type: text/event-stream", end=False)
    found = asked(gateway, "GET /v1/responses/resp_1?stream=true")
    assert found.body.startswith(b'data: {"a": 1}\n\n')
    assert b"upstream_stream_cut" in found.body
    assert trace(gateway, found)["outcome"] == "upstream_stream_cut"


def test_a_file_that_breaks_off_does_not_look_whole(gateway: Gateway, upstreams):
    upstreams[1].answer = answer(b"x" * 2_000_000, "content-type: application/octet-stream", length=3_000_000)
    with Wire(gateway.url) as wire:
        wire.send(
            f"GET /v1/files/f/content HTTP/1.1\r\nhost: {wire.name}\r\nauthorization: Bearer {KEY}\r\n\r\n".encode()
        )
        found = wire.read()
        assert found is not None
        assert found.headers["content-length"] == "3000000"
        assert len(found.body) < 3_000_000
        assert wire.closed()
    assert trace(gateway, found)["outcome"] == "upstream_stream_cut"


def test_sound_of_unknown_length_that_breaks_off_is_told_by_its_trace(gateway: Gateway, upstreams):
    upstreams[1].answer = chunked([b"x" * 70_000], "content-type: audio/mpeg", end=False)
    found = asked(gateway, "POST /v1/audio/speech", b"{}", "content-type: application/json")
    assert found.body == b"x" * 70_000
    assert trace(gateway, found)["outcome"] == "upstream_stream_cut"


def test_when_the_client_leaves_the_provider_is_stopped(gateway: Gateway, upstreams):
    upstreams[1].answer = chunked([b"data: 1\n\n"], "content-type: text/event-stream", end=False)
    upstreams[1].hangs = True
    with Wire(gateway.url) as wire:
        wire.send(f"GET /v1/videos HTTP/1.1\r\nhost: {wire.name}\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
        assert b"200 OK" in wire.more()
    assert upstreams[1].gone.wait(10)


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "429 Too Many Requests", "503 Unavailable"])
def test_the_providers_errors_arrive_as_they_are(gateway: Gateway, upstreams, status: str):
    upstreams[1].answer = json_answer(b'{"error" : {"message":"no"}}', "retry-after: 7", status=status)
    found = asked(gateway, "POST /v1/vector_stores", b"{}", "content-type: application/json")
    assert found.status == int(status[:3])
    assert found.body == b'{"error" : {"message":"no"}}'
    assert found.headers["retry-after"] == "7"
    kept = trace(gateway, found)
    assert (kept["outcome"], kept["status"], kept["cost"]) == ("upstream_error", int(status[:3]), 0)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "302 Found", "307 Temporary Redirect"])
def test_what_is_between_us_and_the_provider_is_a_502(gateway: Gateway, upstreams, status: str):
    upstreams[0].answer = json_answer(b'{"error": {"message": "bad key"}}', "location: http://x.test/", status=status)
    found = asked(gateway, "GET /v1/files", b"", "x-mesh-provider: first")
    assert found.status == 502
    assert SECRET not in found.body.decode()
    assert trace(gateway, found)["status"] == 502


@pytest.mark.parametrize(
    ("path", "scheme"),
    [("/v1/files/../../x", ""), ("/v1/files/%2e%2e/%2E./x", ""), ("/v1/files/..%2f..%2fx", ""), ("/v1/files//x", ""),
     ("/v1/files/a%5C..%5Cb", ""), ("/v1/files/a%0d%0ax:y", ""), ("/v1/files/%00", ""), ("/v1/files/./x", ""),
     ("/v1/files/..;/x", ""), ("/v1/files/a%2f..", "")],
)  # fmt: skip
def test_no_path_leads_out_of_the_providers_address(gateway: Gateway, upstreams, path: str, scheme: str):
    found = asked(gateway, f"GET {path}")
    assert found.status == 400
    assert upstreams[0].got == upstreams[1].got == []


def test_what_looks_like_an_address_is_a_segment(gateway: Gateway, upstreams):
    port = upstreams[1].port
    asked(gateway, "GET /v1/files/http:%2F%2fevil.test")
    asked(gateway, "GET /v1/files/@evil.test")
    asked(gateway, "GET /v1/files/a%252e%252e%3Fq%23f")
    asked(gateway, "GET /v1/files/%C3%A9?x=//evil.test/..")
    assert [got.line.split(" ")[1] for got in upstreams[1].got] == [
        "/v1/files/@evil.test", "/v1/files/a%252e%252e%3Fq%23f", "/v1/files/%C3%A9?x=//evil.test/.."
    ]  # fmt: skip
    assert {got.headers["host"] for got in upstreams[1].got} == {f"127.0.0.1:{port}"}


def test_an_absolute_request_line_is_not_followed(gateway: Gateway, upstreams):
    found = asked(gateway, "GET http://evil.test/v1/files")
    assert found.status in (200, 400)
    for got in upstreams[1].got:
        assert got.line == "GET /v1/files HTTP/1.1"
        assert got.headers["host"] == f"127.0.0.1:{upstreams[1].port}"


@pytest.mark.parametrize("endpoint", FORWARDED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_each_of_them_needs_a_key_and_is_passed_on(gateway: Gateway, upstreams, endpoint):
    method = "POST" if endpoint.method == "ANY" else endpoint.method
    path = endpoint.path.partition("{")[0] + ("some/thing" if "{" in endpoint.path else "")
    assert asked(gateway, f"{method} {path}", key="").status == 401
    assert asked(gateway, f"{method} {path}", key="mesh-wrong").status == 401
    assert upstreams[1].got == []
    assert asked(gateway, f"{method} {path}").status == 200
    assert upstreams[1].last().line == f"{method} {path} HTTP/1.1"


def test_governing_the_providers_account_is_for_the_master_key():
    governed = {endpoint.path.split("/")[2] for endpoint in FORWARDED if endpoint.scope == "*"}
    assert governed == {
        "organization", "projects", "webhook_endpoints", "webhook_event_types", "vaults", "safety", "models"
    }  # fmt: skip
    assert {endpoint.scope for endpoint in FORWARDED} == {"*", "inference"}


@pytest.mark.parametrize(
    ("headers", "body", "status", "words"),
    [
        (("x-mesh-provider: frist",), b"", 404, 'Did you mean "first"'),
        (("x-mesh-provider: builtin",), b"", 404, "builtin"),
        (("x-mesh-provider: claude",), b"", 404, "shape"),
        (("x-mesh-provider: groq",), b"", 404, "GROQ_API_KEY"),
        ((), b'{"model": "claude/opus"}', 404, "shape"),
        ((), b'{"model": "auto"}', 404, "route"),
        ((), b'{"model": "groq/x"}', 404, "GROQ_API_KEY"),
        ((), b'{"model": ', 400, "JSON"),
        ((), b"[1]", 400, "JSON"),
        ((), b"[" * 40_000, 400, "JSON"),
    ],
)
def test_whoever_cannot_get_it_is_named(gateway: Gateway, upstreams, headers, body: bytes, status: int, words: str):
    found = asked(gateway, "POST /v1/embeddings", body, "content-type: application/json", *headers)
    assert found.status == status
    assert words in said(found)
    assert upstreams[0].got == upstreams[1].got == []


def test_without_a_provider_the_error_says_what_to_do(plain: Gateway):
    status, _, body = plain.call("/v1/vector_stores")
    said = json.loads(body)["error"]["message"]
    assert (status, "x-mesh-provider" in said, "forward_to" in said) == (404, True, True)


def test_uploads_may_be_larger_than_other_bodies(gateway: Gateway, upstreams):
    large = form(b"m", b'--XX\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"z" * 900_000 + b"\r\n")
    assert asked(gateway, "POST /v1/files", large, f"content-type: {FORM}").status == 200
    assert upstreams[1].last().body == large
    assert asked(gateway, "POST /v1/files", large + b"z" * 200_000, f"content-type: {FORM}").status == 413
    found = asked(gateway, "POST /v1/embeddings", b'{"a":"' + b"z" * 60_000 + b'"}', "content-type: application/json")
    assert found.status == 413
    assert upstreams[1].got == []


def test_a_wrong_forward_to_is_told_at_the_start(tmp_path: Path):
    gateway = Gateway(tmp_path, '[server]\nforward_to = "opneai"\n')
    done = gateway.run("up", "--port", "0")
    assert done.returncode != 0
    assert 'Did you mean "openai"?' in done.stdout + done.stderr
