"""Components of Headrace's own SDK, started as the backend starts them."""

from __future__ import annotations

import asyncio
import json
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from headrace.authoring import bootstrap
from headrace_contracts.launches import ResultManifest
from headrace_executor.backends.process import environments
from headrace_executor.backends.process.backend import ProcessBackend
from headrace_executor.backends.process.environments import EnvironmentStore
from headrace_executor.backends.process.step_package import StepPackage
from headrace_executor.core.bootstrap import recognise

from tests.support.launches import (
    PREFIX,
    URI_PREFIX,
    Objects,
    Settings,
    Store,
    first,
    run_on,
)


@pytest.fixture(scope="module")
def environments_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kept for all tests here: environments are used, never changed. They are made of what Python
    itself brings; uv would fetch pip."""
    folder = tmp_path_factory.mktemp("environments")
    uv = folder / "uv"
    uv.write_text(
        "#!/bin/sh\n"
        'for last; do :; done\nif [ "$1" = venv ]; then\n'
        f'  exec {sys.executable} -m venv "$last"\nfi\n'
        f'exec {environments._UV} "$@" --offline\n'
    )
    uv.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environments, "_UV", uv)
        yield folder


def wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A package with these files."""
    path = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {
            **files,
            f"{name}-1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
            f"{name}-1.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
            f"{name}-1.dist-info/RECORD": "",
        }.items():
            archive.writestr(file, text)
    return path


@pytest.fixture
async def backend(
    tmp_path: Path, objects: Objects, environments_dir: Path
) -> AsyncIterator[ProcessBackend]:
    settings = Settings(tmp_path)
    settings.environments_dir = environments_dir
    made = ProcessBackend(settings, Store(objects), "test")  # type: ignore[arg-type]
    yield made
    await made.close()


def container(function: str, **settings: Any) -> dict[str, Any]:
    """The container of a component whose function is `f`."""
    source = bootstrap.source(dedent(function).strip() + "\n")
    return {
        "image": "python:3.11",
        "command": bootstrap.lightweight_command(source, **settings),
        "args": bootstrap.arguments("f"),
    }


async def step(backend: ProcessBackend, container: dict[str, Any], **more: Any) -> ResultManifest:
    return await run_on(backend, first(container=container, **more))


def outputs(**types: str) -> dict[str, Any]:
    return {"parameters": {name: {"parameterType": kind} for name, kind in types.items()}}


async def test_a_function_starts_with_few_imports(
    backend: ProcessBackend, objects: Objects
) -> None:
    function = """
        def f(n: int, made: Output[Dataset]) -> dict:
            import os, sys
            with open(made.path, "w") as file:
                file.write("rows" * n)
            made.metadata["rows"] = n
            return {
                "site": "site" in sys.modules,
                "imported": [m for m in ("typing", "re", "inspect", "json") if m in sys.modules],
                "prefix": sys.prefix == os.path.dirname(os.path.dirname(sys.executable)),
                "cwd": sys.path[1] == os.getcwd() == os.environ["HOME"],
                "exit": callable(exit),
            }
        """
    result = await step(
        backend,
        container(function),
        inputs={"parameters": {"n": 2.0}},
        output_definitions={
            **outputs(Output="STRUCT"),
            "artifacts": {"made": {"artifactType": {"schemaTitle": "system.Dataset"}}},
        },
    )
    assert result.state == "SUCCEEDED", result.failure
    assert result.parameters["Output"] == {
        "site": False,
        "imported": [],
        "prefix": True,
        "cwd": True,
        "exit": True,
    }
    (made,) = result.artifacts["made"]
    assert made.metadata == {"rows": 2}
    assert objects.held[f"{PREFIX}made"] == b"rowsrows"
    assert objects.held.get(f"{PREFIX}log.txt", b"") == b""


async def test_a_function_can_import_the_step_package_only(backend: ProcessBackend) -> None:
    function = """
        def f() -> NamedTuple("Seen", sdk=str, missing=list, explained=list, child=str):
            import headrace, importlib.util, subprocess, sys
            from headrace import dsl as again
            from headrace.dsl import Model
            others = ["headrace_executor", "headrace_contracts", "nats", "yaml", "click", "kfp"]
            explained = []
            for use in (lambda: headrace.compiler, lambda: dsl.ParallelFor):
                try:
                    use()
                except AttributeError as error:
                    explained.append(str(error))
            script = "import site, pip; from headrace import dsl; print(dsl.Dataset.schema_title)"
            child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
            return (
                f"{again is dsl} {Model is dsl.Model}",
                [name for name in others if importlib.util.find_spec(name) is None],
                explained,
                child.stdout.strip() or child.stderr,
            )
        """
    definitions = outputs(sdk="STRING", missing="LIST", explained="LIST", child="STRING")
    result = await step(backend, container(function), output_definitions=definitions)
    assert result.state == "SUCCEEDED", result.failure
    assert result.parameters["sdk"] == "True True"
    assert len(result.parameters["missing"]) == 6
    first, second = result.parameters["explained"]
    assert "headrace.compiler is not available inside a step" in first
    assert "dsl.ParallelFor is not available inside a step" in second
    assert result.parameters["child"] == "system.Dataset"


async def test_a_list_of_inputs_a_path_and_megabytes(
    backend: ProcessBackend, objects: Objects
) -> None:
    objects.held |= {"a/x": b"1", "b/x": b"2", "c/x": b"3"}
    function = """
        def f(text: str, many: Input[List[Dataset]], one: InputPath("Dataset"),
              note: OutputPath(str)) -> str:
            with open(note, "w") as file:
                file.write(str(len(text)))
            return "".join(open(a.path).read() for a in many) + open(one).read()
        """
    one, *many = ({"name": "x", "uri": f"{URI_PREFIX}{n}/x"} for n in "cab")
    result = await step(
        backend,
        container(function),
        inputs={
            "parameters": {"text": "ö" * 1_000_000},
            "artifacts": {"many": many, "one": [one]},
        },
        output_definitions=outputs(Output="STRING", note="STRING"),
    )
    assert result.state == "SUCCEEDED", result.failure
    assert result.parameters == {"Output": "123", "note": "1000000"}


async def test_an_artifact_that_the_function_created(
    backend: ProcessBackend, objects: Objects
) -> None:
    function = """
        def f() -> Metrics:
            made = dsl.Metrics(uri=dsl.get_uri("made"))
            made.log_metric("loss", float("nan"))
            with open(made.path, "w") as file:
                file.write("text")
            return made
        """
    result = await step(
        backend,
        container(function),
        output_definitions={
            "artifacts": {"Output": {"artifactType": {"schemaTitle": "system.Metrics"}}}
        },
    )
    (made,) = result.artifacts["Output"]
    assert made.uri == f"{URI_PREFIX}{PREFIX}made"
    assert made.metadata == {"loss": "NaN"}
    assert objects.held[f"{PREFIX}made"] == b"text"


async def test_a_failure_names_its_exception_and_shows_the_function_alone(
    backend: ProcessBackend, objects: Objects
) -> None:
    function = """
        def f(n: int):
            print("before")
            raise ValueError(f"no such column {n}")
        """
    result = await step(backend, container(function), inputs={"parameters": {"n": 7.0}})
    assert result.failure is not None
    assert result.failure.message.startswith("ValueError: no such column 7; the command exited")
    log = objects.held[f"{PREFIX}log.txt"].decode()
    assert log.startswith("before\nTraceback (most recent call last):\n")
    assert log.count("  File ") == 1
    assert "ephemeral_component.py" in log


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("exit(3)", "the command exited with code 3"),
        ("from kfp import dsl", "No module named 'kfp': kfp is not installed in this step"),
        ("return 1", "Unknown return type: function `f` returned a value of type"),
    ],
)
async def test_faults_are_explained(backend: ProcessBackend, body: str, expected: str) -> None:
    result = await step(backend, container(f"def f():\n    {body}"))
    assert result.failure is not None
    assert expected in result.failure.message


async def test_the_log_has_the_output(backend: ProcessBackend, objects: Objects) -> None:
    function = """
        def f():
            import logging
            logging.info("seen")
            logging.debug("not seen")
        """
    assert (await step(backend, container(function))).state == "SUCCEEDED"
    log = objects.held[f"{PREFIX}log.txt"].decode()
    assert log.startswith("[Headrace 2")
    assert log.endswith(" INFO]: seen\n")
    assert log.count("\n") == 1


async def test_packages_are_installed_into_a_separate_environment(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    package = wheel(tmp_path, "given", {"given.py": "word = 'given'\n"})
    function = """
        def f() -> str:
            import given, sys
            from headrace import dsl
            return given.word + str("site" in sys.modules) + dsl.Model.schema_title
        """
    result = await step(
        backend,
        container(function, packages=[str(package)]),
        output_definitions=outputs(Output="STRING"),
    )
    assert result.state == "SUCCEEDED", result.failure
    assert result.parameters == {"Output": "givenTruesystem.Model"}


async def test_a_variable_of_the_component_is_extended(backend: ProcessBackend) -> None:
    function = "def f() -> str:\n    import os\n    return os.environ['PYTHONPATH']"
    given = {**container(function), "env": [{"name": "PYTHONPATH", "value": "/own"}]}
    result = await step(backend, given, output_definitions=outputs(Output="STRING"))
    assert str(result.parameters["Output"]).startswith("/own:/")


async def test_a_component_whose_code_is_in_its_image(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text("word = 'beside'\n")
    (tmp_path / "components.py").write_text(
        "from __future__ import annotations\n"
        "import beside\n"
        "from headrace import dsl\n"
        "from headrace.dsl import Input, Dataset\n"
        "@dsl.component(base_image='python:3.12', target_image='mine')\n"
        "def f(n: int, data: Input[Dataset] = None) -> str:\n"
        "    return f'{beside.word} {n} {data}'\n"
        "@dsl.pipeline\n"
        "def p():\n"
        "    f(n=1)\n"
    )
    path = ["--component_module_path", str(tmp_path / "components.py")]
    result = await step(
        backend,
        {
            "image": "mine",
            "command": bootstrap.containerized_command(),
            "args": [*path, *bootstrap.arguments("f")],
        },
        inputs={"parameters": {"n": 1.0}},
        output_definitions=outputs(Output="STRING"),
    )
    assert result.state == "SUCCEEDED", result.failure
    assert result.parameters == {"Output": "beside 1 None"}


def test_the_step_package_is_created_once(tmp_path: Path) -> None:
    first = asyncio.run(StepPackage(tmp_path).ensure())
    assert asyncio.run(StepPackage(tmp_path).ensure()) == first
    assert list(tmp_path.iterdir()) == [first]
    assert list(first.rglob("executor.*.pyc"))
    assert not list(first.rglob("bootstrap*"))


def test_the_environment_without_packages_has_a_name(tmp_path: Path) -> None:
    argv = tuple(json.loads(json.dumps(container("def f(): pass")["command"])))
    found = recognise((*argv, "--executor_input", "{}"))
    assert found is not None
    assert found.requirement_set.installs == ()
    assert not EnvironmentStore(tmp_path).has(found.requirement_set)


async def test_a_component_that_installs_headrace_uses_that(
    backend: ProcessBackend, objects: Objects, tmp_path: Path
) -> None:
    package = wheel(
        tmp_path,
        "headrace",
        {
            "headrace/__init__.py": "",
            "headrace/component/__init__.py": "",
            "headrace/component/main.py": "def main_from_file(path):\n    print('its own')\n",
        },
    )
    given = container("def f():\n    pass", packages=[f"headrace @ file://{package}"])
    result = await step(backend, given)
    assert result.state == "SUCCEEDED", result.failure
    assert objects.held[f"{PREFIX}log.txt"] == b"its own\n"
