"""One run of schemathesis over one OpenAPI document."""

from __future__ import annotations

import json
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
)
ENDLESS = ("watch_runs",)
"""Streams without an end, which schemathesis would wait for."""


@dataclass(frozen=True)
class Fuzz:
    """The settings of one run of schemathesis."""

    url: str
    document: str
    """The path of the OpenAPI document."""
    seconds: int
    token: str | None = None
    seed: int = 20261125
    phases: Sequence[str] = ("examples", "coverage", "fuzzing")

    def run(
        self, things: Mapping[str, str | int], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run it in `folder`. The exit status is 0 when no fault was found."""
        config = folder / "schemathesis.toml"
        config.write_text(_config(things))
        arguments = [
            f"--seed={self.seed}",
            f"--max-time={self.seconds}",
            f"--phases={','.join(self.phases)}",
            f"--checks={','.join(CHECKS)}",
            "--workers=1",  # CPython 3.11 miscounts when two threads parse
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
        return subprocess.run(
            [PROGRAM, "--config-file", config, "run", self.url + self.document, *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.seconds + 120,
            check=False,
        )

    def _not_built(self) -> list[str]:
        """The operations that are documented as not implemented (501): each response is a server
        error."""
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        document = httpx.get(self.url + self.document, headers=headers, trust_env=False).json()
        return [
            operation["operationId"]
            for item in document["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict) and "501" in operation.get("responses", ())
        ]


_REJECTIONS = (400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx")
"""Of schemathesis, and 413: a body may be too long before anything else is wrong with it."""


def _config(things: Mapping[str, str | int]) -> str:
    """Fixed IDs of existing objects for every operation except deletions, and which statuses reject
    an invalid request."""
    there = "\n".join(f'"path.{name}" = {json.dumps(value)}' for name, value in things.items())
    gone = "\n".join(f'"path.{name}" = {json.dumps(str(UUID(int=1)))}' for name in things)
    return (
        f"[parameters]\n{there}\n\n"
        f'[[operations]]\ninclude-method = "DELETE"\n[operations.parameters]\n{gone}\n\n'
        f"[checks.negative_data_rejection]\nexpected-statuses = {json.dumps(_REJECTIONS)}\n"
    )
