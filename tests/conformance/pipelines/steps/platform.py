"""Settings for Kubernetes."""

from typing import NamedTuple, Optional

from kfp import dsl, kubernetes

from tests.conformance.cases import Case


@dsl.container_component
def shell(script: str, value: dsl.OutputPath(str)):
    """Runs a script, which gets the path of its output as ``$1``."""
    return dsl.ContainerSpec(
        "alpine", ["sh", "-ec", 'mkdir -p "$(dirname "$1")"; eval "$0"'], [script, value]
    )


@dsl.component
def variables(names: list) -> list:
    """The environment variables of these names."""
    import os

    return [os.environ.get(name) for name in names]


@dsl.component(
    task_config_passthroughs=[
        dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.RESOURCES, apply_to_task=True),
        dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.ENV, apply_to_task=True),
    ]
)
def own_settings(config: dsl.TaskConfig) -> dict:
    """The settings that the task was given."""
    return {"resources": config.resources, "env": config.env}


@dsl.component(
    task_config_passthroughs=[
        dsl.TaskConfigField.KUBERNETES_NODE_SELECTOR,
        dsl.TaskConfigField.KUBERNETES_TOLERATIONS,
    ]
)
def own_places(config: dsl.TaskConfig) -> dict:
    """Where the task may run."""
    return {"nodes": config.node_selector, "tolerations": config.tolerations}


@dsl.component(task_config_passthroughs=[dsl.TaskConfigField.KUBERNETES_AFFINITY])
def own_affinity(config: dsl.TaskConfig) -> dict:
    """Which nodes the task wants."""
    return config.affinity


@dsl.pipeline
def places_of_pods(zone: str = "a") -> str:
    task = shell(script='printf done > "$1"')
    kubernetes.add_node_selector(task, "disk", "ssd")
    kubernetes.add_toleration(task, key="gpu", operator="Exists", effect="NoSchedule")
    kubernetes.add_node_affinity(
        task, match_expressions=[{"key": "zone", "operator": "In", "values": ["a", "b"]}]
    )
    kubernetes.add_pod_label(task, "team", "water")
    kubernetes.add_pod_annotation(task, "note", "it's")
    return task.outputs["value"]


@dsl.pipeline
def images_and_security() -> str:
    task = shell(script='printf done > "$1"')
    kubernetes.set_image_pull_policy(task, "Never")
    kubernetes.set_image_pull_secrets(task, ["registry"])
    kubernetes.set_security_context(task, run_as_user=1000, run_as_group=100)
    return task.outputs["value"]


@dsl.pipeline
def settings_from_parameters(nodes: dict = {"disk": "ssd"}, tolerations: list = []) -> str:
    task = shell(script='printf done > "$1"')
    kubernetes.add_node_selector_json(task, nodes)
    kubernetes.add_toleration_json(task, tolerations)
    return task.outputs["value"]


@dsl.pipeline
def timeout_not_reached() -> str:
    task = shell(script='printf done > "$1"')
    kubernetes.set_timeout(task, seconds=600)
    return task.outputs["value"]


@dsl.pipeline
def timeout_reached():
    task = shell(script="echo waiting; sleep 60")
    kubernetes.set_timeout(task, seconds=1)
    shell(script="true").after(task)


@dsl.pipeline
def fields_of_the_pod() -> NamedTuple("Out", found=list):
    out = NamedTuple("Out", found=list)
    task = variables(names=["NAMESPACE", "TEAM"])
    kubernetes.add_pod_label(task, "team", "water")
    kubernetes.use_field_path_as_env(task, "NAMESPACE", "metadata.namespace")
    kubernetes.use_field_path_as_env(task, "TEAM", "metadata.labels['team']")
    return out(found=task.output)


@dsl.pipeline
def unknown_field_of_the_pod():
    task = shell(script="true")
    kubernetes.use_field_path_as_env(task, "QOS", "status.qosClass")


@dsl.pipeline
def empty_folder() -> str:
    task = shell(script='t=$(mktemp -p /tmp); rm "$t"; printf done > "$1"')
    kubernetes.empty_dir_mount(task, "scratch", "/tmp")
    return task.outputs["value"]


@dsl.pipeline
def empty_folder_that_cannot_be():
    task = shell(script="true")
    kubernetes.empty_dir_mount(task, "scratch", "/no-such-folder/of-mine")


@dsl.pipeline
def secret_in_the_environment():
    task = shell(script="true")
    kubernetes.use_secret_as_env(task, "database", {"password": "PASSWORD"})


@dsl.pipeline
def secret_as_files():
    task = shell(script="true")
    kubernetes.use_secret_as_volume(task, "certificates", "/certificates")


@dsl.pipeline
def config_map_in_the_environment():
    task = shell(script="true")
    kubernetes.use_config_map_as_env(task, "settings", {"level": "LEVEL"})


@dsl.pipeline
def optional_secret_and_config_map() -> list:
    task = variables(names=["PASSWORD"])
    kubernetes.use_secret_as_env(task, "database", {"password": "PASSWORD"}, optional=True)
    kubernetes.use_config_map_as_volume(task, "settings", "/settings", optional=True)
    return task.output


@dsl.pipeline
def volume_claim():
    claim = shell(script="true")
    kubernetes.mount_pvc(claim, "my-claim", "/data")


@dsl.pipeline
def settings_that_a_task_asks_for() -> dict:
    task = own_settings().set_cpu_limit("2").set_memory_request("1G")
    task.set_env_variable("LEVEL", "high")
    return task.output


@dsl.pipeline
def places_that_a_task_asks_for() -> dict:
    task = own_places()
    kubernetes.add_node_selector(task, "disk", "ssd")
    kubernetes.add_toleration(task, key="gpu", operator="Exists", effect="NoSchedule")
    return task.output


@dsl.pipeline(
    pipeline_config=dsl.PipelineConfig(
        ttl_seconds_after_finished=3600,
        ttl_seconds_after_success=60,
        ttl_seconds_after_failure=7200,
        active_deadline_seconds=600,
    )
)
def times_of_the_pipeline() -> str:
    return shell(script='printf done > "$1"').outputs["value"]


@dsl.pipeline(pipeline_config=dsl.PipelineConfig(active_deadline_seconds=1))
def deadline_of_the_pipeline():
    shell(script="echo waiting; sleep 60")


@dsl.pipeline
def secret_of_a_parameter(secret: str = "passwords"):
    task = shell(script="true")
    kubernetes.use_secret_as_env(task, secret, {"password": "PASSWORD"})


@dsl.pipeline
def nodes_that_a_task_asks_for() -> dict:
    task = own_affinity()
    kubernetes.add_node_affinity(
        task, match_expressions=[{"key": "zone", "operator": "In", "values": ["a"]}]
    )
    return task.output


@dsl.pipeline
def secret_without_a_name(secret: Optional[str] = None) -> list:
    task = variables(names=["PASSWORD"])
    kubernetes.use_secret_as_env(task, secret, {"password": "PASSWORD"})
    return task.output


DONE = {"Output": "done"}
CASES = [
    Case(
        "node selection, labels and annotations of pods",
        places_of_pods,
        "yes",
        outputs=DONE,
        local=False,
    ),
    Case("pull policy, pull secrets, users", images_and_security, "yes", outputs=DONE, local=False),
    Case("settings from parameters", settings_from_parameters, "yes", outputs=DONE, local=False),
    Case("a timeout that is not reached", timeout_not_reached, "yes", outputs=DONE, local=False),
    Case(
        "a timeout that is reached ends the command",
        timeout_reached,
        "yes",
        state="FAILED",
        tasks={"shell": "FAILED", "shell-2": "SKIPPED"},
        logs={"shell": "waiting"},
        error="1 s",
        local=False,
    ),
    Case(
        "fields of the pod in the environment: the namespace, a label",
        fields_of_the_pod,
        "yes",
        outputs={"found": ["default", "water"]},
    ),
    Case(
        "a field that only a pod has fails the task with an error message",
        unknown_field_of_the_pod,
        "yes",
        state="FAILED",
        error="status.qosClass",
        local=False,
    ),
    Case(
        "an empty folder that exists and is writable",
        empty_folder,
        "yes",
        outputs=DONE,
        local=False,
    ),
    Case(
        "an empty folder that cannot be created fails the task with an error message",
        empty_folder_that_cannot_be,
        "yes: the cluster mounts it",
        state="FAILED",
        tasks={"shell": "FAILED"},
        error="/no-such-folder/of-mine",
        local=False,
    ),
    Case(
        "a secret in the environment fails the task with an error message",
        secret_in_the_environment,
        "yes: the cluster has secrets",
        state="FAILED",
        tasks={"shell": "FAILED"},
        error="the secret 'database'",
        local=False,
    ),
    Case(
        "a secret as files fails the task with an error message",
        secret_as_files,
        "yes: the cluster has secrets",
        state="FAILED",
        error="the secret 'certificates'",
        local=False,
    ),
    Case(
        "a config map in the environment fails the task with an error message",
        config_map_in_the_environment,
        "yes: the cluster has config maps",
        state="FAILED",
        error="the config map 'settings'",
        local=False,
    ),
    Case(
        "a secret and a config map that may be missing",
        optional_secret_and_config_map,
        "yes",
        outputs={"Output": [None]},
    ),
    Case(
        "a volume claim fails the task with an error message",
        volume_claim,
        "yes: the cluster has volumes",
        state="FAILED",
        error="'my-claim'",
        local=False,
    ),
    Case(
        "a task's resources and environment as its input",
        settings_that_a_task_asks_for,
        "yes",
        outputs={
            "Output": {
                "resources": {"limits": {"cpu": "2"}, "requests": {"memory": "1G"}},
                "env": [{"name": "LEVEL", "value": "high"}],
            }
        },
    ),
    Case(
        "node selection as a task's input, as in a pod spec",
        places_that_a_task_asks_for,
        "yes",
        outputs={
            "Output": {
                "nodes": {"disk": "ssd"},
                "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            }
        },
    ),
    Case(
        "times to live and a deadline of the pipeline that is not reached",
        times_of_the_pipeline,
        "yes",
        outputs=DONE,
        local=False,
    ),
    Case(
        "a deadline of the pipeline that is reached",
        deadline_of_the_pipeline,
        "yes",
        state="FAILED",
        error="1 s",
        local=False,
    ),
    Case(
        "a secret whose name is a parameter fails the task, with its name in the error",
        secret_of_a_parameter,
        "yes: the cluster has secrets",
        state="FAILED",
        error="the secret 'passwords'",
        local=False,
    ),
    Case(
        "node affinity as a task's input, as in a pod spec",
        nodes_that_a_task_asks_for,
        "yes",
        outputs={
            "Output": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {
                                "matchExpressions": [
                                    {"key": "zone", "operator": "In", "values": ["a"]}
                                ]
                            }
                        ]
                    }
                }
            }
        },
    ),
    Case(
        "a secret whose name is an optional parameter without a value is not used",
        secret_without_a_name,
        "yes",
        outputs={"Output": [None]},
    ),
]
