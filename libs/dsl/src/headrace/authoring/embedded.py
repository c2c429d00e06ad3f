"""Files and notebooks that are embedded in a component."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
import warnings
from pathlib import Path

NOTEBOOK_PACKAGES = ["nbclient>=0.10,<1", "ipykernel>=6,<7", "jupyter_client>=7,<9"]
"""The packages that a step needs to run a notebook."""

_MODIFIED = 315_619_200
"""The time of modification of embedded files, 1980-01-02: ZIP archives allow no earlier year."""

_UNPACK = """__KFP_EMBEDDED_ARCHIVE_B64 = "{archive}"


def __kfp_unpack():
    import base64
    import io
    import sys
    import tarfile
    import tempfile

    folder = tempfile.TemporaryDirectory()
    try:
        packed = io.BytesIO(base64.b64decode(__KFP_EMBEDDED_ARCHIVE_B64))
        with tarfile.open(fileobj=packed, mode="r:gz") as archive:
            archive.extractall(path=folder.name)
    except Exception as error:
        raise RuntimeError(f"The component's embedded files cannot be unpacked: {{error}}")
    sys.path.insert(0, folder.name)
    return folder


__kfp_folder = __kfp_unpack()
__KFP_EMBEDDED_ASSET_DIR = __kfp_folder.name
"""
_FILE = """__KFP_EMBEDDED_ASSET_FILE = __KFP_EMBEDDED_ASSET_DIR + "/" + {name!r}
"""
_NOTEBOOK = '''

def __kfp_run_notebook(**parameters):
    """Run the notebook with values for the names of its cell of parameters."""
    import json
    import re
    import subprocess
    import sys

    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    class ShowingClient(NotebookClient):
        # Each output goes to the step's log when it comes, not when its cell has ended.
        def process_message(self, message, cell, cell_index):
            output = super().process_message(message, cell, cell_index)
            if output is not None:
                show(output)
            return output

    def show(output):
        if output.output_type == "stream":
            print(output.text, end="", flush=True)
        elif "text/plain" in output.get("data", {{}}):
            print(output.data["text/plain"], flush=True)

    if "python3" not in KernelSpecManager().find_kernel_specs():
        install = [sys.executable, "-m", "ipykernel", "install", "--user", "--name", "python3"]
        subprocess.run(install, check=True)
    notebook = nbformat.read(__KFP_EMBEDDED_ASSET_FILE, as_version=4)
    if parameters:
        lines = ["import json"]
        for name, value in parameters.items():
            lines.append(f"{{name}} = json.loads({{json.dumps(value)!r}})")
        cell = nbformat.v4.new_code_cell(source="\\n".join(lines))
        cell.metadata["tags"] = ["injected-parameters"]
        place = 0
        for number, each in enumerate(notebook.cells):
            if each.cell_type == "code" and "parameters" in each.metadata.get("tags", []):
                place = number + 1
                break
        notebook.cells.insert(place, cell)
    client = ShowingClient(notebook, timeout=None, kernel_name="python3")
    try:
        client.execute(cwd=__KFP_EMBEDDED_ASSET_DIR)
    except CellExecutionError as error:
        reason = f"{{error.ename}}: {{error.evalue}}"
        shown = re.sub(r"\\x1b\\[[0-9;]*m", "", str(error))
        raise RuntimeError(f"Notebook execution failed. {{reason}}\\n{{shown}}") from None


dsl.run_notebook = __kfp_run_notebook
'''


def embedding_source(path: str) -> str:
    """Source code that unpacks an embedded file or folder in the step.

    Raises:
        ValueError: The path does not exist.
    """
    place = Path(path)
    if not place.exists():
        raise ValueError(f"embedded_artifact_path does not exist: {path}")
    source = _UNPACK.format(archive=_archive(place))
    return source + (_FILE.format(name=place.name) if place.is_file() else "")


def notebook_source(path: str) -> str:
    """Source code that unpacks a notebook, or a folder with one, and defines `dsl.run_notebook`.

    Raises:
        ValueError: There is not exactly one notebook at the path.
    """
    place = Path(path)
    if not place.exists():
        raise ValueError(f"Notebook path does not exist: {path}")
    name = place.name
    if place.is_dir():
        found = [
            each
            for each in sorted(place.rglob("*.ipynb"))
            if each.is_file() and ".ipynb_checkpoints" not in each.parts
        ]
        if not found:
            raise ValueError(f"No .ipynb files found in directory: {path}")
        if len(found) > 1:
            raise ValueError(
                f"Multiple .ipynb files found in directory: {path}. Exactly one is required."
            )
        name = found[0].relative_to(place).as_posix()
    elif place.suffix.lower() != ".ipynb":
        raise ValueError(f"Invalid notebook_path (expected .ipynb file): {path}")
    unpack = _UNPACK.format(archive=_archive(place))
    return unpack + _FILE.format(name=name) + _NOTEBOOK.format()


def _without_origin(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """An archive's member without its owner and time of modification."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = _MODIFIED
    return member


def _archive(place: Path) -> str:
    """The files as a compressed archive in base64. It depends only on their names, contents and
    permissions, so that every checkout of a source compiles to the same IR."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        name = "." if place.is_dir() else place.name
        archive.add(place, arcname=name, filter=_without_origin)
    packed = gzip.compress(buffer.getvalue(), mtime=0)
    megabytes = len(packed) / 2**20
    if megabytes > 1:
        warnings.warn(
            f"The embedded files add {megabytes:.1f} MB (compressed) to the pipeline's definition. "
            "Put large files into an image or an object store.",
            UserWarning,
            stacklevel=5,
        )
    return base64.b64encode(packed).decode("ascii")
