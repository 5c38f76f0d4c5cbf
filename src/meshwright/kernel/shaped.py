"""Answers held to the form that was asked for: checked, mended, and once asked for again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from meshwright.kernel.arrival import Reply, Whole
from meshwright.kernel.record import Recording
from meshwright.kernel.valid import Unchecked, calls, declined, mended, wrong, wrong_call
from meshwright.kernel.work import NO_ANSWER, Run, Work, deliver, said, whole
from meshwright.routing.policy import Policy
from meshwright.types.content import Message, Text
from meshwright.types.decision import Note, Plan
from meshwright.types.errors import NotCarried
from meshwright.types.request import Adaptation, Request
from meshwright.types.response import Choice, Response

AGAIN = (
    "Your answer does not have the form that was asked for: {why}\nAnswer again: the corrected JSON and nothing else."
)


def formed(request: Request) -> bool:
    """Whether the request asks for a form of the answer."""
    return request.output is not None and request.output.kind != "text"


def repairing(work: Work, policy: Policy) -> bool:
    """Whether an answer without the form is to be repaired: the header says so, or else the route."""
    asked = work.arrival.repair
    return formed(work.request) and (policy.repair if asked is None else asked)


async def run_shaped(work: Work, plan: Plan, policy: Policy, run: Run) -> Reply:
    """The plan's answer with its verdict. A stream that may need a repair is held until it is complete."""
    repair = repairing(work, policy)
    if not repair:
        reply = await run(work, plan, policy)
        return _checked(work, reply) if isinstance(reply, Whole) else reply
    held = work.held("")
    answer = _checked(held, await whole(run, held, plan, policy), cut=True)
    if answer.receipt.valid is False and _may_help(answer.response.choices):
        answer = await _again(held, answer, policy, run)
    return deliver(work, answer)


def _may_help(choices: tuple[Choice, ...]) -> bool:
    """Whether asking again can help: one answer, that was neither declined nor cut at its limit."""
    return len(choices) == 1 and not declined(choices[0]) and choices[0].finish != "length"


async def _again(held: Work, answer: Whole, policy: Policy, run: Run) -> Whole:
    """One more call to the same model, which is told what is wrong; the first answer stays if this fails too."""
    model, choice = answer.receipt.model, answer.response.choices[0]
    told = Message("user", (Text(AGAIN.format(why=_why(held.request, choice))),))
    earlier = Message("assistant", (Text(choice.message.text),))
    asked = msgspec.structs.replace(held.request, messages=(*held.request.messages, earlier, told), source=None)
    try:
        second = await whole(run, held.asking(asked, "repair"), Plan(models=(model,)), policy)
    except (*NO_ANSWER, NotCarried) as error:
        held.note(Note(kind="schema", about=model, told=f"the repair was not answered ({said(error)})", value=0.0))
        return answer
    second = _checked(held, second, cut=True)
    return second if second.receipt.valid else answer


def _why(request: Request, choice: Choice) -> str:
    try:
        return wrong(request.output, choice.message.text)
    except Unchecked as error:
        return str(error)


def _checked(work: Work, answer: Whole, *, cut: bool = False) -> Whole:
    """The answer with its verdict, and mended where no model is needed for that."""
    request, receipt = work.request, answer.receipt
    # A schema that was changed on the way may have come back in the changed form: undoing that is our duty.
    ours = any(one.field.partition(".")[0] == "output" for one in receipt.adaptations)
    response, done = answer.response, ""
    if formed(request) and (cut or ours):
        response, done = _mended(request, response, cut=cut)
    valid = verdict(work.recording, request, response, receipt.model)
    if valid is None:
        return answer
    if done:
        receipt = msgspec.structs.replace(
            receipt, adaptations=(*receipt.adaptations, Adaptation("choices.text", "changed", done))
        )
    receipt = msgspec.structs.replace(receipt, valid=valid)
    if response is answer.response:
        return Whole(response, answer.body, receipt)
    return deliver(work, Whole(response, b"", receipt))


def _mended(request: Request, response: Response, *, cut: bool) -> tuple[Response, str]:
    choices, done = [], ""
    for choice in response.choices:
        text = choice.message.text
        try:
            if calls(choice) or declined(choice) or not wrong(request.output, text):
                choices.append(choice)
                continue
            better, how = mended(request.output, text, cut=cut)
        except Unchecked:
            return response, ""
        if better:
            done = how or "White space around the JSON was taken away."
            choice = msgspec.structs.replace(choice, message=_saying(choice.message, better), logprobs=None)
        choices.append(choice)
    return (msgspec.structs.replace(response, choices=tuple(choices), source=None), done) if done else (response, "")


def _saying(message: Message, text: str) -> Message:
    """The message with these words in place of its own; what else it has stays."""
    others = [part for part in message.parts if not isinstance(part, Text)]
    return msgspec.structs.replace(message, parts=(*others, Text(text)))


def verdict(recording: Recording, request: Request, response: Response, model: str) -> bool | None:
    """Whether all choices have the form asked for, None if none was or it cannot be said; both go on the trace.

    What a model wrote as arguments of tools is looked at too, and only noted: the client finds out by itself.
    """
    found: bool | None = None
    for choice in response.choices:
        called = calls(choice)
        for call in called:
            _noted(recording, "arguments", model, f"{call.name}: ", partial(wrong_call, request, call))
        if formed(request) and (choice.message.text or not called):
            fits = _noted(recording, "schema", model, "", partial(_wrong_choice, request, choice))
            found = fits if found is None or not fits else found
    return found


def _wrong_choice(request: Request, choice: Choice) -> str:
    return "The model declined to answer." if declined(choice) else wrong(request.output, choice.message.text)


def _noted(
    recording: Recording, kind: Literal["schema", "arguments"], model: str, name: str, check: Callable[[], str]
) -> bool | None:
    """Write the outcome of a check on the trace: `value` is 1 or 0, None when it could not be made."""
    try:
        told = check()
    except Unchecked as error:
        recording.notes.append(Note(kind=kind, about=model, told=f"{name}not checked ({error})"))
        return None
    told, fits = told or "as asked", not told
    recording.notes.append(Note(kind=kind, about=model, told=f"{name}{told}"[:500], value=float(fits)))
    return fits
