"""Calls every public method of the real ``kfp.Client``. Runs in the SDK's own environment."""

import inspect
import json
import os
import sys
import warnings
from types import SimpleNamespace

warnings.simplefilter("ignore")
import kfp  # noqa: E402
import kfp_server_api  # noqa: E402
from kfp import compiler  # noqa: E402
from pipelines import one_command, written_and_read  # noqa: E402
from report import run, soon  # noqa: E402

FOLDER = sys.argv[2]
PACKAGE = os.path.join(FOLDER, "package.yaml")
COMMAND = os.path.join(FOLDER, "command.yaml")


def rejected(status, call):
    """The body of the error response, which has to have this status."""
    try:
        call()
    except kfp_server_api.ApiException as error:
        answer = error
    else:
        raise AssertionError(f"was not rejected with {status}")
    assert answer.status == status, (answer.status, answer.body)
    return json.loads(answer.body)


class Cases:
    """One method for each method of the client, in an order in which each finds what it needs."""

    def __init__(self, client):
        self.client = client
        self.made = SimpleNamespace()

    def get_kfp_healthz(self):
        assert self.client.get_kfp_healthz().pipeline_store == "database"

    def set_user_namespace(self):
        self.client.set_user_namespace("somewhere")

    def get_user_namespace(self):
        assert self.client.get_user_namespace() == "somewhere"

    def create_experiment(self):
        made = self.client.create_experiment("methods", description="of the client")
        assert (made.display_name, made.storage_state) == ("methods", "AVAILABLE")
        again = self.client.create_experiment("methods")
        assert again.experiment_id == made.experiment_id
        self.made.experiment = made.experiment_id

    def get_experiment(self):
        by_id = self.client.get_experiment(experiment_id=self.made.experiment)
        by_name = self.client.get_experiment(experiment_name="methods")
        assert by_id == by_name
        assert by_id.description == "of the client"
        assert rejected(404, lambda: self.client.get_experiment(experiment_id="x"))["code"] == 5

    def list_experiments(self):
        for number in range(3):
            self.client.create_experiment(f"page {number}")
        asked = {"page_size": 2, "sort_by": "name desc", "filter": filtered("name", 9, "page ")}
        first = self.client.list_experiments(**asked)
        assert [one.display_name for one in first.experiments] == ["page 2", "page 1"]
        assert first.total_size == 3
        second = self.client.list_experiments(page_token=first.next_page_token, **asked)
        assert [one.display_name for one in second.experiments] == ["page 0"]
        assert second.total_size == 3
        assert not second.next_page_token
        assert self.client.list_experiments(filter=filtered("name", 1, "no")).experiments is None
        rejected(400, lambda: self.client.list_experiments(filter=filtered("color", 1, "x")))
        rejected(400, lambda: self.client.list_experiments(page_token="made up"))

    def upload_pipeline(self):
        made = self.client.upload_pipeline(PACKAGE, pipeline_name="up", description="first")
        assert (made.name, made.display_name, made.description) == ("up", "up", "first")
        self.made.pipeline = made.pipeline_id
        error = rejected(409, lambda: self.client.upload_pipeline(PACKAGE, pipeline_name="up"))
        assert "up" in error["error_message"]

    def upload_pipeline_from_pipeline_func(self):
        made = self.client.upload_pipeline_from_pipeline_func(one_command, pipeline_name="func")
        self.made.function = made.pipeline_id

    def upload_pipeline_version(self):
        made = self.client.upload_pipeline_version(PACKAGE, "second", pipeline_name="up")
        assert (made.name, made.pipeline_id) == ("second", self.made.pipeline)
        self.made.version = made.pipeline_version_id

    def upload_pipeline_version_from_pipeline_func(self):
        made = self.client.upload_pipeline_version_from_pipeline_func(
            one_command, "third", pipeline_id=self.made.pipeline
        )
        assert made.name == "third"
        self.made.third = made.pipeline_version_id

    def get_pipeline_id(self):
        assert self.client.get_pipeline_id("up") == self.made.pipeline
        assert self.client.get_pipeline_id("nobody") is None

    def get_pipeline(self):
        assert self.client.get_pipeline(self.made.pipeline).display_name == "up"

    def list_pipelines(self):
        listed = self.client.list_pipelines(sort_by="created_at desc", page_size=1)
        assert listed.pipelines[0].pipeline_id == self.made.function
        assert listed.next_page_token

    def list_pipeline_versions(self):
        listed = self.client.list_pipeline_versions(self.made.pipeline, sort_by="name")
        assert [one.name for one in listed.pipeline_versions] == ["second", "third", "up"]
        assert listed.total_size == 3

    def get_pipeline_version(self):
        found = self.client.get_pipeline_version(self.made.pipeline, self.made.version)
        assert found.pipeline_spec["pipelineInfo"]["name"] == "written-and-read"

    def run_pipeline(self):
        self.made.run = self.client.run_pipeline(
            self.made.experiment,
            "stored",
            pipeline_id=self.made.pipeline,
            version_id=self.made.version,
            params={"text": "from a version"},
        ).run_id
        command = {"script": "exit 3"}
        self.made.failing = self.client.run_pipeline(
            self.made.experiment, "failing", pipeline_package_path=COMMAND, params=command
        ).run_id
        rejected(
            400,
            lambda: self.client.run_pipeline(
                self.made.experiment, "x", pipeline_package_path=PACKAGE, params={"text": 3, "u": 1}
            ),
        )

    def create_run_from_pipeline_func(self):
        made = self.client.create_run_from_pipeline_func(
            one_command, arguments={"script": "sleep 120"}, experiment_name="methods"
        )
        self.made.endless = made.run_id

    def create_run_from_pipeline_package(self):
        made = self.client.create_run_from_pipeline_package(
            PACKAGE, arguments={"text": "from a file"}, experiment_id=self.made.experiment
        )
        self.made.other = made.run_id

    def terminate_run(self):
        assert self.client.terminate_run(self.made.endless) == {}
        ended = self.client.wait_for_run_completion(self.made.endless, 30, 0.1)
        assert (ended.state, ended.error.message) == ("FAILED", "the run was terminated")
        rejected(400, lambda: self.client.terminate_run(self.made.endless))

    def wait_for_run_completion(self):
        ended = self.client.wait_for_run_completion(self.made.run, 60, 0.1)
        assert ended.state == "SUCCEEDED"
        self.client.wait_for_run_completion(self.made.other, 60, 0.1)
        assert self.client.wait_for_run_completion(self.made.failing, 60, 0.1).state == "FAILED"

    def get_run(self):
        run = self.client.get_run(self.made.run)
        reference = run.pipeline_version_reference
        assert reference.pipeline_version_id == self.made.version
        assert run.pipeline_spec is None
        assert run.runtime_config.parameters == {"text": "from a version"}
        assert run.finished_at >= run.scheduled_at == run.created_at
        assert [change.state for change in run.state_history][-1] == "SUCCEEDED"
        writes, reads = run.run_details.task_details
        (model,) = writes.outputs["model"].artifact_ids
        assert reads.inputs["model"].artifact_ids == [model]
        assert writes.executor_detail.main_job
        assert [change.state for change in reads.state_history] == [
            "PENDING",
            "RUNNING",
            "SUCCEEDED",
        ]
        other = self.client.get_run(self.made.other)
        assert other.pipeline_spec["pipelineInfo"]["name"] == "written-and-read"
        assert "failed" in self.client.get_run(self.made.failing).error.message.lower()

    def list_runs(self):
        asked = {"experiment_id": self.made.experiment, "sort_by": "name", "page_size": 2}
        first = self.client.list_runs(**asked)
        assert (len(first.runs), first.total_size) == (2, 4)
        second = self.client.list_runs(page_token=first.next_page_token, **asked)
        names = [one.display_name for one in first.runs + second.runs]
        assert names == sorted(names)
        failed = self.client.list_runs(
            experiment_id=self.made.experiment, filter=filtered("state", 1, "FAILED")
        )
        assert {one.run_id for one in failed.runs} == {self.made.endless, self.made.failing}

    def archive_run(self):
        assert self.client.archive_run(self.made.run) == {}
        archived = filtered("storage_state", 1, "ARCHIVED")
        found = {one.run_id: one for one in self.client.list_runs(filter=archived).runs}
        assert found[self.made.run].storage_state == "ARCHIVED"

    def unarchive_run(self):
        self.client.unarchive_run(self.made.run)
        assert self.client.get_run(self.made.run).storage_state == "AVAILABLE"

    def create_recurring_run(self):
        made = self.client.create_recurring_run(
            self.made.experiment,
            "cron",
            cron_expression="0 0 9 ? * 2-6",
            pipeline_id=self.made.pipeline,
            version_id=self.made.version,
            max_concurrency=3,
            no_catchup=True,
        )
        assert (made.status, made.max_concurrency, made.no_catchup) == ("ENABLED", "3", True)
        self.made.cron = made.recurring_run_id
        made = self.client.create_recurring_run(
            self.made.experiment,
            "interval",
            interval_second=3600,
            pipeline_package_path=PACKAGE,
            enabled=False,
            start_time="2090-01-01T00:00:00Z",
        )
        assert made.trigger.periodic_schedule.interval_second == "3600"
        self.made.interval = made.recurring_run_id

    def get_recurring_run(self):
        found = self.client.get_recurring_run(self.made.cron)
        assert found.trigger.cron_schedule.cron == "0 0 9 ? * 2-6"

    def list_recurring_runs(self):
        listed = self.client.list_recurring_runs(
            experiment_id=self.made.experiment, sort_by="name desc"
        )
        assert [one.display_name for one in listed.recurring_runs] == ["interval", "cron"]

    def enable_recurring_run(self):
        self.client.enable_recurring_run(self.made.interval)
        assert self.client.get_recurring_run(self.made.interval).status == "ENABLED"

    def disable_recurring_run(self):
        self.client.disable_recurring_run(self.made.interval)
        assert self.client.get_recurring_run(self.made.interval).status == "DISABLED"

    def enable_job(self):
        self.client.enable_job(self.made.interval)
        assert self.client.get_recurring_run(self.made.interval).status == "ENABLED"

    def disable_job(self):
        self.client.disable_job(self.made.interval)
        assert self.client.get_recurring_run(self.made.interval).status == "DISABLED"

    def archive_experiment(self):
        self.client.archive_experiment(self.made.experiment)
        found = self.client.get_experiment(experiment_id=self.made.experiment)
        assert found.storage_state == "ARCHIVED"
        soon(lambda: self.client.get_run(self.made.run).storage_state == "ARCHIVED")
        assert self.client.get_recurring_run(self.made.cron).status == "DISABLED"
        error = rejected(400, lambda: self.client.unarchive_run(self.made.run))
        assert error["code"] == 9

    def unarchive_experiment(self):
        self.client.unarchive_experiment(self.made.experiment)
        found = self.client.get_experiment(experiment_id=self.made.experiment)
        assert found.storage_state == "AVAILABLE"
        assert self.client.get_run(self.made.run).storage_state == "ARCHIVED"

    def delete_job(self):
        self.client.delete_job(self.made.interval)
        rejected(404, lambda: self.client.get_recurring_run(self.made.interval))

    def delete_recurring_run(self):
        self.client.delete_recurring_run(self.made.cron)
        rejected(404, lambda: self.client.get_recurring_run(self.made.cron))

    def delete_run(self):
        self.client.delete_run(self.made.other)
        rejected(404, lambda: self.client.archive_run(self.made.other))

    def delete_experiment(self):
        self.client.delete_experiment(self.made.experiment)
        rejected(404, lambda: self.client.get_experiment(experiment_id=self.made.experiment))
        assert self.client.get_run(self.made.run).state == "SUCCEEDED"

    def delete_pipeline_version(self):
        self.client.delete_pipeline_version(self.made.pipeline, self.made.third)
        rejected(404, lambda: self.client.get_pipeline_version(self.made.pipeline, self.made.third))

    def delete_pipeline(self):
        assert rejected(400, lambda: self.client.delete_pipeline(self.made.pipeline))["code"] == 9
        for one in self.client.list_pipeline_versions(self.made.pipeline).pipeline_versions:
            self.client.delete_pipeline_version(self.made.pipeline, one.pipeline_version_id)
        self.client.delete_pipeline(self.made.pipeline)
        rejected(404, lambda: self.client.get_pipeline(self.made.pipeline))


def filtered(key, operation, value):
    """A filter as the SDK's own documentation writes one."""
    predicate = {"operation": operation, "key": key, "stringValue": value}
    return json.dumps({"predicates": [predicate]})


def public(kind):
    """The names of a class's public methods, in the order of their definition."""
    return [name for name in vars(kind) if not name.startswith("_") and callable(vars(kind)[name])]


if __name__ == "__main__":
    compiler.Compiler().compile(written_and_read, PACKAGE)
    compiler.Compiler().compile(one_command, COMMAND)
    cases = Cases(kfp.Client(host=sys.argv[1], existing_token=os.environ["KFP_TOKEN"]))
    methods = [
        name for name, _ in inspect.getmembers(kfp.Client, callable) if not name.startswith("_")
    ]
    run(FOLDER, {name: getattr(cases, name) for name in public(Cases)}, methods=methods)
