"""Recognises how a lightweight component installs its packages, and how it is started.

Invariant: a command is recognised only if every word of it is understood; any other command is run
as it is. Source of the texts: `kfp.dsl.component_factory` of KFP 2.0 to 2.17, and
`headrace.authoring.bootstrap`.
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
"""What `use_venv=True` adds: a virtual environment of the step, which it has here in any case."""
_OWN_SETTINGS = re.compile(
    r"export PIP_DISABLE_PIP_VERSION_CHECK=1\n"
    r"(?:tmp=\$\(mktemp -d\)\n"
    r"python3 -m venv \"\$tmp/venv\" --system-site-packages\n"
    r"\. \"\$tmp/venv/bin/activate\"\n)?"
)
_UNLESS_INSTALLED = "{ python3 -c 'import headrace.component' 2>/dev/null || "
"""Precedes the install of kfp in a component of Headrace's own SDK: only where headrace is not
installed."""
_HAND_OVER = '"$0" "$@"'

_START = re.compile(
    r"program_path=\$\(mktemp -d\) *\n\s*"
    r"printf \"%s\" \"\$0\" > \"\$program_path/ephemeral_component\.py\" *\n\s*"
    r"(?P<runtime>_KFP_RUNTIME=true )?python3 -m (?P<module>kfp\.(?:dsl|components)\.executor_main)"
    r"(?: +| *\\\n *)--component_module_path(?: +| *\\\n *)"
    r"\"\$program_path/ephemeral_component\.py\"(?: +| *\\\n *)\"\$@\"\s*"
)

_OWN_MODULE = "headrace.component"
_OWN_START = (
    "program_path=$(mktemp -d)\n\n"
    'printf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "module=headrace.component\n"
    "python3 -c 'import headrace.component' 2>/dev/null || module=kfp.dsl.executor_main\n"
    '_KFP_RUNTIME=true python3 -m "$module" --component_module_path '
    '"$program_path/ephemeral_component.py" "$@"\n'
)

_PIECE = r"""(?:'[^']*'|"[^"$`\\]*"|[\w@%+=:,./-])"""
_WORDS = re.compile(rf"{_PIECE}+(?: +{_PIECE}+)*", re.ASCII)
"""Words from which a shell only removes quotes."""

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
    """All installs of a component, in order."""

    installs: tuple[Install, ...]

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements of all installs."""
        return tuple(name for install in self.installs for name in install.requirements)

    def brings(self, package: str) -> bool:
        """Whether a requirement begins with this name, which is how kfp's bootstrap checks it."""
        return any(name.startswith(package) for name in self.requirements)

    def digest(self, interpreter: str) -> str:
        """32 hex digits: the same for the same installs in the same order on one interpreter.

        `interpreter` distinguishes Pythons that cannot use each other's environments.
        """
        installs = [[install.requirements, install.options] for install in self.installs]
        return sha256(json.dumps([installs, interpreter]).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What to install, and the command to run after that."""

    requirement_set: RequirementSet
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A component's source, the module that runs it, that module's further arguments, and the
    environment variables that the shell sets."""

    source: str
    module: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]

    @property
    def is_own(self) -> bool:
        """Whether it is a component of Headrace's own SDK."""
        return self.module == _OWN_MODULE


def recognise_program(argv: tuple[str, ...]) -> Program | None:
    """The lightweight component that a command starts through a shell, None for any other
    command."""
    if len(argv) < 4 or argv[:2] != ("sh", "-ec"):
        return None
    if argv[2] == _OWN_START:
        return Program(argv[3], _OWN_MODULE, argv[4:], {"_KFP_RUNTIME": "true"})
    start = _START.fullmatch(argv[2])
    if start is None:
        return None
    env = {"_KFP_RUNTIME": "true"} if start["runtime"] else {}
    return Program(argv[3], start["module"], argv[4:], env)


def starts_own_module(argv: tuple[str, ...]) -> bool:
    """Whether a command starts a component of Headrace's own SDK: through a shell, or directly, as
    a component does whose code is in its image."""
    return _is_own(argv) or argv[:3] == ("python3", "-m", _OWN_MODULE)


def recognise(argv: tuple[str, ...]) -> Bootstrap | None:
    """The bootstrap of a resolved command, None for any other command."""
    if _is_own(argv):
        return Bootstrap(RequirementSet(()), argv)
    if len(argv) < 4 or argv[:2] != ("sh", "-c"):
        return None
    check = _PIP_CHECK.match(argv[2])
    if check is None:
        return None
    rest = argv[3:]  # "$0" "$@"
    script = argv[2][check.end() :]
    is_own = _is_own(rest)
    if is_own:
        settings = _OWN_SETTINGS.match(script)
        script = script[settings.end() :] if settings is not None else ""
    else:
        script = script.removeprefix(_ASSIGNMENT)
    *parts, last = script.split("&&")
    if not parts or last.strip() != _HAND_OVER:
        return None
    installs = _installs(parts, is_own)
    return None if installs is None else Bootstrap(RequirementSet(installs), rest)


def _is_own(argv: tuple[str, ...]) -> bool:
    program = recognise_program(argv)
    return program is not None and program.is_own


def _installs(parts: list[str], is_own: bool) -> tuple[Install, ...] | None:
    """The installs, None when any word of them is not understood."""
    installs: list[Install] = []
    for part in parts:
        text = part.lstrip(" ").removeprefix(_USE_VENV).strip(" ")
        is_satisfied = is_own and text.startswith(_UNLESS_INSTALLED) and text.endswith("; }")
        if is_satisfied:
            text = text[len(_UNLESS_INSTALLED) : -len("; }")]
        install = _install(text)
        if install is None:
            return None
        if not is_satisfied:
            installs.append(install)
    return tuple(installs)


def _install(text: str) -> Install | None:
    """One install, None when any word of it is not understood."""
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
    """An option in its long form, with its value if it has one; None for an unknown option."""
    if word in _FLAGS:
        return [_FLAGS[word]]
    name, equals, value = word.partition("=")
    if name not in _VALUED or (equals and not name.startswith("--")):
        return None
    given = value if equals else next(rest, "")
    return [_VALUED[name], given] if given else None
