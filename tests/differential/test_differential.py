"""The real `kfp` and Headrace compile the same IR from one source."""

from __future__ import annotations

import json
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.differential.normal import inlined, normal
from tests.differential.soundness import faults
from tests.differential.switch import modules

MIN_PIPELINES = 120
MIN_REJECTIONS = 40
_UNCLEAN = {"AssertionError", "KeyError", "AttributeError", "IndexError", "UnboundLocalError"}
"""Errors of kfp where it does not validate; Headrace may raise any error."""


def _both(compiled: dict[str, Path], module: str) -> list[dict[str, Any]]:
    found = []
    for sdk in ("kfp", "headrace"):
        each = json.loads((compiled[sdk] / f"{module}.json").read_text())
        assert "failed" not in each, f"{sdk}: {each['failed']}"
        found.append(each)
    return found


@pytest.mark.parametrize("module", modules())
def test_the_ir_is_the_same(compiled: dict[str, Path], module: str) -> None:
    theirs, ours = _both(compiled, module)
    assert theirs["compiled"].keys() == ours["compiled"].keys()
    wrong = []
    for name, expected in theirs["compiled"].items():
        expected, got = normal(expected), normal(ours["compiled"][name])
        difference = _difference(name, expected, got)
        if difference and _difference(name, inlined(expected), inlined(got)):
            wrong += difference
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", modules())
def test_the_files_are_the_same(compiled: dict[str, Path], module: str) -> None:
    theirs, ours = _both(compiled, module)
    for name, text in theirs["written"].items():
        other = ours["written"][name]
        assert _head(text) == _head(other)
        for one, another in zip(_documents(text), _documents(other), strict=True):
            assert not _difference(name, one, another), name


@pytest.mark.parametrize("module", modules())
def test_definitions_that_kfp_rejects_are_rejected(compiled: dict[str, Path], module: str) -> None:
    theirs, ours = _both(compiled, module)
    wrong = []
    for name, expected in theirs["rejected"].items():
        got = ours["rejected"][name]
        kind = next(iter(expected["kinds"]), None)
        if kind is None:
            wrong.append(f"{name}: kfp accepts it")
        elif not got["kinds"]:
            wrong.append(f"{name}: accepted; kfp raises {kind}: {expected['message'][:200]}")
        elif kind not in _UNCLEAN | {"Exception"} and kind not in got["kinds"]:
            wrong.append(f"{name}: {got['kinds'][0]} ({got['message'][:200]}), kfp: {kind}")
        elif got["text"] not in got["message"]:
            wrong.append(f"{name}: {got['message']!r} does not contain {got['text']!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", modules())
def test_no_reference_is_dangling(compiled: dict[str, Path], module: str) -> None:
    _, ours = _both(compiled, module)
    for name, found in ours["compiled"].items():
        assert not faults(found["ir"]), name


def test_pipelines_beyond_kfp_compile_without_dangling_references(
    compiled: dict[str, Path],
) -> None:
    theirs, ours = _both(compiled, "tests.differential.pipelines.beyond_kfp")
    assert theirs["beyond_kfp"]
    for name, found in theirs["beyond_kfp"].items():
        assert "error" in found or faults(found["ir"]), f"kfp compiles {name}"
        assert "error" not in ours["beyond_kfp"][name], (name, ours["beyond_kfp"][name])
        assert not faults(ours["beyond_kfp"][name]["ir"]), name


def test_generated_pipelines_are_the_same(compiled: dict[str, Path]) -> None:
    theirs, ours = _both(compiled, "tests.differential.pipelines.generated")
    wrong, same = [], 0
    for seed, expected in theirs["generated"].items():
        got = ours["generated"][seed]
        if expected.get("kind", "AssertionError") != "AssertionError":
            wrong += [] if got.get("kind") == expected["kind"] else [f"{seed}: {expected['error']}"]
        elif "error" in got or faults(got["ir"]):
            wrong.append(f"{seed}: {got.get('error') or faults(got['ir'])}")
        elif "error" not in expected and not faults(expected["ir"]):
            same += 1
            wrong += _difference(seed, inlined(normal(expected)), inlined(normal(got)))
    assert not wrong, "\n".join(wrong)
    assert same > len(theirs["generated"]) / 2


_INNER = ("Component", "PipelineTask", "PipelineChannel", "Artifact")
"""Classes that users do not instantiate."""


def test_every_public_name_of_kfp_exists(compiled: dict[str, Path]) -> None:
    theirs, ours = (
        json.loads((compiled[sdk] / "surface.json").read_text()) for sdk in ("kfp", "headrace")
    )
    wrong = [f"{name} is missing" for name in theirs if name not in ours]
    for name, arguments in theirs.items():
        missing = [each for each in arguments if each not in ours.get(name, arguments)]
        if missing and not name.endswith(_INNER):
            wrong.append(f"{name} has no arguments {missing}")
    assert not wrong, "\n".join(wrong)


def test_the_suite_is_large_enough(compiled: dict[str, Path]) -> None:
    pipelines, rejections = set(), 0
    for module in modules():
        found, ours = _both(compiled, module)
        rejections += len(found["rejected"])
        for name, each in found["compiled"].items():
            tasks = each["ir"]["root"]["dag"]["tasks"]
            is_pipeline = list(tasks) != [each["ir"]["pipelineInfo"]["name"]]
            if is_pipeline and not _difference(name, normal(each), normal(ours["compiled"][name])):
                pipelines.add(json.dumps(each, sort_keys=True))
    assert len(pipelines) >= MIN_PIPELINES
    assert rejections >= MIN_REJECTIONS


def _difference(name: str, expected: Any, got: Any) -> list[str]:
    """The lines that differ; none when both are the same, including the type of each number."""
    if json.dumps(expected, sort_keys=True) == json.dumps(got, sort_keys=True):
        return []
    lines = [yaml.safe_dump(each).splitlines() for each in (expected, got)]
    return [name, *list(unified_diff(*lines, "kfp", "headrace", lineterm=""))[:80]]


def _head(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def _documents(text: str) -> list[Any]:
    """The documents of a file, with IR and platform spec in comparable form."""
    found = list(yaml.safe_load_all(text))
    if "pipelineInfo" in found[0]:
        return [inlined(normal({"ir": found[0], "platform": ([*found, {}])[1]})), len(found)]
    for document in found:
        if "pipelineSpec" in document["spec"]:
            compiled = {"ir": document["spec"]["pipelineSpec"], "platform": {}}
            document["spec"]["pipelineSpec"] = normal(compiled)["ir"]
    return found
