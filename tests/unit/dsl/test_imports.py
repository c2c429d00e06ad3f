"""What the authoring API imports."""

import json
import subprocess
import sys


def test_authoring_imports_only_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); from headrace import dsl, compiler, components, "
        "kubernetes; import json; print(json.dumps(sorted({m.split('.')[0] for m in "
        "set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    foreign = set(json.loads(done.stdout)) - set(sys.stdlib_module_names) - {"headrace"}
    assert not foreign
