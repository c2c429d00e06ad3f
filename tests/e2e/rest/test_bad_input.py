"""Invalid input gets an error that names the fault, on the command line and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.deployment import Deployment
from tests.support.graphs import shell_pipeline

pytestmark = pytest.mark.e2e


def with_parameters() -> dict[str, Any]:
    """A pipeline with one required integer parameter."""
    spec = shell_pipeline({"a": []})
    parameters = {"n": {"parameterType": "NUMBER_INTEGER"}}
    spec["root"]["inputDefinitions"] = {"parameters": parameters}
    return spec


def with_custom_job() -> dict[str, Any]:
    """A pipeline with an unsupported feature."""
    spec = shell_pipeline({"a": []})
    spec["deploymentSpec"]["executors"]["exec-a"] = {"customJob": {}}
    return spec


@pytest.mark.parametrize(
    ("text", "arguments", "code", "says"),
    [
        ("a: [1, 2", (), "MALFORMED", "line 2, column 1"),
        ("just a text", (), "INVALID_SPEC", "got a string"),
        ("{}", (), "INVALID_SPEC", "schemaVersion"),
        ("", (), "INVALID_SPEC", "empty"),
        (yaml.safe_dump(with_parameters()), (), "INVALID_PARAMETER", "'n' is missing"),
        (
            yaml.safe_dump(with_parameters()),
            ("-p", "n=1.5"),
            "INVALID_PARAMETER",
            "expected an integer",
        ),
        (yaml.safe_dump(with_parameters()), ("-p", "n=x"), "INVALID_PARAMETER", "not JSON"),
        (
            yaml.safe_dump(with_parameters()),
            ("-p", "n=1", "-p", "m=2"),
            "INVALID_PARAMETER",
            "no parameter 'm'",
        ),
        (yaml.safe_dump(with_custom_job()), (), "UNSUPPORTED_FEATURE", "executors[exec-a]"),
    ],
)
def test_the_command_line_names_the_fault(
    deployment: Deployment,
    tmp_path: Path,
    text: str,
    arguments: tuple[str, ...],
    code: str,
    says: str,
) -> None:
    path = tmp_path / "package.yaml"
    path.write_text(text)
    error = deployment.json("run", "submit", str(path), *arguments, expect=1)["error"]
    assert error["code"] == code
    assert says in error["message"]
    spoken = deployment.command("run", "submit", str(path), *arguments)
    assert spoken.returncode == 1
    assert "Traceback" not in spoken.stderr
    assert spoken.stderr.startswith("headrace: ")


def test_a_yaml_bomb_is_rejected_before_it_expands(deployment: Deployment, tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    error = deployment.json("run", "submit", str(path), expect=1)["error"]
    assert "has more than 500,000 values" in error["message"]


def test_a_missing_object_is_not_found(deployment: Deployment) -> None:
    unknown = "01900000-0000-7000-8000-000000000000"
    assert deployment.json("run", "get", unknown, expect=1)["error"]["code"] == "NOT_FOUND"
    assert (
        deployment.json("run", "submit", "nowhere.yaml", expect=1)["error"]["code"] == "NOT_FOUND"
    )
    response = httpx.post(
        f"{deployment.url}/api/v1/runs",
        json={"pipeline": {"name": "nobody"}},
        timeout=300,
        trust_env=False,
    )
    assert response.status_code == 404
    assert "nobody" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/runs", "/apis/v2beta1/runs"])
@pytest.mark.parametrize("body", [b"{not json", b"[]", b'{"surprise": 1}'])
def test_a_malformed_body_is_a_client_error(deployment: Deployment, path: str, body: bytes) -> None:
    response = httpx.post(
        deployment.url + path,
        content=body,
        headers={"Content-Type": "application/json"},
        timeout=300,
        trust_env=False,
    )
    assert response.status_code == 400
    text = json.dumps(response.json())
    assert "Traceback" not in text
    assert "surprise" in text or b"surprise" not in body


def test_an_upload_of_300_megabytes_is_rejected(deployment: Deployment) -> None:
    boundary = "b" * 30
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="uploadfile"; '
        'filename="x.yaml"\r\n\r\n'
    ).encode()

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(300):
            yield b"x" * 1024 * 1024
        yield f"\r\n--{boundary}--\r\n".encode()

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    try:
        response = httpx.post(
            f"{deployment.url}/apis/v2beta1/pipelines/upload",
            content=body(),
            headers=headers,
            timeout=300,
            trust_env=False,
        )
        assert response.status_code == 413
        assert "32 MiB" in response.json()["error_message"]
    except (httpx.WriteError, httpx.ReadError):
        pass  # the connection was closed during the upload: rejected as well
    ready = httpx.get(f"{deployment.url}/readyz", timeout=300, trust_env=False)
    assert ready.status_code == 200
