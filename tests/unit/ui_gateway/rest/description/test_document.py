"""The description of the own API is whole, and its examples are what it describes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from headrace_ui_gateway.rest import models as own_models
from headrace_ui_gateway.rest import session as auth_routes
from headrace_ui_gateway.rest.description.examples import EXAMPLES
from jsonschema import Draft202012Validator

from tests.unit.ui_gateway.rest.fake_services import FakeServices, client_over

_METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
async def document() -> dict[str, Any]:
    async with client_over(FakeServices()) as client:
        return dict((await client.get("/openapi.json")).json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def faults(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": document["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def test_every_operation_has_a_description(document: dict[str, Any]) -> None:
    seen = set()
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert path.startswith("/api/v1/"), where
        assert operation["summary"], where
        assert not operation["summary"].endswith("."), where
        assert operation["tags"], where
        assert operation["operationId"].isidentifier(), where
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
    assert len(seen) > 50


def test_every_operation_documents_its_errors(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        where, responses = f"{method} {path}", operation["responses"]
        wanted = {"400", "401", "403", "429", "503"}
        wanted |= {"404"} if "{" in path else set()
        wanted |= {"507"} if "201" in responses else set()
        wanted |= {"413", "415"} if "requestBody" in operation else set()
        assert wanted <= responses.keys(), where
        assert "422" not in responses, where
        for status, response in responses.items():
            assert response["description"], where
            if status >= "400":
                (kind,) = response["content"]
                assert kind == "application/problem+json", where
        for status in ("429", "503"):
            assert "Retry-After" in responses[status]["headers"], where
        if "201" in responses:
            names = {one["name"] for one in operation["parameters"]}
            assert "Idempotency-Key" in names, where
            assert "200" in responses, where
        if "304" in responses:
            assert "ETag" in responses["200"]["headers"], where


def test_every_body_has_a_valid_example(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for kind, content in body.get("content", {}).items():
                if not kind.endswith("json") or content.get("schema", {}).get("format"):
                    continue
                where = f"{method} {path} {kind}"
                if "example" in content:
                    assert not faults(document, content["schema"], content["example"]), where
                else:
                    name = content["schema"]["$ref"].rpartition("/")[2]
                    assert document["components"]["schemas"][name].get("examples"), where


def test_references_resolve(document: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    known = document["components"]["schemas"]
    found = {reference.rpartition("/")[2] for reference in references(document)}
    assert found <= known.keys()


def test_parameters_and_headers_are_never_null(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert "anyOf" not in parameter["schema"], f"{method} {path} {parameter['name']}"


def test_every_example_is_used(document: dict[str, Any]) -> None:
    models = {**vars(own_models), **vars(auth_routes)}
    unknown = EXAMPLES.keys() - document["components"]["schemas"].keys() - models.keys()
    assert not unknown
