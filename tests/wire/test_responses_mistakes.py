"""What is wrong in a request of the Responses API is named with its place."""

from __future__ import annotations

import pytest

from meshwright.types.errors import InvalidRequest, TooLarge
from meshwright.wire.openai_responses import DIALECT
from meshwright.wire.openai_responses.resources import items_given


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"input":"hi"}', "model"),
        (b'{"model":1,"input":"hi"}', "model"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":[]}', "input"),
        (b'{"model":"m","input":7}', "input"),
        (b'{"model":"m","input":[7]}', "input[0]"),
        (b'{"model":"m","input":[{"content":"x"}]}', "input[0].type"),
        (b'{"model":"m","input":[{"role":"robot","content":"x"}]}', "input[0].role"),
        (b'{"model":"m","input":[{"role":"user","content":[{"text":"x"}]}]}', "input[0].content[0].type"),
        (b'{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":1}]}]}',
         "input[0].content[0].text"),
        (b'{"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]}', "input[0].content[0]"),
        (b'{"model":"m","input":[{"type":"function_call","name":"f"}]}', "input[0].call_id"),
        (b'{"model":"m","input":[{"type":"function_call_output","call_id":"c"}]}', "input[0].output"),
        (b'{"model":"m","input":[{"type":"reasoning","summary":[{"type":"summary_text","text":[]}]}]}',
         "input[0].summary[0].text"),
        (b'{"model":"m","input":"x","temperature":-1}', "temperature"),
        (b'{"model":"m","input":"x","temperature":"warm"}', "temperature"),
        (b'{"model":"m","input":"x","max_output_tokens":0}', "max_output_tokens"),
        (b'{"model":"m","input":"x","top_logprobs":21}', "top_logprobs"),
        (b'{"model":"m","input":"x","tools":[{"type":"function"}]}', "tools[0].name"),
        (b'{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":[]}]}', "tools[0].parameters"),
        (b'{"model":"m","input":"x","tool_choice":"maybe"}', "tool_choice"),
        (b'{"model":"m","input":"x","text":{"format":{"type":"json_schema"}}}', "text.format.schema"),
        (b'{"model":"m","input":"x","include":[1]}', "include[0]"),
        (b'{"model":"m","input":"x","metadata":[]}', "metadata"),
        (b'{"model":"m","input":"x","reasoning":"high"}', "reasoning"),
        (b'{"model":"m","input":"\xff"}', None),
        (b"[]", None),
        (b"", None),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(body: bytes, field: str | None):
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.decode_request(body)
    assert caught.value.field == field
    assert caught.value.status == 400


@pytest.mark.parametrize("items", [b'[{"role":"user","content":"\xff"}]', b'[{"role":"user","\xff":"x"}]', b"[" * 9999])
def test_items_that_are_no_text_are_refused(items: bytes):
    with pytest.raises(InvalidRequest) as caught:
        items_given(items, "items", 20)
    assert caught.value.field == "items"


def test_nesting_without_end_is_refused():
    with pytest.raises((TooLarge, InvalidRequest)):
        DIALECT.decode_request(b'{"model":"m","input":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
