"""Operations on stored pipelines and their versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headrace.client.errors import ClientError
from headrace.client.operations.common import id_segment, is_id, new_key, pages
from headrace.client.packages import Source, package_of
from headrace.client.resources import Pipeline, PipelineVersion
from headrace.client.transport.base import BaseClient
from headrace.client.transport.requests import Request, Response, Steps, path_segment, without_none

_BINARY = {"Content-Type": "application/octet-stream"}


def upload_pipeline(
    client: BaseClient,
    source: Source,
    name: str | None = None,
    *,
    display_name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Steps[Pipeline]:
    """Store a pipeline. The package becomes its first version.

    Args:
        source: As for `submit`, except a stored pipeline; also a zip or tar.gz file.
        name: Unique in the namespace. Default: the name of the pipeline function or file.
        display_name: A name for people.
        description: What it does.
        tags: Short texts by name, to filter by.
        idempotency_key: Requests with the same key create one pipeline.

    Raises:
        ClientError: the package is invalid, or the name is taken (CONFLICT).
    """
    content, found = package_of(source)
    params = without_none(
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
    client: BaseClient,
    pipeline: Pipeline | str,
    source: Source,
    name: str | None = None,
    *,
    display_name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Steps[PipelineVersion]:
    """Store a new version of a pipeline, given by its name or id. Runs that name no version use it
    from then on. Arguments as for `upload_pipeline`."""
    content, found = package_of(source)
    known = yield from _pipeline(client, pipeline)
    params = without_none(
        name=_name(name, found),
        display_name=display_name,
        description=description,
        tags=None if tags is None else json.dumps(dict(tags)),
    )
    path = f"/pipelines/{path_segment(known.pipeline_id)}/versions"
    request = Request(
        "POST", path, params, content=content, key=new_key(idempotency_key), headers=_BINARY
    )
    return PipelineVersion((yield request).json())


def pipeline(client: BaseClient, pipeline: Pipeline | str) -> Steps[Pipeline]:
    """Get a stored pipeline by its name or id."""
    response: Response = yield _read(client, pipeline)
    return Pipeline(response.json())


def pipelines(
    client: BaseClient,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
) -> Steps[list[Pipeline]]:
    """List the newest pipelines. `count` None lists all."""
    found = yield from pages("/pipelines", "pipelines", count, client.namespace, filter, sort_by)
    return [Pipeline(one) for one in found]


def versions(
    client: BaseClient,
    pipeline: Pipeline | str,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
) -> Steps[list[PipelineVersion]]:
    """List the newest versions of a pipeline, given by its name or id, without their specs."""
    known = yield from _pipeline(client, pipeline)
    path = f"/pipelines/{path_segment(known.pipeline_id)}/versions"
    found = yield from pages(path, "pipeline_versions", count, None, filter, sort_by)
    return [PipelineVersion(one) for one in found]


def version(
    client: BaseClient, pipeline: Pipeline | str, version: PipelineVersion | str | None = None
) -> Steps[PipelineVersion]:
    """Get a version of a pipeline with its spec (``["document"]``), by its name or id. Default: the
    newest.

    Raises:
        ClientError: there is no such version (NOT_FOUND).
    """
    known = yield from _pipeline(client, pipeline)
    path = f"/pipelines/{path_segment(known.pipeline_id)}/versions"
    wanted = version["pipeline_version_id"] if isinstance(version, PipelineVersion) else version
    if wanted is None or not is_id(wanted):
        predicate = {"key": "name", "operation": "EQUALS", "string_value": wanted}
        filter = None if wanted is None else {"predicates": [predicate]}
        found = yield from pages(path, "pipeline_versions", 1, None, filter, None)
        if not found:
            which = "no version" if wanted is None else f"no version {wanted!r}"
            raise ClientError("NOT_FOUND", f"pipeline {known.name!r} has {which}", status=404)
        wanted = str(found[0]["pipeline_version_id"])
    return PipelineVersion((yield Request("GET", f"{path}/{path_segment(wanted)}")).json())


def delete_pipeline(
    client: BaseClient, pipeline: Pipeline | str, *, cascade: bool = False
) -> Steps[None]:
    """Delete a pipeline; `cascade` deletes its versions too. Its runs stay."""
    known = yield from _pipeline(client, pipeline)
    params = {"cascade": "true"} if cascade else {}
    yield Request("DELETE", f"/pipelines/{path_segment(known.pipeline_id)}", params)


def delete_version(
    client: BaseClient, pipeline: Pipeline | str, version: PipelineVersion | str
) -> Steps[None]:
    """Delete a version of a pipeline, by its name or id. Its runs stay."""
    found = yield from _version(client, pipeline, version)
    path = f"/pipelines/{path_segment(found.pipeline_id)}/versions"
    yield Request("DELETE", f"{path}/{path_segment(found.pipeline_version_id)}")


_pipeline = pipeline
_version = version


def _read(client: BaseClient, pipeline: Pipeline | str) -> Request:
    if isinstance(pipeline, Pipeline) or is_id(pipeline):
        return Request("GET", f"/pipelines/{id_segment(pipeline, 'pipeline_id')}")
    return Request(
        "GET",
        f"/pipelines/by-name/{path_segment(pipeline)}",
        without_none(namespace=client.namespace),
    )


def _name(name: str | None, found: str) -> str:
    if not (name or found):
        raise ClientError("MALFORMED", "the package has no name; pass one", "name")
    return name or found
