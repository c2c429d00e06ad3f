"""Finds the pipeline file in an untrusted zip or tar.gz archive.

A small archive can unpack to endless data, so sizes are checked before anything is built: the
length of a zip's central directory, and the unpacked size of a tar. Nothing is written to disk.
Members that would be dangerous on a disk are refused nevertheless: a genuine package has none.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable

from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

from headrace_api.errors import malformed, package_too_large

MAX_BYTES = 32 * 1024 * 1024
"""KFP's limit for a package; also the limit for the unpacked size of an archive."""
MAX_MEMBERS = 1000
_MAX_DIRECTORY_BYTES = 512 * 1024
"""For the central directory of a zip: 500 bytes for each member."""
_SUFFIXES = (".yaml", ".yml", ".json")
_GZIP = b"\x1f\x8b"
_ZIP_MEMBER, _ZIP_END, _ZIP64_LOCATOR = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07"
_ZIP_END_BYTES = 22
_LONGEST_COMMENT = 65535
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def pipeline_file(package: bytes) -> bytes:
    """The pipeline file in an archive. A package that is not an archive is the file itself.

    Raises:
        RejectedError: the archive is not readable, too large, contains members that are not
            allowed, or does not have exactly one pipeline file.
    """
    if len(package) > MAX_BYTES:
        raise package_too_large(MAX_BYTES)
    if _is_zip(package):
        content = _from_zip(package)
    elif _is_gzip(package):
        content = _from_tar(package)
    else:
        return package
    if _is_zip(content) or _is_gzip(content):
        raise malformed(
            "the pipeline file in the archive is itself an archive; pack the YAML or JSON file"
        )
    return content


def _is_zip(content: bytes) -> bool:
    return content[:4] in (_ZIP_MEMBER, _ZIP_END)  # an empty archive starts with its end


def _is_gzip(content: bytes) -> bool:
    return content[:2] == _GZIP


def _from_zip(package: bytes) -> bytes:
    _check_central_directory(package)
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            members = archive.infolist()
            _check_member_count(len(members))
            for member in members:
                _check_zip_member(member)
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise _unpacks_to_too_much()
            name = _chosen(member.filename for member in members if not member.is_dir())
            with archive.open(name) as file:
                return _limited(file.read(MAX_BYTES + 1))
    except (
        zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError,
        ValueError, struct.error,
    ) as error:  # fmt: skip
        raise malformed(f"the package is not a readable zip archive: {error}") from None


def _check_central_directory(package: bytes) -> None:
    """Refuse a central directory that is too long to parse: every few bytes become an object.
    Source: APPNOTE.TXT of the zip format, section 4.3.16."""
    end = package.rfind(_ZIP_END, max(0, len(package) - _ZIP_END_BYTES - _LONGEST_COMMENT))
    if end < 0 or len(package) < end + _ZIP_END_BYTES:
        raise malformed(
            "the package is not a readable zip archive: its central directory is missing"
        )
    (directory_bytes,) = struct.unpack_from("<L", package, end + 12)
    if package[max(0, end - 20) :][:4] == _ZIP64_LOCATOR or directory_bytes > _MAX_DIRECTORY_BYTES:
        raise malformed(
            "the central directory of the zip archive is too long for a pipeline package"
        )


def _check_zip_member(member: zipfile.ZipInfo) -> None:
    _check_name(member.filename)
    if member.flag_bits & 0x1:
        raise malformed(f"{_member(member.filename)} is encrypted")
    if member.compress_type not in _METHODS:
        raise malformed(
            f"{_member(member.filename)} has an unsupported compression; use deflate or none"
        )
    file_type = stat.S_IFMT(member.external_attr >> 16)
    if file_type not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _not_a_file(member.filename)


def _from_tar(package: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(package)) as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _unpacks_to_too_much()
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            members: list[tarfile.TarInfo] = []
            for member in archive:
                members.append(member)
                _check_member_count(len(members))
                _check_name(member.name)
                if not (member.isdir() or member.isreg()) or member.issparse():
                    raise _not_a_file(member.name)
            found = archive.extractfile(_chosen(m.name for m in members if m.isreg()))
            assert found is not None
            return _limited(found.read(MAX_BYTES + 1))
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise malformed(f"the package is not a readable tar.gz archive: {error}") from None


def _check_member_count(members: int) -> None:
    if members > MAX_MEMBERS:
        raise malformed(f"the archive has more than {MAX_MEMBERS:,} members")


def _check_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or parts[0].endswith(":") or ".." in parts:
        raise malformed(f"{_member(name)} has a path that leads out of the archive")


def _chosen(names: Iterable[str]) -> str:
    """The name of the pipeline file: KFP's ``pipeline.yaml``, else the only YAML or JSON file.
    Metadata files of macOS (``._name``) do not count."""
    files = {name: name.rpartition("/")[2] for name in names}
    found = [name for name, file in files.items() if file.lower().endswith(_SUFFIXES)]
    found = [name for name in found if not files[name].startswith("._")]
    named = [name for name in found if files[name] == "pipeline.yaml"]
    if len(named or found) != 1:
        raise malformed(
            f"the archive has {len(found)} YAML or JSON files; expected one, or one pipeline.yaml"
        )
    return (named or found)[0]


def _limited(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise _unpacks_to_too_much()
    return content


def _member(name: str) -> str:
    return f"the archive member {name if len(name) <= 100 else f'{name[:100]}...'!r}"


def _not_a_file(name: str) -> RejectedError:
    return malformed(f"{_member(name)} is neither a regular file nor a directory")


def _unpacks_to_too_much() -> RejectedError:
    return RejectedError.because(
        RejectionCode.TOO_LARGE, f"the package unpacks to more than {MAX_BYTES // 1024**2} MiB"
    )
