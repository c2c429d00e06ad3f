"""Contents and locations of artifacts."""

from pathlib import Path
from typing import NamedTuple

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Markdown, Model, Output

from tests.conformance.cases import Case
from tests.conformance.pipelines._artifacts import copy_path, last_line, make_rows, returned_text

EMBEDDED = Path(__file__).parents[2] / "embedded"


@dsl.component
def report(page: Output[HTML], text: Output[Markdown]):
    """A page and a text."""
    with open(page.path, "w") as file:
        file.write("<h1>Grüße</h1>")
    with open(text.path, "w") as file:
        file.write("# Grüße")


@dsl.component
def read_text(file: Input[Artifact]) -> str:
    """The text of a file."""
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
    """Sets the metadata of its artifact and writes no content."""
    data.metadata["state"] = "unwritten"
    return "done"


@dsl.component
def is_there(data: Input[Dataset]) -> str:
    """Whether an artifact's path exists, and its metadata."""
    import os

    return f"{os.path.exists(data.path)} {data.metadata['state']}"


@dsl.component
def returned(text: str) -> Dataset:
    """A dataset that the function creates and returns."""
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
    """An artifact whose URI is elsewhere."""
    model.uri = uri
    model.metadata["owner"] = "somebody else"


@dsl.component
def uri_of(model: Input[Model]) -> str:
    """The URI of an artifact."""
    return model.uri


@dsl.component(embedded_artifact_path=str(EMBEDDED))
def read_embedded_folder(folder: dsl.EmbeddedInput[Dataset]) -> dict:
    """The texts of the files that are embedded in the component."""
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
    """The text of the file that is embedded in the component."""
    with open(file.path) as opened:
        return opened.read()


@dsl.component
def change(data: Input[Dataset]) -> str:
    """Changes its own input, and returns the new text."""
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
def with_a_suffix(data: Output[Dataset]):
    """Adds a suffix to its artifact's URI."""
    data.uri = data.uri + ".csv"
    with open(data.path, "w") as file:
        file.write("with a suffix")


@dsl.component
def file_in_a_folder(data: Output[Dataset]):
    """Has one of a folder's files as its artifact."""
    import os

    os.makedirs(data.path)
    data.path = os.path.join(data.path, "inner.csv")
    with open(data.path, "w") as file:
        file.write("in a folder")


@dsl.component
def make_large(size: int, data: Output[Dataset], empty: Output[Dataset]):
    """A large file and an empty one."""
    with open(data.path, "wb") as file:
        file.write(b"0123456789abcdef" * (size // 16))
    open(empty.path, "w").close()


@dsl.component
def sizes(data: Input[Dataset], empty: Input[Dataset]) -> list:
    """The sizes of files, in bytes."""
    import os

    return [os.path.getsize(data.path), os.path.getsize(empty.path)]


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
def large_and_empty_files() -> list:
    made = make_large(size=8_000_000).outputs
    return sizes(data=made["data"], empty=made["empty"]).output


@dsl.pipeline
def embedded_files() -> NamedTuple("Out", folder=dict, file=str):
    out = NamedTuple("Out", folder=dict, file=str)
    return out(folder=read_embedded_folder().output, file=read_embedded_file().output)


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


@dsl.pipeline
def changed_uris() -> NamedTuple("Out", suffix=str, folder=str):
    out = NamedTuple("Out", suffix=str, folder=str)
    suffix = read_text(file=with_a_suffix().outputs["data"])
    folder = read_text(file=file_in_a_folder().outputs["data"])
    return out(suffix=suffix.output, folder=folder.output)


CASES = [
    Case(
        "an HTML page and a Markdown text",
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
        "an artifact without content keeps its metadata",
        an_artifact_that_nobody_wrote,
        "yes",
        outputs={"Output": "False unwritten"},
        metadata={"writes-nothing:data": {"state": "unwritten"}},
    ),
    Case(
        "artifacts that a function creates and returns",
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
        "a file of 8 MB and an empty one",
        large_and_empty_files,
        "yes",
        outputs={"Output": [8_000_000, 0]},
    ),
    Case(
        "a folder and a file embedded in a component",
        embedded_files,
        "yes",
        outputs={
            "folder": {"a.txt": "embedded text\n", "deep/b.txt": "deeper\n"},
            "file": "embedded text\n",
        },
    ),
    Case(
        "a step that changes its input changes only its own copy",
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
    Case(
        "an artifact whose URI gets a suffix, and one that is a file in its own folder",
        changed_uris,
        "yes",
        outputs={"suffix": "with a suffix", "folder": "in a folder"},
    ),
]
