"""No route shows a caller anything of a namespace that they do not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import pytest
from headrace_contracts.access import Access, Role
from headrace_contracts.messages import events as e
from headrace_contracts.messages.events import Fingerprint, PipelineIdentity
from headrace_contracts.object_keys import run_prefix
from headrace_contracts.values import Content, Inputs

from tests.integration.recorder.conftest import artifact, made, of, started, task

if TYPE_CHECKING:
    from tests.integration.recorder.conftest import Recorder

SINGLE = (
    "/runs/{run}",
    "/runs/{run}/events",
    "/runs/{run}/rerun-preview?task=root/train",
    "/runs/{run}/tasks/{task}/cache",
    "/runs/{run}/tasks/{task}/log",
    "/runs/{run}/tasks/{task}/artifacts/out",
    "/runs/{run}/source?uri={uri}",
    "/tasks/{task}",
    "/tasks?run_id={run}",
    "/tasks?parent_task_id={task}",
    "/artifacts/{artifact}",
    "/artifacts/{artifact}/content",
    "/artifacts?run_id={run}",
)
LISTS = ("/runs", "/tasks", "/artifacts")


async def finished(recorder: Recorder) -> dict[str, Any]:
    """A run with a log and an artifact, in the test's namespace."""
    run = await recorder.submit(pipeline=PipelineIdentity(name="p"))
    key = run_prefix(recorder.namespace, "p", run)
    model = artifact(f"s3://headrace/{key}train/1/out")
    recorder.objects.stored[f"{key}train/1/log"] = b"it says"
    inputs = Inputs(artifacts={"data": (artifact("s3://elsewhere/data"),)})
    fingerprint = Fingerprint(digest="d", parts={"a": 1})
    await recorder.record(
        started(run),
        e.TaskReady(**task(run), inputs=inputs, fingerprint=fingerprint),
        e.AttemptStarted(
            run_id=run, task_id=of(run), attempt=1, started_at=recorder.moment, place="here",
            log=f"{key}train/1/log",
        ),
        made(run, model),
    )  # fmt: skip
    there = {"run": run, "task": of(run), "artifact": model.artifact_id}
    return {**there, "uri": quote(model.uri)}


@pytest.mark.parametrize("path", SINGLE)
async def test_a_resource_is_visible_in_its_namespace_only(recorder: Recorder, path: str) -> None:
    there = await finished(recorder)
    asked = path.format_map(there)
    await recorder.get(asked)
    await recorder.get(asked, access=Access.everywhere(Role.VIEWER))
    for roles in ({}, {"another": Role.ADMIN}, {"a": Role.ADMIN, "b": Role.ADMIN}):
        refused = await recorder.get(asked, access=Access(roles), expect=404)
        assert refused["code"] == "NOT_FOUND"
        assert recorder.namespace not in refused["detail"]


@pytest.mark.parametrize("path", LISTS)
async def test_lists_are_limited_to_one_namespace(recorder: Recorder, path: str) -> None:
    there = await finished(recorder)
    rows = path.removeprefix("/")
    mine, theirs = {recorder.namespace: Role.VIEWER}, {"another": Role.ADMIN}
    assert len((await recorder.get(path))[rows]) == 1
    assert (await recorder.get(path, access=Access(theirs))).get(rows, []) == []
    assert (await recorder.get(path, access=Access(theirs)))["total_size"] == 0
    both = Access({**mine, **theirs})
    refused = await recorder.get(path, access=both, expect=400)
    assert refused["field"] == "namespace"
    assert len((await recorder.get(path, access=both, namespace=recorder.namespace))[rows]) == 1
    await recorder.get(path, access=Access(theirs), namespace=recorder.namespace, expect=404)
    await recorder.get(path, access=Access({}), expect=400)
    everyone = await recorder.get(path, access=Access.everywhere(), page_size=200)
    assert str(there["run"]) in {row["run_id"] for row in everyone[rows]}
    await recorder.get(path, namespace="\0", access=Access.everywhere(), expect=400)


async def test_uses_of_artifacts_are_limited_to_visible_namespaces(recorder: Recorder) -> None:
    there = await finished(recorder)
    asked = {"artifact_id": str(there["artifact"]), "run_id": str(there["run"])}
    for name, value in (*asked.items(), ("task_id", str(there["task"]))):
        found = await recorder.get("/artifact-tasks", **{name: value})
        assert found["artifact_tasks"]
        for access in (Access({}), Access({"another": Role.ADMIN})):
            page = await recorder.get("/artifact-tasks", access=access, **{name: value})
            assert (page["artifact_tasks"], page["total_size"]) == ([], 0)
        theirs = Access({"another": Role.ADMIN})
        await recorder.get(
            "/artifact-tasks", access=theirs, namespace=recorder.namespace, expect=404,
            **{name: value},
        )  # fmt: skip


async def test_a_page_token_is_valid_in_its_namespace_only(recorder: Recorder) -> None:
    for _ in range(3):
        await recorder.submit()
    token = (await recorder.get("/runs", page_size=1))["next_page_token"]
    theirs = Access({"another": Role.ADMIN})
    await recorder.get("/runs", access=theirs, page_token=token, expect=400)
    both = Access({"another": Role.ADMIN, recorder.namespace: Role.VIEWER})
    await recorder.get("/runs", access=both, namespace="another", page_token=token, expect=400)


async def test_a_task_of_another_run_is_not_found(recorder: Recorder) -> None:
    one, other = await finished(recorder), await finished(recorder)
    for below in ("log", "cache", "artifacts/out"):
        await recorder.get(f"/runs/{one['run']}/tasks/{other['task']}/{below}", expect=404)


async def test_earlier_executions_are_of_the_same_namespace(recorder: Recorder) -> None:
    theirs = await finished(recorder)
    recorder.namespace += "x"
    mine = await finished(recorder)
    found = await recorder.get(f"/runs/{mine['run']}/tasks/{mine['task']}/cache")
    assert found["reason"] == "no earlier execution of this component is known"
    again = await finished(recorder)
    found = await recorder.get(f"/runs/{again['run']}/tasks/{again['task']}/cache")
    assert found["closest"]["run_id"] == str(mine["run"])
    assert str(theirs["run"]) not in str(found)


async def test_numbers_out_of_range_are_rejected(recorder: Recorder) -> None:
    there = await finished(recorder)
    for path, name in (("", "since"), ("/events", "after"), ("/events", "limit")):
        for value in (-1, 2**63):
            await recorder.get(f"/runs/{there['run']}{path}", expect=400, **{name: value})
    log = f"/runs/{there['run']}/tasks/{there['task']}/log"
    assert await recorder.get(log) == "it says"
    assert await recorder.get(log, offset=2**70) == ""


async def reused(recorder: Recorder, run: UUID, task_id: UUID) -> str:
    """The path of the log of a task that reused the outputs of another one."""
    mine = await recorder.submit()
    origin = e.Origin(kind="cache", run_id=run, task_id=task_id)
    await recorder.record(started(mine), made(mine).model_copy(update={"origin": origin}))
    return f"/runs/{mine}/tasks/{of(mine)}/log"


async def test_a_task_that_reused_outputs_has_the_log_of_its_origin(recorder: Recorder) -> None:
    there = await finished(recorder)
    assert await recorder.get(await reused(recorder, there["run"], there["task"])) == "it says"
    gone = UUID(int=7)
    refused = await recorder.get(await reused(recorder, gone, there["task"]), expect=404)
    assert f"the log belongs to run {gone}" in refused["detail"]
    recorder.namespace += "-theirs"
    theirs = {recorder.namespace: Role.ADMIN}
    path = await reused(recorder, there["run"], there["task"])
    await recorder.get(path, access=Access(theirs), expect=404)


async def imported(recorder: Recorder, uri: str, **fields: Any) -> str:
    """The path of an artifact of the test's namespace with this URI."""
    run = await recorder.submit(**fields)
    await recorder.record(started(run), made(run, artifact(uri)))
    return f"/runs/{run}/tasks/{of(run)}/artifacts/out"


async def test_the_uri_of_an_artifact_gives_no_access_to_other_runs(recorder: Recorder) -> None:
    own = recorder.namespace
    recorder.namespace = own + "-theirs"
    their_run = await recorder.submit(pipeline=PipelineIdentity(name="p"))
    rooted = await recorder.submit(
        pipeline=PipelineIdentity(name="p"), pipeline_root="s3://headrace/team"
    )
    secret = f"{run_prefix(recorder.namespace, 'p', their_run)}train/1/out"
    recorder.namespace = own
    mine = f"runs/{own}/p/{UUID(int=5)}"
    for key in (
        secret,
        f"team/p/{rooted}/train/1/out",
        f"specs/{'0' * 64}.json",
        "datasets/all.csv",
        f"{mine}/../../../../{secret}",
        f"{mine}//{secret}",
        f"{mine}/./x",
        "",
        "runs",
        f"runs/{own}",
        f"elsewhere/{their_run}/x",
    ):
        path = await imported(recorder, f"s3://headrace/{key}", pipeline_root="s3://headrace/x/..")
        refused = await recorder.get(path, expect=404)
        assert "signed" not in str(refused), key
    everyone = {own: Role.VIEWER, own + "-theirs": Role.VIEWER}
    path = await imported(recorder, f"s3://headrace/{secret}")
    seen = await recorder.get(path, access=Access(everyone))
    assert seen == {"url": f"signed:{secret}"}
    assert await recorder.get(path, access=Access.everywhere()) == seen


async def test_artifacts_of_visible_runs_can_be_downloaded(recorder: Recorder) -> None:
    earlier = await recorder.submit(
        pipeline=PipelineIdentity(name="p"), pipeline_root="s3://headrace/team"
    )
    key = f"team/p/{earlier}/train/1/out"
    path = await imported(recorder, f"s3://headrace/{key}")
    assert await recorder.get(path) == {"url": f"signed:{key}"}
    elsewhere = await imported(recorder, "s3://elsewhere/x")
    assert await recorder.get(elsewhere) == {"url": "s3://elsewhere/x"}
    run = await recorder.submit()
    folder = f"{run_prefix(recorder.namespace, 'graph', run)}train/1/out"
    recorder.objects.stored |= {f"{folder}/a": b"", f"{folder}/b/c": b"", f"{folder}2": b""}
    content = Content(kind="directory", bytes=2, files=2)
    whole = artifact(f"s3://headrace/{folder}").model_copy(update={"content": content})
    await recorder.record(started(run), made(run, whole))
    found = await recorder.get(f"/runs/{run}/tasks/{of(run)}/artifacts/out")
    assert [one["path"] for one in found["files"]] == ["a", "b/c"]


async def test_a_source_is_in_the_folder_of_a_run_of_the_same_namespace(recorder: Recorder) -> None:
    own = recorder.namespace
    recorder.namespace = own + "-theirs"
    secret = f"{run_prefix(recorder.namespace, 'p', await recorder.submit())}train/1/out"
    recorder.namespace = own
    earlier = await recorder.submit(
        pipeline=PipelineIdentity(name="p"), pipeline_root="s3://headrace/team"
    )
    run = await recorder.submit(pipeline=PipelineIdentity(name="p"))
    folder = run_prefix(own, "p", run)
    path = f"/runs/{run}/source"
    for key in (f"{folder}train/1/out", f"team/p/{earlier}/train/1/out"):
        for access in (None, Access.everywhere()):
            who = {} if access is None else {"access": access}
            found = await recorder.get(path, uri=f"s3://headrace/{key}", **who)
            assert found == {"url": f"signed:{key}"}
    for uri in (
        f"s3://headrace/{secret}",
        f"s3://headrace/{folder}../../../../{secret}",
        f"s3://headrace/specs/{'0' * 64}.json",
        f"s3://headrace/elsewhere/{run}/x",
        "s3://headrace/",
        f"s3://elsewhere/{folder}x",
        f"gs://headrace/{folder}x",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "/etc/passwd",
        "",
        "\0",
    ):
        # A caller who sees all namespaces gets no link either: the step chose the URI, not they.
        refused = await recorder.get(path, uri=uri, access=Access.everywhere(), expect=404)
        assert f"{uri} was not fetched" in refused["detail"]
