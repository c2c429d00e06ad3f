"""Failures, and tasks that still run."""

from kfp import dsl

from tests.conformance.cases import Case
from tests.conformance.pipelines._steps import (
    ShellCase,
    count,
    describe,
    fail,
    find,
    forget_output,
    hang,
    note,
    say,
    say_number,
)


@dsl.pipeline
def failing_step():
    failed = fail(words="the disk is full")
    say(text="never").after(failed)


@dsl.component(base_image="python:3.11")
def divide(above: int, below: int) -> float:
    """A quotient."""
    return above / below


@dsl.pipeline
def failing_python_step(below: int = 0) -> float:
    return divide(above=1, below=below).output


@dsl.pipeline
def output_not_made() -> str:
    return forget_output().outputs["value"]


@dsl.pipeline
def output_of_the_wrong_type():
    count(number=say_number(text="seven").outputs["value"])


def _fail_beside(file: str) -> None:
    """`slow` succeeds after the task beside it has failed, which the exit task records in the file.
    Until then it fails and is retried, so that it never takes the slot of the other task."""
    with dsl.ExitHandler(note(file=file, line="failed")):
        failed = fail(words="oh no")
        say(text="behind").after(failed)
    slow = find(file=file).set_retry(num_retries=100, backoff_duration="1s", backoff_factor=1)
    say(text="beside").after(slow)


@dsl.pipeline
def fail_fast(file: str):
    _fail_beside(file)


@dsl.pipeline
def fail_and_continue(file: str):
    _fail_beside(file)


@dsl.pipeline
def fail_fast_in_a_loop():
    with dsl.ParallelFor([1, 2, 3], parallelism=1) as item:
        made = count(number=item)
        with dsl.If(made.outputs["value"] == 2):
            fail(words="two")


@dsl.pipeline
def continue_in_a_loop() -> str:
    with dsl.ParallelFor([1, 2, 3], parallelism=1) as item:
        made = count(number=item)
        with dsl.If(made.outputs["value"] == 2):
            failed = fail(words="two")
    return say(text="behind").after(failed).outputs["value"]


@dsl.pipeline
def ignore_upstream_failure():
    failed = fail(words="oh no")
    cleaned = say(text="cleaned up").after(failed).ignore_upstream_failure()
    say(text="never").after(cleaned)


@dsl.pipeline
def ignore_and_continue():
    failed = fail(words="oh no")
    cleaned = say(text="cleaned up").after(failed).ignore_upstream_failure()
    say(text="behind").after(cleaned)


@dsl.component(base_image="python:3.11")
def divided(above: int, below: int) -> int:
    """A whole quotient."""
    return above // below


@dsl.component(base_image="python:3.11")
def or_default(value: int = -1) -> int:
    """The value."""
    return value


@dsl.pipeline
def ignore_with_a_default(below: int = 0):
    made = divided(above=6, below=below)
    or_default(value=made.output).ignore_upstream_failure()


@dsl.pipeline
def ignore_skipped():
    first = fail(words="oh no")
    second = say(text="never").after(first)
    say(text="nothing to clean up").after(second).ignore_upstream_failure()


@dsl.pipeline
def _inner(words: str):
    with dsl.ParallelFor(["a", "b"], parallelism=1) as item:
        before = say(text=item)
        fail(words=words).after(before)


@dsl.pipeline
def _outer(words: str):
    _inner(words=words)


@dsl.pipeline
def failure_deep_inside():
    inside = _outer(words="deep down")
    say(text="never").after(inside)


@dsl.pipeline
def deadline():
    with dsl.ExitHandler(describe()):
        slow = hang()
        say(text="never").after(slow)
    beside = hang()
    say(text="never").after(beside).ignore_upstream_failure()


@dsl.pipeline
def ignore_with_an_output(below: int = 3):
    made = divided(above=6, below=below)
    or_default(value=made.output).ignore_upstream_failure()


@dsl.pipeline
def ignore_some():
    failed = fail(words="oh no")
    skipped = say(text="never").after(failed)
    well = say(text="well")
    say(text="cleaned up").after(failed, skipped, well).ignore_upstream_failure()


@dsl.pipeline
def ignore_in_a_loop():
    with dsl.ParallelFor(["a", "b"], parallelism=1) as item:
        failed = fail(words=item)
        say(text=item).after(failed).ignore_upstream_failure()


@dsl.pipeline
def _clean_up():
    say(text="cleaned up")


@dsl.pipeline
def ignore_with_a_pipeline():
    failed = _outer(words="oh no")
    _clean_up().after(failed).ignore_upstream_failure()


CASES = [
    ShellCase(
        "the run's error has the step's name, its exit code and the end of its log",
        failing_step,
        "partly: the log's end is only in the log",
        state="FAILED",
        error="task 'fail' failed: the command exited with code 3; last output:\nthe disk is full",
        tasks={"fail": "FAILED", "say": "SKIPPED"},
    ),
    Case(
        "an exception in a Python step is in the run's error",
        failing_python_step,
        "partly: it is only in the step's log",
        state="FAILED",
        error="ZeroDivisionError",
    ),
    ShellCase(
        "a step without its output fails",
        output_not_made,
        "yes",
        state="FAILED",
        error="'value'",
        tasks={"forget-output": "FAILED"},
    ),
    ShellCase(
        "a step whose output is not of its type fails",
        output_of_the_wrong_type,
        "yes",
        state="FAILED",
        error="seven",
        tasks={"say-number": "FAILED", "count": "SKIPPED"},
    ),
    ShellCase(
        "after a failure no task starts in that DAG; running tasks finish",
        fail_fast,
        "yes",
        args={"file": "<a writable path>"},
        state="FAILED",
        tasks={
            "exit-handler-1/say": "SKIPPED",
            "note": "SUCCEEDED",
            "find": "SUCCEEDED",
            "say-2": "SKIPPED",
        },
    ),
    ShellCase(
        "with CONTINUE, all tasks run that do not depend on the failure",
        fail_and_continue,
        "no: it has no such option",
        args={"file": "<a writable path>"},
        options={"failure_strategy": "CONTINUE"},
        state="FAILED",
        tasks={
            "exit-handler-1/say": "SKIPPED",
            "note": "SUCCEEDED",
            "find": "SUCCEEDED",
            "say-2": "SUCCEEDED",
        },
    ),
    ShellCase(
        "a loop starts no iteration after one failed",
        fail_fast_in_a_loop,
        "yes",
        state="FAILED",
        error="for-loop-2/1/condition-3/fail",
        tasks={"for-loop-2/0": "SUCCEEDED", "for-loop-2/1": "FAILED", "for-loop-2/2": "ABSENT"},
    ),
    ShellCase(
        "with CONTINUE, a loop runs all iterations, and fails",
        continue_in_a_loop,
        "no: it has no such option",
        options={"failure_strategy": "CONTINUE"},
        state="FAILED",
        tasks={
            "for-loop-2": "FAILED",
            "for-loop-2/1": "FAILED",
            "for-loop-2/2": "SUCCEEDED",
            "say": "SKIPPED",
        },
    ),
    ShellCase(
        "ignore_upstream_failure: the task runs, the run has failed",
        ignore_upstream_failure,
        "yes",
        state="FAILED",
        error="oh no",
        tasks={"say": "SUCCEEDED", "say-2": "SKIPPED"},
    ),
    ShellCase(
        "with CONTINUE, tasks that depend on such a task run too",
        ignore_and_continue,
        "no: it has no such option",
        options={"failure_strategy": "CONTINUE"},
        state="FAILED",
        tasks={"say": "SUCCEEDED", "say-2": "SUCCEEDED"},
    ),
    Case(
        "ignore_upstream_failure: the default replaces a missing output",
        ignore_with_a_default,
        "yes",
        state="FAILED",
        made={"or-default": {"Output": -1}},
    ),
    ShellCase(
        "ignore_upstream_failure after a task that was skipped is skipped",
        ignore_skipped,
        "yes",
        state="FAILED",
        tasks={"say": "SKIPPED", "say-2": "SKIPPED"},
    ),
    ShellCase(
        "the error names the step, through nested pipelines and a loop",
        failure_deep_inside,
        "partly: the error has no path of the step",
        state="FAILED",
        error="task 'outer/inner/for-loop-2/0/fail' failed: the command exited with code 3",
        tasks={"outer/inner": "FAILED", "say": "SKIPPED"},
    ),
    ShellCase(
        "a deadline stops running tasks; only the exit task still runs",
        deadline,
        "partly: only the pipeline has a deadline; whether exit tasks run is undocumented",
        options={"deadline_seconds": 2},
        state="FAILED",
        error="2 s",
        tasks={
            "exit-handler-1/hang": "CANCELED",
            "exit-handler-1/say": "CANCELED",
            "exit-handler-1": "CANCELED",
            "hang-2": "CANCELED",
            "say-2": "CANCELED",
        },
        made={"describe": {"Output": "exit-handler-1 CANCELED without error"}},
    ),
    Case(
        "ignore_upstream_failure: an existing output is used",
        ignore_with_an_output,
        "yes",
        made={"or-default": {"Output": 2}},
    ),
    ShellCase(
        "ignore_upstream_failure after tasks that failed, were skipped, and succeeded",
        ignore_some,
        "yes",
        state="FAILED",
        tasks={"fail": "FAILED", "say": "SKIPPED", "say-2": "SUCCEEDED", "say-3": "SUCCEEDED"},
    ),
    ShellCase(
        "ignore_upstream_failure in a loop",
        ignore_in_a_loop,
        "yes",
        state="FAILED",
        tasks={"for-loop-2/0/say": "SUCCEEDED", "for-loop-2/1": "ABSENT"},
    ),
    ShellCase(
        "ignore_upstream_failure between pipelines",
        ignore_with_a_pipeline,
        "yes",
        state="FAILED",
        tasks={"outer": "FAILED", "clean-up/say": "SUCCEEDED"},
    ),
]
