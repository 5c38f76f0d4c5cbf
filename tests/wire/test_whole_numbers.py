"""`5.0` is an integer wherever JSON Schema says so."""

from __future__ import annotations

import msgspec
import pytest

from meshwright.types.errors import InvalidRequest
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target

CHAT = '"model":"m","messages":[{"role":"user","content":"Hi"}]'
TURNS = '"contents":[{"role":"user","parts":[{"text":"Hi"}]}]'
BLOCKS = '"messages":[{"role":"user","content":[{"text":"Hi"}]}]'
LIMITS = [
    ("openai_chat", CHAT + ',"max_tokens":LIMIT,"seed":7.0', "max_tokens"),
    ("openai_responses", '"model":"m","input":"Hi","max_output_tokens":LIMIT', "max_output_tokens"),
    ("anthropic_messages", CHAT + ',"max_tokens":LIMIT,"top_k":3.0', "max_tokens"),
    ("gemini", TURNS + ',"generationConfig":{"maxOutputTokens":LIMIT,"seed":7.0}', "maxOutputTokens"),
    ("gemini", TURNS + ',"generation_config":{"max_output_tokens":LIMIT}', "axOutputTokens"),
    ("bedrock_converse", BLOCKS + ',"inferenceConfig":{"maxTokens":LIMIT}', "maxTokens"),
    ("ollama", CHAT + ',"options":{"num_predict":LIMIT,"seed":7.0}', "num_predict"),
    ("cohere", CHAT + ',"max_tokens":LIMIT,"k":3.0', "max_tokens"),
]


def filled(body: str, limit: str) -> bytes:
    return f"{{{body}}}".replace("LIMIT", limit).encode()


@pytest.mark.parametrize(("name", "body", "field"), LIMITS)
def test_a_whole_float_is_the_integer(name: str, body: str, field: str) -> None:
    floats, integers = filled(body, "500.0"), filled(body, "500").replace(b"7.0", b"7").replace(b"3.0", b"3")
    dialect = CODECS[name]
    request = dialect.decode_request(floats)
    plain = dialect.decode_request(integers)
    assert msgspec.structs.replace(request, source=None) == msgspec.structs.replace(plain, source=None)
    assert request.max_tokens == 500
    assert request.source is not None
    assert request.source.body == floats, "the provider of the same dialect gets the client's own bytes"
    assert dialect.encode_request(request, Target(request.model or "m", "p/m")).adaptations == ()


@pytest.mark.parametrize(("name", "body", "field"), LIMITS)
@pytest.mark.parametrize("value", ["5.5", "1e400", "1e300", '"5"'])
def test_what_is_not_whole_is_refused_by_name(name: str, body: str, field: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODECS[name].decode_request(filled(body, value))
    assert field in f"{refused.value.field} {refused.value.message}"


def test_nothing_but_the_number_is_written_anew() -> None:
    schema = '{"b":1.0,"a":{"minimum":2.0},  "z":1}'
    tool = f'{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}'
    body = f'{{{CHAT},"n":2.0,"tools":[{tool}]}}'
    request = CODECS["openai_chat"].decode_request(body.encode())
    assert request.n == 2
    assert request.tools[0].schema == msgspec.Raw(schema.encode())
