"""The OpenAPI document tells the truth: requests made up from it, good and bad, are answered as it says."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings

from meshwright.server.document import document
from meshwright.server.endpoints import ENDPOINTS
from tests.gateway import Gateway

EXAMPLES = 40
FEWER = 10
SCHEMA = schemathesis.openapi.from_dict(json.loads(document(ENDPOINTS)))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]  # ours is valid


GOOD, BAD = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
OTHERS = (" /admin/", " /v1/feedback", " /api/", " /v1beta/", " /v2/", " /model/", " /v1/models/{model}:")
"""Their requests have tests of their own, or wait for the ledger: fewer examples do for what all endpoints share."""
CAN_BE_WRONG = ("POST", "GET /v1/decisions")


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
        for operation in OPERATIONS
        for mode in (GOOD, BAD)
        if mode is GOOD or (operation.label.startswith(CAN_BE_WRONG) and "{" not in operation.label)
    ],
)
def test_every_answer_is_one_that_the_document_describes(
    plain: Gateway, operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode
):
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=FEWER if any(path in operation.label for path in OTHERS) else EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        # To JSON Schema 1.0 is an integer; here a count is written without a point.
        members = case.body.values() if isinstance(case.body, dict) else ()
        assume(mode is BAD or not any(isinstance(value, float) and value.is_integer() for value in members))
        assume(mode is BAD or distinct(case.body))
        if mode is GOOD and "x-mesh-timeout" in case.headers:
            case.headers["x-mesh-timeout"] = "60"  # who waits for a moment only is told so, with a 504
        case.call_and_validate(base_url=plain.url)

    ask()


def distinct(body: object) -> bool:
    """Whether no two requests of a batch have one custom_id, which JSON Schema has no words for."""
    requests = body.get("requests") if isinstance(body, dict) else None
    ids = [str(one.get("custom_id")) for one in requests or () if isinstance(one, dict)]
    return len(ids) == len({*ids})


def test_every_endpoint_is_in_the_document(plain: Gateway):
    paths = json.loads(plain.call("/openapi.json")[2])["paths"]
    assert {"/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"} <= set(paths)
    assert {"/v1/models", "/v1/decisions", "/v1/decisions/{id}", "/healthz", "/readyz", "/metrics", "/"} <= set(paths)
