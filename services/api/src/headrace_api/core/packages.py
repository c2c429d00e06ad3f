"""From the bytes of a package to the documents in it: YAML, JSON, zip or tar.gz.

A package comes from outside, so nothing in it is trusted: sizes are checked before anything is
unpacked, and YAML is composed with a budget, because a few lines of it can stand for gigabytes.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import Any

import yaml
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

MAX_BYTES = 32 * 1024 * 1024
MAX_NODES = 500_000
"""A 5,000-task pipeline has some 150,000."""
MAX_DEPTH = 100
_MAX_MEMBERS = 1000
_SUFFIXES = (".yaml", ".yml", ".json")


def documents_of(package: bytes) -> list[Any]:
    """The YAML documents of a package.

    Raises:
        RejectedError: it is too large, not readable, or an archive without a pipeline.
    """
    if len(package) > MAX_BYTES:
        raise RejectedError.because(
            RejectionCode.TOO_LARGE, f"the package is larger than {MAX_BYTES // 1024**2} MiB"
        )
    if package[:4] == b"PK\x03\x04" or package[:4] == b"PK\x05\x06":
        package = _from_zip(package)
    elif package[:2] == b"\x1f\x8b":
        package = _from_tar(package)
    try:
        text = package.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("the package is neither UTF-8 text nor a zip or tar.gz archive") from None
    return _parse(text)


def _parse(text: str) -> list[Any]:
    try:
        nodes = _compose(text)
        loader = yaml.SafeLoader("")
        return [loader.construct_document(node) for node in nodes]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _malformed(f"the package is not YAML: {error.problem}{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _malformed(f"the package is not YAML: {error}") from None


def _compose(text: str) -> list[Any]:
    """The node graphs of all documents, checked for depth and for what their aliases stand for."""
    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise _malformed(f"the package is nested deeper than {MAX_DEPTH} at line {line}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    nodes = list(yaml.compose_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    sizes: dict[int, int] = {}
    if sum(_size(node, sizes) for node in nodes if node is not None) > MAX_NODES:
        raise _malformed(f"the package stands for more than {MAX_NODES:,} values")
    return [node for node in nodes if node is not None]


def _size(node: Any, sizes: dict[int, int]) -> int:
    """How many values a node stands for, each alias counted as what it names."""
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = 1  # a node within itself: YAML allows it, and construction refuses it
    if isinstance(node, yaml.MappingNode):
        total = 1 + sum(_size(key, sizes) + _size(value, sizes) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        total = 1 + sum(_size(item, sizes) for item in node.value)
    else:
        total = 1
    sizes[id(node)] = total
    return total


def _from_zip(package: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            members = archive.infolist()[:_MAX_MEMBERS]
            name = _chosen([m.filename for m in members if not m.is_dir()])
            with archive.open(name) as file:
                return _limited(file.read(MAX_BYTES + 1))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise _malformed(f"the package is not a readable zip archive: {error}") from None


def _from_tar(package: bytes) -> bytes:
    try:
        with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
            names = []
            for member in archive:
                if member.isfile():
                    names.append(member.name)
                if len(names) > _MAX_MEMBERS or archive.offset > 4 * MAX_BYTES:
                    raise _malformed("the package unpacks to more than a pipeline")
            file = archive.extractfile(_chosen(names))
            assert file is not None
            return _limited(file.read(MAX_BYTES + 1))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _malformed(f"the package is not a readable tar.gz archive: {error}") from None


def _chosen(names: list[str]) -> str:
    """The pipeline's file: KFP's ``pipeline.yaml``, else the only YAML or JSON file."""
    found = [name for name in names if name.lower().endswith(_SUFFIXES)]
    named = [name for name in found if name.rpartition("/")[2] == "pipeline.yaml"]
    if len(named or found) != 1:
        raise _malformed(f"the archive has {len(found)} YAML or JSON files; one is expected")
    return (named or found)[0]


def _limited(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise RejectedError.because(
            RejectionCode.TOO_LARGE, f"the package unpacks to more than {MAX_BYTES // 1024**2} MiB"
        )
    return content


def _malformed(message: str) -> RejectedError:
    return RejectedError.because(RejectionCode.MALFORMED, message)
