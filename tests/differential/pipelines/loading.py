"""Components that are loaded from texts: version 1 files, single components and pipelines in IR."""

import tempfile

from kfp import compiler, components, dsl

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def say(text: str = "a") -> str:
    """Says it."""
    return text


@dsl.component(base_image=IMAGE)
def make(data: dsl.Output[dsl.Dataset], number: float = 0.5):
    pass


def reloaded(component):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/component.yaml"
        compiler.Compiler().compile(component, path)
        return components.load_component_from_file(path)


every_type = components.load_component_from_text("""
name: Every type
description: |
  Has an input of every type.
metadata: {annotations: {author: nobody}, labels: {a: b}}
inputs:
- {name: Some text, type: String, default: 'a', description: A text.}
- {name: number, type: Integer, default: '3'}
- {name: real, type: Float, default: 0.5}
- {name: Flag, type: Bool, default: 'True'}
- {name: things, type: List, default: '[1, "a"]'}
- {name: parts, type: JsonObject, default: '{"a": 1}'}
- {name: array, type: JsonArray, optional: true}
- {name: needed, type: String}
- {name: maybe, type: String, optional: true}
- {name: data, type: Dataset}
- {name: model, type: Model, optional: true}
- {name: untyped}
- {name: odd, type: GCSPath}
- {name: mapping, type: {GCSPath: {data_type: CSV}}}
- {name: foreign, type: google.VertexModel, optional: true}
- {name: typed list, type: 'List[str]'}
outputs:
- {name: Out text, type: String}
- {name: count, type: Integer}
- {name: data out, type: Dataset}
- {name: unknown out, type: Whatever}
- {name: untyped out}
implementation:
  container:
    image: alpine
    command: [sh, -c, 'echo "$0"', {inputValue: Some text}]
    args:
    - {inputValue: number}
    - {inputPath: data}
    - {inputUri: data}
    - {outputPath: Out text}
    - {outputPath: data out}
    - {outputUri: unknown out}
    - {executorInput: null}
    - {concat: ['--text=', {inputValue: Some text}, {inputUri: data}]}
    - if:
        cond: {isPresent: maybe}
        then: [--maybe, {inputValue: maybe}]
        else: [--nothing]
    - if:
        cond: {isPresent: maybe}
        then: {inputValue: maybe}
    env: {KEY: value}
""")

smallest = components.load_component_from_text("""
implementation:
  container: {image: alpine}
""")

with_file_outputs = components.load_component_from_text("""
name: With file outputs
inputs: [{name: Text, type: String}]
outputs: [{name: MLPipeline UI metadata, type: UI metadata}]
implementation:
  container:
    image: alpine
    command: [run, {inputValue: Text}]
    fileOutputs: {MLPipeline UI metadata: /mlpipeline-ui-metadata.json}
""")

plain_ir = components.load_component_from_text(
    """
# PIPELINE DEFINITION
# Name: plain
# Description: The first line.
#              The second line.
components:
  comp-plain:
    executorLabel: exec-plain
    inputDefinitions:
      artifacts:
        data: {artifactType: {schemaTitle: system.Dataset, schemaVersion: 0.0.1}, isOptional: true}
        many: {artifactType: {schemaTitle: system.Model, schemaVersion: 0.0.1}, isArtifactList: true}
      parameters:
        text: {parameterType: STRING}
        number: {parameterType: NUMBER_INTEGER, defaultValue: 3, isOptional: true}
        things: {parameterType: LIST, defaultValue: [1, a], isOptional: true}
    outputDefinitions:
      parameters:
        out: {parameterType: STRUCT}
deploymentSpec:
  executors:
    exec-plain:
      container:
        image: alpine
        command: [echo, "{{$.inputs.parameters['text']}}"]
pipelineInfo: {name: plain}
root:
  dag:
    tasks:
      plain:
        cachingOptions: {enableCache: true}
        componentRef: {name: comp-plain}
        inputs:
          artifacts:
            data: {componentInputArtifact: data}
            many: {componentInputArtifact: many}
          parameters:
            text: {componentInputParameter: text}
            number: {componentInputParameter: number}
            things: {componentInputParameter: things}
        taskInfo: {name: plain}
  inputDefinitions:
    artifacts:
      data: {artifactType: {schemaTitle: system.Dataset, schemaVersion: 0.0.1}, isOptional: true}
      many: {artifactType: {schemaTitle: system.Model, schemaVersion: 0.0.1}, isArtifactList: true}
    parameters:
      text: {parameterType: STRING}
      number: {parameterType: NUMBER_INTEGER, defaultValue: 3, isOptional: true}
      things: {parameterType: LIST, defaultValue: [1, a], isOptional: true}
schemaVersion: 2.1.0
sdkVersion: kfp-2.0.0
""".lstrip()
)


@dsl.pipeline
def inner(text: str = "b", number: int = 1) -> str:
    """An inner pipeline."""
    make(number=1.5).set_cpu_limit("2")
    with dsl.ParallelFor([1, 2]):
        say()
    return say(text=f"{text} {number}").output


reloaded_component = reloaded(say)
reloaded_inner = reloaded(inner)
reloaded_version_1 = reloaded(smallest)


@dsl.pipeline
def of_loaded_components(
    data: dsl.Input[dsl.Dataset], many: dsl.Input[list[dsl.Model]], text: str = "a"
):
    said = reloaded_component(text=text)
    ran = reloaded_inner(text=said.output, number=2)
    reloaded_inner()
    smallest()
    plain_ir(text=ran.output, many=many)
    plain_ir(text="a", number=4, data=data, many=many).set_memory_limit("1G")
    with_file_outputs(text="a")
    every_type(
        some_text="a",
        needed=said.output,
        data=data,
        untyped=data,
        odd=data,
        mapping=data,
        typed_list=["a"],
    )


def written_of_a_reloaded_pipeline(path):
    compiler.Compiler().compile(reloaded_inner, path)


def written_of_what_is_reloaded(path):
    compiler.Compiler().compile(of_loaded_components, path, pipeline_name="other-name")


WRITTEN = [written_of_a_reloaded_pipeline, written_of_what_is_reloaded]
