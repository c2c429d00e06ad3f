"""Definitions of components that both SDKs reject."""

from typing import List, Optional

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from tests.differential.pipelines._foreign import ForeignModel
from tests.differential.pipelines.rejected._rejections import Rejections
from tests.differential.pipelines.rejected._steps import IMAGE

REJECTED = Rejections()


@REJECTED.definition("text")
def a_parameter_without_an_annotation():
    @dsl.component(base_image=IMAGE)
    def wrong(text):
        pass


@REJECTED.definition("tuple")
def an_annotation_that_is_no_type():
    @dsl.component(base_image=IMAGE)
    def wrong(things: tuple):
        pass


@REJECTED.definition("Output")
def a_parameter_called_output():
    @dsl.component(base_image=IMAGE)
    def wrong(Output: str):
        pass


@REJECTED.definition("str | None")
def a_union_of_the_new_kind():
    @dsl.component(base_image=IMAGE)
    def wrong(text: str | None):
        pass


@REJECTED.definition("None")
def an_artifact_with_a_default():
    @dsl.component(base_image=IMAGE)
    def wrong(data: Input[Dataset] = "x"):
        pass


@REJECTED.definition("data")
def an_output_list_of_artifacts():
    @dsl.component(base_image=IMAGE)
    def wrong(data: Output[List[Dataset]]):
        pass


@REJECTED.definition("but not an output, also with")
def an_output_that_may_be_missing():
    @dsl.component(base_image=IMAGE)
    def wrong() -> Optional[str]:
        return None


@REJECTED.definition("tuple")
def an_output_that_is_no_type():
    @dsl.component(base_image=IMAGE)
    def wrong() -> tuple:
        pass


@REJECTED.definition("system")
def an_artifact_of_another_namespace():
    class Mine(Artifact):
        schema_title = "mine.Thing"

    @dsl.container_component
    def wrong(thing: Input[Mine]):
        return dsl.ContainerSpec(image="alpine")


@REJECTED.definition("Input/Output")
def a_bare_artifact_of_a_container():
    @dsl.container_component
    def wrong(data: Dataset):
        return dsl.ContainerSpec(image="alpine")


@REJECTED.definition("ContainerSpec")
def a_container_that_returns_a_type():
    @dsl.container_component
    def wrong(text: str) -> str:
        return dsl.ContainerSpec(image="alpine")


@REJECTED.definition(".uri")
def an_artifact_as_a_whole_in_a_command():
    @dsl.container_component
    def wrong(data: Input[Dataset]):
        return dsl.ContainerSpec(image="alpine", args=[data])


@REJECTED.definition("'name' of 'data'")
def an_attribute_that_an_artifact_has_not():
    @dsl.container_component
    def wrong(data: Input[Dataset]):
        return dsl.ContainerSpec(image="alpine", args=[data.name])


@REJECTED.definition("'data' is a list of artifacts")
def a_part_of_a_list_in_a_command():
    @dsl.container_component
    def wrong(data: Input[List[Dataset]]):
        return dsl.ContainerSpec(image="alpine", args=[data.path])


@REJECTED.definition("its element 0")
def an_element_of_a_list_in_a_command():
    @dsl.container_component
    def wrong(data: Input[List[Dataset]]):
        return dsl.ContainerSpec(image="alpine", args=[data[0]])


@REJECTED.definition("missing")
def a_placeholder_of_no_input():
    @dsl.container_component
    def wrong(text: str):
        return dsl.ContainerSpec(image="alpine", args=[dsl.IfPresentPlaceholder("missing", "a")])


@REJECTED.definition("5")
def a_number_in_a_command():
    @dsl.container_component
    def wrong(text: str):
        return dsl.ContainerSpec(image="alpine", args=[5])


@REJECTED.definition("list")
def a_list_in_a_concatenation():
    dsl.ConcatPlaceholder(["a", dsl.IfPresentPlaceholder("x", ["a"], ["b"])])


@REJECTED.definition("ConcatPlaceholder")
def a_concatenation_in_a_text():
    str(dsl.ConcatPlaceholder(["a"]))


@REJECTED.definition("missing")
def an_embedded_file_that_is_missing():
    @dsl.component(base_image=IMAGE, embedded_artifact_path="/missing/file")
    def wrong(data: dsl.EmbeddedInput[Dataset]):
        pass


@REJECTED.definition("missing")
def a_notebook_that_is_missing():
    @dsl.notebook_component(base_image=IMAGE, notebook_path="/missing/notebook.ipynb")
    def wrong():
        dsl.run_notebook()


@REJECTED.definition("alias")
def a_foreign_artifact_by_another_name():
    Renamed = ForeignModel

    @dsl.component(base_image=IMAGE)
    def wrong(model: Input[Renamed]):
        pass


@REJECTED.definition("text")
def a_lambda_as_a_component():
    dsl.component(base_image=IMAGE)(lambda text: text)
