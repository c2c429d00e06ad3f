"""Runs the commands of the real ``kfp`` program, in one process. Runs in the SDK's own
environment."""

import json
import os
import sys
import time
import warnings
from types import SimpleNamespace

warnings.simplefilter("ignore")
from click.testing import CliRunner  # noqa: E402
from kfp.cli.cli import cli  # noqa: E402
from report import run, soon  # noqa: E402

HOST, FOLDER = sys.argv[1:3]
OPTIONS = ["--endpoint", HOST, "--existing-token", os.environ["KFP_TOKEN"]]
HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.join(FOLDER, "cli.yaml")


def kfp(*arguments, agrees=False):
    """Run a command. Returns the JSON that it prints, or None. `agrees`: answer yes to
    questions."""
    options = [*OPTIONS, "--output", "json"]
    done = CliRunner().invoke(cli, [*options, *arguments], obj={}, input="y\n" if agrees else None)
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    text = done.stdout
    starts = [place for place in (text.find("{\n"), text.find("[\n")) if place >= 0]
    return json.loads(text[min(starts) :]) if starts else None


made = SimpleNamespace()


def dsl_compile():
    source = os.path.join(HERE, "pipelines.py")
    kfp("dsl", "compile", "--py", source, "--function", "one_command", "--output", PACKAGE)
    assert os.path.getsize(PACKAGE)


def pipeline_create():
    made.pipeline = kfp("pipeline", "create", "-p", "cli", "-d", "by hand", PACKAGE)["pipeline_id"]


def pipeline_create_version():
    version = kfp("pipeline", "create-version", PACKAGE, "-v", "v2", "-n", "cli")
    made.version = version["pipeline_version_id"]


def pipeline_list():
    listed = kfp("pipeline", "list", "-m", "1")
    assert [one["pipeline_id"] for one in listed] == [made.pipeline]
    tabular = CliRunner().invoke(cli, [*OPTIONS, "pipelines", "list"], obj={})
    assert made.pipeline in tabular.output


def pipeline_list_versions():
    listed = kfp("pipeline", "list-versions", made.pipeline)
    assert [one["name"] for one in listed] == ["v2", "cli"]


def pipeline_get():
    assert kfp("pipeline", "get", made.pipeline)["description"] == "by hand"


def pipeline_get_version():
    assert kfp("pipeline", "get-version", made.pipeline, made.version)["name"] == "v2"


def experiment_create():
    made.experiment = kfp("experiment", "create", "by-cli", "-d", "x")["experiment_id"]


def experiment_list():
    assert kfp("experiment", "list", "-m", "1")[0]["experiment_id"] == made.experiment


def experiment_get():
    assert kfp("experiment", "get", made.experiment)["display_name"] == "by-cli"


def run_create():
    by_file = kfp("run", "create", "-e", "by-cli", "-r", "file", "-f", PACKAGE, "script=echo a b")
    made.run = by_file["run_id"]
    stored = ("-p", made.pipeline, "-v", made.version)
    watched = kfp("run", "create", "-e", "by-cli", "-r", "stored", *stored, "-t", "60")
    assert watched["display_name"] == "stored"


def run_list():
    listed = kfp("run", "list", "-e", made.experiment)
    assert [one["display_name"] for one in listed] == ["stored", "file"]


def run_get():
    soon(lambda: kfp("run", "get", made.run)["state"] == "SUCCEEDED")


def run_archive():
    kfp("run", "archive", made.run)
    soon(lambda: kfp("run", "get", made.run)["storage_state"] == "ARCHIVED")


def run_unarchive():
    kfp("run", "unarchive", made.run)
    soon(lambda: kfp("run", "get", made.run)["storage_state"] == "AVAILABLE")


def run_delete():
    kfp("run", "delete", made.run, agrees=True)


def recurring_run_create():
    name = ("--job-name", "daily", "--experiment-id", made.experiment)
    stored = ("--pipeline-id", made.pipeline, "--version-id", made.version)
    cron = ("--cron-expression", "0 0 9 * * *", "--enabled", "--no-catchup")
    made.recurring = kfp("recurring-run", "create", *name, *stored, *cron)["recurring_run_id"]


def recurring_run_list():
    listed = kfp("recurring-run", "list", "-e", made.experiment)
    assert [one["recurring_run_id"] for one in listed] == [made.recurring]


def recurring_run_get():
    assert kfp("recurring-run", "get", made.recurring)["no_catchup"] is True


def recurring_run_disable():
    assert kfp("recurring-run", "disable", made.recurring)["status"] == "DISABLED"


def recurring_run_enable():
    assert kfp("recurring-run", "enable", made.recurring)["status"] == "ENABLED"


def recurring_run_delete():
    kfp("recurring-run", "delete", made.recurring, agrees=True)


def experiment_archive():
    found = kfp("experiment", "archive", "--experiment-name", "by-cli")
    assert found["storage_state"] == "ARCHIVED"


def experiment_unarchive():
    found = kfp("experiment", "unarchive", "--experiment-id", made.experiment)
    assert found["storage_state"] == "AVAILABLE"


def experiment_delete():
    kfp("experiment", "delete", made.experiment, agrees=True)


def pipeline_delete_version():
    for version in kfp("pipeline", "list-versions", made.pipeline):
        identity = version["pipeline_version_id"]
        kfp("pipeline", "delete-version", made.pipeline, identity, agrees=True)


def pipeline_delete():
    kfp("pipeline", "delete", made.pipeline, agrees=True)


def commands():
    """The commands that send requests, as ``group command``."""
    groups = ("dsl", "pipeline", "experiment", "run", "recurring-run")
    return [f"{group} {name}" for group in groups for name in cli.commands[group].commands]


if __name__ == "__main__":
    time.sleep = lambda _, sleep=time.sleep: sleep(0.05)  # the program polls every 5 s
    here = globals()
    listed = commands()
    starts = tuple(name.split()[0].replace("-", "_") + "_" for name in listed)
    cases = {
        name: value
        for name, value in list(here.items())
        if callable(value) and name.startswith(starts)
    }
    run(FOLDER, cases, commands=listed)
