"""Calls every method of every class of the real ``kfp_server_api``, and the routes of KFP that it
lacks. Runs in the SDK's own environment."""

import base64
import inspect
import json
import os
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import kfp_server_api as api
import urllib3
from kfp import compiler
from pipelines import written_and_read
from report import run, soon

HOST, FOLDER = sys.argv[1:3]
TOKEN = os.environ["KFP_TOKEN"]
PACKAGE = os.path.join(FOLDER, "package.yaml")


def rejected(status, call):
    """The body of the error response, which has to have this status."""
    try:
        call()
    except api.ApiException as error:
        answer = error
    else:
        raise AssertionError(f"was not rejected with {status}")
    assert answer.status == status, (answer.status, answer.body)
    return json.loads(answer.body)


def get(path):
    """The response to a GET request, for routes that the generated client lacks."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return urllib3.PoolManager().request("GET", HOST + path, headers=headers)


class Cases:
    """One method for each method of the generated classes."""

    def __init__(self):
        configuration = api.Configuration(host=HOST)
        configuration.api_key["authorization"] = TOKEN
        configuration.api_key_prefix["authorization"] = "Bearer"
        client = api.ApiClient(configuration)
        self.auth = api.AuthServiceApi(client)
        self.filters = api.DummyFilterServiceApi(client)
        self.experiments = api.ExperimentServiceApi(client)
        self.health = api.HealthzServiceApi(client)
        self.pipelines = api.PipelineServiceApi(client)
        self.uploads = api.PipelineUploadServiceApi(client)
        self.recurring = api.RecurringRunServiceApi(client)
        self.reports = api.ReportServiceApi(client)
        self.runs = api.RunServiceApi(client)
        self.visualizations = api.VisualizationServiceApi(client)
        self.made = SimpleNamespace()

    def healthz_service_get_healthz(self):
        stranger = api.HealthzServiceApi(api.ApiClient(api.Configuration(host=HOST)))
        assert stranger.healthz_service_get_healthz().pipeline_store == "database"
        assert self.health.healthz_service_get_healthz().multi_user is False

    def auth_service_authorize(self):
        asked = {"namespace": "default", "resources": "VIEWERS", "verb": "CREATE"}
        assert self.auth.auth_service_authorize(**asked) == {}
        error = rejected(400, lambda: self.auth.auth_service_authorize(namespace="default"))
        assert error["code"] == 3

    def dummy_filter_service_get_filter(self):
        rejected(501, self.filters.dummy_filter_service_get_filter)

    def report_service_report_workflow(self):
        error = rejected(501, lambda: self.reports.report_service_report_workflow("{}"))
        assert "Argo" in error["message"]

    def report_service_report_scheduled_workflow(self):
        rejected(501, lambda: self.reports.report_service_report_scheduled_workflow("{}"))

    def visualization_service_create_visualization_v1(self):
        wanted = api.V2beta1Visualization(type="TABLE", source="x")
        call = self.visualizations.visualization_service_create_visualization_v1
        rejected(501, lambda: call("default", wanted))

    def experiment_service_create_experiment(self):
        wanted = api.V2beta1Experiment(display_name="generated", description="d")
        made = self.experiments.experiment_service_create_experiment(wanted)
        self.made.experiment = made.experiment_id
        call = self.experiments.experiment_service_create_experiment
        assert rejected(409, lambda: call(wanted))["code"] == 6

    def experiment_service_get_experiment(self):
        found = self.experiments.experiment_service_get_experiment(self.made.experiment)
        assert (found.display_name, found.description) == ("generated", "d")

    def experiment_service_list_experiments(self):
        listed = self.experiments.experiment_service_list_experiments(page_size=1)
        assert len(listed.experiments) == 1
        call = self.experiments.experiment_service_list_experiments
        rejected(400, lambda: call(page_size=-1))

    def experiment_service_archive_experiment(self):
        self.experiments.experiment_service_archive_experiment(self.made.experiment)

    def experiment_service_unarchive_experiment(self):
        self.experiments.experiment_service_unarchive_experiment(self.made.experiment)

    def upload_pipeline(self):
        archive = os.path.join(FOLDER, "package.tar.gz")
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(PACKAGE, "pipeline.yaml")
        tags = json.dumps({"team": "a"})
        made = self.uploads.upload_pipeline(archive, name="packed", tags=tags)
        assert made.tags == {"team": "a"}
        self.made.pipeline = made.pipeline_id
        empty = os.path.join(FOLDER, "empty.yaml")
        open(empty, "w").close()
        error = rejected(400, lambda: self.uploads.upload_pipeline(empty, name="empty"))
        assert set(error) == {"error_message", "error_details"}

    def upload_pipeline_version(self):
        archive = os.path.join(FOLDER, "package.zip")
        with zipfile.ZipFile(archive, "w") as packed:
            packed.write(PACKAGE, "pipeline.yaml")
        made = self.uploads.upload_pipeline_version(
            archive, name="zipped", pipelineid=self.made.pipeline, description="a zip"
        )
        assert (made.name, made.description) == ("zipped", "a zip")
        self.made.version = made.pipeline_version_id

    def pipeline_service_create_pipeline(self):
        wanted = api.V2beta1Pipeline(name="empty", display_name="Empty", tags={"a": "b"})
        made = self.pipelines.pipeline_service_create_pipeline(wanted)
        assert (made.name, made.display_name, made.tags) == ("empty", "Empty", {"a": "b"})
        self.made.empty = made.pipeline_id

    def pipeline_service_create_pipeline_version(self):
        wanted = api.V2beta1PipelineVersion(
            name="fetched",
            code_source_url="https://example.com/code",
            package_url=api.V2beta1Url(pipeline_url=self.made.url),
        )
        call = self.pipelines.pipeline_service_create_pipeline_version
        made = call(self.made.empty, wanted)
        assert made.code_source_url == "https://example.com/code"
        assert made.package_url.pipeline_url == self.made.url
        assert made.pipeline_spec["pipelineInfo"]["name"] == "written-and-read"
        wanted.package_url = api.V2beta1Url(pipeline_url="file:///etc/passwd")
        assert "package_url" in rejected(400, lambda: call(self.made.empty, wanted))["message"]
        wanted.name, wanted.package_url, wanted.pipeline_spec = "sent", None, made.pipeline_spec
        assert call(self.made.empty, wanted).pipeline_spec == made.pipeline_spec

    def pipeline_service_create_pipeline_and_version(self):
        version = self.pipelines.pipeline_service_get_pipeline_version(
            self.made.pipeline, self.made.version
        )
        wanted = api.V2beta1CreatePipelineAndVersionRequest(
            pipeline=api.V2beta1Pipeline(name="both"),
            pipeline_version=api.V2beta1PipelineVersion(
                name="v1", pipeline_spec=version.pipeline_spec
            ),
        )
        made = self.pipelines.pipeline_service_create_pipeline_and_version(wanted)
        self.made.both = made.pipeline_id
        listed = self.pipelines.pipeline_service_list_pipeline_versions(made.pipeline_id)
        assert [one.name for one in listed.pipeline_versions] == ["v1"]
        wanted.pipeline.name = "unsound"
        wanted.pipeline_version.pipeline_spec = {"root": {}}
        call = self.pipelines.pipeline_service_create_pipeline_and_version
        rejected(400, lambda: call(wanted))
        named = self.pipelines.pipeline_service_get_pipeline_by_name
        rejected(404, lambda: named("unsound"))

    def pipeline_service_get_pipeline(self):
        assert self.pipelines.pipeline_service_get_pipeline(self.made.empty).name == "empty"

    def pipeline_service_get_pipeline_by_name(self):
        found = self.pipelines.pipeline_service_get_pipeline_by_name("empty")
        assert found.pipeline_id == self.made.empty

    def pipeline_service_list_pipelines(self):
        predicate = {"operation": "EQUALS", "key": "tags.team", "string_value": "a"}
        listed = self.pipelines.pipeline_service_list_pipelines(
            filter=json.dumps({"predicates": [predicate]}), sort_by="name", page_size=5
        )
        assert [one.name for one in listed.pipelines] == ["packed"]

    def pipeline_service_list_pipeline_versions(self):
        listed = self.pipelines.pipeline_service_list_pipeline_versions(self.made.pipeline)
        assert [one.name for one in listed.pipeline_versions] == ["packed", "zipped"]

    def pipeline_service_update_pipeline(self):
        changes = api.V2beta1Pipeline(display_name="Filled", tags={"c": "d"})
        call = self.pipelines.pipeline_service_update_pipeline
        changed = call(self.made.empty, changes)
        assert (changed.display_name, changed.tags) == ("Filled", {"c": "d"})
        assert call(self.made.empty, {"tags": {}}).tags is None

    def pipeline_service_get_pipeline_version(self):
        found = self.pipelines.pipeline_service_get_pipeline_version(
            self.made.pipeline, self.made.version
        )
        assert found.pipeline_spec["schemaVersion"] == "2.1.0"

    def pipeline_service_update_pipeline_version(self):
        changed = self.pipelines.pipeline_service_update_pipeline_version(
            self.made.pipeline,
            self.made.version,
            api.V2beta1PipelineVersion(display_name="Zipped", tags={"x": "y"}),
        )
        assert (changed.display_name, changed.tags) == ("Zipped", {"x": "y"})

    def run_service_create_run(self):
        wanted = api.V2beta1Run(
            display_name="generated",
            experiment_id=self.made.experiment,
            pipeline_version_reference=api.V2beta1PipelineVersionReference(
                pipeline_id=self.made.pipeline, pipeline_version_id=self.made.version
            ),
            runtime_config=api.V2beta1RuntimeConfig(parameters={"text": "bytes"}),
        )
        made = self.runs.run_service_create_run(wanted)
        assert made.state == "PENDING"
        self.made.run = made.run_id
        rejected(400, lambda: self.runs.run_service_create_run({"surprise": 1}))

    def run_service_get_run(self):
        self.made.found = soon(
            lambda: (
                (run := self.runs.run_service_get_run(self.made.run)).state == "SUCCEEDED" and run
            )
        )
        assert len(self.made.found.run_details.task_details) == 2
        self._routes_without_a_generated_method()
        self._artifacts_and_tasks()

    def _routes_without_a_generated_method(self):
        writes = self.made.found.run_details.task_details[0]
        path = f"/apis/v2beta1/runs/{self.made.run}/nodes"
        for node in ("write", writes.task_id):
            answer = get(f"{path}/{node}/artifacts/model:read").json()
            assert base64.b64decode(answer["data"]) == b"bytes"
        assert get(f"{path}/write/artifacts/nothing:read").status == 404
        path = f"/apis/v1alpha1/runs/{self.made.run}/nodes"
        assert get(f"{path}/write/log?follow=true").data.strip() == b"said"
        assert get(f"{path}/nobody/log").status == 404
        assert get("/apis/v1beta1/healthz").status == 200

    def _artifacts_and_tasks(self):
        writes, reads = self.made.found.run_details.task_details
        (artifact_id,) = writes.outputs["model"].artifact_ids
        found = get(f"/apis/v2beta1/artifacts/{artifact_id}").json()
        assert (found["artifact_id"], found["type"]) == (artifact_id, "Model")
        listed = get("/apis/v2beta1/artifacts?sort_by=created_at%20desc").json()
        assert artifact_id in [one["artifact_id"] for one in listed["artifacts"]]
        links = get(f"/apis/v2beta1/artifact_tasks?artifact_ids={artifact_id}").json()
        assert {(one["task_id"], one["type"]) for one in links["artifact_tasks"]} == {
            (writes.task_id, "OUTPUT"),
            (reads.task_id, "INPUT"),
        }
        tasks = get(f"/apis/v2beta1/tasks?run_id={self.made.run}").json()["tasks"]
        assert {one["task_id"] for one in tasks} == {writes.task_id, reads.task_id}
        task = get(f"/apis/v2beta1/tasks/{reads.task_id}").json()
        assert (task["type"], task["state"], task["run_id"]) == (
            "RUNTIME",
            "SUCCEEDED",
            self.made.run,
        )

    def run_service_list_runs(self):
        listed = self.runs.run_service_list_runs(
            experiment_id=self.made.experiment, sort_by="metric:nothing desc"
        )
        assert [one.run_id for one in listed.runs] == [self.made.run]

    def run_service_archive_run(self):
        assert self.runs.run_service_archive_run(self.made.run) == {}

    def run_service_unarchive_run(self):
        assert self.runs.run_service_unarchive_run(self.made.run) == {}

    def run_service_terminate_run(self):
        rejected(400, lambda: self.runs.run_service_terminate_run(self.made.run))

    def run_service_retry_run(self):
        error = rejected(409, lambda: self.runs.run_service_retry_run(self.made.run))
        assert error["code"] == 10
        wanted = api.V2beta1Run(
            display_name="fails",
            experiment_id=self.made.experiment,
            pipeline_spec=failing_once(os.path.join(FOLDER, "once")),
        )
        made = self.runs.run_service_create_run(wanted).run_id
        ended = soon(lambda: (run := self.runs.run_service_get_run(made)).state == "FAILED" and run)
        (task,) = ended.run_details.task_details
        assert task.error.message
        assert self.runs.run_service_retry_run(made) == {}
        soon(lambda: self.runs.run_service_get_run(made).state == "SUCCEEDED")

    def run_service_delete_run(self):
        assert self.runs.run_service_delete_run(self.made.run) == {}

    def recurring_run_service_create_recurring_run(self):
        wanted = {
            "displayName": "camel",
            "experimentId": self.made.experiment,
            "pipelineVersionReference": {"pipelineId": self.made.pipeline},
            "maxConcurrency": "2",
            "trigger": {"periodicSchedule": {"intervalSecond": 3600}},
            "mode": 1,
            "noCatchup": True,
        }
        made = self.recurring.recurring_run_service_create_recurring_run(wanted)
        assert (made.mode, made.status, made.max_concurrency) == ("ENABLE", "ENABLED", "2")
        self.made.recurring = made.recurring_run_id

    def recurring_run_service_get_recurring_run(self):
        found = self.recurring.recurring_run_service_get_recurring_run(self.made.recurring)
        assert found.pipeline_version_reference.pipeline_version_id is None
        assert found.trigger.periodic_schedule.interval_second == "3600"

    def recurring_run_service_list_recurring_runs(self):
        listed = self.recurring.recurring_run_service_list_recurring_runs(
            experiment_id=self.made.experiment
        )
        assert [one.display_name for one in listed.recurring_runs] == ["camel"]

    def recurring_run_service_disable_recurring_run(self):
        self.recurring.recurring_run_service_disable_recurring_run(self.made.recurring)

    def recurring_run_service_enable_recurring_run(self):
        self.recurring.recurring_run_service_enable_recurring_run(self.made.recurring)

    def recurring_run_service_delete_recurring_run(self):
        self.recurring.recurring_run_service_delete_recurring_run(
            self.made.recurring, propagation_policy="FOREGROUND"
        )

    def experiment_service_delete_experiment(self):
        assert self.experiments.experiment_service_delete_experiment(self.made.experiment) == {}
        predicate = {"operation": 1, "key": "name", "string_value": "Default"}
        listed = self.experiments.experiment_service_list_experiments(
            filter=json.dumps({"predicates": [predicate]})
        )
        (default,) = listed.experiments
        call = self.experiments.experiment_service_delete_experiment
        assert rejected(409, lambda: call(default.experiment_id))["code"] == 10

    def pipeline_service_delete_pipeline_version(self):
        self.pipelines.pipeline_service_delete_pipeline_version(
            self.made.pipeline, self.made.version
        )

    def pipeline_service_delete_pipeline(self):
        call = self.pipelines.pipeline_service_delete_pipeline
        assert rejected(400, lambda: call(self.made.both))["code"] == 9
        for one in (self.made.both, self.made.empty, self.made.pipeline):
            assert call(one, cascade=True) == {}


def failing_once(marker):
    """The spec of a pipeline whose only step fails at its first attempt only."""
    script = f'test -e "{marker}" || {{ touch "{marker}"; exit 3; }}'
    container = {"image": "none", "command": ["sh", "-c", script]}
    return {
        "pipelineInfo": {"name": "fails-once"},
        "schemaVersion": "2.1.0",
        "components": {"comp-a": {"executorLabel": "exec-a"}},
        "deploymentSpec": {"executors": {"exec-a": {"container": container}}},
        "root": {
            "dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}, "taskInfo": {"name": "a"}}}}
        },
    }


class Package(BaseHTTPRequestHandler):
    """Serves the package."""

    def do_GET(self):
        with open(PACKAGE, "rb") as file:
            content = file.read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Log nothing."""


def generated():
    """The generated classes and their methods, without the variants `..._with_http_info`."""
    classes = inspect.getmembers(api, lambda one: inspect.isclass(one) and hasattr(one, "__init__"))
    return {
        name: [
            method
            for method, _ in inspect.getmembers(kind, inspect.isfunction)
            if not method.startswith("_") and not method.endswith("_with_http_info")
        ]
        for name, kind in classes
        if name.endswith("Api")
    }


if __name__ == "__main__":
    compiler.Compiler().compile(written_and_read, PACKAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Package)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cases = Cases()
    cases.made.url = f"http://127.0.0.1:{server.server_port}/package.yaml"
    bound = {
        name: getattr(cases, name)
        for name in vars(Cases)
        if not name.startswith("_") and callable(vars(Cases)[name])
    }
    run(FOLDER, bound, generated=generated())
