"""The gate believes good answers more than bad ones, says why, and takes whatever a model may write."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshwright.routing.gate.form import fits
from meshwright.routing.gate.gate import FITTED, RECKONED, judge
from meshwright.routing.gate.programs import parses, programs
from meshwright.routing.gate.sums import sums
from meshwright.routing.quality.trees import wrong
from meshwright.types.content import Message, Text, ToolCall
from meshwright.types.request import OutputFormat, Request, ToolSpec
from meshwright.types.response import Choice, Finish, Response, TokenProbability

EGGS = "She has 16 eggs and eats 3. She sells the rest for $2 each. How much does she make?"


def ask(question: str, **options: object) -> Request:
    request = Request(model="m", messages=(Message("user", (Text(question),)),))
    return msgspec.structs.replace(request, **options)


def reply(
    text: str, finish: Finish = "stop", *more: str, logprobs: tuple[TokenProbability, ...] | None = None
) -> Response:
    messages = [Message("assistant", (Text(one),)) for one in (text, *more)]
    return Response(choices=tuple(Choice(message=one, finish=finish, logprobs=logprobs) for one in messages))


def chance(question: str | Request, answer: str | Response) -> float:
    request = ask(question) if isinstance(question, str) else question
    return judge(request, reply(answer) if isinstance(answer, str) else answer).probability


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("16 - 3 = 13 eggs", [True]),
        ("16 - 3 = 14 eggs", [False]),
        ("<<1300*10/100=130>>", [True]),
        ("She paid $1,500 + $2,500 = $4,000.", [True]),
        ("3 x 60 = 180 metres, 3 × 60 = 190 metres", [True, False]),
        ("12 (for the adults) + 10 (for the child) = 22", [True]),
        ("(50 + 80 + 80) / 3 = 70", [True]),
        ("5(3 + 2) = 25", [True]),
        ("20% of 50 = 10", [True]),
        ("15 floors * 8 units/floor * 3/4 = 36 x 3/4 = 27 units", [False, True]),
        ("1 - 2 - 3 = -4", [True]),
        ("2 + 3 * 4 = 20", [False]),
        ("x = 5 and y = 3", []),
        ("((((( = 5 / 0 = 3", []),
        ("27 + 11 = <<27+1", []),
    ],
)
def test_every_sum_is_computed_again(text: str, right: list[bool]):
    assert [one.right for one in sums(text)] == right


def test_a_rounded_result_is_no_mistake():
    (one,) = sums("600 / 9 = 66.67")
    assert (one.right, one.rounded) == (False, True)
    (other,) = sums("600 / 9 = 60")
    assert (other.right, other.rounded) == (False, False)


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        ("16 - 3 = 14 eggs, 14 * 2 = $28.\n#### 28", "a sum in it is wrong"),
        ("16 - 3 = 13 eggs. She makes <<13*2", "something in it is not closed"),
        ("16 * 2 = $32.\n#### 32", "it leaves a number of the question unused"),
        ("16 / 3 = 5.33 eggs, 5.33 * 2 = $10.66\n#### 10.66", "a sum in it is rounded"),
        ("I'm sorry, I cannot answer that. 16 - 3 = 13", "it declines"),
    ],
)
def test_an_answer_that_reckons_badly_is_believed_less_and_the_reason_told(worse: str, why: str):
    good = judge(ask(EGGS), reply("16 - 3 = 13 eggs are left, 13 * 2 = $26.\n#### 26"))
    bad = judge(ask(EGGS), reply(worse))
    assert good.probability > 0.7
    assert bad.probability < good.probability - 0.1
    assert why in bad.told


def test_an_answer_in_words_is_believed_unless_it_hedges_declines_or_breaks_off():
    good = chance("Who painted The Starry Night?", "Vincent van Gogh painted it in 1889.")
    assert good > 0.7
    for bad in (
        "",
        "I think it might be Monet, perhaps.",
        "I'm sorry, I can't help with that.",
        "It was made by the",
    ):
        assert chance("Who painted The Starry Night?", bad) < good
    assert chance("Who?", reply("Vincent van Gogh painted it", "length")) < good


SCHEMA = msgspec.Raw(b'{"type":"object","required":["city"],"properties":{"city":{"type":"string"}}}')


def test_json_must_be_json_and_keep_to_its_schema():
    asked = ask("Where?", output=OutputFormat(kind="schema", schema=SCHEMA))
    assert chance(asked, '{"city": "Oslo"}') > 0.7
    assert chance(asked, '```json\n{"city": "Oslo"}\n```') > 0.7
    for bad in ("Oslo", '{"city": 3}', '{"town": "Oslo"}', '{"city": "Oslo"'):
        assert chance(asked, bad) < 0.05


def test_calls_must_be_of_tools_that_are_there_with_arguments_that_fit():
    asked = ask("Weather?", tools=(ToolSpec(name="weather", schema=SCHEMA),))

    def calls(name: str, arguments: str) -> Response:
        message = Message("assistant", (ToolCall(id="1", name=name, arguments=arguments),))
        return Response(choices=(Choice(message=message, finish="tool_calls"),))

    assert chance(asked, calls("weather", '{"city":"Oslo"}')) > 0.7
    assert chance(asked, calls("wether", '{"city":"Oslo"}')) < 0.05
    for arguments in ('{"city":', "{}", "[]"):
        assert chance(asked, calls("weather", arguments)) < 0.05


@pytest.mark.parametrize(
    ("language", "code", "good"),
    [
        ("python", "def f(x):\n    return x + 1\n", True),
        ("python", "def f(x)\n    return x\n", False),
        ("", "import os\nprint(os.name)\n", True),
        ("js", 'const a = "(" + f([1, 2]); // )', True),
        ("js", "const a = f([1, 2);", False),
        ("rust", "fn main() { println!(\"{}\", 'a'); }", True),
        ("text", "((((", None),
        ("python", "(" * 5_000, False),
        ("python", ">>> 1 + 1\n2\n", None),
    ],
)
def test_code_parses_or_does_not(language: str, code: str, good: bool | None):
    assert parses(language, code) is good


def test_what_is_cited_must_be_in_what_was_given():
    context = (
        "The harbour of Bergen was founded before 1070 by Olav Kyrre. " * 10 + "[1] https://harbour.example/history"
    )
    honest = chance(f"{context} When was it founded?", 'As it says, "founded before 1070 by Olav Kyrre" [1].')
    made_up = chance(f"{context} When was it founded?", 'As it says, "founded in the year 1250 by Haakon" [7].')
    linked = chance(f"{context} When was it founded?", "Before 1070, see https://elsewhere.example/page.")
    assert honest > made_up
    assert honest > linked


def test_tokens_that_were_guessed_and_samples_that_disagree_count():
    def tokens(each: float) -> Response:
        return reply("Oslo", logprobs=tuple(TokenProbability(token="x", logprob=each) for _ in range(4)))

    assert chance("Capital of Norway?", tokens(-0.01)) > chance("Capital of Norway?", tokens(-3.0)) + 0.3
    same, other = reply("Oslo", "stop", "oslo.", "Oslo"), reply("Oslo", "stop", "Bergen", "Narvik")
    assert chance("Capital of Norway?", same) > chance("Capital of Norway?", other) + 0.2


def test_the_plain_part_of_a_schema_is_looked_at_and_the_rest_taken_as_kept():
    assert fits(3.0, {"type": "integer"})
    assert not fits(True, {"type": "integer"})
    assert not fits("d", {"enum": ["a", "b"]})
    assert not fits([1, "x"], {"type": "array", "items": {"type": "number"}})
    assert not fits({"a": 1, "b": 2}, {"properties": {"a": {}}, "additionalProperties": False})
    assert fits({"a": 1}, {"$ref": "#/elsewhere", "anyOf": [{"type": "string"}]})
    assert fits(1, {"type": ["string", "number"]})
    assert fits(1, {"type": {"no": "schema"}, "required": 3, "properties": []})


WILD = st.text(max_size=200) | st.text(alphabet="0123456789+-*/=()<>%.,$ #x\n", max_size=200)


@given(WILD, WILD)
def test_whatever_is_written_gets_a_probability_and_always_the_same(question: str, answer: str):
    first, second = judge(ask(question), reply(answer)), judge(ask(question), reply(answer))
    assert first == second
    assert 0 <= first.probability <= 1


def test_the_trees_of_the_gate_fit_together_and_leave_no_answer_quite_certain():
    assert FITTED.trees is not None
    assert wrong(FITTED.trees, 1, len(FITTED.order)) == ""
    assert set(FITTED.weights) <= set(FITTED.order)
    for signs in ({}, {"any_wrong": 1.0, "wrong_sums": 3.0, "no_end": 1.0, "cut": 1.0}, {"sums": 3.0}):
        assert -4 < RECKONED.logit(signs) < 4


def test_the_longest_answers_are_looked_at_in_bounded_part():
    judge(ask("1 " * 100_000), reply("9" * 200_000))
    judge(ask("?"), reply("1 + 1 = 2\n" * 50_000))
    judge(ask("?"), reply("(" * 100_000 + "= 2 = " * 20_000))
    judge(ask("?"), reply("5 = " * 10_000))
    judge(ask("?"), reply("3 * 3 = 9 = " * 2_000))
    judge(ask("?"), reply("9*" * 50_000 + "9 = 3"))
    judge(ask("?"), reply("```js\n" + '"' * 40_000 + "\n```"))


@pytest.mark.parametrize(
    "answer",
    ["```" * 30_000, "```" + "a" * 90_000, "```\n" + "\n" * 90_000 + "x", '```js\n"' + '\\"' * 24_000 + "\n```"],
    ids=["fences", "a fence and no end of its line", "blank lines", "a string without an end"],
)
def test_programs_that_are_made_to_be_searched_for_long_are_searched_briefly(answer: str):
    assert programs(answer).get("code_left_out", 0.0) == 0.0


def test_of_very_many_citations_the_first_are_looked_for():
    asked = ask("Sum it up.\n" + "https://" * 50_000)
    assert judge(asked, reply("https://a " * 10_000)).signs["not_there"] == 3.0
