"""Setters of ops, volumes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace as Some
from typing import Any

import pytest
from headrace import components, dsl, gcp
from headrace.v1.refused import NotInIRError

from tests.unit.dsl.v1.compiled import Compiled, load, op


def compiled(body: Callable[[Any], Any]) -> Compiled:
    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        body(text)

    return Compiled(pipeline)


def test_resources() -> None:
    def body(text: Any) -> None:
        one = op("one")
        assert one.container.set_memory_limit("1G").set_memory_request("500M") is not None
        one.container.set_cpu_limit("2").set_cpu_request(1).set_gpu_limit(2, "amd")
        op("two").set_memory_limit("1G").set_cpu_limit("1").set_gpu_limit(1)
        op("three").container.add_resource_limit("memory", text)
        op("four", container_kwargs={"resources": {"limits": {"cpu": "1"}}})

    found = compiled(body)
    resources = found.container("one")["resources"]
    assert resources["resourceMemoryLimit"] == "1G"
    assert resources["resourceMemoryRequest"] == "500M"
    assert (resources["resourceCpuLimit"], resources["resourceCpuRequest"]) == ("2", "1")
    assert resources["accelerator"]["resourceType"] == "amd.com/gpu"
    assert resources["accelerator"]["resourceCount"] == "2"
    assert found.container("two")["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert found.container("four")["resources"]["resourceCpuLimit"] == "1"
    limit = found.container("three")["resources"]["resourceMemoryLimit"]
    assert limit == "{{$.inputs.parameters['pipelinechannel--text']}}"


def test_environment() -> None:
    def body(text: Any) -> None:
        one = op("one")
        one.container.add_env_variable(Some(name="A", value=f"<{text}>", value_from=None))
        one.container.set_env_variable("B", 1)
        one.add_env_variable(
            {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
        )
        one.add_env_variable(
            {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}
        )
        one.add_env_variable(
            {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
        )

    found = compiled(body)
    assert found.container("one")["env"] == [
        {"name": "A", "value": "<{{$.inputs.parameters['text']}}>"},
        {"name": "B", "value": "1"},
    ]
    given = found.tasks["one"]["inputs"]["parameters"]
    assert given == {"text": {"componentInputParameter": "text"}}
    settings = found.settings("one")
    assert settings["secretAsEnv"][0]["keyToEnv"] == [{"secretKey": "k", "envVar": "C"}]
    assert settings["configMapAsEnv"][0]["keyToEnv"] == [{"configMapKey": "k", "envVar": "D"}]
    assert settings["fieldPathAsEnv"] == [{"name": "E", "fieldPath": "metadata.name"}]


def test_the_pod() -> None:
    def body(text: Any) -> None:
        one = op("one").set_timeout(60).set_retry(3, "Always", "10s", 1.5, "1h")
        one.add_pod_label("a", "b").add_pod_annotation("c", "d")
        one.add_node_selector_constraint("disk", "ssd").set_image_pull_policy("Always")
        one.add_toleration(Some(key="k", operator="Exists", effect="NoSchedule", value=None,
                                toleration_seconds=5))  # fmt: skip
        one.container.set_security_context({"runAsUser": 1})
        terms = {"nodeSelectorTerms": []}
        one.add_affinity(
            {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        )
        assert one.apply(lambda each: None) is one
        one.apply(gcp.use_preemptible_nodepool())

    found = compiled(body)
    settings = found.settings("one")
    assert settings["activeDeadlineSeconds"] == "60"
    assert settings["podMetadata"] == {"labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert settings["nodeSelector"] == {"labels": {"disk": "ssd"}}
    assert settings["imagePullPolicy"] == "Always"
    assert settings["tolerations"] == [
        {"key": "k", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": "5"},
        {"key": "preemptible", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
    ]
    assert settings["securityContext"] == {"runAsUser": "1"}
    json, preferred = settings["nodeAffinity"]
    assert "nodeAffinityJson" in json
    assert preferred["weight"] == 50
    assert found.tasks["one"]["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "10s",
        "backoffFactor": 1.5,
        "backoffMaxDuration": "3600s",
    }


def test_mounted_volumes() -> None:
    volumes = [
        {"name": "s", "secret": {"secretName": "keys", "optional": True}},
        {"name": "m", "configMap": {"name": "settings"}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "e", "emptyDir": {"medium": "Memory"}},
    ]

    def body(text: Any) -> None:
        one = op("one")
        for volume in volumes:
            one.add_volume(volume)
            one.container.add_volume_mount(
                {"name": volume["name"], "mountPath": f"/{volume['name']}"}
            )

    settings = compiled(body).settings("one")
    assert settings["secretAsVolume"][0] | {"secretNameParameter": 0} == {
        "secretName": "keys",
        "secretNameParameter": 0,
        "mountPath": "/s",
        "optional": True,
    }
    assert settings["configMapAsVolume"][0]["mountPath"] == "/m"
    assert settings["pvcMount"][0]["constant"] == "data"
    assert settings["emptyDirMounts"] == [
        {"volumeName": "e", "mountPath": "/e", "medium": "Memory"}
    ]


def test_a_claimed_volume_is_passed_between_ops() -> None:
    def body(text: Any) -> None:
        claim = dsl.VolumeOp("Create Volume", "data", text, modes=dsl.VOLUME_MODE_RWO)
        one = op("one", pvolumes={"/mnt": claim.volume})
        two = op("two", pvolumes={"/data": one.pvolume})
        op("three", pvolumes={"/data": dsl.PipelineVolume(pvc="there").after(two)})
        claim.delete().after(two)

    found = compiled(body)
    claim = found.tasks["create-volume"]
    assert found.container("create-volume")["image"] == "argostub/createpvc"
    assert claim["inputs"]["parameters"] == {
        "access_modes": {"runtimeValue": {"constant": ["ReadWriteOnce"]}},
        "pvc_name_suffix": {"runtimeValue": {"constant": "-data"}},
        "size": {"componentInputParameter": "text"},
    }
    made = {"taskOutputParameter": {"producerTask": "create-volume", "outputParameterKey": "name"}}
    for name, path in (("one", "/mnt"), ("two", "/data")):
        (mount,) = found.settings(name)["pvcMount"]
        assert mount == {"mountPath": path, "pvcNameParameter": made, **made}
    assert found.tasks["one"]["dependentTasks"] == ["create-volume"]
    assert found.tasks["two"]["dependentTasks"] == ["create-volume", "one"]
    assert found.tasks["three"]["dependentTasks"] == ["two"]
    assert found.tasks["deletepvc"]["dependentTasks"] == ["create-volume", "two"]


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda _: dsl.Sidecar("a", "b"), "in the step's own command"),
    (lambda _: dsl.UserContainer("a", "b"), "at the start of the step's own command"),
    (lambda _: dsl.InitContainer("a", "b"), "at the start of the step's own command"),
    (lambda _: dsl.ResourceOp("a", {}), "a step that calls the cluster's API"),
    (lambda _: dsl.VolumeSnapshotOp("a"), "data_source"),
    (lambda _: dsl.graph_component(lambda: None), "use dsl.ParallelFor"),
    (lambda _: op(sidecars=[1]), r"ContainerOp.add_sidecar\(\)"),
    (lambda _: op(init_containers=[1]), r"ContainerOp.add_init_container\(\)"),
    (lambda _: op().add_sidecar(1), "pass its address as a parameter"),
    (lambda _: op().add_init_container(1), "a separate step that runs before"),
    (lambda _: op(artifact_argument_paths=[1]), "dsl.InputArgumentPath"),
    (lambda _: dsl.InputArgumentPath("a", path="/b"), "Omit the path"),
    (lambda _: op(command=None, file_outputs={"a": "/a"}), "entry point as `command`"),
    (lambda _: op(command=["echo", "{{workflow.status}}"]), "PipelineTaskFinalStatus"),
    (lambda _: op(command=["echo", "{{inputs.parameters.a}}"]), "as arguments"),
    (lambda _: op().set_retry(1, policy="OnError"), "Omit the policy"),
    (lambda _: op().container.add_env_from({}), "Name each key"),
    (lambda _: op().container.set_working_dir("/"), "cd DIR"),
    (lambda _: op().container.add_port(1), "do not serve requests"),
    (lambda _: op().container.set_liveness_probe(1), "set_timeout"),
    (lambda _: op().container.set_ephemeral_storage_limit("1G"), "add_ephemeral_volume"),
    (lambda _: op().container.add_resource_limit("hugepages", 1), "limits of accelerators"),
    (lambda _: op().container.add_resource_request("nvidia.com/gpu", 1), "limits of accelerators"),
    (lambda _: op().container.set_security_context({"privileged": True}), "run_as_user"),
    (lambda _: op(container_kwargs={"tty": True}), "container_kwargs with 'tty'"),
    (lambda _: op().add_env_variable({"name": "A", "valueFrom": {"x": 1}}), "a field_ref"),
    (lambda _: op().add_affinity({"podAffinity": {"a": 1}}), "node_affinity"),
    (lambda _: op().add_volume_mount({"name": "v", "mountPath": "/v"}), "add_volume"),
    (
        lambda _: op(pvolumes={"/a": {"name": "v", "hostPath": {"path": "/"}}}),
        "a persistent_volume_claim or an empty_dir",
    ),
    (lambda _: dsl.PipelineVolume(name="a"), "the name of a volume claim"),
    (lambda _: dsl.VolumeOp("a", "b", "1Gi", set_owner_reference=True), "set_owner_reference"),
    (lambda _: dsl.get_pipeline_conf().set_parallelism(2), r"ParallelFor\(items, parallelism=n\)"),
    (lambda _: dsl.get_pipeline_conf().set_pod_disruption_budget(1), "set_retry"),
    (lambda _: gcp.use_tpu(), "google.com/tpu"),
    (
        lambda _: setattr(op().execution_options.caching_strategy, "max_cache_staleness", "P30D"),
        "do not expire",
    ),
    (
        lambda _: load("{name: a}", container="args: [{inputPath: a}]")("text"),
        "entry point as `command`",
    ),
    (
        lambda _: load("{name: a}", container="args: [{inputUri: a}]")("text"),
        "Use {inputPath}",
    ),
]


@pytest.mark.parametrize(("body", "said"), REFUSED)
def test_unsupported_constructs_are_refused(body: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(NotInIRError, match=said):
        compiled(lambda text: (op("first"), body(text)))


def test_names_that_version_1_does_not_have() -> None:
    with pytest.raises(AttributeError):
        dsl.NothingOfTheKind  # noqa: B018
    for body in (
        lambda _: op().nothing(),
        lambda _: op().container.nothing(),
        lambda _: dsl.get_pipeline_conf().nothing(),
        lambda _: op().output,
        lambda _: op().pvolume,
    ):
        with pytest.raises(AttributeError):
            compiled(body)
    with pytest.raises(AttributeError, match=r"Write the function with @dsl\.component"):
        components.func_to_container_op(op)
    with pytest.raises(KeyError, match="there is no output 'x'"):
        compiled(lambda _: op().outputs["x"])
    with pytest.raises(ValueError, match="vendor"):
        compiled(lambda _: op().set_gpu_limit(1, "other"))
