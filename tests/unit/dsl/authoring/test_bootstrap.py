"""The command of lightweight components: known to the backend, and at home on others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from headrace.authoring import bootstrap
from headrace_executor.core.bootstrap import (
    Install,
    recognise,
    recognise_program,
    starts_own_module,
)

from tests.support.deployment import ROOT

KFP = ROOT / ".kfp"
ARGUMENTS = ("--executor_input", "{}", "--function_to_execute", "f")
FUNCTION = """\
def f(name: str, made: Output[Dataset]) -> str:
    from headrace import dsl as again
    with open(made.path, "w") as file:
        file.write(name)
    return f"Hello {name} {again.Dataset.schema_title} {dsl.get_uri.__module__}"
"""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ()),
        ({"use_venv": True}, ()),
        ({"install_kfp": False}, ()),
        ({"kfp_package_path": "git+https://example.org/kfp.git@refs/pull/1/merge"}, ()),
        (
            {"packages": ["pandas>=2,<3", 'dated; python_version < "3.9"', "quoted; extra == 'x'"]},
            (Install(("pandas>=2,<3", 'dated; python_version < "3.9"', "quoted; extra == 'x'")),),
        ),
        ({"packages": ["a"], "install_kfp": False}, (Install(("a",)),)),
        ({"packages": ["a"], "use_venv": True}, (Install(("a",)),)),
        ({"packages": ["kfp==2.17.3"]}, (Install(("kfp==2.17.3",)),)),
        (
            {
                "packages": ["a"],
                "options": bootstrap.index_options(["https://a/simple", "https://b/simple"]),
            },
            (
                Install(
                    ("a",),
                    (
                        "--index-url",
                        "https://a/simple",
                        "--extra-index-url",
                        "https://b/simple",
                        "--trusted-host",
                        "https://a/simple",
                        "--trusted-host",
                        "https://b/simple",
                    ),
                ),
            ),
        ),
        (
            {"packages": ["a"], "options": bootstrap.index_options(["https://a/simple"], [])},
            (Install(("a",), ("--index-url", "https://a/simple")),),
        ),
        (
            {"packages": ["a"], "options": bootstrap.index_options(["https://a/simple"], ["a"])},
            (Install(("a",), ("--index-url", "https://a/simple", "--trusted-host", "a")),),
        ),
    ],
)
def test_the_executor_service_recognises_every_command(
    settings: dict[str, Any], expected: tuple[Install, ...]
) -> None:
    argv = (*bootstrap.lightweight_command("the source", **settings), *ARGUMENTS)
    found = recognise(argv)
    assert found is not None
    assert found.requirement_set.installs == expected
    program = recognise_program(found.argv)
    assert program is not None
    assert (program.source, program.module) == ("the source", "headrace.component")
    assert program.arguments == ARGUMENTS
    assert program.env == {"_KFP_RUNTIME": "true"}
    assert starts_own_module(found.argv)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("export PIP_DISABLE_PIP_VERSION_CHECK=1\n", ""),
        ("export PIP_DISABLE_PIP_VERSION_CHECK=1\n", "export PIP_DISABLE_PIP_VERSION_CHECK=2\n"),
        ("import headrace.component' 2>", "import headrace.compiler' 2>"),
        ("{ python3 -c", "{ python3.9 -c"),
        ("; }", "; echo; }"),
        ("; }", "; } || true"),
        (" || python3", " || rm -rf x || python3"),
        ("printf", "echo"),
        ("module=kfp.dsl", "module=my.dsl"),
        ("_KFP_RUNTIME=true", "DEBUG=1"),
        ('"$@"\n', '"$@" && echo done\n'),
    ],
)
def test_a_command_that_is_only_similar_is_not_recognised(old: str, new: str) -> None:
    argv = [*bootstrap.lightweight_command("the source", packages=["a"]), *ARGUMENTS]
    changed = tuple(word.replace(old, new) for word in argv)
    assert tuple(argv) != changed
    found = recognise(changed)
    assert found is None or recognise_program(found.argv) is None


def test_the_install_of_kfp_is_only_skipped_for_the_sdks_own_command() -> None:
    command = bootstrap.lightweight_command("the source")
    theirs = ("sh", "-ec", "the program", "the source")
    assert recognise((*command[:3], *theirs, *ARGUMENTS)) is None


def test_typing_is_imported_only_when_used() -> None:
    assert "from typing" not in bootstrap.source(
        "def f(x: Input[Dataset]) -> str:\n    return ''\n"
    )
    assert "from typing import *" in bootstrap.source("def f(x: Input[List[Dataset]]):\n    pass\n")
    one = "def g(x: Optional[str]):\n    pass\n"
    assert "from typing import *" in bootstrap.source("def f():\n    g()\n", additional=[one])


def test_the_name_kfp_is_defined_only_when_used() -> None:
    """As with ``import headrace as kfp``, an import switch in one line."""
    function = "def f(x: kfp.dsl.Input[kfp.dsl.Dataset]) -> str:\n    return x.uri\n"
    assert "kfp = headrace\n" in bootstrap.source(function)
    assert "kfp = headrace\n" not in bootstrap.source("def f() -> str:\n    return ''\n")


def test_the_parts_of_a_source_are_in_order() -> None:
    source = bootstrap.source(
        "def f():\n    g()\n",
        additional=["def g():\n    pass\n"],
        imports=["from own import Type"],
        helper="ASSET_FILE = None\n",
    )
    places = [source.index(word) for word in ("from own", "def g", "ASSET_FILE", "def f")]
    assert places == sorted(places)
    compile(source, "source", "exec")


def run(command: list[str], folder: Path, path: str, **env: str) -> dict[str, Any]:
    """Run a whole command by its shells, as a backend does that knows nothing of it."""
    executor_input = {
        "inputs": {"parameterValues": {"name": 'a"$b\n'}},
        "outputs": {
            "artifacts": {
                "made": {
                    "artifacts": [
                        {
                            "name": "made",
                            "type": {"schemaTitle": "system.Dataset"},
                            "uri": str(folder / "made"),
                        }
                    ]
                }
            },
            "outputFile": str(folder / "output.json"),
        },
    }
    words = [json.dumps(executor_input) if word == "{{$}}" else word for word in command]
    done = subprocess.run(
        words,
        env={"PATH": f"{path}:/usr/local/bin:/usr/bin:/bin", "TMPDIR": str(folder), **env},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "made").read_text() == 'a"$b\n'
    output: dict[str, Any] = json.loads((folder / "output.json").read_text())
    return output


def test_the_command_runs_with_an_installed_headrace(tmp_path: Path) -> None:
    source = bootstrap.source(FUNCTION)
    command = [*bootstrap.lightweight_command(source), *bootstrap.arguments("f")]
    path = os.path.dirname(sys.executable)
    greeting = run(command, tmp_path, path)["parameterValues"]["Output"]
    assert greeting == 'Hello a"$b\n system.Dataset headrace.step.artifacts'


@pytest.mark.skipif(not KFP.exists(), reason="`make kfp` installs the SDK")
def test_the_command_runs_with_kfp_when_headrace_is_missing(tmp_path: Path) -> None:
    source = bootstrap.source(FUNCTION)
    command = bootstrap.lightweight_command(source, install_kfp=False)
    output = run([*command, *bootstrap.arguments("f")], tmp_path, str(KFP / "bin"))
    greeting = output["parameterValues"]["Output"]
    assert greeting == 'Hello a"$b\n system.Dataset kfp.dsl.types.artifact_types'


@pytest.mark.skipif(not KFP.exists(), reason="`make kfp` installs the SDK")
def test_kfp_is_installed_when_headrace_is_missing(tmp_path: Path) -> None:
    """pip is stood in for: what it is asked for is what counts."""
    tools = tmp_path / "tools"
    tools.mkdir()
    python = tools / "python3"
    python.write_text(
        '#!/bin/sh\nif [ "$2" = pip ]; then echo "$@" >> "$ASKED"; exit 0; fi\n'
        f'exec {KFP}/bin/python3 "$@"\n'
    )
    (tools / "pip").write_text("#!/bin/sh\n")
    for tool in (python, tools / "pip"):
        tool.chmod(0o755)
    command = bootstrap.lightweight_command(
        bootstrap.source(FUNCTION),
        packages=["a>=1"],
        options=bootstrap.index_options(["https://a/simple"]),
    )
    asked = tmp_path / "asked"
    run([*command, *bootstrap.arguments("f")], tmp_path, str(tools), ASKED=str(asked))
    install = "-m pip install --quiet --no-warn-script-location --index-url https://a/simple"
    trusted = "--trusted-host https://a/simple"
    assert asked.read_text().splitlines() == [
        f"{install} {trusted} a>=1",
        f"{install} {trusted} kfp==2.17.3 --no-deps "
        'typing-extensions>=3.7.4,<5; python_version<"3.9"',
    ]
