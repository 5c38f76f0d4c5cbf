"""Units of measurement and their exact size in SI units.

Sources: BIPM, The International System of Units (9th ed.), tables 1-4, 7 and 8; NIST Special Publication 811, appendix
B, for the US and imperial units; IEC 80000-13 for binary prefixes. Units that depend on the calendar (month) or on a
market (money) are left out, and so is "cup", of which there are five.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

# Exponents of length, mass, time, temperature, current, substance, data, angle.
Dimension = tuple[int, int, int, int, int, int, int, int]


class Unit(msgspec.Struct, frozen=True):
    """A unit: how it is written, its size in SI units (for a temperature of a degree) and what it measures.

    `zero` is the temperature in kelvin at which its scale reads 0. `note` says which of several definitions it is.
    """

    symbol: str
    size: Fraction
    dimension: Dimension
    zero: Fraction = Fraction(0)
    note: str = ""


_LENGTH: Dimension = (1, 0, 0, 0, 0, 0, 0, 0)
_AREA: Dimension = (2, 0, 0, 0, 0, 0, 0, 0)
_VOLUME: Dimension = (3, 0, 0, 0, 0, 0, 0, 0)
_MASS: Dimension = (0, 1, 0, 0, 0, 0, 0, 0)
_TIME: Dimension = (0, 0, 1, 0, 0, 0, 0, 0)
_HEAT: Dimension = (0, 0, 0, 1, 0, 0, 0, 0)
_CURRENT: Dimension = (0, 0, 0, 0, 1, 0, 0, 0)
_SUBSTANCE: Dimension = (0, 0, 0, 0, 0, 1, 0, 0)
_DATA: Dimension = (0, 0, 0, 0, 0, 0, 1, 0)
_ANGLE: Dimension = (0, 0, 0, 0, 0, 0, 0, 1)
_SPEED: Dimension = (1, 0, -1, 0, 0, 0, 0, 0)
_FREQUENCY: Dimension = (0, 0, -1, 0, 0, 0, 0, 0)
_FORCE: Dimension = (1, 1, -2, 0, 0, 0, 0, 0)
_PRESSURE: Dimension = (-1, 1, -2, 0, 0, 0, 0, 0)
_ENERGY: Dimension = (2, 1, -2, 0, 0, 0, 0, 0)
_POWER: Dimension = (2, 1, -3, 0, 0, 0, 0, 0)
_CHARGE: Dimension = (0, 0, 1, 0, 1, 0, 0, 0)
_VOLTAGE: Dimension = (2, 1, -3, 0, -1, 0, 0, 0)
_RESISTANCE: Dimension = (2, 1, -3, 0, -2, 0, 0, 0)

NAMES = {
    _LENGTH: "a length", _AREA: "an area", _VOLUME: "a volume", _MASS: "a mass", _TIME: "a time",
    _HEAT: "a temperature",
    _CURRENT: "a current", _SUBSTANCE: "an amount of substance", _DATA: "an amount of data", _ANGLE: "an angle",
    _SPEED: "a speed", _FREQUENCY: "a frequency", _FORCE: "a force", _PRESSURE: "a pressure", _ENERGY: "an energy",
    _POWER: "a power", _CHARGE: "a charge", _VOLTAGE: "a voltage", _RESISTANCE: "a resistance",
}  # fmt: skip

# symbol, size in SI units, dimension, other spellings (plural "s" is added by itself), note
_ROWS: tuple[tuple[str, str, Dimension, str, str], ...] = (
    ("in", "0.0254", _LENGTH, "inch inches", ""),
    ("ft", "0.3048", _LENGTH, "foot feet", ""),
    ("yd", "0.9144", _LENGTH, "yard", ""),
    ("mi", "1609.344", _LENGTH, "mile", ""),
    ("nmi", "1852", _LENGTH, "nautical_mile", ""),
    ("ly", "9460730472580800", _LENGTH, "light_year lightyear light-year", ""),
    ("au", "149597870700", _LENGTH, "astronomical_unit", ""),
    ("Å", "1e-10", _LENGTH, "angstrom", ""),
    ("fathom", "1.8288", _LENGTH, "", ""),
    ("furlong", "201.168", _LENGTH, "", ""),
    ("mil", "0.0000254", _LENGTH, "thou", "thousandth of an inch"),
    ("acre", "4046.8564224", _AREA, "", "international acre"),
    ("ha", "10000", _AREA, "hectare", ""),
    ("gal", "0.003785411784", _VOLUME, "gallon us_gallon", "US gallon"),
    ("imp gal", "0.00454609", _VOLUME, "imperial_gallon uk_gallon", ""),
    ("qt", "0.000946352946", _VOLUME, "quart us_quart", "US quart"),
    ("pt", "0.000473176473", _VOLUME, "pint us_pint", "US pint"),
    ("imp pt", "0.00056826125", _VOLUME, "imperial_pint uk_pint", ""),
    ("fl oz", "0.0000295735295625", _VOLUME, "floz fluid_ounce fl._oz", "US fluid ounce"),
    ("tbsp", "0.00001478676478125", _VOLUME, "tablespoon", "US tablespoon"),
    ("tsp", "0.00000492892159375", _VOLUME, "teaspoon", "US teaspoon"),
    ("US cup", "0.0002365882365", _VOLUME, "us_cup", ""),
    ("lb", "0.45359237", _MASS, "pound lbs", ""),
    ("oz", "0.028349523125", _MASS, "ounce", "avoirdupois ounce"),
    ("st", "6.35029318", _MASS, "stone", ""),
    ("t", "1000", _MASS, "tonne metric_ton", ""),
    ("short ton", "907.18474", _MASS, "us_ton short_ton", ""),
    ("long ton", "1016.0469088", _MASS, "imperial_ton long_ton", ""),
    ("ct", "0.0002", _MASS, "carat", ""),
    ("troy oz", "0.0311034768", _MASS, "troy_ounce", ""),
    ("min", "60", _TIME, "minute mins", ""),
    ("h", "3600", _TIME, "hour hr hrs", ""),
    ("d", "86400", _TIME, "day", ""),
    ("week", "604800", _TIME, "wk wks", ""),
    ("fortnight", "1209600", _TIME, "", ""),
    ("year", "31536000", _TIME, "yr yrs", "year of 365 days"),
    ("decade", "315360000", _TIME, "", "years of 365 days"),
    ("century", "3153600000", _TIME, "centuries", "years of 365 days"),
    ("mph", "0.44704", _SPEED, "", ""),
    ("km/h", "5/18", _SPEED, "kph kmh kmph", ""),
    ("kn", "463/900", _SPEED, "knot kt kts", ""),
    ("rpm", "1/60", _FREQUENCY, "", ""),
    ("lbf", "4.4482216152605", _FORCE, "pound-force pound_force", ""),
    ("kgf", "9.80665", _FORCE, "kilogram-force", ""),
    ("dyn", "0.00001", _FORCE, "dyne", ""),
    ("bar", "100000", _PRESSURE, "", ""),
    ("mbar", "100", _PRESSURE, "millibar", ""),
    ("atm", "101325", _PRESSURE, "atmosphere", ""),
    ("psi", "44482216152605/6451600000", _PRESSURE, "", ""),
    ("mmHg", "133.322387415", _PRESSURE, "mmhg", ""),
    ("Torr", "20265/152", _PRESSURE, "torr", ""),
    ("cal", "4.184", _ENERGY, "calorie", "thermochemical calorie"),
    ("kcal", "4184", _ENERGY, "kilocalorie", "thermochemical calorie"),
    ("BTU", "1055.05585262", _ENERGY, "btu", "international table BTU"),
    ("kWh", "3600000", _ENERGY, "kwh kilowatt-hour kilowatt_hour", ""),
    ("Wh", "3600", _ENERGY, "watt-hour watt_hour", ""),
    ("MWh", "3600000000", _ENERGY, "megawatt-hour", ""),
    ("hp", "745.69987158227022", _POWER, "horsepower", "mechanical horsepower"),
    ("deg", "0", _ANGLE, "degree arcdegree", ""),
)

# What takes SI prefixes: symbol, size, dimension, spellings.
_PREFIXED: tuple[tuple[str, str, Dimension, str], ...] = (
    ("m", "1", _LENGTH, "meter metre"),
    ("g", "0.001", _MASS, "gram gramme"),
    ("s", "1", _TIME, "second sec"),
    ("A", "1", _CURRENT, "ampere amp"),
    ("mol", "1", _SUBSTANCE, "mole"),
    ("L", "0.001", _VOLUME, "liter litre l"),
    ("Hz", "1", _FREQUENCY, "hertz hz"),
    ("N", "1", _FORCE, "newton"),
    ("Pa", "1", _PRESSURE, "pascal pa"),
    ("J", "1", _ENERGY, "joule"),
    ("eV", "1.602176634e-19", _ENERGY, "electronvolt electron_volt ev"),
    ("W", "1", _POWER, "watt"),
    ("C", "1", _CHARGE, "coulomb"),
    ("V", "1", _VOLTAGE, "volt"),
    ("Ω", "1", _RESISTANCE, "ohm"),
    ("B", "8", _DATA, "byte"),
    ("bit", "1", _DATA, "bit"),
)
_PREFIXES = (
    ("p", "pico", -12), ("n", "nano", -9), ("u", "micro", -6), ("m", "milli", -3), ("c", "centi", -2),
    ("d", "deci", -1),
    ("h", "hecto", 2), ("k", "kilo", 3), ("M", "mega", 6), ("G", "giga", 9), ("T", "tera", 12), ("P", "peta", 15),
)  # fmt: skip
_BINARY = (("Ki", "kibi", 1), ("Mi", "mebi", 2), ("Gi", "gibi", 3), ("Ti", "tebi", 4), ("Pi", "pebi", 5))

TEMPERATURES = {
    "°C": Unit("°C", Fraction(1), _HEAT, Fraction("273.15")),
    "°F": Unit("°F", Fraction(5, 9), _HEAT, Fraction("273.15") - Fraction(160, 9)),
    "K": Unit("K", Fraction(1), _HEAT),
}
_HEAT_SPELLINGS = {
    "°C": "c celsius centigrade degc deg_c deg_celsius degree_celsius degrees_celsius degrees_c degree_c",
    "°F": "f fahrenheit degf deg_f deg_fahrenheit degree_fahrenheit degrees_fahrenheit degrees_f degree_f",
    "K": "k kelvin kelvins degrees_kelvin deg_k deg_kelvin",
}


def _table() -> tuple[dict[str, Unit], dict[str, Unit]]:
    """(units by exact spelling, units by spelling in lower case): "Mb" and "MB" differ, "Miles" and "miles" do not."""
    exact: dict[str, Unit] = {}
    words: dict[str, Unit] = {}
    for symbol, size, dimension, spellings, note in _ROWS:
        if symbol == "deg":
            continue  # an angle in degrees is no rational part of a radian: angles are converted apart
        unit = Unit(symbol, Fraction(size), dimension, note=note)
        exact[symbol] = unit
        for each in (symbol.lower(), *spellings.split()):
            words[each] = unit
            if len(each) > 2:  # "ds" is no plural of d
                words.setdefault(each + "s", unit)
    for symbol, size, dimension, spellings in _PREFIXED:
        exact[symbol] = Unit(symbol, Fraction(size), dimension)
        for word in spellings.split():
            words[word] = words[word + "s"] = exact[symbol]
        for short, long, power in _PREFIXES:
            if dimension == _DATA and power < 3:
                continue  # nobody means a tenth of a byte by dB
            unit = Unit(short.replace("u", "µ") + symbol, Fraction(size) * Fraction(10) ** power, dimension)
            exact.setdefault(short + symbol, unit)
            for word in spellings.split():
                if len(word) > 1:
                    words[long + word] = words[long + word + "s"] = unit
    for short, long, power in _BINARY:
        for symbol, word, bits in (("B", "byte", 8), ("bit", "bit", 1)):
            unit = Unit(short + symbol, Fraction(bits * 1024**power), _DATA)
            exact[short + symbol] = words[long + word] = words[long + word + "s"] = unit
    exact |= {"Mbps": Unit("Mbit/s", Fraction(10**6), (0, 0, -1, 0, 0, 0, 1, 0)), "ml": exact["mL"], "cl": exact["cL"]}
    exact |= {
        "dl": exact["dL"],
        "KB": exact["kB"],
        "kb": exact["kbit"],
        "Mb": exact["Mbit"],
        "Gb": exact["Gbit"],
        "cc": exact["mL"],
    }
    exact |= {
        "Gbps": Unit("Gbit/s", Fraction(10**9), (0, 0, -1, 0, 0, 0, 1, 0)),
        "kph": words["kph"],
        "KM": exact["km"],
    }
    exact |= {
        "Km": exact["km"],
        "KG": exact["kg"],
        "Kg": exact["kg"],
        "LB": exact["lb"],
        "FT": exact["ft"],
        "CM": exact["cm"],
    }
    return exact, words


EXACT, WORDS = _table()
HEAT = {word: TEMPERATURES[symbol] for symbol, spellings in _HEAT_SPELLINGS.items() for word in spellings.split()}
"""Temperatures, by spelling in lower case. Only read where both sides are temperatures: "C" is also the coulomb."""
