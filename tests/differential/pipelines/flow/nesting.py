"""Exit handlers, and pipelines in pipelines."""

from typing import List, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input

from tests.differential.pipelines.flow._steps import final, join, make, read, say


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
