"""Compiled pipelines, besides the comparison with kfp in `tests/differential`."""

import json
from pathlib import Path

import yaml
from headrace import compiler, components, dsl

from tests.differential.soundness import faults


@dsl.component(base_image="python:3.11")
def say(text: str = "a") -> str:
    """Says it."""
    return text


@dsl.component(base_image="python:3.11")
def count(number: int) -> int:
    return number


def test_branches_without_an_else_end_with_their_outer_group() -> None:
    @dsl.pipeline
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b"]) as item:
            with dsl.If(item == "a"):
                say()
            with dsl.Elif(item == "b"):
                say()
        with dsl.ParallelFor([1, 2]) as number:
            count(number=number)
        say(text="after")

    tasks = pipeline.pipeline_spec["root"]["dag"]["tasks"]
    assert list(tasks) == ["for-loop-2", "for-loop-7", "say-3"]
    assert not faults(pipeline.pipeline_spec)


def test_a_component_is_reused_unchanged() -> None:
    @dsl.pipeline
    def inner() -> None:
        say().set_cpu_limit("1").set_env_variable("A", "b")

    before = json.dumps(inner.pipeline_spec)

    @dsl.pipeline
    def outer() -> None:
        inner()
        inner()
        say().set_container_image("other")

    assert json.dumps(inner.pipeline_spec) == before
    assert say.component_spec.container is not None
    assert say.component_spec.container.image == "python:3.11"
    assert not faults(outer.pipeline_spec)


def test_a_quote_in_a_condition_is_escaped() -> None:
    @dsl.pipeline
    def pipeline() -> None:
        with dsl.If(say().output == "it's"):
            say()

    task = pipeline.pipeline_spec["root"]["dag"]["tasks"]["condition-1"]
    assert task["triggerPolicy"]["condition"].endswith("== 'it\\'s'")


def test_a_multiline_default_stays_in_the_header_comment(tmp_path: Path) -> None:
    pipeline = components.load_component_from_text(
        '{name: a, inputs: [{name: text, type: String, default: "a\\n\\tb: c"}],'
        " implementation: {container: {image: alpine}}}"
    )
    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    parameter = yaml.safe_load(path.read_text())["root"]["inputDefinitions"]["parameters"]["text"]
    assert parameter["defaultValue"] == "a\n\tb: c"
