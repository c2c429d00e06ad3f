"""The import paths of the SDK that pipelines, programs and compiled packages contain."""

from __future__ import annotations

from importlib import import_module

import pytest

PATHS = {
    "headrace": "dsl compiler components kubernetes gcp Client AsyncClient __version__",
    "headrace.dsl": "component pipeline PipelineTask PipelineChannel Collected OneOf run_notebook "
    "PIPELINE_JOB_ID_PLACEHOLDER ContainerOp PipelineConf RUN_ID_PLACEHOLDER Sidecar",
    "headrace.dsl.errors": "InconsistentTypeException InconsistentTypeWarning "
    "InvalidControlFlowException InvalidTopologyException",
    "headrace.compiler": "Compiler KubernetesManifestOptions",
    "headrace.components": "load_component_from_text BaseComponent PythonComponent YamlComponent",
    "headrace.kubernetes": "mount_pvc CreatePVC DeletePVC use_secret_as_env set_timeout",
    "headrace.gcp": "use_gcp_secret use_preemptible_nodepool use_tpu",
    "headrace.v1.refused": "NotInIRError",
    "headrace.client": "Client AsyncClient ClientError RunFailedError Patience Run FINAL in_order",
    "headrace.client.errors": "ClientError RunFailedError",
    "headrace.component": "",
    "headrace.component.main": "main main_from_file",
    "headrace.cli": "main",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_public_path(path: str) -> None:
    module = import_module(path)
    missing = [name for name in PATHS[path].split() if not hasattr(module, name)]
    assert missing == []


def test_the_exceptions_are_those_that_definitions_raise() -> None:
    from headrace import dsl
    from headrace.dsl.errors import InvalidControlFlowException

    def lonely():  # type: ignore[no-untyped-def]
        with dsl.Else():
            pass

    with pytest.raises(InvalidControlFlowException):
        dsl.pipeline(lonely)
