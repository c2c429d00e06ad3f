"""The compiler: writes pipelines and components as IR."""

from __future__ import annotations

from headrace.authoring.compiler import Compiler
from headrace.ir.write import KubernetesManifestOptions

__all__ = ["Compiler", "KubernetesManifestOptions"]
