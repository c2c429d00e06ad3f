"""Components of the real KFP SDK, started as the backend starts them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.launches import ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_executor.backends.process.backend import ProcessBackend
from headrace_executor.backends.process.environments import EnvironmentStore, StepEnvironment
from headrace_executor.core.execution import Execution

from tests.support.deployment import ROOT
from tests.support.launches import (
    PREFIX,
    URI_PREFIX,
    Objects,
    Settings,
    Store,
    launch_command,
    run_on,
    serving,
)

KFP = ROOT / ".kfp"
pytestmark = pytest.mark.skipif(not KFP.exists(), reason="`make kfp` installs the SDK")

SOURCE = """
import json, warnings
from typing import List, NamedTuple, Optional
warnings.simplefilter("ignore")
from kfp import dsl, compiler
from kfp.dsl import Dataset, Input, InputPath, Model, Output, OutputPath

@dsl.component
def make() -> Dataset:
    made = Dataset(uri=dsl.get_uri("made"), metadata={"rows": 3})
    with open(made.path, "w") as file:
        file.write("rows")
    return made

@dsl.component
def use(text: str, data: Input[List[Dataset]], one: Input[Dataset], model: Output[Model],
        note: OutputPath(str), absent: Optional[str] = None
        ) -> NamedTuple("Made", [("n", int), ("d", dict), ("yes", bool)]):
    assert absent is None and one.metadata == {"rows": 3}, one.metadata
    with open(model.path, "w") as file:
        file.write("".join(open(a.path).read() for a in data) + open(one.path).read())
    model.metadata["loss"] = float("nan")
    model.framework = "none"
    with open(note, "w") as file:
        file.write(str(len(text)))
    return (len(data), {"a": [1.5]}, True)

@dsl.component
def elsewhere(model: Output[Model]):
    model.set_path(model.path + ".custom")
    with open(model.path, "w") as file:
        file.write("custom")

@dsl.component
def fail(n: int):
    raise ValueError(f"no such column {n}")

@dsl.pipeline
def everything():
    made = make()
    with dsl.ParallelFor([1, 2]):
        each = make()
    use(text="", data=dsl.Collected(each.output), one=made.output)
    elsewhere()
    fail(n=1)

compiler.Compiler().compile(everything, "everything.json")
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything, compiled."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "everything.py").write_text(SOURCE)
    python = str(KFP / "bin" / "python")
    subprocess.run([python, "everything.py"], cwd=folder, check=True, capture_output=True)
    compiled: dict[str, Any] = json.loads((folder / "everything.json").read_text())
    return compiled


@pytest.fixture
def objects() -> Iterator[Objects]:
    with serving() as running:
        yield running


@pytest.fixture
async def backend(
    tmp_path: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ProcessBackend]:
    """A backend that has the SDK's environment for everybody."""

    async def ensure(*_: object) -> StepEnvironment:
        return StepEnvironment(KFP)

    monkeypatch.setattr(EnvironmentStore, "ensure", ensure)
    made = ProcessBackend(Settings(tmp_path), Store(objects), "test")  # type: ignore[arg-type]
    yield made
    await made.close()


def launch(spec: dict[str, Any], name: str, **inputs: Any) -> LaunchAttempt:
    component = spec["components"][f"comp-{name}"]
    return launch_command(
        container=spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"],
        input_definitions=component.get("inputDefinitions", {}),
        output_definitions=component.get("outputDefinitions", {}),
        inputs=inputs,
    )


async def step(
    backend: ProcessBackend, spec: dict[str, Any], name: str, **inputs: Any
) -> ResultManifest:
    return await run_on(backend, Execution(launch(spec, name, **inputs), 1))


async def test_a_function_returns_an_artifact_that_it_created(
    backend: ProcessBackend, objects: Objects, spec: dict[str, Any]
) -> None:
    (made,) = (await step(backend, spec, "make")).artifacts["Output"]
    assert made.name == "Output"
    assert made.uri == f"{URI_PREFIX}{PREFIX}made"
    assert made.metadata == {"rows": 3}
    assert objects.held[f"{PREFIX}made"] == b"rows"


async def test_a_function_takes_lists_and_megabytes(
    backend: ProcessBackend, objects: Objects, spec: dict[str, Any]
) -> None:
    objects.held |= {"a/x": b"1", "b/x": b"2", "c/x": b"3"}
    one, *many = (
        {"name": "x", "uri": f"{URI_PREFIX}{n}/x", "metadata": {"rows": 3.0}} for n in "cab"
    )
    result = await step(
        backend,
        spec,
        "use",
        parameters={"text": "ö" * 1_000_000},
        artifacts={"data": many, "one": [one]},
    )
    assert result.state == "SUCCEEDED", result.failure
    assert result.parameters == {"n": 2, "d": {"a": [1.5]}, "yes": True, "note": "1000000"}
    (model,) = result.artifacts["model"]
    assert model.metadata == {"loss": "NaN", "framework": "none"}
    assert objects.held[f"{PREFIX}model"] == b"123"


async def test_a_custom_path_is_honoured(
    backend: ProcessBackend, objects: Objects, spec: dict[str, Any]
) -> None:
    (model,) = (await step(backend, spec, "elsewhere")).artifacts["model"]
    assert model.uri == f"{URI_PREFIX}{PREFIX}model"
    assert objects.held[f"{PREFIX}model"] == b"custom"


async def test_a_failure_message_begins_with_the_exception(
    backend: ProcessBackend, spec: dict[str, Any]
) -> None:
    result = await step(backend, spec, "fail", parameters={"n": 7.0})
    assert result.failure is not None
    assert result.failure.message.startswith("ValueError: no such column 7; the command exited")
