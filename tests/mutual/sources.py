"""The sources that both SDKs compile: two packages each, which have to have the same result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace_executor.core.bootstrap import recognise

from tests.differential.soundness import faults
from tests.differential.switch import modules
from tests.mutual.arguments import required

SDKS = ("kfp", "headrace")


@dataclass(frozen=True)
class Source:
    """A pipeline or component of the suites."""

    name: str
    """Its module, and its name in the module."""
    packages: Mapping[str, dict[str, Any]]
    """IR and platform spec, by SDK."""
    case: Mapping[str, Any]
    """Arguments and options when it is a case of the conformance suite; else empty."""

    @property
    def ir(self) -> dict[str, Any]:
        """The IR that the real kfp compiles."""
        ir: dict[str, Any] = self.packages["kfp"]["ir"]
        return ir

    def request(self, sdk: str) -> dict[str, Any]:
        """The submit request for the package of one SDK, without arguments. It does not use the
        cache, which would give the second package the results of the first."""
        package = self.packages[sdk]
        documents = [package["ir"], *([package["platform"]] if package["platform"] else ())]
        return {
            "package": "\n---\n".join(json.dumps(document) for document in documents),
            "display_name": self.name,
            **self.case.get("options", {}),
            "caching": False,
        }

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of its runs."""
        given: dict[str, Any] = self.case.get("args", {})
        return given or required(self.ir)


def sources(compiled: Mapping[str, Path]) -> Iterator[Source]:
    """Each source that kfp compiles, without duplicates. Of the conformance suite only the cases,
    since its components are not meant to run on their own. `compiled`: the folders of the SDKs."""
    seen: set[str] = set()
    for module in modules():
        theirs, ours = (json.loads((compiled[sdk] / f"{module}.json").read_text()) for sdk in SDKS)
        short = module.removeprefix("tests.").replace(".pipelines.", ".")
        for kind in ("compiled", "generated"):
            for name, package in theirs[kind].items():
                text = json.dumps(package, sort_keys=True)
                is_alone = short.startswith("conformance.") and name not in theirs["cases"]
                if "error" in package or is_alone or text in seen:
                    continue
                seen.add(text)
                packages = {"kfp": package, "headrace": ours[kind][name]}
                yield Source(f"{short}.{name}", packages, theirs["cases"].get(name, {}))


def hindrance(ir: dict[str, Any]) -> str | None:
    """Why a package cannot run on a machine without a network and a cluster, or need not; None when
    it can."""
    if faults(ir):
        return "kfp compiles it to dangling references"
    if ir["root"].get("inputDefinitions", {}).get("artifacts"):
        return "takes an artifact, which a run cannot be given"
    for executor in ir.get("deploymentSpec", {}).get("executors", {}).values():
        container = executor.get("container", {})
        if container.get("image", "").startswith("argostub/"):
            return f"needs Kubernetes ({container['image']})"
        needed = _needed(tuple(container.get("command", ())))
        if needed:
            return needed
    return None


def _needed(command: tuple[str, ...]) -> str | None:
    """What a Python component needs that this machine lacks; None when it lacks nothing."""
    bootstrap = recognise(command)
    names = bootstrap.requirement_set.requirements if bootstrap else ()
    others = [name for name in names if not name.startswith(("kfp", "typing-extensions"))]
    if others:
        return f"installs {', '.join(others)}"
    if "-m kfp.dsl.executor_main" in " ".join(command) and not names:
        return "needs an image that has kfp"
    return None
