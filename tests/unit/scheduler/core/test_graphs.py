"""DAGs, branches, loops and exit tasks: which tasks run, which are skipped, and the outputs."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.failures import FailureCode

from tests.unit.scheduler.runs import STRING, Spec, component, constant, play, spec, start, task

VALUE = {"value": STRING}
NUMBERS = {"value": {"parameterType": "LIST"}}


def output(producer: str, key: str = "value") -> Spec:
    return {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": key}}


def given(name: str) -> Spec:
    return {"componentInputParameter": name}


def dag(tasks: Spec, outputs: Spec | None = None) -> Spec:
    selected = {
        name: {"valueFromParameter": {"producerSubtask": by, "outputParameterKey": "value"}}
        for name, by in (outputs or {}).items()
    }
    return {"tasks": tasks, "outputs": {"parameters": selected}}


STEP = component({"x": {**STRING, "isOptional": True}}, VALUE)


def branches(condition: str) -> list[Spec]:
    """A branch on the output of ``flip``, and a task that depends on it."""
    bound = {"pipelinechannel--flip-value": output("flip")}
    trigger = {"condition": condition}
    return spec(
        {
            "flip": task("step"),
            "condition-1": task("branch", bound, triggerPolicy=trigger),
            "behind": task("step", after=["condition-1"]),
        },
        {
            "step": STEP,
            "branch": component(
                {"pipelinechannel--flip-value": STRING}, dag=dag({"inside": task("step")})
            ),
        },
    )


CHANNEL = "inputs.parameter_values['pipelinechannel--flip-value']"


@pytest.mark.parametrize(
    ("condition", "states"),
    [
        (f"{CHANNEL} == 'heads'", ("SUCCEEDED", "SUCCEEDED")),
        (f"!({CHANNEL} == 'heads')", ("SKIPPED", "SKIPPED")),
        (f"{CHANNEL} in ['heads'] && size({CHANNEL}) == 5", ("SUCCEEDED", "SUCCEEDED")),
    ],
)
def test_a_branch_runs_or_is_skipped_with_its_dependents(
    condition: str, states: tuple[str, str]
) -> None:
    played = play(branches(condition), {"root/flip": {"value": "heads"}})
    found = played.states()
    assert (found["root/condition-1"], found["root/behind"]) == states
    assert ("root/condition-1/inside" in found) is (states[0] == "SUCCEEDED")
    assert played.run.header.state == "SUCCEEDED"


def test_a_condition_that_cannot_be_evaluated_fails_its_task() -> None:
    played = play(branches("inputs.parameter_values['nobody'] == 1"), {"root/flip": {"value": "x"}})
    failure = played.record("root/condition-1").failure
    assert failure is not None
    assert failure.code is FailureCode.CONDITION_INVALID
    assert played.run.header.state == "FAILED"


@pytest.mark.parametrize("picked", [0, 1])
def test_one_of_has_the_output_of_the_branch_that_ran(picked: int) -> None:
    selectors = [
        {"producerSubtask": f"condition-{i}", "outputParameterKey": "value"} for i in range(2)
    ]
    tasks = {
        f"condition-{i}": task(
            "branch",
            {"n": constant(picked)},
            triggerPolicy={"condition": f"int(inputs.parameter_values['n']) == {i}"},
        )
        for i in range(2)
    }
    inner = {
        "tasks": tasks,
        "outputs": {"parameters": {"value": {"valueFromOneof": {"parameterSelectors": selectors}}}},
    }
    played = play(
        spec(
            {
                "condition-branches-1": task("fork"),
                "use": task("step", {"x": output("condition-branches-1")}),
            },
            {
                "fork": component(outputs=VALUE, dag=inner),
                "branch": component(
                    {"n": {"parameterType": "NUMBER_INTEGER"}},
                    VALUE,
                    dag=dag({"make": task("step")}, {"value": "make"}),
                ),
                "step": STEP,
            },
        ),
        {
            f"root/condition-branches-1/condition-{i}/make": {"value": f"branch {i}"}
            for i in range(2)
        },
    )
    assert played.launches["root/use"].inputs.parameters == {"x": f"branch {picked}"}


def loop(items: Any, limit: int = 0, body: Spec | None = None, **submission: Any) -> Any:
    """A started run of a loop that collects the outputs of a step, and a dependent step."""
    documents = spec(
        {
            "for-loop-1": task(
                "body",
                {"items": given("items")},
                parameterIterator={"itemInput": "item", "items": {"inputParameter": "items"}},
                iteratorPolicy={"parallelismLimit": limit},
            ),
            "collect": task("collect", {"all": output("for-loop-1")}),
        },
        {
            "body": component(
                {"item": STRING, "items": {"parameterType": "LIST"}},
                NUMBERS,
                dag=body or dag({"make": task("step", {"x": given("item")})}, {"value": "make"}),
            ),
            "collect": component({"all": {"parameterType": "LIST"}}),
            "step": STEP,
        },
        inputs={"items": {"parameterType": "LIST"}},
    )
    made = {f"root/for-loop-1/{i}/make": {"value": f"made {i}"} for i in range(20)}
    return start(documents, made, parameters={"items": items}, **submission)


@pytest.mark.parametrize("items", [["a", "b", "c"], '["a", "b", "c"]'])
def test_a_loop_collects_in_the_order_of_its_items(items: Any) -> None:
    played = loop(items)
    assert len(played.running) == 3
    played.running.reverse()
    played.finish()
    assert played.launches["root/for-loop-1/1/make"].inputs.parameters == {"x": "b"}
    collected = played.launches["root/collect"].inputs.parameters
    assert collected == {"all": ["made 0", "made 1", "made 2"]}


def test_a_loop_over_nothing_collects_nothing() -> None:
    played = loop([])
    assert played.launches["root/collect"].inputs.parameters == {"all": []}


def test_a_loop_respects_its_parallelism_limit() -> None:
    played = loop(list("abcdef"), limit=2)
    assert len(played.running) == 2
    played.finish(played.running[1].path)
    assert sorted(command.path for command in played.running) == [
        "root/for-loop-1/0/make",
        "root/for-loop-1/2/make",
    ]
    played.finish()
    assert len(played.launches) == 7


def test_iterations_without_the_output_have_no_entry_in_the_list() -> None:
    condition = "inputs.parameter_values['x'] != 'b'"
    body = dag(
        {"make": task("step", {"x": given("item")}, triggerPolicy={"condition": condition})},
        {"value": "make"},
    )
    played = loop(["a", "b", "c"], body=body)
    played.finish()
    assert played.record("root/for-loop-1/1/make").state == "SKIPPED"
    assert played.launches["root/collect"].inputs.parameters == {"all": ["made 0", "made 2"]}


def test_items_that_are_not_a_list_fail_the_loop() -> None:
    documents = spec(
        {
            "loop": task(
                "step",
                {"items": given("p")},
                parameterIterator={"itemInput": "x", "items": {"inputParameter": "items"}},
            )
        },
        {"step": STEP},
        inputs={"p": STRING},
    )
    played = play(documents, parameters={"p": "no list"})
    failure = played.record("root/loop").failure
    assert failure is not None
    assert "'items', are not a list" in failure.message


def test_nested_loops_collect_nested_lists() -> None:
    inner = task(
        "inner",
        parameterIterator={"itemInput": "x", "items": {"raw": "[1.0, 2.0]"}},
    )
    documents = spec(
        {
            "outer": task(
                "outer", parameterIterator={"itemInput": "o", "items": {"raw": '["a", "b"]'}}
            ),
            "collect": task("collect", {"all": output("outer")}),
        },
        {
            "outer": component(
                {"o": STRING}, NUMBERS, dag=dag({"inner": inner}, {"value": "inner"})
            ),
            "inner": component({"x": STRING}, VALUE),
            "collect": component({"all": {"parameterType": "LIST"}}),
        },
    )
    made = {f"root/outer/{i}/inner/{j}": {"value": f"{i}{j}"} for i in range(2) for j in range(2)}
    played = play(documents, made)
    collected = played.launches["root/collect"].inputs.parameters["all"]
    assert collected == [["00", "01"], ["10", "11"]]
    assert played.launches["root/outer/1/inner/1"].inputs.parameters == {"x": "2"}


def handled(failing: int, **more: Any) -> Any:
    """A body of two steps, the first of which may fail, and its exit task."""
    status = {"s": {"taskFinalStatus": {"producerTask": "exit-handler-1"}}}
    documents = spec(
        {
            "exit-handler-1": task("body"),
            "clean-up": task(
                "clean",
                status,
                after=["exit-handler-1"],
                triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
            ),
        },
        {
            "body": component(
                dag=dag({"first": task("step"), "second": task("step", after=["first"])})
            ),
            "clean": component({"s": {"parameterType": "TASK_FINAL_STATUS"}}),
            "step": STEP,
        },
    )
    return start(documents, {}, {"root/exit-handler-1/first": failing}, **more)


@pytest.mark.parametrize(("failing", "state"), [(0, "COMPLETE"), (1, "FAILED")])
def test_an_exit_task_gets_the_final_status_of_its_body(failing: int, state: str) -> None:
    played = handled(failing)
    played.finish()
    status = played.launches["root/clean-up"].inputs.parameters["s"]
    assert status["state"] == state
    assert status["pipelineTaskName"] == "exit-handler-1"
    assert ("oh no" in status["error"].get("message", "")) is bool(failing)
    assert played.record("root/clean-up").state == "SUCCEEDED"
    assert played.run.header.state == ("FAILED" if failing else "SUCCEEDED")


def test_the_runs_failure_names_the_step_that_failed() -> None:
    played = handled(1)
    played.finish()
    (failed,) = played.published("run.failed")
    assert failed.failure.message == "task 'exit-handler-1/first' failed: oh no"
    assert failed.failure.task_name == "first"


def test_an_exit_task_does_not_run_if_its_body_never_started() -> None:
    documents = spec(
        {
            "before": task("step"),
            "body": task("step", after=["before"]),
            "always": task(
                "step",
                after=["body"],
                triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
            ),
        },
        {"step": STEP},
    )
    played = play(documents, {}, {"root/before": 1})
    assert played.states() == {
        "root/before": "FAILED",
        "root/body": "SKIPPED",
        "root/always": "SKIPPED",
    }


@pytest.mark.parametrize(
    ("strategy", "other"), [("FAIL_FAST", "SKIPPED"), ("CONTINUE", "SUCCEEDED")]
)
def test_the_failure_strategy_decides_which_tasks_still_start(strategy: str, other: str) -> None:
    documents = spec(
        {"bad": task("step"), "good": task("step"), "after-good": task("step", after=["good"])},
        {"step": STEP},
    )
    played = start(documents, {}, {"root/bad": 1}, failure_strategy=strategy)
    played.finish("root/bad")
    played.finish()
    assert played.states() == {
        "root/bad": "FAILED",
        "root/good": "SUCCEEDED",
        "root/after-good": other,
    }
    assert played.run.header.state == "FAILED"


def test_an_importer_makes_its_artifact_without_an_attempt() -> None:
    importer = {
        "artifactUri": {"runtimeParameter": "uri"},
        "typeSchema": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
        "metadata": {"from": "{{$.inputs.parameters['uri']}}"},
    }
    documents = spec(
        {"make": task("step"), "importer": task("importer", {"uri": output("make")})},
        {
            "step": STEP,
            "importer": {
                "executorLabel": "exec-importer",
                "inputDefinitions": {"parameters": {"uri": STRING}},
                "outputDefinitions": {"artifacts": {"artifact": {"artifactType": {}}}},
            },
        },
    )
    documents[0]["deploymentSpec"]["executors"]["exec-importer"] = {"importer": importer}
    played = play(documents, {"root/make": {"value": "s3://elsewhere/data"}})
    (artifact,) = played.record("root/importer").outputs.artifacts["artifact"]
    assert artifact.uri == "s3://elsewhere/data"
    assert artifact.metadata == {"from": "s3://elsewhere/data"}
    assert artifact.type.schema_title == "system.Dataset"
    again = play(documents, {"root/make": {"value": "s3://elsewhere/data"}})
    assert again.record("root/importer").outputs == played.record("root/importer").outputs
