"""Channels in constants, placeholders and importers."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model

from tests.differential.pipelines.flow._steps import IMAGE, make, read, say


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
