"""How likely it is that a text is a plain computation, told from its words alone in a few microseconds."""

from __future__ import annotations

import re

_MOST = 400
"""Characters; what is longer is no single computation."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_SPOKEN = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|"
    r"seventy|eighty|ninety|hundred|thousand|million|billion)\b"
)
# 100 f in c: units of one letter, where a conversion is asked for.
_SHORT_UNITS = re.compile(r"\d ?(?:deg |° ?)?[a-z]{1,3} (?:in|to|into|as) (?:deg )?[a-z]+$")
_CROSS = re.compile(r"\d ?x ?[\d(]")
_OTHER_ALPHABET = re.compile(
    r"[^\x00-\x7f×÷−–—·√∛π∞∫∑Σ≤≥→’‘“”°µ€£½¼¾⅓⅔θαβγδελμρστφω⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿˣ₀₁₂₃₄₅₆₇₈₉\u00a0\u2009\u202f∂⋅∙✕∕⁄]"
)
_DIGIT = re.compile(r"\d")
_SIGN = re.compile(r"[-+*/^=<>%!×÷−·√∫∑²³√|°]|\blog\b|\bln\b")
# A bare date, telephone number, version or address, or a question with answers to choose from.
_NO_FORMULA = re.compile(
    r"\d{4}-\d\d?-\d\d?|\d\d?/\d\d?/\d{2,4}|\d{3}-\d{4}|\d+\.\d+\.\d+|https?:|\S@\S|[`#]|\n *[a-d][.)] |::|9/11|24/7"
)
_CODE = re.compile(
    r"```|\b(?:python|javascript|java|code|function (?:to|that|which|called|named)|program|script|sql|regex|print|def|"
    r"import|return|class|bash|excel|latex|write|explain|prove|why|story|poem|translate|summari[sz]e|describe|was|were)\b"
    r"|[;{}] *\n|=>|\w\.\w+\(|\bdoes \S+ mean\b"
)

_POLITE = (
    "please can could would you will kindly hi hey hello ok okay so now just quickly help me i need want like to "
    "know tell show give let's do does did is are be what what's whats which how much many the a an of it my your "
    "our for and or by in into on at as with from between through when if where given that such then find out get "
    "got work step steps exactly thanks thank question answer result value values equal equals number numbers all "
    "there have has make up about this following"
)
_COMMANDS = (
    "calculate compute evaluate solve simplify expand factor factorise factorize differentiate derive integrate "
    "convert round derivative integral antiderivative limit lim series taylor maclaurin sum product difference "
    "quotient remainder add subtract multiply divide divided times plus minus percent percentage pct per cent "
    "increase decrease increased decreased tip off discount squared cubed square cube root roots sqrt cbrt power "
    "raised exponent factorial gcd gcf hcf lcm greatest least lowest common divisor divisors multiple factors "
    "prime primes factorization factorisation factored divisible even odd average mean median mode range variance "
    "standard deviation max min maximum minimum largest smallest biggest sin cos tan cot sec csc sine cosine "
    "tangent arcsin arccos arctan asin acos atan sinh cosh tanh log ln exp logarithm natural abs absolute mod "
    "modulo modulus floor ceil ceiling choose combinations permutations determinant inverse matrix reciprocal "
    "fibonacci binary octal decimal hex hexadecimal base fraction pi infinity inf double half third thirds "
    "quarter quarters fourth twice "
    "negative change reduce reduced tax det degrees radians degree radian"
)
_GRAMMAR = (
    "first second third fourth fifth nth order degree degrees radians approaches goes tends left right side above "
    "below respect partial definite indefinite function equation equations system inequality expression "
    "polynomial quadratic following simultaneous zeros zeroes solution solutions dx dy dt wrt around near terms "
    "term expansion up places place nearest whole integer integers tenth hundredth thousandth decimals digits "
    "rounded positive natural real than greater less more larger smaller fewer true set list data sample "
    "population complete completely simplest form lowest inclusive to over under next after before fractions "
    "decomposition subject make negative theta alpha beta gamma lambda phi e x y z t n k fn zero one two three "
    "four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion st "
    "nd rd th xy sinx cosx tanx lnx int frac cdot infty is square"
)
_UNITS = (
    "inch inches foot feet ft yard yards mile miles mi km kilometer kilometers kilometre kilometres meter meters "
    "metre metres cm mm centimeter centimeters centimetre centimetres millimeter millimeters kg kilogram "
    "kilograms gram grams mg lb lbs pound pounds ounce ounces oz stone tonne tonnes liter liters litre litres ml "
    "gallon gallons quart quarts pint pints tablespoon tablespoons teaspoon teaspoons second seconds sec minute "
    "minutes min mins hour hours hr hrs day days week weeks year years celsius fahrenheit kelvin mph kph kmh "
    "knots knot byte bytes kb mb gb tb bit bits kib mib gib kilobytes megabytes gigabytes terabytes joule joules "
    "calorie calories kcal watt watts kw kwh hp horsepower pascal pascals bar psi atm acre acres hectare hectares "
    "light nautical fluid cubic radian volt volts newtons pa hpa kpa mpa j kj nm um hz khz mhz ghz ev ly au ct "
    "torr mmhg btu wh mwh deg celcius"
)
_COMMAND_WORDS = frozenset(_COMMANDS.split())
_UNIT_WORDS = frozenset(_UNITS.split())
_KNOWN = frozenset((_POLITE + " " + _GRAMMAR).split()) | _COMMAND_WORDS | _UNIT_WORDS


def looks_computable(text: str) -> float:
    """0..1: near 1 when every word belongs to the language of arithmetic and there is something to compute.

    A guess for a router, not a promise: `builtin/solve` reads the text properly and declines what it cannot read.
    """
    if not text or len(text) > _MOST or (not text.isascii() and _OTHER_ALPHABET.search(text)):
        return 0.0
    lower = text.lower()
    unknown = commands = units = 0
    words = _WORD.findall(lower)
    for word in words:
        if word in _COMMAND_WORDS:
            commands += 1
        elif word in _UNIT_WORDS:
            units += 1
        elif word not in _KNOWN and len(word) > 1:
            unknown += 1
            if unknown > 1:  # most texts end here
                return 0.02
    if len(words) > 40 or _CODE.search(lower) or _NO_FORMULA.search(lower):
        return 0.02
    digits = _DIGIT.search(lower) is not None or _SPOKEN.search(lower) is not None
    if unknown:
        return 0.1 if commands and digits else 0.02
    signs = _SIGN.search(lower) is not None
    if digits and (signs or commands) and units < 3:
        return 0.97
    if digits and (units > 1 or _CROSS.search(lower) or _SHORT_UNITS.search(lower.rstrip(" ?."))):
        return 0.9
    if digits and units:
        return 0.15
    if units > 1 and "how many" in lower:
        return 0.9
    if signs and commands:
        return 0.93
    if commands and len(words) > 1 and any(len(word) == 1 for word in words):
        return 0.85
    if signs and len(words) >= 2:
        return 0.6 if "=" in lower or "∫" in lower else 0.2
    return 0.05
