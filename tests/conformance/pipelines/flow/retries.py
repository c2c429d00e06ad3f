"""Retries."""

from typing import List

from kfp import dsl

from tests.conformance.pipelines._steps import (
    ShellCase,
    count_lines,
    describe,
    fail,
    fail_until,
    note,
    say,
    seconds_between,
)


@dsl.pipeline
def retry_succeeds(file: str) -> int:
    tried = fail_until(file=file, attempt=3).set_retry(num_retries=5)
    return tried.outputs["value"]


@dsl.pipeline
def retry_exhausted(file: str):
    tried = fail_until(file=file, attempt=9).set_retry(num_retries=2)
    say(text="never").after(tried)


@dsl.pipeline
def no_retry(file: str):
    fail_until(file=file, attempt=2)


@dsl.pipeline
def retry_with_backoff(file: str) -> bool:
    tried = fail_until(file=file, attempt=3).set_retry(
        num_retries=2, backoff_duration="1s", backoff_factor=2, backoff_max_duration="10s"
    )
    return seconds_between(file=file, least=3).after(tried).outputs["value"]


@dsl.pipeline
def retry_in_a_loop(file: str) -> List[int]:
    with dsl.ParallelFor([1, 2, 3]) as item:
        tried = fail_until(file=f"{file}-{item}", attempt=item).set_retry(num_retries=2)
    return dsl.Collected(tried.outputs["value"])


@dsl.pipeline
def retry_in_an_exit_handler(file: str):
    with dsl.ExitHandler(describe()):
        fail_until(file=file, attempt=2).set_retry(num_retries=1)


@dsl.pipeline
def retry_of_an_exit_task(file: str):
    with dsl.ExitHandler(fail_until(file=file, attempt=2).set_retry(num_retries=1)):
        say(text="well")


@dsl.pipeline
def _two_steps(log: str, file: str, attempt: int) -> int:
    first = note(file=log, line="once")
    return fail_until(file=file, attempt=attempt).after(first).outputs["value"]


@dsl.pipeline
def retry_of_a_pipeline(log: str, file: str) -> int:
    tried = _two_steps(log=log, file=file, attempt=3).set_retry(num_retries=2)
    return count_lines(file=log).after(tried).outputs["value"]


@dsl.pipeline
def retry_of_a_pipeline_exhausted(log: str, file: str):
    tried = _two_steps(log=log, file=file, attempt=9).set_retry(num_retries=1)
    say(text="never").after(tried)


@dsl.pipeline
def _both_retry(file: str):
    fail_until(file=file, attempt=4).set_retry(num_retries=1)


@dsl.pipeline
def retry_of_a_pipeline_and_in_it(file: str) -> int:
    tried = _both_retry(file=file).set_retry(num_retries=1)
    return count_lines(file=file).after(tried).outputs["value"]


@dsl.pipeline
def _loop(file: str):
    with dsl.ParallelFor([1, 2, 3], parallelism=1) as item:
        fail_until(file=f"{file}-{item}", attempt=item)


@dsl.pipeline
def retry_of_a_pipeline_with_a_loop(file: str) -> int:
    tried = _loop(file=file).set_retry(num_retries=3)
    return count_lines(file=f"{file}-3").after(tried).outputs["value"]


@dsl.pipeline
def retry_beside_a_failure(file: str):
    fail_until(file=file, attempt=2).set_retry(num_retries=1, backoff_duration="2s")
    fail(words="oh no")


@dsl.pipeline
def _guarded(file: str):
    with dsl.ExitHandler(describe()):
        fail_until(file=file, attempt=2)


@dsl.pipeline
def retry_of_a_pipeline_with_an_exit(file: str):
    _guarded(file=file).set_retry(num_retries=1)


@dsl.pipeline
def retry_of_pipelines_in_a_loop(file: str):
    with dsl.ParallelFor([1, 2]) as item:
        _guarded(file=f"{file}-{item}").set_retry(num_retries=1)


_NESTED = "no: it ignores the retries of a pipeline"
_FILE = {"file": "<a writable path>"}
_FILES = {"log": "<a writable path>", "file": "<a writable path>"}

CASES = [
    ShellCase(
        "a step that fails twice, and KFP_RETRY_INDEX",
        retry_succeeds,
        "yes",
        args=_FILE,
        outputs={"Output": 2},
        attempts={"fail-until": 3},
    ),
    ShellCase(
        "a step that fails more often than its retries",
        retry_exhausted,
        "yes",
        args=_FILE,
        state="FAILED",
        error="early",
        tasks={"fail-until": "FAILED", "say": "SKIPPED"},
        attempts={"fail-until": 3},
    ),
    ShellCase(
        "without set_retry there is one attempt",
        no_retry,
        "yes",
        args=_FILE,
        state="FAILED",
        attempts={"fail-until": 1},
    ),
    ShellCase(
        "growing pauses between the attempts",
        retry_with_backoff,
        "yes",
        args=_FILE,
        outputs={"Output": True},
        attempts={"fail-until": 3},
    ),
    ShellCase(
        "each iteration of a loop has its own attempts",
        retry_in_a_loop,
        "yes",
        args=_FILE,
        outputs={"Output": [0, 1, 2]},
        attempts={"for-loop-2/0/fail-until": 1, "for-loop-2/2/fail-until": 3},
    ),
    ShellCase(
        "an exit task sees how the last attempt ended",
        retry_in_an_exit_handler,
        "yes",
        args=_FILE,
        attempts={"exit-handler-1/fail-until": 2},
        made={"describe": {"Output": "exit-handler-1 COMPLETE without error"}},
    ),
    ShellCase(
        "of an exit task",
        retry_of_an_exit_task,
        "yes",
        args=_FILE,
        attempts={"fail-until": 2},
    ),
    ShellCase(
        "of a nested pipeline: its tasks that succeeded are kept",
        retry_of_a_pipeline,
        _NESTED,
        args=_FILES,
        outputs={"Output": 1},
        attempts={"two-steps": 3, "two-steps/note": 1},
        tasks={"two-steps/fail-until": "SUCCEEDED"},
    ),
    ShellCase(
        "of a nested pipeline that fails more often than its retries",
        retry_of_a_pipeline_exhausted,
        _NESTED,
        args=_FILES,
        state="FAILED",
        error="task 'two-steps/fail-until' failed",
        attempts={"two-steps": 2},
        tasks={"say": "SKIPPED"},
    ),
    ShellCase(
        "of a nested pipeline and of a step in it",
        retry_of_a_pipeline_and_in_it,
        _NESTED,
        args=_FILE,
        outputs={"Output": 4},
        attempts={"both-retry": 2},
    ),
    ShellCase(
        "of a nested pipeline with a loop: the iterations that succeeded are kept",
        retry_of_a_pipeline_with_a_loop,
        _NESTED,
        args=_FILE,
        outputs={"Output": 3},
        attempts={"loop": 4, "loop/for-loop-2/0/fail-until": 1},
    ),
    ShellCase(
        "a step gets its next attempt, whatever else failed",
        retry_beside_a_failure,
        "yes",
        args=_FILE,
        state="FAILED",
        error="task 'fail' failed",
        attempts={"fail-until": 2},
        tasks={"fail-until": "SUCCEEDED"},
    ),
    ShellCase(
        "of a nested pipeline with an exit handler: the exit task runs each time",
        retry_of_a_pipeline_with_an_exit,
        _NESTED,
        args=_FILE,
        attempts={"guarded/describe": 2},
        made={"guarded/describe": {"Output": "exit-handler-1 COMPLETE without error"}},
    ),
    ShellCase(
        "of nested pipelines in a loop",
        retry_of_pipelines_in_a_loop,
        _NESTED,
        args=_FILE,
        attempts={"for-loop-2/0/guarded": 2, "for-loop-2/1/guarded": 2},
    ),
]
