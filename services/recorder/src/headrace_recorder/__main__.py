"""Entry point of the recorder."""

from __future__ import annotations

from headrace_runtime.service import run_service

from headrace_recorder.app import serve
from headrace_recorder.settings import Settings


def main() -> None:
    """Run until it is stopped."""
    run_service(Settings, serve)


if __name__ == "__main__":
    main()
