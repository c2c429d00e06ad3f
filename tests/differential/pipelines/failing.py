"""Components that fail when they are executed, each for another reason."""

from typing import Dict, List, NamedTuple

from kfp import dsl
from kfp.dsl import ClassificationMetrics, Dataset, Input, Model, Output, OutputPath

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def raises(text: str = "a") -> str:
    raise ValueError(f"cannot do {text}")


@dsl.component(base_image=IMAGE)
def raises_from_another():
    try:
        {}["key"]
    except KeyError as error:
        raise RuntimeError("first line\nsecond line") from error


@dsl.component(base_image=IMAGE)
def raises_its_own():
    class Missing(Exception):
        pass

    raise Missing


@dsl.component(base_image=IMAGE)
def imports_what_is_missing():
    import no_such_module  # noqa: F401


@dsl.component(base_image=IMAGE)
def is_no_python_when_called():
    compile("a b", "text", "exec")


@dsl.component(base_image=IMAGE)
def uses_an_unknown_name() -> str:
    return unknown  # noqa: F821


@dsl.component(base_image=IMAGE)
def exits_with_a_number():
    import sys

    sys.exit(7)


@dsl.component(base_image=IMAGE)
def exits_with_a_text():
    raise SystemExit("no more")


@dsl.component(base_image=IMAGE)
def exits_in_success() -> str:
    import sys

    sys.exit(0)


@dsl.component(base_image=IMAGE)
def kills_itself():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@dsl.component(base_image=IMAGE)
def returns_another_type() -> int:
    return "a text"


@dsl.component(base_image=IMAGE)
def returns_a_float_as_int() -> int:
    return 1.5


@dsl.component(base_image=IMAGE)
def returns_a_bool_as_int() -> int:
    return True


@dsl.component(base_image=IMAGE)
def returns_an_int_as_text() -> str:
    return 1


@dsl.component(base_image=IMAGE)
def returns_a_list_as_mapping() -> Dict[str, int]:
    return [1]


@dsl.component(base_image=IMAGE)
def returns_nothing() -> str:
    pass


@dsl.component(base_image=IMAGE)
def returns_what_it_does_not_say():
    return "a text"


@dsl.component(base_image=IMAGE)
def returns_too_few() -> NamedTuple("Outputs", [("first", str), ("second", str)]):
    return ("a",)


@dsl.component(base_image=IMAGE)
def returns_a_wrong_field() -> NamedTuple("Outputs", [("first", str), ("second", int)]):
    return ("a", "b")


@dsl.component(base_image=IMAGE)
def returns_one_for_several() -> NamedTuple("Outputs", [("first", str), ("second", int)]):
    return 1


@dsl.component(base_image=IMAGE)
def returns_what_json_cannot_say() -> list:
    return [object()]


@dsl.component(base_image=IMAGE)
def returns_bytes_within() -> dict:
    return {"a": b"bytes"}


@dsl.component(base_image=IMAGE)
def returns_keys_that_are_no_texts() -> dict:
    return {1: "a", (2): "b"}


@dsl.component(base_image=IMAGE)
def returns_what_is_no_number() -> float:
    return float("nan")


@dsl.component(base_image=IMAGE)
def returns_infinity() -> float:
    return float("-inf")


@dsl.component(base_image=IMAGE)
def returns_no_number_within() -> dict:
    return {"a": float("nan"), "b": [float("inf")]}


@dsl.component(base_image=IMAGE)
def returns_half_a_character() -> str:
    return "\ud800"


@dsl.component(base_image=IMAGE)
def returns_a_zero_character() -> str:
    return "a\0b"


@dsl.component(base_image=IMAGE)
def returns_a_huge_number() -> int:
    return 2**64


@dsl.component(base_image=IMAGE)
def returns_a_deep_list() -> list:
    made = []
    for _ in range(100_000):
        made = [made]
    return made


@dsl.component(base_image=IMAGE)
def returns_an_artifact_as_text() -> str:
    return Dataset(uri="a")


@dsl.component(base_image=IMAGE)
def returns_an_artifact_of_another_class() -> Dataset:
    return Model(uri=dsl.get_uri(), metadata={"a": 1})


@dsl.component(base_image=IMAGE)
def does_not_write(text: OutputPath(str)):
    pass


@dsl.component(base_image=IMAGE)
def writes_another_type(number: OutputPath(int)):
    with open(number, "w") as file:
        file.write("three")


@dsl.component(base_image=IMAGE)
def writes_bytes(text: OutputPath(str)):
    with open(text, "wb") as file:
        file.write(b"\xff")


@dsl.component(base_image=IMAGE)
def does_not_write_an_artifact(data: Output[Dataset]):
    pass


@dsl.component(base_image=IMAGE)
def sets_metadata_that_json_cannot_say(data: Output[Dataset]):
    data.metadata["a"] = object()


@dsl.component(base_image=IMAGE)
def sets_metadata_that_is_no_number(data: Output[Dataset]):
    data.metadata["a"] = float("nan")


@dsl.component(base_image=IMAGE)
def logs_a_wrong_row(metrics: Output[ClassificationMetrics]):
    metrics.set_confusion_matrix_categories(["a", "b"])
    metrics.log_confusion_matrix_row("a", [1])


@dsl.component(base_image=IMAGE)
def logs_an_unknown_category(metrics: Output[ClassificationMetrics]):
    metrics.set_confusion_matrix_categories(["a", "b"])
    metrics.log_confusion_matrix_cell("a", "c", 1)


@dsl.component(base_image=IMAGE)
def logs_a_row_without_categories(metrics: Output[ClassificationMetrics]):
    metrics.log_confusion_matrix_row("a", [1])


@dsl.component(base_image=IMAGE)
def logs_a_curve_of_unequal_lists(metrics: Output[ClassificationMetrics]):
    metrics.log_roc_curve([0.0], [0.0, 1.0], [0.5])


@dsl.component(base_image=IMAGE)
def writes_to_where_nothing_is():
    with open("/no/such/folder/file", "w"):
        pass


@dsl.component(base_image=IMAGE)
def recurses() -> int:
    def again(n):
        return again(n + 1)

    return again(0)


@dsl.component(base_image=IMAGE)
def make_nothing(data: Output[Dataset]):
    pass


@dsl.component(base_image=IMAGE)
def read(data: Input[Dataset]) -> str:
    return open(data.path).read()


@dsl.component(base_image=IMAGE)
def read_all(data: Input[List[Dataset]]) -> int:
    return len(data)


@dsl.component(base_image=IMAGE)
def read_after(text: str, data: Output[Dataset]):
    pass


@dsl.pipeline
def reads_what_was_not_written():
    read(data=make_nothing().outputs["data"])


@dsl.pipeline
def loops_over_nothing(words: List[str] = []) -> int:
    with dsl.ParallelFor(words) as item:
        made = read_after(text=item)
    return read_all(data=dsl.Collected(made.outputs["data"])).output


@dsl.pipeline
def fails_after_retries():
    raises().set_retry(2, backoff_duration="0s")


@dsl.pipeline
def fails_in_a_loop():
    with dsl.ParallelFor(["a", "b"]) as item:
        raises(text=item)


@dsl.pipeline
def fails_before_others() -> str:
    made = raises(text="b")
    raises(text=made.output)
    return made.output


@dsl.container_component
def has_no_command():
    return dsl.ContainerSpec(image="alpine")


@dsl.container_component
def has_an_unknown_command():
    return dsl.ContainerSpec(image="alpine", command=["no-such-command"])


@dsl.container_component
def ends_with_a_code(text: OutputPath(str)):
    return dsl.ContainerSpec(image="alpine", command=["sh", "-c", "echo last >&2; exit 3"])


@dsl.container_component
def writes_no_output(text: OutputPath(str)):
    return dsl.ContainerSpec(image="alpine", command=["true"])
