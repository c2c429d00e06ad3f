"""Small packages that the tests of the client and the command line submit."""

STEPS = """
pipelineInfo: {name: client-steps}
schemaVersion: 2.1.0
root:
  inputDefinitions: {parameters: {rows: {parameterType: NUMBER_INTEGER, defaultValue: 2}}}
  dag:
    outputs:
      parameters:
        word: {valueFromParameter: {producerSubtask: make, outputParameterKey: word}}
    tasks:
      make:
        componentRef: {name: comp-make}
        inputs: {parameters: {rows: {componentInputParameter: rows}}}
        taskInfo: {name: make}
      use:
        componentRef: {name: comp-use}
        dependentTasks: [make]
        inputs:
          artifacts:
            table: {taskOutputArtifact: {producerTask: make, outputArtifactKey: table}}
        taskInfo: {name: use}
components:
  comp-make:
    executorLabel: exec-make
    inputDefinitions: {parameters: {rows: {parameterType: NUMBER_INTEGER}}}
    outputDefinitions:
      artifacts:
        table: {artifactType: {schemaTitle: system.Dataset, schemaVersion: 0.0.1}}
        folder: {artifactType: {schemaTitle: system.Artifact, schemaVersion: 0.0.1}}
        metrics: {artifactType: {schemaTitle: system.Metrics, schemaVersion: 0.0.1}}
      parameters: {word: {parameterType: STRING}}
  comp-use:
    executorLabel: exec-use
    inputDefinitions:
      artifacts: {table: {artifactType: {schemaTitle: system.Dataset, schemaVersion: 0.0.1}}}
deploymentSpec:
  executors:
    exec-make:
      container:
        image: none
        command: [sh, -c]
        args:
        - |
          rows="$0"; table="$1"; folder="$2"; word="$3"; output="$4"
          mkdir -p "$(dirname "$table")" "$folder/sub" "$(dirname "$word")" "$(dirname "$output")"
          echo x,y > "$table"
          i=0; while [ $i -lt "$rows" ]; do echo "$i,$((i * i))" >> "$table"; i=$((i + 1)); done
          echo a > "$folder/a.txt"; echo b > "$folder/sub/b.txt"
          printf hello > "$word"
          metrics='{"name": "metrics", "uri": "", "metadata": {"rows_made": '$rows'}}'
          printf '{"artifacts": {"metrics": {"artifacts": [%s]}}}' "$metrics" > "$output"
          for i in 1 2 3; do echo "line $i"; done
        - "{{$.inputs.parameters['rows']}}"
        - "{{$.outputs.artifacts['table'].path}}"
        - "{{$.outputs.artifacts['folder'].path}}"
        - "{{$.outputs.parameters['word'].output_file}}"
        - "{{$.outputs.output_file}}"
    exec-use:
      container:
        image: none
        command: [sh, -c, 'wc -l < "$0"', "{{$.inputs.artifacts['table'].path}}"]
"""
SLEEP = """
pipelineInfo: {name: client-sleep}
schemaVersion: 2.1.0
root: {dag: {tasks: {sleep: {componentRef: {name: comp-sleep}, taskInfo: {name: sleep}}}}}
components: {comp-sleep: {executorLabel: exec-sleep}}
deploymentSpec: {executors: {exec-sleep: {container: {image: none, command: [sleep, '60']}}}}
"""
TALK = """
pipelineInfo: {name: client-talk}
schemaVersion: 2.1.0
root: {dag: {tasks: {talk: {componentRef: {name: comp-talk}, taskInfo: {name: talk}}}}}
components: {comp-talk: {executorLabel: exec-talk}}
deploymentSpec:
  executors:
    exec-talk:
      container:
        image: none
        command: [sh, -c, 'for i in 1 2 3 4 5 6; do echo "line $i"; sleep 1; done']
"""
TALK_AND_WAIT = """
pipelineInfo: {name: client-talk-and-wait}
schemaVersion: 2.1.0
root:
  inputDefinitions: {parameters: {gate: {parameterType: STRING}}}
  dag:
    tasks:
      talk:
        componentRef: {name: comp-talk}
        inputs: {parameters: {gate: {componentInputParameter: gate}}}
        taskInfo: {name: talk}
components:
  comp-talk:
    executorLabel: exec-talk
    inputDefinitions: {parameters: {gate: {parameterType: STRING}}}
deploymentSpec:
  executors:
    exec-talk:
      container:
        image: none
        command: [sh, -c, 'echo first; until [ -e "$0" ]; do sleep 0.1; done; echo last']
        args: ["{{$.inputs.parameters['gate']}}"]
"""
FAIL_ONCE = """
pipelineInfo: {name: client-fail-once}
schemaVersion: 2.1.0
root:
  inputDefinitions: {parameters: {mark: {parameterType: STRING}}}
  dag:
    tasks:
      fail:
        componentRef: {name: comp-fail}
        inputs: {parameters: {mark: {componentInputParameter: mark}}}
        taskInfo: {name: fail}
components:
  comp-fail:
    executorLabel: exec-fail
    inputDefinitions: {parameters: {mark: {parameterType: STRING}}}
deploymentSpec:
  executors:
    exec-fail:
      container:
        image: none
        command: [sh, -c, 'test -e "$0" || { touch "$0"; exit 3; }']
        args: ["{{$.inputs.parameters['mark']}}"]
"""
