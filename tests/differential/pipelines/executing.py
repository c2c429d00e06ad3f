"""What a component's function can receive and return, shown by its results when it is executed."""

from typing import Any, Dict, List, NamedTuple, Optional

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
)

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def tell_parameters(
    text: str,
    number: int,
    real: float,
    whole: float,
    flag: bool,
    things: list,
    mapping: dict,
    nested: List[Dict[str, List[int]]],
    missing: Optional[str] = None,
    optional: Optional[int] = 5,
    defaulted: str = "a default",
) -> str:
    given = [text, number, real, whole, flag, things, mapping, nested, missing, optional, defaulted]
    return repr([(type(each).__name__, each) for each in given])


@dsl.component(base_image=IMAGE)
def give_parameters() -> NamedTuple(
    "Given",
    [
        ("text", str),
        ("empty", str),
        ("number", int),
        ("large", int),
        ("real", float),
        ("whole", float),
        ("flag", bool),
        ("things", list),
        ("mapping", dict),
        ("typed", Dict[str, List[float]]),
    ],
):
    things = [None, True, 1, 2.0, "ü\n\"'", [], {}]
    return (
        "ü 😀 'a' \"b\"\n",
        "",
        -3,
        2**53,
        1e-7,
        2,
        False,
        things,
        {"": {"a": [1]}},
        {"a": [1.0]},
    )


@dsl.pipeline
def parameters() -> str:
    made = give_parameters()
    told = tell_parameters(
        text=made.outputs["text"],
        number=made.outputs["large"],
        real=made.outputs["real"],
        whole=made.outputs["whole"],
        flag=made.outputs["flag"],
        things=made.outputs["things"],
        mapping=made.outputs["mapping"],
        nested=[{"a": [1, 2]}, {}],
    )
    tell_parameters(
        text=made.outputs["empty"],
        number=-1,
        real=1e300,
        whole=3.0,
        flag=True,
        things=[],
        mapping={},
        nested=[],
        missing="not missing",
        optional=0,
        defaulted="",
    )
    return told.output


@dsl.component(base_image=IMAGE)
def give_paths(
    text: OutputPath(str),
    number: OutputPath(int),
    real: OutputPath(float),
    flag: OutputPath(bool),
    things: OutputPath(list),
    mapping: OutputPath(dict),
    data: OutputPath("Dataset"),
    model: OutputPath(Model),
):
    for path, said in (
        (text, "a text\n"),
        (number, "3"),
        (real, "0.5"),
        (flag, "true"),
        (things, "[1, 2.5]"),
        (mapping, '{"a": null}'),
        (data, "rows"),
        (model, "weights"),
    ):
        with open(path, "w") as file:
            file.write(said)


@dsl.component(base_image=IMAGE)
def tell_paths(data: InputPath("Dataset"), model: InputPath(Model), text: str, flag: bool) -> str:
    return repr([open(data).read(), open(model).read(), text, flag])


@dsl.pipeline
def paths() -> str:
    made = give_paths()
    return tell_paths(
        data=made.outputs["data"],
        model=made.outputs["model"],
        text=made.outputs["text"],
        flag=made.outputs["flag"],
    ).output


@dsl.component(base_image=IMAGE)
def give_artifacts(
    artifact: Output[Artifact],
    data: Output[Dataset],
    model: Output[Model],
    metrics: Output[Metrics],
    classes: Output[ClassificationMetrics],
    page: Output[HTML],
    note: Output[Markdown],
    unwritten: Output[Dataset],
    folder: Output[Dataset],
):
    import os

    for each, said in ((artifact, "any"), (data, "rows ü"), (page, "<b>"), (note, "# a")):
        with open(each.path, "w") as file:
            file.write(said)
    with open(model.path, "wb") as file:
        file.write(bytes(range(8)))
    model.framework = "none"
    data.metadata["rows"] = 3
    data.metadata.update({"real": 2.0, "list": [1, {"a": None}], "flag": True, "text": "ü"})
    data.name = "renamed"
    metrics.log_metric("accuracy", 0.75)
    metrics.log_metric("count", 3)
    classes.log_roc_curve([0.0, 1.0], [0.0, 1.0], [0.9, 0.1])
    classes.log_confusion_matrix(["a", "b"], [[3, 1], [0, 4]])
    classes.log_confusion_matrix_cell("a", "b", 2)
    os.makedirs(os.path.join(folder.path, "inner"))
    with open(os.path.join(folder.path, "inner", "file"), "w") as file:
        file.write("within")


@dsl.component(base_image=IMAGE)
def tell_artifacts(
    artifact: Input[Artifact],
    data: Input[Dataset],
    bare: Model,
    metrics: Input[Metrics],
    classes: Input[ClassificationMetrics],
    folder: Input[Artifact],
    many: Input[List[Artifact]],
    bare_many: List[Dataset],
    maybe: Optional[Input[Dataset]] = None,
) -> list:
    import os

    found = [open(artifact.path).read(), open(data.path).read(), open(bare.path, "rb").read().hex()]
    found += [type(each).__name__ for each in (artifact, data, bare, metrics, classes, *many)]
    found += [data.name, data.metadata, bare.framework, bare.metadata, metrics.metadata]
    found += [classes.metadata, sorted(os.listdir(os.path.join(folder.path, "inner"))), repr(maybe)]
    found += [[open(each.path).read() for each in many], [each.metadata for each in bare_many]]
    return found


@dsl.component(base_image=IMAGE)
def number(n: int, data: Output[Dataset]):
    with open(data.path, "w") as file:
        file.write(str(n))
    data.metadata["n"] = n


@dsl.pipeline
def artifacts() -> list:
    made = give_artifacts().outputs
    with dsl.ParallelFor([3, 4]) as n:
        each = number(n=n)
    return tell_artifacts(
        artifact=made["artifact"],
        data=made["data"],
        bare=made["model"],
        metrics=made["metrics"],
        classes=made["classes"],
        folder=made["folder"],
        many=dsl.Collected(each.outputs["data"]),
        bare_many=dsl.Collected(each.outputs["data"]),
    ).output


@dsl.component(base_image=IMAGE)
def return_an_artifact(text: str) -> Dataset:
    made = Dataset(name="made", uri=dsl.get_uri(), metadata={"text": text})
    with open(made.path, "w") as file:
        file.write(text)
    return made


@dsl.component(base_image=IMAGE)
def return_what_is_written() -> Dataset:
    return {"a": [1, 2]}


@dsl.component(base_image=IMAGE)
def return_several() -> NamedTuple("Several", [("text", str), ("data", Dataset), ("model", Model)]):
    from collections import namedtuple

    data = Dataset(uri=dsl.get_uri("data"))
    with open(data.path, "w") as file:
        file.write("rows")
    return namedtuple("Several", ["text", "data", "model"])("a", data, "weights")


@dsl.component(base_image=IMAGE)
def read_each(first: Input[Dataset], second: Input[Artifact], third: Input[Model]) -> str:
    return repr([(open(each.path).read(), each.metadata) for each in (first, second, third)])


@dsl.pipeline
def returned_artifacts() -> str:
    several = return_several().outputs
    returned = return_an_artifact(text="ü")
    read_each(first=several["data"], second=return_what_is_written().output, third=several["model"])
    return read_each(first=returned.output, second=several["data"], third=several["model"]).output


@dsl.component(base_image=IMAGE)
def where_it_runs(data: Output[Dataset]) -> NamedTuple("Seen", [("facts", dict)]):
    import os
    import sys

    facts = {
        "arguments": len(sys.argv),
        "environment": os.environ.get("GIVEN", ""),
        "home is the working folder": os.path.realpath(os.environ["HOME"]) == os.getcwd(),
        "name": __name__,
        "working folder": os.listdir("."),
        "parent of an output": os.path.isdir(os.path.dirname(data.path)),
        "output": os.path.exists(data.path),
    }
    return (facts,)


@dsl.pipeline
def surroundings():
    where_it_runs().set_env_variable("GIVEN", "here")


@dsl.component(base_image=IMAGE)
def names_of_steps() -> str:
    made = dsl.Model(name="a", uri="gs://bucket/model", metadata={"framework": "f"})
    other = Dataset(uri="/minio/bucket/data")
    other.path = "/s3/bucket/data"
    typed: Dict[str, List[Any]] = {"a": [Optional]}
    return repr([made.path, made.framework, other.uri, other.path, len(typed)])


@dsl.pipeline
def names():
    names_of_steps()


@dsl.component(base_image=IMAGE)
def first_or_default(data: InputPath("Dataset") = None, text: InputPath(str) = "no path") -> str:
    return repr([data, text])


@dsl.component(base_image=IMAGE)
def state_of_all(status: dsl.PipelineTaskFinalStatus, word: str = "ended") -> list:
    return [word, status.state, status.pipeline_task_name, bool(status.pipeline_job_resource_name)]


@dsl.component(base_image=IMAGE)
def fail_as_asked(reason: str):
    print("last words")
    raise ValueError(f"as asked: {reason}")


@dsl.pipeline
def final_status_of_a_success():
    with dsl.ExitHandler(state_of_all()):
        names_of_steps()


@dsl.pipeline
def final_status_of_a_failure():
    with dsl.ExitHandler(state_of_all(word="failed")):
        fail_as_asked(reason="now")


@dsl.pipeline
def final_status_of_what_is_ignored():
    failing = fail_as_asked(reason="ignored")
    state_of_all(word="ignored").after(failing).ignore_upstream_failure()


@dsl.component(base_image=IMAGE)
def prepare(rows: int, seed: float, data: Output[Dataset], note: OutputPath(str)) -> List[int]:
    import logging

    with open(data.path, "w") as file:
        file.write("\n".join(str(n * seed) for n in range(rows)))
    data.metadata["rows"] = rows
    with open(note, "w") as file:
        file.write("prepared ü")
    print("prepared", rows)
    logging.info("logged")
    return list(range(rows))


@dsl.component(base_image=IMAGE)
def train(
    data: Input[Dataset],
    numbers: List[int],
    model: Output[Model],
    metrics: Output[Metrics],
    settings: Optional[Dict[str, float]] = None,
) -> NamedTuple("Trained", [("loss", float), ("names", Dict[str, int]), ("good", bool)]):
    with open(model.path, "w") as file:
        file.write(open(data.path).read().upper())
    model.metadata["settings"] = settings or {"default": 1.5}
    metrics.log_metric("loss", 0.25)
    return (0.25, {"rows": data.metadata["rows"], "sum": sum(numbers)}, True)


@dsl.component(base_image=IMAGE)
def total(squares: Input[List[Dataset]], model: InputPath("Model"), note: str) -> int:
    print(note, open(model).read().split())
    return sum(int(open(square.path).read()) for square in squares)


@dsl.pipeline
def everything(rows: int = 3, seed: float = 2.5, reason: str = ""):
    with dsl.ExitHandler(state_of_all(word="ended")):
        made = prepare(rows=rows, seed=seed)
        trained = train(data=made.outputs["data"], numbers=made.outputs["Output"])
        with dsl.ParallelFor([1, 2, 3]) as n:
            each = number(n=n)
        with dsl.If(reason != ""):
            fail_as_asked(reason=reason)
        total(
            squares=dsl.Collected(each.outputs["data"]),
            model=trained.outputs["model"],
            note=made.outputs["note"],
        )
