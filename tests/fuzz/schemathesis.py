"""One run of schemathesis over one OpenAPI document."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".fuzz" / "bin" / "st"
DOCUMENTS = ("/api/v1/openapi.json", "/apis/v2beta1/openapi.json")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
ENDLESS = ("watch_runs",)
"""Streams that end when their reader goes, which no check waits for."""
_INTERPRETER = "\nAST constructor recursion depth mismatch"
"""CPython 3.11 counts wrongly after a recursion that went too deep: gh-106905."""


@dataclass(frozen=True)
class Found:
    """How a run of schemathesis ended, and what it said."""

    status: int
    text: str

    @property
    def nothing(self) -> bool:
        """Whether it found nothing; a fault of the interpreter it ran in is no finding."""
        if self.status == 0:
            return True
        failures = re.search(r"^=+ .*\bfailures?\b.* =+$", self.text, re.MULTILINE)
        errors = re.search(r"^=+ (?:.*, )?(\d+) errors?\b.* =+$", self.text, re.MULTILINE)
        own = self.text.count(_INTERPRETER)
        return failures is None and errors is not None and int(errors[1]) == own


@dataclass(frozen=True)
class Fuzz:
    """What is sent, where to, and for how long."""

    url: str
    document: str
    """The document's path."""
    seconds: int
    token: str | None = None
    seed: int = 20261125
    phases: Sequence[str] = ("examples", "coverage", "fuzzing")

    def run(self, things: Mapping[str, str], folder: Path) -> Found:
        """Run it in a folder of its own."""
        config = folder / "schemathesis.toml"
        config.write_text(_config(things))
        arguments = [
            f"--seed={self.seed}",
            f"--max-time={self.seconds}",
            f"--phases={','.join(self.phases)}",
            f"--checks={','.join(CHECKS)}",
            "--workers=2",
            "--request-timeout=20",
            "--generation-database=none",
            "--generation-with-security-parameters=false",
            "--warnings=off",
            "--no-shrink",
            "--no-color",
            "--continue-on-failure",
            *(f"--exclude-operation-id={name}" for name in (*ENDLESS, *self._not_built())),
        ]
        if self.token is not None:
            arguments.append(f"--header=Authorization: Bearer {self.token}")
        done = subprocess.run(
            [PROGRAM, "--config-file", config, "run", self.url + self.document, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=self.seconds + 120,
            check=False,
        )
        return Found(done.returncode, done.stdout + done.stderr)

    def _not_built(self) -> list[str]:
        """What is described as not built (501), where every answer is an error of the server's."""
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        document = httpx.get(self.url + self.document, headers=headers, trust_env=False).json()
        return [
            operation["operationId"]
            for item in document["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict) and "501" in operation.get("responses", ())
        ]


def _config(things: Mapping[str, str]) -> str:
    """The ids of what is there for every operation but those that delete."""
    there = "\n".join(f'"path.{name}" = {json.dumps(value)}' for name, value in things.items())
    gone = "\n".join(f'"path.{name}" = {json.dumps(str(UUID(int=1)))}' for name in things)
    return (
        f"[parameters]\n{there}\n\n"
        f'[[operations]]\ninclude-method = "DELETE"\n[operations.parameters]\n{gone}\n'
    )
