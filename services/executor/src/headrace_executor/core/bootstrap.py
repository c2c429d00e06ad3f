"""Recognises how a KFP lightweight component installs its packages before it runs.

Only texts that are understood to the last word are recognised; every other command is run as it
is. Source of the texts: `kfp.dsl.component_factory` of KFP 2.0 to 2.17.
"""

from __future__ import annotations

import json
import platform
import re
import shlex
import sys
from dataclasses import dataclass
from hashlib import sha256

_PIP_CHECK = re.compile(
    r"\s*if ! \[ -x \"\$\(command -v pip\)\" \]; then\s+"
    r"python3 -m ensurepip \|\| python3 -m ensurepip --user \|\| apt-get install python3-pip\s+"
    r"fi\s+"
)
_HAND_OVER = '"$0" "$@"'
_INSTALL = ("python3", "-m", "pip", "install")
_FLAGS = {"--quiet", "--no-warn-script-location", "--no-deps", "--pre", "--upgrade"}
_SILENT = {"--quiet", "--no-warn-script-location"}
_VALUED = {"--index-url", "--extra-index-url", "--trusted-host"}


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

    def digest(self) -> str:
        """The same for the same packages on the same kind of machine and Python."""
        content = {
            "installs": [[i.requirements, i.options] for i in self.installs],
            "python": list(sys.version_info[:2]),
            "platform": [sys.platform, platform.machine()],
        }
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What has to be installed, and the command that then is left to run."""

    requirement_set: RequirementSet
    argv: tuple[str, ...]


def recognise(argv: tuple[str, ...]) -> Bootstrap | None:
    """The bootstrap of a resolved command, or None when it is not exactly one."""
    if len(argv) < 4 or argv[:2] != ("sh", "-c"):
        return None
    script = argv[2]
    check = _PIP_CHECK.match(script)
    if check is None:
        return None
    parts = [part.strip() for part in script[check.end() :].split("&&")]
    if len(parts) < 2 or parts[-1] != _HAND_OVER:
        return None
    installs = [_install(part) for part in parts[:-1]]
    found = tuple(install for install in installs if install is not None)
    if len(found) != len(installs):
        return None
    return Bootstrap(RequirementSet(found), argv[3:])  # "$0" "$@" is what follows the script


def _install(text: str) -> Install | None:
    """One install, or None when any word of it is not understood."""
    if re.search(r"[$`;|<>]", re.sub(r"'[^']*'", "", text)):
        return None
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    while words and re.fullmatch(r"PIP_[A-Z_]+=\w*", words[0]):
        words.pop(0)
    if tuple(words[: len(_INSTALL)]) != _INSTALL:
        return None
    requirements: list[str] = []
    options: list[str] = []
    rest = iter(words[len(_INSTALL) :])
    for word in rest:
        if word in _FLAGS:
            options += [] if word in _SILENT else [word]
        elif word in _VALUED:
            value = next(rest, None)
            if value is None:
                return None
            options += [word, value]
        elif word.startswith("-"):
            return None
        else:
            requirements.append(word)
    return Install(tuple(requirements), tuple(options)) if requirements else None
