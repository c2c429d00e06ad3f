"""Errors and logs."""

from kfp import dsl

from tests.conformance.cases import Case
from tests.conformance.pipelines._shell import quiet


@dsl.container_component
def unknown_program():
    """Runs a program that does not exist."""
    return dsl.ContainerSpec("alpine", ["no-such-program-anywhere"], ["--help"])


@dsl.component
def fails_in_python():
    """Raises an error."""
    raise ValueError("the reservoir is empty")


@dsl.component
def leaves_early():
    """Exits with 0 before its last line."""
    import sys

    print("so far")
    sys.exit(0)


@dsl.pipeline
def an_early_end():
    leaves_early()


@dsl.pipeline
def exit_code_and_last_words():
    quiet(script="echo starting; echo the valve is stuck >&2; exit 37")


@dsl.pipeline
def error_of_a_python_step():
    fails_in_python()


@dsl.pipeline
def a_signal_ends_the_command():
    quiet(script="echo before; kill -KILL $$")


@dsl.pipeline
def both_streams_in_the_log():
    quiet(script="echo on stdout; echo on stderr >&2; printf 'Zürich, no line end'")


@dsl.pipeline
def program_that_does_not_exist():
    unknown_program()


CASES = [
    Case(
        "the exit code is in the error",
        exit_code_and_last_words,
        "partly: it is in the messages of the workflow",
        state="FAILED",
        tasks={"quiet": "FAILED"},
        error="code 37",
        logs={"quiet": "starting"},
        local=False,
    ),
    Case(
        "the end of a command's log is in the error",
        dsl.pipeline(exit_code_and_last_words.pipeline_func, name="last-words-in-the-error"),
        "no: it is only in the pod's log",
        state="FAILED",
        error="the valve is stuck",
        logs={"quiet": "the valve is stuck"},
        local=False,
    ),
    Case(
        "the exception of a Python step is in the error",
        error_of_a_python_step,
        "no: it is only in the pod's log",
        state="FAILED",
        error="ValueError: the reservoir is empty",
        logs={"fails-in-python": "Traceback"},
    ),
    Case(
        "a command that is killed by a signal fails",
        a_signal_ends_the_command,
        "yes",
        state="FAILED",
        tasks={"quiet": "FAILED"},
        logs={"quiet": "before"},
        error="SIGKILL",
        local=False,
    ),
    Case(
        "standard output and error are in the log, including an unterminated last line",
        both_streams_in_the_log,
        "yes",
        logs={"quiet": "on stdout\non stderr\nZürich, no line end"},
        local=False,
    ),
    Case(
        "a program that does not exist is named in the error",
        program_that_does_not_exist,
        "partly: it is only in the pod's log",
        state="FAILED",
        error="no-such-program-anywhere",
        local=False,
    ),
    Case(
        "a Python step that exits early with success",
        an_early_end,
        "yes",
        logs={"leaves-early": "so far"},
    ),
]
