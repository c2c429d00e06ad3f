"""Every call of KFP's clients, and what it does here. The drivers have a case for each, and the
table in the documentation is made of it."""

from __future__ import annotations

CLIENT = {
    "create_experiment": "creates it, or returns the one with this name",
    "list_experiments": "a page, filtered and sorted",
    "get_experiment": "by id or by name",
    "archive_experiment": "also archives its runs, and disables its recurring runs",
    "unarchive_experiment": "only the experiment; its runs stay archived",
    "delete_experiment": "its runs stay",
    "create_run_from_pipeline_func": "compiles and submits",
    "create_run_from_pipeline_package": "submits a file",
    "run_pipeline": "submits a file or a stored version",
    "get_run": "with every task: inputs, outputs, parents, children, jobs, history",
    "list_runs": "a page, filtered and sorted",
    "wait_for_run_completion": "polls until the run has ended",
    "archive_run": "archived, so that filters can exclude it; a running run continues",
    "unarchive_run": "rejected while its experiment is archived",
    "terminate_run": "exit tasks still run; the run ends as FAILED",
    "delete_run": "with its artifacts and logs",
    "create_recurring_run": "by cron or at an interval",
    "list_recurring_runs": "a page, filtered and sorted",
    "get_recurring_run": "the current definition and state",
    "enable_recurring_run": "the schedule resumes",
    "disable_recurring_run": "the schedule stops",
    "delete_recurring_run": "its runs stay",
    "enable_job": "older name of enable_recurring_run",
    "disable_job": "older name of disable_recurring_run",
    "delete_job": "older name of delete_recurring_run",
    "upload_pipeline": "a yaml, zip or tar.gz file",
    "upload_pipeline_from_pipeline_func": "compiles and uploads",
    "upload_pipeline_version": "another version of a pipeline",
    "upload_pipeline_version_from_pipeline_func": "compiles and uploads",
    "list_pipelines": "a page, filtered and sorted",
    "get_pipeline": "by id",
    "get_pipeline_id": "by name",
    "delete_pipeline": "rejected while it has versions",
    "list_pipeline_versions": "a page, filtered and sorted",
    "get_pipeline_version": "with its spec",
    "delete_pipeline_version": "its runs stay",
    "get_kfp_healthz": "whether the deployment is multi-user",
    "get_user_namespace": "the client's own setting",
    "set_user_namespace": "the client's own setting; ignored in single-user mode",
}
"""The public methods of ``kfp.Client``."""

GENERATED = {
    "AuthServiceApi": {
        "auth_service_authorize": "depends on the caller's role in the namespace",
    },
    "DummyFilterServiceApi": {
        "dummy_filter_service_get_filter": "501: it only documents the shape of a filter",
    },
    "ExperimentServiceApi": {
        "experiment_service_create_experiment": "409 if the name is already used",
        "experiment_service_get_experiment": "by id",
        "experiment_service_list_experiments": "a page",
        "experiment_service_archive_experiment": "with its runs; disables its recurring runs",
        "experiment_service_unarchive_experiment": "only the experiment; its runs stay archived",
        "experiment_service_delete_experiment": "409 for the default one",
    },
    "HealthzServiceApi": {
        "healthz_service_get_healthz": "needs no credential",
    },
    "PipelineServiceApi": {
        "pipeline_service_create_pipeline": "without a version",
        "pipeline_service_create_pipeline_and_version": "from a URL, or from a spec",
        "pipeline_service_create_pipeline_version": "from a URL, or from a spec",
        "pipeline_service_get_pipeline": "by id",
        "pipeline_service_get_pipeline_by_name": "by name",
        "pipeline_service_list_pipelines": "a page, also by tags",
        "pipeline_service_update_pipeline": "display name, description, tags",
        "pipeline_service_delete_pipeline": "with `cascade`, its versions are deleted too",
        "pipeline_service_get_pipeline_version": "with its spec",
        "pipeline_service_list_pipeline_versions": "a page, also by tags",
        "pipeline_service_update_pipeline_version": "display name, description, tags",
        "pipeline_service_delete_pipeline_version": "its runs stay",
    },
    "PipelineUploadServiceApi": {
        "upload_pipeline": "yaml, zip or tar.gz up to 32 MiB, with tags",
        "upload_pipeline_version": "the same",
    },
    "RecurringRunServiceApi": {
        "recurring_run_service_create_recurring_run": "without a version, each run uses the newest",
        "recurring_run_service_get_recurring_run": "the current definition and state",
        "recurring_run_service_list_recurring_runs": "a page",
        "recurring_run_service_enable_recurring_run": "the schedule resumes",
        "recurring_run_service_disable_recurring_run": "the schedule stops",
        "recurring_run_service_delete_recurring_run": "its runs stay, whatever the policy",
    },
    "ReportServiceApi": {
        "report_service_report_workflow": "501: Headrace has no Argo workflows",
        "report_service_report_scheduled_workflow": "501: Headrace has no Argo workflows",
    },
    "RunServiceApi": {
        "run_service_create_run": "answers as PENDING",
        "run_service_get_run": "with every task",
        "run_service_list_runs": "a page, also sorted by `metric:<name>`",
        "run_service_archive_run": "archived, so that filters can exclude it",
        "run_service_unarchive_run": "restored",
        "run_service_terminate_run": "400 if it has ended",
        "run_service_retry_run": "keeps tasks that succeeded; 409 if it has not failed",
        "run_service_delete_run": "with its artifacts and logs",
    },
    "VisualizationServiceApi": {
        "visualization_service_create_visualization_v1": (
            "501: the server does not run the caller's code"
        ),
    },
}
"""The methods of ``kfp_server_api``, by class; each has a twin that ends in `_with_http_info`."""

COMMANDS = {
    "dsl compile": "does not contact the server",
    "pipeline create": "uploads a package",
    "pipeline create-version": "uploads another version",
    "pipeline list": "a table, or JSON",
    "pipeline list-versions": "a table, or JSON",
    "pipeline get": "one pipeline",
    "pipeline get-version": "one version",
    "pipeline delete-version": "asks for confirmation",
    "pipeline delete": "asks for confirmation",
    "experiment create": "creates it, or returns the one with this name",
    "experiment list": "a table, or JSON",
    "experiment get": "one experiment",
    "experiment archive": "by id or by name",
    "experiment unarchive": "by id or by name",
    "experiment delete": "asks for confirmation",
    "run create": "submits, and can wait",
    "run list": "a table, or JSON",
    "run get": "one run, and can wait",
    "run archive": "archived, so that filters can exclude it",
    "run unarchive": "restored",
    "run delete": "asks for confirmation",
    "recurring-run create": "by cron or at an interval",
    "recurring-run list": "a table, or JSON",
    "recurring-run get": "one recurring run",
    "recurring-run disable": "the schedule stops",
    "recurring-run enable": "the schedule resumes",
    "recurring-run delete": "asks for confirmation",
}
"""The commands of ``kfp`` that ask the server, and the one that makes what they send."""
