"""Container components: placeholders in commands."""

from typing import List, Optional

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output, OutputPath


@dsl.container_component
def plain():
    return dsl.ContainerSpec(image="alpine")


@dsl.container_component
def with_a_command(text: str, number: int = 1):
    """Says it.

    Args:
        text: What is said.
    """
    return dsl.ContainerSpec(image="alpine", command=["echo"], args=[text, number, f"--n={number}"])


@dsl.container_component
def with_artifacts(
    data: Input[Dataset],
    model: Output[Model],
    out: OutputPath(str),
    several: Input[List[Artifact]],
):
    return dsl.ContainerSpec(
        image="alpine",
        command=["run", data.path, data.uri, model.path, model.uri, f"--data={data.uri}"],
        args=[
            out,
            several,
            data.metadata,
            data.metadata["key"],
            model.metadata["other"],
        ],
    )


@dsl.container_component
def with_structures(
    text: str, data: Input[Dataset], model: Output[Model], maybe: Optional[str] = None
):
    return dsl.ContainerSpec(
        image="alpine",
        command=[
            "run",
            dsl.ConcatPlaceholder(["--text=", text, "/", data.uri]),
            dsl.IfPresentPlaceholder(input_name="maybe", then=["--maybe", maybe], else_=["--none"]),
            dsl.IfPresentPlaceholder("maybe", then=maybe),
            dsl.IfPresentPlaceholder(
                input_name="maybe",
                then=dsl.ConcatPlaceholder(["a", maybe]),
                else_=dsl.ConcatPlaceholder(["b", dsl.IfPresentPlaceholder("text", text, "c")]),
            ),
        ],
        args=[
            dsl.ConcatPlaceholder(
                [
                    "x",
                    dsl.ConcatPlaceholder(
                        [model.path, dsl.IfPresentPlaceholder("maybe", then="y", else_="z")]
                    ),
                ]
            ),
            dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )


@dsl.container_component
def with_every_parameter(
    number: int,
    real: float,
    flag: bool,
    things: list,
    parts: dict,
    status: dsl.PipelineTaskFinalStatus,
):
    return dsl.ContainerSpec(image="alpine", args=[number, real, flag, things, parts, status])


@dsl.container_component
def annotated(text: str) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image="alpine", args=[text])


@dsl.pipeline
def containers(data: Input[Dataset], several: Input[List[Artifact]]):
    plain()
    with_a_command(text="a")
    made = with_artifacts(data=data, several=several)
    with_a_command(text=made.outputs["out"], number=2)
    with_structures(text="a", data=data)
    with_structures(text="a", data=data, maybe="b").set_env_variable("A", "b")
