"""What authoring does beside writing the IR that kfp writes."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
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


def test_authoring_imports_the_standard_library_alone() -> None:
    code = (
        "import sys; before = set(sys.modules); from headrace import dsl, compiler, components, "
        "kubernetes; import json; print(json.dumps(sorted({m.split('.')[0] for m in "
        "set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    foreign = set(json.loads(done.stdout)) - set(sys.stdlib_module_names) - {"headrace"}
    assert not foreign


def test_a_component_is_no_task_outside_of_a_pipeline() -> None:
    with pytest.raises(RuntimeError, match="in the function of a pipeline"):
        say(text="a")


def test_a_component_runs_here() -> None:
    assert say.execute(text="b") == "b"


def test_annotations_that_are_texts_are_explained() -> None:
    def postponed(text: "str") -> None:
        """Has the annotations of a module that postpones them."""

    with pytest.raises(TypeError, match="__future__"):
        dsl.component(base_image="python:3.11")(postponed)


def test_a_pipeline_that_failed_leaves_nothing_behind() -> None:
    def broken() -> None:
        say()
        raise KeyError("broken")

    with pytest.raises(KeyError):
        dsl.pipeline(broken)
    assert list(dsl.pipeline(_one).pipeline_spec["root"]["dag"]["tasks"]) == ["say"]


def _one() -> None:
    say()


def test_threads_define_pipelines_at_the_same_time() -> None:
    ready = threading.Barrier(4, timeout=10)
    found: list[list[str]] = []

    def body() -> None:
        for _ in range(3):
            say()
            ready.wait()

    def define() -> None:
        found.append(list(dsl.pipeline(body).pipeline_spec["root"]["dag"]["tasks"]))

    threads = [threading.Thread(target=define) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["say", "say-2", "say-3"]] * 4


def test_branches_without_an_else_end_with_the_group_around_them() -> None:
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


def test_a_default_with_lines_stays_in_the_head(tmp_path: Path) -> None:
    pipeline = components.load_component_from_text(
        '{name: a, inputs: [{name: text, type: String, default: "a\\n\\tb: c"}],'
        " implementation: {container: {image: alpine}}}"
    )
    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    parameter = yaml.safe_load(path.read_text())["root"]["inputDefinitions"]["parameters"]["text"]
    assert parameter["defaultValue"] == "a\n\tb: c"


def test_a_notebook_goes_with_its_component(tmp_path: Path) -> None:
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


def test_a_component_comes_from_an_address(tmp_path: Path) -> None:
    text = "{name: found, implementation: {container: {image: alpine}}}"
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(200 if self.path == "/component.yaml" else 404)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            found = components.load_component_from_url(f"{url}/component.yaml", ("me", "secret"))
            with pytest.raises(OSError, match="404"):
                components.load_component_from_url(f"{url}/other.yaml")
        finally:
            server.shutdown()
            thread.join()
    assert found.name == "found"
    assert seen[0] == "Basic bWU6c2VjcmV0"
    with pytest.raises(ValueError, match="http"):
        components.load_component_from_url("file:///etc/hostname")


def test_loaded_descriptions_are_those_of_the_file(tmp_path: Path) -> None:
    @dsl.pipeline(description="The first line.\nThe second.")
    def pipeline() -> None:
        say()

    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    assert components.load_component_from_file(str(path)).description == (
        "The first line.\nThe second."
    )
    compiler.Compiler().compile(say, str(path))
    assert components.load_component_from_file(str(path)).description == "Says it."
