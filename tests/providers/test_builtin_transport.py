"""The built-in models as a provider of the dialect `openai_chat`: bodies, streams, citations and errors."""

from __future__ import annotations

import base64
import itertools
import json

import pytest
import pytest_asyncio

from meshwright.net.transport import Call, Deadlines, Endpoint
from meshwright.providers.builtin import BuiltinTransport, unavailable
from meshwright.providers.builtin.chat import MAX_BODY, split_question
from meshwright.types.errors import UpstreamProtocol, UpstreamTimeout
from meshwright.wire.dialect import Target
from meshwright.wire.openai_chat import DIALECT

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENDPOINT = Endpoint("builtin:/chat/completions")
HANDBOOK = (
    "Staff earn 25 days of vacation. Lunch is served at noon in the canteen. The office closes at 7 p.m. on Fridays."
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def transport():
    count = itertools.count(1)
    made = BuiltinTransport(lambda: 1_700_000_000.9, lambda: f"t{next(count)}", limit=1.5)
    assert await made.prewarm() == {}
    yield made
    await made.close()


def ask(text, model="solve", **more):
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def file_part(name, text, media="text/plain"):
    data = base64.b64encode(text.encode()).decode()
    return {"type": "file", "file": {"filename": name, "file_data": f"data:{media};base64,{data}"}}


async def send(transport, body, **deadlines):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await transport.send(Call(ENDPOINT, raw, deadlines=Deadlines(**deadlines)))


async def told(transport, body):
    answer = await send(transport, body)
    return answer.status, json.loads(await answer.read(10**7))


async def test_a_computation_is_a_chat_completion(transport):
    answer = await send(transport, ask("What is 12.5% of 840?", "builtin/solve"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    raw = await answer.read(10_000)
    body = json.loads(raw)
    assert body["id"].startswith("chatcmpl-t")
    assert body["object"] == "chat.completion"
    assert body["created"] == 1_700_000_000
    assert body["model"] == "solve"
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "12.5% of 840 = 105", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert body["usage"] == {"prompt_tokens": 6, "completion_tokens": 5, "total_tokens": 11}
    assert DIALECT.decode_response(raw, Target("solve", "builtin/solve")).text == "12.5% of 840 = 105"


async def test_a_stream_has_a_role_the_words_a_finish_the_usage_and_an_end(transport):
    body = ask("Expand (x+1)^6", stream=True, stream_options={"include_usage": True})
    answer = await send(transport, body)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream"
    events = []
    while event := await answer.next():
        assert event.startswith(b"data: ")
        assert event.endswith(b"\n\n")
        events.append(event)
    assert events[-1] == b"data: [DONE]\n\n"
    chunks = [json.loads(event[6:]) for event in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    words = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1]]
    assert "".join(words) == "(x + 1)⁶ = x⁶ + 6x⁵ + 15x⁴ + 20x³ + 15x² + 6x + 1"
    assert len([word for word in words if word]) > 1
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


async def test_our_own_dialect_reads_the_stream(transport):
    answer = await send(transport, ask("2+2", stream=True))
    decoder = DIALECT.stream_decoder(Target("solve", "builtin/solve"))
    deltas: list[object] = []
    while piece := await answer.next():
        deltas += decoder.feed(piece)
    assert decoder.ended
    assert "".join(getattr(delta, "text", "") for delta in deltas) == "2 + 2 = 4"


async def test_an_aborted_stream_has_nothing_more(transport):
    answer = await send(transport, ask("2+2", stream=True))
    await answer.next()
    answer.abort()
    assert await answer.next() == b""


async def test_an_answer_over_the_limit_of_its_reader_is_refused(transport):
    answer = await send(transport, ask("2+2"))
    with pytest.raises(UpstreamProtocol):
        await answer.read(10)


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_a_long_answer_is_cut_where_the_caller_says(transport, field):
    status, body = await told(transport, ask("100!", **{field: 5}))
    assert status == 200
    assert len(body["choices"][0]["message"]["content"]) == 20
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 5


async def test_a_stop_sequence_ends_the_answer(transport):
    _, body = await told(transport, ask("2+2", stop=["="]))
    assert body["choices"][0]["message"]["content"] == "2 + 2 "


async def test_echo_says_that_it_is_an_echo(transport):
    _, body = await told(transport, ask("Hello there", "echo"))
    content = body["choices"][0]["message"]["content"]
    assert content.endswith("\n\nHello there")
    assert "repeats" in content


@pytest.mark.parametrize("text", ["Who won the 1998 world cup?", "8/2(2+2)", "5 tons in kg"])
async def test_a_decline_is_status_422_with_the_reason(transport, text):
    status, body = await told(transport, ask(text, stream=True))
    assert status == 422
    assert body["error"]["type"] == body["error"]["code"] == "declined"
    assert len(body["error"]["message"]) > 10
    assert DIALECT.decode_error(status, json.dumps(body).encode(), None).code == "declined"


async def test_a_computation_without_end_is_status_504(transport):
    status, body = await told(transport, ask("e^e^e^e^e^e"))
    assert status == 504
    assert body["error"]["code"] == "upstream_timeout"


async def test_a_deadline_of_the_caller_is_kept(transport):
    with pytest.raises(UpstreamTimeout) as late:
        await send(transport, ask("e^e^e^e^e^e"), first_byte=0.2)
    assert late.value.phase == "first_byte"
    assert (await told(transport, ask("2+2")))[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_request"),
        (b"\xff\xfe", 400, "invalid_request"),
        (b"[" * 100_000, 400, "invalid_request"),
        (b'{"model": "solve"}', 400, "invalid_request"),
        ({"model": "solve", "messages": []}, 400, "invalid_request"),
        (ask("  "), 400, "invalid_request"),
        (ask("2+2", n=2), 400, "invalid_request"),
        (ask("2+2", max_tokens=0), 400, "invalid_request"),
        (ask("2+2", "gpt-4"), 404, "model_not_found"),
        (ask("2+2", response_format={"type": "json_object"}), 422, "declined"),
        (ask("2+2", tool_choice="required"), 422, "declined"),
        (ask([{"type": "text", "text": "2+2"}, {"type": "image_url", "image_url": {"url": "x"}}]), 422, "declined"),
        (ask([{"type": "text", "text": "2+2"}, file_part("a.txt", "x")]), 422, "declined"),
        (b" " * (MAX_BODY + 1), 413, "request_too_large"),
    ],
)
async def test_a_bad_request_is_an_error_in_the_dialect(transport, body, status, code):
    got, answer = await told(transport, body)
    assert (got, answer["error"]["code"]) == (status, code)
    assert answer["error"]["message"]


async def test_a_question_about_a_file_is_answered_with_a_citation(transport):
    content = [file_part("handbook.md", HANDBOOK, "text/markdown"), {"type": "text", "text": "When is lunch served?"}]
    status, body = await told(transport, ask(content, "extract"))
    assert status == 200
    message = body["choices"][0]["message"]
    assert message["content"] == (
        "“Lunch is served at noon in the canteen.” [1]\n\n[1] handbook.md, sentence 2, characters 32-71"
    )
    [annotation] = message["annotations"]
    assert annotation["type"] == "file_citation"
    cited = annotation["file_citation"]
    assert HANDBOOK[cited["source_start"] : cited["source_end"]] == cited["quote"]
    assert message["content"][cited["start_index"] : cited["end_index"]] == cited["quote"]
    assert (cited["filename"], cited["sentence"], cited["document"]) == ("handbook.md", 2, 0)


async def test_citations_are_streamed_too(transport):
    content = [file_part("handbook.md", HANDBOOK), {"type": "text", "text": "When is lunch served?"}]
    answer = await send(transport, ask(content, "extract", stream=True))
    raw = await answer.read(100_000)
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in raw.decode().split("\n\n")[:-2]]
    [annotations] = [delta["annotations"] for delta in deltas if "annotations" in delta]
    assert annotations[0]["file_citation"]["quote"] == "Lunch is served at noon in the canteen."


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": f"{HANDBOOK}\n\nWhen is lunch served?"}],
        [{"role": "user", "content": f"When is lunch served?\n\n{HANDBOOK}"}],
        [{"role": "user", "content": f"{HANDBOOK} When is lunch served?"}],
        [{"role": "user", "content": f"Context:\n{HANDBOOK}\n\nQuestion: When is lunch served?"}],
        [{"role": "system", "content": HANDBOOK * 3}, {"role": "user", "content": "When is lunch served?"}],
        [
            {"role": "user", "content": HANDBOOK},
            {"role": "assistant", "content": "Noted."},
            {"role": "user", "content": "When is lunch served?"},
        ],
        [
            {"role": "user", "content": "look it up"},
            {"role": "tool", "tool_call_id": "1", "content": HANDBOOK},
            {"role": "user", "content": "When is lunch served?"},
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": f"handbook.txt\n\n{HANDBOOK}"},
                    {"type": "text", "text": "When is lunch served?"},
                ],
            }
        ],
    ],
)
async def test_context_is_found_wherever_it_is_pasted(transport, messages):
    status, body = await told(transport, {"model": "extract", "messages": messages})
    assert status == 200
    message = body["choices"][0]["message"]
    cited = message["annotations"][0]["file_citation"]
    assert cited["quote"] == "Lunch is served at noon in the canteen."
    places = [part for each in messages for part in _texts(each)]
    assert cited["quote"] in [text[cited["source_start"] : cited["source_end"]] for text in places]


def _texts(message):
    content = message["content"]
    return [content] if isinstance(content, str) else [part["text"] for part in content]


async def test_no_answer_in_the_context_is_said(transport):
    content = [file_part("handbook.md", HANDBOOK), {"type": "text", "text": "Who invented the telephone?"}]
    status, body = await told(transport, ask(content, "extract"))
    assert status == 200
    message = body["choices"][0]["message"]
    assert message["content"] == "I found no answer to this in the supplied context (3 sentences of handbook.md)."
    assert "annotations" not in message


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("Who won the 1998 world cup?", "none to search"),
        ([file_part("a.pdf", "%PDF", "application/pdf"), {"type": "text", "text": "What is it?"}], "application/pdf"),
        ([{"type": "file", "file": {"file_id": "f1"}}, {"type": "text", "text": "What is it?"}], "only its id"),
        ([file_part("empty.txt", " \n "), {"type": "text", "text": "What is it?"}], "no text to search"),
        (
            [
                {"type": "file", "file": {"filename": "b.txt", "file_data": "data:text/plain;base64,%%%"}},
                {"type": "text", "text": "What?"},
            ],
            "not base64",
        ),
    ],
)
async def test_extract_declines_without_a_readable_context(transport, content, named):
    status, body = await told(transport, ask(content, "extract"))
    assert status == 422
    assert named in body["error"]["message"]


async def test_a_file_that_cannot_be_read_beside_one_that_can_is_named(transport):
    content = [
        file_part("handbook.md", HANDBOOK),
        file_part("scan.pdf", "%PDF", "application/pdf"),
        {"type": "text", "text": "When is lunch served?"},
    ]
    _, body = await told(transport, ask(content, "extract"))
    assert body["choices"][0]["message"]["content"].endswith("Not read: scan.pdf (application/pdf).")


async def test_a_context_that_is_too_large_to_search_is_status_413(transport):
    content = [file_part("long.txt", "A b. " * 30_000), {"type": "text", "text": "What is it?"}]
    status, body = await told(transport, ask(content, "extract"))
    assert (status, body["error"]["code"]) == (413, "request_too_large")


async def test_the_models_are_listed(transport):
    answer = await transport.send(Call(Endpoint("builtin:/models", method="GET")))
    listed = json.loads(await answer.read(10_000))["data"]
    assert [each["id"] for each in listed] == ["solve", "extract", "echo"]
    assert unavailable() == {}


async def test_a_model_whose_packages_are_missing_says_how_to_get_them(monkeypatch):
    monkeypatch.setattr("meshwright.providers.builtin.transport.find_spec", lambda name: None)
    transport = BuiltinTransport(lambda: 0.0, lambda: "x")
    failed = await transport.prewarm()
    assert set(failed) == {"solve", "extract"}
    status, body = await told(transport, ask("2+2"))
    assert status == 503
    assert "pip install 'meshwright[offline]'" in body["error"]["message"]
    assert (await told(transport, ask("2+2", "echo")))[0] == 200
    await transport.close()


@pytest.mark.parametrize(
    ("text", "question", "rest"),
    [
        ("What is it?", "What is it?", ""),
        ("Some text here. What is it?", "What is it?", "Some text here. "),
        ("Some text.\n\nWhat is it?", "What is it?", "Some text.\n\n"),
        ("What is it?\n\nSome text.", "What is it?", "\n\nSome text."),
        ("Text: one two.\nQuestion: who?", "who?", "one two."),
        ("Tell me about lunch", "Tell me about lunch", ""),
    ],
)
async def test_the_question_is_told_apart_from_what_is_pasted_around_it(text, question, rest):
    found, spans = split_question(text)
    assert found == question
    assert "".join(text[start:end] for start, end in spans) == rest
