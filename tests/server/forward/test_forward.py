"""The rest of OpenAI's API is passed on as it is: bytes survive both ways, and nothing of the client's leaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gateway import Gateway
from tests.server.forward.asking import FORM, FORWARDED, SECRET, asked, said, trace
from tests.server.upstream import RESPONSE, answer, chunked, form, json_answer


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


def test_tokens_of_a_response_are_counted_by_its_provider_where_it_has_responses_and_here_where_not(
    gateway: Gateway, upstreams
):
    first, second = upstreams
    count = b'{"object": "response.input_tokens", "input_tokens": 11}'
    first.answer = second.answer = json_answer(count)
    line, kind = "POST /v1/responses/input_tokens", "content-type: application/json"
    body = b'{"model": "%s", "input": "How many are these?"}'
    told = asked(gateway, line, body % b"vec", kind)
    assert (told.status, told.body) == (200, count)
    assert first.last().line == "POST /deep/v1/responses/input_tokens HTTP/1.1"
    for name in (b"second/other", b"claude/opus", b"auto"):
        told = asked(gateway, line, body % name, kind)
        assert (told.status, told.json()["object"]) == (200, "response.input_tokens"), name
        assert (5 < told.json()["input_tokens"] < 25, told.headers["x-mesh-estimated"]) == (True, "true")
    assert not [*first.got, *second.got]
    assert asked(gateway, line, body % b"second/other", kind, "x-mesh-provider: second").body == count
