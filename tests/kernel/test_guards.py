"""Guards on the whole way: what the model sees, what the client gets, and what the trace tells, in every dialect."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from meshwright.guards import GUARDS, pii
from meshwright.kernel.arrival import Arrival, Failure, Reply, Streaming, Whole
from meshwright.kernel.config.check import check
from meshwright.kernel.config.read import read_config
from meshwright.kernel.config.tables import GuardSettings, RouteSettings, RuleSettings
from meshwright.kernel.handle import handle
from meshwright.sim import Fault, Rule, Say
from meshwright.sim.upstream import Calling
from meshwright.types.content import ToolCall
from meshwright.types.errors import Blocked, ConfigError, NoCandidate
from meshwright.types.principal import Principal
from meshwright.types.response import Delta, Response
from meshwright.wire import CODECS
from meshwright.wire.dialect import Target
from meshwright.wire.fold import fold
from tests.kernel.house import House, house

MAIL = "bob@example.com"
CARD = "4111 1111 1111 1111"
DIALECTS = ["openai_chat", "anthropic_messages", "openai_responses"]
OnBreak = Literal["continue", "restart", "error"]
TOOL = {"type": "function", "function": {"name": "send", "parameters": {"type": "object"}}}


def route(*on: str, rules: dict[str, RuleSettings] | None = None, **more: Any) -> RouteSettings:
    settings = GuardSettings(on=on, rules=rules or {})
    return RouteSettings(strategy="fixed", pool=("small/m", "middle/m"), guards=settings, **more)


def tokens(*pieces: str) -> Say:
    return Say(tokens=pieces)


async def whole(reply: Reply, dialect: str = "openai_chat") -> Response:
    """The answer as its client reads it."""
    target = Target("m", "m")
    if isinstance(reply, Failure):
        raise reply.error
    if isinstance(reply, Whole):
        return CODECS[dialect].decode_response(reply.body, target)
    assert isinstance(reply, Streaming)
    decoder, deltas = CODECS[dialect].stream_decoder(target), list[Delta]()
    while piece := await reply.flow.next():
        deltas += decoder.feed(piece)
    assert decoder.ended
    return fold(deltas)


@pytest.mark.parametrize("provider", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_model_sees_a_stand_in_and_the_person_gets_his_own_words_back(
    dialect: str, stream: bool, provider: str
):
    say = tokens("I wrote", " to <EM", "AIL", "_1", "> and", " charged <CARD_1", ">.")
    more = {"input": f"Write to {MAIL}, charge {CARD}"} if dialect == "openai_responses" else {}
    async with house({"small": say}, route("pii"), dialect=provider) as at:
        asked = f"Write to {MAIL}, charge {CARD}"
        body = {"messages": None, **more} if more else {}
        reply = await ask(at, asked, dialect, stream=stream, **body)
        answer = await whole(reply, dialect)
        assert answer.text == f"I wrote to {MAIL} and charged {CARD}."
        assert MAIL not in at.heard("small")
        assert "<EMAIL_1>" in msgspec.json.decode(f'"{_escaped(at.heard("small"))}"')
        assert [(one.action, dict(one.found)) for one in at.trace.guards] == [
            ("mask", {"email": 1, "card": 1}),
            ("unmask", {}),
        ]
        assert MAIL not in msgspec.json.encode(at.trace).decode()
        assert len(at.journal.ended) == 1
        assert at.trace.outcome == "ok"


def _escaped(text: str) -> str:
    return text.replace("\\u003c", "<").replace("\\u003e", ">").replace("\\", "").replace('"', "").replace("\n", " ")


async def ask(at: House, asked: str, dialect: str = "openai_chat", **more: Any) -> Reply:
    """One question over "route/it" in any dialect."""
    if dialect == "openai_responses":
        more = {**more, "input": asked}
        more.pop("messages", None)
        body = {"model": "route/it", **more}
        codec = CODECS[dialect]
        return await at.handle(codec.decode_request(msgspec.json.encode(body)), codec)
    more.pop("input", None)
    more.pop("messages", None)
    return await at.ask(asked, dialect, **more)


@pytest.mark.parametrize("stream", [False, True])
async def test_arguments_of_tools_get_the_persons_words_back_too(stream: bool):
    say = Say(calls=(Calling(name="send", arguments='{"to": "<EMAIL_1>", "n": 1}'),))
    async with house({"small": say}, route("pii")) as at:
        answer = await whole(await at.ask(f"Write to {MAIL}", stream=stream, tools=[TOOL]))
        (call,) = answer.choices[0].message.parts
        assert isinstance(call, ToolCall)
        assert msgspec.json.decode(call.arguments) == {"to": MAIL, "n": 1}
        assert answer.choices[0].finish == "tool_calls"


async def test_a_conversation_that_goes_on_has_the_same_stand_ins():
    async with house({"small": Say(text="ok")}, route("pii")) as at:
        first = [{"role": "user", "content": f"I am {MAIL}"}]
        await at.ask(messages=first)
        more = [{"role": "assistant", "content": f"Hello {MAIL}"}, {"role": "user", "content": "and eve@example.com?"}]
        await at.ask(messages=[*first, *more])
        seen = [msgspec.json.decode(one.body)["messages"] for one in at.sim.seen("small")]
        assert [one["content"] for one in seen[1]] == ["I am <EMAIL_1>", "Hello <EMAIL_1>", "and <EMAIL_2>?"]
        assert seen[1][0] == seen[0][0]


async def test_a_stand_in_that_the_caller_wrote_himself_stays_his():
    async with house({"small": Say(text="<EMAIL_1> <EMAIL_2>")}, route("pii")) as at:
        answer = await whole(await at.ask(f"what is <EMAIL_1>? mine is {MAIL}"))
        assert "<EMAIL_2>" in at.heard("small")
        assert answer.text == f"<EMAIL_1> {MAIL}"


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
async def test_a_block_is_a_403_that_names_the_guard_and_no_model_is_asked(dialect: str):
    async with house({"small": Say(text="ok")}, route("secrets")) as at:
        reply = await at.ask("my key is sk-proj-abcDEF1234567890abcdef123456", dialect)
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, Blocked)
        assert '"secrets" found 1 provider_key' in reply.error.message
        assert at.asked() == {}
        assert at.trace.outcome == "blocked"
        assert [one.action for one in at.trace.guards] == ["block"]
        assert "abcDEF" not in msgspec.json.encode(at.trace).decode()


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages", "openai_responses"])
async def test_a_stream_that_says_what_it_must_not_ends_with_an_error_and_without_it(dialect: str):
    say = tokens("Well, the project", " is called", " Fal", "con", " and", " it flies")
    rules = {"names": RuleSettings(guard="topics", phrases=("falcon",))}
    async with house({"small": say}, route("names", rules=rules)) as at:
        reply = await ask(at, "hi", dialect, stream=True)
        assert isinstance(reply, Streaming)
        told = b""
        while piece := await reply.flow.next():
            told += piece
        assert b"Fal" not in told
        assert b"Well" in told
        assert b'The guard \\"names\\" found' in told
        assert at.trace.outcome == "blocked"
        assert len(at.journal.ended) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_persons_in_an_answer_are_masked_for_good_where_the_rule_looks_there(stream: bool):
    rules = {"pii": RuleSettings(places=("answer",))}
    say = tokens("Write to ", "eve@exa", "mple.com", " or pay ", "4111 ", "1111 ", "1111 ", "1111", " now")
    async with house({"small": say}, route("pii", rules=rules)) as at:
        answer = await whole(await at.ask(f"I am {MAIL}", stream=stream))
        assert answer.text == "Write to [email] or pay [card] now"
        assert MAIL in at.heard("small")
        (verdict,) = at.trace.guards
        assert (verdict.action, verdict.place, dict(verdict.found)) == ("mask", "answer", {"email": 1, "card": 1})


@pytest.mark.parametrize("stream", [False, True])
async def test_a_rule_that_blocks_sees_what_one_before_it_masks(stream: bool):
    rules = {
        "pii": RuleSettings(places=("answer",)),
        "topics": RuleSettings(phrases=("example.com",), places=("answer",)),
    }
    async with house({"small": tokens("Write to ", MAIL, " today")}, route("pii", "topics", rules=rules)) as at:
        reply = await at.ask("hi", stream=stream)
        while isinstance(reply, Streaming) and await reply.flow.next():
            pass
        assert at.trace.outcome == "blocked"


async def test_what_is_split_over_parts_and_messages_is_found():
    async with house({"small": Say(text="ok")}, route("pii")) as at:
        parts = [{"type": "text", "text": "pay with 4111 1111"}, {"type": "text", "text": " 1111 1111 today"}]
        messages = [{"role": "user", "content": parts}, {"role": "user", "content": "and bob@exam"},
                    {"role": "user", "content": "ple.com knows"}]  # fmt: skip
        await at.ask(messages=messages)
        heard = at.heard("small")
        assert "1111" not in heard
        assert "exam" not in heard


@pytest.mark.parametrize("stream", [False, True])
async def test_a_guard_that_fails_blocks_or_lets_pass_as_its_rule_says(
    stream: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(text: str, options: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setitem(GUARDS, "pii", msgspec.structs.replace(pii.GUARD, look=broken))
    async with house({"small": Say(text="ok")}, route("pii")) as at:
        reply = await at.ask("hi", stream=stream)
        assert isinstance(reply, Failure)
        assert 'fail = "closed"' in str(reply.error)
        assert at.asked() == {}
    async with house({"small": Say(text="ok")}, route("pii", rules={"pii": RuleSettings(fail="open")})) as at:
        assert (await whole(await at.ask("hi", stream=stream))).text == "ok"
        assert [one.action for one in at.trace.guards] == ["allow"]
    assert "the guard pii failed" in caplog.text


async def test_what_a_rule_found_binds_every_model_and_every_fallback_and_the_trace_proves_it():
    rules = {"pii": RuleSettings(action="flag", privacy=("no_training",), regions=("eu",))}
    broken = [Rule(fault=Fault(name="status_500"))]
    async with house({"small": Say(text="no"), "middle": broken, "large": Say(text="yes")}, RouteSettings(
        strategy="fixed", pool=("small/m", "middle/m", "judge/m", "large/m"), attempts=4,
        guards=GuardSettings(on=("pii",), rules=rules),
    )) as at:  # fmt: skip
        place(at, "small/m", ("us",), "no_training")
        place(at, "middle/m", ("eu",), "no_training")
        place(at, "judge/m", ("eu",), "may_train")
        place(at, "large/m", ("eu",), "no_training")
        await at.ask("nothing to see")
        assert at.asked() == {"small": 1}
        await at.ask(f"I am {MAIL}")
        assert at.trace.served == "large/m"
        assert at.asked() == {"small": 1, "middle": 1, "large": 1}
        assert at.trace.decision is not None
        assert "the guard" in at.trace.decision.rejected["judge/m"]
        assert [(one.model, one.regions, one.privacy) for one in at.trace.attempts] == [
            ("middle/m", ("eu",), "no_training"),
            ("large/m", ("eu",), "no_training"),
        ]


async def test_what_was_found_binds_every_step_of_a_plan():
    rules = {"pii": RuleSettings(action="flag", privacy=("no_training",))}
    steps = RouteSettings(
        strategy="cascade",
        steps=("small/m", "middle/m", "route/inner"),
        guards=GuardSettings(on=("pii",), rules=rules),
        options={"sure": True},
    )
    inner = RouteSettings(strategy="fixed", pool=("large/m", "judge/m"))
    says = {name: Say(text="I do not know.") for name in ("small", "middle", "large", "judge")}
    async with house(says, steps, inner=inner) as at:
        for name, privacy in (("small", "may_train"), ("middle", "no_training"), ("large", "may_train")):
            place(at, f"{name}/m", ("eu",), privacy)
        place(at, "judge/m", ("eu",), "no_training")
        await at.ask(f"I am {MAIL}")
        assert set(at.asked()) <= {"middle", "judge"}
        assert "middle" in at.asked()


async def test_when_no_model_may_have_what_was_found_nobody_is_asked():
    rules = {"pii": RuleSettings(action="flag", privacy=("local",))}
    async with house({"small": Say(text="ok")}, route("pii", rules=rules)) as at:
        reply = await at.ask(f"I am {MAIL}")
        assert isinstance(reply, Failure)
        assert isinstance(reply.error, NoCandidate)
        assert at.asked() == {}


def place(at: House, name: str, regions: tuple[str, ...], privacy: str) -> None:
    """Say where a model is."""
    snapshot = at.kernel.snapshot
    deployment = snapshot.deployments[name]
    model = msgspec.structs.replace(deployment.model, regions=regions, privacy=privacy)
    moved = {**snapshot.deployments, name: msgspec.structs.replace(deployment, model=model)}
    at.kernel.snapshot = msgspec.structs.replace(snapshot, deployments=moved)


async def test_where_no_guard_is_on_the_bytes_pass_as_they_are():
    async with house({"small": Say(text="ok")}, route()) as at:
        reply = await at.ask(f"I am {MAIL}", stream=True)
        assert isinstance(reply, Streaming)
        assert type(reply.flow).__name__ == "Stream"
        await whole(reply)
        assert "check" not in at.trace.stages
        assert MAIL in at.heard("small")


async def test_a_client_that_leaves_settles_once():
    async with house({"small": tokens("a ", "b ", "c ")}, route("pii")) as at:
        reply = await at.ask(f"I am {MAIL}", stream=True)
        assert isinstance(reply, Streaming)
        reply.flow.abort()
        reply.flow.abort()
        assert len(at.journal.ended) == 1


async def test_a_team_or_a_key_can_have_rules_of_its_own():
    async with house({"small": Say(text="ok")}, route(), guards=GuardSettings(teams={"blue": ("pii",)})) as at:
        for team, seen in (("red", MAIL), ("blue", "<EMAIL_1>")):
            codec = CODECS["openai_chat"]
            body = {"model": "route/it", "messages": [{"role": "user", "content": f"I am {MAIL}"}]}
            request = codec.decode_request(msgspec.json.encode(body))
            who = Principal(id="k1", team=team)
            await handle(at.kernel, Arrival(request=request, dialect=codec, principal=who, path="/"))
            assert msgspec.json.decode(at.sim.seen("small")[-1].body)["messages"][0]["content"] == f"I am {seen}"


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('[guards]\non = ["pi"]', 'there is no guard or rule "pi". Fix: Did you mean "pii"?'),
        ('[guards]\non = ["presidio"]', "Presidio is not installed (pip install presidio-analyzer"),
        ('[guards]\non = ["topics"]', '"topics" looks for phrases, and has none'),
        ('[guards]\nteams = { blue = ["nothing-like-it"] }', 'there is no guard or rule "nothing-like-it"'),
        ('[guards]\noff = ["pii"]', "off is for routes"),
        ('[guards.rules.mine]\naction = "flag"', 'there is no guard "mine"'),
        ('[guards.rules.pii]\nkinds = ["emial"]', 'Did you mean "email"?'),
        ('[guards.rules.pii]\nphrases = ["x"]', "looks for no phrases"),
        ('[guards.rules.topics]\nphrases = ["!!"]', "a phrase has a letter"),
        ("[guards.rules.pii]\nthreshold = 0.5", "has no threshold"),
        ("[guards.rules.instructions]\nthreshold = 2.0", "between 0 and 1"),
    ],
)
def test_a_mistake_in_the_rules_is_told_with_its_line_and_what_to_do(toml: str, told: str):
    with pytest.raises(ConfigError) as raised:
        check(read_config(toml), toml, "mesh.toml", {})
    assert told in str(raised.value)
    assert "mesh.toml" in str(raised.value)


@pytest.mark.parametrize("on_break", ["continue", "restart", "error"])
async def test_what_one_model_begins_to_say_and_another_ends_is_found(on_break: OnBreak):
    said = tokens("It is", " for", " Project", " Fal", "con", " and")
    broken = [Rule(say=said, fault=Fault(name="cut_mid"))]
    rules = {"names": RuleSettings(guard="topics", phrases=("project falcon",), action="mask")}
    says: dict[str, Say | list[Rule]] = {"small": broken, "middle": Say(text="con, I think.")}
    async with house(says, route("names", rules=rules, on_break=on_break)) as at:
        reply = await at.ask("hi", stream=True)
        assert isinstance(reply, Streaming)
        told = b""
        while piece := await reply.flow.next():
            told += piece
        assert b"Falcon" not in told
        assert (b"[phrase]" in told) == (on_break == "continue")
        assert [one.outcome == "ok" for one in at.journal.ended] == [on_break != "error"]


async def test_a_watched_stream_that_is_heard_out_after_its_client_left_settles_once():
    slow = [Rule(say=tokens("a ", "b ", "c ", "d "), fault=Fault(name="slow_stream", seconds=0.01))]
    async with house({"small": slow}, route("pii")) as at:
        deployment = at.kernel.snapshot.deployments["small/m"]
        patient = {**at.kernel.snapshot.deployments, "small/m": msgspec.structs.replace(deployment, finishes=True)}
        at.kernel.snapshot = msgspec.structs.replace(at.kernel.snapshot, deployments=patient)
        reply = await at.ask(f"I am {MAIL}", stream=True)
        assert isinstance(reply, Streaming)
        reply.flow.abort()
        await at.kernel.aside.close(20)
        assert [(one.outcome, len(one.attempts)) for one in at.journal.ended] == [("cancelled", 1)]
        assert at.trace.attempts[0].usage is not None
        assert [one.action for one in at.trace.guards] == ["mask"]
