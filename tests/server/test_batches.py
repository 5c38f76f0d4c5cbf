"""Batches on our own queue: over any model, through a kill, each row once, as the vendors' own clients see it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from meshwright.sim import Rule, Say, Upstream
from tests.gateway import Gateway
from tests.server.pretend import Pretend

ENDS = {"completed", "failed", "expired", "cancelled"}


@pytest.fixture(scope="module")
def pretend() -> Iterator[Pretend]:
    """Providers that answer at once, after a while, and never well."""
    script = (Rule(say=Say(text="hello")),)
    with Pretend(
        [
            Upstream(name="quick", script=script),
            Upstream(name="slow", latency=0.4, script=script),
        ]
    ) as running:
        yield running


def toml(pretend: Pretend, more: str = "") -> str:
    """Both providers."""
    return "\n".join((more, *(pretend.toml(name) for name in ("quick", "slow"))))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, pretend: Pretend) -> Iterator[Gateway]:
    """One that keeps its own files and batches: nobody else is named."""
    with Gateway(tmp_path_factory.mktemp("batches"), toml(pretend)) as running:
        yield running
        assert "Traceback" not in running.log()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    """OpenAI's own client."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def chat(name: str, model: str, text: str = "hi", **more: Any) -> dict[str, Any]:
    """A line of input."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}


def begun(
    client: openai.OpenAI, lines: list[dict[str, Any]] | bytes, url: str = "/v1/chat/completions", **more: Any
) -> Any:
    """A batch of these lines."""
    data = lines if isinstance(lines, bytes) else b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    file = client.files.create(file=("rows.jsonl", data), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (len(data), "rows.jsonl", "batch")
    asked: Any = {"input_file_id": file.id, "endpoint": url, "completion_window": "24h", **more}
    return client.batches.create(**asked)


def until(client: openai.OpenAI, id: str, good: Callable[[Any], bool] = lambda batch: batch.status in ENDS) -> Any:
    """The batch when it has come so far."""
    deadline = time.monotonic() + 40
    while not good(batch := client.batches.retrieve(id)):
        assert time.monotonic() < deadline, batch
        time.sleep(0.1)
    return batch


def lines(client: openai.OpenAI, id: str | None) -> dict[str, dict[str, Any]]:
    """The lines of a file by custom id; each id is there once."""
    if id is None:
        return {}
    found = [json.loads(line) for line in client.files.content(id).text.splitlines()]
    assert len({line["custom_id"] for line in found}) == len(found)
    return {line["custom_id"]: line for line in found}


def test_a_batch_runs_over_any_model_and_tells_what_failed(client, gateway):
    rows = [
        chat("sum", "builtin/solve", "2 + 2"),
        chat("far", "quick/m"),
        chat("auto", "auto", "3 * 7"),
        chat("nobody", "nobody/m"),
        chat("stream", "quick/m", stream=True),
        {**chat("odd", "quick/m"), "body": {"model": "quick/m"}},
    ]
    made = begun(client, rows, metadata={"team": "blue"})
    assert (made.status, made.metadata) == ("validating", {"team": "blue"})
    batch = until(client, made.id)
    counts = batch.request_counts
    assert (batch.status, counts.total, counts.completed, counts.failed) == ("completed", 6, 3, 3)
    assert batch.created_at <= batch.in_progress_at <= batch.completed_at <= batch.expires_at
    good, bad = lines(client, batch.output_file_id), lines(client, batch.error_file_id)
    assert list(good) == ["sum", "far", "auto"]
    assert "4" in good["sum"]["response"]["body"]["choices"][0]["message"]["content"]
    assert good["far"]["response"]["body"]["choices"][0]["message"]["content"] == "hello"
    assert {name: line["response"]["status_code"] for name, line in bad.items()} == {
        "nobody": 404, "stream": 400, "odd": 400,
    }  # fmt: skip
    assert bad["odd"]["response"]["body"]["error"]["param"] == "messages"
    for line in (*good.values(), bad["nobody"]):
        status, _, told = gateway.call(f"/v1/decisions/{line['response']['request_id']}")
        assert status == 200
        assert json.loads(told)["trace"]["path"] == "batch /v1/chat/completions"


def test_responses_and_embeddings_run_too(client):
    answers = [
        {"custom_id": "r", "method": "POST", "url": "/v1/responses", "body": {"model": "quick/m", "input": "hi"}}
    ]
    first = begun(client, answers, "/v1/responses")
    vectors = [
        {"custom_id": "v", "method": "POST", "url": "/v1/embeddings", "body": {"model": "builtin/embed", "input": "hi"}}
    ]
    second = begun(client, vectors, "/v1/embeddings")
    prompts = [
        {"custom_id": "p", "method": "POST", "url": "/v1/completions", "body": {"model": "quick/m", "prompt": "hi"}}
    ]
    third = begun(client, prompts, "/v1/completions")
    told = lines(client, until(client, first.id).output_file_id)["r"]["response"]["body"]
    assert (told["object"], told["status"]) == ("response", "completed")
    told = lines(client, until(client, second.id).output_file_id)["v"]["response"]["body"]
    assert len(told["data"][0]["embedding"]) == 256
    told = lines(client, until(client, third.id).output_file_id)["p"]["response"]["body"]
    assert (told["object"], bool(told["choices"][0]["text"])) == ("text_completion", True)


ROW = json.dumps(chat("a", "auto")).encode()


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"\n", "empty_file", None),
        (b"{", "invalid_json_line", 1),
        (ROW + b"\n" + ROW, "duplicate_custom_id", 2),
        (json.dumps({**chat("a", "auto"), "url": "/v1/responses"}).encode(), "mismatched_url", 1),
        (json.dumps({**chat("a", "auto"), "method": "GET"}).encode(), "invalid_method", 1),
        (b'{"custom_id": 7}', "invalid_request", 1),
    ],
)  # fmt: skip
def test_a_wrong_file_fails_the_batch_and_nothing_runs(client, data, code, line):
    batch = until(client, begun(client, data).id)
    assert (batch.status, batch.output_file_id, batch.error_file_id) == ("failed", None, None)
    assert [(one.code, one.line) for one in batch.errors.data] == [(code, line)]
    assert batch.failed_at is not None


def test_a_cancelled_batch_keeps_what_was_done_and_names_the_rest(client, pretend):
    made = begun(client, [chat(str(n), "slow/m") for n in range(40)])
    until(client, made.id, lambda batch: batch.request_counts.completed > 0)
    assert client.batches.cancel(made.id).status == "cancelling"
    batch = until(client, made.id)
    good, bad = lines(client, batch.output_file_id), lines(client, batch.error_file_id)
    assert batch.status == "cancelled"
    assert good
    assert bad
    assert {*good, *bad} == {str(n) for n in range(40)}
    assert {line["error"]["code"] for line in bad.values()} == {"batch_cancelled"}
    assert client.batches.cancel(made.id).status == "cancelled", "again it changes nothing"


def test_what_a_batch_cannot_be_is_refused_with_the_field(client):
    file = client.files.create(file=("x.jsonl", b"{}"), purpose="batch")
    asked = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    for field, wrong in (
        ("endpoint", "/v1/images/generations"),
        ("completion_window", "8d"),
        ("completion_window", "soon"),
        ("input_file_id", "file-mesh_" + "0" * 32),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            client.batches.create(**{**asked, field: wrong})
        assert refused.value.param == field


def test_files_and_batches_are_listed_in_pages_and_deleted(client):
    made = [client.files.create(file=(f"{n}.jsonl", b"{}"), purpose="batch").id for n in range(3)]
    page = client.files.list(limit=2, purpose="batch")
    assert [file.id for file in page.data] == made[:0:-1]
    assert page.has_more
    assert [file.id for file in page.get_next_page().data][:1] == made[:1]
    assert [file.id for file in client.files.list(purpose="batch", order="asc", after=made[1]).data][-1] == made[2]
    assert client.files.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made[0])
    ids = [begun(client, [chat("a", "quick/m")]).id for _ in range(3)]
    seen = [batch.id for batch in client.batches.list(limit=2)]
    assert [id for id in seen if id in ids] == ids[::-1]
    assert len(seen) == len({*seen})


def test_what_has_no_provider_and_is_not_ours_is_told_so(client):
    for call in (
        lambda: client.files.retrieve("file-abc"),
        lambda: client.batches.retrieve("batch_abc"),
        lambda: client.files.create(file=("a.txt", b"x"), purpose="assistants"),
    ):
        with pytest.raises(openai.APIStatusError) as refused:
            call()
        assert refused.value.status_code in (404, 502)


def test_a_form_that_is_cut_or_doubled_is_refused(gateway):
    kind = {"content-type": "multipart/form-data; boundary=XX"}
    part = b'--XX\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    for body, said in (
        (part, "cannot be read"),
        (part + part + b"--XX--\r\n", "more than once"),
        (part + b"--XX--", "no file"),
    ):
        status, _, told = gateway.call("/v1/files", body, kind)
        assert (status, said in json.loads(told)["error"]["message"]) == (400, True), told


def test_anthropics_client_runs_messages_on_the_same_queue(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key="none", max_retries=0) as client:
        params: Any = {"model": "quick/m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        wrong: Any = {**params, "model": "nobody/m"}
        made = client.messages.batches.create(
            requests=[{"custom_id": "good", "params": params}, {"custom_id": "bad", "params": wrong}]
        )
        assert (made.processing_status, made.request_counts.processing) == ("in_progress", 2)
        deadline = time.monotonic() + 30
        while (batch := client.messages.batches.retrieve(made.id)).processing_status != "ended":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert (batch.request_counts.succeeded, batch.request_counts.errored) == (1, 1)
        results: dict[str, Any] = {one.custom_id: one.result for one in client.messages.batches.results(made.id)}
        assert results["good"].message.content[0].text == "hello"
        assert results["bad"].error.error.type == "not_found_error"
        assert made.id in [one.id for one in client.messages.batches.list(limit=1)]
        assert client.messages.batches.cancel(made.id).processing_status == "ended"
        assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
        with pytest.raises(anthropic.NotFoundError):
            client.messages.batches.retrieve(made.id)


def test_each_row_is_in_the_output_once_though_everything_was_killed(tmp_path: Path, pretend: Pretend):
    gateway = Gateway(tmp_path, toml(pretend, "[batches]\nconcurrency = 4"))
    gateway.start()
    rows = [chat(str(n), "slow/m") for n in range(24)]
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as client:
        made = begun(client, rows)
        until(client, made.id, lambda batch: batch.request_counts.completed >= 6)
    gateway.kill()
    gateway.start()
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as client:
        until(client, made.id, lambda batch: batch.request_counts.completed >= 6)
        batch = until(client, made.id)
        assert (batch.status, batch.request_counts.completed) == ("completed", 24)
        assert list(lines(client, batch.output_file_id)) == [str(n) for n in range(24)]
    gateway.stop()
    interrupted = [trace for trace in gateway.stored() if trace["outcome"] == "interrupted"]
    assert len(interrupted) <= 4, "those that were under way, and no more"
