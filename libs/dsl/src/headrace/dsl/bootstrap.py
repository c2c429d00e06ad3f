"""The command of a component that is a Python function.

One text serves two places. Where the package `headrace.component` can be imported, as in every
step that Headrace runs, the function is run by it and nothing is installed. Elsewhere, as on
Kubeflow Pipelines, kfp is installed and its executor runs the function. The function's own packages
are installed first in either case, by the line that kfp writes for them.

Source of kfp's lines: `kfp.dsl.component_factory` of KFP 2.17.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

KFP_VERSION = "2.17.3"
"""The kfp that a step installs where there is no Headrace."""
EXECUTOR_INPUT = "{{$}}"

_PIP = """if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi
"""
_INSTALL = """
{pip}
PIP_DISABLE_PIP_VERSION_CHECK=1 {install} && "$0" "$@"
"""
_VENV = """export PIP_DISABLE_PIP_VERSION_CHECK=1
tmp=$(mktemp -d)
python3 -m venv "$tmp/venv" --system-site-packages
. "$tmp/venv/bin/activate"
"""
_START = """program_path=$(mktemp -d)

printf "%s" "$0" > "$program_path/ephemeral_component.py"
if python3 -c "import headrace.component.main" > /dev/null 2>&1; then
    export _HEADRACE_RUNTIME=true
    exec python3 -m headrace.component \
--component_module_path "$program_path/ephemeral_component.py" "$@"
fi
{install}_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main \
--component_module_path "$program_path/ephemeral_component.py" "$@"
"""
_CONTAINERIZED = """if python3 -c "import headrace.component.main" > /dev/null 2>&1; then
    export _HEADRACE_RUNTIME=true
    exec python3 -m headrace.component "$@"
fi
exec python3 -m kfp.dsl.executor_main "$@"
"""

HEADER = """
import os as _os

if _os.environ.get("_KFP_RUNTIME") == "true":
    import kfp
    from kfp import dsl
    from kfp.dsl import *
else:
    import headrace
    from headrace import dsl
    from headrace.dsl import *
from typing import *
"""
"""What a component's source begins with: the names that its function may use."""


def index_options(urls: Sequence[str] | None, trusted_hosts: Sequence[str] | None) -> str:
    """The options of pip for package indexes, with a space at their end; empty without any.

    Without `trusted_hosts` the indexes themselves are trusted; an empty list trusts none.
    """
    if not urls:
        return ""
    options = [f"--index-url {urls[0]}", *(f"--extra-index-url {url}" for url in urls[1:])]
    hosts = urls if trusted_hosts is None else trusted_hosts
    options += [f"--trusted-host {host}" for host in hosts]
    return " ".join(options) + " "


def _install(packages: Sequence[str], options: str) -> str:
    names = " ".join(repr(str(package)) for package in packages)
    return f"python3 -m pip install --quiet --no-warn-script-location {options}{names}"


def lightweight_command(
    source: str,
    packages: Sequence[str] | None = None,
    options: str = "",
    install_kfp: bool = True,
    kfp_package_path: str | None = None,
    use_venv: bool = False,
) -> list[str]:
    """The command of a component whose source is in the command itself.

    Args:
        source: The source, with `HEADER` before it.
        packages: What the function needs, as pip's requirements.
        options: What `index_options` gives.
        install_kfp: Whether kfp is installed where there is no Headrace.
        kfp_package_path: What is installed as kfp, instead of the release.
        use_venv: Whether kfp is installed into an environment of its own.
    """
    command: list[str] = []
    if packages:
        command += ["sh", "-c", _INSTALL.format(pip=_PIP, install=_install(packages, options))]
    fallback = ""
    if install_kfp and not any(str(package).startswith("kfp") for package in packages or ()):
        venv = _VENV if use_venv else ""
        install = _install(_kfp(kfp_package_path), options)
        fallback = f"{_PIP}{venv}PIP_DISABLE_PIP_VERSION_CHECK=1 {install}\n"
    return [*command, "sh", "-ec", _START.format(install=fallback), source]


def containerized_command() -> list[str]:
    """The command of a component whose function is in the image."""
    return ["sh", "-ec", _CONTAINERIZED, "sh"]


def arguments(function_name: str) -> list[str]:
    """The arguments of either command."""
    return ["--executor_input", EXECUTOR_INPUT, "--function_to_execute", function_name]


def _kfp(path: str | None) -> list[str]:
    if not path:
        return [
            f"kfp=={KFP_VERSION}",
            "--no-deps",
            'typing-extensions>=3.7.4,<5; python_version<"3.9"',
        ]
    return [path, "--no-deps"] if os.path.exists(path) or "@refs/pull/" in path else [path]
