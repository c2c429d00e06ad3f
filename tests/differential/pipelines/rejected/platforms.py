"""Workspaces, pipeline settings and Kubernetes settings that both SDKs reject."""

from kfp import dsl, kubernetes

from tests.differential.pipelines.rejected._rejections import Rejections
from tests.differential.pipelines.rejected._steps import IMAGE, say, small

REJECTED = Rejections()


@REJECTED.definition("size")
def a_workspace_without_a_size():
    dsl.WorkspaceConfig(size="")


@REJECTED.definition("ten")
def a_workspace_of_no_size():
    dsl.WorkspaceConfig(size="ten")


@REJECTED.definition("active_deadline_seconds")
def a_deadline_that_is_a_text():
    dsl.PipelineConfig(active_deadline_seconds="60")


@REJECTED.definition("ttl_seconds_after_finished")
def a_time_that_is_negative():
    dsl.PipelineConfig(ttl_seconds_after_finished=-1)


@REJECTED.definition("int32")
def a_time_that_is_too_long():
    dsl.PipelineConfig(ttl_seconds_after_success=2**31)


@REJECTED.in_pipeline("Platform-specific")
def settings_of_a_platform_of_a_pipeline():
    kubernetes.add_pod_label(small(), "a", "b")


@REJECTED.in_pipeline("Always")
def a_policy_that_there_is_not():
    kubernetes.set_image_pull_policy(say(), "Sometimes")


@REJECTED.in_pipeline("-1")
def a_negative_timeout():
    kubernetes.set_timeout(say(), -1)


@REJECTED.in_pipeline("At least one")
def an_empty_security_context():
    kubernetes.set_security_context(say())


@REJECTED.in_pipeline("run_as_user")
def a_user_that_is_a_bool():
    kubernetes.set_security_context(say(), run_as_user=True)


@REJECTED.in_pipeline("101")
def a_weight_that_is_too_large():
    kubernetes.add_node_affinity(say(), weight=101)


@REJECTED.in_pipeline("Is")
def an_operator_that_there_is_not():
    kubernetes.add_node_affinity(say(), match_expressions=[{"key": "a", "operator": "Is"}])


@REJECTED.in_pipeline("wrong")
def an_affinity_with_an_unknown_key():
    kubernetes.add_node_affinity_json(say(), {"wrong": 1})


@REJECTED.in_pipeline("toleration_json")
def a_toleration_that_is_a_text():
    kubernetes.add_toleration_json(say(), "all")


@REJECTED.in_pipeline("5")
def a_secret_that_is_a_number():
    kubernetes.use_secret_as_volume(say(), 5, "/secret")


@REJECTED.in_pipeline("RESOURCES")
def resources_that_are_not_passed_on():
    @dsl.component(base_image=IMAGE, task_config_passthroughs=[dsl.TaskConfigField.ENV])
    def passes(config: dsl.TaskConfig):
        pass

    passes().set_cpu_limit("1")


@REJECTED.in_pipeline("KUBERNETES_TOLERATIONS")
def tolerations_that_are_not_passed_on():
    @dsl.component(base_image=IMAGE, task_config_passthroughs=[dsl.TaskConfigField.ENV])
    def passes(config: dsl.TaskConfig):
        pass

    kubernetes.add_toleration(passes(), key="a")
