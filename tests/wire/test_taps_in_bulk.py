"""However a stream is cut into pieces, and however alike its events are, the same is heard of it."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from meshwright.types.request import Request
from meshwright.wire import CODECS
from meshwright.wire.sse import sound

HEAD = 'data: {"id":"a","model":"m","choices":[{"index":0,"delta":'
WORD = st.text(st.sampled_from('ab é天"\\n/u0\x01\n'), max_size=6)
QUOTED = WORD.map(lambda word: json.dumps(word, ensure_ascii=False)[1:-1])
CHUNK = st.one_of(
    QUOTED.map(lambda word: f'{HEAD}{{"content":"{word}"}},"finish_reason":null}}]}}'),
    QUOTED.map(lambda word: f'{HEAD}{{"content":"{word}"}},"finish_reason":null}}]}}'),
    # Words as they stand, which may end the string, or the event.
    WORD.filter(lambda word: "\n" not in word).map(
        lambda word: f'{HEAD}{{"content":"{word}"}},"finish_reason":null}}]}}'
    ),
    st.sampled_from(
        [
            HEAD + '{"content":"x"content":"y"},"finish_reason":null}]}',
            HEAD + '{"content":"},"finish_reason":null}]}',
            HEAD + '{"role":"assistant","content":""},"finish_reason":null}]}',
            HEAD + '{"reasoning_content":"thought"},"finish_reason":null}]}',
            ": a comment",
            'data: {"a":[1',
            "data: 2]}",
            "data: 1,2",
            "data: 1] [2",
            "data: ",
            "event: ping\ndata: {}",
        ]
    ),
)
END = [
    HEAD + '{},"finish_reason":"stop"}]}',
    'data: {"id":"a","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}',
    "data: [DONE]",
]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _said(events: list[str]) -> list[str]:
    """What each event tells."""
    return [line[5:] for one in events for line in one.split("\n") if line.startswith("data:")]


@given(chunks=st.lists(CHUNK, max_size=12), cuts=st.lists(st.integers(0, 900), max_size=8), wanted=st.booleans())
def test_the_same_is_heard_in_one_piece_and_in_many(chunks: list[str], cuts: list[int], wanted: bool) -> None:
    first = HEAD + '{"role":"assistant","content":""},"finish_reason":null}]}'
    events = [first, *chunks, *END]
    stream = "".join(f"{one}\n\n" for one in events).encode()
    expected = stream if wanted else stream.replace(f"{END[1]}\n\n".encode(), b"")
    unsound = any(not _is_json(one) for one in _said(events[:-1]))
    bounds = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for pieces in ([stream], [stream[a:b] for a, b in pairwise(bounds)]):
        tap = CODECS["openai_chat"].tap(Request(model="m", stream=True, stream_usage=wanted))
        assert b"".join(map(tap.feed, pieces)) == expected
        assert (tap.id, tap.finish, tap.ended, bool(tap.failed)) == ("a", "stop", True, unsound)
        assert tap.usage is not None
        assert tap.usage.total_output == 4


@given(st.lists(CHUNK, min_size=1, max_size=20), st.booleans())
def test_a_block_is_sound_when_each_of_its_events_is(chunks: list[str], done: bool) -> None:
    block = "".join(f"{one}\n\n" for one in [*chunks, *(END[-1:] if done else ())]).encode()
    assert sound(block) == all(map(_is_json, _said(chunks)))
    assert sound(block * 9) == sound(block)
