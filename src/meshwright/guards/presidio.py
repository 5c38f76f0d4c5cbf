"""presidio: names, places and dates by Microsoft's Presidio, where that and a language model for it are installed.

It is no extra of ours: with spaCy and its model it is larger than all else together, and takes milliseconds
where the others take microseconds. API: https://microsoft.github.io/presidio/api/analyzer_python
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from meshwright.guards.guard import ASKED, Guard, Options, apart
from meshwright.types.guard import Finding

_KINDS = {"PERSON": "name", "LOCATION": "place", "NRP": "group", "DATE_TIME": "date", "MEDICAL_LICENSE": "medical"}
MODELS = ("en_core_web_lg", "en_core_web_trf", "en_core_web_md", "en_core_web_sm")
"""spaCy's models for English, the best first; without one Presidio would fetch hundreds of megabytes in a request."""
INSTALL = "pip install presidio-analyzer, then python -m spacy download en_core_web_lg"


def missing() -> str:
    """What is not installed."""
    if find_spec("presidio_analyzer") is None or find_spec("spacy") is None:
        return f"Presidio is not installed ({INSTALL})"
    return "" if model() else f"Presidio has no model for English ({INSTALL})"


def model() -> str:
    """The first of the models that is installed, "" when none is."""
    return next((name for name in MODELS if find_spec(name) is not None), "")


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    # By name and not by an import: no release of ours asks for it, and only who has switched it on pays for it.
    provider = import_module("presidio_analyzer.nlp_engine").NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model()}]}
    )
    return import_module("presidio_analyzer").AnalyzerEngine(nlp_engine=provider.create_engine())


def look(text: str, options: Options) -> list[Finding]:
    """What Presidio finds in English text, of the kinds that `pii` cannot know."""
    wanted = [theirs for theirs, kind in _KINDS.items() if options.wants(kind)]
    results = _analyzer().analyze(text=text, language="en", entities=wanted, score_threshold=options.threshold)
    return apart(Finding(_KINDS[one.entity_type], one.start, one.end) for one in results)


GUARD = Guard(
    look=look,
    summary="Names, places and dates in English, by Presidio, if you install it.",
    kinds={
        "name": "a person's name",
        "place": "a town, a country, a street",
        "group": "a nationality, a religion, a political group",
        "date": "a date or a time",
        "medical": "the number of a medical licence",
    },
    action="mask",
    places=ASKED,
    reach=80,
    layers=False,
    threshold=0.5,
    missing=missing,
)
