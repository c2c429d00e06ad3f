"""Routes of one artifact, and links to download objects in the deployment's bucket.

A step or an importer can report any URI, so a link is given only for objects that the caller may
read.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from headrace_contracts.access import Access
from headrace_contracts.object_keys import is_normalized
from headrace_contracts.resources import ArtifactRecord
from headrace_contracts.values import Artifact, Outputs
from headrace_runtime.access import Caller
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database

from headrace_recorder.core.object_keys import belongs_to, named_runs
from headrace_recorder.core.rows import RunRow
from headrace_recorder.lineage import store
from headrace_recorder.runs.access import not_found, run_not_found, visible_task_of_run
from headrace_recorder.runs.store import run_by_id, submissions

_LONGEST_QUOTED_URI = 500
"""Characters of a URI that an error quotes."""


def lineage_router(database: Database, objects: ObjectStore, grant_seconds: int) -> APIRouter:
    """The routes of artifacts; links work for `grant_seconds`."""
    router = APIRouter()

    @router.get("/artifacts/{artifact_id}")
    async def get_artifact(caller: Caller, artifact_id: UUID) -> Response:
        async with database.read() as connection:
            found = await store.artifact_by_id(connection, artifact_id, caller.visible)
        if found is None:
            raise not_found(f"artifact {artifact_id} not found")
        artifact = ArtifactRecord.model_validate(found)
        return Response(artifact.to_json(), media_type="application/json")

    @router.get("/runs/{run_id}/tasks/{task_id}/artifacts/{name}")
    async def get_output_artifact(
        caller: Caller,
        run_id: UUID,
        task_id: UUID,
        name: str,
        index: Annotated[int, Query(ge=0)] = 0,
    ) -> dict[str, Any]:
        """Links to the bytes of an output artifact: one for a file, one for each file of a folder.
        An artifact outside of the deployment's bucket is given by its own URI."""
        run, task = await visible_task_of_run(database, caller, run_id, task_id)
        artifacts = Outputs.model_validate(task.outputs or {}).artifacts.get(name, ())
        if index >= len(artifacts):
            raise not_found(f"the task has no output artifact {name!r} with index {index}")
        artifact = artifacts[index]
        key = objects.key(artifact.uri)
        if key is None:
            return {"url": artifact.uri}
        if not await _may_read(caller, run, key):
            raise not_found("the artifact's URI is not in the folder of a run that you can see")
        return await _links(artifact, key)

    @router.get("/artifacts/{artifact_id}/content")
    async def get_artifact_content(caller: Caller, artifact_id: UUID) -> dict[str, Any]:
        """Links to the content of an artifact, by its id alone."""
        async with database.read() as connection:
            record = await store.artifact_by_id(connection, artifact_id, caller.visible)
        if record is None:
            raise not_found(f"artifact {artifact_id} not found")
        run_id, task_id, output = record["run_id"], record["task_id"], record["output"]
        _, task = await visible_task_of_run(database, caller, run_id, task_id)
        artifacts = Outputs.model_validate(task.outputs or {}).artifacts.get(output, ())
        for index, artifact in enumerate(artifacts):
            if artifact.artifact_id == artifact_id:
                return await get_output_artifact(caller, run_id, task_id, output, index)
        raise not_found(f"the content of artifact {artifact_id} is no longer available")

    @router.get("/runs/{run_id}/source")
    async def get_source(
        caller: Caller, run_id: UUID, uri: Annotated[str, Query(max_length=10_000)]
    ) -> dict[str, Any]:
        """A link to an object whose URI a step of the run reported, for example in a visualization.
        The caller may see more namespaces than the step, so the object has to be in the folder of a
        run of the run's own namespace."""
        async with database.read() as connection:
            run = await run_by_id(connection, run_id, caller.visible)
            if run is None or run[0].submission is None:
                raise run_not_found(run_id)
            key, namespace = objects.key(uri), run[0].submission["namespace"]
            runs = named_runs(key) if key is not None and is_normalized(key) else []
            known = await submissions(connection, runs, [namespace])
        if key is None or not any(belongs_to(key, submission) for submission in known):
            raise not_found(
                f"{uri[:_LONGEST_QUOTED_URI]} was not fetched: it is not in the folder of a run "
                f"of namespace {namespace} in the deployment's object store"
            )
        return {"url": await objects.presign_get(key, grant_seconds)}

    async def _may_read(caller: Access, run: RunRow, key: str) -> bool:
        """Whether the object is in the folder of a run that the caller sees. A caller who sees all
        namespaces may read any object."""
        if not is_normalized(key):
            return False
        if caller.visible is None:
            return True
        if run.submission is not None and belongs_to(key, run.submission):
            return True
        async with database.read() as connection:
            known = await submissions(connection, named_runs(key), caller.visible)
        return any(belongs_to(key, submission) for submission in known)

    async def _links(artifact: Artifact, key: str) -> dict[str, Any]:
        if artifact.content.kind == "file":
            return {"url": await objects.presign_get(key, grant_seconds)}
        if artifact.content.kind == "none":
            raise not_found("the artifact has no content: the step wrote none")
        links = [
            {
                "path": entry[len(key) + 1 :],
                "url": await objects.presign_get(entry, grant_seconds),
            }
            for entry in await objects.list(key + "/")
        ]
        return {"files": links}

    return router
