"""Loading of components."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from headrace import compiler, components, dsl


@dsl.component(base_image="python:3.11")
def say(text: str = "a") -> str:
    """Says it."""
    return text


def test_loading_from_a_url(tmp_path: Path) -> None:
    text = "{name: found, implementation: {container: {image: alpine}}}"
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(200 if self.path == "/component.yaml" else 404)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            found = components.load_component_from_url(f"{url}/component.yaml", ("me", "secret"))
            with pytest.raises(OSError, match="404"):
                components.load_component_from_url(f"{url}/other.yaml")
        finally:
            server.shutdown()
            thread.join()
    assert found.name == "found"
    assert seen[0] == "Basic bWU6c2VjcmV0"
    with pytest.raises(ValueError, match="http"):
        components.load_component_from_url("file:///etc/hostname")


def test_descriptions_are_loaded(tmp_path: Path) -> None:
    @dsl.pipeline(description="The first line.\nThe second.")
    def pipeline() -> None:
        say()

    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    assert components.load_component_from_file(str(path)).description == (
        "The first line.\nThe second."
    )
    compiler.Compiler().compile(say, str(path))
    assert components.load_component_from_file(str(path)).description == "Says it."
