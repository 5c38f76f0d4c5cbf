"""Questions that `builtin/solve` answers, with answers that were worked out by hand."""

from __future__ import annotations

import pytest

from meshwright.providers.builtin.solve.answer import answer

ARITHMETIC = [
    ("What is 12.5% of 840?", "12.5% of 840 = 105"),
    ("What is 2+2?", "2 + 2 = 4"),
    ("what's 7 times 8", "= 56"),
    ("12 divided by 5", "12/5 = 2.4"),
    ("Calculate 3.5 * (2 + 4)^2", "= 126"),
    ("Compute 3 × (4 − 1) ÷ 9", "= 1"),
    ("0.1 + 0.2", "0.1 + 0.2 = 0.3"),
    ("1/3 + 1/4", "= 7/12 ≈ 0.5833333333"),
    ("10/4", "10/4 = 5/2 = 2.5"),
    ("What is 1,234 * 1,000?", "= 1234000"),
    ("123456789 * 987654321", "= 121932631112635269"),
    ("-2^2", "-2² = -4"),
    ("2^3^2", "= 512"),
    ("5 - - 3", "= 8"),
    ("2(3+4)", "= 14"),
    ("3 x 4", "3 × 4 = 12"),
    ("3 x 10^8", "= 300000000"),
    ("1e3 + 1", "= 1001"),
    ("2½ + 1", "= 7/2 = 3.5"),
    ("What is 5² + 12²?", "= 169"),
    ("two plus three", "2 + 3 = 5"),
    ("twenty-one times 3", "21 × 3 = 63"),
    ("what is two hundred and five times three", "205 × 3 = 615"),
    ("5 million / 2 million", "= 5/2 = 2.5"),
    ("17 mod 5", "= 2"),
    ("-7 mod 3", "= 2"),
    ("remainder when 17 is divided by 5", "= 2"),
    ("What is 5 factorial?", "5! = 120"),
    ("20!", "= 2432902008176640000"),
    ("2^100", "= 1267650600228229401496703205376"),
    ("22/7 to 3 decimal places", "≈ 3.143"),
    ("2.5 rounded to the nearest integer", "≈ 3"),
    ("What is 3/4 as a decimal?", "3/4 = 0.75"),
    ("0.375 as a fraction", "0.375 = 3/8"),
    ("pi to 20 decimal places", "≈ 3.14159265358979323846"),
    ("the sum of 5, 10 and 15", "= 30"),
    ("subtract 3 from 10", "10 - 3 = 7"),
    ("divide 91 by 7", "= 13"),
    ("is 2+2 equal to 5?", "No: 2 + 2 = 5 is false (2 + 2 = 4)"),
    ("Is 2^10 greater than 1000?", "Yes: 2¹⁰ > 1000 is true (2¹⁰ = 1024)"),
    ("5/0", "undefined: it divides by zero."),
    ("What is $\\frac{3}{4} + \\frac{1}{8}$?", "= 7/8 = 0.875"),
    ("\\sqrt{16} + 2^3", "= 12"),
]
PERCENT = [
    ("20% off 80", "20% of 80 = 16, so 80 less 20% = 64"),
    ("What is a 15% tip on $42.50?", "≈ $6.38"),
    ("increase 50 by 10%", "= 55"),
    ("what percent of 80 is 20", "20 is 25% of 80"),
    ("20 is what percent of 60?", "20 is about 33.33333333% of 60"),
    ("15 is 20% of what?", "15 is 20% of 75"),
    ("percent change from 80 to 60", "-25%"),
    ("two thirds of 90", "2/3 of 90 = 60"),
    ("half of 30", "= 15"),
    ("7% of 1,250,000", "= 87500"),
]
ROOTS_AND_FUNCTIONS = [
    ("What is the square root of 144?", "√144 = 12"),
    ("square root of 2", "≈ 1.414213562"),
    ("sqrt(50)", "= 5√2 ≈ 7.071067812"),
    ("cube root of 27", "= 3"),
    ("27^(2/3)", "= 9"),
    ("sin 30 degrees", "= 0.5"),
    ("sin pi/6", "= 1/2 = 0.5"),
    ("cos(180°)", "= -1"),
    ("tan(90°)", "is undefined."),
    ("sin²(0.3) + cos²(0.3)", "= 1"),
    ("log 1000", "log₁₀(1000) = 3"),
    ("log2(1024)", "log₂(1024) = 10"),
    ("log base 3 of 81", "= 4"),
    ("ln e^2", "= 2"),
    ("arctan(1)", "= π/4 ≈ 0.7853981634 (in radians)"),
    ("|3+4i|", "= 5"),
    ("(2+3i)(1-i)", "= 5 + i"),
    ("sqrt(-4)", "= 2i"),
    ("e^(i*pi) + 1", "= 0"),
    ("floor(3.7)", "= 3"),
]
WHOLE_NUMBERS = [
    ("gcd of 12 and 18", "= 6"),
    ("lcm(4, 6)", "= 12"),
    ("gcd(12,345)", "gcd(12, 345) = 3"),
    ("is 97 prime?", "Yes, 97 is prime"),
    ("Is 91 prime?", "No, 91 is not prime: 91 = 7 × 13"),
    ("prime factors of 360", "360 = 2³ × 3² × 5"),
    ("is 91 divisible by 7", "Yes, 91 is divisible by 7: 91 = 13 × 7"),
    ("10 choose 3", "= 120"),
    ("mean of 3, 5, 8", "= 16/3 ≈ 5.333333333"),
    ("median of 1, 9, 4, 6", "= 5"),
    ("standard deviation of 2, 4, 4, 4, 5, 5, 7, 9", "population = 2; sample = 4√14/7 ≈ 2.138089935"),
    ("next prime after 100", "is 101"),
    ("how many primes below 100", "There are 25 primes below 100"),
    ("divisors of 28", "1, 2, 4, 7, 14, 28"),
    ("convert 255 to binary", "= 11111111 (base 2)"),
    ("0xff in decimal", "= 255 (base 10)"),
    ("sum of the first 100 positive integers", "= 5050"),
]
EQUATIONS = [
    ("Solve x^2 - 5x + 6 = 0", "x = 2 or x = 3"),
    ("solve 2x + 3 = 11 for x", "x = 4"),
    ("what is x if 2x + 3 = 11", "x = 4"),
    ("Solve for x: 3(x-2) = 2x + 1", "x = 7"),
    ("x + y = 10, x - y = 2", "x = 6, y = 4"),
    ("solve x + y = 2, x + y = 3", "no solution"),
    ("x^2 + 1 = 0", "x = -i or x = i"),
    ("x^2 = 2", "x = -√2 ≈ -1.414213562 or x = √2 ≈ 1.414213562"),
    ("x^3 - 2x - 5 = 0", "x ≈ 2.094551482"),
    ("sqrt(x) = x - 2", "x = 4"),
    ("solve (x-1)/(x^2-1) = 0", "no solution"),
    ("solve |x - 3| = 5", "x = -2 or x = 8"),
    ("2^x = 8", "x = 3"),
    ("sin x = 1/2", "x = π/6 + 2πn or x = 5π/6 + 2πn (n any whole number)"),
    ("cos x = x", "x ≈ 0.7390851332 (found numerically"),
    ("solve F = m a for a", "a = F/m"),
    ("solve x^2 < 4", "-2 < x < 2"),
    ("(x-1)/(x+2) > 0", "x < -2 or x > 1"),
    ("solve x = x + 1", "has no solution"),
]
ALGEBRA = [
    ("Factor x^2 - 5x + 6", "= (x - 3)(x - 2)"),
    ("factor x^2 + 1", "(it does not factor over the rational numbers)"),
    ("expand (x+1)^3", "= x³ + 3x² + 3x + 1"),
    ("simplify (x^2-1)/(x-1)", "= x + 1 (where x - 1 ≠ 0)"),
    ("simplify sin(x)^2 + cos(x)^2", "= 1"),
    ("2x + 3x", "= 5x"),
    ("complete the square x^2 + 6x + 5", "= (x + 3)² - 4"),
    ("determinant of [[1,2],[3,4]]", "= -2"),
    ("inverse of [[2,1],[4,2]]", "has no inverse: its determinant is 0"),
    ("f(x) = x^2 + 1, find f(3)", "= 10"),
    ("evaluate 3x^2 - 2x when x = 4", "= 40"),
]
CALCULUS = [
    ("Differentiate x^2 sin x", "d/dx (x² sin x) = x² cos x + 2x sin x"),
    ("What is the derivative of x^3 at x = 2?", "d/dx (x³) = 3x²; at x = 2: 12"),
    ("derivative of ln(x)/x", "= (1 - ln x)/x²"),
    ("second derivative of sin(2x)", "= -4 sin(2x)"),
    ("partial derivative of x^2 y^3 with respect to y", "= 3x²y²"),
    ("f'(2) if f(x) = x^3", "at x = 2: 12"),
    ("integrate x^2 from 0 to 1", "= 1/3 ≈ 0.3333333333"),
    ("∫_0^π sin x dx", "= 2"),
    ("integral of 1/x dx", "= ln(|x|) + C"),
    ("∫ x e^x dx", "= x e^x - e^x + C"),
    ("integrate e^(-x^2) from -infinity to infinity", "= √π ≈ 1.772453851"),
    ("integrate |x| from -1 to 2", "= 5/2 = 2.5"),
    ("integrate 1/x from 0 to 1", "diverges (∞)"),
    ("limit of sin(x)/x as x approaches 0", "= 1"),
    ("lim_{x→∞} (1 + 1/x)^x", "= e ≈ 2.718281828"),
    ("limit of 1/x as x approaches 0", "does not exist (from the left -∞, from the right ∞)"),
    ("lim x->0+ 1/x", "= ∞"),
    ("Taylor series of e^x around 0 up to order 4", "= 1 + x + x²/2 + x³/6 + x⁴/24 + O(x⁵)"),
    ("series of ln(x) around x = 1 to order 3", "= (x - 1) - (x - 1)²/2 + (x - 1)³/3 + O((x - 1)⁴)"),
    ("sum of k^2 for k = 1 to 10", "= 385"),
    ("sum of 1/n^2 for n = 1 to infinity", "= π²/6 ≈ 1.644934067"),
]
UNITS = [
    ("convert 5 miles to km", "5 mi = 8.04672 km"),
    ("how many seconds in 3 days", "3 d = 259200 s"),
    ("100 F in C", "100 °F ≈ 37.77777778 °C"),
    ("-40 C to F", "-40 °C = -40 °F"),
    ("0 K in C", "= -273.15 °C"),
    ("5 ft 10 in to cm", "= 177.8 cm"),
    ("How many feet are in a mile?", "= 5280 ft"),
    ("60 mph to km/h", "= 96.56064 km/h"),
    ("9.8 m/s^2 in ft/s^2", "≈ 32.15223097 ft/s²"),
    ("1 gallon in liters", "= 3.785411784 L (US gallon)"),
    ("convert 3 square feet to square meters", "= 0.27870912 m²"),
    ("1 GiB in MiB", "= 1024 MiB"),
    ("8 Mb in MB", "= 1 MB"),
    ("180 degrees in radians", "180° = π ≈ 3.141592654 rad"),
    ("26.2 miles to km rounded to 1 decimal place", "≈ 42.2 km"),
    ("5 km + 300 m", "= 5.3 km"),
]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        *ARITHMETIC, *PERCENT, *ROOTS_AND_FUNCTIONS, *WHOLE_NUMBERS, *EQUATIONS, *ALGEBRA, *CALCULUS, *UNITS,
    ],
)  # fmt: skip
def test_a_question_that_can_be_computed_gets_the_right_answer(question, expected):
    told = answer(question)
    assert told.endswith(expected) or (expected in told and "\n" not in told), told


def test_the_answer_shows_how_the_question_was_read():
    assert answer("sqrt of 144 plus 5") == "√144 + 5 = 17"
    assert answer("12 mod 5 + 1") == "12 mod 5 + 1 = 3"
    assert answer("-2^2") == "-2² = -4"


def test_what_may_be_read_otherwise_is_said():
    assert answer("sin 1").endswith("(angles in radians; write ° for degrees)")
    assert answer("derivative of log x").endswith("(log is the natural logarithm)")
    assert answer("(-8)^(1/3)").endswith("(the principal complex value, not the real root)")
    assert answer("1 pint in ml").endswith("(US pint)")


def test_the_same_question_gets_the_same_answer():
    for question in ("solve x^4 - 5x^2 + 4 = 0", "integrate sin(x)^2", "expand (x+y+z)^3"):
        assert answer(question) == answer(question)
