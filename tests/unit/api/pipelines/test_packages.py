"""Packages: which are read, and which are rejected, quickly and with a clear message."""

from __future__ import annotations

import gzip
import io
import json
import re
import stat
import tarfile
import zipfile
from typing import Any

import pytest
import yaml
from headrace_api.pipelines.rules.archives import MAX_BYTES, MAX_MEMBERS
from headrace_api.pipelines.rules.documents import checked_document
from headrace_api.pipelines.rules.packages import MAX_DEPTH, MAX_NODES, documents_of
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

from tests.support.graphs import shell_pipeline
from tests.support.specs import platform, training

SPEC = training()
TEXT = yaml.safe_dump(SPEC, sort_keys=False)
ZIP64_LOCATOR = b"PK\x06\x07" + b"\0" * 16


def zipped(**members: bytes) -> bytes:
    """A zip archive; `__` in a name stands for a slash, and a member without a suffix is YAML."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            # Without a time, so that it has the same size in every process.
            info = zipfile.ZipInfo(file_name(name))
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(file_name(name))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def zipped_as(name: str, content: bytes = b"a: 1", **fields: Any) -> bytes:
    """A zip archive of one member, with fields of its entry set."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        for field, value in fields.items():
            setattr(info, field, value)
        archive.writestr(info, content)
    return buffer.getvalue()


def tarred_as(name: str, kind: bytes, link: str = "") -> bytes:
    """A tar.gz archive with a pipeline and one more member of this type."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("pipeline.yaml")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"a: 1"))
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info)
    return buffer.getvalue()


def pax_header(size: int) -> bytes:
    """A tar header that announces this many bytes of attributes."""
    info = tarfile.TarInfo("attributes")
    info.type, info.size = tarfile.XHDTYPE, size
    return info.tobuf(tarfile.GNU_FORMAT)


def flagged(package: bytes, offset: int, value: int) -> bytes:
    """A zip with a byte of its first entry changed, in its local header and in the directory."""
    changed = bytearray(package)
    changed[offset] = value
    changed[changed.rindex(b"PK\x01\x02") + offset + 2] = value
    return bytes(changed)


def file_name(name: str) -> str:
    path = name.replace("__", "/")
    return path.replace("_txt", ".txt") if path.endswith("_txt") else f"{path}.yaml"


def refused(package: bytes) -> tuple[str, str]:
    with pytest.raises(RejectedError) as caught:
        documents_of(package)
    rejection = caught.value.rejection
    assert len(rejection.message) < 500
    return rejection.code, rejection.message


@pytest.mark.parametrize(
    "package",
    [
        TEXT.encode(),
        f"\ufeff{TEXT}".encode(),
        f"---\n{TEXT}---\n".encode(),
        json.dumps(SPEC).encode(),
        json.dumps(SPEC, indent=2).encode(),
        f"{{\t\n{json.dumps(SPEC)[1:]}".encode(),
        zipped(pipeline=TEXT.encode()),
        zipped(anything=TEXT.encode(), notes_txt=b"not YAML: ["),
        zipped(pipeline=TEXT.encode(), other=b"a: 1"),
        zipped(folder__pipeline=TEXT.encode()),
        tarred(pipeline=TEXT.encode()),
        tarred(anything=TEXT.encode(), notes_txt=b"x"),
    ],
)
def test_a_pipeline_is_read_from_every_format(package: bytes) -> None:
    assert [found for found in documents_of(package) if found is not None] == [SPEC]


def test_a_platform_spec_is_a_second_document() -> None:
    text = f"{TEXT}---\n{yaml.safe_dump(platform())}"
    assert documents_of(text.encode()) == [SPEC, platform()]


def test_a_large_pipeline_is_read() -> None:
    tasks: dict[str, list[str]] = {f"t{i}": [f"t{i - 1}"] if i else [] for i in range(1000)}
    spec = shell_pipeline(tasks)
    (found,) = documents_of(json.dumps(spec).encode())
    assert len(checked_document([found]).pipeline_spec.components) == 1000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31", "2026-01-31"),
        ("2026-99-99", "2026-99-99"),
        ("2026-01-31 10:00:00", "2026-01-31 10:00:00"),
        ("=", "="),
        ("'2'", "2"),
        ("2", 2),
        ("2.5", 2.5),
        ("yes", True),
        ("null", None),
        ("~", None),
        ("[1, two]", [1, "two"]),
        ("{a: {b: }}", {"a": {"b": None}}),
        ('"\\U0001F600"', "\U0001f600"),
    ],
)
def test_values_have_json_types(text: str, value: Any) -> None:
    assert documents_of(f"value: {text}".encode()) == [{"value": value}]


def test_surrogate_pairs_in_json_are_decoded() -> None:
    assert documents_of(b'{"value": "\\ud83d\\ude00"}') == [{"value": "\U0001f600"}]


def test_aliases_and_merge_keys_are_expanded() -> None:
    text = "base: &base {a: 1}\nsame: *base\nmore: {<<: *base, b: 2}"
    assert documents_of(text.encode()) == [
        {"base": {"a": 1}, "same": {"a": 1}, "more": {"a": 1, "b": 2}}
    ]


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"a: [1, 2", "not valid YAML: did not find expected ',' or ']' at line 2, column 1"),
        (b'{"a": 1', "at line 2, column 1"),
        (b"a: b: c", "at line 1, column 5"),
        (b"*nothing", "undefined alias"),
        (b"a: \0", "control characters are not allowed"),
        (b"!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        (b"!custom x", "could not determine a constructor for the tag '!custom'"),
        (b"!!set {a, b}", "could not determine a constructor"),
        (b"!!binary aGk=", "could not determine a constructor"),
        (b"!!timestamp soon", "could not determine a constructor"),
        (b"!!bool maybe", "maybe"),
        (b"!!int abc", "invalid literal"),
        (b"{[a]: 1}", "unhashable key at line 1"),
        (b"a: " + b"9" * 5000, "limit (4300 digits)"),
        (b"a: &a [*a]", "contains itself"),
        (b"&a {b: {c: *a}}", "the value at line 1 of the package contains itself"),
        ("a: 1".encode("utf-16"), "neither UTF-8 text nor a zip or tar.gz archive"),
        (bytes(range(256)), "neither UTF-8 text"),
        (zipped(), "the archive has 0 YAML or JSON files; expected one"),
        (zipped(notes_txt=b"a: 1"), "the archive has 0 YAML or JSON files"),
        (zipped(one=b"a: 1", two=b"a: 1"), "the archive has 2 YAML or JSON files"),
        (zipped(a__pipeline=b"a: 1", b__pipeline=b"a: 1"), "the archive has 2"),
        (zipped(pipeline=b"a: 1")[:-10], "not a readable zip archive"),
        (zipped(pipeline=b"\xff"), "neither UTF-8 text"),
        (tarred(notes_txt=b"a: 1"), "the archive has 0 YAML or JSON files"),
        (tarred(pipeline=TEXT.encode())[:100], "not a readable tar.gz archive"),
        (gzip.compress(b"a: 1", mtime=0), "not a readable tar.gz archive"),
    ],
)
def test_an_unreadable_package_is_rejected_with_the_reason(package: bytes, message: str) -> None:
    code, found = refused(package)
    assert code == RejectionCode.MALFORMED
    assert message in found


PLAIN_ZIP = zipped(pipeline=b"a: 1")
OUT = "has a path that leads out of the archive"
NO_FILE = "is neither a regular file nor a directory"
LINK = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (zipped_as("../pipeline.yaml"), OUT),
        (zipped_as("a/../../pipeline.yaml"), OUT),
        (zipped_as("/etc/pipeline.yaml"), OUT),
        (zipped_as("C:/pipeline.yaml"), OUT),
        (zipped_as("..\\pipeline.yaml"), OUT),
        (zipped_as("pipeline.yaml", external_attr=LINK), NO_FILE),
        (zipped_as("pipeline.yaml", external_attr=stat.S_IFIFO << 16), NO_FILE),
        (zipped_as("pipeline.yaml", compress_type=zipfile.ZIP_LZMA), "unsupported compression"),
        (zipped_as("pipeline.yaml", compress_type=zipfile.ZIP_BZIP2), "unsupported compression"),
        (flagged(zipped_as("pipeline.yaml"), 6, 1), "is encrypted"),
        (zipped_as("p.yaml").replace(b"a: 1", b"a: 2"), "not a readable zip archive"),
        (zipped(pipeline=zipped(pipeline=b"a: 1")), "is itself an archive"),
        (zipped(pipeline=tarred(pipeline=b"a: 1")), "is itself an archive"),
        (tarred(pipeline=zipped(pipeline=b"a: 1")), "is itself an archive"),
        (tarred(pipeline=gzip.compress(b"a: 1", mtime=0)), "is itself an archive"),
        (b"PK\x03\x04", "central directory is missing"),
        (PLAIN_ZIP[:-22] + ZIP64_LOCATOR + PLAIN_ZIP[-22:], "too long"),
        (tarred_as("../evil", tarfile.REGTYPE), OUT),
        (tarred_as("/etc/evil", tarfile.REGTYPE), OUT),
        (tarred_as("link", tarfile.SYMTYPE, "/etc/passwd"), NO_FILE),
        (tarred_as("link", tarfile.LNKTYPE, "pipeline.yaml"), NO_FILE),
        (tarred_as("device", tarfile.CHRTYPE), NO_FILE),
        (tarred_as("device", tarfile.BLKTYPE), NO_FILE),
        (tarred_as("pipe", tarfile.FIFOTYPE), NO_FILE),
        (tarred_as("x" * 90 + "/" * 90, tarfile.FIFOTYPE), NO_FILE),
        (gzip.compress(pax_header(1 << 33)), "not a readable tar.gz archive"),
        (tarred(pipeline=b"a: 1")[:-8] + b"\0" * 8, "not a readable tar.gz archive"),
        (b"\x1f\x8b", "not a readable tar.gz archive"),
    ],
)  # fmt: skip
def test_an_archive_with_a_dangerous_member_is_rejected(package: bytes, message: str) -> None:
    code, found = refused(package)
    assert code == RejectionCode.MALFORMED
    assert message in found


def test_directories_and_metadata_of_macos_are_ignored() -> None:
    assert documents_of(zipped(**{"a": b"a: 1", "MACOSX__._a": b"\0"})) == [{"a": 1}]
    assert documents_of(tarred_as("./folder", tarfile.DIRTYPE)) == [{"a": 1}]
    assert documents_of(zipped_as("p.yaml", compress_type=zipfile.ZIP_STORED)) == [{"a": 1}]


def doubling(levels: int) -> bytes:
    """A few lines that expand to 10 to the power of `levels` values."""
    lines = ["a0: &a0 [x]"]
    for level in range(1, levels + 1):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines).encode()


MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}\n" for level in range(1, 8)
)
WIDE = "a: &a {" + ", ".join(f"k{key}: 1" for key in range(2000)) + "}\n"


@pytest.mark.parametrize(
    "package",
    [
        doubling(9),
        doubling(50),
        MERGES.encode(),
        (WIDE + "".join(f"b{copy}: {{<<: *a}}\n" for copy in range(200))).encode(),
        b"[" + b"1," * (MAX_NODES + 1) + b"1]",
        b"[" + b"1," * (MAX_BYTES // 2 - 10) + b"1]",
        b'{"a": [' + b"[]," * (MAX_NODES + 1) + b"1]}",
        b"---\na\n" * (MAX_NODES + 1),
    ],
    ids=["aliases", "deep aliases", "merges", "wide merges", "list", "32 MiB", "json", "documents"],
)
def test_too_many_values_are_rejected(package: bytes) -> None:
    assert refused(package) == (
        RejectionCode.MALFORMED,
        f"the package has more than {MAX_NODES:,} values (aliases expanded)",
    )


@pytest.mark.parametrize(
    "package",
    [
        b"[" * 1000 + b"]" * 1000,
        b"[" * 1_000_000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        "".join(f"{' ' * level}a:\n" for level in range(1000)).encode(),
        b"- " * 1000 + b"x",
    ],
    ids=["flow", "open", "json", "block", "dashes"],
)
def test_deep_nesting_is_rejected(package: bytes) -> None:
    with pytest.raises(RejectedError) as caught:
        checked_document(documents_of(package))
    assert re.search("nested deeper than|nesting depth", caught.value.rejection.message)


def test_a_thousand_nested_dags_are_rejected() -> None:
    spec = training()
    for level in range(1000):
        inner = f"comp-{level - 1}" if level else "comp-prepare"
        tasks = {"inner": {"componentRef": {"name": inner}, "inputs": {}}}
        spec["components"][f"comp-{level}"] = {"dag": {"tasks": tasks}}
    del spec["components"]["comp-prepare"]["inputDefinitions"]
    del spec["root"]["dag"]["tasks"]["prepare"]["inputs"]
    with pytest.raises(RejectedError) as caught:
        checked_document(documents_of(yaml.safe_dump(spec).encode()))
    rejection = caught.value.rejection
    assert rejection.code == RejectionCode.INVALID_SPEC
    assert "nested deeper than 64" in rejection.message


@pytest.mark.parametrize(
    ("package", "code", "message"),
    [
        (b"a: '" + b"x" * 50_000_000 + b"'", RejectionCode.TOO_LARGE, "larger than 32 MiB"),
        (
            zipped(pipeline=b"x" * (MAX_BYTES + 1)),
            RejectionCode.TOO_LARGE,
            "unpacks to more than 32 MiB",
        ),
        (
            tarred(pipeline=b"\0" * (MAX_BYTES + 1)),
            RejectionCode.TOO_LARGE,
            "unpacks to more than 32 MiB",
        ),
        (
            tarred(notes_txt=b"\0" * 5 * MAX_BYTES, pipeline=b"a: 1"),
            RejectionCode.TOO_LARGE,
            "unpacks to more than 32 MiB",
        ),
        (
            zipped(notes_txt=b"\0" * (MAX_BYTES + 1), pipeline=b"a: 1"),
            RejectionCode.TOO_LARGE,
            "unpacks to more than 32 MiB",
        ),
        (
            tarred(**{f"n{number}_txt": b"" for number in range(MAX_MEMBERS + 1)}),
            RejectionCode.MALFORMED,
            "more than 1,000 members",
        ),
        (
            zipped(**{f"n{number}_txt": b"" for number in range(MAX_MEMBERS + 1)}),
            RejectionCode.MALFORMED,
            "more than 1,000 members",
        ),
        (
            zipped(**{f"{number:0700}_txt": b"" for number in range(900)}),
            RejectionCode.MALFORMED,
            "central directory of the zip archive is too long",
        ),
        (
            gzip.compress(pax_header(1 << 33) + b"\0" * 2 * MAX_BYTES),
            RejectionCode.TOO_LARGE,
            "unpacks to more than 32 MiB",
        ),
        (
            gzip.compress(b"\0" * MAX_BYTES) + gzip.compress(b"\0" * MAX_BYTES),
            RejectionCode.TOO_LARGE,
            "unpacks to more than 32 MiB",
        ),
    ],
    ids=[
        "yaml",
        "zip",
        "tar",
        "tar beside",
        "zip beside",
        "tar members",
        "zip members",
        "zip index",
        "pax header",
        "two streams",
    ],
)
def test_a_package_over_a_size_limit_is_rejected(package: bytes, code: str, message: str) -> None:
    found, text = refused(package)
    assert found == code
    assert message in text


def test_the_maximum_depth_is_exact() -> None:
    assert documents_of(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert "line 1" in refused(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))[1]
