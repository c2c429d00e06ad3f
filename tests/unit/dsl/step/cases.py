"""Functions and executor inputs that both executors get."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One function, called `f`, and what it is given."""

    name: str
    function: str
    input: dict[str, Any]
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def artifact(name: str, title: str = "system.Dataset", **more: Any) -> dict[str, Any]:
    """An output's or input's artifact, in the case's folder."""
    given = {"name": name, "type": {"schemaTitle": title}, "uri": f"ROOT/out/{name}", **more}
    return {"artifacts": [given]}


def given(
    parameters: dict[str, Any] | None = None,
    artifacts: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    written: tuple[str, ...] = ("Output",),
) -> dict[str, Any]:
    """An executor input."""
    return {
        "inputs": {"parameterValues": parameters or {}, "artifacts": artifacts or {}},
        "outputs": {
            "parameters": {name: {"outputFile": f"ROOT/out/{name}"} for name in written},
            "artifacts": outputs or {},
            "outputFile": "ROOT/out/output.json",
        },
    }


def case(name: str, function: str, input: dict[str, Any] | None = None, **more: Any) -> Case:
    """A case whose function is indented as the lines here are."""
    return Case(name, textwrap.dedent(function).strip() + "\n", input or given(), **more)


STATUS = {
    "state": "COMPLETE",
    "pipelineJobResourceName": "run-1",
    "pipelineTaskName": "exit-handler-1",
    "error": {},
}
MANY = {"artifacts": [artifact(name)["artifacts"][0] for name in "abc"]}
SHOW = "print(type(x).__name__, x.name, x.uri, x.path, x.metadata)"

PARAMETERS = [
    case("text", "def f(x: str) -> str:\n    return x * 2", given({"x": 'a"é\n'})),
    case("whole number", "def f(x: int) -> int:\n    return x + 1", given({"x": 3})),
    case("number", "def f(x: float) -> float:\n    return x / 2", given({"x": 3})),
    case("number from a whole one", "def f() -> float:\n    return 3"),
    case("number from a truth", "def f() -> float:\n    return True"),
    case("truth", "def f(x: bool) -> bool:\n    return not x", given({"x": True})),
    case("list", "def f(x: list) -> list:\n    return x[::-1]", given({"x": [1, "a", None, 2.5]})),
    case("dict", "def f(x: dict) -> dict:\n    return {'a': x}", given({"x": {"b": [True]}})),
    case(
        "typed list and dict",
        "def f(x: List[int], y: Dict[str, List[float]]) -> Dict[str, List[int]]:\n"
        "    return {**y, 'x': x}",
        given({"x": [1, 2], "y": {"z": [0.5]}}),
    ),
    case(
        "lists of the language itself",
        "def f(x: list[int], y: dict[str, int]) -> list[str]:\n    return [*map(str, x), *y]",
        given({"x": [1], "y": {"k": 1}}),
    ),
    case("empty results", "def f() -> dict:\n    return {}"),
    case("an empty list", "def f() -> list:\n    return []"),
    case("zero", "def f() -> int:\n    return 0"),
    case("false", "def f() -> bool:\n    return False"),
    case("no text", "def f() -> str:\n    return ''"),
    case("nan and infinity", "def f() -> list:\n    return [float('nan'), float('inf'), 1e300]"),
    case("large numbers", "def f() -> int:\n    return 2 ** 80"),
    case("text of all kinds", "def f() -> str:\n    return 'ü\\u2028\\x00\\U0001f600\\\\'"),
    case("nothing", "def f(x: str):\n    print(x)", given({"x": "said"})),
    case("nothing, said so", "def f() -> None:\n    pass"),
    case("default", "def f(x: str = 'd', y: int = 2) -> str:\n    return x * y", given({"y": 3})),
    case("null takes the default", "def f(x: str = 'd') -> str:\n    return x", given({"x": None})),
    case(
        "optional",
        "def f(x: Optional[str] = None, y: Optional[List[int]] = None) -> str:\n"
        "    return repr((x, y))",
        given({"y": [1]}),
    ),
    case("optional without default", "def f(x: Optional[str]) -> str:\n    return x", given()),
    case("missing", "def f(x: str) -> str:\n    return x", given()),
    case("more than asked for", "def f(x: str) -> str:\n    return x", given({"x": "a", "y": "b"})),
    case("keyword only", "def f(*, x: str = 'k') -> str:\n    return x", given({"x": "b"})),
    case("no inputs at all", "def f() -> str:\n    return 'a'", {"outputs": given()["outputs"]}),
    case("a function of its own", "def f() -> int:\n    def g(n): return n\n    return g(4)"),
    case("wrong type", "def f() -> int:\n    return 'a'"),
    case("wrong list", "def f() -> List[int]:\n    return (1, 2)"),
    case("text for a truth", "def f() -> bool:\n    return 'true'"),
    case("a number for text", "def f() -> str:\n    return 3"),
    case("what JSON cannot say", "def f() -> dict:\n    return {'a': object()}"),
    case("keys that are no text", "def f() -> dict:\n    return {1: 'a', True: 'b', None: 'c'}"),
    case("an error", "def f(x: str):\n    raise KeyError(x)", given({"x": "gone"})),
    case(
        "output path of a parameter",
        "def f(o: OutputPath(str), n: OutputPath(int), d: OutputPath(dict)):\n"
        "    for path in (o, n, d):\n        open(path, 'w').write('4')",
        given(written=("o", "n", "d")),
    ),
    case(
        "output path that is not given",
        "def f(o: OutputPath(str)):\n    print(o)",
        given(written=()),
    ),
    case(
        "output path of an untyped output",
        "def f(o: OutputPath()):\n    open(o, 'w').write('4')",
        given(outputs={"o": artifact("o", "system.Artifact")}),
    ),
    case(
        "written by the chief only",
        "def f() -> str:\n    return 'a'",
        env={"CLUSTER_SPEC": '{"task": {"type": "workerpool1"}}'},
    ),
    case(
        "written by the chief",
        "def f() -> str:\n    return 'a'",
        env={"CLUSTER_SPEC": '{"task": {"type": "chief"}}'},
    ),
]

TUPLES = [
    case(
        "named tuple",
        """
        def f() -> NamedTuple('Outs', [('a', int), ('b', str), ('c', Dict[str, int])]):
            from collections import namedtuple
            return namedtuple('Other', 'a b c')(1, 'x', {'k': 2})
        """,
    ),
    case(
        "plain tuple",
        "def f() -> NamedTuple('Outs', a=int, b=list):\n    return (1, [2])",
    ),
    case("too few", "def f() -> NamedTuple('Outs', a=int, b=str):\n    return (1,)"),
    case("none within", "def f() -> NamedTuple('Outs', a=int, b=str):\n    return (1, None)"),
    case("a list is none", "def f() -> NamedTuple('Outs', a=int):\n    return [1]"),
    case("wrong within", "def f() -> NamedTuple('Outs', a=int, b=str):\n    return ('x', 'y')"),
    case(
        "artifacts within",
        """
        def f() -> NamedTuple('Outs', n=int, d=Dataset, m=Metrics):
            d = Dataset(uri=dsl.get_uri('d'), metadata={'rows': 1})
            m = Metrics()
            m.log_metric('loss', 0.5)
            return (1, d, m)
        """,
        given(outputs={"d": artifact("d"), "m": artifact("m", "system.Metrics")}),
    ),
    case("a plain class", "def f() -> tuple:\n    return (1, 2)"),
    case("returned without saying so", "def f():\n    return 1"),
    case("said that nothing is returned", "def f() -> None:\n    return 1"),
    case("a set", "def f() -> set:\n    return {1}"),
]

ARTIFACTS = [
    case(
        "input",
        f"def f(x: Input[Dataset]):\n    {SHOW}",
        given(artifacts={"x": artifact("x", metadata={"rows": 3})}),
    ),
    case(
        "input of another type",
        f"def f(x: Input[Artifact]):\n    {SHOW}",
        given(artifacts={"x": artifact("x", "system.Model", metadata={"framework": "none"})}),
    ),
    case(
        "input of an unknown type",
        f"def f(x: Input[Model]):\n    {SHOW}",
        given(artifacts={"x": artifact("x", "google.Other")}),
    ),
    case(
        "input without a name, a type and metadata",
        f"def f(x: Input[Dataset]):\n    {SHOW}",
        given(artifacts={"x": {"artifacts": [{"uri": "ROOT/x"}]}}),
    ),
    case(
        "input read",
        "def f(x: Input[Dataset]) -> str:\n    return open(x.path).read()",
        given(artifacts={"x": artifact("x")}),
        files={"out/x": "Hello"},
    ),
    case(
        "bare artifact class",
        f"def f(x: Dataset):\n    {SHOW}",
        given(artifacts={"x": artifact("x")}),
    ),
    case(
        "list of inputs",
        "def f(x: Input[List[Dataset]]):\n    print([(type(a).__name__, a.name) for a in x])",
        given(artifacts={"x": MANY}),
    ),
    case(
        "bare list of inputs",
        "def f(x: List[Dataset]):\n    print([(type(a).__name__, a.name) for a in x])",
        given(artifacts={"x": MANY}),
    ),
    case(
        "bare list of the language itself",
        "def f(x: list[Dataset]):\n    print([(type(a).__name__, a.name) for a in x])",
        given(artifacts={"x": MANY}),
    ),
    case(
        "one of several",
        f"def f(x: Input[Dataset]):\n    {SHOW}",
        given(artifacts={"x": MANY}),
    ),
    case("optional input", "def f(x: Optional[Input[Dataset]] = None):\n    print(x)", given()),
    case(
        "optional input given",
        f"def f(x: Optional[Input[Dataset]] = None):\n    {SHOW}",
        given(artifacts={"x": artifact("x")}),
    ),
    case("input that is missing", "def f(x: Input[Dataset]):\n    print(x)", given()),
    case(
        "input path",
        "def f(x: InputPath('Dataset'), y: InputPath()):\n    print(x, y)",
        given(artifacts={"x": artifact("x"), "y": artifact("y", "system.Artifact")}),
    ),
    case("input path that is missing", "def f(x: InputPath('Dataset')):\n    print(x)", given()),
    case(
        "output",
        """
        def f(x: Output[Dataset], m: Output[Model]):
            with open(x.path, 'w') as file:
                file.write('rows')
            x.metadata['rows'] = 1
            m.framework = 'none'
            m.metadata['a'] = {'b': [1, None]}
        """,
        given(outputs={"x": artifact("x"), "m": artifact("m", "system.Model")}),
    ),
    case(
        "output with given metadata",
        "def f(x: Output[Dataset]):\n    x.metadata['b'] = 2",
        given(outputs={"x": artifact("x", metadata={"a": 1})}),
    ),
    case(
        "output of an unknown type",
        f"def f(x: Output[Model]):\n    {SHOW}",
        given(outputs={"x": artifact("x", "google.Other")}),
    ),
    case(
        "output elsewhere",
        "def f(x: Output[Dataset]):\n    x.uri = 's3://bucket/key'\n    print(x.path)",
        given(outputs={"x": artifact("x")}),
    ),
    case(
        "output at a path that is mounted",
        "def f(x: Output[Dataset]):\n    x.path = '/gcs/bucket/key'\n    print(x.uri, x.path)",
        given(outputs={"x": artifact("x")}),
    ),
    case(
        "custom path",
        """
        def f(x: Output[Dataset], y: Output[Dataset]):
            x.custom_path = '/data/x'
            y.set_path('/data/y')
            print(x.path, y.path, x.uri)
        """,
        given(outputs={"x": artifact("x"), "y": artifact("y")}),
    ),
    case(
        "output path of an artifact",
        "def f(o: OutputPath('Dataset')):\n    open(o, 'w').write('rows')",
        given(outputs={"o": artifact("o")}),
    ),
    case("output path of no artifact", "def f(o: OutputPath('Dataset')):\n    pass", given()),
    case(
        "returned artifact",
        """
        def f() -> Model:
            made = Model(name='m', uri=dsl.get_uri(), metadata={'a': 1})
            open(made.path, 'w').write('weights')
            return made
        """,
        given(outputs={"Output": artifact("Output", "system.Model")}),
    ),
    case(
        "returned artifact of another class",
        "def f() -> Artifact:\n    return Dataset(uri=dsl.get_uri('a/b'))",
        given(outputs={"Output": artifact("Output", "system.Artifact")}),
    ),
    case(
        "returned artifact at its custom path",
        "def f() -> Dataset:\n    made = Dataset()\n    made.custom_path = '/d'\n    return made",
        given(outputs={"Output": artifact("Output")}),
    ),
    case(
        "returned data of an artifact",
        "def f() -> Dataset:\n    return {'rows': 1}",
        given(outputs={"Output": artifact("Output")}),
    ),
    case(
        "paths of stores",
        """
        def f():
            for uri in ('gs://b/k', 's3://b/k', 'minio://b/k', 'oci://host/name:tag', '/a', ''):
                for made in (Artifact(uri=uri), Model(uri=uri)):
                    again = Artifact()
                    again.path = made.path
                    print(made.path, again.uri)
            print(Dataset(uri='s3://b/k', metadata={'_kfp_workspace': True}).path)
        """,
    ),
]

METRICS = [
    case(
        "metrics",
        "def f(m: Output[Metrics]):\n    m.log_metric('a', 0.5)\n    m.log_metric('b', 2)",
        given(outputs={"m": artifact("m", "system.Metrics")}),
    ),
    case(
        "classification metrics",
        """
        def f(m: Output[ClassificationMetrics]):
            m.log_roc_curve([0.0, 1.0], [0.5, 1.0], [0.9, 0.1])
            m.log_roc_data_point(fpr=0.2, tpr=0.3, threshold=0.5)
            m.log_confusion_matrix(['a', 'b'], [[1, 2], [3, 4]])
            m.log_confusion_matrix_cell('a', 'b', 7)
            m.log_confusion_matrix_row('b', [8, 9])
        """,
        given(outputs={"m": artifact("m", "system.ClassificationMetrics")}),
    ),
    case(
        "categories alone",
        "def f(m: Output[ClassificationMetrics]):\n"
        "    m.set_confusion_matrix_categories(['a', 'b'])",
        given(outputs={"m": artifact("m", "system.ClassificationMetrics")}),
    ),
    *(
        case(
            f"metrics: {call}",
            f"def f(m: Output[ClassificationMetrics]):\n"
            f"    m.set_confusion_matrix_categories(['a'])\n    m.{call}",
            given(outputs={"m": artifact("m", "system.ClassificationMetrics")}),
        )
        for call in (
            "log_roc_curve([1], [1, 2], [1])",
            "log_confusion_matrix(['a', 'b'], [[1, 2]])",
            "log_confusion_matrix(['a', 'b'], [[1, 2], [3]])",
            "log_confusion_matrix_row('x', [1])",
            "log_confusion_matrix_row('a', [1, 2])",
            "log_confusion_matrix_cell('x', 'a', 1)",
        )
    ),
]

STATUSES = [
    case(
        "final status",
        "def f(x: str, s: PipelineTaskFinalStatus):\n    print(x, s)",
        given({"x": "a", "s": STATUS}),
    ),
    case(
        "final status of a failure",
        "def f(s: dsl.PipelineTaskFinalStatus):\n    print(s.error_code, s.error_message, s.state)",
        given({"s": {**STATUS, "state": "FAILED", "error": {"code": 9, "message": "gone"}}}),
    ),
    case(
        "final status in the older words",
        "def f(s: PipelineTaskFinalStatus):\n    print(s)",
        given(
            {
                "s": {
                    "state": "SUCCEEDED",
                    "pipeline_job_resource_name": "r",
                    "pipeline_task_name": "t",
                }
            }
        ),
    ),
    case(
        "final status as a dataclass",
        "def f(s: PipelineTaskFinalStatus) -> dict:\n"
        "    import dataclasses\n    return dataclasses.asdict(s)",
        given({"s": STATUS}),
    ),
    case(
        "task config",
        "def f(c: TaskConfig):\n    print(c)",
        given(
            {"c": {"nodeSelector": {"a": "b"}, "env": [{"name": "x"}], "volumeMounts": [{"n": 1}]}}
        ),
    ),
    case("empty task config", "def f(c: dsl.TaskConfig):\n    print(c, c == dsl.TaskConfig())"),
    case("root outside of what is known", "def f():\n    print(dsl.get_uri(), dsl.get_uri('a'))"),
    case(
        "what it carries",
        "__KFP_EMBEDDED_ASSET_DIR = '/carried'\n\n"
        "def f(x: dsl.EmbeddedInput[dsl.Dataset]):\n    print(type(x).__name__, x.path, x.uri)",
    ),
    case("what it does not carry", "def f(x: dsl.EmbeddedInput[Artifact]):\n    pass"),
    case("run_notebook", "def f():\n    dsl.run_notebook(a=1)"),
    case(
        "placeholders",
        "def f():\n    print(PIPELINE_JOB_ID_PLACEHOLDER, dsl.WORKSPACE_PATH_PLACEHOLDER)",
    ),
]

CASES = [*PARAMETERS, *TUPLES, *ARTIFACTS, *METRICS, *STATUSES]
