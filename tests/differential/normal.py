"""Removes what may differ between the IR that two SDKs compile from one source.

These are the SDK's version, the commands that start a Python component and unpack its embedded
files, and the descriptions of the two components of `kubernetes`.
"""

from __future__ import annotations

import base64
import copy
import io
import re
import tarfile
from typing import Any

_INSTALL = re.compile(r"python3 -m pip install --quiet --no-warn-script-location .*")
_KFP_ITSELF = "'--no-deps' 'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'"
_HEADS = (
    "\nimport kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\n",
    "\ntry:\n    import headrace\n    from headrace import dsl\n    from headrace.dsl import *\n"
    "except ImportError:  # executed by kfp\n    import sys as _sys\n    import kfp as headrace\n"
    "    from kfp import dsl\n    from kfp.dsl import *\n"
    "    _sys.modules['headrace'] = headrace\n    _sys.modules['headrace.dsl'] = dsl\n",
)
_ARCHIVE = re.compile(r"__KFP_EMBEDDED_ARCHIVE_B64 = ['\"](?P<archive>[\w+/=]+)['\"]")
_MODULES = ("kfp.dsl.executor_main", "headrace.component")
_STARTS = (*(f"python3 -m {module}" for module in _MODULES), 'python3 -m "$module"')


def normal(compiled: dict[str, Any]) -> dict[str, Any]:
    """IR and platform spec without what may differ."""
    compiled = copy.deepcopy(compiled)
    ir = compiled["ir"]
    ir.pop("sdkVersion", None)
    executors = ir.get("deploymentSpec", {}).get("executors", {})
    for executor in executors.values():
        container = executor.get("container", {})
        if "command" in container:
            container["command"] = _command(container["command"])
    for component in [ir["root"], *ir.get("components", {}).values()]:
        label = component.get("executorLabel", "")
        image = executors.get(label, {}).get("container", {}).get("image", "")
        if image.startswith("argostub/") or ir["pipelineInfo"]["name"].endswith("pvc"):
            for side in ("inputDefinitions", "outputDefinitions"):
                for parameter in component.get(side, {}).get("parameters", {}).values():
                    parameter.pop("description", None)
    return compiled


def _command(command: list[str]) -> list[str]:
    if any(start in each for each in command for start in _STARTS) or (command[-1] in _MODULES):
        source = command[-1] if command[-1].startswith(_HEADS) else ""
        for head in _HEADS:
            source = source.removeprefix(head)
        source = source.removeprefix("kfp = headrace\n")
        source = source.removeprefix(
            "from typing import *\n"
        )  # Headrace has it only where it is used
        return ["<start>", *_packages(command), *_source(source)]
    return command


def _source(source: str) -> list[str]:
    """The source, and the names and contents of the embedded files."""
    archive = _ARCHIVE.search(source)
    if archive is None:
        return [source.strip()]
    # the code that unpacks the files is between the archive and the component's function
    function = source[source.rindex("\ndef ") :].strip()
    return [function, *_files(archive["archive"])]


def _files(archive: str) -> list[str]:
    packed = io.BytesIO(base64.b64decode(archive))
    with tarfile.open(fileobj=packed, mode="r:gz") as files:
        members = sorted(files.getmembers(), key=lambda each: each.name)
        contents = [(each.name, files.extractfile(each)) for each in members]
        return [f"{name}: {file.read()!r}" if file else name for name, file in contents]


def _packages(command: list[str]) -> list[str]:
    """The command that installs the component's packages."""
    if command[:2] != ["sh", "-c"]:
        return []
    lines = [_INSTALL.search(part) for part in command[2].split("&&")]
    return [line[0].strip() for line in lines if line and _KFP_ITSELF not in line[0]]


def inlined(compiled: dict[str, Any]) -> Any:
    """The IR with each component and executor in the place of its name.

    kfp names those of inner pipelines in the order of a map, which differs from run to run.
    """
    ir = compiled["ir"]
    executors = ir.get("deploymentSpec", {}).get("executors", {})
    platforms = compiled["platform"].get("platforms", {})

    def component(found: dict[str, Any]) -> dict[str, Any]:
        written = {**found}
        label = written.pop("executorLabel", None)
        if label:
            written["executor"] = executors[label]
            written["settings"] = {
                name: spec.get("deploymentSpec", {}).get("executors", {}).get(label)
                for name, spec in platforms.items()
            }
        if "dag" in written:
            tasks = written["dag"]["tasks"].items()
            written["dag"] = {**written["dag"], "tasks": {name: task(each) for name, each in tasks}}
        return written

    def task(found: dict[str, Any]) -> dict[str, Any]:
        return {**found, "componentRef": component(ir["components"][found["componentRef"]["name"]])}

    whole = {name: spec.get("pipelineConfig") for name, spec in platforms.items()}
    rest = {key: each for key, each in ir.items() if key not in ("components", "deploymentSpec")}
    return {**rest, "root": component(ir["root"]), "platforms": whole}
