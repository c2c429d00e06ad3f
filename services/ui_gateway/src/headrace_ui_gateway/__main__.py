"""Entry point of the gateway."""

from __future__ import annotations

from headrace_runtime.service import run_service

from headrace_ui_gateway.app import serve
from headrace_ui_gateway.settings import Settings


def main() -> None:
    """Run until the process is stopped."""
    run_service(Settings, serve)


if __name__ == "__main__":
    main()
