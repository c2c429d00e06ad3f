"""Entry point of the api."""

from __future__ import annotations

from headrace_runtime.service import run_service

from headrace_api.app import serve
from headrace_api.settings import Settings


def main() -> None:
    """Run the api until it is stopped."""
    run_service(Settings, serve)


if __name__ == "__main__":
    main()
