"""Which commands are known as KFP's lightweight components, to the last word."""

from __future__ import annotations

import pytest
from headrace_executor.core.bootstrap import Install, recognise, recognise_program

CHECK = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

"""
PIP = "python3 -m pip install --quiet --no-warn-script-location "
VENV = (
    "\nexport PIP_DISABLE_PIP_VERSION_CHECK=1\n"
    "tmp=$(mktemp -d)\n"
    'python3 -m venv "$tmp/venv" --system-site-packages\n'
    '. "$tmp/venv/bin/activate"\n'
)
KFP = "'kfp==2.17.3' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'"
KFP_INSTALL = Install(
    ("kfp==2.17.3", 'typing-extensions>=3.7.4,<5; python_version<"3.9"'), ("--no-deps",)
)
INNER = ("sh", "-ec", "the program", "the source", "--executor_input", "{}")


def bootstrap(installs: str, assignment: str = "PIP_DISABLE_PIP_VERSION_CHECK=1 ") -> str:
    return f'{CHECK}{assignment}{installs} && "$0" "$@"\n'


@pytest.mark.parametrize(
    ("installs", "expected"),
    [
        (PIP + KFP, (KFP_INSTALL,)),
        (PIP + "'kfp==2.0.1'", (Install(("kfp==2.0.1",)),)),
        (
            f"{PIP}'pandas>=2' 'numpy'  &&  {PIP}{KFP}",
            (Install(("pandas>=2", "numpy")), KFP_INSTALL),
        ),
        (f"{VENV} {PIP}{KFP}", (KFP_INSTALL,)),
        (f"{PIP}'a'  &&  {VENV} {PIP}{KFP}", (Install(("a",)), KFP_INSTALL)),
        (
            f"{PIP}--index-url https://a/simple --extra-index-url https://b/simple "
            "--trusted-host https://a/simple --trusted-host https://b/simple 'a'",
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
            f"{PIP}'git+https://example.org/kfp.git@refs/pull/1/merge' '--no-deps'",
            (Install(("git+https://example.org/kfp.git@refs/pull/1/merge",), ("--no-deps",)),),
        ),
    ],
)
def test_a_bootstrap_is_recognised(installs: str, expected: tuple[Install, ...]) -> None:
    found = recognise(("sh", "-c", bootstrap(installs), *INNER))
    assert found is not None
    assert found.requirement_set.installs == expected
    assert found.argv == INNER


@pytest.mark.parametrize(
    "script",
    [
        bootstrap(f"{PIP}'a' && rm -rf x"),
        bootstrap(f"{PIP}'a'; true"),
        bootstrap(f"{PIP}$PACKAGE"),
        bootstrap(f"{PIP}`cat packages`"),
        bootstrap(f"{PIP}--target /x 'a'"),
        bootstrap(f"{PIP}'--no-deps'"),
        bootstrap(PIP.replace("python3", "python3.9") + "'a'"),
        bootstrap(f"{PIP}'a'") + "echo done\n",
        "set -x\n" + bootstrap(f"{PIP}'a'"),
        bootstrap(f"{PIP}'a'").replace('"$@"', "$@"),
        bootstrap(f"{PIP}'a'").replace("apt-get", "yum"),
        f'{PIP}\'a\' && "$0" "$@"',
        "",
    ],
)
def test_an_altered_bootstrap_is_run_as_it_is(script: str) -> None:
    assert recognise(("sh", "-c", script, *INNER)) is None


def test_only_a_shell_is_a_bootstrap() -> None:
    script = bootstrap(PIP + KFP)
    assert recognise(("bash", "-c", script, *INNER)) is None
    assert recognise(("sh", "-c", script)) is None
    assert recognise(()) is None


START = (
    "program_path=$(mktemp -d)\n\n"
    'printf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main                         "
    '--component_module_path                         "$program_path/ephemeral_component.py"'
    '                         "$@"\n'
)
OLD_START = (
    "program_path=$(mktemp -d)\n"
    'printf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "python3 -m kfp.components.executor_main                         "
    '--component_module_path                         "$program_path/ephemeral_component.py"'
    '                         "$@"\n'
)
WRAPPED_START = START.replace(" " * 25, " \\\n    ")


@pytest.mark.parametrize(
    ("start", "module", "env"),
    [
        (START, "kfp.dsl.executor_main", {"_KFP_RUNTIME": "true"}),
        (OLD_START, "kfp.components.executor_main", {}),
        (WRAPPED_START, "kfp.dsl.executor_main", {"_KFP_RUNTIME": "true"}),
    ],
)
def test_a_program_is_recognised(start: str, module: str, env: dict[str, str]) -> None:
    found = recognise_program(("sh", "-ec", start, "the source", "--executor_input", "{}"))
    assert found is not None
    assert (found.source, found.module) == ("the source", module)
    assert found.arguments == ("--executor_input", "{}")
    assert found.env == env


@pytest.mark.parametrize(
    "start",
    [
        START + "echo done\n",
        "set -x\n" + START,
        START.replace("_KFP_RUNTIME=true", "DEBUG=1"),
        START.replace("python3 -m", "python3 -W error -m"),
        START.replace("python3", "python3.9"),
        START.replace("kfp.dsl", "my.dsl"),
        START.replace("executor_main", "executor_mainly"),
        START.replace('"$@"', '"$@" --more'),
        START.replace('"$@"', "$@"),
        START.replace("ephemeral_component", "component"),
        START.replace("\n_KFP", " && _KFP"),
        "",
    ],
)
def test_an_altered_program_is_run_as_it_is(start: str) -> None:
    assert recognise_program(("sh", "-ec", start, "the source")) is None


def test_a_containerized_component_is_run_as_it_is() -> None:
    argv = ("python3", "-m", "kfp.dsl.executor_main", "--executor_input", "{}")
    assert recognise(argv) is None
    assert recognise_program(argv) is None
    assert recognise_program(("sh", "-c", START, "the source")) is None
    assert recognise_program(("sh", "-ec", START)) is None
