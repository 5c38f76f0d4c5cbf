"""STUB by the lead: overwrite me."""


def looks_computable(text: str) -> float:
    return 0.9 if any(c.isdigit() for c in text) else 0.0
