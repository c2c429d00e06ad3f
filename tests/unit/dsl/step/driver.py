"""Executes cases with the executor that the running Python has, kfp's or Headrace's.

Reads a list of cases from standard input and writes a list of outcomes, both JSON. `ROOT` stands
for the case's own folder.
"""

import contextlib
import importlib.util
import io
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path


def outcome(case, executor_class):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        found = attempt(case, executor_class, root)
        files = {
            str(path.relative_to(root)): path.read_text()
            for path in sorted(root.rglob("*"))
            if path.is_file()
            and path.name not in ("output.json", "component.py")
            and "__pycache__" not in path.parts
        }
        text = json.dumps({**found, "files": files})
        return json.loads(text.replace(folder, "ROOT"))


def attempt(case, executor_class, root):
    given = json.loads(json.dumps(case["input"]).replace("ROOT", str(root)))
    for path, text in case.get("files", {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "component.py").write_text(case["source"])
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            module = load(root / "component.py")
            written = executor_class(given, getattr(module, case["function"])).execute()
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error), "said": said.getvalue()}
    output = json.loads(Path(written).read_text()) if written else None
    return {"output": output, "said": said.getvalue()}


def load(path):
    spec = importlib.util.spec_from_file_location("component", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["component"] = module
    spec.loader.exec_module(module)
    return module


def main():
    os.environ["_KFP_RUNTIME"] = "true"
    warnings.simplefilter("ignore")
    if sys.argv[1] == "kfp":
        from kfp.dsl.executor import Executor
    else:
        if sys.argv[1] == "headrace-without-typing":
            sys.modules.pop("typing", None)
        from headrace.step.executor import Executor
        from headrace.step.main import _use_step_dsl

        _use_step_dsl()
    cases = json.load(sys.stdin)
    outcomes = []
    for case in cases:
        with contextlib.ExitStack() as stack:
            for name, value in case.get("env", {}).items():
                os.environ[name] = value
                stack.callback(os.environ.pop, name)
            outcomes.append(outcome(case, Executor))
    json.dump(outcomes, sys.stdout)


main()
