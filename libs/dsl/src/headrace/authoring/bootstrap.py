"""The source and the command of a lightweight Python component, as written into its executor.

The same command runs on every backend. If the step can import `headrace.component`, that executes
the function: Headrace provides it and installs only the component's own packages. Otherwise the
command installs kfp, which executes the function. Headrace's executor recognises the command by its
exact text (`headrace_executor`'s module `bootstrap`): a change here needs a change there, which has
to keep recognising the older text.
"""

from __future__ import annotations

import os
import re
import shlex
import typing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MODULE = "headrace.component"
EXECUTOR_INPUT = "{{$}}"
KFP_VERSION = "2.17.3"
"""The kfp version that executes a function where headrace is missing; `step.executor` behaves like
its executor."""

_HEADER = """\
try:
    import headrace
    from headrace import dsl
    from headrace.dsl import *
except ImportError:  # executed by kfp
    import sys as _sys
    import kfp as headrace
    from kfp import dsl
    from kfp.dsl import *
    _sys.modules['headrace'] = headrace
    _sys.modules['headrace.dsl'] = dsl
"""
"""Imports the SDK's names for the function, and makes ``from headrace import dsl`` work in it."""

_PIP_CHECK = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
"""
_USE_VENV = """\
tmp=$(mktemp -d)
python3 -m venv "$tmp/venv" --system-site-packages
. "$tmp/venv/bin/activate"
"""
_HAS_HEADRACE = "python3 -c 'import headrace.component' 2>/dev/null"
_RUN = """\
program_path=$(mktemp -d)

printf "%s" "$0" > "$program_path/ephemeral_component.py"
module=headrace.component
python3 -c 'import headrace.component' 2>/dev/null || module=kfp.dsl.executor_main
_KFP_RUNTIME=true python3 -m "$module" --component_module_path \
"$program_path/ephemeral_component.py" "$@"
"""
_WORD = re.compile(r"\w+")


def source(
    function: str,
    *,
    additional: Sequence[str] = (),
    imports: Sequence[str] = (),
    helper: str = "",
) -> str:
    """The source of a lightweight component's module.

    Args:
        function: The function's source without decorators.
        additional: The sources of other functions that it calls.
        imports: Statements that import the author's own artifact classes.
        helper: Source that has to run first, created by `authoring.embedded`.
    """
    parts = [*additional, *([helper] if helper else []), function]
    text = "\n\n\n".join(part.strip("\n") for part in parts)
    lines = [_HEADER.rstrip()]
    words = set(_WORD.findall(text))
    if "kfp" in words:  # the author may write ``import headrace as kfp``
        lines.append("kfp = headrace")
    if not _TYPING_NAMES.isdisjoint(words):
        lines.append("from typing import *")
    return "\n" + "\n".join([*lines, *imports]) + f"\n\n{text}\n"


_TYPING_NAMES = frozenset(typing.__all__)
"""A function that uses none of these names does not import `typing`, which takes long."""


def lightweight_command(
    source: str,
    packages: Sequence[str] | None = None,
    options: str = "",
    install_kfp: bool = True,
    kfp_package_path: str | None = None,
    use_venv: bool = False,
) -> list[str]:
    """The command of a component whose module is part of the command.

    Args:
        source: The module's source, as returned by `source`.
        packages: The packages to install, as pip requirements.
        options: Options of pip, as returned by `index_options`.
        install_kfp: Whether to install kfp where headrace is missing; ignored when `packages`
            contain kfp.
        kfp_package_path: What to install as kfp instead of `KFP_VERSION`.
        use_venv: Whether to install packages into a separate virtual environment. Headrace always
            does.
    """
    installs = [_install(packages, options)] if packages else []
    if install_kfp and not any(str(package).startswith("kfp") for package in packages or ()):
        installs.append(f"{{ {_HAS_HEADRACE} || {_install(_kfp(kfp_package_path), options)}; }}")
    first: list[str] = []
    if installs:
        steps = " && ".join([*installs, '"$0" "$@"'])
        first = ["sh", "-c", f"{_PIP_CHECK}{_USE_VENV if use_venv else ''}{steps}\n"]
    return [*first, "sh", "-ec", _RUN, source]


def containerized_command() -> list[str]:
    """The command of a component whose module is part of its image."""
    return ["python3", "-m", MODULE]


def arguments(function_name: str) -> list[str]:
    """The arguments of both commands."""
    return ["--executor_input", EXECUTOR_INPUT, "--function_to_execute", function_name]


def index_options(
    urls: Sequence[str] | None = None, trusted_hosts: Sequence[str] | None = None
) -> str:
    """Options of pip for package indexes, followed by a space.

    Args:
        urls: The indexes; the first one replaces the default index.
        trusted_hosts: Hosts that pip trusts without a valid certificate; None trusts the indexes.
    """
    if not urls:
        return ""
    options = ["--index-url", urls[0]]
    for url in urls[1:]:
        options += ["--extra-index-url", url]
    for host in urls if trusted_hosts is None else trusted_hosts:
        options += ["--trusted-host", host]
    return shlex.join(options) + " "


def _kfp(path: str | None) -> list[str]:
    if path is None:
        typing_extensions = 'typing-extensions>=3.7.4,<5; python_version<"3.9"'
        return [f"kfp=={KFP_VERSION}", "--no-deps", typing_extensions]
    return [path, "--no-deps"] if os.path.exists(path) or "@refs/pull/" in path else [path]


def _install(packages: Sequence[str], options: str) -> str:
    names = " ".join(_quoted(package) for package in packages)
    return f"python3 -m pip install --quiet --no-warn-script-location {options}{names}"


def _quoted(word: str) -> str:
    return "'" + str(word).replace("'", "'\"'\"'") + "'"
