"""Every function of `kubernetes`, with constants and with values that are known at run time."""

from typing import List

from kfp import dsl, kubernetes

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def step(text: str = "text") -> str:
    return text


@dsl.component(base_image=IMAGE)
def structure() -> dict:
    return {}


@dsl.pipeline
def secrets(name: str = "secret"):
    task = step()
    kubernetes.use_secret_as_env(task, "secret", {"password": "PASSWORD", "user": "USER"})
    kubernetes.use_secret_as_volume(task, secret_name="secret", mount_path="/secret", optional=True)
    other = step()
    kubernetes.use_secret_as_env(other, name, {"password": "PASSWORD"}, optional=True)
    kubernetes.use_secret_as_volume(other, name, "/secret")
    made = step()
    kubernetes.use_secret_as_env(step(), made.output, {"key": "KEY"})
    kubernetes.use_secret_as_volume(step(), made.output, "/secret")


@dsl.pipeline
def config_maps(name: str = "map"):
    task = step()
    kubernetes.use_config_map_as_env(task, "map", {"key": "KEY"}, optional=True)
    kubernetes.use_config_map_as_volume(task, "map", "/map")
    other = step()
    kubernetes.use_config_map_as_env(other, name, {"key": "KEY"})
    kubernetes.use_config_map_as_volume(other, name, "/map", optional=True)
    made = step()
    kubernetes.use_config_map_as_volume(step(), made.output, "/map")


@dsl.pipeline
def nodes(selector: dict = {}, tolerations: list = [], affinity: dict = {}):
    task = step()
    kubernetes.add_node_selector(task, "disk", "ssd")
    kubernetes.add_node_selector(task, label_key="zone", label_value="a")
    kubernetes.add_node_selector_json(task, {"disk": "ssd"})
    other = step()
    kubernetes.add_node_selector_json(other, selector)
    kubernetes.add_toleration(other, key="gpu", operator="Equal", value="yes", effect="NoSchedule")
    kubernetes.add_toleration(
        other, key="gone", operator="Exists", effect="NoExecute", toleration_seconds=10
    )
    kubernetes.add_toleration_json(other, tolerations)
    kubernetes.add_toleration_json(
        other, {"key": "a", "operator": "Exists", "toleration_seconds": 5}
    )
    kubernetes.add_toleration_json(other, [{"key": "b"}, {"key": "c", "effect": "NoSchedule"}])
    kubernetes.add_node_affinity_json(other, affinity)


@dsl.pipeline
def affinities():
    task = step()
    kubernetes.add_node_affinity(
        task,
        match_expressions=[
            {"key": "zone", "operator": "In", "values": ["a", "b"]},
            {"key": "disk", "operator": "Exists"},
        ],
        match_fields=[
            {"key": "metadata.name", "operator": "NotIn", "values": ["n"]}
        ],  # codespell:ignore notin
    )
    kubernetes.add_node_affinity(
        task, match_expressions=[{"key": "cpu", "operator": "Gt", "values": ["4"]}], weight=50
    )
    kubernetes.add_node_affinity_json(
        task, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
    )
    kubernetes.add_node_affinity_json(
        task, {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]}
    )
    kubernetes.add_node_affinity(task)


@dsl.pipeline
def pods(secret: str = "pull"):
    task = step()
    kubernetes.add_pod_label(task, "team", "red")
    kubernetes.add_pod_annotation(task, "note", "text")
    kubernetes.set_image_pull_policy(task, "Always")
    kubernetes.set_image_pull_secrets(task, ["first", "second"])
    kubernetes.set_image_pull_secrets(task, [secret])
    kubernetes.use_field_path_as_env(task, "NAME", "metadata.name")
    kubernetes.set_timeout(task, 30)
    kubernetes.set_security_context(task, run_as_user=1000, run_as_group=0, run_as_non_root=True)
    other = step()
    kubernetes.set_security_context(other, run_as_non_root=False)
    kubernetes.set_security_context(other, run_as_user=5)
    kubernetes.set_timeout(other, 10)
    kubernetes.set_timeout(other, 0)


@dsl.pipeline
def only_a_timeout_taken_away():
    task = step()
    kubernetes.set_timeout(task, 0)


@dsl.pipeline
def volumes(claim: str = "claim"):
    made = kubernetes.CreatePVC(
        pvc_name_suffix="-data",
        access_modes=["ReadWriteMany"],
        size="5Gi",
        storage_class_name="standard",
    )
    task = step()
    kubernetes.mount_pvc(task, pvc_name=made.outputs["name"], mount_path="/data")
    kubernetes.mount_pvc(task, pvc_name="known", mount_path="/known", sub_path="part")
    kubernetes.mount_pvc(task, pvc_name=claim, mount_path="/claim")
    kubernetes.add_ephemeral_volume(task, "scratch", "/scratch", ["ReadWriteOnce"], "1Gi")
    kubernetes.add_ephemeral_volume(
        task, "fast", "/fast", ["ReadWriteOnce"], "1Gi", "fast", {"a": "b"}, {"c": "d"}
    )
    kubernetes.empty_dir_mount(task, "empty", "/empty")
    kubernetes.empty_dir_mount(task, "memory", "/memory", medium="Memory", size_limit="1Gi")
    kubernetes.DeletePVC(pvc_name=made.outputs["name"]).after(task)


@dsl.pipeline
def a_claim_of_everything():
    kubernetes.CreatePVC(
        access_modes=["ReadWriteOnce"],
        size="1Gi",
        pvc_name="name",
        volume_name="volume",
        annotations={"a": "b"},
        data_source={"kind": "PersistentVolumeClaim", "name": "other"},
    )


@dsl.pipeline
def settings_in_loops(names: List[str], name: str = "secret"):
    made = step()
    with dsl.ParallelFor(names) as item:
        kubernetes.use_secret_as_env(step(), item, {"key": "KEY"})
        kubernetes.use_secret_as_env(step(), name, {"key": "KEY"})
        kubernetes.use_config_map_as_volume(step(), made.output, "/map")


@dsl.pipeline
def settings_in_conditions(name: str = "secret"):
    made = structure()
    with dsl.If(name == "secret"):
        kubernetes.add_node_selector_json(step(), made.output)
        inner = step()
        kubernetes.mount_pvc(step(), inner.output, "/inner")
    with dsl.Else():
        kubernetes.mount_pvc(step(), name, "/outer")


@dsl.pipeline
def settings_of_an_exit_task(name: str = "secret"):
    ending = step(text="end")
    kubernetes.use_secret_as_env(ending, name, {"key": "KEY"})
    kubernetes.add_pod_label(ending, "a", "b")
    with dsl.ExitHandler(ending):
        kubernetes.set_image_pull_policy(step(), "Never")


@dsl.pipeline
def inner_with_settings(name: str):
    kubernetes.use_secret_as_env(step(), name, {"key": "KEY"})


@dsl.pipeline
def settings_of_inner_pipelines():
    inner_with_settings(name="a")
    inner_with_settings(name="b")


@dsl.pipeline
def settings_of_an_inner_exit_pipeline(name: str = "a"):
    ending = inner_with_settings(name=name)
    with dsl.ExitHandler(ending):
        structure()
