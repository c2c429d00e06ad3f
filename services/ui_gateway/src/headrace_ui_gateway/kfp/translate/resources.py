"""Translation of pipelines, versions and experiments into KFP's messages."""

from __future__ import annotations

from headrace_contracts.resources import (
    Experiment,
    ExperimentPage,
    Pipeline,
    PipelinePage,
    PipelineVersion,
    PipelineVersionPage,
)

from headrace_ui_gateway.kfp.messages.errors import EPOCH, spec
from headrace_ui_gateway.kfp.messages.resources import (
    StorageState,
    V2beta1Experiment,
    V2beta1ListExperimentsResponse,
    V2beta1ListPipelinesResponse,
    V2beta1ListPipelineVersionsResponse,
    V2beta1Pipeline,
    V2beta1PipelineVersion,
    V2beta1Url,
)


def experiment(found: Experiment, *, multi_user: bool = False) -> V2beta1Experiment:
    """One experiment."""
    return V2beta1Experiment(
        experiment_id=str(found.experiment_id),
        display_name=found.display_name,
        description=found.description,
        created_at=found.created_at,
        namespace=found.namespace if multi_user else "",
        storage_state=StorageState.ARCHIVED if found.archived else StorageState.AVAILABLE,
        last_run_created_at=found.last_run_created_at or EPOCH,
    )


def experiments(found: ExperimentPage, *, multi_user: bool) -> V2beta1ListExperimentsResponse:
    """A page of experiments."""
    return V2beta1ListExperimentsResponse(
        experiments=[experiment(one, multi_user=multi_user) for one in found.experiments],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )


def pipeline(found: Pipeline, *, multi_user: bool = False) -> V2beta1Pipeline:
    """One pipeline."""
    return V2beta1Pipeline(
        pipeline_id=str(found.pipeline_id),
        display_name=found.display_name,
        name=found.name,
        description=found.description,
        created_at=found.created_at,
        namespace=found.namespace if multi_user else "",
        tags=found.tags,
    )


def pipelines(found: PipelinePage, *, multi_user: bool) -> V2beta1ListPipelinesResponse:
    """A page of pipelines."""
    return V2beta1ListPipelinesResponse(
        pipelines=[pipeline(one, multi_user=multi_user) for one in found.pipelines],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )


def version(found: PipelineVersion) -> V2beta1PipelineVersion:
    """One version of a pipeline."""
    return V2beta1PipelineVersion(
        pipeline_id=str(found.pipeline_id),
        pipeline_version_id=str(found.pipeline_version_id),
        display_name=found.display_name,
        name=found.name,
        description=found.description,
        created_at=found.created_at,
        package_url=V2beta1Url(pipeline_url=found.package_url) if found.package_url else None,
        code_source_url=found.code_source_url or "",
        pipeline_spec=None if found.document is None else spec(found.document),
        tags=found.tags,
    )


def versions(found: PipelineVersionPage) -> V2beta1ListPipelineVersionsResponse:
    """A page of versions."""
    return V2beta1ListPipelineVersionsResponse(
        pipeline_versions=[version(one) for one in found.pipeline_versions],
        total_size=found.total_size,
        next_page_token=found.next_page_token or "",
    )
