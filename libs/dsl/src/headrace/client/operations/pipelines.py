"""Stored pipelines and their versions, and experiments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headrace.client.drive import Core
from headrace.client.errors import ClientError
from headrace.client.operations.common import by_name, identity, is_id, new_key, pages
from headrace.client.packages import Source, package_of
from headrace.client.resources import Experiment, Pipeline, PipelineVersion
from headrace.client.wire import Answer, Request, Steps, given, part

_BINARY = {"Content-Type": "application/octet-stream"}


def upload_pipeline(
    client: Core,
    source: Source,
    name: str | None = None,
    *,
    display_name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Steps[Pipeline]:
    """Store a pipeline; the package becomes its first version.

    Args:
        source: As for `submit`, but a stored pipeline; a zip or tar.gz too.
        name: Its name, its own in the namespace; without it the pipeline's or the file's.
        display_name: Its name for people.
        description: What it does.
        tags: Texts by which it can be found.
        idempotency_key: Repeats with the same key are one pipeline.

    Raises:
        ClientError: the package is refused, or the name is taken (CONFLICT).
    """
    content, found = package_of(source)
    params = given(
        name=_name(name, found),
        namespace=client.namespace,
        display_name=display_name,
        description=description,
        tags=None if tags is None else json.dumps(dict(tags)),
    )
    request = Request(
        "POST", "/pipelines", params, content=content, key=new_key(idempotency_key), headers=_BINARY
    )
    return Pipeline((yield request).json())


def upload_version(
    client: Core,
    pipeline: Pipeline | str,
    source: Source,
    name: str | None = None,
    *,
    display_name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Steps[PipelineVersion]:
    """Store a version of a pipeline, given by the pipeline's name or id; runs that name no version
    take it from now on. Arguments as for `upload_pipeline`."""
    content, found = package_of(source)
    known = yield from _pipeline(client, pipeline)
    params = given(
        name=_name(name, found),
        display_name=display_name,
        description=description,
        tags=None if tags is None else json.dumps(dict(tags)),
    )
    path = f"/pipelines/{part(known.pipeline_id)}/versions"
    request = Request(
        "POST", path, params, content=content, key=new_key(idempotency_key), headers=_BINARY
    )
    return PipelineVersion((yield request).json())


def pipeline(client: Core, pipeline: Pipeline | str) -> Steps[Pipeline]:
    """A stored pipeline, by its name or id."""
    answer: Answer = yield _read(client, pipeline)
    return Pipeline(answer.json())


def pipelines(
    client: Core,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
) -> Steps[list[Pipeline]]:
    """The newest pipelines; `count` None is all."""
    found = yield from pages("/pipelines", "pipelines", count, client.namespace, filter, sort_by)
    return [Pipeline(one) for one in found]


def versions(
    client: Core,
    pipeline: Pipeline | str,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
) -> Steps[list[PipelineVersion]]:
    """The newest versions of a pipeline, given by its name or id, without their specs."""
    known = yield from _pipeline(client, pipeline)
    path = f"/pipelines/{part(known.pipeline_id)}/versions"
    found = yield from pages(path, "pipeline_versions", count, None, filter, sort_by)
    return [PipelineVersion(one) for one in found]


def version(
    client: Core, pipeline: Pipeline | str, version: PipelineVersion | str | None = None
) -> Steps[PipelineVersion]:
    """A version of a pipeline with its spec (``["document"]``), by its name or id; without one,
    the newest.

    Raises:
        ClientError: there is none (NOT_FOUND).
    """
    known = yield from _pipeline(client, pipeline)
    path = f"/pipelines/{part(known.pipeline_id)}/versions"
    asked = version["pipeline_version_id"] if isinstance(version, PipelineVersion) else version
    if asked is None or not is_id(asked):
        predicate = {"key": "name", "operation": "EQUALS", "string_value": asked}
        wanted = None if asked is None else {"predicates": [predicate]}
        found = yield from pages(path, "pipeline_versions", 1, None, wanted, None)
        if not found:
            which = "no version" if asked is None else f"no version {asked!r}"
            raise ClientError("NOT_FOUND", f"pipeline {known.name!r} has {which}", status=404)
        asked = str(found[0]["pipeline_version_id"])
    return PipelineVersion((yield Request("GET", f"{path}/{part(asked)}")).json())


def delete_pipeline(
    client: Core, pipeline: Pipeline | str, *, cascade: bool = False
) -> Steps[None]:
    """Delete a pipeline; one that has versions only by `cascade`. Its runs stay."""
    known = yield from _pipeline(client, pipeline)
    params = {"cascade": "true"} if cascade else {}
    yield Request("DELETE", f"/pipelines/{part(known.pipeline_id)}", params)


def delete_version(
    client: Core, pipeline: Pipeline | str, version: PipelineVersion | str
) -> Steps[None]:
    """Delete a version of a pipeline, by its name or id; its runs stay."""
    found = yield from _version(client, pipeline, version)
    path = f"/pipelines/{part(found.pipeline_id)}/versions/{part(found.pipeline_version_id)}"
    yield Request("DELETE", path)


def create_experiment(
    client: Core,
    name: str,
    description: str | None = None,
    *,
    idempotency_key: str | None = None,
) -> Steps[Experiment]:
    """Make an experiment. Its name is its own in the namespace."""
    body = given(display_name=name, description=description, namespace=client.namespace)
    request = Request("POST", "/experiments", body=body, key=new_key(idempotency_key))
    return Experiment((yield request).json())


def experiments(
    client: Core,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
    archived: bool | None = None,
) -> Steps[list[Experiment]]:
    """The newest experiments; `count` None is all."""
    narrowed = None if archived is None else str(archived).lower()
    found = yield from pages(
        "/experiments", "experiments", count, client.namespace, filter, sort_by, archived=narrowed
    )
    return [Experiment(one) for one in found]


def experiment(client: Core, experiment: Experiment | str) -> Steps[Experiment]:
    """An experiment, by its name or id.

    Raises:
        ClientError: there is none (NOT_FOUND).
    """
    if isinstance(experiment, Experiment) or is_id(experiment):
        path = f"/experiments/{identity(experiment, 'experiment_id')}"
        return Experiment((yield Request("GET", path)).json())
    found = yield from pages(
        "/experiments", "experiments", 1, client.namespace, by_name(experiment), None
    )
    if not found:
        raise ClientError("NOT_FOUND", f"there is no experiment {experiment!r}", status=404)
    return Experiment(found[0])


def operate_experiment(client: Core, name_or_id: Experiment | str, operation: str) -> Steps[None]:
    """``archive`` an experiment with its runs and disable its recurring runs, or ``unarchive``
    it; its runs stay archived."""
    found = yield from experiment(client, name_or_id)
    yield Request("POST", f"/experiments/{part(found.experiment_id)}/{part(operation)}")


def delete_experiment(client: Core, name_or_id: Experiment | str) -> Steps[None]:
    """Delete an experiment; its runs stay."""
    found = yield from experiment(client, name_or_id)
    yield Request("DELETE", f"/experiments/{part(found.experiment_id)}")


_pipeline = pipeline
_version = version


def _read(client: Core, pipeline: Pipeline | str) -> Request:
    if isinstance(pipeline, Pipeline) or is_id(pipeline):
        return Request("GET", f"/pipelines/{identity(pipeline, 'pipeline_id')}")
    return Request("GET", f"/pipelines/by-name/{part(pipeline)}", given(namespace=client.namespace))


def _name(name: str | None, found: str) -> str:
    if not (name or found):
        raise ClientError("MALFORMED", "the package has no name of its own; give one", "name")
    return name or found
