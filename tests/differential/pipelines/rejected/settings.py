"""Settings of tasks that both SDKs reject."""

from kfp import dsl
from kfp.dsl import Dataset

from tests.differential.pipelines.rejected._rejections import Rejections
from tests.differential.pipelines.rejected._steps import final, need, say, small, two

REJECTED = Rejections()


@REJECTED.in_pipeline("cpu")
def a_cpu_that_is_no_quantity():
    say().set_cpu_limit("two")


@REJECTED.in_pipeline("memory")
def a_memory_that_is_no_quantity():
    say().set_memory_request("1GB")


@REJECTED.in_pipeline("-1")
def a_negative_number_of_accelerators():
    say().set_accelerator_limit(-1)


@REJECTED.in_pipeline("set_cpu_limit")
def a_cpu_of_a_pipeline():
    small().set_cpu_limit("1")


@REJECTED.in_pipeline("set_env_variable")
def an_environment_of_an_importer():
    dsl.importer("gs://a/b", Dataset).set_env_variable("A", "b")


@REJECTED.in_pipeline("environment variable A of task 'say'")
def an_environment_that_is_a_number():
    say().set_env_variable("A", 5)


@REJECTED.in_pipeline("duration")
def a_duration_without_a_unit():
    say().set_retry(1, backoff_duration="30")


@REJECTED.in_pipeline("y")
def a_duration_of_years():
    say().set_retry(1, backoff_duration="1 year")


@REJECTED.in_pipeline("contradictory")
def a_pause_on_an_error_before():
    say().set_debug_pause(after=False, on_error=True)


@REJECTED.in_pipeline("str")
def after_a_name():
    say().after("say")


@REJECTED.in_pipeline("ParallelFor")
def after_a_loop():
    loop = dsl.ParallelFor([1, 2])
    with loop:
        say()
    say().after(loop)


@REJECTED.in_pipeline("default")
def a_failure_ignored_without_a_default():
    made = two()
    need(text=made.outputs["a"], number=1).ignore_upstream_failure()


@REJECTED.in_pipeline("Task 'final' has 'say', 'say-2'")
def a_status_of_two_tasks():
    final().after(say(), say()).ignore_upstream_failure()


@REJECTED.in_pipeline("Task 'final' has none")
def a_status_of_no_task():
    final().ignore_upstream_failure()


@REJECTED.in_pipeline("workspace")
def a_workspace_that_is_not_there():
    say(text=dsl.WORKSPACE_PATH_PLACEHOLDER)
