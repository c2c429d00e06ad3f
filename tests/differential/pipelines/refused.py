"""Wrong definitions: each is refused by both SDKs, and the message names the fault."""

from typing import List, NamedTuple, Optional

from kfp import compiler, components, dsl, kubernetes
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from tests.differential.pipelines._foreign import ForeignModel

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def say(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def need(text: str, number: int) -> int:
    return number


@dsl.component(base_image=IMAGE)
def join(texts: list) -> str:
    return ""


@dsl.component(base_image=IMAGE)
def two() -> NamedTuple("Outputs", [("a", str), ("b", int)]):
    return ("a", 1)


@dsl.component(base_image=IMAGE)
def make(data: Output[Dataset]):
    pass


@dsl.component(base_image=IMAGE)
def make_model(model: Output[Model]):
    pass


@dsl.component(base_image=IMAGE)
def read(data: Input[Dataset]):
    pass


@dsl.component(base_image=IMAGE)
def read_all(data: Input[List[Dataset]]):
    pass


@dsl.component(base_image=IMAGE)
def final(status: dsl.PipelineTaskFinalStatus):
    pass


@dsl.pipeline
def small(text: str = "a"):
    say(text=text)


REFUSED = []


def refused(word):
    """Both refuse it; the message of Headrace holds `word`."""

    def note(function):
        REFUSED.append((function, word))
        return function

    return note


def in_pipeline(word):
    """Likewise of the body of a pipeline without inputs."""

    def note(body):
        def function():
            dsl.pipeline(body)

        function.__name__ = body.__name__
        REFUSED.append((function, word))
        return body

    return note


@refused("text")
def a_parameter_without_an_annotation():
    @dsl.component(base_image=IMAGE)
    def wrong(text):
        pass


@refused("tuple")
def an_annotation_that_is_no_type():
    @dsl.component(base_image=IMAGE)
    def wrong(things: tuple):
        pass


@refused("Output")
def a_parameter_called_output():
    @dsl.component(base_image=IMAGE)
    def wrong(Output: str):
        pass


@refused("str | None")
def a_union_of_the_new_kind():
    @dsl.component(base_image=IMAGE)
    def wrong(text: str | None):
        pass


@refused("None")
def an_artifact_with_a_default():
    @dsl.component(base_image=IMAGE)
    def wrong(data: Input[Dataset] = "x"):
        pass


@refused("data")
def an_output_list_of_artifacts():
    @dsl.component(base_image=IMAGE)
    def wrong(data: Output[List[Dataset]]):
        pass


@refused("but not an output, also with")
def an_output_that_may_be_missing():
    @dsl.component(base_image=IMAGE)
    def wrong() -> Optional[str]:
        return None


@refused("tuple")
def an_output_that_is_no_type():
    @dsl.component(base_image=IMAGE)
    def wrong() -> tuple:
        pass


@refused("system")
def an_artifact_of_another_namespace():
    class Mine(Artifact):
        schema_title = "mine.Thing"

    @dsl.container_component
    def wrong(thing: Input[Mine]):
        return dsl.ContainerSpec(image="alpine")


@refused("number")
def a_default_of_another_type():
    @dsl.pipeline
    def wrong(number: int = "a"):
        say()


@refused("text")
def a_default_text_that_is_a_number():
    @dsl.pipeline
    def wrong(text: str = 5):
        say()


@refused("Input/Output")
def a_bare_artifact_of_a_container():
    @dsl.container_component
    def wrong(data: Dataset):
        return dsl.ContainerSpec(image="alpine")


@refused("ContainerSpec")
def a_container_that_returns_a_type():
    @dsl.container_component
    def wrong(text: str) -> str:
        return dsl.ContainerSpec(image="alpine")


@refused(".uri")
def an_artifact_as_a_whole_in_a_command():
    @dsl.container_component
    def wrong(data: Input[Dataset]):
        return dsl.ContainerSpec(image="alpine", args=[data])


@refused("'name' of 'data'")
def an_attribute_that_an_artifact_has_not():
    @dsl.container_component
    def wrong(data: Input[Dataset]):
        return dsl.ContainerSpec(image="alpine", args=[data.name])


@refused("'data' is a list of artifacts")
def a_part_of_a_list_in_a_command():
    @dsl.container_component
    def wrong(data: Input[List[Dataset]]):
        return dsl.ContainerSpec(image="alpine", args=[data.path])


@refused("its element 0")
def an_element_of_a_list_in_a_command():
    @dsl.container_component
    def wrong(data: Input[List[Dataset]]):
        return dsl.ContainerSpec(image="alpine", args=[data[0]])


@refused("missing")
def a_placeholder_of_no_input():
    @dsl.container_component
    def wrong(text: str):
        return dsl.ContainerSpec(image="alpine", args=[dsl.IfPresentPlaceholder("missing", "a")])


@refused("5")
def a_number_in_a_command():
    @dsl.container_component
    def wrong(text: str):
        return dsl.ContainerSpec(image="alpine", args=[5])


@refused("list")
def a_list_in_a_concatenation():
    dsl.ConcatPlaceholder(["a", dsl.IfPresentPlaceholder("x", ["a"], ["b"])])


@refused("ConcatPlaceholder")
def a_concatenation_in_a_text():
    str(dsl.ConcatPlaceholder(["a"]))


@in_pipeline("keyword arguments")
def an_argument_by_position():
    say("a")


@in_pipeline("text, number")
def arguments_that_are_missing():
    need()


@in_pipeline("other")
def an_argument_of_no_input():
    say(other="a")


@in_pipeline("number")
def a_constant_of_another_type():
    need(text="a", number="b")


@in_pipeline("number")
def an_output_of_another_type():
    need(text="a", number=say().output)


@in_pipeline("Integer")
def a_float_for_an_int():
    need(text="a", number=object())


@in_pipeline("None")
def a_none_for_a_text():
    need(text=None, number=1)


@in_pipeline("system.Model")
def an_artifact_of_another_type():
    read(data=make_model().outputs["model"])


@in_pipeline("List")
def an_artifact_for_a_list():
    read_all(data=make().outputs["data"])


@in_pipeline("data")
def a_parameter_for_an_artifact():
    read(data=say().output)


@in_pipeline("text")
def an_artifact_for_a_parameter():
    say(text=make().outputs["data"])


@in_pipeline("two")
def the_only_output_of_two():
    say(text=two().output)


@in_pipeline("status")
def a_status_outside_of_an_exit_task():
    final()


@in_pipeline("Task")
def no_task():
    pass


@refused("pipeline")
def a_name_that_is_too_long():
    @dsl.pipeline(name="a" * 129)
    def wrong():
        say()


@refused("list")
def a_pipeline_that_returns_a_list():
    @dsl.pipeline
    def wrong() -> str:
        return [say().output]


@refused("Output")
def an_output_that_is_not_declared():
    @dsl.pipeline
    def wrong():
        return say().output


@refused("Output")
def an_output_that_is_missing():
    @dsl.pipeline
    def wrong() -> str:
        say()


@refused("NUMBER_INTEGER")
def an_output_of_the_wrong_type():
    @dsl.pipeline
    def wrong() -> int:
        return say().output


@refused("dsl.If")
def an_output_of_a_branch():
    @dsl.pipeline
    def wrong(text: str) -> str:
        with dsl.If(text == "a"):
            made = say()
        return made.output


@in_pipeline("True")
def a_condition_that_is_known():
    with dsl.If("a" == "a"):
        say()


@in_pipeline("dsl.If")
def an_else_without_an_if():
    with dsl.Else():
        say()


@in_pipeline("dsl.If")
def an_elif_without_an_if():
    made = say()
    with dsl.Elif(made.output == "a"):
        say()


@in_pipeline("another dsl.Else")
def two_elses():
    made = say()
    with dsl.If(made.output == "a"):
        say()
    with dsl.Else():
        say()
    with dsl.Else():
        say()


@refused("things")
def a_condition_on_a_list():
    @dsl.pipeline
    def wrong(things: list):
        with dsl.If(things == "a"):
            say()


@in_pipeline("dsl.If")
def an_output_from_a_branch():
    made = say()
    with dsl.If(made.output == "a"):
        inner = say()
    say(text=inner.output)


@in_pipeline("dsl.If")
def after_a_task_in_a_branch():
    made = say()
    with dsl.If(made.output == "a"):
        inner = say()
    say().after(inner)


@in_pipeline("dsl.Collected")
def an_output_from_a_loop():
    with dsl.ParallelFor([1, 2]):
        inner = say()
    say(text=inner.output)


@in_pipeline("dsl.ExitHandler")
def an_output_from_an_exit_handler():
    ending = say()
    with dsl.ExitHandler(ending):
        inner = say()
    say(text=inner.output)


@in_pipeline("dsl.ParallelFor")
def a_collected_of_no_loop():
    join(texts=dsl.Collected(say().output))


@in_pipeline("dsl.If")
def a_collected_of_a_loop_in_a_branch():
    made = say()
    with dsl.If(made.output == "a"):
        with dsl.ParallelFor([1, 2]):
            inner = say()
    join(texts=dsl.Collected(inner.output))


@in_pipeline("empty")
def a_loop_over_nothing():
    with dsl.ParallelFor([]):
        say()


@in_pipeline("single parameter")
def a_loop_over_a_text():
    with dsl.ParallelFor(say().output):
        say()


@in_pipeline("single artifact")
def a_loop_over_an_artifact():
    with dsl.ParallelFor(make().outputs["data"]):
        say()


@in_pipeline("-1")
def a_negative_parallelism():
    with dsl.ParallelFor([1], parallelism=-1):
        say()


@in_pipeline("not a legal")
def a_loop_over_dicts_with_a_bad_key():
    with dsl.ParallelFor([{"a b": 1}]):
        say()


@in_pipeline("exit_task")
def an_exit_task_that_depends():
    with dsl.ExitHandler(say(text=say().output)):
        say()


@in_pipeline("exit_task")
def an_exit_task_that_waits():
    with dsl.ExitHandler(say().after(say())):
        say()


@in_pipeline("outermost")
def an_exit_handler_in_a_loop():
    ending = say()
    with dsl.ParallelFor([1, 2]):
        with dsl.ExitHandler(ending):
            say()


@in_pipeline("dsl.Else")
def a_choice_without_an_else():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Elif(made.output == "b"):
        other = say()
    say(text=dsl.OneOf(one.output, other.output))


@in_pipeline("String")
def a_choice_of_two_types():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = need(text="a", number=1)
    say(text=dsl.OneOf(one.output, other.output))


@in_pipeline("mix")
def a_choice_of_two_kinds():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = make()
    say(text=dsl.OneOf(one.output, other.outputs["data"]))


@in_pipeline("interpolation")
def a_choice_in_a_text():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = say()
    say(text=f"{dsl.OneOf(one.output, other.output)}")


@in_pipeline("dsl.Collected")
def a_choice_that_is_collected():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = say()
    join(texts=dsl.Collected(dsl.OneOf(one.output, other.output)))


@in_pipeline("cpu")
def a_cpu_that_is_no_quantity():
    say().set_cpu_limit("two")


@in_pipeline("memory")
def a_memory_that_is_no_quantity():
    say().set_memory_request("1GB")


@in_pipeline("-1")
def a_negative_number_of_accelerators():
    say().set_accelerator_limit(-1)


@in_pipeline("set_cpu_limit")
def a_cpu_of_a_pipeline():
    small().set_cpu_limit("1")


@in_pipeline("set_env_variable")
def an_environment_of_an_importer():
    dsl.importer("gs://a/b", Dataset).set_env_variable("A", "b")


@in_pipeline("environment variable A of task 'say'")
def an_environment_that_is_a_number():
    say().set_env_variable("A", 5)


@in_pipeline("duration")
def a_duration_without_a_unit():
    say().set_retry(1, backoff_duration="30")


@in_pipeline("y")
def a_duration_of_years():
    say().set_retry(1, backoff_duration="1 year")


@in_pipeline("contradictory")
def a_pause_on_an_error_before():
    say().set_debug_pause(after=False, on_error=True)


@in_pipeline("str")
def after_a_name():
    say().after("say")


@in_pipeline("ParallelFor")
def after_a_loop():
    loop = dsl.ParallelFor([1, 2])
    with loop:
        say()
    say().after(loop)


@in_pipeline("default")
def a_failure_ignored_without_a_default():
    made = two()
    need(text=made.outputs["a"], number=1).ignore_upstream_failure()


@in_pipeline("Task 'final' has 'say', 'say-2'")
def a_status_of_two_tasks():
    final().after(say(), say()).ignore_upstream_failure()


@in_pipeline("Task 'final' has none")
def a_status_of_no_task():
    final().ignore_upstream_failure()


@in_pipeline("workspace")
def a_workspace_that_is_not_there():
    say(text=dsl.WORKSPACE_PATH_PLACEHOLDER)


@refused("size")
def a_workspace_without_a_size():
    dsl.WorkspaceConfig(size="")


@refused("ten")
def a_workspace_of_no_size():
    dsl.WorkspaceConfig(size="ten")


@refused("active_deadline_seconds")
def a_deadline_that_is_a_text():
    dsl.PipelineConfig(active_deadline_seconds="60")


@refused("ttl_seconds_after_finished")
def a_time_that_is_negative():
    dsl.PipelineConfig(ttl_seconds_after_finished=-1)


@refused("int32")
def a_time_that_is_too_long():
    dsl.PipelineConfig(ttl_seconds_after_success=2**31)


@in_pipeline("Platform-specific")
def settings_of_a_platform_of_a_pipeline():
    kubernetes.add_pod_label(small(), "a", "b")


@in_pipeline("Always")
def a_policy_that_there_is_not():
    kubernetes.set_image_pull_policy(say(), "Sometimes")


@in_pipeline("-1")
def a_negative_timeout():
    kubernetes.set_timeout(say(), -1)


@in_pipeline("At least one")
def an_empty_security_context():
    kubernetes.set_security_context(say())


@in_pipeline("run_as_user")
def a_user_that_is_a_bool():
    kubernetes.set_security_context(say(), run_as_user=True)


@in_pipeline("101")
def a_weight_that_is_too_large():
    kubernetes.add_node_affinity(say(), weight=101)


@in_pipeline("Is")
def an_operator_that_there_is_not():
    kubernetes.add_node_affinity(say(), match_expressions=[{"key": "a", "operator": "Is"}])


@in_pipeline("wrong")
def an_affinity_with_an_unknown_key():
    kubernetes.add_node_affinity_json(say(), {"wrong": 1})


@in_pipeline("toleration_json")
def a_toleration_that_is_a_text():
    kubernetes.add_toleration_json(say(), "all")


@in_pipeline("5")
def a_secret_that_is_a_number():
    kubernetes.use_secret_as_volume(say(), 5, "/secret")


@in_pipeline("RESOURCES")
def resources_that_are_not_passed_on():
    @dsl.component(base_image=IMAGE, task_config_passthroughs=[dsl.TaskConfigField.ENV])
    def passes(config: dsl.TaskConfig):
        pass

    passes().set_cpu_limit("1")


@in_pipeline("KUBERNETES_TOLERATIONS")
def tolerations_that_are_not_passed_on():
    @dsl.component(base_image=IMAGE, task_config_passthroughs=[dsl.TaskConfigField.ENV])
    def passes(config: dsl.TaskConfig):
        pass

    kubernetes.add_toleration(passes(), key="a")


@refused("yaml")
def a_file_of_another_kind():
    compiler.Compiler().compile(small, "small.txt")


@refused("function")
def a_function_that_is_no_pipeline():
    compiler.Compiler().compile(lambda: None, "small.yaml")


@refused("other")
def a_default_of_no_input():
    compiler.Compiler().compile(small, "small.yaml", pipeline_parameters={"other": 1})


@refused("two YAML documents")
def a_component_of_three_documents():
    components.load_component_from_text("a: 1\n---\nb: 2\n---\nc: 3\n")


@refused("pipelineInfo")
def a_component_that_is_none():
    components.load_component_from_text("a: 1\n")


@refused("url")
def a_component_at_no_address():
    components.load_component_from_url(None)


@refused("nothing")
def a_version_1_component_with_a_wrong_placeholder():
    components.load_component_from_text(
        "implementation: {container: {image: a, args: [{inputValue: nothing}]}}"
    )


@refused("Container implementation")
def a_version_1_component_that_is_a_graph():
    components.load_component_from_text("implementation: {graph: {tasks: {}}}")


@refused("pipelines")
def a_pipeline_in_a_pipeline():
    @dsl.pipeline
    def outer():
        @dsl.pipeline
        def inner():
            say()


@refused("missing")
def an_embedded_file_that_is_missing():
    @dsl.component(base_image=IMAGE, embedded_artifact_path="/missing/file")
    def wrong(data: dsl.EmbeddedInput[Dataset]):
        pass


@refused("missing")
def a_notebook_that_is_missing():
    @dsl.notebook_component(base_image=IMAGE, notebook_path="/missing/notebook.ipynb")
    def wrong():
        dsl.run_notebook()


@refused("alias")
def a_foreign_artifact_by_another_name():
    Renamed = ForeignModel

    @dsl.component(base_image=IMAGE)
    def wrong(model: Input[Renamed]):
        pass


@refused("data")
def a_pipeline_with_an_output_among_its_inputs():
    @dsl.pipeline
    def wrong(text: str, data: Output[Dataset]):
        say(text=text)


@refused("text")
def a_lambda_as_a_component():
    dsl.component(base_image=IMAGE)(lambda text: text)
