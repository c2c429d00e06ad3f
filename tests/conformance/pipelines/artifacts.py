"""Artifacts."""

from pathlib import Path
from typing import List, NamedTuple, Optional

from kfp import dsl
from kfp.dsl import (
    HTML,
    Artifact,
    ClassificationMetrics,
    Dataset,
    Input,
    Markdown,
    Metrics,
    Model,
    Output,
)

from tests.conformance.cases import Case

EMBEDDED = Path(__file__).parents[1] / "embedded"


@dsl.component
def make_rows(count: int, rows: Output[Dataset]):
    """A dataset of numbers, with their count in its metadata."""
    rows.metadata["rows"] = count
    rows.metadata["columns"] = ["x"]
    with open(rows.path, "w") as file:
        file.write("\n".join(str(n) for n in range(count)))


@dsl.component
def sum_rows(rows: Input[Dataset]) -> int:
    """The sum of a dataset of numbers, which are as many as its metadata says."""
    with open(rows.path) as file:
        numbers = [int(line) for line in file]
    if len(numbers) != rows.metadata["rows"]:
        raise ValueError(f"{len(numbers)} rows, and {rows.metadata}")
    return sum(numbers)


@dsl.component
def train(rows: Input[Dataset], model: Output[Model], metrics: Output[Metrics]):
    """A model with its framework, and metrics."""
    model.framework = "stdlib"
    model.metadata["trained_on"] = rows.metadata["rows"]
    with open(model.path, "wb") as file:
        file.write(bytes(range(256)))
    metrics.log_metric("accuracy", 0.875)
    metrics.log_metric("loss", 2)


@dsl.component
def check_model(model: Input[Model], metrics: Input[Metrics]) -> str:
    """What the model and the metrics came with."""
    with open(model.path, "rb") as file:
        if file.read() != bytes(range(256)):
            raise ValueError("the model is not what was written")
    kind = type(model).__name__
    return f"{kind} {model.framework} {model.metadata['trained_on']} {metrics.metadata['accuracy']}"


@dsl.component
def classify(scores: Output[ClassificationMetrics]):
    """A confusion matrix and a curve."""
    scores.log_confusion_matrix(["cat", "dog"], [[8, 2], [1, 9]])
    scores.log_roc_curve([0.0, 0.5], [0.25, 1.0], [0.9, 0.1])


@dsl.component
def report(page: Output[HTML], text: Output[Markdown]):
    """A page and a text."""
    with open(page.path, "w") as file:
        file.write("<h1>Grüße</h1>")
    with open(text.path, "w") as file:
        file.write("# Grüße")


@dsl.component
def read_text(file: Input[Artifact]) -> str:
    """What a file says."""
    with open(file.path) as opened:
        return opened.read()


@dsl.component
def make_folder(folder: Output[Artifact]):
    """A folder with files at two depths, an empty file, and a name that needs quoting."""
    import os

    os.makedirs(os.path.join(folder.path, "deep", "er"))
    for name, text in (("a.txt", "a"), ("deep/er/ü 1%?.txt", "b"), ("deep/empty", "")):
        with open(os.path.join(folder.path, name), "w") as file:
            file.write(text)


@dsl.component
def list_folder(folder: Input[Artifact]) -> dict:
    """The texts of a folder's files by their names."""
    import os

    found = {}
    for place, _, names in os.walk(folder.path):
        for name in names:
            path = os.path.join(place, name)
            with open(path) as file:
                found[os.path.relpath(path, folder.path)] = file.read()
    return found


@dsl.component
def writes_nothing(data: Output[Dataset]) -> str:
    """Leaves its artifact unwritten, with metadata."""
    data.metadata["state"] = "unwritten"
    return "done"


@dsl.component
def is_there(data: Input[Dataset]) -> str:
    """Whether something lies at an artifact's path, and its metadata."""
    import os

    return f"{os.path.exists(data.path)} {data.metadata['state']}"


@dsl.component
def sum_all(several: Input[List[Dataset]]) -> str:
    """The sums of several datasets, with their counts and types."""
    sums = []
    for rows in several:
        with open(rows.path) as file:
            total = sum(int(line) for line in file)
        sums.append(f"{type(rows).__name__} {rows.metadata['rows']} {total}")
    return ", ".join(sums)


@dsl.component
def returned(text: str) -> Dataset:
    """A dataset that is made and returned."""
    data = Dataset(uri=dsl.get_uri(), metadata={"length": len(text)})
    with open(data.path, "w") as file:
        file.write(text)
    return data


@dsl.component
def returned_pair(text: str) -> NamedTuple("Pair", data=Dataset, model=Model, length=int):
    """Two artifacts and a parameter."""
    from collections import namedtuple

    data = Dataset(uri=dsl.get_uri("data"), metadata={"part": "data"})
    model = Model(uri=dsl.get_uri("model"), metadata={"part": "model"})
    for one in (data, model):
        with open(one.path, "w") as file:
            file.write(f"{text} of {one.metadata['part']}")
    return namedtuple("Pair", ["data", "model", "length"])(data, model, len(text))


@dsl.component
def returned_text(text: str) -> Dataset:
    """A text that becomes the content of a dataset."""
    return text


@dsl.component
def elsewhere(data: Output[Dataset]):
    """Writes its artifact to a path of its own choice."""
    import os
    import tempfile

    data.custom_path = os.path.join(tempfile.mkdtemp(), "my file.txt")
    data.metadata["chosen"] = True
    with open(data.custom_path, "w") as file:
        file.write("from elsewhere")


@dsl.component
def points_at(uri: str, model: Output[Model]):
    """An artifact that lies elsewhere."""
    model.uri = uri
    model.metadata["owner"] = "somebody else"


@dsl.component
def uri_of(model: Input[Model]) -> str:
    """Where an artifact is said to lie."""
    return model.uri


@dsl.component
def type_and_name(anything: Input[Artifact]) -> str:
    """The class and the metadata of an artifact."""
    return f"{type(anything).__name__} {anything.metadata.get('rows')}"


@dsl.component
def copy_path(source: dsl.InputPath("Dataset"), target: dsl.OutputPath("Dataset")):
    """Artifacts as plain paths."""
    with open(source) as read, open(target, "w") as written:
        written.write(read.read() + "\n100")


@dsl.component
def last_line(source: dsl.InputPath("Dataset")) -> str:
    """The last line of a file."""
    with open(source) as file:
        return file.read().split("\n")[-1]


@dsl.component(embedded_artifact_path=str(EMBEDDED))
def read_embedded_folder(folder: dsl.EmbeddedInput[Dataset]) -> dict:
    """The texts of the files that came with the component."""
    import os

    found = {}
    for place, _, names in os.walk(folder.path):
        for name in names:
            path = os.path.join(place, name)
            with open(path) as file:
                found[os.path.relpath(path, folder.path)] = file.read()
    return found


@dsl.component(embedded_artifact_path=str(EMBEDDED / "a.txt"))
def read_embedded_file(file: dsl.EmbeddedInput[Dataset]) -> str:
    """The text of the file that came with the component."""
    with open(file.path) as opened:
        return opened.read()


@dsl.component
def log_no_numbers(metrics: Output[Metrics]):
    """Metrics as they are when something went wrong in training."""
    metrics.log_metric("loss", float("nan"))
    metrics.log_metric("bound", float("inf"))
    metrics.log_metric("step", 3)


@dsl.component
def change(data: Input[Dataset]) -> str:
    """Changes its own input, and says what it has become."""
    with open(data.path, "a") as file:
        file.write("\n100")
    with open(data.path) as file:
        return file.read()


@dsl.component
def make_odd_folders(empty: Output[Artifact], links: Output[Artifact]):
    """A folder without files, and one with a link to a file."""
    import os

    os.makedirs(empty.path)
    os.makedirs(links.path)
    with open(os.path.join(links.path, "real"), "w") as file:
        file.write("real")
    os.symlink("real", os.path.join(links.path, "link"))


@dsl.component
def compare(
    left: Input[Dataset], right: Input[Dataset], third: Optional[Input[Dataset]] = None
) -> str:
    """Whether two datasets are the same files and the same bytes, and what came as a third."""
    with open(left.path, "rb") as one, open(right.path, "rb") as other:
        equal = one.read() == other.read()
    return f"{equal} {third is None}"


@dsl.component
def make_large(size: int, data: Output[Dataset], empty: Output[Dataset]):
    """A file of many bytes, and one of none."""
    with open(data.path, "wb") as file:
        file.write(b"0123456789abcdef" * (size // 16))
    open(empty.path, "w").close()


@dsl.component
def sizes(data: Input[Dataset], empty: Input[Dataset]) -> list:
    """The sizes of files, in bytes."""
    import os

    return [os.path.getsize(data.path), os.path.getsize(empty.path)]


@dsl.pipeline
def datasets_with_metadata(count: int = 5) -> int:
    return sum_rows(rows=make_rows(count=count).outputs["rows"]).output


@dsl.pipeline
def models_and_metrics() -> str:
    rows = make_rows(count=3)
    made = train(rows=rows.outputs["rows"]).outputs
    return check_model(model=made["model"], metrics=made["metrics"]).output


@dsl.pipeline
def classification_metrics():
    classify()


@dsl.pipeline
def pages_and_texts() -> NamedTuple("Out", page=str, text=str):
    out = NamedTuple("Out", page=str, text=str)
    made = report().outputs
    page, text = (read_text(file=made[name]) for name in ("page", "text"))
    return out(page=page.output, text=text.output)


@dsl.pipeline
def folders() -> dict:
    return list_folder(folder=make_folder().outputs["folder"]).output


@dsl.pipeline
def an_artifact_that_nobody_wrote() -> str:
    return is_there(data=writes_nothing().outputs["data"]).output


@dsl.pipeline
def lists_of_artifacts() -> str:
    with dsl.ParallelFor([3, 0, 2]) as count:
        made = make_rows(count=count)
    return sum_all(several=dsl.Collected(made.outputs["rows"])).output


@dsl.pipeline
def returned_artifacts(text: str = "a text") -> NamedTuple("Out", one=str, pair=str, length=int):
    out = NamedTuple("Out", one=str, pair=str, length=int)
    pair = returned_pair(text=text)
    one = read_text(file=returned(text=text).output)
    return out(
        one=one.output,
        pair=read_text(file=pair.outputs["model"]).output,
        length=pair.outputs["length"],
    )


@dsl.pipeline
def returned_content(text: str = "the content") -> str:
    return read_text(file=returned_text(text=text).output).output


@dsl.pipeline
def inner_rows(count: int) -> Dataset:
    return make_rows(count=count).outputs["rows"]


@dsl.pipeline
def inner_sum(rows: Input[Dataset]) -> NamedTuple("Out", total=int, again=Dataset):
    out = NamedTuple("Out", total=int, again=Dataset)
    longer = copy_path(source=rows)
    return out(total=sum_rows(rows=rows).output, again=longer.outputs["target"])


@dsl.pipeline
def through_nested_pipelines() -> NamedTuple("Out", total=int, last=str):
    out = NamedTuple("Out", total=int, last=str)
    inner = inner_sum(rows=inner_rows(count=4).output)
    return out(total=inner.outputs["total"], last=last_line(source=inner.outputs["again"]).output)


@dsl.pipeline
def artifacts_of_the_pipeline(
    count: int = 2,
) -> NamedTuple("Out", rows=Dataset, model=Model, shown=str):
    out = NamedTuple("Out", rows=Dataset, model=Model, shown=str)
    rows = inner_rows(count=count).output
    model = train(rows=rows).outputs["model"]
    return out(rows=rows, model=model, shown=type_and_name(anything=rows).output)


@dsl.pipeline
def custom_paths() -> str:
    return read_text(file=elsewhere().outputs["data"]).output


@dsl.pipeline
def uris_of_somebody_else(uri: str = "gs://bucket/of/somebody/model") -> str:
    return uri_of(model=points_at(uri=uri).outputs["model"]).output


@dsl.pipeline
def plain_paths() -> str:
    longer = copy_path(source=make_rows(count=3).outputs["rows"])
    return last_line(source=longer.outputs["target"]).output


@dsl.pipeline
def one_artifact_for_two_inputs() -> str:
    rows = make_rows(count=3).outputs["rows"]
    return compare(left=rows, right=rows).output


@dsl.pipeline
def large_and_empty_files() -> list:
    made = make_large(size=8_000_000).outputs
    return sizes(data=made["data"], empty=made["empty"]).output


@dsl.pipeline
def embedded_files() -> NamedTuple("Out", folder=dict, file=str):
    out = NamedTuple("Out", folder=dict, file=str)
    return out(folder=read_embedded_folder().output, file=read_embedded_file().output)


@dsl.pipeline
def metrics_that_are_no_numbers():
    log_no_numbers()


@dsl.pipeline
def a_changed_input() -> NamedTuple("Out", changed=str, later=str):
    out = NamedTuple("Out", changed=str, later=str)
    rows = make_rows(count=2).outputs["rows"]
    changed = change(data=rows)
    return out(changed=changed.output, later=read_text(file=rows).after(changed).output)


@dsl.pipeline
def odd_folders() -> NamedTuple("Out", empty=dict, links=dict):
    out = NamedTuple("Out", empty=dict, links=dict)
    made = make_odd_folders().outputs
    empty, links = (list_folder(folder=made[name]) for name in ("empty", "links"))
    return out(empty=empty.output, links=links.output)


CASES = [
    Case(
        "a dataset with metadata, read downstream",
        datasets_with_metadata,
        "yes",
        outputs={"Output": 10},
        metadata={"make-rows:rows": {"rows": 5, "columns": ["x"]}},
    ),
    Case(
        "a model of bytes with its framework, and metrics",
        models_and_metrics,
        "yes",
        outputs={"Output": "Model stdlib 3 0.875"},
        metadata={
            "train:model": {"framework": "stdlib", "trained_on": 3},
            "train:metrics": {"accuracy": 0.875, "loss": 2},
        },
    ),
    Case(
        "a confusion matrix and a curve",
        classification_metrics,
        "yes",
        metadata={
            "classify:scores": {
                "confusionMatrix": {
                    "annotationSpecs": [{"displayName": "cat"}, {"displayName": "dog"}],
                    "rows": [{"row": [8, 2]}, {"row": [1, 9]}],
                },
                "confidenceMetrics": [
                    {"confidenceThreshold": 0.9, "recall": 0.25, "falsePositiveRate": 0},
                    {"confidenceThreshold": 0.1, "recall": 1, "falsePositiveRate": 0.5},
                ],
            }
        },
    ),
    Case(
        "a page and a text",
        pages_and_texts,
        "yes",
        outputs={"page": "<h1>Grüße</h1>", "text": "# Grüße"},
    ),
    Case(
        "a folder as an artifact",
        folders,
        "yes",
        outputs={"Output": {"a.txt": "a", "deep/er/ü 1%?.txt": "b", "deep/empty": ""}},
    ),
    Case(
        "an artifact that nobody wrote: its metadata are there, its content is not",
        an_artifact_that_nobody_wrote,
        "yes",
        outputs={"Output": "False unwritten"},
        metadata={"writes-nothing:data": {"state": "unwritten"}},
    ),
    Case(
        "a list of artifacts from a loop, one of them empty",
        lists_of_artifacts,
        "yes",
        outputs={"Output": "Dataset 3 3, Dataset 0 0, Dataset 2 1"},
    ),
    Case(
        "artifacts that a function makes and returns",
        returned_artifacts,
        "yes",
        outputs={"one": "a text", "pair": "a text of model", "length": 6},
        metadata={
            "returned:Output": {"length": 6},
            "returned-pair:data": {"part": "data"},
            "returned-pair:model": {"part": "model"},
        },
    ),
    Case(
        "content that a function returns as an artifact",
        returned_content,
        "yes",
        outputs={"Output": "the content"},
    ),
    Case(
        "artifacts into, through and out of nested pipelines",
        through_nested_pipelines,
        "yes",
        outputs={"total": 6, "last": "100"},
    ),
    Case(
        "artifacts as outputs of the pipeline and of a nested one",
        artifacts_of_the_pipeline,
        "yes",
        outputs={"shown": "Dataset 2"},
        metadata={"inner-rows:Output": {"rows": 2}},
    ),
    Case(
        "an artifact that its function wrote to another path",
        custom_paths,
        "yes",
        outputs={"Output": "from elsewhere"},
        metadata={"elsewhere:data": {"chosen": True}},
    ),
    Case(
        "an artifact whose URI a function sets is left where it is",
        uris_of_somebody_else,
        "yes",
        outputs={"Output": "gs://bucket/of/somebody/model"},
        metadata={"points-at:model": {"owner": "somebody else"}},
    ),
    Case("artifacts as plain paths", plain_paths, "yes", outputs={"Output": "100"}),
    Case(
        "one artifact for two inputs, and none for an optional one",
        one_artifact_for_two_inputs,
        "yes",
        outputs={"Output": "True True"},
    ),
    Case(
        "a file of 8 MB and an empty one",
        large_and_empty_files,
        "yes",
        outputs={"Output": [8_000_000, 0]},
    ),
    Case(
        "a folder and a file that come with a component",
        embedded_files,
        "yes",
        outputs={
            "folder": {"a.txt": "embedded text\n", "deep/b.txt": "deeper\n"},
            "file": "embedded text\n",
        },
    ),
    Case(
        "metrics that are no numbers do not harm their step",
        metrics_that_are_no_numbers,
        "no: the step fails, its output is no JSON",
        metadata={"log-no-numbers:metrics": {"loss": "NaN", "bound": "Infinity", "step": 3}},
    ),
    Case(
        "a step that changes its input changes its own copy",
        a_changed_input,
        "yes",
        outputs={"changed": "0\n1\n100", "later": "0\n1"},
    ),
    Case(
        "a folder without files, and a link in a folder, which becomes a file",
        odd_folders,
        "yes",
        outputs={"empty": {}, "links": {"link": "real", "real": "real"}},
    ),
]
