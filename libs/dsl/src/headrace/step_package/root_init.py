"""The `headrace` package of a step: it contains only `headrace.dsl` for functions."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    raise AttributeError(
        f"headrace.{name} is not available inside a step, which has only headrace.dsl. To use the "
        "rest of the SDK, add headrace to the component's packages_to_install"
    )
