"""Steps that make and read artifacts."""

from kfp import dsl
from kfp.dsl import Dataset, Output


@dsl.component
def make_rows(count: int, rows: Output[Dataset]):
    """A dataset of numbers, with their count in its metadata."""
    rows.metadata["rows"] = count
    rows.metadata["columns"] = ["x"]
    with open(rows.path, "w") as file:
        file.write("\n".join(str(n) for n in range(count)))


@dsl.component
def returned_text(text: str) -> Dataset:
    """Writes a text as the content of a dataset."""
    return text


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
