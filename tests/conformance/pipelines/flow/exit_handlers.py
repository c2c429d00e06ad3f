"""Exit handlers."""

from kfp import dsl

from tests.conformance.pipelines._steps import ShellCase, count, describe, fail, join, note, say


@dsl.pipeline
def exit_of_success():
    with dsl.ExitHandler(describe()):
        first = say(text="first")
        say(text="second").after(first)


@dsl.pipeline
def exit_of_failure():
    with dsl.ExitHandler(describe()):
        failed = fail(words="oh no")
        say(text="never").after(failed)


@dsl.pipeline
def exit_without_status(word: str = "bye"):
    with dsl.ExitHandler(say(text=word)):
        fail(words="oh no")


@dsl.component(base_image="python:3.11")
def describe_more(word: str, status: dsl.PipelineTaskFinalStatus) -> str:
    """All fields of a status."""
    job = status.pipeline_job_resource_name
    resource = job.startswith("exit-of-failure-with-arguments-")
    return f"{word} {status.state} {status.error_code} {'oh no' in status.error_message} {resource}"


@dsl.pipeline
def exit_of_failure_with_arguments(word: str = "bye"):
    with dsl.ExitHandler(describe_more(word=word)):
        fail(words="oh no")


@dsl.pipeline
def exit_after_all(file: str):
    with dsl.ExitHandler(note(file=file, line="exit")):
        first = note(file=file, line="first")
        note(file=file, line="second").after(first)


@dsl.pipeline
def exit_twice():
    with dsl.ExitHandler(describe()):
        say(text="well")
    with dsl.ExitHandler(describe()):
        fail(words="oh no")


@dsl.pipeline
def exit_itself_fails():
    with dsl.ExitHandler(fail(words="the exit task")):
        say(text="well")


@dsl.pipeline
def _clean_up(word: str = "cleaned"):
    first = say(text=word)
    say(text=first.outputs["value"])


@dsl.pipeline
def exit_is_a_pipeline():
    with dsl.ExitHandler(_clean_up(word="cleaned up")):
        fail(words="oh no")


@dsl.pipeline
def _guarded(words: str) -> str:
    with dsl.ExitHandler(describe()):
        fail(words=words)
    return say(text="beside").outputs["value"]


@dsl.pipeline
def exit_in_a_nested_pipeline():
    _guarded(words="oh no")


@dsl.pipeline
def _guarded_well(words: str):
    with dsl.ExitHandler(describe()):
        say(text=words)


@dsl.pipeline
def exit_of_a_nested_pipeline():
    with dsl.ExitHandler(describe()):
        _guarded_well(words="fine")


@dsl.pipeline
def exit_of_a_loop():
    with dsl.ExitHandler(describe()):
        with dsl.ParallelFor([1, 2, 3]) as item:
            count(number=item)


@dsl.pipeline
def exit_of_a_failing_loop():
    with dsl.ExitHandler(describe()):
        with dsl.ParallelFor(["a", "b"], parallelism=1) as item:
            fail(words=item)


@dsl.pipeline
def exit_of_a_branch(run: bool = False):
    with dsl.ExitHandler(describe()):
        with dsl.If(run == True):
            fail(words="never")


@dsl.pipeline
def exit_then_more() -> str:
    exit_task = say(text="exit")
    with dsl.ExitHandler(exit_task) as handled:
        say(text="well")
    return say(text="after").after(handled).outputs["value"]


@dsl.pipeline
def exit_uses_what_was_before() -> str:
    before = say(text="before")
    with dsl.ExitHandler(say(text="exit")):
        inside = join(first=before.outputs["value"], second="inside")
        join(first=inside.outputs["value"], second="more")
    return before.outputs["value"]


@dsl.pipeline
def exit_not_reached():
    before = fail(words="oh no")
    with dsl.ExitHandler(describe()):
        say(text="never").after(before)


@dsl.pipeline
def _clean_up_knowing(status: dsl.PipelineTaskFinalStatus):
    say(text="cleaned")


@dsl.pipeline
def exit_is_a_pipeline_with_status():
    with dsl.ExitHandler(_clean_up_knowing()):
        say(text="well")


@dsl.pipeline
def exit_with_a_name():
    with dsl.ExitHandler(describe(), name="tidy up"):
        say(text="well")


_NO_TEXT = "partly: without an error message"

CASES = [
    ShellCase(
        "the body succeeds: COMPLETE",
        exit_of_success,
        "yes",
        made={"describe": {"Output": "exit-handler-1 COMPLETE without error"}},
    ),
    ShellCase(
        "the body fails: the exit task runs, and the run has failed",
        exit_of_failure,
        _NO_TEXT,
        state="FAILED",
        error="oh no",
        tasks={
            "exit-handler-1": "FAILED",
            "exit-handler-1/say": "SKIPPED",
            "describe": "SUCCEEDED",
        },
        made={
            "describe": {
                "Output": "exit-handler-1 FAILED task 'exit-handler-1/fail' failed: "
                "the command exited with code 3; last output:\noh no"
            }
        },
    ),
    ShellCase(
        "an exit task without the status of the body",
        exit_without_status,
        "yes",
        state="FAILED",
        tasks={"say": "SUCCEEDED"},
        made={"say": {"value": "bye"}},
    ),
    ShellCase(
        "an exit task with arguments, and the rest of the status",
        exit_of_failure_with_arguments,
        _NO_TEXT,
        state="FAILED",
        made={"describe-more": {"Output": "bye FAILED 2 True True"}},
    ),
    ShellCase(
        "the exit task comes last",
        exit_after_all,
        "yes",
        args={"file": "<a writable path>"},
        made={"note": {"value": "first second exit"}},
    ),
    ShellCase(
        "two exit handlers, each with its own body",
        exit_twice,
        "yes",
        state="FAILED",
        made={"describe": {"Output": "exit-handler-1 COMPLETE without error"}},
        tasks={"describe-2": "SUCCEEDED", "exit-handler-2": "FAILED"},
    ),
    ShellCase(
        "the exit task itself fails, and with it the run",
        exit_itself_fails,
        "yes",
        state="FAILED",
        error="the exit task",
        tasks={"exit-handler-1": "SUCCEEDED", "fail": "FAILED"},
    ),
    ShellCase(
        "the exit task is a pipeline",
        exit_is_a_pipeline,
        "yes",
        state="FAILED",
        made={"clean-up/say-2": {"value": "cleaned up"}},
    ),
    ShellCase(
        "an exit handler in a nested pipeline",
        exit_in_a_nested_pipeline,
        "yes",
        state="FAILED",
        error="oh no",
        tasks={"guarded": "FAILED", "guarded/describe": "SUCCEEDED"},
    ),
    ShellCase(
        "exit handlers around a nested pipeline and in it",
        exit_of_a_nested_pipeline,
        "yes",
        made={
            "describe": {"Output": "exit-handler-1 COMPLETE without error"},
            "exit-handler-1/guarded-well/describe": {
                "Output": "exit-handler-1 COMPLETE without error"
            },
        },
    ),
    ShellCase(
        "around a loop",
        exit_of_a_loop,
        "yes",
        made={"describe": {"Output": "exit-handler-1 COMPLETE without error"}},
    ),
    ShellCase(
        "around a loop that fails; the error names the iteration",
        exit_of_a_failing_loop,
        _NO_TEXT,
        state="FAILED",
        error="exit-handler-1/for-loop-3/0/fail",
        tasks={"describe": "SUCCEEDED", "exit-handler-1/for-loop-3/1": "ABSENT"},
    ),
    ShellCase(
        "around a branch that is not taken: COMPLETE",
        exit_of_a_branch,
        "yes",
        made={"describe": {"Output": "exit-handler-1 COMPLETE without error"}},
        tasks={"exit-handler-1/condition-2": "SKIPPED"},
    ),
    ShellCase(
        "a task after an exit handler",
        exit_then_more,
        "yes",
        outputs={"Output": "after"},
    ),
    ShellCase(
        "a body that uses earlier outputs",
        exit_uses_what_was_before,
        "yes",
        outputs={"Output": "before"},
        made={"exit-handler-1/join-2": {"value": "before, inside, more"}},
    ),
    ShellCase(
        "a body that is never reached: the exit task does not run",
        exit_not_reached,
        "yes",
        state="FAILED",
        tasks={"exit-handler-1": "SKIPPED", "describe": "SKIPPED"},
    ),
    ShellCase(
        "the exit task is a pipeline that is given the status",
        exit_is_a_pipeline_with_status,
        "yes",
        tasks={"clean-up-knowing/say": "SUCCEEDED"},
    ),
    ShellCase(
        "an exit handler with a name of its own",
        exit_with_a_name,
        "yes",
        made={"describe": {"Output": "exit-handler-1 COMPLETE without error"}},
    ),
]
