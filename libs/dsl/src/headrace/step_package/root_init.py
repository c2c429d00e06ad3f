"""The part of the Headrace SDK that every step carries: `headrace.dsl` as functions use it."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    raise AttributeError(
        f"headrace.{name} is not here: a step carries headrace.dsl alone. Add headrace to the "
        "component's packages_to_install to use the rest of it"
    )
