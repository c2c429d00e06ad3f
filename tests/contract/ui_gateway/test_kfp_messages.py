"""KFP's messages against the models of its own client, which are generated from KFP's published
OpenAPI document: every field by name and type, every enum value in order.

The client's sources are read, not imported: it lives in an environment of its own, `.kfp`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from headrace_ui_gateway.kfp.messages import artifacts, resources, runs
from headrace_ui_gateway.kfp.messages.wire import Message
from pydantic.json_schema import models_json_schema

ROOT = Path(__file__).parents[3]
MODULES = (resources, runs, artifacts)
PREFIX = "#/"

PUBLISHED_AS = {
    "AuthorizeResources": ["AuthorizeRequestResources"],
    "AuthorizeVerb": ["AuthorizeRequestVerb"],
    "DeletePropagationPolicy": ["V2beta1DeletePropagationPolicy"],
    "GetHealthzResponse": ["V2beta1GetHealthzResponse"],
    "Mode": ["RecurringRunMode"],
    "PluginState": ["V2beta1PluginState"],
    "RecurringRunStatus": ["V2beta1RecurringRunStatus"],
    "RenderType": ["MetadataValueRenderType"],
    "RuntimeState": ["V2beta1RuntimeState"],
    "StorageState": ["V2beta1ExperimentStorageState", "V2beta1RunStorageState"],
}
"""Our classes that have another name there. A value set in several messages has several."""

UNPUBLISHED = {
    **{
        name: "the artifact and task API: on KFP's main branch, not in a released client"
        for name, value in vars(artifacts).items()
        if isinstance(value, type) and value.__module__ == artifacts.__name__
    },
    "Empty": "generated as a plain object",
    "ReadArtifactResponse": "`:read` is not in the document of v2beta1; KFP's UI uses it",
    "UploadError": "uploads are not gRPC; the document gives their errors another shape",
}
"""Our classes without a model in the client, and why."""

NOT_SERVED = {
    "InlineObject": "the body of an upload, which is a form",
    "InlineObject1": "the body of an upload, which is a form",
    "ProtobufNullValue": "JSON's null",
    "PredicateIntValues": "filters are strings in a query",
    "PredicateLongValues": "as PredicateIntValues",
    "PredicateStringValues": "as PredicateIntValues",
    "V2beta1Filter": "as PredicateIntValues",
    "V2beta1Predicate": "as PredicateIntValues",
    "V2beta1PredicateOperation": "as PredicateIntValues",
    "V2beta1Visualization": "the route answers 501",
    "V2beta1VisualizationType": "the route answers 501",
}
"""The client's models that no route uses, and why."""

DIFFERENCES = {
    ("ProtobufAny", "type_url"): "protobuf's JSON encoding of Any has `@type` instead",
    (
        "ProtobufAny",
        "value",
    ): "protobuf's JSON encoding of Any has the fields of the message",
}
"""Fields that differ, and why."""


class Model(NamedTuple):
    """One generated model: its fields' types by their names in JSON, or its enum values."""

    fields: dict[str, str]
    values: list[str]


@cache
def published() -> dict[str, Model]:
    """The client's models by name."""
    (package,) = (ROOT / ".kfp/lib").glob("python3*/site-packages/kfp_server_api/models")
    found: dict[str, Model] = {}
    for path in sorted(package.glob("[a-z]*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = _model(node)
    assert found, "make kfp"
    return found


def _model(definition: ast.ClassDef) -> Model:
    constants = {
        node.targets[0].id: node.value
        for node in definition.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    types = ast.literal_eval(constants["openapi_types"])
    names = ast.literal_eval(constants["attribute_map"])
    allowed = constants.get("allowable_values")
    values: list[str] = []
    if isinstance(allowed, ast.List):
        named = [one.id for one in allowed.elts if isinstance(one, ast.Name)]
        values = [ast.literal_eval(constants[name]) for name in named]
    return Model({names[name]: kind for name, kind in types.items()}, values)


def own_classes() -> Iterator[type[Message] | type[StrEnum]]:
    """Every message and enum of the gateway."""
    for module in MODULES:
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield value


OWN = {kind.__name__: kind for kind in own_classes()}


@cache
def schemas() -> dict[str, Any]:
    """The JSON schemas of the messages as they are written."""
    messages: list[Any] = [
        (kind, "serialization") for kind in OWN.values() if issubclass(kind, Message)
    ]
    _, found = models_json_schema(messages, ref_template=PREFIX + "{model}")
    return dict(found["$defs"])


def own_type(schema: dict[str, Any]) -> str:
    """A schema as the generator writes types. A map of anything is written in two ways; both mean
    a JSON object."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if choices:
        (schema,) = choices
    if "allOf" in schema:
        (schema,) = schema["allOf"]
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(PREFIX)
        return "|".join(PUBLISHED_AS.get(name, [name]))
    match schema.get("type"):
        case "array":
            return f"list[{own_type(schema['items'])}]"
        case "object":
            values = schema.get("additionalProperties")
            kind = "object" if values in (True, None) else own_type(values)
            return "object" if kind == "object" else f"dict(str, {kind})"
        case "string":
            return "datetime" if schema.get("format") == "date-time" else "str"
        case "integer":
            return "int"
        case "boolean":
            return "bool"
        case "number":
            return "float"
    return "object"


def differences(name: str, model: Model) -> set[str]:
    """The fields of one of our messages that are missing, unknown or of another type."""
    properties = schemas()[name]["properties"]
    own = {field: own_type(schema) for field, schema in properties.items()}
    theirs = {
        field: re.sub(r"dict\(str, object\)", "object", kind)
        for field, kind in model.fields.items()
    }
    same = {
        field
        for field in own.keys() & theirs.keys()
        if theirs[field] in own[field].split("|") or own[field] == theirs[field]
    }
    return (own.keys() | theirs.keys()) - same


@pytest.mark.parametrize("name", [name for name in OWN if name not in UNPUBLISHED])
def test_a_message_is_as_published(name: str) -> None:
    kind = OWN[name]
    for theirs in PUBLISHED_AS.get(name, [name]):
        model = published()[theirs]
        if issubclass(kind, StrEnum):
            assert [member.value for member in kind] == model.values
        else:
            known = {field for message, field in DIFFERENCES if message == name}
            assert differences(name, model) == known


@pytest.mark.parametrize("name", sorted(UNPUBLISHED))
def test_an_unpublished_message_is_still_unpublished(name: str) -> None:
    assert name in OWN
    assert name not in published(), "it is published now: compare it"


def test_every_published_message_is_served_or_listed() -> None:
    compared = {
        theirs
        for name in OWN
        if name not in UNPUBLISHED
        for theirs in PUBLISHED_AS.get(name, [name])
    }
    assert published().keys() - compared == NOT_SERVED.keys()


def test_a_difference_is_found() -> None:
    model = published()["V2beta1Url"]
    assert differences("V2beta1Url", model) == set()
    more = Model({**model.fields, "checksum": "str"}, [])
    assert differences("V2beta1Url", more) == {"checksum"}
    other = Model({"pipeline_url": "int"}, [])
    assert differences("V2beta1Url", other) == {"pipeline_url"}
    assert differences("V2beta1Url", Model({}, [])) == {"pipeline_url"}
