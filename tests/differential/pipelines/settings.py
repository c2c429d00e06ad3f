"""Every setter of a task, with constants and with values that are known at run time."""

from kfp import dsl

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def step(text: str = "text") -> str:
    return text


@dsl.component(base_image=IMAGE)
def status(state: dsl.PipelineTaskFinalStatus):
    print(state)


@dsl.pipeline
def constant_resources():
    step().set_cpu_limit("2").set_cpu_request("500m").set_memory_limit("2G").set_memory_request(
        "1Gi"
    )
    step().set_cpu_limit("0.5").set_memory_limit("1024")
    step().set_memory_limit("7E").set_memory_request("3Pi").set_cpu_request(".25")
    step().set_memory_limit("2Ti").set_memory_request("512Mi")
    step().set_memory_limit("30K").set_memory_request("30Ki")
    step().set_cpu_limit("0").set_memory_limit("0")


@dsl.pipeline
def accelerators():
    step().set_accelerator_type("nvidia.com/gpu")
    step().set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2)
    step().set_accelerator_limit("4").set_accelerator_type("TPU_V3")
    step().set_accelerator_limit(3)
    step().set_accelerator_type("TPU_V3").set_accelerator_limit(0)
    step().set_gpu_limit(1)
    step().add_node_selector_constraint("nvidia.com/gpu")


@dsl.pipeline
def resources_by_input(cpu: str = "1", memory: str = "1Gi", kind: str = "gpu", count: int = 1):
    task = step()
    task.set_cpu_limit(cpu)
    task.set_cpu_request(cpu)
    task.set_memory_limit(memory)
    task.set_memory_request(memory)
    task.set_accelerator_type(kind)
    task.set_accelerator_limit(count)


@dsl.pipeline
def resources_by_output():
    quantity = step(text="1")
    step().set_cpu_limit(quantity.output).set_memory_limit("1G")


@dsl.pipeline
def images(image: str = "alpine"):
    step().set_container_image("python:3.12")
    step().set_container_image(image)
    made = step(text="alpine")
    step().set_container_image(made.output)
    step().set_container_image(f"registry/{image}:latest")


@dsl.pipeline
def image_in_a_loop(image: str = "alpine"):
    made = step(text="alpine")
    with dsl.ParallelFor(["a", "b"]) as item:
        step(text=item).set_container_image(image)
        step().set_container_image(made.output)


@dsl.pipeline
def caching():
    step().set_caching_options(False)
    step().set_caching_options(True)
    step().set_caching_options(True, cache_key="key")
    step().set_caching_options(enable_caching=False, cache_key="other")


@dsl.pipeline
def retries():
    step().set_retry(3)
    step().set_retry(
        num_retries=2, backoff_duration="30s", backoff_factor=3, backoff_max_duration="1h"
    )
    step().set_retry(0)
    step().set_retry(
        1, backoff_duration="2 minutes", backoff_factor=1.5, backoff_max_duration="1 day"
    )
    step().set_retry(1, "1w")


@dsl.pipeline
def names_and_environment():
    step().set_display_name("A name for people")
    step().set_env_variable("NAME", "value").set_env_variable("EMPTY", "").set_env_variable(
        "NAME", "other"
    )
    step().set_debug_pause()
    step().set_debug_pause(before=True, after=False)
    step().set_debug_pause(before=True, on_error=True)


@dsl.pipeline
def orders():
    first = step()
    second = step().after(first)
    third = step().after(first, second)
    step(text=third.output).after(first)
    step().after(second).after(second)


@dsl.pipeline
def order_across_groups(text: str = "a"):
    first = step()
    with dsl.If(text == "a"):
        inner = step().after(first)
        step().after(inner)
    with dsl.ParallelFor([1, 2]):
        looped = step().after(first)
    step().after(looped)


@dsl.pipeline
def after_an_exit_handler():
    ending = step(text="end")
    with dsl.ExitHandler(ending, name="covered") as covered:
        step()
    step().after(covered)


@dsl.pipeline
def ignored_failures():
    first = step()
    step(text=first.output).ignore_upstream_failure()
    step(text="a").after(first).ignore_upstream_failure()
    status().after(first).ignore_upstream_failure()
    step(text="a").ignore_upstream_failure()


@dsl.pipeline
def ignored_failure_in_a_loop():
    with dsl.ParallelFor([1, 2]):
        first = step()
        status().after(first).ignore_upstream_failure()


@dsl.pipeline
def settings_of_a_pipeline():
    caching_task = constant_resources()
    caching_task.set_caching_options(False).set_display_name("resources").set_retry(2)
    step().after(caching_task)


@dsl.component(
    base_image=IMAGE,
    task_config_passthroughs=[
        dsl.TaskConfigField.RESOURCES,
        dsl.TaskConfigField.KUBERNETES_AFFINITY,
        dsl.TaskConfigField.KUBERNETES_TOLERATIONS,
        dsl.TaskConfigField.KUBERNETES_NODE_SELECTOR,
        dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.ENV, apply_to_task=True),
        dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.KUBERNETES_VOLUMES),
    ],
)
def passes_on(config: dsl.TaskConfig, text: str = "a"):
    print(config)


@dsl.pipeline
def passthroughs():
    passes_on().set_cpu_limit("1").set_env_variable("A", "b")


@dsl.pipeline(
    name="configured-pipeline",
    description="What it does.",
    pipeline_root="gs://bucket/root",
    display_name="A configured pipeline",
    pipeline_config=dsl.PipelineConfig(
        workspace=dsl.WorkspaceConfig(
            size="10Gi",
            kubernetes=dsl.KubernetesWorkspaceConfig(
                pvcSpecPatch={"storageClassName": "fast", "accessModes": ["ReadWriteMany"], "n": 1}
            ),
        ),
        ttl_seconds_after_finished=60,
        ttl_seconds_after_success=0,
        ttl_seconds_after_failure=120,
        active_deadline_seconds=3600,
    ),
)
def configured():
    step(text=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/file")


@dsl.pipeline(pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1.5Gi")))
def with_a_workspace():
    dsl.importer(
        artifact_uri="gs://bucket/data", artifact_class=dsl.Dataset, download_to_workspace=True
    )


@dsl.pipeline(pipeline_config=dsl.PipelineConfig())
def with_an_empty_config():
    step()


@dsl.pipeline
def around_a_configured_pipeline():
    configured()
    step()
