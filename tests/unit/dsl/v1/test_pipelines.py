"""Pipelines with plain parameters: their types, texts with them, and settings of all ops."""

import subprocess
import sys
import tempfile
from typing import Any

import pytest
from headrace import dsl, gcp
from headrace.v1.refused import NotInIRError

from tests.unit.dsl.v1.compiled import Compiled, load, op


def test_parameters_have_the_types_of_their_defaults() -> None:
    def pipeline(needed, text="a", number=200, part=0.5, on=True, many=(1,), none=None):  # type: ignore[no-untyped-def]
        op()

    pipeline.__defaults__ = ("a", 200, 0.5, True, [1, 2], None)
    found = Compiled(pipeline, name="Some Name", description="Words.")
    assert found.ir["pipelineInfo"] == {
        "name": "some-name",
        "displayName": "Some Name",
        "description": "Words.",
    }
    assert found.root["inputDefinitions"]["parameters"] == {
        "needed": {"parameterType": "STRING"},
        "text": {"parameterType": "STRING", "isOptional": True, "defaultValue": "a"},
        "number": {"parameterType": "NUMBER_INTEGER", "isOptional": True, "defaultValue": 200.0},
        "part": {"parameterType": "NUMBER_DOUBLE", "isOptional": True, "defaultValue": 0.5},
        "on": {"parameterType": "BOOLEAN", "isOptional": True, "defaultValue": True},
        "many": {"parameterType": "LIST", "isOptional": True, "defaultValue": [1.0, 2.0]},
        "none": {"parameterType": "STRING", "isOptional": True},
    }


def test_the_name_as_positional_argument() -> None:
    @dsl.pipeline("Some Name")
    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        op()

    assert pipeline.pipeline_spec["pipelineInfo"]["name"] == "some-name"


@pytest.mark.parametrize(
    "text_of",
    [
        lambda parameter: f"gs://{parameter}/data",
        lambda parameter: "gs://%s/data" % parameter,  # noqa: UP031 as version 1 is written
        lambda parameter: "gs://{}/data".format(parameter),  # noqa: UP032
        lambda parameter: "gs://" + str(parameter) + "/data",
    ],
)
def test_a_parameter_in_a_string(text_of: Any) -> None:
    component = load("{name: Where, type: GCSPath}", container="args: [{inputValue: Where}]")

    def pipeline(bucket="b"):  # type: ignore[no-untyped-def]
        component(text_of(bucket))
        op(command=["copy", text_of(bucket)])

    found = Compiled(pipeline)
    assert found.tasks["some-component"]["inputs"]["parameters"] == {
        "where": {
            "runtimeValue": {
                "constant": "gs://{{$.inputs.parameters['pipelinechannel--bucket']}}/data"
            }
        },
        "pipelinechannel--bucket": {"componentInputParameter": "bucket"},
    }
    assert found.tasks["step"]["inputs"]["parameters"] == {
        "bucket": {"componentInputParameter": "bucket"}
    }
    assert found.words("step") == ["copy", "gs://{{$.inputs.parameters['bucket']}}/data"]


def test_the_runs_id() -> None:
    def pipeline(where="x-%s" % dsl.RUN_ID_PLACEHOLDER):  # type: ignore[no-untyped-def]  # noqa: UP031
        op(command=["echo", dsl.RUN_ID_PLACEHOLDER, "{{workflow.uid}}"])

    found = Compiled(pipeline)
    parameters = found.root["inputDefinitions"]["parameters"]
    assert parameters["where"]["defaultValue"] == "x-[[RunUUID]]"
    assert found.words("step") == ["echo", *["{{$.inputs.parameters['pipeline_job_uuid']}}"] * 2]
    assert found.tasks["step"]["inputs"]["parameters"] == {
        "pipeline_job_uuid": {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}}
    }


def test_the_tasks_id_is_not_allowed_in_a_default() -> None:
    def pipeline(where=dsl.EXECUTION_ID_PLACEHOLDER):  # type: ignore[no-untyped-def]
        op()

    with pytest.raises(NotInIRError, match=r"only dsl\.RUN_ID_PLACEHOLDER"):
        Compiled(pipeline)


def test_the_exit_op() -> None:
    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        with dsl.ExitHandler(exit_op=op("last", command=["echo", text])):
            op("first").after(op("zeroth"))

    found = Compiled(pipeline)
    assert found.tasks["last"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert found.tasks["last"]["dependentTasks"] == ["exit-handler-1"]
    inner = found.component("exit-handler-1")["dag"]["tasks"]
    assert inner["first"]["dependentTasks"] == ["zeroth"]


@pytest.mark.parametrize("both", [True, False])
def test_an_exit_handler_has_one_exit_task(both: bool) -> None:
    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        dsl.ExitHandler(op("a") if both else None, exit_op=op("b") if both else None)

    with pytest.raises(TypeError, match="one exit task"):
        Compiled(pipeline)


def test_loops() -> None:
    def pipeline(items=[1, 2]):  # type: ignore[no-untyped-def]  # noqa: B006 as version 1 is written
        made = op("make", command=["sh", "-c", "echo [] > /o"], file_outputs={"o": "/o"})
        with dsl.ParallelFor(items) as item:
            op("a", command=["echo", item])
        with dsl.ParallelFor([{"x": 1}, {"x": 2}]) as item:
            op("b", command=["echo", item.x])
        with dsl.ParallelFor(made.output) as item:
            op("c", command=["echo", f"<{item}>"])

    found = Compiled(pipeline)
    assert found.component("make")["outputDefinitions"]["parameters"] == {
        "o": {"parameterType": "LIST"}
    }
    loops = [task["parameterIterator"]["items"] for task in found.tasks.values() if len(task) > 3]
    assert {"inputParameter": "pipelinechannel--make-o"} in loops
    assert found.words("c") == ["echo", "<{{$.inputs.parameters['make_o_loop_item']}}>"]
    assert found.words("b")[1].startswith("{{$.inputs.parameters['loop_item_param")


@pytest.mark.parametrize(
    ("compare", "condition", "kind"),
    [
        (lambda o: o == "heads", "{} == 'heads'", "STRING"),
        (lambda o: o > 5, "{} > double(5)", "NUMBER_DOUBLE"),
        (lambda o: o <= 0.5, "{} <= 0.5", "NUMBER_DOUBLE"),
    ],
)
def test_conditions(compare: Any, condition: str, kind: str) -> None:
    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        made = op("make", command=["sh", "-c", "run > /o"], file_outputs={"o": "/o"})
        with dsl.Condition(compare(made.output), "why"):
            op("then")

    found = Compiled(pipeline)
    assert found.component("make")["outputDefinitions"]["parameters"]["o"] == {
        "parameterType": kind
    }
    value = "inputs.parameter_values['pipelinechannel--make-o']"
    task = found.tasks["condition-1"]
    assert task["triggerPolicy"]["condition"] == condition.format(value)
    assert task["taskInfo"] == {"name": "why"}


@pytest.mark.parametrize(
    ("compare", "condition"),
    [
        (lambda number, on: number == "200", "int({}number']) == 200"),
        (lambda number, on: "200" != number, "int({}number']) != 200"),  # noqa: SIM300
        (lambda number, on: on == "True", "{}on'] == true"),
        (lambda number, on: number > 1.5, "double(int({}number'])) > 1.5"),
    ],
)
def test_numbers_compared_with_texts(compare: Any, condition: str) -> None:
    def pipeline(number=200, on=True):  # type: ignore[no-untyped-def]
        with dsl.Condition(compare(number, on)):
            op()

    found = Compiled(pipeline).tasks["condition-1"]["triggerPolicy"]["condition"]
    assert found == condition.format("inputs.parameter_values['pipelinechannel--")


def test_a_number_compared_with_a_string_that_is_not_a_number() -> None:
    def pipeline(number=200):  # type: ignore[no-untyped-def]
        with dsl.Condition(number == "many"):
            op()

    with pytest.raises(ValueError, match="compared with the text 'many'"):
        Compiled(pipeline)


def test_version_1_is_imported_only_when_used() -> None:
    code = """
import sys
from headrace import dsl
@dsl.component
def one() -> int:
    return 1
@dsl.pipeline
def two() -> int:
    return one().output
assert sorted(name for name in sys.modules if "v1" in name) == ["headrace.v1", "headrace.v1.hook"]
"""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(code)
        file.flush()
        subprocess.run([sys.executable, file.name], check=True)


def test_transformers_and_settings_of_all_ops() -> None:
    seen = []

    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        with dsl.ExitHandler(exit_op=op("last")):
            op("first").add_node_selector_constraint("disk", "ssd")
        dsl.VolumeOp("claim", "data", "1Gi")
        conf = dsl.get_pipeline_conf()
        conf.add_op_transformer(lambda each: seen.append(each.name))
        conf.add_op_transformer(gcp.use_gcp_secret("user-gcp-sa"))
        conf.set_image_pull_secrets([{"name": "registry"}, "other"])
        conf.set_timeout(60).set_ttl_seconds_after_finished(7)
        conf.set_default_pod_node_selector("disk", "hdd").set_image_pull_policy("Always")

    found = Compiled(pipeline)
    assert seen == ["last", "first"]
    for name, disk in (("first", "ssd"), ("last", "hdd")):
        settings = found.settings(name)
        assert settings["nodeSelector"] == {"labels": {"disk": disk}}
        assert settings["imagePullPolicy"] == "Always"
        assert [each["secretName"] for each in settings["imagePullSecret"]] == ["registry", "other"]
        (secret,) = settings["secretAsVolume"]
        assert secret["secretName"] == "user-gcp-sa"
        assert (secret["mountPath"], secret["optional"]) == ("/secret/gcp-credentials", True)
        assert found.container(name)["env"] == [
            {"name": variable, "value": "/secret/gcp-credentials/user-gcp-sa.json"}
            for variable in (
                "GOOGLE_APPLICATION_CREDENTIALS",
                "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
            )
        ]
    assert found.pipeline.platform_spec["platforms"]["kubernetes"]["pipelineConfig"] == {
        "activeDeadlineSeconds": 60,
        "resourceTtlOnCompletion": 7,
    }


def test_a_transformer_must_not_replace_an_op() -> None:
    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        other = op("other")
        op("one")
        dsl.get_pipeline_conf().add_op_transformer(lambda _: other)

    with pytest.raises(ValueError, match="another op than 'one'"):
        Compiled(pipeline)


def test_ops_need_a_pipeline() -> None:
    for wrong in (op, dsl.get_pipeline_conf, lambda: dsl.VolumeOp("a", "b", "1Gi")):
        with pytest.raises(RuntimeError, match="needs a pipeline"):
            wrong()


def test_tasks_of_version_2_together_with_ops() -> None:
    @dsl.component
    def double(number: int) -> int:
        return 2 * number

    def pipeline(number=3):  # type: ignore[no-untyped-def]
        made = double(number=number)
        op(command=["echo", made.output])
        again = load("", "{name: N, type: Integer}", "command: [run, {outputPath: N}]")()
        double(number=again.output)
        dsl.get_pipeline_conf().add_op_transformer(gcp.use_gcp_secret())

    found = Compiled(pipeline)
    assert found.words("step") == ["echo", "{{$.inputs.parameters['double_output']}}"]
    assert found.settings("double")["secretAsVolume"]
    assert found.tasks["double-2"]["inputs"]["parameters"]["number"] == {
        "taskOutputParameter": {"producerTask": "some-component", "outputParameterKey": "n"}
    }
