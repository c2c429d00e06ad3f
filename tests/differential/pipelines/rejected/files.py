"""Packages, component files and compiler arguments that both SDKs reject."""

from kfp import compiler, components

from tests.differential.pipelines.rejected._rejections import Rejections
from tests.differential.pipelines.rejected._steps import small

REJECTED = Rejections()


@REJECTED.definition("yaml")
def a_file_of_another_kind():
    compiler.Compiler().compile(small, "small.txt")


@REJECTED.definition("function")
def a_function_that_is_no_pipeline():
    compiler.Compiler().compile(lambda: None, "small.yaml")


@REJECTED.definition("other")
def a_default_of_no_input():
    compiler.Compiler().compile(small, "small.yaml", pipeline_parameters={"other": 1})


@REJECTED.definition("two YAML documents")
def a_component_of_three_documents():
    components.load_component_from_text("a: 1\n---\nb: 2\n---\nc: 3\n")


@REJECTED.definition("pipelineInfo")
def a_component_that_is_none():
    components.load_component_from_text("a: 1\n")


@REJECTED.definition("url")
def a_component_at_no_address():
    components.load_component_from_url(None)


@REJECTED.definition("nothing")
def a_version_1_component_with_a_wrong_placeholder():
    components.load_component_from_text(
        "implementation: {container: {image: a, args: [{inputValue: nothing}]}}"
    )


@REJECTED.definition("Container implementation")
def a_version_1_component_that_is_a_graph():
    components.load_component_from_text("implementation: {graph: {tasks: {}}}")
