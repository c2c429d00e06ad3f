"""The pipeline that `bench-sdk` compiles. The SDK's `dsl` is an argument."""

from __future__ import annotations

from typing import Any


def define(dsl: Any, tasks: int) -> Any:
    """A pipeline of `tasks` tasks: chains of ten, with a loop and a branch per hundred."""

    def step_function(text: str, number: int = 1) -> str:
        """A step."""
        return text * number

    step_function.__annotations__ = {"text": str, "number": int, "return": str}
    step = dsl.component(base_image="python:3.11")(step_function)

    def pipeline_function(text: str = "a") -> None:
        last: Any = text
        for number in range(tasks):
            if number % 100 == 98:
                with dsl.ParallelFor(["a", "b"]) as item:
                    step(text=item)
            elif number % 100 == 99:
                with dsl.If(text == "a"):
                    step(text=text, number=2)
            else:
                last = text if number % 10 == 0 else last
                last = step(text=last).set_cpu_limit("1").output

    pipeline_function.__annotations__ = {"text": str}
    return dsl.pipeline(pipeline_function)
