"""The rules by which sources are chosen, get arguments and are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headrace.authoring.bootstrap import lightweight_command

from tests.mutual.arguments import required
from tests.mutual.constructs import constructs, selection
from tests.mutual.results import differences
from tests.mutual.sources import Source, hindrance, sources

STEP = "def f(): pass"


def _ir(container: dict[str, Any], **root: Any) -> dict[str, Any]:
    task = {"componentRef": {"name": "comp-step"}, "taskInfo": {"name": "step"}}
    return {
        "components": {"comp-step": {"executorLabel": "exec-step"}},
        "deploymentSpec": {"executors": {"exec-step": {"container": container}}},
        "root": {"dag": {"tasks": {"step": task}}, **root},
    }


@pytest.mark.parametrize(
    ("ir", "reason"),
    [
        (_ir({"image": "alpine", "command": ["no-such-program"]}), None),
        (_ir({"command": lightweight_command(STEP)}), None),
        (
            _ir({"command": lightweight_command(STEP, packages=["six", "kfp"])}),
            "installs six",
        ),
        (
            _ir({"command": ["python3", "-m", "kfp.dsl.executor_main"]}),
            "needs an image that has kfp",
        ),
        (_ir({"image": "argostub/createpvc"}), "needs Kubernetes (argostub/createpvc)"),
        (
            _ir({"image": "alpine"}, inputDefinitions={"artifacts": {"data": {}}}),
            "takes an artifact, which a run cannot be given",
        ),
        (
            {"components": {}, "root": _ir({})["root"]},
            "kfp compiles it to dangling references",
        ),
    ],
)
def test_a_source_that_cannot_run_has_a_reason(ir: dict[str, Any], reason: str | None) -> None:
    assert hindrance(ir) == reason


def test_required_parameters_get_arguments_of_their_types() -> None:
    parameters = {
        "text": {"parameterType": "STRING"},
        "words": {"parameterType": "STRING"},
        "numbers": {"parameterType": "LIST"},
        "optional": {"parameterType": "STRING", "isOptional": True},
        "given": {"parameterType": "STRING", "defaultValue": ""},
    }
    ir = _ir({}, inputDefinitions={"parameters": parameters})
    assert required(ir) == {"text": "a", "words": "a", "numbers": [1, 2]}


def test_a_difference_has_its_path() -> None:
    theirs = {"tasks": {"root/a": {"state": "SUCCEEDED", "outputs": {"n": 1, "same": [1]}}}}
    ours = {"tasks": {"root/a": {"state": "SUCCEEDED", "outputs": {"n": 1.0, "same": [1]}}}}
    found = [*differences(theirs, ours), *differences({}, {"error": "no"})]
    assert [str(each) for each in found] == [
        "tasks.root/a.outputs.n: 1 by kfp, 1.0 by headrace",
        'error: null by kfp, "no" by headrace',
    ]
    assert [each.reason for each in found] == [None, None]


def test_a_known_difference_matches_both_texts() -> None:
    theirs = "'ClassificationMetrics' object has no attribute '_categories'"
    (found,) = differences(theirs, "ValueError: The confusion matrix has no categories: call")
    assert found.reason is not None
    (found,) = differences(theirs, "something else")
    assert found.reason is None


def test_the_selection_is_small_and_has_every_construct(
    compiled: dict[str, Path],
) -> None:
    found = list(sources(compiled))
    chosen = selection(found)
    of_all, of_chosen = (
        set().union(*(constructs(source.packages["kfp"]) for source in each))
        for each in (found, chosen)
    )
    assert of_chosen == of_all
    assert len(chosen) < len(found) / 5


def test_constructs_are_fields_without_users_names() -> None:
    parameters = {"mine": {"parameterType": "STRING"}}
    found = constructs(
        {"components": {"comp-mine": {"parameters": parameters, "steps": [{"a": 1}]}}}
    )
    assert found == {
        ".components.*.parameters.*.parameterType",
        ".components.*.parameters.*.parameterType=STRING",
        ".components.*.steps[].a",
    }


def test_a_package_never_uses_the_cache() -> None:
    packages = {sdk: {"ir": _ir({}), "platform": {}} for sdk in ("kfp", "headrace")}
    source = Source("a", packages, {"options": {"caching": True}})
    assert source.request("kfp")["caching"] is False
