"""Interfaces: annotations, defaults, docstrings, return values."""

from typing import Dict, List, NamedTuple, Optional

from kfp import dsl
from kfp.dsl import (
    HTML,
    Artifact,
    ClassificationMetrics,
    Dataset,
    Input,
    InputPath,
    Markdown,
    Metrics,
    Model,
    Output,
    OutputPath,
    SlicedClassificationMetrics,
)

from tests.differential.pipelines import _foreign
from tests.differential.pipelines._foreign import ForeignModel

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def every_parameter(
    text: str,
    number: int,
    real: float,
    flag: bool,
    things: list,
    mapping: dict,
    texts: List[str],
    counts: Dict[str, int],
    nested: List[Dict[str, List[int]]],
    plain: list[str],
    plain_mapping: dict[str, int],
):
    pass


@dsl.component(base_image=IMAGE)
def every_default(
    text: str = "a 'text'",
    empty: str = "",
    number: int = 3,
    zero: int = 0,
    real: float = 0.5,
    whole: float = 2,
    flag: bool = False,
    things: list = [1, "a", 2.5, True, [1], {"b": 2}],
    nothing: list = [],
    mapping: dict = {"a": {"b": [1, 2]}, "c": 1.5},
    missing: Optional[str] = None,
    optional: Optional[int] = 5,
    none: str = None,
    typed: Optional[List[str]] = None,
):
    pass


@dsl.component(base_image=IMAGE)
def every_artifact(
    artifact: Input[Artifact],
    dataset: Input[Dataset],
    model: Input[Model],
    models: Input[List[Model]],
    bare: Dataset,
    bare_list: List[Dataset],
    path: InputPath("Dataset"),
    class_path: InputPath(Model),
    text_path: InputPath(str),
    custom_path: InputPath("Whatever"),
    maybe: Optional[Input[Dataset]] = None,
    maybe_list: Input[List[Artifact]] = None,
):
    pass


@dsl.component(base_image=IMAGE)
def every_output(
    artifact: Output[Artifact],
    dataset: Output[Dataset],
    model: Output[Model],
    metrics: Output[Metrics],
    classes: Output[ClassificationMetrics],
    slices: Output[SlicedClassificationMetrics],
    page: Output[HTML],
    text: Output[Markdown],
    path: OutputPath("Dataset"),
    class_path: OutputPath(Model),
    number: OutputPath(int),
    name: OutputPath("String"),
    untyped: OutputPath(),
) -> str:
    return "a"


@dsl.component(base_image=IMAGE)
def returns_an_artifact() -> Dataset:
    return Dataset(uri=dsl.get_uri(), metadata={})


@dsl.component(base_image=IMAGE)
def returns_a_list() -> List[int]:
    return [1]


@dsl.component(base_image=IMAGE)
def returns_a_mapping() -> Dict[str, float]:
    return {}


@dsl.component(base_image=IMAGE)
def returns_several() -> NamedTuple(
    "Outputs", [("text", str), ("number", int), ("data", Dataset), ("items", List[str])]
):
    return ("a", 1, Dataset(uri=""), [])


class Made(NamedTuple):
    real: float
    flag: bool


@dsl.component(base_image=IMAGE)
def returns_a_class(number: int, extra: Output[Model]) -> Made:
    return Made(0.5, True)


@dsl.component(base_image=IMAGE)
def returns_none(text: str) -> None:
    pass


@dsl.component(base_image=IMAGE)
def told_by_google(text: str, number: int = 1) -> NamedTuple(
    "Outputs", [("out", str), ("count", int)]
):
    """Does a thing.

    It does it in a way
    that takes two lines.

    Args:
        text: What is done.
        number (int): How often, which
            is explained in two lines.

    Returns:
        out: What came of it.
        count: How often it came.
    """
    return (text, number)


@dsl.component(base_image=IMAGE)
def told_by_rest(text: str, number: int = 1) -> str:
    """Does another thing.

    :param text: What is done.
    :param int number: How often.
    :returns: What came of it.
    """
    return text


@dsl.component(base_image=IMAGE)
def told_by_numpy(text: str, number: int = 1) -> str:
    """Does a third thing.

    Parameters
    ----------
    text : str
        What is done.
    number : int
        How often.

    Returns
    -------
    str
        What came of it.
    """
    return text


@dsl.component(base_image=IMAGE)
def told_briefly(text: str):
    """Only a line."""


@dsl.component(base_image=IMAGE)
def told_with_sections(text: str):
    """A line.
    A second line.

    Example:
        this is one

    Note: not a section.

    Args:
        text: With a colon: here.

    Raises:
        ValueError: when it is wrong.
    """


@dsl.component(base_image=IMAGE)
def told_of_artifacts(data: Input[Dataset], model: Output[Model], text: str = "a"):
    """Trains.

    Args:
        data: What it learns from.
        model: What it learned.
        missing: Not a parameter.
    """


@dsl.component(base_image=IMAGE)
def with_a_status(text: str, status: dsl.PipelineTaskFinalStatus):
    """Tells how it ended.

    Args:
        text: A text.
        status: How it ended.
    """


@dsl.component(base_image=IMAGE)
def with_a_config(config: dsl.TaskConfig, text: str = ""):
    pass


@dsl.component
def with_the_default_image(text: str):
    pass


@dsl.component(
    base_image=IMAGE, packages_to_install=["requests==2.32.0", 'numpy>=1; python_version<"3.13"']
)
def with_packages(text: str):
    pass


@dsl.component(base_image=IMAGE, packages_to_install=["kfp==2.17.3"])
def with_its_own_kfp(text: str):
    pass


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def without_kfp(text: str):
    pass


@dsl.component(base_image=IMAGE, install_kfp_package=False, packages_to_install=["six"])
def without_kfp_with_packages(text: str):
    pass


@dsl.component(
    base_image=IMAGE,
    packages_to_install=["six"],
    pip_index_urls=["https://a.example/simple", "https://b.example/simple"],
)
def with_indexes(text: str):
    pass


@dsl.component(
    base_image=IMAGE,
    packages_to_install=["six"],
    pip_index_urls=["https://a.example/simple"],
    pip_trusted_hosts=["a.example"],
)
def with_trusted_hosts(text: str):
    pass


@dsl.component(
    base_image=IMAGE,
    packages_to_install=["six"],
    pip_index_urls=["https://a.example"],
    pip_trusted_hosts=[],
)
def without_trusted_hosts(text: str):
    pass


@dsl.component(base_image=IMAGE, use_venv=True, packages_to_install=["six"])
def in_an_environment(text: str):
    pass


@dsl.component(base_image=IMAGE, use_venv=True)
def in_an_empty_environment(text: str):
    pass


@dsl.component(base_image=IMAGE, target_image="registry/image:1")
def in_an_image(text: str) -> str:
    return text


def helper(text: str) -> str:
    return text.upper()


@dsl.component(base_image=IMAGE, additional_funcs=[helper])
def with_a_helper(text: str) -> str:
    return helper(text)


@dsl.pipeline
def of_a_pipeline(
    text: str,
    number: int = 1,
    real: float = 0.5,
    flag: bool = True,
    things: List[int] = [1, 2],
    mapping: Dict[str, int] = {"a": 1},
    missing: Optional[str] = None,
) -> str:
    """A pipeline.

    With more to say.

    Args:
        text: What it says.
        number: How often.

    Returns:
        Output: What it said.
    """
    return in_an_image(text=text).output


@dsl.pipeline
def of_a_pipeline_with_artifacts(data: Input[Dataset], models: Input[List[Model]]) -> Dataset:
    every = returns_an_artifact()
    told_of_artifacts(data=data)
    return every.output


@dsl.pipeline
def of_a_pipeline_with_several() -> NamedTuple("Outputs", [("one", str), ("two", Dataset)]):
    outputs = NamedTuple("Outputs", [("one", str), ("two", Dataset)])
    return outputs(in_an_image(text="a").output, returns_an_artifact().output)


@dsl.pipeline
def of_constants():
    every_default(
        text="other",
        number=4,
        real=1.0,
        flag=True,
        things=[],
        mapping={},
        typed=["a"],
        nothing=[[]],
    )
    every_default(real=0.25, mapping={"a": [1, {"b": 2.0}]}, things=[True, 1, "x"])


class VertexModel(Artifact):
    schema_title = "google.VertexModel"
    schema_version = "0.0.2"


@dsl.container_component
def with_a_foreign_artifact(model: Input[VertexModel], other: Output[VertexModel]):
    return dsl.ContainerSpec(image="alpine", args=[model.uri, other.path])


@dsl.pipeline
def with_an_imported_foreign_artifact():
    found = dsl.importer(
        artifact_uri="gs://a/b", artifact_class=VertexModel, metadata={"a": [1, None, "b"]}
    )
    with_a_foreign_artifact(model=found.output)


@dsl.component(base_image=IMAGE)
def takes_foreign_artifacts(
    model: Input[_foreign.ForeignModel], data: Output[_foreign.ForeignData]
):
    pass


@dsl.component(base_image=IMAGE)
def takes_bare_foreign_artifacts(model: Input[ForeignModel], text: str = "a") -> List[str]:
    return []


@dsl.component(base_image=IMAGE)
def returns_a_foreign_artifact() -> _foreign.ForeignModel:
    return _foreign.ForeignModel(uri="")


@dsl.component(base_image=IMAGE)
def returns_foreign_artifacts(text: str) -> NamedTuple(
    "Outputs", [("model", ForeignModel), ("data", _foreign.ForeignData), ("text", str)]
):
    return (None, None, text)
