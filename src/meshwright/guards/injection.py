"""injection: signs that a text wants to take the model over: words that override, forged roles, data sent away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from meshwright.guards.guard import Guard, Options, apart
from meshwright.types.guard import Finding

KINDS = {
    "override": "words that want earlier instructions ignored, forgotten or replaced",
    "reveal": "words that ask for the system prompt or the hidden instructions",
    "role": "words that give the model another role without its rules",
    "forged": "marks of a turn or of the system in a text that has none (`<|im_start|>`, `[INST]`, `### System:`)",
    "secrecy": "words that want something done without the user's knowledge",
    "sends": "words that want data put into an address: a picture or a link that carries it away",
}
_OLD = (
    r"(?:(?:all|any|every|the|your|my|these|those|of|previous|prior|above|earlier|preceding|foregoing|former|initial"
    r"|original|existing|current|system|given|safety|other) ){0,5}"
)
_SAID = (
    r"(?:instructions?|prompts?|rules?|directives?|guidelines?|commands?|context|programming|orders|directions"
    r"|polic(?:y|ies)|restrictions|training)\b"
)
_LIMITS = (
    r"(?:(?:any|all|your|ethical|moral|safety|content) ){0,4}(?:restrictions?|filters?|rules|guidelines|limit|censor)"
)
_HIDDEN = (
    r"(?:system|hidden|initial|developer|internal|original|secret|confidential) (?:prompt|instruction|message|rules)"
)
_THINGS = (
    r"(?:passwords?|credentials?|api keys?|secrets?|tokens?|cookies|chat history|system prompt|private data"
    r"|environment variables)\b"
)


class Sign(NamedTuple):
    """How texts of a kind begin, and how they go on: in lower case, a space for any white space.

    `before` is what may stand between the beginning of the line and it; None: a letter must not, all else may.
    """

    kind: str
    begins: str
    on: str
    before: str | None = None


# Each repetition is bounded, so that a text takes time in proportion to its length. Beginnings are divided by "/".
_SIGNS = (
    Sign("override", "ignor/disregard/forget/overrid/overrul/bypass/discard/neglect", rf"\w{{0,3}} {_OLD}{_SAID}"),
    Sign("override", "do not follow/don't follow/stop following/pay no attention to", rf" {_OLD}{_SAID}"),
    Sign(
        "override",
        "ignore/disregard/forget",
        r" (?:everything|all|anything) (?:(?:that )?you (?:were|have been|are) told|above|before|i said|prior)",
    ),
    Sign("override", "from now on/henceforth", r",? (?:you (?:are|must|will only)|your|ignore)\b"),
    Sign(
        "override",
        "new/updated/real/actual/true/revised",
        r" (?:system )?(?:instructions?|task|objective|directive|prompt) ?(?::|supersede|override)",
    ),
    Sign(
        "override",
        "your new/your real/your actual/your only/your true",
        r" (?:task|goal|instructions?|objective|mission|role) (?:is|are|now)\b",
    ),
    Sign(
        "override",
        "ignorier/vergiss/missachte",
        r"\w{0,3} (?:(?:alle|die|deine|alles|bisherigen|vorherigen|vorigen) ){1,4}(?:anweisung|regeln|befehle)",
    ),
    Sign(
        "override", "ignore/oublie", r"[zs]? (?:(?:toutes?|tous|les|vos|tes) ){1,3}(?:instructions?|consignes?|regles)"
    ),
    Sign("override", "ignora/olvida/omite", r" (?:(?:todas?|todos|las|los|tus|sus) ){1,3}(?:instrucciones|reglas)"),
    Sign("override", "忽略/无视/忘记/忽视", r"[^\n。]{0,12}(?:指令|指示|规则|提示|要求)", ".*"),
    Sign(
        "reveal",
        "reveal/show/print/repeat/output/display/tell/give/share/leak/expose/dump/write out/what is/what are/what was",
        rf" (?:me |us )?(?:all of |all )?(?:(?:the|your|its|full|entire|exact|complete) ){{0,3}}{_HIDDEN}",
    ),
    Sign(
        "reveal",
        "repeat/print/output/copy",
        r" (?:(?:the|all|every|exact) ){0,3}(?:words?|text|everything|lines?) (?:above|before this|that came before)",
    ),
    Sign(
        "role",
        "you are now/you are no longer",
        r" (?:(?:an?|the|in) )?(?:unrestricted|unfiltered|uncensored|jailbroken|evil|dan\b|developer mode|free from"
        r"|bound by|restricted)",
    ),
    Sign("role", "do anything now", ""),
    Sign("role", "developer mode/god mode/sudo mode/dan mode/jailbreak mode", r" (?:is )?(?:enabled|activated|on\b)"),
    Sign("role", "enable/activate/enter", r" (?:developer|god|dan|jailbreak|unrestricted) mode"),
    Sign(
        "role",
        "act/behave/respond/answer/pretend/roleplay/role-play",
        rf"[^.\n]{{0,40}} (?:without|with no|free of|not bound by) {_LIMITS}",
    ),
    Sign("forged", "<|", r"(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|?>?", ".*"),
    Sign("forged", "[inst]/[_inst]/<<sys>>/<<_sys>>", "", ".*"),
    Sign(
        "forged", "<system/<_system/<admin/<_admin/<developer", r"(?:[-_\s]?(?:prompt|message|instructions?))?>", ".*"
    ),
    Sign(
        "forged",
        "system/assistant/developer/admin",
        r"(?:istrator)?(?: (?:prompt|message|instructions?|override|note))? ?(?:\*{2}|\])?:",
        r"[ #*\[]{0,8}",
    ),
    Sign("forged", "begin/start/end", r" (?:of )?(?:system|admin|developer|new) (?:prompt|message|instructions?)\b"),
    Sign(
        "secrecy",
        "do not/don't/never/without",
        r" (?:tell|inform|mention|reveal|alert|notify|let|warn)(?:ing)?(?: (?:this|it|that|anything))?(?: to)?"
        r" (?:(?:the|any) )?(?:users?|humans?|customer|recipient|operator)\b",
    ),
    Sign("secrecy", "if you are a", r"n? ?(?:ai|llm|language model|assistant|automated|large language)\b"),
    Sign(
        "secrecy",
        "note/message/instruction/attention/important",
        r"s?[:,]? (?:to|for) (?:(?:the|any|all) )?(?:ai|llm|language model|assistant|agent|chatbot)s?\b",
    ),
    Sign(
        "sends",
        "![",
        r"[^\]\n]{0,80}\]\(https?://[^)\s]{1,300}[?&=/][^)\s]{0,100}(?:\{|<|\[|%7b|data|prompt|secret|chat|history)",
        ".*",
    ),
    Sign(
        "sends",
        "send/forward/post/upload/exfiltrate/email/transmit/leak/submit",
        rf"\b[^.\n]{{0,60}} {_THINGS}[^.\n]{{0,40}} (?:to|via|at) ",
    ),
)


_SPACE = re.compile(r" (?!\?)")


class _Shape(NamedTuple):
    kind: str
    begins: tuple[str, ...]
    on: re.Pattern[str]
    before: re.Pattern[str] | None


def _shape(sign: Sign) -> _Shape:
    begins = tuple(word.replace("_", "/") for word in sign.begins.split("/"))
    before = re.compile(rf"(?:\A|\n){sign.before}\Z") if sign.before not in (None, ".*") else None
    return _Shape(sign.kind, begins, re.compile(_SPACE.sub(" {1,3}", sign.on)), before)


_SHAPES = tuple(map(_shape, _SIGNS))
_ANYWHERE = tuple(sign.before == ".*" for sign in _SIGNS)
_WHITE = {ord("\t"): " ", ord("\r"): " "}


def look(text: str, options: Options) -> list[Finding]:
    """Every sign in the text; of what overlaps, the first and longest."""
    lower = text.lower().translate(_WHITE)
    if len(lower) != len(text):  # a few letters have longer small ones
        lower = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text).translate(_WHITE)
    flat = lower.replace("\n", " ")
    return apart(
        Finding(shape.kind, start, end)
        for shape, anywhere in zip(_SHAPES, _ANYWHERE, strict=True)
        if options.wants(shape.kind)
        for word in shape.begins
        for start, end in _of(shape, word, anywhere, lower, flat)
    )


def _of(shape: _Shape, word: str, anywhere: bool, lower: str, flat: str) -> Iterator[tuple[int, int]]:
    """Where a sign that begins so stands. `flat` is `lower` in one line."""
    at = flat.find(word)
    while at >= 0:
        end = at + len(word)
        match = shape.on.match(flat, end)
        if match is not None and (anywhere or _begins(shape, lower, at)):
            yield at, match.end()
        at = flat.find(word, end)


def _begins(shape: _Shape, lower: str, at: int) -> bool:
    if shape.before is None:
        return not lower[at - 1 : at].isalnum()
    return shape.before.search(lower, max(0, at - 10), at) is not None


GUARD = Guard(
    look=look,
    summary="Signs that a text wants to take the model over.",
    kinds=KINDS,
    action="flag",
    places=("user", "tool"),
    reach=200,
)
