"""Entry point of the executor."""

from __future__ import annotations

from headrace_runtime.service import run_service

from headrace_executor.app import serve
from headrace_executor.settings import Settings


def main() -> None:
    """Run the executor until it is stopped."""
    run_service(Settings, serve)


if __name__ == "__main__":
    main()
