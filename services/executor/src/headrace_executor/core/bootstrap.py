"""Recognises how a KFP lightweight component installs its packages, and how it is started.

Invariant: only a text that is understood to the last word is recognised; every other command is
run as it is. Source of the texts: `kfp.dsl.component_factory` of KFP 2.0 to 2.17.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

_PIP_CHECK = re.compile(
    r"\s*if ! \[ -x \"\$\(command -v pip\)\" \]; then\s+"
    r"python3 -m ensurepip \|\| python3 -m ensurepip --user \|\| apt-get install python3-pip\s+"
    r"fi\s+"
)
_ASSIGNMENT = "PIP_DISABLE_PIP_VERSION_CHECK=1 "
_USE_VENV = (
    "\nexport PIP_DISABLE_PIP_VERSION_CHECK=1\n"
    "tmp=$(mktemp -d)\n"
    'python3 -m venv "$tmp/venv" --system-site-packages\n'
    '. "$tmp/venv/bin/activate"\n'
)
"""What `use_venv=True` adds: an environment of the step's own, which it gets here in any case."""
_HAND_OVER = '"$0" "$@"'

_START = re.compile(
    r"program_path=\$\(mktemp -d\) *\n\s*"
    r"printf \"%s\" \"\$0\" > \"\$program_path/ephemeral_component\.py\" *\n\s*"
    r"(?P<runtime>_KFP_RUNTIME=true )?python3 -m (?P<module>kfp\.(?:dsl|components)\.executor_main)"
    r"(?: +| *\\\n *)--component_module_path(?: +| *\\\n *)"
    r"\"\$program_path/ephemeral_component\.py\"(?: +| *\\\n *)\"\$@\"\s*"
)

_PIECE = r"""(?:'[^']*'|"[^"$`\\]*"|[\w@%+=:,./-])"""
_WORDS = re.compile(rf"{_PIECE}+(?: +{_PIECE}+)*", re.ASCII)
"""Words to which a shell does nothing but remove their quotes."""

_INSTALL = ["python3", "-m", "pip", "install"]
_SILENT = {"--quiet", "-q", "--no-warn-script-location", "--no-cache-dir"}
_FLAGS = {"--no-deps": "--no-deps", "--pre": "--pre", "--upgrade": "--upgrade", "-U": "--upgrade"}
_VALUED = {
    "--index-url": "--index-url",
    "-i": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "--trusted-host": "--trusted-host",
    "--find-links": "--find-links",
    "-f": "--find-links",
}


@dataclass(frozen=True, slots=True)
class Install:
    """One ``pip install``: its requirements and the options that change what is installed."""

    requirements: tuple[str, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """Everything that a component installs, in its order."""

    installs: tuple[Install, ...]

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements of all installs."""
        return tuple(name for install in self.installs for name in install.requirements)

    def digest(self, interpreter: str) -> str:
        """32 hex digits: the same for the same installs in the same order on one interpreter.

        `interpreter` tells Pythons apart whose environments cannot stand in for one another.
        """
        installs = [[install.requirements, install.options] for install in self.installs]
        return sha256(json.dumps([installs, interpreter]).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What has to be installed, and the command that then is left to run."""

    requirement_set: RequirementSet
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A component's source, the module that runs it, and that module's further arguments."""

    source: str
    module: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]


def recognise_program(argv: tuple[str, ...]) -> Program | None:
    """The lightweight component that a command starts by way of a shell, or None when it is not
    exactly that."""
    if len(argv) < 4 or argv[:2] != ("sh", "-ec"):
        return None
    start = _START.fullmatch(argv[2])
    if start is None:
        return None
    env = {"_KFP_RUNTIME": "true"} if start["runtime"] else {}
    return Program(argv[3], start["module"], argv[4:], env)


def recognise(argv: tuple[str, ...]) -> Bootstrap | None:
    """The bootstrap of a resolved command, or None when it is not exactly one."""
    if len(argv) < 4 or argv[:2] != ("sh", "-c"):
        return None
    check = _PIP_CHECK.match(argv[2])
    if check is None:
        return None
    script = argv[2][check.end() :].removeprefix(_ASSIGNMENT)
    *parts, last = script.split("&&")
    if not parts or last.strip() != _HAND_OVER:
        return None
    installs: list[Install] = []
    for part in parts:
        install = _install(part.lstrip(" ").removeprefix(_USE_VENV).strip(" "))
        if install is None:
            return None
        installs.append(install)
    return Bootstrap(RequirementSet(tuple(installs)), argv[3:])  # "$0" "$@" is what follows


def _install(text: str) -> Install | None:
    """One install, or None when any word of it is not understood."""
    if not _WORDS.fullmatch(text):
        return None
    words = shlex.split(text)
    if words[: len(_INSTALL)] != _INSTALL:
        return None
    requirements: list[str] = []
    options: list[str] = []
    rest = iter(words[len(_INSTALL) :])
    for word in rest:
        if not word.startswith("-"):
            requirements.append(word)
        elif word not in _SILENT:
            option = _option(word, rest)
            if option is None:
                return None
            options += option
    return Install(tuple(requirements), tuple(options)) if requirements else None


def _option(word: str, rest: Iterator[str]) -> list[str] | None:
    """An option in its long form, with its value if it has one, or None for an unknown one."""
    if word in _FLAGS:
        return [_FLAGS[word]]
    name, equals, value = word.partition("=")
    if name not in _VALUED or (equals and not name.startswith("--")):
        return None
    given = value if equals else next(rest, "")
    return [_VALUED[name], given] if given else None
