"""Components made from functions."""

import os
from pathlib import Path
from typing import Any

import pytest
from headrace import dsl


@dsl.component(base_image="python:3.11")
def say(text: str = "a") -> str:
    """Says it."""
    return text


def test_calling_a_component_outside_of_a_pipeline() -> None:
    with pytest.raises(RuntimeError, match="in the function of a pipeline"):
        say(text="a")


def test_execute_runs_the_function() -> None:
    assert say.execute(text="b") == "b"


def test_annotations_that_are_strings_are_explained() -> None:
    def postponed(text: "str") -> None:
        """Has the annotations of a module that postpones them."""

    def returning() -> "None":
        """Has only a return annotation."""

    for function, place in ((postponed, "Argument 'text': "), (returning, "The return annotation")):
        with pytest.raises(TypeError, match="__future__") as raised:
            dsl.component(base_image="python:3.11")(function)
        assert str(raised.value).startswith(place)


def test_a_notebook_is_embedded_in_its_component(tmp_path: Path) -> None:
    notebook = tmp_path / "notebook.ipynb"
    notebook.write_text('{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}')

    def run() -> None:
        dsl.run_notebook(text="a")

    made = dsl.notebook_component(base_image="python:3.11", notebook_path=str(notebook))(run)
    command = made.component_spec.container.command
    compile(command[-1], "component", "exec")
    assert "nbclient" in " ".join(command)
    with pytest.raises(NotImplementedError):
        dsl.run_notebook()


def embedding(path: Path) -> str:
    """The source of a component that embeds a path."""

    def read(folder: dsl.EmbeddedInput[dsl.Dataset]) -> str:
        return folder.path

    made = dsl.component(base_image="python:3.11", embedded_artifact_path=str(path))(read)
    return str(made.component_spec.container.command[-1])


def test_embedded_files_compile_to_the_same_source_wherever_they_are(tmp_path: Path) -> None:
    for name, seconds in (("one", 1_000_000_000), ("other", 0)):
        file = tmp_path / name / "files" / "a.txt"
        file.parent.mkdir(parents=True)
        file.write_text("a")
        os.utime(file, (seconds, seconds))
    one, other = tmp_path / "one" / "files", tmp_path / "other" / "files"
    assert embedding(one) == embedding(other)
    (other / "a.txt").write_text("b")
    assert embedding(one) != embedding(other)


def test_embedded_files_are_as_new_as_a_zip_archive_allows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    names: dict[str, Any] = {}
    unpacking = embedding(tmp_path).partition("def read")[0]
    exec(compile(unpacking, "component", "exec"), names)
    unpacked = Path(names["__KFP_EMBEDDED_ASSET_DIR"], "a.txt")
    with names["__kfp_folder"]:
        assert (unpacked.read_text(), unpacked.stat().st_mtime) == ("a", 315_619_200)
