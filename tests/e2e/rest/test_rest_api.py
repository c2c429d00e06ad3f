"""``/api/v1``: every kind of resource on a deployment."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from tests.support.deployment import Deployment
from tests.support.graphs import shell_pipeline
from tests.support.specs import artifact_type
from tests.support.waiting import HANG_SECONDS, until

pytestmark = pytest.mark.e2e

_OUTPUT = "{{$.outputs.parameters['value'].output_file}}"
_COUNTING = 'for i in 1 2 3 4 5 6; do echo "line $i"; sleep 0.5; done; printf x > "$0"'


def counting(name: str) -> dict[str, Any]:
    """A pipeline of one step that prints a line every half second."""
    return shell_pipeline({"a": []}, name=name, command=("sh", "-c", _COUNTING, _OUTPUT))


def with_artifact(name: str) -> dict[str, Any]:
    """A pipeline whose first step writes a data set that its second one reads."""
    made = {"artifacts": {"data": {"artifactType": artifact_type("Dataset")}}}
    spec = shell_pipeline({"make": [], "use": []}, name=name)
    components, executors = spec["components"], spec["deploymentSpec"]["executors"]
    components["comp-make"]["outputDefinitions"] = made
    components["comp-use"] = {"executorLabel": "exec-use", "inputDefinitions": made}
    write = 'mkdir -p "$(dirname "$0")" && printf 1,2 > "$0"'
    executors["exec-make"]["container"]["command"] = [
        "sh", "-c", write, "{{$.outputs.artifacts['data'].path}}"
    ]  # fmt: skip
    executors["exec-use"]["container"]["command"] = [
        "cat", "{{$.inputs.artifacts['data'].path}}"
    ]  # fmt: skip
    spec["root"]["dag"]["tasks"]["use"]["inputs"] = {
        "artifacts": {
            "data": {"taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "data"}}
        }
    }
    spec["root"]["dag"]["tasks"]["use"]["dependentTasks"] = ["make"]
    return spec


def fresh(word: str) -> str:
    """An unused name."""
    return f"{word}-{uuid4().hex[:8]}"


@pytest.fixture
def api(deployment: Deployment) -> Iterator[httpx.Client]:
    with client_of(deployment) as client:
        yield client


def client_of(deployment: Deployment) -> httpx.Client:
    return httpx.Client(base_url=f"{deployment.url}/api/v1", timeout=300, trust_env=False)


def ok(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()


def submit(api: httpx.Client, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(ok(api.post("/runs", json={"pipeline_spec": spec, **more}), 201))


def ended(api: httpx.Client, run_id: str) -> dict[str, Any]:
    def ended_run() -> Any:
        run = ok(api.get(f"/runs/{run_id}"))
        return run if run.get("finished_at") else None

    return dict(until(ended_run))


def test_a_pipeline_is_uploaded_run_and_deleted(api: httpx.Client) -> None:
    name = fresh("training")
    package = yaml.safe_dump(shell_pipeline({"a": []}, name=name)).encode()
    options = {"params": {"name": name, "tags": '{"team": "search"}'}, "content": package}
    made = ok(api.post("/pipelines", **options), 201)
    assert made["tags"] == {"team": "search"}
    taken = ok(api.post("/pipelines", **options), 409)
    assert taken["code"] == "CONFLICT"
    path = f"/pipelines/{made['pipeline_id']}"
    assert ok(api.get(f"/pipelines/by-name/{name}?namespace=default")) == ok(api.get(path))

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("pipeline.yaml", package)
    form = {"uploadfile": ("second.zip", archive.getvalue())}
    version = ok(api.post(f"{path}/versions", files=form), 201)
    assert version["name"] == "second"
    versions = ok(api.get(f"{path}/versions", params={"sort_by": "name desc", "page_size": 1}))
    assert versions["total_size"] == 2
    tag = '{"predicates":[{"operation":"EQUALS","key":"tags.team","string_value":"search"}]}'
    found = ok(api.get("/pipelines", params={"filter": tag, "page_size": 200}))
    assert name in {one["name"] for one in found["pipelines"]}

    inner = f"{path}/versions/{version['pipeline_version_id']}"
    spec = ok(api.get(inner))["document"]
    assert spec["pipeline_spec"]["pipelineInfo"]["name"] == name
    assert ok(api.patch(inner, json={"display_name": "2nd"}))["display_name"] == "2nd"
    refused = ok(api.delete(path), 409)
    assert "cascade" in refused["detail"]
    assert ok(api.delete(inner)) == {}
    assert ok(api.delete(path, params={"cascade": "true"})) == {}
    assert ok(api.get(path), 404)["code"] == "NOT_FOUND"


def test_an_edit_of_an_outdated_version_is_rejected(api: httpx.Client) -> None:
    name = fresh("edited")
    made = ok(api.post("/pipelines", params={"name": name, "empty": "true"}), 201)
    path = f"/pipelines/{made['pipeline_id']}"
    read = api.get(path)
    mine = {"If-Match": read.headers["etag"]}
    assert api.get(path, headers={"If-None-Match": read.headers["etag"]}).status_code == 304
    ok(api.patch(path, json={"description": "theirs"}))
    refused = ok(api.patch(path, json={"description": "mine"}, headers=mine), 412)
    assert (refused["code"], refused["field"]) == ("PRECONDITION_FAILED", "If-Match")
    changed = api.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert ok(changed)["description"] == "theirs"
    mine = {"If-Match": changed.headers["etag"]}
    after = api.patch(path, json={"description": "mine"}, headers=mine)
    assert ok(after)["description"] == "mine"
    assert after.headers["etag"] == api.get(path).headers["etag"]


def test_a_repeated_request_has_no_second_effect(api: httpx.Client) -> None:
    name = fresh("repeated")
    package = yaml.safe_dump(shell_pipeline({"a": []}, name=name)).encode()
    recurring = {"display_name": name, "trigger": {"cron": "0 3 1 1 *"}, "pipeline": {"name": name}}
    requests: list[tuple[str, dict[str, Any], str]] = [
        ("/pipelines", {"params": {"name": name}, "content": package}, "pipeline_id"),
        ("/experiments", {"json": {"display_name": name}}, "experiment_id"),
        ("/recurring-runs", {"json": recurring}, "recurring_run_id"),
        ("/runs", {"json": {"pipeline": {"name": name}}}, "run_id"),
    ]
    made = {}
    for path, options, identity in requests:
        headers = {"Idempotency-Key": name}
        first = ok(api.post(path, headers=headers, **options), 201)
        again = ok(api.post(path, headers=headers, **options), 200)
        assert again[identity] == first[identity]
        made[identity] = first[identity]
    path = f"/pipelines/{made['pipeline_id']}/versions"
    options = {"params": {"name": "next"}, "content": package, "headers": {"Idempotency-Key": "k"}}
    first = ok(api.post(path, **options), 201)
    assert ok(api.post(path, **options), 200) == first
    another = {"display_name": fresh("another")}
    refused = ok(api.post("/experiments", headers={"Idempotency-Key": name}, json=another), 409)
    assert "another request" in refused["detail"]


def test_concurrent_repeats_have_one_effect(deployment: Deployment) -> None:
    name = fresh("raced")
    spec = shell_pipeline({"a": []}, name=name)
    body = {"display_name": name, "trigger": {"cron": "0 3 1 1 *"}, "pipeline_spec": spec}
    found: list[tuple[int, str]] = []

    def send() -> None:
        with client_of(deployment) as client:
            headers = {"Idempotency-Key": name}
            response = client.post("/recurring-runs", headers=headers, json=body)
            found.append((response.status_code, response.json().get("recurring_run_id")))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({identity for _, identity in found}) == 1
    assert sorted(status for status, _ in found) == [200] * 7 + [201]


def test_an_experiment_is_archived_and_unarchived(api: httpx.Client) -> None:
    name = fresh("churn")
    made = ok(api.post("/experiments", json={"display_name": name}), 201)
    path = f"/experiments/{made['experiment_id']}"
    assert ok(api.post(f"{path}/archive")) == {}
    archived = ok(api.get("/experiments", params={"archived": "true", "page_size": 200}))
    assert name in {one["display_name"] for one in archived["experiments"]}
    assert ok(api.get(path))["archived"] is True
    assert ok(api.post(f"{path}/unarchive")) == {}
    assert ok(api.delete(path)) == {}
    assert ok(api.get(path), 404)["code"] == "NOT_FOUND"


def test_pages_of_runs_do_not_shift_when_runs_are_added(api: httpx.Client) -> None:
    experiment = fresh("paged")
    spec = shell_pipeline({"a": []}, name="paged")
    made = [submit(api, spec, experiment=experiment)["run_id"] for _ in range(5)]
    asked: dict[str, Any] = {
        "page_size": 2,
        "experiment_id": ok(api.get(f"/runs/{made[0]}"))["experiment_id"],
    }
    seen: list[str] = []
    while True:
        page = ok(api.get("/runs", params=asked))
        seen += [run["run_id"] for run in page["runs"]]
        assert page["total_size"] == 5
        if not page["next_page_token"]:
            break
        if len(seen) == 2:
            submit(api, spec, experiment=experiment)
        asked["page_token"] = page["next_page_token"]
    assert seen == made[::-1]
    asked["page_token"] = "x" + asked["page_token"][1:]
    assert ok(api.get("/runs", params=asked), 400)["field"] == "page_token"
    for unknown in ({"filter": '{"predicates":[{"key":"x"}]}'}, {"sort_by": "colour"}):
        assert ok(api.get("/runs", params=unknown), 400)["field"] in unknown


def test_an_unchanged_run_is_not_modified(api: httpx.Client) -> None:
    run = submit(api, shell_pipeline({"a": []}, name="known"))
    run = ended(api, run["run_id"])
    read = api.get(f"/runs/{run['run_id']}")
    assert read.headers["etag"] == f'W/"{run["version"]}"'
    headers = {"If-None-Match": read.headers["etag"]}
    assert api.get(f"/runs/{run['run_id']}", headers=headers).status_code == 304
    ok(api.post(f"/runs/{run['run_id']}/archive"), 202)
    until(lambda: api.get(f"/runs/{run['run_id']}", headers=headers).status_code != 304)
    assert ok(api.post(f"/runs/{run['run_id']}/pause"), 409)["code"] == "CONFLICT"


def test_the_events_of_a_run_are_listed_and_streamed(api: httpx.Client) -> None:
    spec = shell_pipeline({"a": []}, name="told", command=("sh", "-c", 'printf x > "$0"', _OUTPUT))
    run_id = submit(api, spec)["run_id"]
    followed: list[dict[str, Any]] = []
    with api.stream("GET", f"/runs/{run_id}/events/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: ") and line != "data: {}":
                followed.append(json.loads(line[6:]))
            if line == "event: end":
                break
    assert followed[0]["type"] == "run.submitted"
    assert followed[-1]["type"] == "run.succeeded"
    told = ok(api.get(f"/runs/{run_id}/events"))["events"]
    assert told[: len(followed)] == followed
    later = ok(api.get(f"/runs/{run_id}/events", params={"after": followed[1]["seq"], "limit": 1}))
    assert [one["seq"] for one in later["events"]] == [followed[2]["seq"]]
    headers = {"Last-Event-ID": str(followed[-2]["seq"])}
    resumed = api.get(f"/runs/{run_id}/events/live", headers=headers).text
    assert resumed.startswith(f"id: {followed[-1]['seq']}\n")


def test_an_artifact_its_lineage_and_its_content(api: httpx.Client) -> None:
    run = ended(api, submit(api, with_artifact(fresh("lineage")))["run_id"])
    assert run["state"] == "SUCCEEDED", run
    tasks = {task["name"]: task["task_id"] for task in run["tasks"]}
    (found,) = ok(api.get("/artifacts", params={"run_id": run["run_id"]}))["artifacts"]
    assert (found["name"], found["type"]) == ("data", "system.Dataset")
    path = f"/artifacts/{found['artifact_id']}"
    assert ok(api.get(path)) == found
    lineage = ok(api.get(f"{path}/tasks"))["artifact_tasks"]
    assert {(one["task_id"], one["type"]) for one in lineage} == {
        (tasks["make"], "OUTPUT"),
        (tasks["use"], "INPUT"),
    }
    used = ok(api.get(f"/tasks/{tasks['use']}/artifacts", params={"type": "INPUT"}))
    assert [one["artifact_id"] for one in used["artifact_tasks"]] == [found["artifact_id"]]
    for link in (f"{path}/content", f"/runs/{run['run_id']}/tasks/{tasks['make']}/artifacts/data"):
        redirect = api.get(link)
        assert redirect.status_code == 307
        assert httpx.get(redirect.headers["location"], timeout=300, trust_env=False).text == "1,2"
    listed = ok(api.get(f"/runs/{run['run_id']}/tasks"))["tasks"]
    assert {task["task_id"] for task in listed} == set(tasks.values())
    log = api.get(f"/runs/{run['run_id']}/tasks/{tasks['use']}/log")
    assert (log.text, log.headers["x-log-complete"]) == ("1,2", "true")


def a_task(api: httpx.Client, run_id: str) -> str:
    """The ID of the run's first task; waits until the task is planned."""
    tasks = until(lambda: ok(api.get(f"/runs/{run_id}/tasks"))["tasks"])
    return str(tasks[0]["task_id"])


def test_a_log_is_followed_from_before_its_first_line_to_its_end(
    api: httpx.Client, tmp_path: Path
) -> None:
    """The step goes on only after its first line was received, so the log is streamed."""
    gate = tmp_path / "gate"
    first = f"echo line 1; until [ -e {gate} ]; do sleep 0.1; done; "
    rest = 'for i in 2 3 4 5 6; do echo "line $i"; done; printf x > "$0"'
    spec = shell_pipeline({"a": []}, name="followed", command=("sh", "-c", first + rest, _OUTPUT))
    run_id = submit(api, spec)["run_id"]
    path = f"/runs/{run_id}/tasks/{a_task(api, run_id)}/log"
    lines: list[str] = []
    with api.stream("GET", path, params={"follow": "true"}, timeout=HANG_SECONDS) as stream:
        for line in stream.iter_lines():
            lines.append(line)
            gate.touch()
    assert lines == [f"line {i}" for i in range(1, 7)]
    assert api.get(path, params={"follow": "true", "offset": 7}).text.startswith("line 2")


def test_following_a_log_continues_after_the_recorder_was_killed(tmp_path: Any) -> None:
    deployment = Deployment()
    try:
        deployment.up()
        with client_of(deployment) as api:
            run_id = submit(api, counting("survivor"))["run_id"]
            path = f"/runs/{run_id}/tasks/{a_task(api, run_id)}/log"
            with api.stream("GET", path, params={"follow": "true"}) as stream:
                lines = []
                for line in stream.iter_lines():
                    if not lines:
                        deployment.kill("recorder")
                    lines.append(line)
        assert lines == [f"line {i}" for i in range(1, 7)]
    finally:
        deployment.remove()


def test_information_about_the_deployment(api: httpx.Client) -> None:
    info = ok(api.get("/info"))
    assert (info["name"], info["max_page_size"]) == ("headrace", 200)
    limits = api.get("/namespaces/default/limits")
    headers = {"If-Match": limits.headers["etag"]}
    assert ok(
        api.put("/namespaces/default/limits", json={"max_active_runs": None}, headers=headers)
    ) == {"namespace": "default", "max_active_runs": None}
