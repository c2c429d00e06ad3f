"""Components made from functions."""

from pathlib import Path

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

    with pytest.raises(TypeError, match="__future__"):
        dsl.component(base_image="python:3.11")(postponed)


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
