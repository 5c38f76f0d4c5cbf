"""The OpenAPI document tells the truth: requests made up from it, good and bad, are answered as it says."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.openapi import OpenApiSchema

from tests.gateway import Gateway


@pytest.fixture(scope="session")
def api(plain: Gateway) -> OpenApiSchema:
    """The document of the running gateway."""
    return schemathesis.openapi.from_url(f"{plain.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_describes(case: schemathesis.Case):
    case.call_and_validate()


def test_every_endpoint_is_in_the_document(plain: Gateway):
    paths = json.loads(plain.call("/openapi.json")[2])["paths"]
    assert {"/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"} <= set(paths)
    assert {"/v1/models", "/v1/decisions", "/v1/decisions/{id}", "/healthz", "/readyz", "/metrics", "/"} <= set(paths)
