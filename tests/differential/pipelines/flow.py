"""Control flow: branches, loops, exit handlers and what comes out of them."""

from typing import Dict, List, NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def say(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def count(number: int = 1) -> int:
    return number


@dsl.component(base_image=IMAGE)
def measure() -> float:
    return 0.5


@dsl.component(base_image=IMAGE)
def judge() -> bool:
    return True


@dsl.component(base_image=IMAGE)
def texts() -> List[str]:
    return ["a"]


@dsl.component(base_image=IMAGE)
def mappings() -> List[Dict[str, int]]:
    return [{"a": 1}]


@dsl.component(base_image=IMAGE)
def mapping() -> dict:
    return {}


@dsl.component(base_image=IMAGE)
def total(numbers: List[int]) -> int:
    return sum(numbers)


@dsl.component(base_image=IMAGE)
def join(texts: list) -> str:
    return "".join(texts)


@dsl.component(base_image=IMAGE)
def make(data: Output[Dataset], text: str = "a"):
    pass


@dsl.component(base_image=IMAGE)
def read(data: Input[Dataset]) -> str:
    return ""


@dsl.component(base_image=IMAGE)
def read_all(data: Input[List[Dataset]]) -> str:
    return ""


@dsl.component(base_image=IMAGE)
def two() -> NamedTuple("Outputs", [("text", str), ("number", int)]):
    return ("a", 1)


@dsl.component(base_image=IMAGE)
def final(status: dsl.PipelineTaskFinalStatus, text: str = "a"):
    pass


@dsl.pipeline
def every_comparison(text: str = "a", number: int = 1, real: float = 0.5, flag: bool = True):
    with dsl.If(text == "a"):
        say()
    with dsl.If(text != "b", name="named"):
        say()
    with dsl.If(number < 3):
        say()
    with dsl.If(number <= 3):
        say()
    with dsl.If(number > 3.5):
        say()
    with dsl.If(real >= 1):
        say()
    with dsl.If(flag == True):
        say()
    with dsl.If(flag == False):
        say()
    with dsl.If(1 == number):
        say()
    with dsl.If(number == real):
        say()
    with dsl.If(text == True):
        say()
    with dsl.If(number == "1"):
        say()
    with dsl.Condition(text == ""):
        say()


@dsl.pipeline
def a_comparison_that_kfp_writes_wrongly(text: str = "a", number: int = 1):
    with dsl.If(text == number):
        say()


@dsl.pipeline
def comparisons_of_outputs():
    made = two()
    with dsl.If(made.outputs["text"] == "a"):
        say(text=made.outputs["text"])
    with dsl.If(made.outputs["number"] == made.outputs["number"]):
        count(number=made.outputs["number"])
    with dsl.If(judge().output == True):
        say()
    with dsl.If(measure().output > 0.25):
        say()


@dsl.pipeline
def branches(text: str = "a", number: int = 1):
    with dsl.If(text == "a", name="first"):
        say(text="1")
    with dsl.Elif(text == "b", name="second"):
        say(text="2")
    with dsl.Elif(number == 3):
        say(text="3")
    with dsl.Else(name="last"):
        say(text=f"4 {text}")
    say(text="after")


@dsl.pipeline
def branches_in_branches(text: str = "a"):
    made = say(text=text)
    with dsl.If(made.output == "a"):
        inner = say(text=made.output)
        with dsl.If(inner.output == "b"):
            say(text="1")
        with dsl.Else():
            say(text=text)
    with dsl.Elif(made.output == "c"):
        with dsl.If(text == "d"):
            say(text=made.output)
        with dsl.Elif(text == "e"):
            say()
        with dsl.Else():
            say()
    with dsl.Else():
        say()


@dsl.pipeline
def elif_without_else(text: str = "a"):
    with dsl.If(text == "a"):
        say()
    with dsl.Elif(text == "b"):
        say()
    say(text="after")


@dsl.pipeline
def condition_with_branches(text: str = "a"):
    with dsl.Condition(text == "a", name="old"):
        say()
    with dsl.Else():
        say()


@dsl.pipeline
def nested_conditions(text: str = "a", number: int = 1):
    with dsl.If(text == "a"):
        with dsl.If(number == 1):
            with dsl.If(text == "b"):
                say(text=f"{text} {number}")


@dsl.pipeline
def one_of_parameters(text: str = "a") -> str:
    with dsl.If(text == "a"):
        first = say(text="1")
    with dsl.Elif(text == "b"):
        second = say(text="2")
    with dsl.Else():
        third = two()
    chosen = dsl.OneOf(first.output, second.output, third.outputs["text"])
    say(text=chosen)
    say(text=chosen)
    return chosen


@dsl.pipeline
def one_of_artifacts(text: str = "a") -> Dataset:
    with dsl.If(text == "a"):
        first = make(text="1")
    with dsl.Else():
        second = make(text="2")
    chosen = dsl.OneOf(first.outputs["data"], second.outputs["data"])
    read(data=chosen)
    return chosen


@dsl.pipeline
def several_ones(text: str = "a") -> NamedTuple("Outputs", [("word", str), ("number", int)]):
    with dsl.If(text == "a"):
        first = two()
    with dsl.Else():
        second = two()
    outputs = NamedTuple("Outputs", [("word", str), ("number", int)])
    return outputs(
        dsl.OneOf(first.outputs["text"], second.outputs["text"]),
        dsl.OneOf(first.outputs["number"], second.outputs["number"]),
    )


@dsl.pipeline
def one_of_in_a_loop(text: str = "a"):
    with dsl.ParallelFor(["x", "y"]) as item:
        with dsl.If(text == "a"):
            first = say(text=item)
        with dsl.Else():
            second = say(text="2")
        say(text=dsl.OneOf(first.output, second.output))


@dsl.pipeline
def one_of_in_a_branch(text: str = "a"):
    with dsl.If(text == "a"):
        with dsl.If(text == "b"):
            first = say(text="1")
        with dsl.Else():
            second = say(text="2")
        chosen = dsl.OneOf(first.output, second.output)
        say(text=chosen)
        with dsl.If(text == "c"):
            say(text=chosen)


@dsl.pipeline
def loops_over_constants():
    with dsl.ParallelFor(["a", "b"], name="letters") as item:
        say(text=item)
    with dsl.ParallelFor([1, 2], parallelism=2) as item:
        count(number=item)
    with dsl.ParallelFor([0.5, 1.0], parallelism=0) as item:
        say(text=f"{item}")
    with dsl.ParallelFor([{"a": 1, "b": 2}, {"a": 3, "b": 4}]) as item:
        count(number=item.a)
        count(number=item.b)
    with dsl.ParallelFor(({"b": "x"}, {"b": "y"})) as item:
        say(text=item.b)
    with dsl.ParallelFor([True, False]):
        say()


@dsl.pipeline
def loops_over_inputs(
    words: List[str], numbers: List[int], things: list, dicts: List[Dict[str, str]]
):
    with dsl.ParallelFor(words) as item:
        say(text=item)
    with dsl.ParallelFor(items=numbers, parallelism=1) as item:
        count(number=item)
    with dsl.ParallelFor(things) as item:
        say(text=item)
        say(text=item.part)
    with dsl.ParallelFor(dicts) as item:
        say(text=item.a)


@dsl.pipeline
def loops_over_outputs():
    words = texts()
    with dsl.ParallelFor(words.output) as item:
        say(text=item)
        say(text=words.output[0] if False else "constant")
    dicts = mappings()
    with dsl.ParallelFor(dicts.output) as item:
        count(number=item.a)
    with dsl.ParallelFor(words.output):
        say()


@dsl.pipeline
def loops_over_artifacts(models: Input[List[Model]], data: Input[List[Dataset]]):
    with dsl.ParallelFor(data) as item:
        read(data=item)
        with dsl.If(say().output == "a"):
            read(data=item)


@dsl.pipeline
def loops_in_loops(outer: List[str], inner: List[int]):
    with dsl.ParallelFor(outer) as one:
        say(text=one)
        with dsl.ParallelFor(inner) as other:
            count(number=other)
            say(text=one)
            with dsl.ParallelFor([1, 2]) as third:
                count(number=third)
                count(number=other)
    with dsl.ParallelFor(["a", "b"]) as one:
        with dsl.ParallelFor(["c", "d"]) as other:
            say(text=one)
            say(text=other)


@dsl.pipeline
def loops_over_parts_of_items(things: list):
    with dsl.ParallelFor(things) as item:
        with dsl.ParallelFor(item.parts) as part:
            say(text=part)
            say(text=part.name)


@dsl.pipeline
def conditions_in_loops(words: List[str], wanted: str = "a"):
    with dsl.ParallelFor(words) as item:
        with dsl.If(item == wanted):
            say(text=item)
        with dsl.Else():
            say(text=wanted)
    with dsl.ParallelFor([{"a": 1}, {"a": 2}]) as item:
        with dsl.If(item.a == 1):
            say()
    with dsl.ParallelFor([1, 2]) as number:
        made = count(number=number)
        with dsl.If(made.output == number):
            count(number=made.output)


@dsl.pipeline
def loops_in_conditions(words: List[str], wanted: str = "a"):
    made = texts()
    with dsl.If(wanted == "a"):
        with dsl.ParallelFor(words) as item:
            say(text=item)
            say(text=wanted)
        with dsl.ParallelFor(made.output) as item:
            say(text=item)
        with dsl.ParallelFor([1, 2]) as item:
            count(number=item)


@dsl.pipeline
def collected_parameters() -> List[int]:
    with dsl.ParallelFor([1, 2, 3]) as item:
        made = count(number=item)
        words = say(text="a")
    total(numbers=dsl.Collected(made.output))
    join(texts=dsl.Collected(words.output))
    return dsl.Collected(made.output)


@dsl.pipeline
def collected_artifacts() -> List[Dataset]:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = make(text=item)
    read_all(data=dsl.Collected(made.outputs["data"]))
    return dsl.Collected(made.outputs["data"])


@dsl.pipeline
def collected_from_loops_in_loops() -> list:
    with dsl.ParallelFor([1, 2]):
        with dsl.ParallelFor([3, 4]) as other:
            made = count(number=other)
        inner = total(numbers=dsl.Collected(made.output))
    join(texts=dsl.Collected(made.output))
    total(numbers=dsl.Collected(inner.output))
    return dsl.Collected(made.output)


@dsl.pipeline
def collected_in_a_condition(text: str = "a"):
    with dsl.If(text == "a"):
        with dsl.ParallelFor([1, 2]) as item:
            made = count(number=item)
        total(numbers=dsl.Collected(made.output))


@dsl.pipeline
def collected_by_a_group(text: str = "a"):
    with dsl.ParallelFor([1, 2]) as item:
        made = count(number=item)
    with dsl.If(text == "a"):
        total(numbers=dsl.Collected(made.output))
    with dsl.ParallelFor(["a", "b"]):
        total(numbers=dsl.Collected(made.output))


@dsl.pipeline
def collected_from_a_condition(text: str = "a"):
    with dsl.ParallelFor([1, 2]) as item:
        with dsl.If(text == "a"):
            made = count(number=item)
    total(numbers=dsl.Collected(made.output))


@dsl.pipeline
def exit_handlers(text: str = "a"):
    ending = say(text=text)
    with dsl.ExitHandler(ending, name="covered"):
        made = say(text="1")
        with dsl.If(made.output == "a"):
            say(text=text)
        with dsl.ParallelFor(["a", "b"]) as item:
            say(text=item)
    other = final(text="end")
    with dsl.ExitHandler(other):
        say()
    say(text="alone")


@dsl.pipeline
def an_inner_pipeline(text: str = "a") -> str:
    made = say(text=text)
    return say(text=made.output).output


@dsl.pipeline
def an_inner_loop(words: List[str]) -> List[str]:
    with dsl.ParallelFor(words) as item:
        made = an_inner_pipeline(text=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def pipelines_in_pipelines(words: List[str]) -> str:
    first = an_inner_pipeline(text="a")
    second = an_inner_pipeline(text=first.output)
    looped = an_inner_loop(words=words)
    joined = join(texts=looped.output)
    say(text=second.output)
    with dsl.If(joined.output == "a"):
        an_inner_pipeline(text=joined.output)
    with dsl.ParallelFor(looped.output) as item:
        an_inner_pipeline(text=item)
    return joined.output


@dsl.pipeline
def an_exit_pipeline():
    ending = an_inner_pipeline(text="end")
    with dsl.ExitHandler(ending):
        say()


@dsl.pipeline
def a_pipeline_of_artifacts(data: Input[Dataset]) -> NamedTuple(
    "Outputs", [("data", Dataset), ("text", str)]
):
    text = read(data=data)
    made = make(text=text.output)
    outputs = NamedTuple("Outputs", [("data", Dataset), ("text", str)])
    return outputs(made.outputs["data"], text.output)


@dsl.pipeline
def pipelines_of_artifacts():
    made = make()
    first = a_pipeline_of_artifacts(data=made.outputs["data"])
    second = a_pipeline_of_artifacts(data=first.outputs["data"])
    say(text=second.outputs["text"])


@dsl.component(base_image=IMAGE)
def anything(artifact: Input[Artifact], words: list = [], parts: dict = {}):
    pass


@dsl.pipeline
def channels_in_constants(text: str = "a", number: int = 1, flag: bool = True):
    made = say(text=f"{text} {number} {flag}")
    say(text="%s and %s" % (made.output, text))
    say(text="{} again {}".format(made.output, made.output))
    data = make(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    anything(
        artifact=data.outputs["data"],
        words=[made.output, f"x {number}", 1, [text]],
        parts={"a": text, "b": [made.output, 2.5], "c": {"d": f"{flag}"}},
    )
    with dsl.ParallelFor(["a", "b"]) as item:
        say(text=f"{item} {made.output} {text}")


@dsl.pipeline
def placeholders():
    for placeholder in (
        dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
        dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
        dsl.PIPELINE_TASK_ID_PLACEHOLDER,
        dsl.PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER,
        dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        dsl.PIPELINE_ROOT_PLACEHOLDER,
        dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
        dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
    ):
        say(text=placeholder)


@dsl.pipeline
def importers(uri: str = "gs://a/b", owner: str = "me"):
    known = dsl.importer(artifact_uri="gs://a/b", artifact_class=Dataset)
    read(data=known.output)
    dsl.importer(artifact_uri=uri, artifact_class=Model, reimport=True)
    dsl.importer(
        artifact_uri=say(text="gs://a/c").output,
        artifact_class=Artifact,
        metadata={"owner": owner, "size": 3, "parts": [owner, 1.5, True], "who": f"by {owner}"},
    )
    with dsl.ParallelFor(["gs://a/1", "gs://a/2"]) as item:
        read(data=dsl.importer(artifact_uri=item, artifact_class=Dataset).outputs["artifact"])
