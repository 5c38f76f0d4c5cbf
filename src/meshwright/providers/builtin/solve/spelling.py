"""Turns what people type into plain ASCII, with signs instead of words, or says what it cannot read."""

from __future__ import annotations

import re

from meshwright.types.errors import Declined

_SIGNS = str.maketrans({
    "×": "*", "✕": "*", "⋅": "*", "·": "*", "∙": "*", "÷": "/", "∕": "/", "⁄": "/",
    "−": "-", "–": "-", "—": "-", "‐": "-",
    "√": " sqrt ", "∛": " cbrt ", "π": " pi ", "∞": " infinity ", "∫": " integral ", "∑": " sum ", "Σ": " sum ",
    "≤": "<=", "≥": ">=", "→": "->", "’": "'", "‘": "'", "“": '"', "”": '"',
    "\u00a0": " ", "\u2009": " ", "\u202f": " ",
    "°": " deg ", "µ": "u", "€": "$", "£": "$", "½": "(1/2)", "¼": "(1/4)", "¾": "(3/4)", "⅓": "(1/3)", "⅔": "(2/3)",
    "θ": " theta ", "α": " alpha ", "β": " beta ", "γ": " gamma ", "δ": " delta ", "ε": " epsilon ", "λ": " lambda ",
    "μ": " mu ", "ρ": " rho ", "σ": " sigma ", "τ": " tau ", "φ": " phi ", "ω": " omega ", "ℯ": "e", "…": "...",
    "\t": " ", "\r": " ", "\n": "; ",
})  # fmt: skip
_UP = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿˣ", "0123456789-+nx")
_DOWN = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SUPER = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿˣ]+")
_SUB = re.compile(r"[₀₁₂₃₄₅₆₇₈₉]+")
_MIXED = re.compile(r"(\d+) ?(\((?:1/2|1/4|3/4|1/3|2/3)\))")
_CURRENCY = re.compile(r"[$€£]")

_WORDS = (
    (r"multiplied by|\btimes", " * "),
    (r"divided by", " / "),
    (r"(?<=[\d)] )over (?=[\d(-])|(?<=\b[a-z] )over (?=[\d(a-z]\b)", " / "),
    (r"\b(?:raised )?to (\d+)(?:st|nd|rd|th)(?: power)?\b", r"^\1"),
    (r"\b(?:raised )?to power (?:of )?|\braised to ", " ^ "),
    (r"\bsquared\b", "^2"),
    (r"\bcubed\b", "^3"),
    (r"\bplus\b", " + "),
    (r"\bminus\b|\bnegative (?=[\da-z(])", " - "),
    (r"\bper ?cent\b|\bpct\b", "%"),
    (r"\bmodulo\b|\bmodulus\b", " mod "),
    (r"\b(?:is )?(?:equals|equal to)\b", " = "),
    (r"\bcube[ -]?root(?: of)?\b", " cbrt "),
    (r"\b(\d+)(?:st|nd|rd|th) root(?: of)?\b", r" root_\1 "),
    (r"\b(?:square[ -]?root|sqrt)(?: of)?\b", " sqrt "),
    (r"(?<=[\d)]) factorial\b", "!"),
    (r"\bfactorial (?:of )?(\d+)\b", r"\1!"),
    (r"\blog(?:arithm)? (?:to the |to |of |in )?base (\d+|e) of (\S+)", r"log_\1 (\2)"),
    (r"\bnatural log(?:arithm)?(?: of)?\b", " ln "),
    (r"\blogarithm(?: of)?\b", " log "),
    (r"\b(sin|cos|tan|sine|cosine|tangent|log|ln) of\b", r" \1 "),
    (r"\babs(?:olute)? value of\b", " abs "),
    (r"\bdegrees?\b(?! (?:c|f|k|celsius|fahrenheit|kelvin|[1-9])\b)", " deg "),
    (r"\bhalf of (?=[\d$(])", "1/2 of "),
)
_REWRITES = tuple((re.compile(pattern, re.IGNORECASE), sign) for pattern, sign in _WORDS)
_PART = re.compile(
    r"\b(a|\d) (thirds?|quarters?|fourths?|fifths?|sixths?|eighths?|tenths?) of (?=[\d$(])", re.IGNORECASE
)
_LARGE = re.compile(r"(?<![\w.,])(\d[\d,.]*) (thousand|million|billion|trillion)\b", re.IGNORECASE)
_PARTS = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_POWERS = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_UNITS_TEXT = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_UNITS = _UNITS_TEXT.split()
_TENS_TEXT = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = _TENS_TEXT.split()
_SMALL = {word: value for value, word in enumerate(_UNITS)} | {word: 20 + 10 * at for at, word in enumerate(_TENS)}
_NUMBER = "|".join((*_SMALL, "hundred", *_POWERS))
_SPOKEN = re.compile(rf"\b(?:{_NUMBER})\b(?:(?:[ -]| and )(?:{_NUMBER})\b)*", re.IGNORECASE)


def spell(text: str) -> tuple[str, str]:
    """The question in ASCII with signs for words, and the currency sign it uses ("" if none).

    Raises Declined for characters or currencies that cannot be read.
    """
    currencies = set(_CURRENCY.findall(text))
    if "\\" in text or (text.count("$") >= 2 and not re.search(r"\$\s?\d[\d,.]*(?![\d,.]*[\^+*/=\-\w\\$])", text)):
        text = _latex(text)
        currencies.discard("$")
    if len(currencies) > 1:
        raise Declined("I do not know exchange rates: the question mixes currencies.")
    text = _SUPER.sub(lambda match: f"^({match[0].translate(_UP)})", text)
    text = _SUB.sub(lambda match: f"_{match[0].translate(_DOWN)}", text)
    text = _MIXED.sub(r"(\1 + \2)", text.translate(_SIGNS))
    strange = next((each for each in text if not " " <= each <= "~"), "")
    if strange:
        raise Declined(f"I cannot read {strange!r}: I understand English words and formulas.")
    text = text.replace("**", "^").replace("{", "(").replace("}", ")")
    text = re.sub(r"\bthe\b ?", "", text, flags=re.IGNORECASE)
    text = _spoken_numbers(text)
    text = _PART.sub(
        lambda match: f"{1 if match[1] in 'aA' else match[1]}/{_PARTS[match[2].lower().rstrip('s')]} of ", text
    )
    text = _LARGE.sub(lambda match: f"({match[1]}*10^{_POWERS[match[2].lower()]})", text)
    for pattern, sign in _REWRITES:
        text = pattern.sub(sign, text)
    text = re.sub(r"\s*\^\s*", "^", text)
    return re.sub(r"\s+", " ", text).strip(), next(iter(currencies), "")


def _spoken_numbers(text: str) -> str:
    """Numbers in words become digits; a bare "hundred" or "million" stays as it is."""
    return _SPOKEN.sub(_spoken_number, text)


def _spoken_number(match: re.Match[str]) -> str:
    words = re.split(r"[ -]+", match[0].lower())
    if words[0] not in _SMALL:
        return match[0]
    total = group = 0
    previous = ""
    for word in words:
        if word == "and":
            if previous not in ("hundred", *_POWERS):
                return match[0]  # "two and three" are two numbers
        elif word == "hundred":
            group = max(group, 1) * 100
        elif word in _POWERS:
            total, group = total + max(group, 1) * 10 ** _POWERS[word], 0
        else:
            joins = previous in ("", "and", "hundred", *_POWERS) or (previous in _TENS and _SMALL[word] < 10)
            if not joins:
                return match[0]  # "two three" is no number
            group += _SMALL[word]
        previous = word
    return str(total + group)


_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}")
_LATEX = (
    (r"\\(?:left|right|displaystyle|,|;|!|quad|text|mathrm)\b|\\[,;! ]", " "),
    (r"\\(?:cdot|times)\b", "*"),
    (r"\\div\b", "/"),
    (r"\\(?:to|rightarrow)\b", "->"),
    (r"\\infty\b", " infinity "),
    (r"\\int(?![a-zA-Z])", " integral "),
    (r"\\leq?\b", "<="),
    (r"\\geq?\b", ">="),
    (r"\\lim(?![a-zA-Z])", " lim"),
    (r"\\([a-zA-Z]+)", r" \1 "),
    (r"\\[()\[\]]|\$", " "),
    (r"\{", "("),
    (r"\}", ")"),
)


def _latex(text: str) -> str:
    """The few LaTeX commands that short questions use, in plain form."""
    for _ in range(20):  # innermost first; deeper nesting fails to parse later, which is fine
        changed = _FRACTION.sub(r"((\1)/(\2))", _ROOT.sub(r" sqrt(\1)", text))
        if changed == text:
            break
        text = changed
    for pattern, plain in _LATEX:
        text = re.sub(pattern, plain, text)
    return text
